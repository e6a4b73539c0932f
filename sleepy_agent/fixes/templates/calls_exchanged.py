"""Two arguments of a call that stand in each other's place, where rustc blames only one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.expression_types import type_of_expression
from sleepy_agent.code.syntax import code_children
from sleepy_agent.fixes.templates.calls_places import Wanted, may_be, own_name, parameters_declared
from sleepy_agent.fixes.templates.calls_values import fitting, is_concrete, plain_type
from sleepy_agent.fixes.templates.scene import Proposal, Scene

MOST_PROPOSALS = 3
MOST_ARGUMENTS = 6


def exchanged_arguments(scene: Scene) -> Iterator[Proposal]:
    """Exchange the argument that rustc blames with one whose type is the expected one."""
    if scene.span.from_macro is not None or "swap these arguments" in scene.said:
        return
    if not re.search(r"arguments? to this|required by a bound introduced by this call", scene.said):
        return
    arguments = scene.around("arguments")
    given = code_children(arguments) if arguments is not None else []
    place = scene.span.byte_start, scene.span.byte_end
    node = next((one for one in given if (one.start_byte, one.end_byte) == place), None)
    if node is None or not 2 <= len(given) <= MOST_ARGUMENTS:
        return
    partners = [other for other in given if other != node and belong_exchanged(scene, given, node, other)]
    for other in partners[:MOST_PROPOSALS]:
        edits = (scene.replace(node, scene.of(other)), scene.replace(other, scene.of(node)))
        values = {"first": scene.of(node), "second": scene.of(other)}
        yield Proposal(edits, values, question="which arguments are exchanged" if len(partners) > 1 else None)


def belong_exchanged(scene: Scene, given: list[Node], blamed: Node, other: Node) -> bool:
    """Whether the types say that each of two arguments belongs where the other one is."""
    wants_closure = re.search(r"expected an? `?(?:\w+::)*(?:Fn|FnMut|FnOnce)\b", scene.problem.message) is not None
    found_closure = blamed.type == "closure_expression"
    if wants_closure or found_closure:
        return (other.type == "closure_expression") == wants_closure and found_closure != wants_closure
    if other.type == "closure_expression":
        return False
    expected, found = expected_and_found(scene)
    known = type_of_expression(scene.index, scene.root, scene.text, other)
    declared = parameters_declared(scene)
    at_other = declared[given.index(other)] if len(declared) == len(given) else Wanted("", "")
    at_blamed = declared[given.index(blamed)] if len(declared) == len(given) else Wanted("", "")
    if not takes(found, at_other.type) or (known is not None and not takes(known, expected or at_blamed.type)):
        return False
    if at_other.type and not is_same_place(at_other, at_blamed) and known is not None and (expected or at_blamed.type):
        return True
    return own_name(scene, other) == at_blamed.name != "" and may_be(scene, other, at_blamed)


def is_same_place(first: Wanted, second: Wanted) -> bool:
    """Whether two parameters want the same: then an exchange mends nothing."""
    return plain_type(first.type) == plain_type(second.type)


def takes(known: str | None, wanted: str | None) -> bool:
    """Whether a value of a type may stand where another is wanted, as it is. Yes where one of them is not known."""
    if not known or not wanted or "_" in known or "{" in known:
        return True
    written, target = plain_type(known), plain_type(wanted)
    if not is_concrete(target):
        return True
    return fitting("value", written, target, is_mutable=False, is_inside=False) in {("value", 0.0), ("value", 0.01)}


def expected_and_found(scene: Scene) -> tuple[str | None, str | None]:
    """The types that the label or the note names, where it names them."""
    for text in (scene.span.label or "", scene.said):
        said = re.search(r"expected `([^`]*)`, found `([^`]*)`", text)
        if said is not None:
            return said[1], said[2]
    return None, None
