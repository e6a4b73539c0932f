"""What the compiler's warnings say about an edit that it accepts: a value that was used and is not any more."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from sleepy_agent.cargo.slots import UnitReport
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.code.changes import signature_around
from sleepy_agent.code.edits import Moves, moves_of
from sleepy_agent.code.flags import all_flags
from sleepy_agent.code.syntax import parse_rust
from sleepy_agent.domain import Diagnostic, Edit, Level

FUNCTION_KINDS = frozenset({"function_item", "function_signature_item"})
QUOTED_NAME = re.compile(r"`(?:r#)?([^\W\d]\w*)`")


@dataclass(frozen=True, slots=True)
class WarningRule:
    """One rule of warnings.toml."""

    flag: str
    lints: frozenset[str]
    concerns_lines: bool
    """Whether it counts on the lines that an edit changes; else it counts where a name lost a use."""
    concerns_calls: bool
    """Whether it counts at calls of functions whose signature an edit changes, too."""


@cache
def warning_rules() -> tuple[WarningRule, ...]:
    """warnings.toml."""
    raw = tomllib.loads(files("sleepy_agent.fixes").joinpath("warnings.toml").read_text(encoding="utf-8"))
    return tuple(
        WarningRule(
            entry["flag"], frozenset(entry["lints"]), entry["where"] in {"lines", "calls"}, entry["where"] == "calls"
        )
        for entry in raw["rule"]
    )


def warning_flags(
    edits: Sequence[Edit], trial: Trial, before: Mapping[str, UnitReport], read: Callable[[Path], bytes]
) -> tuple[str, ...]:
    """Flags of the warnings that `edits` cause, which are all or a part of what the trial compiled."""
    moves = moves_of(trial.edits, read)
    known = {moved_key(warning, moves) for unit in trial.reports for warning in warnings_of(before.get(unit))}
    found = set()
    for report in trial.reports.values():
        for warning in warnings_of(report):
            if moved_key(warning, Moves({})) not in known:
                found |= flags_of_warning(warning, edits, trial, moves, read)
    return tuple(name for name in all_flags() if name in found)


def flags_of_warning(
    warning: Diagnostic, edits: Sequence[Edit], trial: Trial, moves: Moves, read: Callable[[Path], bytes]
) -> set[str]:
    """The flags of one warning that was not there before."""
    found = set()
    for rule in warning_rules():
        if warning.code not in rule.lints or rule.flag in found:
            continue
        if rule.concerns_lines:
            caused = any(touches_lines(warning, edit, trial, moves) for edit in edits) or (
                rule.concerns_calls and calls_what_changed(warning, edits, trial, moves, read)
            )
        else:
            caused = any(lost_a_use(name, edits, trial, read) for name in QUOTED_NAME.findall(warning.message)) or (
                brought_in(warning, edits, trial, moves)
            )
        if caused:
            found.add(rule.flag)
    return found


def warnings_of(report: UnitReport | None) -> Iterator[Diagnostic]:
    """The warnings of one unit."""
    if report is not None:
        yield from (diagnostic for diagnostic in report.diagnostics if diagnostic.level == Level.WARNING)


def moved_key(warning: Diagnostic, moves: Moves) -> tuple[str | None, str, Path | None, int]:
    """What makes two warnings the same: words, and the place after the change."""
    span = warning.primary_span
    if span is None:
        return (warning.code, warning.message, None, -1)
    start, _ = moves.range(span.file, span.byte_start, span.byte_end)
    return (warning.code, warning.message, span.file, start)


def touches_lines(warning: Diagnostic, edit: Edit, trial: Trial, moves: Moves) -> bool:
    """Whether a warning points at a line that an edit changed."""
    text = trial.texts.get(edit.file)
    if text is None:
        return False
    start, end = moves.range(edit.file, edit.byte_start, edit.byte_end)
    first = text.rfind(b"\n", 0, start) + 1
    last = text.find(b"\n", end)
    last = last if last >= 0 else len(text)
    return any(span.file == edit.file and span.byte_start <= last and first <= span.byte_end for span in warning.spans)


def calls_what_changed(
    warning: Diagnostic, edits: Iterable[Edit], trial: Trial, moves: Moves, read: Callable[[Path], bytes]
) -> bool:
    """Whether a warning points at a call of a function whose signature an edit changed."""
    span = warning.primary_span
    if span is None:
        return False
    text = trial.texts[span.file] if span.file in trial.texts else read(span.file)
    called = text[span.byte_start : span.byte_end]
    for edit in edits:
        after = trial.texts.get(edit.file)
        item = (
            signature_around(parse_rust(after), *moves.range(edit.file, edit.byte_start, edit.byte_end))
            if after
            else None
        )
        name = item.child_by_field_name("name") if item is not None and item.type in FUNCTION_KINDS else None
        if name is not None and after is not None:
            word = after[name.start_byte : name.end_byte]
            if re.search(rb"\b" + word + rb"\s*(::<[^()]*>)?\(", called):
                return True
    return False


def lost_a_use(name: str, edits: Iterable[Edit], trial: Trial, read: Callable[[Path], bytes]) -> bool:
    """Whether the edited texts mention a name less often than before."""
    word = re.compile(rb"\b" + name.encode() + rb"\b")
    paths = {edit.file for edit in edits} & trial.texts.keys()
    return any(len(word.findall(trial.texts[path])) < len(word.findall(read(path))) for path in paths)


def brought_in(warning: Diagnostic, edits: Iterable[Edit], trial: Trial, moves: Moves) -> bool:
    """Whether what a warning points at was written by an edit."""
    span = warning.primary_span
    if span is None:
        return False
    for edit in edits:
        if edit.file == span.file and edit.file in trial.texts:
            start, end = moves.range(edit.file, edit.byte_start, edit.byte_end)
            if start <= span.byte_start and span.byte_end <= end and start < end:
                return True
    return False


def unused_names(trial: Trial, place: tuple[Path, int, int], read: Callable[[Path], bytes]) -> frozenset[str]:
    """What the warnings of a trial call unused in one stretch of the text before."""
    path, first, last = place
    start, end = moves_of(trial.edits, read).range(path, first, last)
    lints = frozenset(lint for rule in warning_rules() if not rule.concerns_lines for lint in rule.lints)
    return frozenset(
        f"{warning.code} {warning.message}"
        for report in trial.reports.values()
        for warning in warnings_of(report)
        if warning.code in lints
        and (span := warning.primary_span) is not None
        and span.file == path
        and start <= span.byte_start
        and span.byte_end <= end
    )
