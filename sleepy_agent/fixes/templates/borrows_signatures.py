"""Functions and methods that take what they could borrow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import ancestors
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.borrows_shared import (
    arguments_of,
    exact_node,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

BORROWED_FORMS = {"String": "&str", "PathBuf": "&Path", "OsString": "&OsStr"}


def borrowed_form(type_text: str) -> str:
    """How a parameter borrows a type: `&str` for `String`, `&[T]` for `Vec<T>`, `&T` else."""
    found = re.fullmatch(r"Vec<(.+)>", type_text.strip())
    if found:
        return f"&[{found[1]}]"
    return BORROWED_FORMS.get(type_text.strip(), f"&{type_text.strip()}")


def borrow_parameter(scene: Scene) -> Iterator[Proposal]:
    """The function borrows its parameter, and all its callers in this file lend it."""
    span = scene.noted(r"^consider changing this parameter type in (function|method) `\w+` to borrow instead")
    if span is None or not scene.context.is_editable(span.file):
        return
    place = scene.elsewhere(span)
    type_node = exact_node(place, span)
    if type_node is None or type_node.type == "reference_type":
        return
    function = place.function(type_node)
    name = function.child_by_field_name("name") if function is not None else None
    parameters = function.child_by_field_name("parameters") if function is not None else None
    parameter = next((one for one in ancestors(type_node) if one.type == "parameter"), None)
    if (
        function is None
        or name is None
        or parameters is None
        or parameter is None
        or "of_trait" in owner_kind(function)
    ):
        return
    pattern = parameter.child_by_field_name("pattern")
    if (
        pattern is None
        or pattern.type != "identifier"
        or any(one.type == "mutable_specifier" for one in parameter.children)
    ):
        return
    has_self = any(one.type == "self_parameter" for one in parameters.named_children)
    number = [one for one in parameters.named_children if one.type == "parameter"].index(parameter)
    edits = [place.replace(type_node, borrowed_form(place.of(type_node)))]
    for caller in {place.file: place, scene.file: scene}.values():
        calls = calls_of(caller, place.of(name), number, has_self=has_self)
        if calls is None:
            return
        edits += [lent(caller, argument) for argument in calls]
    if len(edits) > 1:
        yield Proposal(tuple(edits), {"name": place.of(name), "type": borrowed_form(place.of(type_node))})


def owner_kind(function: Node) -> str:
    """`of_trait` for a member of a trait or of its implementation: its signature is not its own."""
    around = next((one for one in ancestors(function.parent) if one.type in {"impl_item", "trait_item", "block"}), None)
    if around is None or around.type == "block":
        return ""
    return "of_trait" if around.type == "trait_item" or around.child_by_field_name("trait") is not None else "inherent"


def calls_of(scene: Scene, name: str, number: int, *, has_self: bool) -> list[Node] | None:
    """The arguments that all calls of a function in a file give for one parameter; None where the function is also
    used as a value."""
    found = []
    for match in re.finditer(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)", scene.text):
        node = scene.root.descendant_for_byte_range(match.start(), match.end())
        if node is None or node.type not in {"identifier", "field_identifier"}:
            continue
        if node.parent is not None and node.parent.type in {"function_item", "function_signature_item"}:
            continue
        holder = node
        if node.parent is not None and node.parent.type in {"scoped_identifier", "field_expression"}:
            holder = node.parent
        call = holder.parent
        if call is None or call.type != "call_expression" or call.child_by_field_name("function") != holder:
            if node.type == "identifier" and not has_self:
                return None
            continue
        given = arguments_of(call)
        position = number + (1 if has_self and holder.type == "scoped_identifier" else 0)
        if position < len(given):
            found.append(given[position])
    return found


def lent(scene: Scene, argument: Node) -> Edit:
    """An argument, lent: without the copy that was made for it."""
    copied = re.fullmatch(r"(.+)\.(clone|to_owned|to_string|to_vec)\(\)", scene.of(argument), re.DOTALL)
    if copied and argument.type == "call_expression" and not copied[1].startswith('"'):
        return scene.replace(argument, f"&{copied[1]}")
    literal = re.fullmatch(
        r'("(?:[^"\\]|\\.)*")\.(to_string|to_owned|into)\(\)|String::from\(("(?:[^"\\]|\\.)*")\)', scene.of(argument)
    )
    if literal:
        return scene.replace(argument, literal[1] or literal[3])
    return scene.insert(argument.start_byte, "&")


def borrow_receiver(scene: Scene) -> Iterator[Proposal]:
    """A method that takes `self` borrows it instead."""
    span = scene.noted(r"takes ownership of the receiver `self`")
    if span is None or not scene.context.is_editable(span.file):
        return
    place = scene.elsewhere(span)
    node = place.node_of(span)
    receiver = next((one for one in ancestors(node) if one.type == "self_parameter"), None)
    function = place.function(node)
    if receiver is None or place.of(receiver) != "self" or function is None or owner_kind(function) != "inherent":
        return
    yield Proposal((place.replace(receiver, "&self"),), {"receiver": "&self"})
