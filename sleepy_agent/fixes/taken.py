"""Fixes that were taken in, followed through the text, and whether they could be checked to the end.

An error of an early phase hides what later phases would say of the same function, a syntax error of the whole
crate. While a run goes on that is normal. What is still hidden at its end was never proven: such fixes are taken
back, so that nothing is written that the compiler has not seen whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sleepy_agent.cargo.verdict import is_syntax_error
from sleepy_agent.code.edits import Moves
from sleepy_agent.code.syntax import ancestors, node_at, parse_rust
from sleepy_agent.domain import Edit, Level, Problem


@dataclass(frozen=True, slots=True)
class TakenFix:
    """A fix in the text: what it is called, and where its edits lie now (file, start, end in bytes)."""

    problem: Problem
    title: str
    places: tuple[tuple[Path, int, int], ...]


def take_fix(problem: Problem, title: str, edits: Sequence[Edit], moves: Moves) -> TakenFix:
    """A fix that was just taken in by a change that moves positions as `moves` says."""
    places = tuple((edit.file, *moves.range(edit.file, edit.byte_start, edit.byte_end)) for edit in edits)
    return TakenFix(problem, title, places)


def follow(taken: Sequence[TakenFix], moves: Moves) -> list[TakenFix]:
    """The same fixes after a further change."""
    return [
        replace(fix, places=tuple((path, *moves.range(path, start, end)) for path, start, end in fix.places))
        for fix in taken
    ]


def unchecked_fixes(
    taken: Sequence[TakenFix], remaining: Sequence[Problem], read: Callable[[Path], bytes]
) -> list[TakenFix]:
    """Those that share a function with an error that is left, or a crate with a syntax error that is left."""
    errors = [problem for problem in remaining if problem.diagnostic.level == Level.ERROR]
    blind_packages = {problem.package for problem in errors if is_syntax_error(problem.diagnostic)}
    bodies = [body for problem in errors if (body := function_around(problem, read)) is not None]
    return [
        fix
        for fix in taken
        if any(path.suffix == ".rs" for path, _, _ in fix.places)
        and (
            fix.problem.package in blind_packages
            or any(
                path == body_path and body_start <= start and end <= body_end
                for path, start, end in fix.places
                for body_path, body_start, body_end in bodies
            )
        )
    ]


def function_around(problem: Problem, read: Callable[[Path], bytes]) -> tuple[Path, int, int] | None:
    """The outermost function that holds the place of a problem; closures and inner functions share its fate."""
    span = problem.span
    if span is None or span.file.suffix != ".rs":
        return None
    node = node_at(parse_rust(read(span.file)), span.byte_start, span.byte_end)
    functions = [around for around in ancestors(node) if around.type == "function_item"]
    return (span.file, functions[-1].start_byte, functions[-1].end_byte) if functions else None
