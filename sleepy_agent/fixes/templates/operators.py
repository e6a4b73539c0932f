"""Matchers about operators."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.fixes.templates.conversions_shared import INTEGERS, exact_node, mismatch_of, plain_type
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
