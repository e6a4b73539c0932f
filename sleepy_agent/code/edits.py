"""Edits on the bytes of files: apply, combine, follow a position through them, show as a diff. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.domain import Edit

ReadText = Callable[[Path], bytes]

LINES_AROUND_A_DIFF = 20


@dataclass(frozen=True, slots=True)
class EditConflict:
    """Two edits that cannot both be made, or one that lies outside its file."""

    reason: str


def edits_by_file(edits: Iterable[Edit]) -> dict[Path, list[Edit]]:
    """The edits of each file in the order of the text."""
    files: dict[Path, list[Edit]] = {}
    for edit in edits:
        files.setdefault(edit.file, []).append(edit)
    for file_edits in files.values():
        file_edits.sort(key=lambda edit: (edit.byte_start, edit.byte_end))
    return files


def apply_edits(edits: Sequence[Edit], read_text: ReadText) -> dict[Path, bytes] | EditConflict:
    """The new text of every edited file. Two insertions at one place are made in the order given.

    Line ends follow the file: a replacement's `\\n` becomes `\\r\\n` where every line of the file ends so.
    The same edit given twice is made once.
    """
    texts: dict[Path, bytes] = {}
    for path, file_edits in edits_by_file(edits).items():
        text = read_text(path)
        windows_lines = has_windows_lines(text)
        pieces: list[bytes] = []
        position = 0
        for edit in dict.fromkeys(file_edits):
            if edit.byte_start < position or edit.byte_end > len(text) or edit.byte_end < edit.byte_start:
                return EditConflict(f"its parts overlap in {path.name}")
            pieces += [text[position : edit.byte_start], replacement_bytes(edit, windows_lines=windows_lines)]
            position = edit.byte_end
        texts[path] = b"".join([*pieces, text[position:]])
    return texts


def has_windows_lines(text: bytes) -> bool:
    """Whether all lines end in `\\r\\n`. In a file that mixes both nobody can say what a new line should end in,
    and an edit that was computed from its text must give exactly the text that was meant."""
    return b"\r\n" in text and text.count(b"\n") == text.count(b"\r\n")


def replacement_bytes(edit: Edit, *, windows_lines: bool) -> bytes:
    """What an edit puts into the file."""
    replacement = edit.replacement.encode()
    return replacement.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if windows_lines else replacement


def edit_between(path: Path, before: bytes, after: bytes) -> Edit:
    """The smallest single edit that makes `after` of `before`, never splitting a character."""
    start = common_prefix_length(before, after)
    end = common_suffix_length(before, after, min(len(before), len(after)) - start)
    while start > 0 and any(len(text) > start and text[start] & 0xC0 == 0x80 for text in (before, after)):
        start -= 1
    while end > 0 and before[len(before) - end] & 0xC0 == 0x80:
        end -= 1
    return Edit(path, start, len(before) - end, after[start : len(after) - end].decode())


def common_prefix_length(first: bytes, second: bytes) -> int:
    """How many bytes at the beginning are the same. Halving compares in C what a loop would compare in Python."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def common_suffix_length(first: bytes, second: bytes, most: int) -> int:
    """How many bytes at the end are the same, at most `most`."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if first[len(first) - middle : len(first) - low] == second[len(second) - middle : len(second) - low]:
            low = middle
        else:
            high = middle - 1
    return low


class OccupiedPlaces:
    """Places in files, and whether another place touches one of them, without looking at all of them."""

    BYTES_OF_A_CELL = 64

    def __init__(self) -> None:
        self._cells: dict[tuple[Path, int], list[tuple[int, int]]] = {}

    def add(self, path: Path, start: int, end: int) -> None:
        for cell in range(start // self.BYTES_OF_A_CELL, end // self.BYTES_OF_A_CELL + 1):
            self._cells.setdefault((path, cell), []).append((start, end))

    def touched_by(self, path: Path, start: int, end: int) -> bool:
        """Whether start..end shares a byte or an edge with a place that was added."""
        return any(
            first <= end and start <= last
            for cell in range(start // self.BYTES_OF_A_CELL, end // self.BYTES_OF_A_CELL + 1)
            for first, last in self._cells.get((path, cell), ())
        )


@dataclass(frozen=True, slots=True)
class Moves:
    """How positions of some files move when texts change; files without changes keep theirs."""

    changes: Mapping[Path, tuple[tuple[int, int, int], ...]]
    """For each file: (start, end, length of the new text), in the order of the text."""

    def range(self, path: Path, start: int, end: int) -> tuple[int, int]:
        """Where the bytes start..end lie afterwards; text that was replaced stands for what replaced it.

        What is inserted at an edge lies outside; at an empty place it is that place afterwards.
        """
        first, last = self._position(path, start, at_end=False), self._position(path, end, at_end=True)
        return min(first, last), max(first, last)

    def _position(self, path: Path, position: int, *, at_end: bool) -> int:
        shift = 0
        for start, end, length in self.changes.get(path, ()):
            if position < start or (position == start and (at_end or start < end)):
                break
            if position >= end:
                shift += length - (end - start)
            else:
                return start + shift + (length if at_end else 0)
        return position + shift

    def touches(self, path: Path, start: int, end: int) -> bool:
        """Whether a change lies inside or next to the bytes start..end of the text before."""
        return any(first <= end and start <= last for first, last, _ in self.changes.get(path, ()))


def moves_of(edits: Iterable[Edit], read_text: ReadText) -> Moves:
    """What `apply_edits` does to positions."""
    changes = {}
    for path, file_edits in edits_by_file(edits).items():
        windows_lines = has_windows_lines(read_text(path))
        changes[path] = tuple(
            (edit.byte_start, edit.byte_end, len(replacement_bytes(edit, windows_lines=windows_lines)))
            for edit in dict.fromkeys(file_edits)
        )
    return Moves(changes)


def compose(first: Sequence[Edit], second: Sequence[Edit], read_text: ReadText) -> tuple[Edit, ...] | EditConflict:
    """Edits on the original texts that do what `first` and then `second` (on the result of `first`) do.

    Where both touch a file, the file's combined change is one edit for each stretch that differs. Line ends
    follow the original text.
    """
    middle = apply_edits(first, read_text)
    if isinstance(middle, EditConflict):
        return middle
    final = apply_edits(second, lambda path: middle[path] if path in middle else read_text(path))
    if isinstance(final, EditConflict):
        return final
    edits: list[Edit] = []
    for path in dict.fromkeys([*middle, *final]):
        edits += line_edits(path, read_text(path), final.get(path, middle.get(path, b"")))
    return tuple(edits)


def line_edits(path: Path, before: bytes, after: bytes) -> list[Edit]:
    """One minimal edit for each group of neighbouring lines that differ."""
    lines_before, lines_after = before.splitlines(keepends=True), after.splitlines(keepends=True)
    # Comparing takes quadratic time in lines that repeat (`}`), so equal beginnings and ends are cut off first.
    head = count_equal(lines_before, lines_after)
    tail = count_equal(lines_before[head:][::-1], lines_after[head:][::-1])
    offsets = [sum(len(line) for line in lines_before[:head])]
    lines_before = lines_before[head : len(lines_before) - tail]
    lines_after = lines_after[head : len(lines_after) - tail]
    for line in lines_before:
        offsets.append(offsets[-1] + len(line))
    edits = []
    matcher = difflib.SequenceMatcher(None, lines_before, lines_after, autojunk=False)
    for tag, first, last, new_first, new_last in matcher.get_opcodes():
        if tag != "equal":
            old, new = b"".join(lines_before[first:last]), b"".join(lines_after[new_first:new_last])
            edit = edit_between(path, old, new)
            shift = offsets[first]
            edits.append(Edit(path, edit.byte_start + shift, edit.byte_end + shift, edit.replacement))
    return edits


def count_equal(first: Sequence[object], second: Sequence[object]) -> int:
    """How many items (lines, tokens) at the beginning are the same."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((number for number, (one, other) in pairs if one != other), min(len(first), len(second)))


