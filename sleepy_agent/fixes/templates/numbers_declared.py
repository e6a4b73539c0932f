"""The number type that was declared, where it is the wrong one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.expression_types import type_of_expression
from sleepy_agent.code.local_names import declaration_of
from sleepy_agent.code.syntax import ancestors, node_at
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.conversions import types_of_initializer
from sleepy_agent.fixes.templates.conversions_shared import (
    FLOATS,
    INTEGERS,
    NUMBERS,
    Mismatch,
    exact_node,
    mismatch_of,
    without_borrow,
)
from sleepy_agent.fixes.templates.numbers import mismatched_numbers
from sleepy_agent.fixes.templates.scene import Proposal, Scene


def declared_number_type(scene: Scene) -> Iterator[Proposal]:
    """Another number type on the `let`, the parameter, the field, the constant or the function that the value
    comes from."""
    for place, found, expected in wanted_types(scene):
        if found not in INTEGERS | set(FLOATS) or expected not in NUMBERS or found == expected:
            continue
        node = place if isinstance(place, Node) else place.node
        if node is None:
            continue
        declared = declaration_types(scene, node)
        for edits, name in declared:
            changed = tuple(edit for edit in edits if edit.replacement == found)
            if changed:
                retyped = tuple(Edit(edit.file, edit.byte_start, edit.byte_end, expected) for edit in changed)
                # A field or a result has its type on purpose more often than a variable has.
                is_far = name.startswith(("the field", "what"))
                extra = 0.35 if is_far else -0.1 if scene.problem.code == "E0600" else 0.0
                yield Proposal(retyped, {"declared": name, "to": expected}, extra)


def wanted_types(scene: Scene) -> Iterator[tuple[Node | Mismatch, str, str]]:
    """What is declared as one number and wanted as another."""
    index = re.search(r"cannot be indexed by `(?:[\w:]*<)?(?P<number>\w+)>?`", scene.problem.message)
    node = exact_node(scene, scene.span)
    negated = re.search(r"operator `-` to type `(?P<number>u\w+)`", scene.problem.message)
    if index is not None and node is not None:
        for inner in [node, *node.named_children] if node.type in {"range_expression", "binary_expression"} else [node]:
            yield inner, index["number"], "usize"
    elif negated is not None and node is not None:
        holder = scene.around("let_declaration", node)
        if holder is not None:
            yield holder, negated["number"], "i" + negated["number"][1:]
        for inner in node.named_children:
            yield inner, negated["number"], "i" + negated["number"][1:]
    elif scene.problem.code in {"E0308", "E0277"}:
        yield from mismatched_numbers(scene)
        found = mismatch_of(scene) if scene.problem.code == "E0308" else None
        lent = without_borrow(found.node) if found is not None and found.node is not None else None
        if found is not None and lent is not None:
            yield lent, found.found.removeprefix("&"), found.expected.removeprefix("&")
        if found is not None and found.node is not None:
            # The place that takes the value may have the wrong type just as well.
            yield found.node.parent or found.node, found.expected, found.found


def declaration_types(scene: Scene, node: Node) -> Iterator[tuple[tuple[Edit, ...], str]]:
    """Where the type of a value is written: edits that put the same text there, and what is declared."""
    if node.type == "parenthesized_expression":
        node = node.named_children[0]
    if node.type in {"identifier", "shorthand_field_initializer"}:
        yield from types_of_name(scene, node, scene.of(node))
    elif node.type == "field_expression":
        field = node.child_by_field_name("field")
        owner = node.child_by_field_name("value")
        if field is not None:
            known = type_of_expression(scene.index, scene.root, scene.text, owner) if owner is not None else None
            yield from types_of_field(scene, scene.of(field), bare_type_name(known or ""))
    elif node.type == "let_declaration":
        written = node.child_by_field_name("type")
        if written is not None:
            yield (scene.replace(written, scene.of(written)),), "the variable"
    elif node.type == "field_initializer":
        field = node.child_by_field_name("field")
        if field is not None:
            edits = list(types_of_initializer(scene, node, scene.of(field)))
            yield from ((((edit,), f"the field `{scene.of(field)}`")) for edit in edits)
    elif node.type == "call_expression":
        yield from types_of_call(scene, node)
    elif node.type in {"binary_expression", "unary_expression", "compound_assignment_expr", "assignment_expression"}:
        for child in node.named_children[:2]:
            if child.type != node.type:
                yield from declaration_types(scene, child)
    elif node.type in {"block", "return_expression"} and (function := scene.function(node)) is not None:
        returned = function.child_by_field_name("return_type")
        if returned is not None and (node.type != "block" or node == function.child_by_field_name("body")):
            yield (scene.replace(returned, scene.of(returned)),), "what the function returns"


def types_of_name(scene: Scene, node: Node, name: str) -> Iterator[tuple[tuple[Edit, ...], str]]:
    local = declaration_of(scene.root, scene.text, node.start_byte, name)
    if local is None:
        for item in scene.index.items_named(name):
            if item.type is not None and item.kind.value in {"const", "static"} and item.file == scene.file:
                start = scene.text.find(item.type.encode(), item.name_end)
                if 0 <= start < item.byte_end:
                    yield (Edit(scene.file, start, start + len(item.type.encode()), item.type),), f"`{name}`"
        return
    declaration = next(
        (
            one
            for one in ancestors(node_at(scene.root, local.byte_start, local.byte_end))
            if one.type in {"let_declaration", "parameter"}
        ),
        None,
    )
    if declaration is None or not local.is_whole_pattern:
        return
    written = declaration.child_by_field_name("type")
    value = declaration.child_by_field_name("value")
    if written is not None:
        yield (scene.replace(written, scene.of(written)),), f"`{name}`"
    elif value is not None and (
        suffix := re.search(r"(?<=\d)_?(?P<type>[iu](?:8|16|32|64|128|size)|f32|f64)$", scene.of(value))
    ):
        start = value.start_byte + suffix.start("type")
        yield (Edit(scene.file, start, value.end_byte, suffix["type"]),), f"`{name}`"


def types_of_field(scene: Scene, name: str, owner: str = "") -> Iterator[tuple[tuple[Edit, ...], str]]:
    """The declarations of fields with this name; there must be one only."""
    found = [
        (item, field)
        for item in scene.index.types()
        for field in (*item.fields, *(inner for variant in item.variants for inner in variant.fields))
        if field.name == name and not name.isdigit() and owner in {"", item.name}
    ]
    if len(found) == 1:
        item, field = found[0]
        text = scene.context.read(item.file)
        start = text.rfind(field.type.encode(), field.byte_start, field.byte_end)
        if start >= 0:
            yield (Edit(item.file, start, start + len(field.type.encode()), field.type),), f"the field `{name}`"


def types_of_call(scene: Scene, node: Node) -> Iterator[tuple[tuple[Edit, ...], str]]:
    function = node.child_by_field_name("function")
    name = (
        function.child_by_field_name("field") or function.child_by_field_name("name") or function if function else None
    )
    found = scene.index.functions_named(scene.of(name)) if name is not None else ()
    wrong = [item for item in found if item.returns in NUMBERS]
    found = tuple(wrong) if len(wrong) == 1 else found
    if len(found) == 1 and found[0].returns is not None and found[0].returns_range is not None:
        item = found[0]
        text = scene.context.read(item.file)
        start, end = found[0].returns_range
        place = text.find(item.returns.encode(), start, end + 1) if item.returns is not None else -1
        if place >= 0 and item.returns is not None:
            yield (
                (Edit(item.file, place, place + len(item.returns.encode()), item.returns),),
                f"what `{item.name}` returns",
            )
