"""A number that was computed in another type: the cast back is missing where it begins. Casts of references."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import Local, declaration_of, uses_of
from sleepy_agent.code.syntax import ancestors, code_children, leaves, node_at
from sleepy_agent.fixes.templates.conversions_shared import FLOATS, INTEGERS, NUMBERS, around
from sleepy_agent.fixes.templates.numbers import mismatched_numbers
from sleepy_agent.fixes.templates.numbers_shared import is_lossless
from sleepy_agent.fixes.templates.scene import Proposal, Scene

OPERATORS = frozenset({"+", "-", "*", "/", "%"})
INDEXED_BY = re.compile(
    r"cannot be indexed by `(?:[\w:]*Range\w*<)?(?P<index>[iu]\w+)>?`"
    r"|the trait bound `[\w:]*Range\w*<(?P<range>[iu]\w+)>: [\w:]*RangeBounds"
)


def cast_where_it_begins(scene: Scene) -> Iterator[Proposal]:
    """`let y = (x as isize - k) as usize;` where all uses of y want a `usize`."""
    for name, found, expected in names_and_types(scene):
        local = declaration_of(scene.root, scene.text, name.start_byte, scene.of(name))
        if local is None or local.kind != "let" or local.type is not None or not local.is_whole_pattern:
            continue
        value = value_of(scene, local)
        if value is None or re.search(rf"\bas {found}\b", scene.of(value)) is None:
            continue
        if value.type == "type_cast_expression" or not is_for_all_uses(scene, local):
            continue
        # The uses would each need a cast of their own.
        yield Proposal(around(scene, value, "", f" as {expected}"), {"name": local.name, "to": expected}, -0.05)
        return


def names_and_types(scene: Scene) -> Iterator[tuple[Node, str, str]]:
    """The locals that a diagnostic is about, their integer types, and the wanted ones."""
    indexed = INDEXED_BY.search(scene.problem.message)
    if indexed is not None:
        names = [one for one in leaves(scene.node) if one.type == "identifier"]
        found = indexed["index"] or indexed["range"]
        if len(names) == 1 and found in INTEGERS - {"usize"}:
            yield names[0], found, "usize"
        return
    for place, found, expected in mismatched_numbers(scene):
        node = place if isinstance(place, Node) else place.node
        if node is not None and node.type == "identifier" and {found, expected} <= INTEGERS:
            yield node, found, expected


def value_of(scene: Scene, local: Local) -> Node | None:
    """What the `let` of a local gives it."""
    name = node_at(scene.root, local.byte_start, local.byte_end)
    declaration = next((one for one in ancestors(name) if one.type == "let_declaration"), None)
    return declaration.child_by_field_name("value") if declaration is not None else None


def is_for_all_uses(scene: Scene, local: Local) -> bool:
    """Whether a local is used several times, and never as a number that may be below zero."""
    uses = uses_of(scene.root, scene.text, local)
    return len(uses) > 1 and not any(may_be_negative(scene, use) for use in uses)


def may_be_negative(scene: Scene, use: Node) -> bool:
    """`-y`, `y < 0`, `y as usize`: the code knows of the type that the local has now."""
    parent = use.parent
    if parent is None or parent.type in {"unary_expression", "type_cast_expression"}:
        return True
    others = [one for one in parent.named_children if one != use]
    is_compared = parent.type == "binary_expression" and re.search(r"[<>]", scene.of(parent)) is not None
    return is_compared and any(scene.of(other) in {"0", "-1"} for other in others)


def cast_of_a_reference(scene: Scene) -> Iterator[Proposal]:
    """`entries as *const [Entry] as *const Self`: a reference becomes a pointer to the same first."""
    cast = scene.around("type_cast_expression") or next(
        (one for one in scene.node.named_children if one.type == "type_cast_expression"), None
    )
    value = cast.child_by_field_name("value") if cast is not None else None
    kind = cast.child_by_field_name("type") if cast is not None else None
    pointer = re.match(r"\*(const|mut)\b", scene.of(kind)) if kind is not None else None
    if value is None or pointer is None or value.type not in {"identifier", "self"}:
        return
    written = declared_reference(scene, value)
    if written is not None and (pointer[1] == "const" or written.startswith("mut ")):
        target = written.removeprefix("mut ")
        how = f"as *{pointer[1]} {target}"
        yield Proposal((scene.insert(value.end_byte, f" {how}"),), {"how": how})


def declared_reference(scene: Scene, value: Node) -> str | None:
    """`mut T` of a local that is declared as `&mut T`."""
    if value.type == "self":
        function = scene.function(value)
        parameters = function.child_by_field_name("parameters") if function is not None else None
        own = re.match(r"\(\s*&(?:'\w+\s+)?(mut\s+)?self\b", scene.of(parameters)) if parameters is not None else None
        return f"{'mut ' if own[1] else ''}Self" if own is not None else None
    local = declaration_of(scene.root, scene.text, value.start_byte, scene.of(value))
    found = re.match(r"&(?:'\w+\s+)?(?P<rest>.+)$", local.type, re.DOTALL) if local is not None and local.type else None
    return found["rest"] if found is not None else None


def converted_operands(scene: Scene) -> Iterator[Proposal]:
    """`f64::from(total) / f64::from(count)`: what is computed of is converted, before a fraction is lost or the
    narrower type runs over."""
    for place, found, expected in mismatched_numbers(scene):
        node = place if isinstance(place, Node) else place.node
        is_wide_enough = {found, expected} <= NUMBERS and not (found in FLOATS and expected in INTEGERS)
        operands = list(operands_of(scene, node)) if node is not None and is_wide_enough else []
        if not operands or all(operand.type.endswith("_literal") for operand in operands):
            continue
        edits = []
        for operand in operands:
            if operand.type == "integer_literal" and re.fullmatch(r"[\d_]+", scene.of(operand)):
                edits += [scene.insert(operand.end_byte, ".0")] if expected in FLOATS else []
            elif operand.type.endswith("_literal"):
                return
            elif is_lossless(found, expected):
                edits.append(scene.replace(operand, f"{expected}::from({scene.of(operand)})"))
            else:
                edits.append(scene.insert(operand.end_byte, f" as {expected}"))
        yield Proposal(tuple(edits), {"to": expected})
        return


def operands_of(scene: Scene, node: Node) -> Iterator[Node]:
    """What a computation is made of, from the left; nothing where it is no plain computation."""
    while node.type == "parenthesized_expression" and code_children(node):
        node = code_children(node)[0]
    operator = node.child_by_field_name("operator") if node.type == "binary_expression" else None
    if operator is None or scene.of(operator) not in OPERATORS:
        return
    for side in (node.child_by_field_name("left"), node.child_by_field_name("right")):
        if side is not None:
            inner = list(operands_of(scene, side))
            yield from inner or [side]
