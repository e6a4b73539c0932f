"""A function that gives a value and does not say of which type."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.items import ItemKind
from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.fixes.templates.conversions_shared import LABEL, is_writable, plain_type
from sleepy_agent.fixes.templates.scene import Proposal, Scene

VALUE = re.compile(r"^(?P<variant>Ok|Err|Some)\((?P<inside>.*)\)$|^(?P<none>None)$", re.DOTALL)
SUMMED = re.compile(
    r"^a value of type `\(\)` cannot be made by \w+ an iterator over elements of type `&?(?P<item>\w+)`"
)
GATHERED = re.compile(
    r"^a value of type `\(\)` cannot be (?:built from|collected).* elements of type `(?P<item>[^`]+)`"
)


def missing_return_type(scene: Scene) -> Iterator[Proposal]:
    """`-> Result<()>` where the body ends in `Ok(())`, in the words of this file; `-> f64` for a sum of floats."""
    function = enclosing_function(scene.node)
    parameters = function.child_by_field_name("parameters") if function is not None else None
    if function is None or parameters is None or function.child_by_field_name("return_type") is not None:
        return
    if is_name(scene, function, "main"):
        return
    returns = returned_by(scene, function)
    if returns is not None:
        yield Proposal((scene.insert(parameters.end_byte, f" -> {returns}"),), {"returns": returns})


def enclosing_function(node: Node) -> Node | None:
    """The function whose own body holds a node: not through a closure."""
    for one in ancestors(node):
        if one.type in {"closure_expression", "async_block"}:
            return None
        if one.type == "function_item":
            return one
    return None


def is_name(scene: Scene, function: Node, name: str) -> bool:
    written = function.child_by_field_name("name")
    return written is not None and scene.of(written) == name


def returned_by(scene: Scene, function: Node) -> str | None:
    """The type that a function's last expression has, as this file would write it."""
    last = last_value(function)
    if last is None:
        return None
    summed = SUMMED.match(scene.problem.message)
    gathered = GATHERED.match(scene.problem.message)
    if summed is not None or gathered is not None:
        is_it = last.start_byte <= scene.span.byte_start and scene.span.byte_end <= last.end_byte
        parts = summed or gathered
        item = parts["item"] if parts is not None else ""
        return (item if summed is not None else f"Vec<{item}>") if is_it and is_writable(item) else None
    if scene.problem.code == "E0277":
        is_asked = "that returns `Result` or `Option`" in scene.problem.message
        value = VALUE.match(scene.of(last)) if is_asked else None
        if value is None or value["variant"] != "Ok" or value["inside"].strip() != "()":
            return None
        return result_of(scene, "()", "_")
    label = LABEL.search(scene.span.label or "")
    if label is None or plain_type(label["expected"]) != "()" or scene.span.byte_start != last.start_byte:
        return None
    found = plain_type(label["found"])
    arguments = type_arguments(found)
    if bare_type_name(found) == "Result" and len(arguments) == 2:
        return result_of(scene, *arguments) if is_writable(arguments[0]) else None
    return None


def last_value(function: Node) -> Node | None:
    body = function.child_by_field_name("body")
    inside = code_children(body) if body is not None else []
    if not inside:
        return None
    last = inside[-1]
    if last.type == "expression_statement":
        last = last.children[0] if last.children[-1].type != ";" else last
    return None if last.type.endswith(("_statement", "_declaration", "_item")) else last


def result_of(scene: Scene, value: str, error: str) -> str | None:
    """`Result<value>` by the crate's own alias, or with the error type that this file names most."""
    aliases = [item for item in scene.index.items_named("Result") if item.kind is ItemKind.TYPE_ALIAS]
    text = scene.text.decode(errors="replace")
    # What others in this file return says more than what there is somewhere.
    written = re.findall(r"->\s*((?:\w+::)*\w*Result)<((?:[^<>{};]|<[^<>]*>)*)>\s*(?:\{|where)", text)
    short = Counter(name for name, inside in written if len(type_arguments(f"R<{inside}>")) == 1)
    long = Counter(
        type_arguments(f"R<{inside}>")[1] for _, inside in written if len(type_arguments(f"R<{inside}>")) == 2
    )
    if short and (aliases or "::" in short.most_common(1)[0][0]) and sum(short.values()) >= sum(long.values()):
        return f"{short.most_common(1)[0][0]}<{value}>"
    if long:
        likely = [name for name in long if plain_type(f"`{name}`") == error] or [long.most_common(1)[0][0]]
        return f"Result<{value}, {likely[0]}>"
    return f"Result<{value}, {error}>" if is_writable(error) else None
