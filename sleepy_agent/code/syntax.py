"""Rust's syntax trees (tree-sitter-rust) and the few questions about them that everything asks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import tree_sitter
import tree_sitter_rust
from tree_sitter import Node

COMMENT_KINDS = frozenset({"line_comment", "block_comment"})
LOOP_KINDS = frozenset({"loop_expression", "while_expression", "for_expression"})


@cache
def rust_parser() -> tree_sitter.Parser:
    """A parser for Rust; making one costs a millisecond, using it changes nothing in it."""
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))


def parse_rust(text: bytes) -> Node:
    """The root of the syntax tree; byte offsets are those of `text`. Broken code gives a tree with errors."""
    return rust_parser().parse(text).root_node


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
