"""Matchers about numbers: conversions with and without loss, indices, declared types, truth values, casts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from tomllib import loads

from tree_sitter import Node

from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.conversions_shared import (
    FLOATS,
    INTEGERS,
    NUMBERS,
    PACKAGE,
    Mismatch,
    around,
    conditions,
    exact_node,
    is_pattern,
    mismatch_of,
    plain_type,
)
from sleepy_agent.fixes.templates.numbers_shared import conversions_by_custom, custom_counts, is_lossless, never_loses
from sleepy_agent.fixes.templates.scene import Proposal, Scene
from sleepy_agent.fixes.templates.strings import scene_span

OPERATION = re.compile(r"no implementation for `(?P<left>[^`]+?) (?P<operator>[-+*/%&|^<>=]+) (?P<right>[^`]+)`")
MIXED_OPERATORS = frozenset({"+", "-", "*", "/", "%", "+=", "-=", "*=", "/=", "%="})


def operands(scene: Scene) -> Iterator[tuple[Node, str, str]]:
    """Both operands of an operation between two number types, each with its own type and the other's."""
    found = OPERATION.search("\n".join(span.label or "" for span in scene.spans() if span.is_primary))
    node = scene.around({"binary_expression", "compound_assignment_expr"})
    if found is None or node is None or found["operator"] not in MIXED_OPERATORS:
        return
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    types = plain_number(found["left"]), plain_number(found["right"])
    if left is None or right is None or not {*types} <= NUMBERS | {"bool"}:
        return
    yield right, types[1], types[0]
    if node.type == "binary_expression":
        yield left, types[0], types[1]


def plain_number(text: str) -> str:
    return plain_type(f"`{text}`").removeprefix("&")


def mismatched_numbers(scene: Scene) -> Iterator[tuple[Node | Mismatch, str, str]]:
    """The places that a diagnostic about two number types speaks of: (place, its type, the wanted type)."""
    if scene.problem.code != "E0308":
        yield from operands(scene)
        return
    found = mismatch_of(scene)
    if found is not None and not is_pattern(found.node):
        yield found, found.found, found.expected
        other = other_operand(found)
        if other is not None:
            yield other, found.expected, found.found


def other_operand(found: Mismatch) -> Node | None:
    """The left operand, where the right one has the wrong type: either may be converted."""
    node = found.node
    parent = node.parent if node is not None else None
    if parent is None or parent.type != "binary_expression" or parent.child_by_field_name("right") != node:
        return None
    return parent.child_by_field_name("left")


def converted(scene: Scene, place: Node | Mismatch, before: str, after: str) -> tuple[Edit, ...]:
    target = place if isinstance(place, Node) else place.node or place.span
    code = scene.of(target) if isinstance(target, Node) else ""
    if isinstance(target, Node) and target.type == "parenthesized_expression" and before.endswith("("):
        # `f64::from((a + b))` would have the parentheses twice.
        return (scene.replace(target, f"{before}{code[1:-1]}{after}"),)
    is_single = isinstance(target, Node) and "shorthand" not in target.type + (
        target.parent.type if target.parent else ""
    )
    if isinstance(target, Node) and is_single and before.endswith("("):
        return (scene.replace(target, f"{before}{code}{after}"),)
    return around(scene, target, before, after)


def widened_number(scene: Scene) -> Iterator[Proposal]:
    """`u32::from(byte)`, or `byte as u32` where the file writes it so."""
    for place, found, expected in mismatched_numbers(scene):
        if not is_lossless(found, expected) or is_literal(place):
            continue
        values = {"from": found, "to": expected}
        for rank, form in enumerate(conversions_by_custom(scene, found, expected)):
            before, after = (f"{expected}::from(", ")") if form == "from" else ("", f" as {expected}")
            is_custom = rank == 0 and form == "from" and custom_counts(scene, expected)["from"] > 0
            yield Proposal(converted(scene, place, before, after), values, 0.02 * rank - 0.05 * is_custom)
        return


