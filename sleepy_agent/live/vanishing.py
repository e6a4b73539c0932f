"""Problems that were there and are not any more: candidates for the developer's own fixes. Pure."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.cargo.slots import UnitReport, UnitStatus
from sleepy_agent.cargo.verdict import phase_of
from sleepy_agent.code.edits import unified_diff
from sleepy_agent.domain import Problem
from sleepy_agent.live.messages import KnownProblem, VanishedProblem

# Who leaves so many problems open does not mend them one by one.
MOST_AWAITED = 200


@dataclass(frozen=True, slots=True)
class AwaitedProblem:
    """A problem somebody saw, with the last text of its file that had it."""

    known: KnownProblem
    text: bytes


def same_mistake_of(problem: Problem) -> tuple[str, str, Path | None]:
    """What stays of a problem while its line is edited."""
    span = problem.span
    return (problem.package, problem.signature, span.file if span is not None else None)


def may_be_hidden(problem: Problem, reports: Mapping[str, UnitReport]) -> bool:
    """Whether nobody can tell that a problem is gone: what reported it was not compiled, or not so far."""
    phase = phase_of(problem.diagnostic)
    for unit_id in problem.units:
        report = reports.get(unit_id)
        if report is None or report.status in {UnitStatus.BLOCKED, UnitStatus.CRASHED}:
            return True
        if any(phase_of(error) < phase for error in report.errors):
            return True
    return False


def vanished_problems(
    awaited: Mapping[str, AwaitedProblem],
    present: Sequence[KnownProblem],
    reports: Mapping[str, UnitReport],
    read: Callable[[Path], bytes],
    root: Path,
) -> tuple[VanishedProblem, ...]:
    """Those of `awaited` that the present text has not, under their name or under another."""
    ids = {known.problem_id for known in present}
    left = Counter(same_mistake_of(known.problem) for known in present if known.problem_id not in awaited)
    found = []
    for problem_id, one in awaited.items():
        problem = one.known.problem
        span = problem.span
        if problem_id in ids or span is None or may_be_hidden(problem, reports):
            continue
        mistake = same_mistake_of(problem)
        if left[mistake] > 0:
            # The same mistake stands in a line that reads otherwise now: its line was edited, it was not mended.
            left[mistake] -= 1
            continue
        now = read(span.file)
        found.append(
            VanishedProblem(
                problem_id=problem_id,
                problem=problem,
                diff_unified=unified_diff({span.file: one.text}, {span.file: now}, root),
                deleted=is_deletion(one.text, now, span.line_start, span.line_end),
                new_errors=new_errors_of(span.file, awaited, present),
            )
        )
    return tuple(found)


def new_errors_of(file: Path, awaited: Collection[str], present: Iterable[KnownProblem]) -> int:
    """Errors of a file that are not awaited."""
    return sum(
        1
        for known in present
        if known.problem_id not in awaited and (span := known.problem.span) is not None and span.file == file
    )


def is_deletion(before: bytes, after: bytes, first_line: int, last_line: int) -> bool:
    """Whether what changed around some lines (from 1, both included) only took code away, or made it a comment."""
    old, new = before.decode(errors="replace").splitlines(), after.decode(errors="replace").splitlines()
    touched = [
        (old[i1:i2], new[j1:j2])
        for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if tag != "equal" and i1 < last_line and i2 >= first_line
    ]
    return bool(touched) and all(code_of(removed) and not code_of(inserted) for removed, inserted in touched)


def code_of(lines: Iterable[str]) -> list[str]:
    """The lines that are neither empty nor a comment."""
    return [line for line in lines if line.strip() and not line.strip().startswith("//")]


def awaited_after(
    awaited: Mapping[str, AwaitedProblem],
    present: Sequence[KnownProblem],
    gone: Collection[str],
    read: Callable[[Path], bytes],
) -> dict[str, AwaitedProblem]:
    """What is waited for from now on: without what is gone, and each with the newest text that has it."""
    ids = {known.problem_id: known for known in present}
    # A problem whose line was edited goes on under its new name.
    renamed = {same_mistake_of(known.problem): known for known in present if known.problem_id not in awaited}
    kept: dict[str, AwaitedProblem] = {}
    for problem_id, one in awaited.items():
        if problem_id in gone:
            continue
        known = ids.get(problem_id) or renamed.get(same_mistake_of(one.known.problem))
        if known is None:
            kept[problem_id] = one
        elif (span := known.problem.span) is not None:
            kept[known.problem_id] = AwaitedProblem(known, read(span.file))
    return dict(list(kept.items())[-MOST_AWAITED:])
