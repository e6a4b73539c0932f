"""When a problem counts as gone, and what kind of change took it away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sleepy_agent.cargo.slots import UnitReport, UnitStatus
from sleepy_agent.domain import Diagnostic, Level, Problem, Span
from sleepy_agent.live.messages import KnownProblem
from sleepy_agent.live.vanishing import AwaitedProblem, awaited_after, is_deletion, vanished_problems

FILE = Path("/w/src/lib.rs")
TEXT = b"fn a() {\n    wrong();\n}\n"
BORROW, NAME, SYNTAX = "E0505", "E0425", None


def diagnostic(code: str | None = NAME, message: str = "cannot find function `wrong` in this scope") -> Diagnostic:
    span = Span(FILE, 13, 18, 2, 5, 2, 10, text="    wrong();")
    return Diagnostic(Level.ERROR, code, message, (span,))


def known(problem_id: str, code: str | None = NAME) -> KnownProblem:
    problem = Problem(diagnostic(code), "one", ("one-1",), "other", f"signature of {code}")
    return KnownProblem(problem_id, problem)


def report(status: UnitStatus, *errors: Diagnostic) -> dict[str, UnitReport]:
    return {"one-1": UnitReport("one-1", status, errors)}


def gone(
    present: list[KnownProblem], reports: dict[str, UnitReport], code: str = NAME, after: bytes = b""
) -> list[str]:
    awaited = {"p": AwaitedProblem(known("p", code), TEXT)}
    found = vanished_problems(awaited, present, reports, lambda _path: after, Path("/w"))
    return [one.problem_id for one in found]


@pytest.mark.parametrize(
    ("present", "reports", "code", "expected"),
    [
        ([], report(UnitStatus.GREEN), NAME, ["p"]),
        ([known("p")], report(UnitStatus.RED, diagnostic()), NAME, []),
        ([known("other name of it")], report(UnitStatus.RED, diagnostic()), NAME, []),
        ([], report(UnitStatus.BLOCKED), NAME, []),
        ([], report(UnitStatus.CRASHED), NAME, []),
        ([], {}, NAME, []),
        ([], report(UnitStatus.RED, diagnostic(SYNTAX, "expected one of `;` or `}`, found `x`")), NAME, []),
        ([], report(UnitStatus.RED, diagnostic(NAME)), BORROW, []),
        ([], report(UnitStatus.RED, diagnostic(BORROW, "cannot move out of `x` because it is borrowed")), NAME, ["p"]),
    ],
)
def test_a_problem_is_gone_only_where_the_compiler_came_as_far(
    present: list[KnownProblem], reports: dict[str, UnitReport], code: str, expected: list[str]
) -> None:
    assert gone(present, reports, code) == expected


def test_what_is_gone_tells_the_change_and_what_is_new() -> None:
    awaited = {"p": AwaitedProblem(known("p"), TEXT)}
    after = TEXT.replace(b"wrong", b"right")
    present = [known("q", BORROW)]
    (one,) = vanished_problems(awaited, present, report(UnitStatus.RED), lambda _path: after, Path("/w"))
    assert "-    wrong();" in one.diff_unified and "+    right();" in one.diff_unified
    assert (one.deleted, one.new_errors) == (False, 1)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (b"fn a() {\n}\n", True),
        (b"fn a() {\n    // wrong();\n}\n", True),
        (b"fn a() {\n    right();\n}\n", False),
        (b"fn b() {}\nfn a() {\n    wrong();\n}\n", False),
        (b"fn a() {\n    let x = 1;\n    wrong();\n}\n", False),
        (b"", True),
    ],
)
def test_taking_code_away_is_no_mending(after: bytes, expected: bool) -> None:
    assert is_deletion(TEXT, after, 2, 2) == expected


def test_a_problem_is_waited_for_under_its_new_name_with_its_newest_text() -> None:
    awaited = {"p": AwaitedProblem(known("p"), TEXT), "q": AwaitedProblem(known("q", BORROW), TEXT)}
    newer = TEXT + b"// more\n"
    after = awaited_after(awaited, [known("p2")], ["q"], lambda _path: newer)
    assert after == {"p2": AwaitedProblem(known("p2"), newer)}


def test_a_hidden_problem_is_still_waited_for() -> None:
    awaited = {"p": AwaitedProblem(known("p", BORROW), TEXT)}
    assert awaited_after(awaited, [], [], lambda _path: b"other") == awaited


def test_a_mistake_that_two_lines_share_is_gone_once() -> None:
    first, second = known("p"), known("q")
    awaited = {one.problem_id: AwaitedProblem(one, TEXT) for one in (first, second)}
    left = replace(first, problem_id="new name")
    found = vanished_problems(awaited, [left], report(UnitStatus.RED), lambda _path: b"", Path("/w"))
    assert len(found) == 1
