"""Rust's syntax trees (tree-sitter-rust) and the few questions about them that everything asks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache

import tree_sitter
import tree_sitter_rust
from tree_sitter import Node

from sleepy_agent.code.edits import common_prefix_length, common_suffix_length

COMMENT_KINDS = frozenset({"line_comment", "block_comment"})
LOOP_KINDS = frozenset({"loop_expression", "while_expression", "for_expression"})


@cache
def rust_language() -> tree_sitter.Language:
    """Rust's grammar."""
    return tree_sitter.Language(tree_sitter_rust.language())


@cache
def rust_parser() -> tree_sitter.Parser:
    """A parser for Rust; making one costs a millisecond, using it changes nothing in it."""
    return tree_sitter.Parser(rust_language())


def parse_rust(text: bytes) -> Node:
    """The root of the syntax tree; byte offsets are those of `text`. Broken code gives a tree with errors."""
    return tree_of(text).root_node


def parse_once(text: bytes) -> Node:
    """The same as `parse_rust`, for a text that is read once: trees are many times larger than their texts."""
    return rust_parser().parse(text).root_node


@lru_cache(maxsize=16)
def tree_of(text: bytes) -> tree_sitter.Tree:
    """The tree of a text; the last few are kept, because all candidates of a file start from the same text."""
    return rust_parser().parse(text)


@lru_cache(maxsize=4)
def parse_edited_rust(before: bytes, after: bytes) -> Node:
    """The same as `parse_rust(after)`, quicker where most of the text is as in `before`."""
    start = common_prefix_length(before, after)
    end = common_suffix_length(before, after, min(len(before), len(after)) - start)
    tree = tree_of(before).copy()
    tree.edit(
        start_byte=start,
        old_end_byte=len(before) - end,
        new_end_byte=len(after) - end,
        start_point=point_at(before, start),
        old_end_point=point_at(before, len(before) - end),
        new_end_point=point_at(after, len(after) - end),
    )
    return rust_parser().parse(after, tree).root_node


def point_at(text: bytes, position: int) -> tuple[int, int]:
    """Row and column of a byte, both from 0, columns in bytes: tree-sitter's points."""
    return text.count(b"\n", 0, position), position - (text.rfind(b"\n", 0, position) + 1)


def node_at(root: Node, start: int, end: int) -> Node:
    """The smallest node that holds the bytes start..end."""
    return root.descendant_for_byte_range(start, end) or root


def ancestors(node: Node | None) -> Iterator[Node]:
    """The node itself and everything around it, from the inside out."""
    while node is not None:
        yield node
        node = node.parent


def code_children(node: Node) -> list[Node]:
    """Named children that are code."""
    return [child for child in node.named_children if child.type not in COMMENT_KINDS]


def leaves(node: Node) -> Iterator[Node]:
    """The tokens below a node in the order of the text, comments left out."""
    if node.type in COMMENT_KINDS:
        return
    if not node.children or node.type in {"string_literal", "char_literal"}:
        yield node
        return
    for child in node.children:
        yield from leaves(child)


def visibility_of(node: Node, text: bytes) -> str:
    """`pub`, `pub(crate)`, ... or the empty string."""
    for child in node.children:
        if child.type == "visibility_modifier":
            return text[child.start_byte : child.end_byte].decode(errors="replace")
    return ""
