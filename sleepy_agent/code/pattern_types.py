"""The type of a name that a pattern binds, from the type of what is matched. Pure; None where it is not sure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

from sleepy_agent.code.index import WorkspaceIndex
from sleepy_agent.code.item_parts import text_of
from sleepy_agent.code.items import Field, Item
from sleepy_agent.code.type_text import (
    bare_type_name,
    is_mutable_reference,
    is_reference,
    type_arguments,
    without_reference,
)

# Which argument of the type a variant of std holds.
STD_VARIANTS = {"Some": ("Option", 0), "Ok": ("Result", 0), "Err": ("Result", 1), "Reverse": ("Reverse", 0)}
PUNCTUATION = frozenset({"(", ")", ",", "line_comment", "block_comment"})


@dataclass(frozen=True, slots=True)
class Match:
    """The search for one name in patterns."""

    index: WorkspaceIndex
    text: bytes
    wanted: Node
    """The name whose type is asked for."""
    substituted: Callable[[str | None, str, Item | None], str | None]

    def type_in(self, pattern: Node, matched: str | None, held: str = "") -> str | None:
        """The type of the wanted name in a pattern that is matched with a type.

        `held`: `&` or `&mut ` where the value is behind a reference, so that the names it binds are references.
        """
        if matched is None or matched == "_":
            return None
        if pattern == self.wanted:
            return held + matched
        kind = pattern.type
        inner = next((one for one in pattern.named_children if self._holds(one)), None)
        if inner is None:
            return None
        if kind == "reference_pattern":
            return self.type_in(inner, without_reference(matched)) if is_reference(matched) else None
        if kind in {"mut_pattern", "match_pattern", "or_pattern", "parenthesized_pattern"}:
            return self.type_in(inner, matched, held)
        if kind == "ref_pattern":
            is_mutable = any(child.type == "mutable_specifier" for child in pattern.children)
            return self.type_in(inner, matched, "&mut " if is_mutable else "&")
        if kind == "captured_pattern":
            return self.type_in(inner, matched, held)
        while is_reference(matched):
            # A pattern without `&` looks through references, and binds references.
            held = "&mut " if is_mutable_reference(matched) and held != "&" else "&"
            matched = without_reference(matched)
        return self._part(pattern, inner, matched, held)

    def _holds(self, node: Node) -> bool:
        return node.start_byte <= self.wanted.start_byte and self.wanted.end_byte <= node.end_byte

    def _part(self, pattern: Node, inner: Node, matched: str, held: str) -> str | None:
        kind = pattern.type
        if kind == "tuple_pattern":
            members = type_arguments(matched) if matched.startswith("(") else ()
            return self._member(_parts(pattern), inner, members, held)
        if kind == "slice_pattern":
            arguments = type_arguments(matched)
            is_list = bare_type_name(matched) in {"slice", "array", "Vec"} and len(arguments) == 1
            return self.type_in(inner, arguments[0], held) if is_list else None
        if kind == "tuple_struct_pattern":
            called = text_of(pattern.child_by_field_name("type"), self.text).rsplit("::", 1)[-1]
            if called in STD_VARIANTS:
                owner, number = STD_VARIANTS[called]
                arguments = type_arguments(matched) if bare_type_name(matched) == owner else ()
                return self.type_in(inner, arguments[number], held) if number < len(arguments) else None
            fields = [self._type_of(field, matched) or "_" for field in self._fields(called, matched)]
            return self._member(_parts(pattern)[1:], inner, fields, held)
        if kind == "struct_pattern":
            called = text_of(pattern.child_by_field_name("type"), self.text).rsplit("::", 1)[-1]
            name = text_of(inner.child_by_field_name("name"), self.text)
            field = next((one for one in self._fields(called, matched) if one.name == name), None)
            bound = inner.child_by_field_name("pattern") or inner.child_by_field_name("name")
            known = self._type_of(field, matched) if field is not None else None
            is_ref = any(child.type == "ref" for child in inner.children)
            return self.type_in(bound, known, "&" if is_ref else held) if bound is not None else None
        return None

    def _member(self, parts: list[Node], inner: Node, types: tuple[str, ...] | list[str], held: str) -> str | None:
        """The part of a tuple; behind `..` the members are counted from the end."""
        number = parts.index(inner)
        rest = next((place for place, one in enumerate(parts) if one.type == "remaining_field_pattern"), None)
        number = number if rest is None or number < rest else number - len(parts) + len(types)
        return self.type_in(inner, types[number], held) if 0 <= number < len(types) else None

    def _fields(self, called: str, matched: str) -> tuple[Field, ...]:
        """The fields of a variant of the matched type, or of the type itself."""
        variant = next((one for one in self.index.variants_of(matched) if one.name == called), None)
        return variant.fields if variant is not None else self.index.fields_of(matched)

    def _type_of(self, field: Field, matched: str) -> str | None:
        return self.substituted(field.type, matched, self.index.meant_type(matched))


def _parts(pattern: Node) -> list[Node]:
    """The parts between the commas; `_` is a token without a name in the tree."""
    return [child for child in pattern.children if child.type not in PUNCTUATION]
