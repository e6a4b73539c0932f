"""Mistakes with traits: missing derives and bounds, methods that do not fit their trait, `dyn`, formatting."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from trainer.pretrain.mutations.dispatch import by_kind, only, said
from trainer.pretrain.mutations.mutant import Mutant

__all__ = ["MUTATORS"]

UNFIT = ("E0277", "E0369", "E0599", "E0382", "E0507", "E0508", "E0600", "E0368", "E0038", "E0271")
DERIVE = re.compile(r"#\[derive\(([\w\s,]*)\)\]")
DERIVABLE = ("Copy", "Eq", "Hash", "Ord", "Default", "PartialOrd")
FORMATTED = re.compile(r"\{(\w*):#?\?\}")


def derive_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A derive that is missing, or one that the fields do not allow."""
    found = DERIVE.fullmatch(said(node, text))
    if found is None:
        return
    names = [name.strip() for name in found.group(1).split(",") if name.strip()]
    start, end = node.start_byte + len("#[derive("), node.end_byte - len(")]")
    for name in names:
        rest = ", ".join(one for one in names if one != name)
        if rest:
            yield only(f"derive.without_{name.lower()}", (*UNFIT, "E0204"), start, end, rest)
        else:
            yield only(f"derive.without_{name.lower()}", UNFIT, node.start_byte, node.end_byte + 1)
    for name in DERIVABLE:
        if name not in names:
            more = ", ".join([*names, name])
            yield only(
                f"derive.with_{name.lower()}", ("E0204", "E0277", "E0369", "E0665", "E0599", "E0119"), start, end, more
            )
    if len(names) > 1:
        two = [name for name in names if name not in {"Clone", "PartialEq"}]
        if len(two) == len(names) - 2 and two:
            yield only("derive.without_two", UNFIT, start, end, ", ".join(two))


def bound_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """`T: A + B` becomes `T: A`, `T: B` or `T`."""
    bounds = node.named_children
    for number, bound in enumerate(bounds):
        name = said(bound, text).partition("<")[0].rpartition("::")[2].lower()
        mutation = f"bound.without_{re.sub(r'[^a-z]', '', name) or 'one'}"
        if len(bounds) == 1:
            if node.parent is not None and node.parent.type != "where_predicate":
                yield only(mutation, UNFIT, node.start_byte, node.end_byte)
        elif number:
            yield only(mutation, UNFIT, bounds[number - 1].end_byte, bound.end_byte)
        else:
            yield only(mutation, UNFIT, bound.start_byte, bounds[1].start_byte)


def where_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A whole `where` clause is missing."""
    start = node.start_byte
    while start and text[start - 1 : start].isspace():
        start -= 1
    yield only(
        "bound.without_where",
        UNFIT,
        start,
        node.end_byte,
        " " if text[node.end_byte : node.end_byte + 1] == b"{" else "",
    )
    predicates = node.named_children
    if len(predicates) > 1:
        for predicate in predicates:
            line_start, line_end = (
                text.rfind(b"\n", 0, predicate.start_byte) + 1,
                text.find(b"\n", predicate.end_byte) + 1,
            )
            if text[line_start:line_end].strip().rstrip(b",") == text[predicate.start_byte : predicate.end_byte]:
                yield only("bound.without_predicate", UNFIT, line_start, line_end)


def impl_trait_shortened(node: Node, _text: bytes) -> Iterator[Mutant]:
    """`impl A + B` becomes `impl A`."""
    if node.parent is None or node.parent.type != "abstract_type" or len(node.named_children) != 2:
        return
    first, second = node.named_children
    yield only("bound.of_impl_removed", (*UNFIT, "E0310", "E0700"), first.end_byte, second.end_byte)
    yield only("bound.of_impl_removed", UNFIT, first.start_byte, second.start_byte)


def dyn_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """`dyn` is missing, or the box around it."""
    inside = node.named_children[0] if node.named_children else None
    if inside is None:
        return
    yield only("dyn.removed", ("E0782", "E0404"), node.start_byte, inside.start_byte)
    arguments = node.parent
    outer = arguments.parent if arguments is not None and arguments.type == "type_arguments" else None
    if outer is not None and outer.type == "generic_type":
        yield only("dyn.not_boxed", ("E0277", "E0746", "E0308"), outer.start_byte, outer.end_byte, said(node, text))
        yield only("dyn.as_impl", ("E0562", "E0308", "E0277", "E0666"), node.start_byte, inside.start_byte, "impl ")
        yield only("dyn.lent", ("E0106", "E0308"), outer.start_byte, outer.end_byte, f"&{said(node, text)}")


def method_of_trait_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A method that does not have the signature its trait asks for."""
    block = node.parent
    parent = block.parent if block is not None else None
    if parent is None or parent.type != "impl_item" or parent.child_by_field_name("trait") is None:
        return
    parameters, kind = node.child_by_field_name("parameters"), node.child_by_field_name("return_type")
    name = node.child_by_field_name("name")
    if parameters is None or name is None:
        return
    yield only("signature.method_public", ("E0449",), node.start_byte, node.start_byte, "pub ")
    own = parameters.named_children
    codes = ("E0053", "E0050", "E0186", "E0185", "E0308")
    if own and own[0].type == "self_parameter":
        word = said(own[0], text)
        for other in {"&self": ("&mut self", "self"), "&mut self": ("&self", "self"), "self": ("&self",)}.get(word, ()):
            yield only(
                "signature.other_receiver",
                (*codes, "E0594", "E0596", "E0507"),
                own[0].start_byte,
                own[0].end_byte,
                other,
            )
        if len(own) == 1:
            yield only("signature.without_receiver", codes, own[0].start_byte, own[0].end_byte)
            yield only("signature.parameter_added", ("E0050",), own[0].end_byte, own[0].end_byte, ", _: u32")
    if len(own) > 1 and own[-1].type == "parameter":
        yield only("signature.parameter_removed", ("E0050", "E0425"), own[-2].end_byte, own[-1].end_byte)
        own_type = own[-1].child_by_field_name("type")
        word = said(own_type, text)
        if own_type is not None:
            new = word[1:] if word.startswith("&") and not word.startswith("&mut") else f"&{word}"
            yield only(
                "signature.parameter_lent_or_not", (*codes, "E0277"), own_type.start_byte, own_type.end_byte, new
            )
    if kind is not None:
        yield only("signature.return_type_removed", ("E0053", "E0308"), parameters.end_byte, kind.end_byte)
        word = said(kind, text)
        for old, new in (
            ("Self", "&Self"),
            ("u32", "u64"),
            ("usize", "u32"),
            ("String", "&str"),
            ("bool", "u32"),
            ("f64", "f32"),
        ):
            if word == old:
                yield only("signature.other_return_type", ("E0053", "E0106"), kind.start_byte, kind.end_byte, new)
        yield only("signature.optional", ("E0053",), kind.start_byte, kind.end_byte, f"Option<{word}>")
    yield only("signature.other_name", ("E0407", "E0046"), name.end_byte, name.end_byte, "_all")


