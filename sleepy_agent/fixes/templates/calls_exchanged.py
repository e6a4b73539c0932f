"""Two arguments of a call that stand in each other's place, where rustc blames only one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.expression_types import type_of_expression
from sleepy_agent.code.syntax import code_children
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.calls_places import Wanted, may_be, own_name, parameters_declared
from sleepy_agent.fixes.templates.calls_values import fitting, is_concrete, plain_type
from sleepy_agent.fixes.templates.scene import Proposal, Scene

MOST_PROPOSALS = 3
MOST_ARGUMENTS = 6
BLAMES = re.compile(r"expected `|unexpected argument #|argument #\d+ .*is missing")
QUESTION = "which arguments are exchanged"


def exchanged_arguments(scene: Scene) -> Iterator[Proposal]:
    """Exchange the argument that rustc blames with one whose type is the expected one, or the two that it blames."""
    if scene.span.from_macro is not None or "swap these arguments" in scene.said:
        return
    if not re.search(r"arguments? to this|required by a bound introduced by this call", scene.said):
        return
    blamed = blamed_arguments(scene)
    if blamed is None:
        return
    given, wrong = blamed
    if len(wrong) == 2:
        yield Proposal(exchange(scene, *wrong), {"first": scene.of(wrong[0]), "second": scene.of(wrong[1])})
    if len(wrong) != 1:
        return
    node = wrong[0]
    partners = [other for other in given if other != node and belong_exchanged(scene, given, node, other)]
    for other in partners[:MOST_PROPOSALS]:
        values = {"first": scene.of(node), "second": scene.of(other)}
        yield Proposal(exchange(scene, node, other), values, question=QUESTION if len(partners) > 1 else None)


def exchange(scene: Scene, first: Node, second: Node) -> tuple[Edit, Edit]:
    return scene.replace(first, scene.of(second)), scene.replace(second, scene.of(first))


def blamed_arguments(scene: Scene) -> tuple[list[Node], list[Node]] | None:
    """All arguments of the call, and those that have a label of what was expected of them or are the span itself."""
    around = scene.around({"call_expression", "arguments"})
    # Where it is the call, the span is the name of what is called.
    is_call = around is not None and around.type == "call_expression"
    arguments = around.child_by_field_name("arguments") if around is not None and is_call else around
    given = code_children(arguments) if arguments is not None else []
    if not 2 <= len(given) <= MOST_ARGUMENTS:
        return None
    places = {
        (span.byte_start, span.byte_end)
        for span in scene.diagnostic.spans
        if span.file == scene.file and (span.is_primary or BLAMES.match(span.label or ""))
    }
    return given, [one for one in given if (one.start_byte, one.end_byte) in places]


def belong_exchanged(scene: Scene, given: list[Node], blamed: Node, other: Node) -> bool:
    """Whether the types say that each of two arguments belongs where the other one is."""
    wants_closure = re.search(r"expected an? `?(?:\w+::)*(?:Fn|FnMut|FnOnce)\b", scene.problem.message) is not None
    found_closure = blamed.type == "closure_expression"
    if wants_closure or found_closure:
        return (other.type == "closure_expression") == wants_closure and found_closure != wants_closure
    if other.type == "closure_expression":
        return False
    expected, found = expected_and_found(scene)
    if found is None:
        found = type_of_expression(scene.index, scene.root, scene.text, blamed)
    known = type_of_expression(scene.index, scene.root, scene.text, other)
    declared = parameters_declared(scene)
    at_other = declared[given.index(other)] if len(declared) == len(given) else Wanted("", "")
    at_blamed = declared[given.index(blamed)] if len(declared) == len(given) else Wanted("", "")
    if not takes(found, at_other.type) or (known is not None and not takes(known, expected or at_blamed.type)):
        return False
    if at_other.type and not is_same_place(at_other, at_blamed) and known is not None and (expected or at_blamed.type):
        return True
    if known is None and found is not None and at_other.type and not is_same_place(at_other, at_blamed):
        # Nobody knows what the other one is, but this one fits there exactly.
        return plain_type(found) == plain_type(at_other.type)
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
