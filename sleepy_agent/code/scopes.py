"""What stands around a place in Rust code: locals, the function, the block, the statement, generic parameters."""

from __future__ import annotations

from tree_sitter import Node

from sleepy_agent.code.expression_types import type_of_expression
from sleepy_agent.code.item_parts import parameter_names
from sleepy_agent.code.local_names import (
    Local,
    LocalKind,
    all_locals_at,
    bindings_in,
    declaration_of,
    format_uses_of,
    locals_at,
    uses_of,
)
from sleepy_agent.code.syntax import ancestors

__all__ = [
    "Local",
    "LocalKind",
    "all_locals_at",
    "bindings_in",
    "declaration_of",
    "enclosing_block",
    "enclosing_function",
    "enclosing_statement",
    "format_uses_of",
    "lifetimes_at",
    "locals_at",
    "type_of_expression",
    "type_parameters_at",
    "uses_of",
]

BLOCKS = frozenset({"block", "async_block", "unsafe_block"})


def enclosing_function(node: Node) -> Node | None:
    """The innermost `fn` around a node (closures are none)."""
    return next((one for one in ancestors(node) if one.type in {"function_item", "function_signature_item"}), None)


def enclosing_block(node: Node) -> Node | None:
    """The innermost `{ .. }` of statements around a node, not the node itself."""
    return next((one for one in ancestors(node.parent) if one.type == "block"), None)


def enclosing_statement(node: Node) -> Node | None:
    """The statement, item or last expression of a block that holds the node."""
    for one in ancestors(node):
        if one.parent is not None and one.parent.type == "block":
            return one
        if one.type == "function_item":
            return None
    return None


def _parameters_around(node: Node, text: bytes) -> list[str]:
    """The generic parameters of everything around a node, innermost first; an item inside of a function does not
    see the function's."""
    found: list[str] = []
    for one in ancestors(node):
        if one.type in {"function_item", "function_signature_item", "impl_item", "trait_item"} or (
            one.type.endswith("_item") and one.child_by_field_name("type_parameters") is not None
        ):
            found += parameter_names(one.child_by_field_name("type_parameters"), text)
            is_member = one.parent is not None and one.parent.type == "declaration_list"
            if not is_member:
                break
        if one.type in {"mod_item", "source_file"}:
            break
    return found


def type_parameters_at(node: Node, text: bytes) -> tuple[str, ...]:
    """The names of type and const parameters that count at a node."""
    return tuple(name for name in _parameters_around(node, text) if not name.startswith("'"))


def lifetimes_at(node: Node, text: bytes) -> tuple[str, ...]:
    """The names of lifetime parameters that count at a node, with their tick."""
    return tuple(name for name in _parameters_around(node, text) if name.startswith("'"))
