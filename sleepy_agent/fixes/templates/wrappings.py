"""Matchers about a missing Option or Result: around one branch's value, or in what a function says it returns."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import code_children
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.fixes.templates.conversions_returns import (
    as_written_here,
    enclosing_function,
    has_effect,
    last_value,
    results_of,
)
from sleepy_agent.fixes.templates.conversions_shared import (
    around,
    exact_node,
    is_writable,
    mismatch_of,
    same_type,
)
from sleepy_agent.fixes.templates.results import HELD, is_plain_value, outermost_branching, values_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene

VARIANT = re.compile(r"^(?P<variant>Some|Ok|Err)\s*\(|^(?P<none>None)$")
HOLDER_OF_VARIANT = {"Some": "Option", "None": "Option", "Ok": "Result", "Err": "Result"}
# What is only asked of an Option or Result.
ASKED = "is_some|is_none|is_ok|is_err|map_or|map_err|and_then|unwrap\\w*|expect|ok_or\\w*|ok|copied|cloned"
# An early end of the function says nothing about its value.
NO_VALUE = re.compile(r"^(?:return|break|continue)\b|^(?:panic|todo|unimplemented|unreachable|bail)!")


# ---- one branch of several ---------------------------------------------------------------------------------------


def plain_branch_before_wrapped(scene: Scene) -> Iterator[Proposal]:
    """`if quiet { "text" } else { None }`: rustc takes the first branch's type for the right one."""
    found = mismatch_of(scene)
    if found is None or found.node is None or "incompatible types" not in scene.problem.message:
        return
    held = HELD.match(found.found)
    span = scene.labelled(r"found to be of type `|^expected because of this$")
    plain = exact_node(scene, span) if span is not None else None
    outer = outermost_branching(found.node)
    if held is None or HELD.match(found.expected) or plain is None or outer is None:
        return
    variant = variant_for(held["holder"], type_arguments(found.found), found.expected)
    if variant is None:
        return
    values = [one for one in values_of(outer) if is_plain_value(scene, one, plain)]
    if plain not in values or found.node in values:
        return
    edits = [edit for one in values for edit in around(scene, one, f"{variant}(", ")")]
    # A call may as well lack its `?`.
    is_written_out = VARIANT.match(scene.of(found.node)) is not None
    yield Proposal(tuple(edits), {"variant": variant}, 0.0 if is_written_out else 0.12)


def variant_for(holder: str, arguments: tuple[str, ...], plain: str) -> str | None:
    """The variant that makes the wrapped type of a plain one."""
    if not arguments:
        return None
    if holder == "Option":
        return "Some" if same_type(arguments[0], plain) else None
    if len(arguments) == 2 and same_type(arguments[1], plain) and arguments[1] != "_" and arguments[0] != plain:
        return None if arguments[0] == "_" else "Err"
    return "Ok" if same_type(arguments[0], plain) else None


# ---- what the function returns -----------------------------------------------------------------------------------


def return_type_wrapped(scene: Scene) -> Iterator[Proposal]:
    """`-> K` of a body that ends in `Some(key)` and says `?`: the type lost its Option or Result."""
    function = enclosing_function(scene.node)
    declared = function.child_by_field_name("return_type") if function is not None else None
    last = last_value(function) if function is not None else None
    if function is None or declared is None or last is None:
        return
    written = scene.of(declared)
    if HELD.match(written) or bare_type_name(written).endswith("Result") or written.startswith("impl "):
        return
    ends = [one for one in values_of(last) if not NO_VALUE.match(scene.of(one))]
    variants = {name_of_variant(scene, one) for one in ends}
    questions = questions_in(function)
    is_blamed = written == "()" or "because of return type" in scene.said
    is_asked = "that returns `Result` or `Option`" in scene.problem.message
    if not (is_blamed if scene.problem.code == "E0308" else is_asked):
        return
    if None in variants:
        yield from by_the_value(scene, declared, written, ends)
        return
    holders = {HOLDER_OF_VARIANT[one] for one in variants if one is not None}
    if len(holders) != 1:
        return
    if not questions and not variants & {"None", "Err"}:
        # One `Some(..)` too many is as likely.
        return
    value = value_of_ends(scene, ends) if written == "()" else written
    if value is None:
        return
    for rank, returns in enumerate(wrapped_types(scene, function, value, holders.pop())):
        yield Proposal((scene.replace(declared, returns),), {"returns": returns}, 0.02 * rank)


