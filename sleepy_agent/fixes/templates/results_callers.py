"""A function that begins to fail: its callers hand the error on, so that nobody throws it away."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.attributes import nodes_of_kind
from sleepy_agent.fixes.templates.results import at_the_end
from sleepy_agent.fixes.templates.scene import Proposal, Scene

OWN_SCOPES = frozenset({"function_item", "closure_expression", "async_block"})
# What each kind of function gives where all went well.
SUCCESS = {"Result": "Ok(())", "Option": "Some(())"}


def handed_on_by_callers(scene: Scene) -> Iterator[Proposal]:
    """A function without a value returns the error that its callers return, and each of its callers hands it on."""
    question = scene.around("try_expression")
    function = scene.around(OWN_SCOPES, question) if question is not None else None
    if function is None or function.type != "function_item":
        return
    name, body = function.child_by_field_name("name"), function.child_by_field_name("body")
    parameters = function.child_by_field_name("parameters")
    if name is None or body is None or parameters is None or function.child_by_field_name("return_type") is not None:
        return
    calls = [one for one in nodes_of_kind(scene.root, "call_expression") if is_call_of(scene, one, scene.of(name))]
    returned = {type_returned_around(scene, call) for call in calls}
    wanted = returned.pop() if len(returned) == 1 else None
    kind = bare_type_name(wanted) if wanted is not None else ""
    if wanted is None or kind not in SUCCESS or not all(is_statement(call) for call in calls):
        return
    returns = f"{kind}<()>" if kind == "Option" else f"Result<{', '.join(['()', *type_arguments(wanted)[1:]])}>"
    edits: list[Edit] = [scene.insert(parameters.end_byte, f" -> {returns}"), at_the_end(scene, body, SUCCESS[kind])]
    for jump in nodes_of_kind(body, "return_expression"):
        if scene.around(OWN_SCOPES, jump) == function and not code_children(jump):
            edits.append(scene.insert(jump.end_byte, f" {SUCCESS[kind]}"))
    edits += [scene.insert(call.end_byte, "?") for call in calls]
    yield Proposal(tuple(edits), {"returns": returns, "function": scene.of(name)})


def is_call_of(scene: Scene, call: Node, name: str) -> bool:
    """Whether a call has that name, as a function or as a method."""
    function = call.child_by_field_name("function")
    return function is not None and re.search(rf"(^|\.|::)\s*{name}$", scene.of(function)) is not None


def type_returned_around(scene: Scene, call: Node) -> str | None:
    """The type that the function around a call returns; None in closures and where nothing is returned."""
    function = next((one for one in ancestors(call) if one.type in OWN_SCOPES), None)
    returned = function.child_by_field_name("return_type") if function is not None else None
    return (
        scene.of(returned)
        if returned is not None and function is not None and function.type == "function_item"
        else None
    )


def is_statement(call: Node) -> bool:
    """Whether a call is a statement of its own, so that nothing is done with what it gives."""
    return call.parent is not None and call.parent.type == "expression_statement"