def displayed(node: Node, text: bytes) -> Iterator[Mutant]:
    """`{}` for `{:?}`, and the other way round."""
    word = said(node, text)
    for found in FORMATTED.finditer(word):
        before = len(word[: found.start()].encode())
        start, end = node.start_byte + before, node.start_byte + before + len(found.group().encode())
        yield only("format.displayed", ("E0277",), start, end, f"{{{found.group(1)}}}")
    for found in re.finditer(r"(?<!\{)\{(\w*)\}(?!\})", word):
        before = len(word[: found.start()].encode())
        start, end = node.start_byte + before, node.start_byte + before + len(found.group().encode())
        yield only("format.debugged", ("E0277",), start, end, f"{{{found.group(1)}:?}}")


def loop_over_other(node: Node, text: bytes) -> Iterator[Mutant]:
    """A loop over what is no iterator."""
    value = node.child_by_field_name("value")
    if value is None:
        return
    word = said(value, text)
    if value.type == "range_expression":
        end = value.named_children[-1] if value.named_children else None
        if end is not None and value.named_children[0] != end:
            yield only("loop.over_number", ("E0277",), value.start_byte, end.start_byte)
    elif value.type == "reference_expression":
        yield only(
            "loop.over_length",
            ("E0277",),
            value.start_byte,
            value.end_byte,
            said(value.child_by_field_name("value"), text) + ".len()",
        )
    elif value.type == "identifier":
        yield only("loop.over_reference", ("E0277", "E0308", "E0369"), value.start_byte, value.start_byte, "&")
    elif value.type == "call_expression" and word.endswith((".iter()", ".chars()", ".lines()", ".values()", ".keys()")):
        yield only(
            "loop.over_whole",
            ("E0277", "E0308"),
            value.start_byte + len(word.rpartition(".")[0].encode()),
            value.end_byte,
        )


def compared_apart(node: Node, _text: bytes) -> Iterator[Mutant]:
    """An impl header that forgets its type parameters."""
    parameters = node.child_by_field_name("type_parameters")
    kind = node.child_by_field_name("type")
    if parameters is not None and kind is not None:
        if kind.type == "generic_type":
            arguments = kind.child_by_field_name("type_arguments")
            if arguments is not None:
                yield only("impl.arguments_removed", ("E0107",), arguments.start_byte, arguments.end_byte)
        yield only("impl.parameters_removed", ("E0412", "E0425", "E0261"), parameters.start_byte, parameters.end_byte)
    trait = node.child_by_field_name("trait")
    if trait is not None and kind is not None:
        yield only("impl.trait_removed", ("E0407", "E0599", "E0277", "E0369"), trait.start_byte, kind.start_byte)
    elif parameters is None and kind is not None and kind.type == "type_identifier":
        yield only(
            "impl.parameter_too_many", ("E0207",), node.start_byte + len("impl"), node.start_byte + len("impl"), "<T>"
        )


def parameter_unused(node: Node, _text: bytes) -> Iterator[Mutant]:
    """A type parameter of a struct that nothing uses."""
    name = node.child_by_field_name("name")
    if name is not None and node.child_by_field_name("type_parameters") is None:
        yield only("generic.unused_parameter", ("E0392", "E0107"), name.end_byte, name.end_byte, "<T>")


MUTATORS = (
    by_kind(
        {
            "attribute_item": (derive_changed,),
            "trait_bounds": (bound_removed,),
            "bounded_type": (impl_trait_shortened,),
            "where_clause": (where_removed,),
            "dynamic_type": (dyn_changed,),
            "function_item": (method_of_trait_changed,),
            "string_literal": (displayed,),
            "for_expression": (loop_over_other,),
            "impl_item": (compared_apart,),
            "struct_item": (parameter_unused,),
        }
    ),
)
"""All mistakes of this file, for any text."""
