"""Matchers about operators."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.code.std_names import is_copied
from sleepy_agent.code.syntax import code_children
from sleepy_agent.code.type_text import bare_type_name, split_outside, type_arguments
from sleepy_agent.fixes.templates.conversions_shared import (
    INTEGERS,
    around,
    exact_node,
    mismatch_of,
    plain_type,
    returned_type,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

LIST = re.compile(r"^&?(?:mut )?(?:Vec<|\[)")


def logical_operator(scene: Scene) -> Iterator[Proposal]:
    """`a & b > c`: `&` binds before the comparison."""
    bitwise = scene.node if scene.node.type in {"&", "|"} else None
    if bitwise is None:
        node = exact_node(scene, scene.span)
        parent = node.parent if node is not None else None
        operator = (
            parent.child_by_field_name("operator")
            if parent is not None and parent.type == "binary_expression"
            else None
        )
        bitwise = operator if operator is not None and operator.type in {"&", "|"} else None
    holder = bitwise.parent if bitwise is not None else None
    if bitwise is None or holder is None or holder.type != "binary_expression":
        return
    if "bool" not in scene.problem.message + (scene.span.label or ""):
        return
    operator_text = scene.of(bitwise) * 2
    yield Proposal((scene.replace(bitwise, operator_text),), {"operator": operator_text})


def bitwise_operator(scene: Scene) -> Iterator[Proposal]:
    """`flags && mask` between numbers, where a number is wanted."""
    found = mismatch_of(scene)
    node = found.node if found is not None else None
    if found is None or node is None:
        return
    if found.found == "bool" and found.expected in INTEGERS:
        holder = node
    elif found.expected == "bool" and found.found in INTEGERS and node.parent is not None:
        holder = node.parent
    else:
        return
    operator = holder.child_by_field_name("operator") if holder.type == "binary_expression" else None
    if operator is not None and scene.of(operator) in {"&&", "||"}:
        single = scene.of(operator)[0]
        yield Proposal((scene.replace(operator, single),), {"operator": single})


def joined_lists(scene: Scene) -> Iterator[Proposal]:
    """`[a, b].concat()`."""
    node = scene.around("binary_expression")
    left, right = (node.child_by_field_name(name) for name in ("left", "right")) if node is not None else (None, None)
    labels = [plain_type(f"`{span.label}`") for span in scene.spans() if span.label and not span.is_primary]
    if (
        node is None
        or left is None
        or right is None
        or len(labels) != 2
        or not all(LIST.match(label) for label in labels)
    ):
        return
    if left.type == "binary_expression" or labels[0].startswith("&") != labels[1].startswith("&"):
        return
    yield Proposal((scene.replace(node, f"[{scene.of(left)}, {scene.of(right)}].concat()"),))


def asked_whether_empty(scene: Scene) -> Iterator[Proposal]:
    """`!text`, as other languages write it."""
    node = exact_node(scene, scene.span)
    if node is None or node.type != "unary_expression":
        return
    inner = node.named_children[0]
    yield Proposal((scene.delete(node.start_byte, inner.start_byte), scene.insert(inner.end_byte, ".is_empty()")))


def closure_parameter_types(scene: Scene) -> Iterator[Proposal]:
    """The types written in `|number: isize|` as the caller gives them."""
    span = scene.labelled(r"^found signature defined here") or scene.span
    node = scene.node_of(span)
    closure = scene.around("closure_expression", node)
    parameters = closure.child_by_field_name("parameters") if closure is not None else None
    if parameters is None:
        return
    pairs = [[part.strip() for part in split_outside(scene.values[name], ",")] for name in ("expected", "found")]
    written = code_children(parameters)
    if len(pairs[0]) != len(pairs[1]) or len(written) != len(pairs[0]):
        return
    edits = []
    for parameter, wanted, found in zip(written, *pairs, strict=True):
        kind = parameter.child_by_field_name("type") if parameter.type == "parameter" else None
        if kind is not None and wanted != found and "_" not in wanted:
            edits.append(scene.replace(kind, re.sub(r"'\w+ ", "", wanted)))
    if edits:
        yield Proposal(tuple(edits), {"types": scene.values["expected"]})


def closure_parameter_count(scene: Scene) -> Iterator[Proposal]:
    """`_` for a parameter that is given and not named; one less where the last is not used."""
    span = scene.labelled(r"^takes \d+ (distinct )?arguments?")
    closure = scene.around("closure_expression", scene.node_of(span)) if span is not None else None
    parameters = closure.child_by_field_name("parameters") if closure is not None else None
    body = closure.child_by_field_name("body") if closure is not None else None
    if parameters is None or body is None:
        return
    count, taken = int(scene.values["count"]), int(scene.values["taken"])
    written = code_children(parameters)
    if len(written) != taken:
        return
    if count > taken:
        more = ", ".join("_" for _ in range(count - taken))
        place = written[-1].end_byte if written else parameters.start_byte + 1
        yield Proposal((scene.insert(place, f", {more}" if written else more),))
    elif all(
        one.type == "identifier" and not re.search(rf"\b{scene.of(one)}\b", scene.of(body)) for one in written[count:]
    ):
        start = written[count - 1].end_byte if count else parameters.start_byte + 1
        yield Proposal((scene.delete(start, written[-1].end_byte),))


def yielded_values(scene: Scene) -> Iterator[Proposal]:
    """`.copied()` where an iterator of references is returned and one of values is promised."""
    wanted, found = (plain_type(f"`{scene.values[name]}`") for name in ("wanted", "found"))
    function = scene.function()
    body = function.child_by_field_name("body") if function is not None else None
    inside = code_children(body) if body is not None else []
    if not inside or inside[-1].type != "call_expression" or found != f"&{wanted}":
        return
    how = "copied()" if is_copied(wanted) else "cloned()"
    yield Proposal(around(scene, inside[-1], "", f".{how}"), {"how": how})


def empty_return(scene: Scene) -> Iterator[Proposal]:
    """`return;` where nothing is what can be returned: `None`, `Ok(())`."""
    returns = returned_type(scene, scene.node) or ""
    node = scene.around("return_expression")
    bare = bare_type_name(returns)
    value = (
        "None"
        if bare == "Option"
        else "Ok(())"
        if bare == "Result" and type_arguments(returns)[:1] == ("()",)
        else None
    )
    if node is not None and value is not None and not node.named_children:
        yield Proposal((scene.insert(node.end_byte, f" {value}"),), {"value": value})
