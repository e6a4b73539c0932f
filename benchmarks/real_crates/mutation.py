"""What a mutation is, and the questions about a source file that the mutators share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tree_sitter import Node

from benchmarks.error_index.judge import Change
from sleepy_agent.code.syntax import COMMENT_KINDS, ancestors, code_children


class Topic(StrEnum):
    """What a mistake is about."""

    OWNERSHIP = "ownership"
    LIFETIMES = "lifetimes"
    TRAITS = "traits"
    TYPES = "types"
    OPTION_AND_RESULT = "Option and Result"
    NAMES = "names"
    IMPORTS = "imports"
    CALLS = "calls"
    STRUCTS_AND_MATCHES = "structs and matches"
    VISIBILITY = "visibility"
    SYNTAX = "syntax"
    ATTRIBUTES_AND_MACROS = "attributes and macros"
    ASYNC = "async"
    CONSTANTS = "constants"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One mistake at one place of a file: all its changes together."""

    changes: tuple[Change, ...]

    @property
    def start(self) -> int:
        return min(change.start for change in self.changes)

    @property
    def end(self) -> int:
        return max(change.end for change in self.changes)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A Rust file with its nodes by kind. Code for tests, code under `cfg` and macro definitions are left out."""

    text: bytes
    by_kind: Mapping[str, tuple[Node, ...]]

    def nodes(self, *kinds: str) -> Iterator[Node]:
        for kind in kinds:
            yield from self.by_kind.get(kind, ())

    def words(self, node: Node) -> str:
        """The text of a node."""
        return self.text[node.start_byte : node.end_byte].decode(errors="replace")

    def between(self, start: int, end: int) -> str:
        return self.text[start:end].decode(errors="replace")


Find = Callable[[SourceFile], Iterable[Mutation]]


@dataclass(frozen=True, slots=True)
class Mutator:
    """A kind of mistake. `words` says which mistake of a person it is; `find` gives all places for it.

    `held_out`: nobody breaks a crate with it before the final scoring.
    """

    name: str
    topic: Topic
    words: str
    find: Find
    held_out: bool = False


def source_file(text: bytes, root: Node) -> SourceFile:
    """All nodes of the tree that a mutator may look at, in the order of the text."""
    found: dict[str, list[Node]] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        found.setdefault(node.type, []).append(node)
        waiting += reversed(list(_children_to_visit(node, text)))
    return SourceFile(text, {kind: tuple(nodes) for kind, nodes in found.items()})


def _children_to_visit(node: Node, text: bytes) -> Iterator[Node]:
    is_conditional = False
    for child in node.children:
        if child.type == "attribute_item":
            if _is_conditional(child, text):
                is_conditional = True
            else:
                yield child
        elif child.type == "inner_attribute_item":
            if _is_conditional(child, text):
                return
        elif child.type not in COMMENT_KINDS:
            if not is_conditional and child.type not in {"macro_definition", "token_tree"}:
                yield child
            is_conditional = False


def _is_conditional(attribute: Node, text: bytes) -> bool:
    """Whether an attribute decides if something is compiled: nobody can say what it says here."""
    words = text[attribute.start_byte : attribute.end_byte].replace(b" ", b"").lstrip(b"#![")
    return words.startswith((b"cfg(", b"test", b"bench"))


def replaced(node: Node, text: str) -> Mutation:
    """`text` in place of a node."""
    return Mutation((Change(node.start_byte, node.end_byte, text),))


def cut(start: int, end: int) -> Mutation:
    """A stretch that is gone."""
    return Mutation((Change(start, end, ""),))


def inserted(place: int, text: str) -> Mutation:
    return Mutation((Change(place, place, text),))


def token_of(node: Node, kind: str) -> Node | None:
    """The first direct child of a kind."""
    return next((child for child in node.children if child.type == kind), None)


def cut_with_space(source: SourceFile, node: Node) -> Mutation:
    """A node that is gone, with the blanks behind it (`mut ` of `mut x`)."""
    end = node.end_byte
    while source.text[end : end + 1] in (b" ", b"\t"):
        end += 1
    return cut(node.start_byte, end)


def cut_line(source: SourceFile, node: Node) -> Mutation:
    """A statement or an item that is gone, with its line where nothing else stands there."""
    start = source.text.rfind(b"\n", 0, node.start_byte) + 1
    end = source.text.find(b"\n", node.end_byte)
    end = len(source.text) if end < 0 else end + 1
    alone = not source.text[start : node.start_byte].strip() and not source.text[node.end_byte : end].strip()
    return cut(start, end) if alone else cut(node.start_byte, node.end_byte)


def list_items(node: Node) -> list[Node]:
    """What stands between the commas of a list, attributes left out."""
    return [child for child in code_children(node) if child.type not in {"attribute_item"}]


def cut_item(source: SourceFile, items: Sequence[Node], position: int) -> Mutation:
    """One item of a list that is gone, with one of the separators around it and the blanks between."""
    item = items[position]
    if position + 1 < len(items):
        return cut(item.start_byte, items[position + 1].start_byte)
    if position > 0:
        return cut(items[position - 1].end_byte, item.end_byte)
    end = item.end_byte
    if source.text[end : end + 1] == b",":
        end += 1
    return cut(item.start_byte, end)


def method_of(call: Node) -> tuple[Node, Node] | None:
    """Receiver and name of a method call, `value.name(..)` or `value.name::<T>(..)`."""
    function = call.child_by_field_name("function")
    if function is not None and function.type == "generic_function":
        function = function.child_by_field_name("function")
    if function is None or function.type != "field_expression":
        return None
    value, name = function.child_by_field_name("value"), function.child_by_field_name("field")
    return (value, name) if value is not None and name is not None and name.type == "field_identifier" else None


def method_calls(source: SourceFile) -> Iterator[tuple[Node, Node, Node, list[Node]]]:
    """(call, receiver, name, arguments) of all method calls."""
    for call in source.nodes("call_expression"):
        found = method_of(call)
        arguments = call.child_by_field_name("arguments")
        if found is not None and arguments is not None:
            yield call, *found, list_items(arguments)


def without_method(call: Node, receiver: Node) -> Mutation:
    """`receiver` in place of `receiver.method(..)`."""
    return cut(receiver.end_byte, call.end_byte)


def function_around(node: Node) -> Node | None:
    return next((one for one in ancestors(node) if one.type == "function_item"), None)


def is_inside(node: Node, *kinds: str) -> bool:
    """Whether a node of one of these kinds holds this one."""
    return any(one.type in kinds for one in ancestors(node.parent))


def applied(text: bytes, changes: Iterable[Change]) -> bytes:
    """The text with all changes made, given that they do not overlap."""
    for change in sorted(changes, key=lambda change: (change.start, change.end), reverse=True):
        text = text[: change.start] + change.text.encode() + text[change.end :]
    return text
