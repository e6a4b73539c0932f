"""Matchers about arrays, slices, orders of floats, and what is indexed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.code.syntax import code_children
from sleepy_agent.code.type_text import bare_type_name, without_reference
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.conversions_shared import (
    around,
    exact_node,
    is_pattern,
    mismatch_of,
    without_borrow,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

OF_FLOATS = {
    "sort": "sort_by(|a, b| a.total_cmp(b))",
    "sort_unstable": "sort_unstable_by(|a, b| a.total_cmp(b))",
    "max": "max_by(|a, b| a.total_cmp(b))",
    "min": "min_by(|a, b| a.total_cmp(b))",
}
INDEXED = frozenset({"Vec", "VecDeque", "HashMap", "BTreeMap", "slice", "array"})


def array_or_vec_literal(scene: Scene) -> Iterator[Proposal]:
    """`[1, 2]` for `vec![1, 2]` and the other way round."""
    found = mismatch_of(scene)
    node = found.node if found is not None else None
    if found is None or node is None or is_pattern(node):
        return
    wanted = bare_type_name(found.expected)
    if node.type == "array_expression" and wanted == "Vec" and not found.expected.startswith("&"):
        yield Proposal((scene.insert(node.start_byte, "vec!"),), {"kind": "`vec![..]`"})
    elif (
        node.type == "macro_invocation" and scene.of(node).startswith("vec!") and found.expected.startswith(("[", "&["))
    ):
        sign = "&" if found.expected.startswith("&") else ""
        bracket = scene.text.find(b"[", node.start_byte, node.end_byte)
        if bracket >= 0 and wanted == "array":
            yield Proposal((Edit(scene.file, node.start_byte, bracket, sign),), {"kind": "an array"})


def slice_as_array(scene: Scene) -> Iterator[Proposal]:
    """`bytes[0..4].try_into()`."""
    found = mismatch_of(scene)
    node = found.node if found is not None else None
    if found is None or node is None or is_pattern(node) or bare_type_name(found.expected) != "array":
        return
    if bare_type_name(found.found) not in {"slice", "Vec"}:
        return
    inner = without_borrow(node)
    removed = (scene.delete(node.start_byte, inner.start_byte),) if inner is not None else ()
    if found.expected.startswith("&") and inner is None and not found.found.startswith("&"):
        return
    keeps_borrow = found.expected.startswith("&")
    target = node if keeps_borrow or inner is None else inner
    edits = removed if not keeps_borrow else ()
    returned = scene.function(node)
    written = returned.child_by_field_name("return_type") if returned is not None else None
    can_fail = (
        written is not None and re.search(r"TryFromSliceError|Box<dyn|anyhow|eyre", scene.of(written)) is not None
    )
    endings = [".try_into()?"] if can_fail else [".try_into().unwrap()"]
    for ending in endings:
        yield Proposal((*edits, *around(scene, target, "", ending)))


def floats_in_order(scene: Scene) -> Iterator[Proposal]:
    """`sort_by(|a, b| a.total_cmp(b))`."""
    name = scene.node
    call = name.parent.parent if name.parent is not None else None
    new = OF_FLOATS.get(scene.of(name))
    arguments = call.child_by_field_name("arguments") if call is not None and call.type == "call_expression" else None
    if new is None or arguments is None or call is None or code_children(arguments):
        return
    yield Proposal((scene.replace(name, new.split("(", 1)[0]), scene.replace(arguments, "(" + new.split("(", 1)[1])))


def closure_takes_a_tuple(scene: Scene) -> Iterator[Proposal]:
    """`|a, b|` where one tuple comes: `|(a, b)|`."""
    span = scene.labelled(r"^takes \d+ (distinct )?arguments")
    node = scene.node_of(span) if span is not None else None
    parameters = scene.around("closure_parameters", node) if node is not None else None
    if parameters is None and node is not None:
        closure = scene.around("closure_expression", node)
        parameters = closure.child_by_field_name("parameters") if closure is not None else None
    if parameters is None or any(child.type == "parameter" for child in parameters.named_children):
        return
    inside = scene.of(parameters)[1:-1]
    edits = (scene.insert(parameters.start_byte + 1, "("), scene.insert(parameters.end_byte - 1, ")"))
    yield Proposal(edits, {"parameters": inside})


def index_of_the_field(scene: Scene) -> Iterator[Proposal]:
    """`self[i]` where one field of the type can be indexed."""
    node = scene.around("index_expression")
    if node is None:
        return
    fields = scene.index.fields_of(bare_type_name(scene.values["type"]))
    indexable = [field for field in fields if bare_type_name(field.type) in INDEXED]
    if len(indexable) == 1:
        yield Proposal(around(scene, node.children[0], "", f".{indexable[0].name}"), {"field": indexable[0].name})


def borrowed_element_type(scene: Scene) -> Iterator[Proposal]:
    """`Vec<[T]>`, `Vec<str>`, `Option<str>`: references or owned text inside."""
    unsized = scene.values["type"]
    node = scene.node if scene.node.type != "block" else None
    written = exact_node(scene, scene.span)
    function = written.parent if written is not None else None
    is_whole = written is not None and scene.of(written).replace(" ", "") == unsized.replace(" ", "")
    if (
        is_whole
        and function is not None
        and function.type == "function_item"
        and function.child_by_field_name("return_type") == written
    ):
        yield Proposal((scene.insert(scene.span.byte_start, "&"),), {"with": f"&{unsized}"}, -0.1)
        return
    generic = scene.around("generic_type", node) if node is not None else None
    arguments = generic.child_by_field_name("type_arguments") if generic is not None else None
    if arguments is None:
        return
    for argument in arguments.named_children:
        if scene.of(argument).replace(" ", "") != without_reference(unsized).replace(" ", ""):
            continue
        yield Proposal((scene.insert(argument.start_byte, "&"),), {"with": f"&{unsized}"})
        if unsized == "str":
            yield Proposal((scene.replace(argument, "String"),), {"with": "String"}, 0.02)
