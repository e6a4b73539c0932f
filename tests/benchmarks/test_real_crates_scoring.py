"""The benchmark's own judge of broken crates, on a crate made here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.error_index.judge import Change
from benchmarks.real_crates.crates import Crate, OpenedCrate
from benchmarks.real_crates.judging import FileChange, JudgedCopy, apply_parts, errors_of, judge_crate, judged_copy
from benchmarks.real_crates.mutants import Maker, broken_texts, is_for_tests, item_around, rotated
from benchmarks.real_crates.mutation import Mutation
from benchmarks.real_crates.mutators import MUTATORS
from benchmarks.real_crates.peers import plain_search
from benchmarks.real_crates.report import percentile
from benchmarks.real_crates.scoring import UnitTests, differing_stretches, score_texts
from benchmarks.real_crates.sleepy import repaired, warm_session
from sleepy_agent.process import CancelToken

LIBRARY = """\
pub fn total(weights: &[u32]) -> u32 {
    let mut total = 0;
    for weight in weights {
        total += weight;
    }
    total
}

pub fn double(weight: u32) -> u32 {
    let twice = weight * 2;
    twice
}

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        assert_eq!(super::total(&[1, 2]), 3);
    }
}
"""

LIB = Path("src/lib.rs")


@pytest.fixture
def opened(tmp_path: Path) -> OpenedCrate:
    root = tmp_path / "sample"
    (root / "src").mkdir(parents=True)
    manifest = '[package]\nname = "sample"\nversion = "0.0.0"\nedition = "2021"\n\n[workspace]\n'
    (root / "Cargo.toml").write_text(manifest, encoding="utf-8")
    (root / LIB).write_text(LIBRARY, encoding="utf-8")
    return OpenedCrate(Crate("sample", "0.0.0", "made here"), root, tmp_path)


@pytest.fixture
def copy(opened: OpenedCrate) -> JudgedCopy:
    return judged_copy(opened)


def with_library(old: str, new: str) -> dict[Path, bytes]:
    assert old in LIBRARY
    return {LIB: LIBRARY.replace(old, new).encode()}


BROKEN = with_library("let mut total", "let total")


@pytest.mark.parametrize(
    ("after", "compiles", "clean", "equal", "tests"),
    [
        ({}, False, True, False, UnitTests.NOT_RUN),
        (with_library("let mut total = 0;", "let mut total = 0; // sum"), True, True, True, UnitTests.SAME_PROGRAM),
        (with_library("let mut total = 0;", "let mut total = 0u32;"), True, True, False, UnitTests.PASS),
        (with_library("let mut total = 0;", "let mut total = 7;"), True, True, False, UnitTests.FAIL),
        (with_library("        total += weight;\n", ""), True, False, False, UnitTests.FAIL),
        (with_library("total += weight", "totals += weight"), False, True, False, UnitTests.NOT_RUN),
    ],
)
def test_score(
    copy: JudgedCopy, after: dict[Path, bytes], compiles: bool, clean: bool, equal: bool, tests: UnitTests
) -> None:
    score = score_texts(copy, BROKEN, after, 1.0, CancelToken())
    assert (score.compiles, not score.cheats, score.equal, score.tests) == (compiles, clean, equal, tests)
    assert (copy.root / LIB).read_text(encoding="utf-8") == LIBRARY


def test_a_mutant_is_red_and_its_mistake_can_be_made_again(copy: JudgedCopy) -> None:
    maker = Maker(copy, CancelToken())
    mutator = next(mutator for mutator in MUTATORS if mutator.name == "mut of a variable forgotten")
    (mutant,) = maker._red([mutator], 1)
    assert mutant.texts(copy.opened) == BROKEN
    assert {error.code for error in mutant.errors} == {"E0596"}
    assert mutant.errors[0].file == str(LIB)


def test_two_mistakes_lie_in_different_functions(copy: JudgedCopy) -> None:
    maker = Maker(copy, CancelToken())
    kinds = [mutator for mutator in MUTATORS if mutator.name in {"mut of a variable forgotten", "let forgotten"}]
    (pair,) = maker._pairs(maker._red(kinds, 2), 1)
    assert len({mistake.item for mistake in pair.mistakes}) == 2
    assert broken_texts(pair.mistakes, copy.opened)[LIB].count(b"let ") == 1


def test_plain_search_takes_what_rustc_suggests(copy: JudgedCopy) -> None:
    after = plain_search(copy, BROKEN, CancelToken())
    assert after == {LIB: LIBRARY.encode()}


def test_sleepy_repairs_an_unsaved_text_and_leaves_the_disk_alone(opened: OpenedCrate) -> None:
    cancel = CancelToken()
    with warm_session(opened, cancel) as warm:
        repair = repaired(warm, BROKEN, cancel)
        again = repaired(warm, BROKEN, cancel, take_every_offer=True)
    assert repair.green
    assert again.green
    assert dict(repair.after) == {LIB: LIBRARY.encode()}
    assert any(tried.passed for tried in repair.tried)
    assert (opened.root / LIB).read_text(encoding="utf-8") == LIBRARY


def test_the_differing_stretch_is_made_of_whole_items() -> None:
    before = LIBRARY.replace("let mut total", "let total").encode()
    parts = differing_stretches(before, LIBRARY.encode(), LIBRARY.encode())
    assert parts[1] == parts[2]
    assert all(part.startswith("pub fn total") and part.endswith("total\n}\n\n") for part in parts)


def test_errors_of_cargo_with_alternatives_apart() -> None:
    span = {"file_name": "src/lib.rs", "byte_start": 1, "byte_end": 2, "line_start": 3, "is_primary": True}
    message = {
        "level": "error",
        "message": "something is wrong",
        "code": {"code": "E0001"},
        "spans": [span],
        "children": [
            {"spans": [{**span, "suggested_replacement": "a"}, {**span, "suggested_replacement": "b"}]},
            {"spans": [{**span, "file_name": "/rust/lib.rs", "suggested_replacement": "c"}]},
        ],
    }
    summary: dict[str, object] = {
        "level": "error",
        "message": "aborting due to 1 previous error",
        "code": None,
        "spans": [],
    }
    lines = [{"reason": "compiler-message", "message": one} for one in (message, summary)]
    (error,) = errors_of("\n".join(json.dumps(line) for line in [*lines, {"reason": "build-finished"}]))
    assert (error.code, error.file, error.line) == ("E0001", LIB, 3)
    assert [[part.change.text for part in suggestion] for suggestion in error.suggestions] == [["a"], ["b"]]


def test_parts_that_overlap_or_leave_the_crate_are_not_applied(opened: OpenedCrate) -> None:
    one, overlapping = FileChange(LIB, Change(0, 3, "x")), FileChange(LIB, Change(2, 4, "y"))
    outside = FileChange(Path("other.rs"), Change(0, 0, "x"))
    changed = apply_parts([one], {}, opened)
    assert changed is not None
    assert changed[LIB].startswith(b"x fn total")
    assert apply_parts([one, overlapping], {}, opened) is None
    assert apply_parts([outside], {}, opened) is None


def test_small_questions() -> None:
    assert next(mutator.name for mutator in rotated(MUTATORS, 1)) == MUTATORS[1].name
    assert is_for_tests(Path("src/tests/a.rs"))
    assert is_for_tests(Path("src/tests.rs"))
    assert not is_for_tests(Path("src/latest.rs"))
    place = LIBRARY.index("twice")
    item = item_around(LIBRARY.encode(), Mutation((Change(place, place, "x"),)))
    assert item == LIBRARY.index("pub fn double")
    assert percentile([1.0, 2.0, 3.0], 0.95) == 3.0


def test_judgement_of_a_green_crate(copy: JudgedCopy) -> None:
    assert judge_crate(copy, {}, CancelToken()).compiles
