"""A text as its lines, so that a change costs what it touches and not the whole text. Pure, lists aside.

The meaning of a change is that of `content_changes.py`, which gets only the lines between which it lies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sleepy_lsp.texts.content_changes import apply_content_changes

ENDS = ("start", "end")
"""The two positions of a range."""
# The line ends of LSP 3.17, "Text Documents"; `str.splitlines` knows more of them.
LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


def lines_of(text: str) -> list[str]:
    """The lines with their ends; the last one has none and may be empty."""
    lines = LINE.findall(text)
    if not lines or lines[-1].endswith(("\r", "\n")):
        lines.append("")
    return lines


def change_lines(lines: list[str], change: Any, encoding: str) -> None:
    """Make one `TextDocumentContentChangeEvent` in place. What is none changes nothing."""
    numbers = _line_numbers(change)
    if numbers is None:
        # The whole text is given, or something that only the other module can judge.
        lines[:] = lines_of(apply_content_changes("".join(lines), [change], encoding))
        return
    last = len(lines) - 1
    first, end = min(*numbers, last), min(max(numbers), last) + 1
    if first and lines[first - 1].endswith("\r"):
        # A line feed that comes to stand behind it would be part of the same line end.
        first -= 1
    between = apply_content_changes("".join(lines[first:end]), [_moved_up(change, first)], encoding)
    changed = lines_of(between)
    # What does not reach the end of the text ends with a line end, behind which nothing new begins.
    lines[first:end] = changed if end > last else changed[:-1]


def _line_numbers(change: Any) -> tuple[int, int] | None:
    """The lines that a change begins and ends in; None where it has no range, or an odd one."""
    place = change.get("range") if isinstance(change, Mapping) else None
    ends = [place.get(name) for name in ENDS] if isinstance(place, Mapping) else []
    lines = [end.get("line") for end in ends if isinstance(end, Mapping)]
    numbers = [line for line in lines if isinstance(line, int) and line >= 0]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def _moved_up(change: Any, lines: int) -> Any:
    place = {name: end | {"line": end["line"] - lines} for name, end in change["range"].items() if name in ENDS}
    return change | {"range": place}
