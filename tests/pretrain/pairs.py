"""Verified pairs without rustc: the error is written down as rustc says it."""

from __future__ import annotations

from sleepy_agent.domain import Applicability, Diagnostic, Edit, Level, Span, Suggestion
from trainer.pretrain.records import FILE, Broken, Program, Verified


def span_of(text: str, part: str, label: str | None = None, *, is_primary: bool = True) -> Span:
    """The first place of a part of a text that is on one line."""
    start = text.index(part)
    line = text.count("\n", 0, start)
    column = start - (text.rfind("\n", 0, start) + 1)
    end = start + len(part)
    return Span(FILE, start, end, line + 1, column + 1, line + 1, column + 1 + len(part), is_primary, label, None, part)


def pair(
    broken: str,
    right: str,
    at: str,
    code: str | None = "E0308",
    message: str = "mismatched types",
    suggested: tuple[tuple[str, str], ...] = (),
) -> Verified:
    """A pair whose error is at a part of the broken text. `suggested`: what rustc would put in place of what."""
    edits = tuple(Edit(FILE, broken.index(old), broken.index(old) + len(old), new) for old, new in suggested)
    suggestions = (Suggestion("consider this", Applicability.MAYBE_INCORRECT, edits),) if edits else ()
    diagnostic = Diagnostic(Level.ERROR, code, message, (span_of(broken, at),), (), suggestions)
    program = Program("template:written", "", right)
    return Verified(Broken(program, "type.written", broken, code or ""), diagnostic)
