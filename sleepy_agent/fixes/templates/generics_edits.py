"""Steps on generic parameters that several templates share: names, places of new ones, bounds, elided lifetimes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from tree_sitter import Node

from sleepy_agent.code.index import WorkspaceIndex
from sleepy_agent.code.items import Item
from sleepy_agent.code.syntax import node_at, parse_rust
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.domain import Edit

GENERIC_KINDS = frozenset(
    {"function_item", "function_signature_item", "impl_item", "trait_item", "struct_item", "enum_item", "union_item"}
    | {"type_item"}
)
# Inside of these a lifetime that is left out is the type's own affair.
OWN_ELISION = frozenset({"function_type", "bounded_type_of_function", "closure_expression"})
FUNCTION_BOUND = re.compile(r"^(\w+::)*(Fn|FnMut|FnOnce)\b")


@dataclass(frozen=True, slots=True)
class Elided:
    """A place of a type where a lifetime was left out."""

    start: int
    end: int
    form: str
    """What is put there; `{}` stands for the lifetime."""
    pointee: str
    """What the reference points to, or the type that has the lifetime."""
    depth: int

    def named(self, file: Path, lifetime: str) -> Edit:
        """The edit that puts a lifetime there."""
        return Edit(file, self.start, self.end, self.form.replace("{}", lifetime))


def free_lifetime(text: str) -> str:
    """A lifetime that the text does not use yet: `'a`, else `'b`, ..."""
    used = set(re.findall(r"'(\w+)\b(?!')", text))
    return next((f"'{letter}" for letter in "abcdefghijklmnopqrstuvwxyz" if letter not in used), "'long")


def lifetimes_used(text: str) -> list[str]:
    """The named lifetimes of a text in their order, `'static` and `'_` left out."""
    found = re.findall(r"'(\w+)\b(?!')", text)
    return [f"'{name}" for name in dict.fromkeys(found) if name not in {"static", "_"}]


def parameters_of(item: Node) -> Node | None:
    """The generic parameters of an item, where it has any."""
    return item.child_by_field_name("type_parameters")


def declared_parameters(item: Node, text: bytes) -> dict[str, Node]:
    """The generic parameters that an item declares itself, by name (lifetimes with their tick)."""
    found: dict[str, Node] = {}
    parameters = parameters_of(item)
    for child in parameters.named_children if parameters is not None else ():
        name = child.child_by_field_name("name") or child
        if child.type.endswith("_parameter"):
            found[text[name.start_byte : name.end_byte].decode(errors="replace")] = child
    return found


def declare(file: Path, item: Node, name: str) -> Edit | None:
    """Give an item a new generic parameter: a lifetime behind the other lifetimes, anything else at the end."""
    parameters = parameters_of(item)
    if parameters is None:
        place = name_end(item)
        return Edit(file, place, place, f"<{name}>") if place is not None else None
    present = [child for child in parameters.named_children if child.type.endswith("_parameter")]
    if not present:
        return Edit(file, parameters.start_byte, parameters.end_byte, f"<{name}>")
    lifetimes = [child for child in present if child.type == "lifetime_parameter"]
    if name.startswith("'") and not lifetimes:
        return Edit(file, present[0].start_byte, present[0].start_byte, f"{name}, ")
    last = lifetimes[-1] if name.startswith("'") else present[-1]
    return Edit(file, last.end_byte, last.end_byte, f", {name}")


def name_end(item: Node) -> int | None:
    """Where generic parameters go on an item that has none."""
    if item.type == "impl_item":
        return next((child.end_byte for child in item.children if child.type == "impl"), None)
    name = item.child_by_field_name("name")
    return name.end_byte if name is not None else None


def add_bound(file: Path, item: Node, text: bytes, parameter: str, bound: str) -> Edit | None:
    """Put a bound on a parameter that the item declares: into its `where` clause where that speaks of the
    parameter already, else in the list of parameters."""
    for child in item.children:
        if child.type != "where_clause":
            continue
        for predicate in child.named_children:
            left = predicate.child_by_field_name("left")
            bounds = predicate.child_by_field_name("bounds")
            if left is not None and bounds is not None and text[left.start_byte : left.end_byte] == parameter.encode():
                return bound_among(file, bounds, text, bound)
    node = declared_parameters(item, text).get(parameter)
    if node is None:
        return None
    bounds = node.child_by_field_name("bounds")
    if bounds is not None:
        return bound_among(file, bounds, text, bound)
    name = node.child_by_field_name("name")
    return Edit(file, name.end_byte, name.end_byte, f": {bound}") if name is not None else None


def bound_among(file: Path, bounds: Node, text: bytes, bound: str) -> Edit:
    """A further bound behind the others; `Eq` and `Hash` stand together by custom."""
    for child in bounds.named_children:
        if bound == "Eq" and read(child, text).endswith("Hash"):
            return Edit(file, child.start_byte, child.start_byte, f"{bound} + ")
        if bound.endswith("Hash") and read(child, text) == "Eq":
            return Edit(file, child.end_byte, child.end_byte, f" + {bound}")
    separator = " " if text[bounds.start_byte : bounds.end_byte].strip() == b":" else " + "
    return Edit(file, bounds.end_byte, bounds.end_byte, f"{separator}{bound}")


def item_node(index_item: Item, text: bytes) -> Node | None:
    """The node of an item of the index in the text of its file."""
    node: Node | None = node_at(parse_rust(text), index_item.name_start, index_item.name_end)
    while node is not None and node.type not in GENERIC_KINDS:
        node = node.parent
    return node


def declares_lifetime(item: Item) -> bool:
    """Whether a type has lifetime parameters."""
    return "'" in item.generics


def elided_places(index: WorkspaceIndex, node: Node, text: bytes, also: Collection[str] = ()) -> Iterator[Elided]:
    """Where a type leaves lifetimes out: `&T`, `'_`, and a type of the workspace with lifetimes but no arguments.
    `also` names types that are about to get a lifetime."""
    if node.type in OWN_ELISION:
        return
    if node.type == "generic_type" and FUNCTION_BOUND.match(read(node, text)):
        return
    if node.type == "self_parameter":
        reference = next((child for child in node.children if child.type == "&"), None)
        if reference is not None and not any(child.type == "lifetime" for child in node.children):
            yield Elided(reference.end_byte, reference.end_byte, "{} ", "Self", 0)
        return
    if node.type == "reference_type":
        if not any(child.type == "lifetime" for child in node.children):
            pointee = node.child_by_field_name("type")
            place = node.start_byte + 1
            yield Elided(place, place, "{} ", read(pointee, text) if pointee is not None else "", depth_of(node))
    elif node.type == "lifetime":
        if read(node, text) == "'_":
            yield Elided(node.start_byte, node.end_byte, "{}", "", depth_of(node))
        return
    elif node.type == "type_identifier":
        parent = node.parent
        is_head = parent is not None and parent.type == "generic_type" and parent.child_by_field_name("type") == node
        name = read(node, text)
        item = index.type_named(name)
        if name in also or (item is not None and declares_lifetime(item)):
            if not is_head:
                yield Elided(node.end_byte, node.end_byte, "<{}>", name, depth_of(node))
            elif parent is not None and "'" not in read(parent, text):
                arguments = parent.child_by_field_name("type_arguments")
                if arguments is not None:
                    place = arguments.start_byte + 1
                    yield Elided(place, place, "{}, ", name, depth_of(node))
        return
    for child in node.children:
        yield from elided_places(index, child, text, also)


def depth_of(node: Node) -> int:
    """How many types are around a type."""
    depth = 0
    parent = node.parent
    while parent is not None and (parent.type.endswith("_type") or parent.type == "type_arguments"):
        depth += parent.type != "type_arguments"
        parent = parent.parent
    return depth


def read(node: Node | None, text: bytes) -> str:
    return "" if node is None else text[node.start_byte : node.end_byte].decode(errors="replace")


def same_type(first: str, second: str) -> bool:
    """Whether two types are the same by their bare names."""
    return bare_type_name(first) == bare_type_name(second) != ""
