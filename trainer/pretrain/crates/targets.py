"""Which functions of a crate are broken, and what else its files declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tree_sitter import Node

from sleepy_agent.code.syntax import ancestors, code_children, parse_once

__all__ = ["Declared", "Target", "Targets", "name_of", "targets_of"]

LONGEST_FUNCTION: Final = 2400
"""In bytes; a longer one is not shown as a whole anyway."""
MOST_LINES: Final = 60
TYPES: Final = frozenset({"struct_item", "enum_item", "trait_item", "type_item", "union_item"})
VALUES: Final = frozenset({"const_item", "static_item"})
FUNCTIONS: Final = frozenset({"function_item", "function_signature_item"})


@dataclass(frozen=True, slots=True)
class Target:
    """A function that may be broken. `start`..`end` are its bytes without attributes, `body` is where its block begins;
    `name` has the type of its impl in it."""

    file: Path
    start: int
    body: int
    end: int
    name: str


@dataclass(frozen=True, slots=True)
class Declared:
    """An item that an error may name: its bytes, those of what stands around it (the impl or the trait; -1 where there
    is none), and where its body begins, if it is a function with one."""

    file: Path
    start: int
    end: int
    body: int = -1
    around: int = -1
    around_body: int = -1
    owner: str = ""
    """The type whose impl it is in."""
    is_type: bool = False


@dataclass(frozen=True)
class Targets:
    """What there is in a crate."""

    functions: list[Target] = field(default_factory=list)
    declared: dict[str, list[Declared]] = field(default_factory=dict)
    """By name, in the order of the files."""
    members: dict[str, list[Declared]] = field(default_factory=dict)
    """The methods of a type, by the type's name."""


def targets_of(sources: Mapping[Path, bytes]) -> Targets:
    """All functions that are worth breaking, and all declarations."""
    found = Targets()
    for path, text in sources.items():
        for item in items_below(parse_once(text), text):
            declare(found, path, text, item)
    return found


def items_below(node: Node, text: bytes) -> Iterator[Node]:
    """Items of a file, of its modules, impls and traits; nothing that is only for tests, nothing inside functions."""
    is_for_tests = False
    for child in code_children(node):
        if child.type == "attribute_item":
            said = text[child.start_byte : child.end_byte]
            is_for_tests = is_for_tests or (said.startswith((b"#[cfg(", b"#[test")) and b"test" in said)
            continue
        if not is_for_tests:
            if child.type in TYPES | VALUES | FUNCTIONS:
                yield child
            body = child.child_by_field_name("body")
            if child.type in {"mod_item", "impl_item", "trait_item"} and body is not None:
                yield from items_below(body, text)
        is_for_tests = False


def declare(found: Targets, path: Path, text: bytes, item: Node) -> None:
    """Note an item, and the function that it may be."""
    name = name_of(item, text)
    around = next((one for one in ancestors(item.parent) if one.type in {"impl_item", "trait_item"}), None)
    around_body = around.child_by_field_name("body") if around is not None else None
    body = item.child_by_field_name("body") if item.type in FUNCTIONS else None
    owner = name_of(around, text) if around is not None else ""
    one = Declared(
        file=path,
        start=item.start_byte,
        end=item.end_byte,
        body=body.start_byte if body is not None else -1,
        around=around.start_byte if around is not None else -1,
        around_body=around_body.start_byte if around_body is not None else -1,
        owner=owner,
        is_type=item.type in TYPES,
    )
    found.declared.setdefault(name, []).append(one)
    if owner and item.type in FUNCTIONS:
        found.members.setdefault(owner, []).append(one)
    size = item.end_byte - item.start_byte
    lines = item.end_point[0] - item.start_point[0] + 1
    if item.type == "function_item" and body is not None and size <= LONGEST_FUNCTION and lines <= MOST_LINES:
        full = f"{owner}::{name}" if owner else name
        found.functions.append(Target(path, item.start_byte, body.start_byte, item.end_byte, full))


def name_of(item: Node, text: bytes) -> str:
    """The name of an item; of an impl that of its type, without arguments and path."""
    node = item.child_by_field_name("type" if item.type == "impl_item" else "name")
    while node is not None and node.type in {"generic_type", "scoped_type_identifier", "reference_type"}:
        node = node.child_by_field_name("name") or node.child_by_field_name("type")
    return text[node.start_byte : node.end_byte].decode(errors="replace") if node is not None else ""
