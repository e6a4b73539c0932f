"""What is known while the type of an expression is guessed, and what `Self` and generic arguments stand for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tree_sitter import Node

from sleepy_agent.code.index import WorkspaceIndex
from sleepy_agent.code.item_parts import text_of
from sleepy_agent.code.items import Item
from sleepy_agent.code.syntax import ancestors
from sleepy_agent.code.type_text import split_outside, type_arguments, without_reference

Readers = Mapping[str, Callable[["Sight", Node], str | None]]

DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known while an expression is looked at."""

    index: WorkspaceIndex
    root: Node
    text: bytes
    depth: int = 0
    readers: Readers = field(default_factory=dict, repr=False)
    """What reads each kind of expression."""

    def of(self, node: Node | None) -> str:
        return text_of(node, self.text)

    def type_of(self, node: Node | None) -> str | None:
        """The type of an inner expression."""
        if node is None or self.depth > DEEPEST:
            return None
        reader = self.readers.get(node.type)
        return reader(replace(self, depth=self.depth + 1), node) if reader is not None else None


def self_type(sight: Sight, node: Node) -> str | None:
    """What `Self` is at a node; in a trait nobody knows."""
    around = next((one for one in ancestors(node) if one.type in {"impl_item", "trait_item"}), None)
    return sight.of(around.child_by_field_name("type")) if around is not None and around.type == "impl_item" else None


def with_self(sight: Sight, written: str | None, node: Node, own: str | None = None) -> str | None:
    """A written type with `Self` replaced; None where that cannot be."""
    if written is None or not re.search(r"\bSelf\b", written):
        return written
    own = own or self_type(sight, node)
    return re.sub(r"\bSelf\b(?!::)", lambda _: own, written) if own is not None and "Self::" not in written else None


def with_unknown_arguments(written: str, item: Item | None) -> str:
    """The type with `_` for each of its arguments where none is written."""
    names = generic_names(item)
    return f"{written}<{', '.join('_' for _ in names)}>" if names and "<" not in written else written


def generic_names(item: Item | None) -> list[str]:
    """The type and const parameters of an item."""
    return parameters_of(item.generics) if item is not None else []


def parameters_of(generics: str) -> list[str]:
    """`["T", "N"]` of `<'a, T: Clone, const N: usize>`."""
    parts = [part.strip() for part in split_outside(generics[1:-1], ",")]
    names = [re.split(r"[\s:=]", part.removeprefix("const "))[0] for part in parts if not part.startswith("'")]
    return [name for name in names if name.isidentifier()]


def substituted(written: str | None, owner: str, item: Item | None) -> str | None:
    """The type of a field with the owner's arguments put in; None where one is not known."""
    names = generic_names(item)
    return filled_in(written, names, dict(zip(names, type_arguments(owner), strict=False)))


def filled_in(written: str | None, names: Sequence[str], known: Mapping[str, str]) -> str | None:
    """A type with its parameters `names` replaced; None where nothing is known of it.

    What is not known of a part becomes `_`.
    """
    if written is None or not names:
        return written
    found = re.sub(r"\b(?:" + "|".join(names) + r")\b", lambda match: known.get(match.group(), "_"), written)
    return None if without_reference(found) == "_" or "_::" in found else found
