"""Mutators by kind of node: the tree is walked once for a whole table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tree_sitter import Node

from trainer.pretrain.mutations.mutant import ByteEdit, Mutant, Mutator

__all__ = ["NodeMutator", "by_kind", "fields_of", "is_method_call", "method_name", "name_of", "nodes", "only", "said"]

NodeMutator = Callable[[Node, bytes], Iterator[Mutant]]
"""The mistakes that may be made at one node."""


def by_kind(table: Mapping[str, Sequence[NodeMutator]]) -> Mutator:
    """One mutator out of many: `table` says which are asked for which kind of node. Nodes that could not be parsed, or
    that have such a part, are not asked about."""

    def mutants(root: Node, text: bytes) -> Iterator[Mutant]:
        for node in nodes(root):
            for mutator in table.get(node.type, ()) if not node.has_error else ():
                yield from mutator(node, text)

    return mutants


def nodes(root: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text; nothing below a node that could not be parsed."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if not node.is_error:
            yield node
            waiting += reversed(node.children)


def said(node: Node | None, text: bytes) -> str:
    """What stands at a node; nothing where there is none."""
    return "" if node is None else text[node.start_byte : node.end_byte].decode(errors="replace")


def only(mutation: str, codes: Sequence[str], start: int, end: int, replacement: str = "") -> Mutant:
    """A mistake of one edit."""
    return Mutant(mutation, tuple(codes), (ByteEdit(start, end, replacement.encode()),))


def is_method_call(node: Node) -> bool:
    """Whether a node is `receiver.method(...)`."""
    function = node.child_by_field_name("function")
    return node.type == "call_expression" and function is not None and function_path(function) == "field_expression"


def function_path(function: Node) -> str:
    """The kind of node that names the called function, a turbofish left out."""
    inner = function.child_by_field_name("function") if function.type == "generic_function" else function
    return inner.type if inner is not None else ""


def method_name(call: Node) -> Node | None:
    """The name of the method of a method call."""
    field = field_of_call(call)
    return field.child_by_field_name("field") if field is not None else None


def field_of_call(call: Node) -> Node | None:
    """`receiver.method` of a method call."""
    function = call.child_by_field_name("function")
    if function is not None and function.type == "generic_function":
        function = function.child_by_field_name("function")
    return function if function is not None and function.type == "field_expression" else None


def name_of(call: Node, text: bytes) -> str:
    """The name of a called function or method: of a path the last part."""
    function = call.child_by_field_name("function")
    if function is None:
        return ""
    if function.type == "generic_function":
        function = function.child_by_field_name("function") or function
    if function.type == "field_expression":
        return said(function.child_by_field_name("field"), text)
    return said(function, text).rpartition("::")[2]


def fields_of(node: Node, *kinds: str) -> list[Node]:
    """The named children of some kinds."""
    return [child for child in node.named_children if child.type in kinds]
