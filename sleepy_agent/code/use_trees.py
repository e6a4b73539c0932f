"""The names that a `use` declaration brings, nested trees flattened. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

PATH_KEYWORDS = frozenset({"crate", "self", "super"})


@dataclass(frozen=True, slots=True)
class UseLeaf:
    """One name of a use tree."""

    path: tuple[str, ...]
    name: str
    is_glob: bool
    byte_start: int
    byte_end: int


def use_leaves(argument: Node, text: bytes, prefix: tuple[str, ...] = ()) -> Iterator[UseLeaf]:
    """All names below a node of a use tree, in the order of the text."""
    kind = argument.type
    if kind == "use_list":
        for child in argument.named_children:
            yield from use_leaves(child, text, prefix)
    elif kind == "scoped_use_list":
        path, members = argument.child_by_field_name("path"), argument.child_by_field_name("list")
        if members is not None:
            yield from use_leaves(members, text, (*prefix, *path_segments(path, text)))
    elif kind == "use_wildcard":
        path = argument.named_children[0] if argument.named_children else None
        segments = (*prefix, *path_segments(path, text))
        yield UseLeaf(segments, "*", True, argument.start_byte, argument.end_byte)
    elif kind == "use_as_clause":
        path, alias = argument.child_by_field_name("path"), argument.child_by_field_name("alias")
        # `as _` has no alias in the tree: the underscore is a token of its own.
        name = _text(alias, text) if alias is not None else "_"
        yield _leaf((*prefix, *path_segments(path, text)), name, argument)
    elif kind in {"identifier", "scoped_identifier", "self", "crate", "super"}:
        segments = (*prefix, *path_segments(argument, text))
        yield _leaf(segments, "", argument)


def _leaf(segments: tuple[str, ...], name: str, node: Node) -> UseLeaf:
    """`std::io::{self}` is the module `std::io`."""
    path = segments[:-1] if len(segments) > 1 and segments[-1] == "self" else segments
    return UseLeaf(path, name or (path[-1] if path else ""), False, node.start_byte, node.end_byte)


def path_segments(node: Node | None, text: bytes) -> tuple[str, ...]:
    """`("std", "io")` of `std::io`; the arguments of types are left out."""
    if node is None:
        return ()
    if node.type in {"scoped_identifier", "scoped_type_identifier"}:
        name = node.child_by_field_name("name")
        return (*path_segments(node.child_by_field_name("path"), text), *path_segments(name, text))
    if node.type in {"generic_type", "generic_type_with_turbofish"}:
        return path_segments(node.child_by_field_name("type"), text)
    return (_text(node, text).removeprefix("r#"),)


def _text(node: Node, text: bytes) -> str:
    return text[node.start_byte : node.end_byte].decode(errors="replace")
