"""From compiler messages to problems: which diagnostics count, which are the same, what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from sleepy_agent.cargo.slots import UnitReport
from sleepy_agent.cargo.units import Unit
from sleepy_agent.cargo.verdict import phase_of
from sleepy_agent.domain import Diagnostic, Level, Problem
from sleepy_agent.families import FamilyRules, family_of
from sleepy_agent.signature import signature_of

PATH_BEFORE_NAME = re.compile(r"\b(?:[A-Za-z_]\w*::)+(?=[A-Za-z_])")
ErrorKey = tuple[str | None, str, Path | None, int, int]


def error_key(diagnostic: Diagnostic) -> ErrorKey:
    """What makes two messages about the same text the same: code, words and place.

    rustc writes the shortest path by which a crate can name something, so the words of a library and of its unit tests
    may differ in the paths before a name.
    """
    span = diagnostic.primary_span
    place = (span.file, span.byte_start, span.byte_end) if span else (None, -1, -1)
    return (diagnostic.code, PATH_BEFORE_NAME.sub("", diagnostic.message), *place)


def judged_diagnostics(diagnostics: Iterable[Diagnostic], *, with_clippy: bool) -> tuple[Diagnostic, ...]:
    """What a verdict is about: errors, each once; with `--clippy` also clippy's warnings."""
    judged: dict[ErrorKey, Diagnostic] = {}
    for diagnostic in diagnostics:
        is_lint = with_clippy and diagnostic.level == Level.WARNING and (diagnostic.code or "").startswith("clippy::")
        if diagnostic.level in {Level.ERROR, Level.CRASH} or is_lint:
            judged.setdefault(error_key(diagnostic), diagnostic)
    return tuple(judged.values())


def find_problems(
    units: Iterable[Unit], reports: Mapping[str, UnitReport], rules: FamilyRules, *, with_clippy: bool
) -> tuple[Problem, ...]:
    """All problems of the reports: each once, however many units report it; causes before consequences
    (earlier phases of the compiler first), then in the order of the crates and of the text."""
    found: dict[ErrorKey, tuple[Diagnostic, Unit, list[str]]] = {}
    order: dict[ErrorKey, tuple[int, int, str, int]] = {}
    for position, unit in enumerate(units):
        report = reports.get(unit.unit_id)
        if report is None:
            continue
        for diagnostic in judged_diagnostics(report.diagnostics, with_clippy=with_clippy):
            key = error_key(diagnostic)
            if key in found:
                found[key][2].append(unit.unit_id)
                continue
            found[key] = (diagnostic, unit, [unit.unit_id])
            span = diagnostic.primary_span
            is_lint = diagnostic.level == Level.WARNING
            order[key] = (
                position if not is_lint else 1_000_000 + position,
                phase_of(diagnostic),
                str(span.file) if span else "",
                span.byte_start if span else 0,
            )
    return tuple(
        Problem(
            diagnostic=diagnostic,
            package=unit.package,
            units=tuple(unit_ids),
            family=family_of(diagnostic, rules),
            signature=signature_of(diagnostic),
        )
        for key in sorted(found, key=order.__getitem__)
        for diagnostic, unit, unit_ids in [found[key]]
    )
