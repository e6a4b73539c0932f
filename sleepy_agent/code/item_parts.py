"""Reads the parts of one item from its syntax: parameters, fields, variants, derives, bounds. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from sleepy_agent.code.item_records import Field, Parameter, Range, Variant

DERIVE = re.compile(rb"\bderive\s*\(")
CONDITION = re.compile(r"^#\[\s*cfg\s*\((?!\s*(?:test|not\s*\(\s*test\s*\))\s*\))")
TEST = re.compile(r"^#\[\s*(?:(?:\w+\s*::\s*)*test\b|cfg\s*\(\s*(?:all\s*\(\s*)?test\b)")


def text_of(node: Node | None, text: bytes) -> str:
    """The node's own text; empty for none."""
    return "" if node is None else text[node.start_byte : node.end_byte].decode(errors="replace")


def range_of(node: Node | None) -> Range | None:
    return None if node is None else (node.start_byte, node.end_byte)


def named(node: Node, kind: str) -> Node | None:
    """The first child of a kind."""
    return next((child for child in node.children if child.type == kind), None)


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes in front of an item."""

    texts: tuple[str, ...]
    start: int
    derives: tuple[str, ...]
    derive_range: Range | None

    @property
    def is_test(self) -> bool:
        return any(TEST.match(attribute) for attribute in self.texts)

    @property
    def is_conditional(self) -> bool:
        """Whether a `cfg` that is not just about tests decides if the item is there."""
        return any(CONDITION.match(attribute) for attribute in self.texts)


def read_attributes(before: Sequence[Node], item: Node, text: bytes) -> Attributes:
    """`before`: the attributes and doc comments that stand directly in front of the item."""
    attributes = [node for node in before if node.type == "attribute_item"]
    derives: list[str] = []
    derive_range: Range | None = None
    for node in attributes:
        found = DERIVE.search(text, node.start_byte, node.end_byte)
        closing = text.rfind(b")", node.start_byte, node.end_byte)
        if found is None or closing < found.end():
            continue
        if derive_range is None:
            derive_range = (found.end(), closing)
        names = text[found.end() : closing].decode(errors="replace").split(",")
        derives += [name.strip().rsplit("::", 1)[-1].strip() for name in names if name.strip()]
    return Attributes(
        texts=tuple(text_of(node, text) for node in attributes),
        start=before[0].start_byte if before else item.start_byte,
        derives=tuple(derives),
        derive_range=derive_range,
    )


def read_parameters(parameters: Node | None, text: bytes) -> tuple[str | None, tuple[Parameter, ...]]:
    """How `self` is taken (None: not at all), and the other parameters."""
    self_parameter: str | None = None
    found = []
    for child in parameters.named_children if parameters is not None else ():
        if child.type == "self_parameter":
            self_parameter = re.sub(r"'\w+\s*", "", re.sub(r"\s+", " ", text_of(child, text))).replace("& ", "&")
            continue
        if child.type != "parameter":
            continue
        pattern, type_node = child.child_by_field_name("pattern"), child.child_by_field_name("type")
        if pattern is not None and pattern.type == "self":
            self_parameter = f"self: {text_of(type_node, text)}"
            continue
        found.append(Parameter(text_of(pattern, text), text_of(type_node, text), child.start_byte, child.end_byte))
    return self_parameter, tuple(found)


def read_fields(body: Node | None, text: bytes) -> tuple[Field, ...]:
    """The fields of a struct, a union or a variant."""
    if body is None:
        return ()
    if body.type == "field_declaration_list":
        return tuple(
            Field(
                name=text_of(child.child_by_field_name("name"), text),
                type=text_of(child.child_by_field_name("type"), text),
                visibility=text_of(named(child, "visibility_modifier"), text),
                byte_start=child.start_byte,
                byte_end=child.end_byte,
            )
            for child in body.named_children
            if child.type == "field_declaration"
        )
    return tuple(_tuple_fields(body, text))


def _tuple_fields(body: Node, text: bytes) -> Iterator[Field]:
    visibility: Node | None = None
    number = 0
    for position, child in enumerate(body.children):
        if child.type == "visibility_modifier":
            visibility = child
        elif body.field_name_for_child(position) == "type":
            start = (visibility or child).start_byte
            yield Field(str(number), text_of(child, text), text_of(visibility, text), start, child.end_byte)
            number += 1
            visibility = None


def read_variants(body: Node | None, text: bytes) -> tuple[Variant, ...]:
    """The variants of an enum."""
    found = []
    for child in body.named_children if body is not None else ():
        if child.type != "enum_variant":
            continue
        inner = child.child_by_field_name("body")
        shape = "unit" if inner is None else "struct" if inner.type == "field_declaration_list" else "tuple"
        found.append(
            Variant(
                name=text_of(child.child_by_field_name("name"), text),
                shape="unit" if shape == "unit" else "struct" if shape == "struct" else "tuple",
                fields=read_fields(inner, text),
                byte_start=child.start_byte,
                byte_end=child.end_byte,
            )
        )
    return tuple(found)


def read_bounds(bounds: Node | None, text: bytes) -> tuple[str, ...]:
    """`("Clone", "fmt::Debug")` of `: Clone + fmt::Debug`; lifetimes are left out."""
    return tuple(
        text_of(child, text)
        for child in (bounds.named_children if bounds is not None else ())
        if child.type not in {"lifetime", "line_comment", "block_comment"}
    )


def parameter_names(parameters: Node | None, text: bytes) -> tuple[str, ...]:
    """The names of generic parameters, lifetimes with their tick."""
    return tuple(
        text_of(child.child_by_field_name("name") or child, text)
        for child in (parameters.named_children if parameters is not None else ())
        if child.type.endswith("_parameter") or child.type in {"lifetime", "type_identifier"}
    )
