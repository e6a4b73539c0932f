"""Mistakes of patterns that may be made in any program: missing arms, wrong fields, wrong kinds, wrong lengths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tree_sitter import Node

from trainer.pretrain.mutations.dispatch import by_kind, fields_of, only, said
from trainer.pretrain.mutations.mutant import Mutant

__all__ = ["MUTATORS"]

_UPPER_PATH: Final = re.compile(r"(?:\w+::)*[A-Z]\w*[a-z]\w*")
_RANGE: Final = re.compile(r"(\d+|'.')\.\.=(\d+|'.')")


def arm_removed(arms: Node, _text: bytes) -> Iterator[Mutant]:
    """A match without one of its arms."""
    found = fields_of(arms, "match_arm")
    for before, arm in zip([None, *found], found, strict=False):
        if len(found) > 1:
            start = arms.start_byte + 1 if before is None else before.end_byte
            what = "match_arm.last_removed" if arm is found[-1] else "match_arm.removed"
            yield only(what, ("E0004",), start, arm.end_byte)


def fields_changed(pattern: Node, text: bytes) -> Iterator[Mutant]:
    """A pattern of a struct that says too little, or names a field that there is not."""
    fields = fields_of(pattern, "field_pattern")
    rest = fields_of(pattern, "remaining_field_pattern")
    if rest and fields:
        yield only("pattern_field.without_rest", ("E0027",), fields[-1].end_byte, rest[0].end_byte)
    for field in fields:
        name = field.child_by_field_name("name")
        if name is None:
            continue
        if name.type == "shorthand_field_identifier":
            other = f"{said(name, text)}s: {said(name, text)}"
        else:
            other = f"{said(name, text)}s"
        yield only("pattern_field.unknown", ("E0026",), name.start_byte, name.end_byte, other)


def places_changed(pattern: Node, text: bytes) -> Iterator[Mutant]:
    """A pattern of a tuple struct or variant with one place too many or too few, or of another kind."""
    kind = pattern.child_by_field_name("type")
    places = places_of(pattern)
    if kind is None or not places or any(one.type == "remaining_field_pattern" for one in places):
        return
    codes = ("E0023",)
    yield only("pattern_place.too_many", codes, places[-1].end_byte, places[-1].end_byte, ", _")
    yield only("pattern_place.too_many_before", codes, places[0].start_byte, places[0].start_byte, "_, ")
    if len(places) > 1 and said(places[-1], text) == "_":
        yield only("pattern_place.too_few", codes, places[-2].end_byte, places[-1].end_byte)
    if len(places) == 1 and said(places[0], text) == "_":
        yield only("pattern_kind.without_place", ("E0532",), kind.end_byte, pattern.end_byte)
    path = said(kind, text)
    if "::" in path:
        head = kind.start_byte + path.rindex("::") + 2
        yield only("pattern_kind.without_path", ("E0531",), kind.start_byte, head)


def places_of(pattern: Node) -> list[Node]:
    """What stands between the brackets of a pattern; `_` is no named node."""
    kind = pattern.child_by_field_name("type")
    return [child for child in pattern.children if child.type not in {"(", ")", "[", "]", ","} and child != kind]


def plain_changed(pattern: Node, text: bytes) -> Iterator[Mutant]:
    """A pattern of one word that is made another kind of pattern."""
    word = said(pattern, text)
    if _UPPER_PATH.fullmatch(word):
        yield only("pattern_kind.place_of_unit", ("E0532",), pattern.end_byte, pattern.end_byte, "(_)")
    if word.startswith('"'):
        yield only("pattern_kind.call", ("E0164",), pattern.start_byte, pattern.end_byte, f"String::from({word})")
    range_of = _RANGE.fullmatch(word)
    if range_of is not None:
        turned = f"{range_of.group(2)}..={range_of.group(1)}"
        yield only("pattern_range.turned", ("E0030",), pattern.start_byte, pattern.end_byte, turned)


def arm_pattern_changed(arm: Node, text: bytes) -> Iterator[Mutant]:
    pattern = arm.child_by_field_name("pattern")
    if pattern is not None and len(pattern.named_children) == 1:
        yield from plain_changed(pattern.named_children[0], text)


def slice_changed(pattern: Node, text: bytes) -> Iterator[Mutant]:
    """A pattern of a list with one place more or less."""
    places = places_of(pattern)
    codes = ("E0527", "E0528", "E0004", "E0005")
    if places:
        yield only("pattern_slice.too_many", codes, places[-1].end_byte, places[-1].end_byte, ", _")
    if len(places) > 1 and said(places[-1], text) in {"..", "_"}:
        yield only("pattern_slice.too_few", codes, places[-2].end_byte, places[-1].end_byte)


def let_changed(node: Node, _text: bytes) -> Iterator[Mutant]:
    """A pattern that may not fit, without `else`."""
    other, value = node.child_by_field_name("alternative"), node.child_by_field_name("value")
    if other is not None and value is not None:
        yield only("pattern_let.without_else", ("E0005",), value.end_byte, other.end_byte)


MUTATORS: Final = (
    by_kind(
        {
            "match_block": (arm_removed,),
            "struct_pattern": (fields_changed,),
            "tuple_struct_pattern": (places_changed,),
            "match_arm": (arm_pattern_changed,),
            "slice_pattern": (slice_changed,),
            "let_declaration": (let_changed,),
        }
    ),
)
"""All of them, in one walk of the tree."""
