"""What a mutator of real functions says: edits of a text, and which error codes they are meant to give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tree_sitter import Node

__all__ = ["ByteEdit", "Mutant", "Mutator", "mutated"]


@dataclass(frozen=True, slots=True)
class ByteEdit:
    """The bytes start..end of a text become `replacement`."""

    start: int
    end: int
    replacement: bytes


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake that may be made in a text.

    `mutation` is the kind of mistake. It is a good one where rustc reports exactly one of `codes` ("" for an error
    without a code) and nothing else. `edits` do not overlap and stand in the order of the text.
    """

    mutation: str
    codes: tuple[str, ...]
    edits: tuple[ByteEdit, ...]

    @property
    def place(self) -> int:
        """The byte that the item to be broken must hold."""
        return self.edits[0].start


Mutator = Callable[[Node, bytes], Iterator[Mutant]]
"""All mistakes of one kind below a node of the text's tree; a function of the tree alone, in the order of the text."""


def mutated(text: bytes, mutant: Mutant) -> bytes:
    """The text with the mistake in it."""
    for edit in reversed(mutant.edits):
        text = text[: edit.start] + edit.replacement + text[edit.end :]
    return text