def is_literal(place: Node | Mismatch) -> bool:
    node = place if isinstance(place, Node) else place.node
    return node is not None and node.type.endswith("_literal")


def cast_number(scene: Scene) -> Iterator[Proposal]:
    """`as`: what keeps every value first, then what the other side has."""
    for place, found, expected in mismatched_numbers(scene):
        wanted = expected in NUMBERS or (expected, found) == ("char", "u8")
        given = found in NUMBERS or (found, expected) == ("char", "u8")
        # What is cast already was cast to that type on purpose.
        is_meant = is_literal(place) or is_cast(place)
        if wanted and given and not is_lossless(found, expected) and not is_meant:
            is_other_side = not isinstance(place, Mismatch) and scene.problem.code == "E0308"
            if is_other_side and not never_loses(found, expected):
                continue
            loses = not (never_loses(found, expected) or (expected == "f64" and found in INTEGERS))
            values = {"from": found, "to": expected}
            extra = 0.05 * loses + 0.05 * is_other_side
            yield Proposal(converted(scene, place, "", f" as {expected}"), values, extra, keeps_behaviour=not loses)
            if loses and fails_with_number(scene, place):
                yield Proposal(converted(scene, place, f"{expected}::try_from(", ")?"), values)


def is_cast(place: Node | Mismatch) -> bool:
    node = place if isinstance(place, Node) else place.node
    return node is not None and node.type == "type_cast_expression"


def fails_with_number(scene: Scene, place: Node | Mismatch) -> bool:
    """Whether the function can hand on a TryFromIntError."""
    node = place if isinstance(place, Node) else place.node
    function = scene.function(node)
    returned = function.child_by_field_name("return_type") if function is not None else None
    return returned is not None and re.search(r"TryFromIntError|Box<dyn|anyhow|eyre", scene.of(returned)) is not None


def index_as_usize(scene: Scene) -> Iterator[Proposal]:
    """`list[index as usize]`, and both ends of a range."""
    index = scene.values["index"]
    number = re.search(r"\b(?P<number>[iu](?:8|16|32|64|128|size))\b", index)
    node = exact_node(scene, scene.span)
    if number is None or node is None or number["number"] == "usize":
        return
    found = number["number"]
    places = code_children(node) if node.type == "range_expression" else [node]
    unnumbered = [place for place in places if place.type != "integer_literal"]
    # The ends of a range have one type, so that all of them are converted.
    for form in conversions_by_custom(scene, found, "usize"):
        before, after = ("usize::from(", ")") if form == "from" else ("", " as usize")
        edits = [edit for place in unnumbered for edit in around(scene, place, before, after)]
        loses = not never_loses(found, "usize")
        yield Proposal(tuple(edits), {"from": found}, 0.05 * loses, keeps_behaviour=not loses)
        return


# ---- truth values, sums, casts ------------------------------------------------------------------------------------


def number_as_condition(scene: Scene) -> Iterator[Proposal]:
    """`n % 2` where a truth value is wanted; `!n`; a truth value where a number is wanted."""
    found = mismatch_of(scene)
    if found is None or is_pattern(found.node) or found.expected != "bool":
        return
    if found.found not in INTEGERS | {"{integer}"} or found.node is None or is_literal(found):
        return
    node = found.node
    if node.type == "unary_expression" and scene.of(node).startswith("!"):
        inner = node.named_children[0]
        name = inner.child_by_field_name("function") if inner.type == "call_expression" else None
        if name is not None and scene.of(name).endswith(".len"):
            yield Proposal((scene.delete(node.start_byte, inner.start_byte), *renamed_end(scene, name, "is_empty")))
        yield Proposal(
            (scene.delete(node.start_byte, inner.start_byte), scene.insert(inner.end_byte, " == 0")), extra_cost=0.02
        )
    elif node.type not in {"assignment_expression", "compound_assignment_expr", "range_expression"}:
        yield Proposal((scene.insert(node.end_byte, " != 0"),))


def renamed_end(scene: Scene, name: Node, new: str) -> tuple[Edit, ...]:
    field = name.child_by_field_name("field")
    return (scene.replace(field, new),) if field is not None else ()