def unified_diff(before: Mapping[Path, bytes], after: Mapping[Path, bytes], root: Path, context: int = 3) -> str:
    """A diff as git prints it, with paths relative to `root`, without trailing newline."""
    pieces: list[str] = []
    for path, text in after.items():
        name = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
        pieces += unified_hunks(before[path], text, f"a/{name}", f"b/{name}", context)
    return "\n".join(pieces)


def unified_hunks(before: bytes, after: bytes, old_name: str, new_name: str, context: int) -> Iterator[str]:
    """The lines of one file's diff. Only the stretch that differs is compared, line by line."""
    start = common_prefix_length(before, after)
    end = common_suffix_length(before, after, min(len(before), len(after)) - start)
    # Whole lines, with more around than are shown: among lines that repeat, the change may be told elsewhere.
    for _ in range(context + LINES_AROUND_A_DIFF):
        start = before.rfind(b"\n", 0, max(0, start - 1)) + 1
        line_end = before.find(b"\n", len(before) - end)
        end = len(before) - (line_end + 1) if end and line_end >= 0 else 0
    skipped = len(before[:start].splitlines())
    # Bytes are split, because text would also be split at a form feed or U+2028 within a line.
    old = [line.decode(errors="replace") for line in before[start : len(before) - end].splitlines()]
    new = [line.decode(errors="replace") for line in after[start : len(after) - end].splitlines()]
    for line in difflib.unified_diff(old, new, old_name, new_name, n=context, lineterm=""):
        yield moved_hunk_header(line, skipped) if line.startswith("@@") else line


def moved_hunk_header(header: str, lines: int) -> str:
    """`@@ -1,3 +1,4 @@` with both beginnings that many lines further down."""
    return re.sub(r"(?<=[-+])\d+", lambda number: str(int(number.group()) + lines), header)
