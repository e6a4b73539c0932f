"""Causes before consequences: what is worked on first, and what waits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sleepy_agent.cargo.trials import Trial
from sleepy_agent.domain import Diagnostic, Level, Problem, Span
from sleepy_agent.fixes.ordering import causes_of, waves_of

from .test_engine import Repair, take_preferred
from .toy_session import FILE as TOY_FILE
from .toy_session import Answer, ScriptedSource, ToySession, body, search_with, toy

FILE = Path("/shop/src/lib.rs")
OTHER = Path("/shop/src/other.rs")
TEXT = b"fn first() { a( }\n\nfn second() { b() }\n"


def error(
    code: str | None, message: str, *mentions: str, file: Path = FILE, start: int = 0, package: str = "shop"
) -> Problem:
    """An error that points at `start` and mentions these texts."""
    spans = tuple(
        Span(file, start, start + 1, 1, 1, 1, 2, is_primary=not number, text=text)
        for number, text in enumerate(mentions or ("",))
    )
    return Problem(Diagnostic(Level.ERROR, code, message, spans), package, ("lib",), "other", "signature")


NO_TYPE = error("E0412", "cannot find type `Shelf` in this scope", "Shelf")
NO_IMPORT = error("E0432", "unresolved import `crate::store::Shelf`", "crate::store::Shelf")


@pytest.mark.parametrize(
    ("problems", "causes"),
    [
        pytest.param([NO_TYPE, error("E0308", "mismatched types", "Shelf::new()")], {1: 0}, id="a later phase"),
        pytest.param([error("E0308", "mismatched types", "Shelf::new()"), NO_TYPE], {0: 1}, id="in whatever order"),
        pytest.param([NO_TYPE, error("E0308", "mismatched types", "Shelves::new()")], {}, id="another name"),
        pytest.param(
            [NO_TYPE, error("E0308", "mismatched types", "x", "let x: Shelf = 1")], {1: 0}, id="told beside the place"
        ),
        pytest.param([NO_TYPE, error("E0308", "mismatched types", "Shelf", package="app")], {}, id="another package"),
        pytest.param([NO_TYPE, NO_TYPE, NO_TYPE], {}, id="the same cause many times"),
        pytest.param(
            [NO_TYPE, error("E0405", "cannot find trait `Shelf` in this scope", "Shelf")], {}, id="the same phase"
        ),
        pytest.param([NO_TYPE, NO_IMPORT], {0: 1}, id="a missing import explains a missing name"),
        pytest.param(
            [error("E0308", "mismatched types", "Shelf"), error("E0382", "use of moved value", "Shelf")],
            {},
            id="only what cannot be found explains",
        ),
        pytest.param(
            [error(None, "expected one of `)`", "(", start=14), error("E0425", "cannot find value `b`", "b", start=13)],
            {1: 0},
            id="in the function of a syntax error",
        ),
        pytest.param(
            [error(None, "expected one of `)`", start=14), error(None, "expected `;`", start=16)],
            {1: 0},
            id="a syntax error in the scope of another",
        ),
        pytest.param(
            [error(None, "expected one of `)`", start=14), error("E0425", "cannot find value `b`", file=OTHER)],
            {},
            id="another file",
        ),
        pytest.param(
            [Problem(Diagnostic(Level.ERROR, None, "linking failed", ()), "shop", (), "other", "s"), NO_TYPE],
            {},
            id="an error without a place",
        ),
    ],
)
def test_what_waits_for_what(problems: list[Problem], causes: dict[int, int]) -> None:
    assert causes_of(problems, lambda _path: TEXT) == causes


def test_waves_are_causes_then_consequences_each_in_the_order_of_phases() -> None:
    problems = [
        error("E0382", "use of moved value: `x`", "x"),
        error("E0308", "mismatched types", "Shelf::new()"),
        error("E0308", "mismatched types", "5"),
        NO_TYPE,
        NO_IMPORT,
    ]
    assert waves_of(problems, lambda _path: TEXT) == [[4, 2, 0], [3, 1]]


def hundred_errors() -> tuple[str, dict[str, tuple[Answer, ...]]]:
    """A missing import that 40 lines name and 40 others stumble over, and 20 mistakes that have nothing to do with it.

    What could be done for a single consequence compiles as well, and costs less.
    """
    words = [*["bad_map"] * 40, *["bad_map, wrong_map"] * 20, *[f"bad_{number}" for number in range(20)]]
    answers = {
        "bad_map": (Answer("mop", 0.1), Answer("", 0.2, at_start="import_map;\n")),
        "wrong_map": (Answer("0", 0.0, keeps_behaviour=True),),
    }
    answers |= {f"bad_{number}": (Answer(f"good_{number}", 0.1),) for number in range(20)}
    return body(*words), answers


def test_of_a_hundred_errors_the_cause_is_mended_and_with_it_what_it_caused() -> None:
    text, answers = hundred_errors()
    session = toy(text)
    assert len(session.check()) == 100
    repair = Repair(session, take_preferred, sources=(ScriptedSource(answers),))
    assert not repair.remaining
    assert repair.text.startswith("import_map;\n") and "mop" not in repair.text
    # The import and all that has nothing to do with it in one compile, and it was right at once.
    assert len(session.tried) == 1
    assert not any("wrong_map" in one.message for one in repair.book.episodes)


def test_a_consequence_is_worked_on_when_nothing_can_be_done_for_its_cause() -> None:
    session = toy(body("bad_map, wrong_map"))
    answers = {"bad_map": (Answer("wrong_x"),), "wrong_map": (Answer("0"),)}
    search, reported, problems = search_with(session, ScriptedSource(answers))
    assert [problem.message.split("`")[1] for problem, _, _ in reported] == ["bad_map", "wrong_map"]
    assert search.given_up == {0} and set(search.found) == {1} and len(problems) == 2


def test_a_consequence_waits_while_its_cause_has_candidates_left() -> None:
    session = toy(body("bad_map, wrong_map"))
    answers = {"bad_map": (Answer("wrong_x"), Answer("wrong_y", 0.5), Answer("z", 0.9)), "wrong_map": (Answer("0"),)}
    search, reported, _ = search_with(session, ScriptedSource(answers))
    assert {problem.message.split("`")[1] for problem, _, _ in reported} == {"bad_map"}
    assert set(search.found) == {0} and not search.given_up


def test_an_edit_that_mends_only_some_of_those_that_ask_for_it_is_compiled_for_those() -> None:
    session = toy(body("bad_a", "bad_a", "bad_b"))
    both = Answer("a", at_start="import_a;\n")
    search, reported, _ = search_with(session, ScriptedSource({"bad_a": (both,), "bad_b": (both,)}))
    assert set(search.found) == {0, 1}
    assert [(problem.message.split("`")[1], verdict.passed) for problem, _, verdict in reported] == [
        ("bad_b", False),
        ("bad_a", True),
        ("bad_a", True),
    ]
    assert len(session.tried) == 2


class EndlessSession(ToySession):
    """Each of the first mended mistakes brings another to light."""

    def commit(self, trial: Trial) -> frozenset[str]:
        changed = super().commit(trial)
        number = sum(1 for text in self.overlay_texts.values() for _ in re.finditer(rb"good_", text))
        if number < 5:
            self.overlay_texts[TOY_FILE] += body(f"bad_{number}").encode()
        return changed


def test_what_was_given_up_is_tried_again_only_when_nothing_new_is_left() -> None:
    # No first candidate is right, so that every round comes to the further ones.
    answers = {"bad_a": (Answer("wrong_x"), Answer("wrong_y", 0.5))}
    answers |= {f"bad_{number}": (Answer("wrong_z"), Answer(f"good_{number}", 0.4)) for number in range(5)}
    session = EndlessSession({TOY_FILE: body("bad_a", "bad_0").encode()}, {})
    Repair(session, take_preferred, sources=(ScriptedSource(answers),))
    assert session.read(TOY_FILE).count(b"good_") == 5
    # In the first round, and at the end.
    assert sum("wrong_y" in text[TOY_FILE] for text in session.tried) == 2
