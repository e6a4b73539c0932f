"""Compare what the compiler says before and after a change. Pure; the design's section "Verdict".

An error is *the same* as an earlier one when code and message agree and its place is where the earlier one's
place moved to. Line numbers never decide.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from sleepy_agent.code.edits import Moves
from sleepy_agent.domain import Diagnostic, Edit
from sleepy_agent.signature import normalise_message


@dataclass(frozen=True, slots=True)
class PhaseRule:
    """One rule of phases.toml."""

    phase: int
    codes: frozenset[str]
    code_pattern: re.Pattern[str] | None
    message: re.Pattern[str] | None
    no_code: bool


@dataclass(frozen=True, slots=True)
class PhaseTable:
    """phases.toml: the names of the phases in order, the rules, and words that are no names of the user's."""

    order: tuple[str, ...]
    rules: tuple[PhaseRule, ...]
    common_words: frozenset[str]


@cache
def phase_table() -> PhaseTable:
    """The table, read once."""
    raw = tomllib.loads(files("sleepy_agent.cargo").joinpath("phases.toml").read_text(encoding="utf-8"))
    order = tuple(raw["order"])
    rules = tuple(
        PhaseRule(
            phase=order.index(entry["phase"]),
            codes=frozenset(entry.get("codes", ())),
            code_pattern=re.compile(entry["code_pattern"]) if "code_pattern" in entry else None,
            message=re.compile(entry["message"]) if "message" in entry else None,
            no_code=entry.get("no_code", False),
        )
        for entry in raw["rule"]
    )
    return PhaseTable(order, rules, frozenset(raw["common_words"].split()))


def phase_of(diagnostic: Diagnostic) -> int:
    """The compiler's phase that reports this, from 0 (parsing)."""
    table = phase_table()
    for rule in table.rules:
        if rule.no_code and diagnostic.code is not None:
            continue
        if rule.codes and diagnostic.code not in rule.codes:
            continue
        if rule.code_pattern and not (diagnostic.code and rule.code_pattern.fullmatch(diagnostic.code)):
            continue
        if rule.message and not rule.message.search(diagnostic.message):
            continue
        return rule.phase
    return table.order.index("types")


