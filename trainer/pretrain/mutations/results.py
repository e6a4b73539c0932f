"""Mistakes with Result and Option: `?` that is missing or too many, wrapping, unwrapping, the wrong method."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from trainer.pretrain.mutations.dispatch import by_kind, field_of_call, is_method_call, method_name, name_of, only, said
from trainer.pretrain.mutations.mutant import ByteEdit, Mutant

__all__ = ["MUTATORS"]

USED_AS_IT_IS = ("E0308", "E0599", "E0277", "E0369", "E0609", "E0614", "E0608", "E0600", "E0605", "E0606", "E0271")
UNWRAPPING = frozenset(
    """
    unwrap expect unwrap_or unwrap_or_default unwrap_or_else ok ok_or ok_or_else map_err copied cloned transpose flatten
    as_ref as_deref and_then
    """.split()  # noqa: SIM905 - a list of many words is easier to read so
)
# What is easily taken for what; the arguments stay.
CONFUSED = {
    "unwrap_or": ("unwrap_or_else", "ok_or", "unwrap_or_default"),
    "unwrap_or_else": ("unwrap_or", "ok_or_else"),
    "ok_or": ("map_err", "unwrap_or", "ok_or_else"),
    "ok_or_else": ("map_err", "ok_or", "or_else"),
    "map_err": ("ok_or_else", "ok_or", "map"),
    "and_then": ("map", "or_else"),
    "map": ("and_then", "filter_map", "flat_map"),
    "filter_map": ("map", "filter"),
    "is_some": ("is_ok",),
    "is_none": ("is_err",),
    "is_ok": ("is_some",),
    "is_err": ("is_none",),
    "ok": ("unwrap", "some"),
    "copied": ("clone",),
    "cloned": ("clone",),
    "or_else": ("or", "unwrap_or_else"),
    "or": ("or_else",),
    "is_some_and": ("is_some", "map"),
    "map_or": ("map", "unwrap_or"),
}
OPTIONAL = frozenset({"first", "last", "get", "pop", "max", "min", "next", "find", "parse", "checked_sub", "nth"})
VALUES = frozenset(
    {"identifier", "call_expression", "field_expression", "binary_expression", "integer_literal", "struct_expression"}
)
GENERIC = re.compile(r"^(Option|Result)<(.*)>$", re.DOTALL)


def question_mark_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    yield only("result.question_mark_removed", USED_AS_IT_IS, node.end_byte - 1, node.end_byte)
    inner = node.named_children[0] if node.named_children else None
    if inner is None:
        return
    if is_method_call(inner) and name_of(inner, text) in {"ok_or", "ok_or_else", "map_err"}:
        field = field_of_call(inner)
        receiver = field.child_by_field_name("value") if field is not None else None
        if receiver is not None:
            yield only("result.conversion_removed", ("E0277",), receiver.end_byte, inner.end_byte)
            yield only("result.conversion_and_mark_removed", USED_AS_IT_IS, receiver.end_byte, node.end_byte)
    yield only("result.unwrap_of_nothing", ("E0599",), node.start_byte, node.end_byte, f"{said(inner, text)}.ok()")


def question_mark_added(node: Node, text: bytes) -> Iterator[Mutant]:
    parent = node.parent
    if parent is None or parent.type not in {"let_declaration", "arguments", "block", "field_expression"}:
        return
    if parent.type == "block" and parent.named_children[-1] != node:
        return
    if said(node.child_by_field_name("function"), text) not in {"Ok", "Err", "Some"}:
        yield only("result.question_mark_added", ("E0277",), node.end_byte, node.end_byte, "?")


def unwrapped(node: Node, text: bytes) -> Iterator[Mutant]:
    """`Ok(x)` becomes `x`."""
    kind = said(node.child_by_field_name("function"), text)
    arguments = node.child_by_field_name("arguments")
    if kind not in {"Ok", "Err", "Some"} or arguments is None or len(arguments.named_children) != 1:
        return
    inner = said(arguments.named_children[0], text)
    if inner != "()":
        yield only(f"result.without_{kind.lower()}", ("E0308", "E0277"), node.start_byte, node.end_byte, inner)
    else:
        yield only("result.nothing_returned", ("E0308",), node.start_byte, node.end_byte)
    other = {"Ok": ("Some",), "Some": ("Ok",), "Err": ("None", "Ok")}[kind]
    for one in other:
        new = one if one == "None" else f"{one}({inner})"
        yield only(f"result.{kind.lower()}_as_{one.lower()}", ("E0308",), node.start_byte, node.end_byte, new)


def wrapped(node: Node, text: bytes) -> Iterator[Mutant]:
    """The value of a block becomes `Some` or `Ok` of it."""
    last = node.named_children[-1] if node.named_children else None
    if last is None or last.type not in VALUES:
        return
    if last.type == "call_expression" and said(last.child_by_field_name("function"), text) in {"Ok", "Err", "Some"}:
        inner = said(last, text)
        yield only("result.wrapped_twice", ("E0308",), last.start_byte, last.end_byte, f"Ok({inner})")
        return
    for kind in ("Some", "Ok"):
        new = f"{kind}({said(last, text)})"
        yield only(f"result.wrapped_in_{kind.lower()}", ("E0308",), last.start_byte, last.end_byte, new)


def nothing_as_error(node: Node, text: bytes) -> Iterator[Mutant]:
    """`None` where a Result is due, or the other way round."""
    parent = node.parent
    if said(node, text) != "None" or parent is None:
        return
    if parent.type in {"block", "return_expression", "match_arm"}:
        yield only("result.none_as_err", ("E0308",), node.start_byte, node.end_byte, "Err(())")
        yield only("result.none_as_unit", ("E0308", "E0069"), node.start_byte, node.end_byte, "()")


def method_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """An unwrapping step is left out, or another one is taken for it."""
    field = field_of_call(node)
    name = method_name(node)
    receiver = field.child_by_field_name("value") if field is not None else None
    if field is None or name is None or receiver is None:
        return
    word = said(name, text)
    if word in UNWRAPPING:
        yield only(f"result.without_{word}", USED_AS_IT_IS, receiver.end_byte, node.end_byte)
    for other in CONFUSED.get(word, ()):
        codes = ("E0308", "E0599", "E0277", "E0061", "E0271", "E0282", "E0283")
        yield only(f"result.{word}_as_{other}", codes, name.start_byte, name.end_byte, other)
    if word in {
        "first",
        "last",
        "get",
        "pop",
        "max",
        "min",
        "next",
        "find",
        "parse",
        "checked_sub",
        "checked_add",
        "nth",
    }:
        parent = node.parent
        if parent is not None and parent.type in {"let_declaration", "arguments", "block"}:
            yield only("result.unwrap_added", ("E0308", "E0599"), node.end_byte, node.end_byte, ".unwrap()")


def return_type_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A signature that does not say that the function may fail, or says it otherwise."""
    kind = node.child_by_field_name("return_type")
    found = GENERIC.match(said(kind, text))
    if kind is None or found is None:
        return
    codes = ("E0308", "E0277")
    word, inside = found.groups()
    first = first_argument(inside)
    yield only(f"result.returns_bare_{word.lower()}", codes, kind.start_byte, kind.end_byte, first)
    if first == "()":
        arrow = kind.prev_sibling
        start = arrow.start_byte if arrow is not None else kind.start_byte
        yield only("result.returns_nothing", codes, start, kind.end_byte + 1)
    other = f"Option<{first}>" if word == "Result" else f"Result<{first}, String>"
    yield only(f"result.returns_other_than_{word.lower()}", codes, kind.start_byte, kind.end_byte, other)
    error = inside[len(first) :].lstrip(", ")
    if word == "Result" and error in {"String", "&'static str"}:
        new = "&'static str" if error == "String" else "String"
        yield only("result.other_error_type", codes, kind.start_byte, kind.end_byte, f"Result<{first}, {new}>")