def summed_as_other_number(scene: Scene) -> Iterator[Proposal]:
    """`.sum()` of one number type as another: convert in the closure before, or after `map`, or sum as it is."""
    found, wanted = scene.values["from"], scene.values["to"]
    if found not in NUMBERS or wanted not in NUMBERS:
        return
    node = exact_node(scene, scene.span)
    if node is not None and node.parent is not None and node.parent.type == "type_arguments":
        if is_lossless(found, wanted):
            yield from summed_after_conversion(scene, node, found, wanted)
        yield Proposal((scene.replace(node, found),), {"to": found})
        return
    name = scene.around("field_expression")
    value = name.child_by_field_name("value") if name is not None else None
    if name is None or value is None:
        return
    function = scene.function(name)
    returned = function.child_by_field_name("return_type") if function is not None else None
    if returned is not None and scene.of(returned) == wanted and is_last(name.parent):
        yield Proposal((scene.replace(returned, found),), {"to": found}, 0.1, keeps_behaviour=False)
    keeps = never_loses(found, wanted) or (wanted == "f64" and found in INTEGERS)
    form = conversions_by_custom(scene, found, wanted)[0]
    body = body_of_last_closure(scene, value)
    if body is not None and body.type != "block":
        before, after = (f"{wanted}::from(", ")") if form == "from" else ("", f" as {wanted}")
        yield Proposal(around(scene, body, before, after), keeps_behaviour=keeps)
    else:
        is_reference = f"`&{found}`" in scene.problem.message
        written = f".map(|&value| {wanted}::from(value))" if is_reference else f".map({wanted}::from)"
        if form != "from":
            written = f".map(|{'&' * is_reference}value| value as {wanted})"
        yield Proposal((scene.insert(value.end_byte, written),), keeps_behaviour=keeps)


def summed_after_conversion(scene: Scene, node: Node, found: str, wanted: str) -> Iterator[Proposal]:
    """`.map(..)` in front of `.sum::<f64>()`."""
    function = next((one for one in ancestors(node) if one.type == "generic_function"), None)
    access = function.child_by_field_name("function") if function is not None else None
    value = access.child_by_field_name("value") if access is not None else None
    if value is not None:
        is_reference = f"`&{found}`" in scene.problem.message
        written = f".map(|&value| {wanted}::from(value))" if is_reference else f".map({wanted}::from)"
        yield Proposal((scene.insert(value.end_byte, written),), {"to": wanted}, -0.02)


def is_last(node: Node | None) -> bool:
    """Whether an expression is the value of a function's body."""
    parent = node.parent if node is not None else None
    return (
        parent is not None
        and parent.type == "block"
        and parent.parent is not None
        and parent.parent.type == "function_item"
    )


def body_of_last_closure(scene: Scene, chain: Node) -> Node | None:
    """The body of the closure of `.map(..)`, where that is the last step of a chain."""
    function = chain.child_by_field_name("function") if chain.type == "call_expression" else None
    field = (
        function.child_by_field_name("field") if function is not None and function.type == "field_expression" else None
    )
    arguments = chain.child_by_field_name("arguments") if field is not None and scene.of(field) == "map" else None
    inside = code_children(arguments) if arguments is not None else []
    return inside[0].child_by_field_name("body") if inside and inside[0].type == "closure_expression" else None


def cast_to_character(scene: Scene) -> Iterator[Proposal]:
    """`char::from_u32(..)`: not every number is a character."""
    node = scene.around("type_cast_expression")
    value = node.child_by_field_name("value") if node is not None else None
    found = scene.values["from"]
    if node is None or value is None or found not in INTEGERS:
        return
    inner = scene.of(value)
    literal = re.fullmatch(r"(?P<digits>\d+)_?[iu]\d+", inner)
    if literal is not None and int(literal["digits"]) < 256:
        yield Proposal((scene.replace(value, f"{literal['digits']}u8"),), keeps_behaviour=True)
        return
    inner = inner[1:-1] if value.type == "parenthesized_expression" else inner
    number = inner if found == "u32" else f"u32::from({inner})" if is_lossless(found, "u32") else f"{inner} as u32"
    ending = "?" if "propagates_option" in conditions(scene, node) else ".unwrap()"
    yield Proposal((scene.replace(node, f"char::from_u32({number}){ending}"),))