def is_syntax_error(diagnostic: Diagnostic) -> bool:
    """Whether this keeps the compiler from looking at anything else in the crate."""
    return phase_of(diagnostic) == phase_table().order.index("parse")


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the errors of one unit changed. `gone` and `remaining` are from before, the others from after."""

    gone: tuple[Diagnostic, ...]
    remaining: tuple[Diagnostic, ...]
    new: tuple[Diagnostic, ...]
    unmasked: tuple[Diagnostic, ...]


def same_mistake(before: Diagnostic, after: Diagnostic, moves: Moves, *, exact: bool) -> bool:
    """Whether `after` is `before` at its moved place. Not exact: names in the message may differ, and the
    places need only overlap (an edit inside the place changes its text and bounds)."""
    if before.code != after.code:
        return False
    old, new = before.primary_span, after.primary_span
    if old is None or new is None:
        return old is new and before.message == after.message
    if old.file != new.file:
        return False
    start, end = moves.range(old.file, old.byte_start, old.byte_end)
    if exact:
        return before.message == after.message and (start, end) == (new.byte_start, new.byte_end)
    if not moves.touches(old.file, old.byte_start, old.byte_end):
        # Nothing changed there, so only an unchanged place can hold the same mistake.
        return (start, end) == (new.byte_start, new.byte_end) and normalised(before) == normalised(after)
    return start <= new.byte_end and new.byte_start <= end and normalised(before) == normalised(after)


def normalised(diagnostic: Diagnostic) -> str:
    return normalise_message(diagnostic.message)


Place = tuple[str | None, str, Path | None, int]
TOUCHED = "touched"


def place_after(diagnostic: Diagnostic, moves: Moves) -> Place:
    """Code, message, file and beginning, after the moves."""
    span = diagnostic.primary_span
    if span is None:
        return (diagnostic.code, diagnostic.message, None, -1)
    return (diagnostic.code, diagnostic.message, span.file, moves.range(span.file, span.byte_start, span.byte_end)[0])


def kind_and_place(diagnostic: Diagnostic, moves: Moves) -> tuple[object, ...]:
    """What another wording of a mistake from before is looked up by: its place, or that the place was changed."""
    span = diagnostic.primary_span
    kind = (diagnostic.code, normalised(diagnostic), span.file if span else None)
    if span is None:
        return (*kind, None)
    touched = moves.touches(span.file, span.byte_start, span.byte_end)
    return (*kind, TOUCHED if touched else moves.range(span.file, span.byte_start, span.byte_end))


def compare_errors(
    before: Sequence[Diagnostic], after: Sequence[Diagnostic], moves: Moves, edits: Sequence[Edit], target_phase: int
) -> Comparison:
    """Match the errors after a change with those before it, each at most once, exact matches first.

    What is new counts as `unmasked` where it comes from a later phase than the target (`target_phase`), and
    neither its spans touch the edited lines nor its text names something the edit names.
    """
    remaining, new = [], []
    waiting = []
    by_place: dict[Place, list[Diagnostic]] = {}
    for old in before:
        by_place.setdefault(place_after(old, moves), []).append(old)
    taken: set[int] = set()
    for diagnostic in after:
        candidates = by_place.get(place_after(diagnostic, Moves({})), ())
        match = next(
            (old for old in candidates if id(old) not in taken and same_mistake(old, diagnostic, moves, exact=True)),
            None,
        )
        if match is None:
            waiting.append(diagnostic)
        else:
            taken.add(id(match))
            remaining.append(match)
    # Only a changed place can hold the same mistake in other words or bounds; those are few.
    alike: dict[tuple[object, ...], list[Diagnostic]] = {}
    for old in before if waiting else ():
        if id(old) not in taken:
            alike.setdefault(kind_and_place(old, moves), []).append(old)
    for diagnostic in waiting:
        span = diagnostic.primary_span
        kind = (diagnostic.code, normalised(diagnostic), span.file if span else None)
        unmoved = (*kind, (span.byte_start, span.byte_end) if span else None)
        candidates = [*alike.get(unmoved, ()), *alike.get((*kind, TOUCHED), ())]
        match = next(
            (old for old in candidates if id(old) not in taken and same_mistake(old, diagnostic, moves, exact=False)),
            None,
        )
        if match is None:
            new.append(diagnostic)
        else:
            taken.add(id(match))
            remaining.append(match)
    unmatched = [old for old in before if id(old) not in taken]
    names = names_in(edit.replacement for edit in edits)
    unmasked = [error for error in new if phase_of(error) > target_phase and not concerns_edit(error, moves, names)]
    return Comparison(
        gone=tuple(unmatched),
        remaining=tuple(remaining),
        new=tuple(error for error in new if not any(error is other for other in unmasked)),
        unmasked=tuple(unmasked),
    )


def names_in(texts: Iterable[str]) -> frozenset[str]:
    """Lower-case identifiers that a piece of Rust names: its bindings, fields and functions."""
    words = {word for text in texts for word in re.findall(r"(?<!['\w])[a-z_]\w*", text)}
    return frozenset(words - phase_table().common_words)


def concerns_edit(error: Diagnostic, moves: Moves, names: frozenset[str]) -> bool:
    """Whether an error touches the lines that were edited, or speaks of a name that the edit names."""
    for span in error.spans:
        for start, end, length in new_ranges(moves, span.file):
            if span.byte_start <= end + length and start <= span.byte_end:
                return True
    spoken = [*re.findall(r"`([^`]*)`", error.message), *(span.text for span in error.spans)]
    return bool(names_in(spoken) & names)


def new_ranges(moves: Moves, path: Path) -> list[tuple[int, int, int]]:
    """Where the changed stretches lie in the new text: (start, start, length)."""
    ranges = []
    shift = 0
    for start, end, length in moves.changes.get(path, ()):
        ranges.append((start + shift, start + shift, length))
        shift += length - (end - start)
    return ranges