def name_of_variant(scene: Scene, value: Node) -> str | None:
    """`Ok` of `Ok(number)`; None of what is no Option or Result written out."""
    found = VARIANT.match(scene.of(value))
    return (found["variant"] or found["none"]) if found is not None else None


def value_of_ends(scene: Scene, ends: list[Node]) -> str | None:
    """What is inside of the values that are written out, where the compiler or `Ok(())` tells."""
    if any(re.fullmatch(r"(?:Ok|Some)\s*\(\s*\(\)\s*\)", scene.of(one)) for one in ends):
        return "()"
    found = mismatch_of(scene) if scene.problem.code == "E0308" else None
    arguments = type_arguments(found.found) if found is not None and found.node in ends else ()
    return arguments[0] if arguments and is_writable(arguments[0]) else None


def questions_in(function: Node) -> int:
    """How often a function's own body, closures aside, says `?`."""
    count, waiting = 0, list(code_children(function))
    while waiting:
        node = waiting.pop()
        if node.type in {"closure_expression", "async_block", "function_item"}:
            continue
        count += node.type == "try_expression"
        waiting += code_children(node)
    return count


def by_the_value(scene: Scene, declared: Node, written: str, ends: list[Node]) -> Iterator[Proposal]:
    """`-> &V` of `self.map.get(key)`, which gives `Option<&V>`."""
    found = mismatch_of(scene) if scene.problem.code == "E0308" else None
    if found is None or found.node is None or found.node not in ends or not is_writable(found.found):
        return
    held = HELD.match(found.found)
    arguments = type_arguments(found.found)
    if held is None and written == "()" and not any(has_effect(scene, one) for one in ends):
        returns = as_written_here(scene, f"`{found.found}`")
        yield Proposal((scene.replace(declared, returns),), {"returns": returns}, 0.05)
        return
    if held is None or not arguments or not (written == "()" or same_type(arguments[0], found.expected)):
        return
    value = written if written != "()" else arguments[0]
    function = enclosing_function(scene.node)
    if function is None or not is_writable(value):
        return
    error = arguments[1] if len(arguments) == 2 else "_"
    is_option = held["holder"] == "Option"
    forms = [f"Option<{value}>"] if is_option else results_of(scene, function, value, error)
    if not forms:
        return
    returns = forms[0]
    # Somebody may have forgotten to say what happens where there is no value; neighbours that return such a type, and
    # callers that ask for one, make that unlikely.
    owner = scene.around({"impl_item", "trait_item"}, declared)
    pattern = rf"->\s*(?:\w+::)*{held['holder']}\s*<"
    has_neighbour = owner is not None and re.search(pattern, scene.of(owner)) is not None
    is_sure = written == "()" or has_neighbour or is_asked_of_it(scene, function)
    extra = 0.05 if is_sure else 0.3
    yield Proposal((scene.replace(declared, returns),), {"returns": returns}, extra)


def is_asked_of_it(scene: Scene, function: Node) -> bool:
    """Whether this file handles what a function gives as an Option or Result."""
    name = function.child_by_field_name("name")
    if name is None:
        return False
    call = rf"\b{scene.of(name)}\((?:[^()]|\([^()]*\))*\)"
    text = scene.text.decode(errors="replace")
    is_handled = re.search(rf"{call}\s*(?:\?|\.(?:{ASKED})\b)", text) is not None
    return is_handled or re.search(rf"\b(?:Some|Ok)\([^()]*\)\s*=\s*(?:\w+\.)*{call}", text) is not None


def wrapped_types(scene: Scene, function: Node, written: str, holder: str) -> list[str]:
    """The declared type in its Option, or in the Results that this file would write."""
    return [f"Option<{written}>"] if holder == "Option" else results_of(scene, function, written, "_")[:2]
