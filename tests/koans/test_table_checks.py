"""Each thing that can be wrong with the table or a text, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from koans.small_koans import DOOR, FOUNTAIN, TESTS, changed
from sleepy_agent.checksums import sha256_of_text
from sleepy_agent.families import load_family_rules
from sleepy_agent.koans.records import Koan, KoanSet
from sleepy_agent.koans.table_checks import HARD_SHAPES, lock_complaints, set_complaints, table_complaints

FAMILIES = load_family_rules().families
SHORT = "fn one() -> u8 {\n    1\n}\n\n"
MENDED_ALONE = DOOR.solution.replace(TESTS, "")
LONG = "".join(f"pub const LINE_{number}: u32 = {number};\n" for number in range(30))


def set_of(*koans: Koan, locked: dict[str, str] | None = None, strays: tuple[str, ...] = ()) -> KoanSet:
    return KoanSet(Path(), koans, {}, locked or {}, strays)


def said_of(*koans: Koan) -> list[str]:
    """What is said of these koans, as those of a larger set."""
    only = frozenset(koan.name for koan in koans)
    return [f"{one.koan}: {one.text}" for one in table_complaints(set_of(*koans), FAMILIES, only)]


def test_nothing_is_said_of_good_koans() -> None:
    assert said_of(DOOR, FOUNTAIN) == []


@pytest.mark.parametrize(
    ("koan", "says"),
    [
        (replace(DOOR, family="doors"), "there is no family doors: name one of borrow_checker"),
        (replace(DOOR, code="594"), "the code 594 is none of rustc's"),
        (replace(DOOR, shape="a strange one"), "there is no shape 'a strange one'"),
        (replace(DOOR, hint="the door"), "the hint is no sentence"),
        (replace(DOOR, exercise=SHORT + TESTS, solution=SHORT.replace("1", "2") + TESTS), "has 3 lines without"),
        (changed(DOOR, both=("/// Counts", LONG + "/// Counts")), "has 43 lines without its tests: make it 10 to 40"),
        (replace(DOOR, exercise=DOOR.exercise.replace(TESTS, ""), solution=MENDED_ALONE), "no test that asserts"),
        (changed(DOOR, both=("#[test]", "// none")), "no test that asserts something"),
        (
            changed(DOOR, exercise=("door.let_in(3), 5", "door.let_in(3), 3")),
            "the tests of exercise and solution differ",
        ),
        (replace(DOOR, exercise=DOOR.solution), "exercise and solution are the same"),
        (changed(DOOR, both=("self.visitors += more", "unsafe { self.visitors += more }")), "it has unsafe in it"),
        (changed(DOOR, both=("self.visitors += more", 'println!("{more}")')), "it has input or output in it"),
        (changed(DOOR, both=("/// Counts", "use std::time::Instant;\n\n/// Counts")), "it has the clock in it"),
        (changed(DOOR, both=("        self.visitors\n", "        todo!()\n")), "it has work left undone in it"),
    ],
)
def test_what_is_wrong_with_one_koan(koan: Koan, says: str) -> None:
    said = said_of(koan)
    assert len([one for one in said if says in one]) == 1, said


def test_words_in_texts_and_remarks_are_free() -> None:
    assert said_of(changed(DOOR, both=("/// Counts", "/// Nothing unsafe: counts"))) == []


def test_two_koans_that_are_one() -> None:
    twin = changed(replace(DOOR, name="park_gate"), both=("Door", "Gate"))
    said = said_of(DOOR, twin)
    assert len(said) == 1
    assert said[0].startswith("park_gate: with the names taken out it is like museum_door (100%, at most")


def locked_files(koan: Koan) -> dict[str, str]:
    return {
        f"exercises/{koan.name}.rs": sha256_of_text(koan.exercise.encode()),
        f"solutions/{koan.name}.rs": sha256_of_text(koan.solution.encode()),
    }


FROZEN = replace(DOOR, frozen=True)


@pytest.mark.parametrize(
    ("koans", "locked", "says"),
    [
        ([FROZEN], locked_files(FROZEN), []),
        ([FROZEN], {}, ["no checksum of exercises/museum_door.rs", "no checksum of solutions/museum_door.rs"]),
        (
            [replace(FROZEN, solution=FROZEN.solution + "\n")],
            locked_files(FROZEN),
            ["solutions/museum_door.rs is not the text that was frozen: take the change back"],
        ),
        ([DOOR], {"exercises/museum_door.rs": "0" * 64}, ["which is no frozen koan: bring that koan back"]),
    ],
)
def test_the_lock(koans: Sequence[Koan], locked: dict[str, str], says: list[str]) -> None:
    said = [one.text for one in lock_complaints(set_of(*koans, locked=locked), None)]
    assert len(said) == len(says)
    assert all(part in text for part, text in zip(says, said, strict=True))


def test_what_the_whole_set_must_be() -> None:
    said = [one.text for one in set_complaints(set_of(FROZEN, FOUNTAIN, strays=("exercises/attic.rs",)))]
    assert said[0] == "no koan of the table has exercises/attic.rs: add an entry for it, or delete it."
    assert said[1] == "there are 2 koans: make them 80."
    assert said[2] == (
        "frozen are 1 borrow_checker: they must be 10 borrow_checker, 10 result_handling, 10 trait_bounds."
    )
    assert len(said) == 3 + len(HARD_SHAPES)


def test_the_whole_set_is_not_asked_about_where_some_are() -> None:
    assert said_of(DOOR) == []
    assert table_complaints(set_of(DOOR), FAMILIES) != []
