"""Positions of the Language Server Protocol and byte offsets of a text, both ways.

Source: LSP 3.17, "Text Documents" and "Position": a line ends with `\\n`, `\\r\\n` or `\\r`; lines and characters count
from 0; what a character is depends on the negotiated encoding (`utf-8`: bytes, `utf-16`: code units, `utf-32`: Unicode
scalar values); a character beyond the line means its end.

Imports nothing of the protocol, so that the proxy, which does without it, can use this.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE_ENDS = b"\r\n"
# How the text of a line is written so that one unit of the encoding takes a fixed number of bytes.
FIXED_WIDTHS = {"utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


@dataclass(frozen=True, slots=True)
class LineIndex:
    """The lines of a text.

    `text`: the bytes as they lie on the disk. `hidden`: how many bytes in front the editor does not show and does not
    count (a byte order mark). `starts`: the offset of each line; a text without any line end has one line.
    """

    text: bytes
    hidden: int
    starts: tuple[int, ...]

    def offset(self, line: int, character: int, encoding: str) -> int:
        """The byte offset of a position; one outside the text or inside a character moves back to what is there."""
        if line < 0:
            return self.hidden
        if line >= len(self.starts):
            return len(self.text)
        start = self.starts[line]
        content = self._line(line)
        return start + bytes_of_units(content, max(character, 0), encoding)

    def position(self, offset: int, encoding: str) -> tuple[int, int]:
        """Line and character of a byte offset. A place between `\\r` and `\\n` is the end of its line."""
        offset = min(max(offset, self.hidden), len(self.text))
        line = self.line_of(offset)
        before = self.text[self.starts[line] : offset].rstrip(LINE_ENDS)
        return line, units_of_bytes(before, encoding)

    def line_of(self, offset: int) -> int:
        """The line in which a byte lies; the end of the text lies in the last line."""
        return max(bisect_right(self.starts, offset) - 1, 0)

    def _line(self, line: int) -> bytes:
        """A line without its end."""
        end = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        return self.text[self.starts[line] : end].rstrip(LINE_ENDS)


def line_index(text: bytes, hidden: int | None = None) -> LineIndex:
    """The index of a text. Without `hidden`: a byte order mark in front is not shown."""
    if hidden is None:
        hidden = len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0
    return LineIndex(text, hidden, tuple(line_starts(text, hidden)))


def line_starts(text: bytes, first: int) -> Iterable[int]:
    """Where each line begins, the first one at `first`."""
    # Bytes, other than text, are split at the three line ends of the protocol and at nothing else.
    lines = text[first:].splitlines(keepends=True)
    starts = list(accumulate(map(len, lines), initial=first))
    if lines and not lines[-1].endswith((b"\n", b"\r")):
        starts.pop()
    return starts


def bytes_of_units(content: bytes, units: int, encoding: str) -> int:
    """How many bytes the first units of a line take, at most all of them. Half a character is none."""
    if content.isascii():
        return min(units, len(content))
    if encoding not in FIXED_WIDTHS:
        end = min(units, len(content))
        while 0 < end < len(content) and content[end] & 0xC0 == 0x80:
            end -= 1
        return end
    name, width = FIXED_WIDTHS[encoding]
    wide = content.decode(errors="replace").encode(name)[: units * width]
    return len(wide.decode(name, errors="ignore").encode())


def units_of_bytes(content: bytes, encoding: str) -> int:
    """How many units the bytes from the beginning of a line take."""
    if encoding not in FIXED_WIDTHS or content.isascii():
        return len(content)
    name, width = FIXED_WIDTHS[encoding]
    return len(content.decode(errors="replace").encode(name)) // width
