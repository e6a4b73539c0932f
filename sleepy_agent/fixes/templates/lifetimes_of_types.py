"""A type that borrows and does not say so: its lifetime parameter, and everything that names the type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.items import Implementation, Item, ItemKind
from sleepy_agent.code.syntax import code_children, node_at, parse_rust
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.generics_edits import (
    Elided,
    declare,
    declares_lifetime,
    elided_places,
    free_lifetime,
    item_node,
    lifetimes_used,
    read,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

MOST_TYPES = 8
BODY_KINDS = frozenset({"field_declaration_list", "ordered_field_declaration_list", "enum_variant_list"})


def type_gains_lifetime(scene: Scene) -> Iterator[Proposal]:
    """A struct or enum that borrows gets a lifetime, and so do the types with it inside and its implementations."""
    item = borrowing_type(scene)
    if item is None:
        return
    edits = list(edits_for(scene, item))
    if edits:
        yield Proposal(tuple(dict.fromkeys(edits)), {"type": item.name})


def borrowing_type(scene: Scene) -> Item | None:
    """The type around the span, or the one that the diagnostic says has no lifetime parameter."""
    spans = [scene.span]
    if scene.problem.code == "E0107":
        defined = scene.noted(r"defined here, with 0 lifetime parameters")
        spans = [defined] if defined is not None else []
    for span in spans:
        item = scene.index.item_at(span.file, span.byte_start)
        if item is not None and item.kind in {ItemKind.STRUCT, ItemKind.ENUM} and not declares_lifetime(item):
            return item
    return None


def edits_for(scene: Scene, first: Item) -> Iterator[Edit]:
    """The edits on a type, on the types that contain it, and on their implementations."""
    gaining = types_with(scene, first)
    names = frozenset(item.name for item in gaining)
    for item in gaining:
        text = scene.context.read(item.file)
        node = item_node(item, text)
        body = next((child for child in node.children if child.type in BODY_KINDS), None) if node is not None else None
        if node is None or body is None:
            return
        used = lifetimes_used(read(body, text))
        if len(used) > 1 or not (used or any(elided_in(scene, one, text, names) for one in field_types(body))):
            return
        lifetime = used[0] if used else free_lifetime(read(node, text))
        declaration = declare(item.file, node, lifetime)
        if declaration is not None:
            yield declaration
        for type_node in field_types(body):
            for place in elided_in(scene, type_node, text, names):
                yield place.named(item.file, lifetime)
    for item in gaining:
        for one in scene.index.implementations_of(item.name):
            yield from implementation_edits(scene, one, item, names)


def elided_in(scene: Scene, node: Node, text: bytes, names: frozenset[str]) -> list[Elided]:
    return list(elided_places(scene.index, node, text, names))


def types_with(scene: Scene, first: Item) -> list[Item]:
    """The type and those whose fields hold it without an argument, in turn."""
    gaining = [first]
    for known in gaining:
        holds = re.compile(rf"\b{known.name}\b(?!\s*<\s*')")
        for other in scene.index.types():
            if other in gaining or declares_lifetime(other) or len(gaining) >= MOST_TYPES:
                continue
            fields = [*other.fields, *(field for variant in other.variants for field in variant.fields)]
            if any(holds.search(field.type) for field in fields) and other.kind is not ItemKind.TYPE_ALIAS:
                gaining.append(other)
    return gaining


def field_types(body: Node) -> Iterator[Node]:
    """The types of fields below a struct's or enum's body."""
    for number, child in enumerate(body.children):
        if body.field_name_for_child(number) == "type":
            yield child
        elif child.type in {"field_declaration", "enum_variant", *BODY_KINDS}:
            yield from field_types(child)


def implementation_edits(scene: Scene, one: Implementation, item: Item, names: frozenset[str]) -> Iterator[Edit]:
    """The header of an implementation of a type that gains a lifetime, and its constructors."""
    text = scene.context.read(one.file)
    node = implementation_node(one, text)
    if node is None or one.type_range is None:
        return
    of_type = node.child_by_field_name("type")
    trait = node.child_by_field_name("trait")
    header = text[one.byte_start : one.body_start or one.byte_end].decode(errors="replace")
    named = lifetimes_used(header)
    places = [
        place
        for part in (trait, of_type)
        if part is not None
        for place in elided_places(scene.index, part, text, names)
    ]
    if named and not places:
        # `impl Parser<'a>` or the right one: nothing, or only the declaration is missing.
        if "<" not in header.split(item.name)[0]:
            declaration = declare(one.file, node, named[0])
            if declaration is not None:
                yield declaration
        return
    lifetime = free_lifetime(header)
    declaration = declare(one.file, node, lifetime)
    if declaration is None:
        return
    yield declaration
    for place in places:
        yield place.named(one.file, lifetime)
    body = node.child_by_field_name("body")
    if trait is None and body is not None:
        for function in code_children(body):
            if function.type == "function_item":
                yield from constructor_edits(scene, function, one, text, lifetime, names)


def constructor_edits(
    scene: Scene, function: Node, one: Implementation, text: bytes, lifetime: str, names: frozenset[str]
) -> Iterator[Edit]:
    """`fn new(input: &str) -> Self` must borrow as long as the value that it makes."""
    parameters, returned = function.child_by_field_name("parameters"), function.child_by_field_name("return_type")
    if parameters is None or returned is None or not re.search(rf"\b(Self|{one.type_name})\b", read(returned, text)):
        return
    if any(child.type == "self_parameter" for child in parameters.named_children):
        return
    for place in elided_places(scene.index, returned, text, names):
        yield place.named(one.file, lifetime)
    for child in code_children(parameters):
        type_node = child.child_by_field_name("type")
        if child.type == "parameter" and type_node is not None:
            for place in elided_places(scene.index, type_node, text, names):
                yield place.named(one.file, lifetime)


def implementation_node(one: Implementation, text: bytes) -> Node | None:
    """The node of an implementation of the index."""
    node: Node | None = node_at(parse_rust(text), one.byte_start, one.byte_start + 1)
    while node is not None and node.type != "impl_item":
        node = node.parent
    return node