def cast_of_other_value(scene: Scene) -> Iterator[Proposal]:
    """`as` between types that it does not convert."""
    node = scene.around("type_cast_expression")
    value = node.child_by_field_name("value") if node is not None else None
    if node is None or value is None:
        return
    found, wanted = (plain_type(f"`{scene.values[name]}`") for name in ("from", "to"))
    place = conditions(scene, node)
    tail = scene.text[value.end_byte : node.end_byte].decode(errors="replace")
    if found in {"&str", "String", "&String"} and wanted in NUMBERS:
        ending = ".ok()?" if "propagates_option" in place else "?" if "propagates_result" in place else ".unwrap()"
        how = f".parse::<{wanted}>(){ending}"
    elif wanted == f"Option<{found}>":
        wrapped = (
            scene.insert(value.start_byte, "Some("),
            scene.replace(scene_span(scene, value.end_byte, node.end_byte), ")"),
        )
        yield Proposal(wrapped, {"how": "Some"}, keeps_behaviour=True)
        return
    elif wanted == "String":
        how = ".to_string()"
    elif bare_type_name(found) in {"slice", "array"} and bare_type_name(wanted) == "Vec":
        how = ".to_vec()"
    elif found in {"String", "&String"} and wanted == "&str":
        how = ".as_str()"
    elif newtype_of(scene, found, wanted):
        how = ".0"
    elif found == f"&{wanted}" or (found in {"&" + number for number in NUMBERS} and wanted in NUMBERS):
        yield Proposal((*around(scene, value, "*", ""),), {"how": "*"}, keeps_behaviour=True)
        return
    else:
        return
    edits = around(scene, value, "", how)
    yield Proposal((*edits, scene.delete(value.end_byte, node.end_byte)) if tail else edits, {"how": how})


def newtype_of(scene: Scene, outer: str, inner: str) -> bool:
    item = scene.index.type_named(bare_type_name(outer))
    return item is not None and item.is_tuple and len(item.fields) == 1 and item.fields[0].type == inner


# ---- a method that is nearly the same ------------------------------------------------------------------------------


@cache
def siblings() -> tuple[dict[str, str], ...]:
    """The rows of `[[sibling]]`: a method, what it was given, and the method that takes that."""
    return tuple(loads(files(PACKAGE).joinpath("numbers.toml").read_text(encoding="utf-8"))["sibling"])


def sibling_method(scene: Scene) -> Iterator[Proposal]:
    """`push_str` with a character, `powf` with an integer, `append` with a slice."""
    found = mismatch_of(scene)
    arguments = found.node.parent if found is not None and found.node is not None else None
    call = arguments.parent if arguments is not None and arguments.type == "arguments" else None
    function = call.child_by_field_name("function") if call is not None else None
    name = function.child_by_field_name("field") if function is not None else None
    if found is None or name is None:
        return
    for row in siblings():
        fits_here = row["method"] == scene.of(name) and row.get("expected", found.expected) == found.expected
        if fits_here and is_of_kind(found.found, row["found"]):
            # rustc writes a literal in the other way, which is the smaller change.
            extra = 0.05 if found.node is not None and found.node.type.endswith("_literal") else 0.0
            yield Proposal((scene.replace(name, row["other"]),), {"method": row["other"]}, extra)


def is_of_kind(found: str, kind: str) -> bool:
    """Whether a type is what a row names: a type, a bare name, or a kind of number."""
    if kind == "{integer}":
        return found in INTEGERS | {kind}
    if kind == "{float}":
        return found in set(FLOATS) | {kind}
    if kind == "closure":
        return "{closure" in found
    return found == kind or (kind in {"Vec", "slice"} and bare_type_name(found) == kind)
