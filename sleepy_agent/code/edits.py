"""Edits on the bytes of files: apply, combine, follow a position through them, show as a diff. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.domain import Edit

ReadText = Callable[[Path], bytes]


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

    Line ends follow the file: a replacement's `\\n` becomes `\\r\\n` where the file is written so.
    """
    texts: dict[Path, bytes] = {}
    for path, file_edits in edits_by_file(edits).items():
        text = read_text(path)
        windows_lines = b"\r\n" in text
        pieces: list[bytes] = []
        position = 0
        for edit in dict.fromkeys(file_edits):
            if edit.byte_start < position or edit.byte_end > len(text) or edit.byte_end < edit.byte_start:
                return EditConflict(f"its parts overlap in {path.name}")
            replacement = edit.replacement.encode()
            if windows_lines:
                replacement = replacement.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            pieces += [text[position : edit.byte_start], replacement]
            position = edit.byte_end
        texts[path] = b"".join([*pieces, text[position:]])
    return texts


def edit_between(path: Path, before: bytes, after: bytes) -> Edit:
    """The smallest single edit that makes `after` of `before`, never splitting a character."""
    start = 0
    limit = min(len(before), len(after))
    while start < limit and before[start] == after[start]:
        start += 1
    end = 0
    while end < limit - start and before[-1 - end] == after[-1 - end]:
        end += 1
    while start > 0 and any(len(text) > start and text[start] & 0xC0 == 0x80 for text in (before, after)):
        start -= 1
    while end > 0 and before[len(before) - end] & 0xC0 == 0x80:
        end -= 1
    return Edit(path, start, len(before) - end, after[start : len(after) - end].decode())


@dataclass(frozen=True, slots=True)
class Moves:
    """How positions of some files move when texts change; files without changes keep theirs."""

    changes: Mapping[Path, tuple[tuple[int, int, int], ...]]
    """For each file: (start, end, length of the new text), in the order of the text."""

    def range(self, path: Path, start: int, end: int) -> tuple[int, int]:
        """Where the bytes start..end lie afterwards; text that was replaced stands for what replaced it."""
        return self._position(path, start, at_end=False), self._position(path, end, at_end=True)

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
        windows_lines = b"\r\n" in read_text(path)
        changes[path] = tuple(
            (
                edit.byte_start,
                edit.byte_end,
                len(edit.replacement.encode())
                + (edit.replacement.replace("\r\n", "\n").count("\n") if windows_lines else 0),
            )
            for edit in dict.fromkeys(file_edits)
        )
    return Moves(changes)


def compose(first: Sequence[Edit], second: Sequence[Edit], read_text: ReadText) -> tuple[Edit, ...] | EditConflict:
    """Edits on the original texts that do what `first` and then `second` (on the result of `first`) do.

    Where both touch a file, the file's combined change is one edit for each stretch that differs.
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
    offsets = [0]
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


def unified_diff(before: Mapping[Path, bytes], after: Mapping[Path, bytes], root: Path, context: int = 3) -> str:
    """A diff as git prints it, with paths relative to `root`, without trailing newline."""
    pieces: list[str] = []
    for path, text in after.items():
        name = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
        old = before[path].decode(errors="replace").splitlines()
        new = text.decode(errors="replace").splitlines()
        pieces += difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", n=context, lineterm="")
    return "\n".join(pieces)
