"""Many mistakes in one crate at once, each in a function of its own: the texts that rustc reads, and whose error is
whose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from sleepy_agent.domain import Diagnostic
from trainer.pretrain.crates.targets import Target
from trainer.pretrain.mutations.mutant import ByteEdit, Mutant

__all__ = ["Mistake", "Together"]

NOBODY: Final = -1


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mutant of a function."""

    target: Target
    mutant: Mutant

    @property
    def edits(self) -> tuple[ByteEdit, ...]:
        return self.mutant.edits

    @property
    def is_inside(self) -> bool:
        """Whether only the function's own body is touched, so that no other function can hear of it."""
        return self.edits[0].start > self.target.body


@dataclass(frozen=True)
class Together:
    """Mistakes in different functions of one crate."""

    mistakes: Sequence[Mistake]
    sources: Mapping[Path, bytes]

    @cached_property
    def edits(self) -> Mapping[Path, list[tuple[ByteEdit, int]]]:
        """All edits of each file in its order, with the number of their mistake."""
        found: dict[Path, list[tuple[ByteEdit, int]]] = {}
        for number, mistake in enumerate(self.mistakes):
            for edit in mistake.edits:
                found.setdefault(mistake.target.file, []).append((edit, number))
        for edits in found.values():
            edits.sort(key=lambda one: (one[0].start, one[0].end))
        return found

    @cached_property
    def texts(self) -> Mapping[Path, bytes]:
        """The files with all mistakes in them."""
        return {path: with_edits(self.sources[path], [edit for edit, _ in edits]) for path, edits in self.edits.items()}

    def alone(self, number: int, file: Path, position: int) -> int:
        """Where a byte of a file with all mistakes stands in the file with one of them only. What another mistake has
        put in stands where that mistake begins."""
        all_moved = own_moved = 0
        for edit, owner in self.edits.get(file, ()):
            start = edit.start + all_moved
            if position < start:
                break
            is_own, length = owner == number, len(edit.replacement)
            if position < start + length:
                return edit.start + own_moved + (position - start if is_own else 0)
            change = length - (edit.end - edit.start)
            all_moved += change
            own_moved += change if is_own else 0
        return position - all_moved + own_moved

    def owner_of(self, said: Diagnostic) -> int:
        """The number of the mistake in whose function an error is; NOBODY where it is in none."""
        primary = said.primary_span
        if primary is None:
            return NOBODY
        for number, mistake in self.by_file.get(primary.file, ()):
            position = self.alone(number, primary.file, primary.byte_start)
            growth = sum(len(edit.replacement) - (edit.end - edit.start) for edit in mistake.edits)
            if mistake.target.start <= position < mistake.target.end + growth:
                return number
        return NOBODY

    @cached_property
    def by_file(self) -> Mapping[Path, list[tuple[int, Mistake]]]:
        found: dict[Path, list[tuple[int, Mistake]]] = {}
        for number, mistake in enumerate(self.mistakes):
            found.setdefault(mistake.target.file, []).append((number, mistake))
        return found

    def by_mistake(self, errors: Sequence[Diagnostic]) -> Mapping[int, list[Diagnostic]]:
        """The errors of each mistake, and, under NOBODY, those outside of all functions that have one."""
        found: dict[int, list[Diagnostic]] = {}
        for error in errors:
            found.setdefault(self.owner_of(error), []).append(error)
        return found


def with_edits(text: bytes, edits: Sequence[ByteEdit]) -> bytes:
    """A text with edits made that stand in its order and do not overlap."""
    pieces, position = [], 0
    for edit in edits:
        pieces += [text[position : edit.start], edit.replacement]
        position = edit.end
    return b"".join([*pieces, text[position:]])