def first_argument(inside: str) -> str:
    """The first of some generic arguments."""
    depth = 0
    for position, sign in enumerate(inside):
        depth += (sign in "<([") - (sign in ">)]")
        if sign == "," and depth == 0:
            return inside[:position]
    return inside


def pattern_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """`Ok(x)` in a pattern where an Option is looked at, and the like; the name alone where it must be unwrapped."""
    kind = node.child_by_field_name("type")
    word = said(kind, text)
    if kind is None or word not in {"Some", "Ok"}:
        return
    other = "Ok" if word == "Some" else "Some"
    yield only(f"result.pattern_{word.lower()}_as_{other.lower()}", ("E0308",), kind.start_byte, kind.end_byte, other)


def default_by_comparison(node: Node, text: bytes) -> Iterator[Mutant]:
    """A comparison with what is inside of `Some(..)` as if it were there already."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or right.type != "call_expression":
        return
    if said(right.child_by_field_name("function"), text) == "Some":
        arguments = right.child_by_field_name("arguments")
        if arguments is not None and len(arguments.named_children) == 1:
            inner = arguments.named_children[0]
            edits = (
                ByteEdit(right.start_byte, inner.start_byte, b""),
                ByteEdit(inner.end_byte, right.end_byte, b""),
            )
            yield Mutant("result.compared_bare", ("E0308", "E0277"), edits)


MUTATORS = (
    by_kind(
        {
            "try_expression": (question_mark_removed,),
            "call_expression": (unwrapped, question_mark_added, method_removed),
            "block": (wrapped,),
            "identifier": (nothing_as_error,),
            "function_item": (return_type_changed,),
            "tuple_struct_pattern": (pattern_changed,),
            "binary_expression": (default_by_comparison,),
        }
    ),
)
"""All mistakes of this file, for any text."""
