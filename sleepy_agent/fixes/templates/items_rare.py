"""Functions that are declared in a form that theirs does not have: `main`, functions of other languages, receivers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import code_children
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.attributes import nodes_of_kind, without_member
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# Runtimes whose attribute makes `async fn main` a program.
RUNTIMES = ("tokio", "async_std", "smol_potat", "actix_web", "ntex")


def parameters_of(function: Node) -> list[Node]:
    """The generic parameters of an item."""
    parameters = function.child_by_field_name("type_parameters")
    return code_children(parameters) if parameters is not None else []


def parameter_name(scene: Scene, parameter: Node) -> str:
    """The name of a generic parameter."""
    name = parameter.child_by_field_name("name")
    return scene.of(name if name is not None else parameter)


def without_parameter(scene: Scene, function: Node, parameter: Node) -> Edit:
    """Take a generic parameter away, and the brackets with the last one."""
    parameters = function.child_by_field_name("type_parameters")
    if parameters is not None and len(code_children(parameters)) == 1:
        return scene.delete(parameters.start_byte, parameters.end_byte)
    return without_member(scene, parameter.start_byte, parameter.end_byte)


def foreign_without_parameters(scene: Scene) -> Iterator[Proposal]:
    """A function of another language has no type parameters: data behind a pointer is `c_void` there, and other
    parameters have the one type that the calls name."""
    function = scene.around("function_signature_item")
    if function is None:
        return
    parameters = [one for one in parameters_of(function) if one.type == "type_parameter"]
    signature = function.child_by_field_name("parameters")
    name = function.child_by_field_name("name")
    if len(parameters) != 1 or signature is None or name is None:
        return
    generic = parameter_name(scene, parameters[0])
    start = signature.start_byte
    mentions = [
        (start + one.start(), start + one.end())
        for one in re.finditer(rb"\b" + re.escape(generic.encode()) + rb"\b", scene.text[start : function.end_byte])
    ]
    calls = calls_with_arguments(scene, scene.of(name))
    written = {re.sub(r"^::<\s*(.*?)\s*>$", r"\1", scene.code(*place)) for place in calls}
    away = [without_parameter(scene, function, parameters[0]), *(scene.delete(*place) for place in calls)]
    choices: list[tuple[str, float]] = []
    if len(written) == 1 and "_" not in written:
        choices = [(next(iter(written)), 0.0)]
    elif not written and all(re.search(r"\*\s*(const|mut)\s*$", scene.code(0, place[0])) for place in mentions):
        choices = [("std::ffi::c_void", 0.0)]
    elif not written:
        suggested = re.search(r"concrete types? like `(\w+)`", scene.said)
        choices = [(suggested[1], 0.4)] if suggested is not None else []
    for choice, extra in choices:
        edits = (*away, *(scene.replace_bytes(*place, choice) for place in mentions))
        yield Proposal(edits, {"generic": generic, "type": choice}, extra)


def calls_with_arguments(scene: Scene, name: str) -> list[tuple[int, int]]:
    """The `::<..>` of each mention of a function in this file."""
    pattern = rb"\b" + re.escape(name.encode()) + rb"(::<[^<>]*>)"
    return [(found.start(1), found.end(1)) for found in re.finditer(pattern, scene.text)]


def main_function(scene: Scene) -> Node | None:
    """The function `main` around the problem."""
    function = scene.function() or next(
        (one for one in scene.root.children if one.type == "function_item" and one.start_byte == scene.span.byte_start),
        None,
    )
    name = function.child_by_field_name("name") if function is not None else None
    return function if name is not None and scene.of(name) == "main" else None


def main_without_generics(scene: Scene) -> Iterator[Proposal]:
    """Nobody calls `main` with types: it has no generic parameters and no `where`."""
    function = main_function(scene)
    if function is None:
        return
    parts = [function.child_by_field_name("type_parameters")]
    parts += [child for child in function.children if child.type == "where_clause"]
    edits = []
    for part in parts:
        if part is not None:
            before = re.search(rb"[ \t\r\n]*$", scene.text[: part.start_byte])
            start = before.start() if before is not None and part.type == "where_clause" else part.start_byte
            edits.append(scene.delete(start, part.end_byte))
    if edits:
        yield Proposal(tuple(edits))


def main_without_parameters(scene: Scene) -> Iterator[Proposal]:
    """`main` takes nothing: the arguments of the program are asked for; others were not used."""
    function = main_function(scene)
    parameters = function.child_by_field_name("parameters") if function is not None else None
    body = function.child_by_field_name("body") if function is not None else None
    if function is None or parameters is None or body is None:
        return
    written = [child for child in code_children(parameters) if child.type == "parameter"]
    inside = scene.of(body)
    edits = [scene.delete(parameters.start_byte + 1, parameters.end_byte - 1)]
    for parameter in written:
        pattern, of_type = (parameter.child_by_field_name(field) for field in ("pattern", "type"))
        if pattern is None or of_type is None or not re.fullmatch(r"(mut\s+)?\w+", scene.of(pattern)):
            return
        name = scene.of(pattern).split()[-1]
        if not re.search(rf"\b{name}\b", inside):
            continue
        if re.search(r"(Vec<String>|\[(String|&(\s*'static)?\s*str)\])$", scene.of(of_type)) is None:
            return
        mutable = "mut " if any(child.type == "mutable_specifier" for child in parameter.children) else ""
        mutable = "mut " if scene.of(pattern).startswith("mut ") else mutable
        line = f"\n    let {mutable}{name}: Vec<String> = std::env::args().collect();"
        edits.append(scene.insert(body.start_byte + 1, line))
    if written:
        yield Proposal(tuple(edits))


def main_that_waits(scene: Scene) -> Iterator[Proposal]:
    """`async fn main` needs a runtime that the package has; where nothing is awaited, it is a plain function."""
    function = main_function(scene)
    if function is None:
        return
    modifiers = next((child for child in function.children if child.type == "function_modifiers"), None)
    body = function.child_by_field_name("body")
    packages = [package for package in scene.context.workspace.packages if scene.file in package.source_files]
    known = {name.replace("-", "_") for package in packages for name in package.dependencies}
    for runtime in RUNTIMES:
        if runtime in known:
            yield Proposal(
                (scene.insert(function.start_byte, f"#[{runtime}::main]\n"),), {"way": f"let {runtime} run it"}
            )
            return
    keyword = next((node for node in nodes_of_kind(modifiers, "async")), None) if modifiers is not None else None
    if keyword is not None and body is not None and not nodes_of_kind(body, "await_expression"):
        end = re.match(rb"\s*", scene.text[keyword.end_byte :])
        way = {"way": "make it a plain function: it awaits nothing"}
        yield Proposal((scene.delete(keyword.start_byte, keyword.end_byte + (end.end() if end else 0)),), way)


def receiver_without_generics(scene: Scene) -> Iterator[Proposal]:
    """`self: R` with a generic `R`, or another type that `self` cannot have: it is borrowed, which most methods do."""
    function = scene.function()
    parameters = function.child_by_field_name("parameters") if function is not None else None
    receiver = next(iter(code_children(parameters)), None) if parameters is not None else None
    if function is None or receiver is None or not re.match(r"(mut\s+)?self\s*:", scene.of(receiver)):
        return
    if not receiver.start_byte <= scene.span.byte_start < receiver.end_byte:
        return
    edits = [scene.replace(receiver, "&self")]
    written = scene.code(scene.span.byte_start, scene.span.byte_end)
    for parameter in parameters_of(function):
        if parameter_name(scene, parameter) == written:
            uses = re.findall(rf"\b{re.escape(written)}\b", scene.code(receiver.end_byte, function.end_byte))
            if uses:
                return
            edits.append(without_parameter(scene, function, parameter))
    yield Proposal(tuple(edits))


def boxed_receiver(scene: Scene) -> Iterator[Proposal]:
    """A method of a trait object that takes `self` by value takes it in its box."""
    call = scene.around("call_expression")
    field = call.child_by_field_name("function") if call is not None else None
    name = field.child_by_field_name("field") if field is not None and field.type == "field_expression" else None
    value = field.child_by_field_name("value") if field is not None else None
    found = re.search(r"of type `dyn (?:\w+::)*(\w+)", scene.problem.message)
    if name is None or value is None or found is None:
        return
    method = scene.of(name)
    members = [
        item
        for owner in (scene.index.trait_named(found[1]),)
        if owner is not None
        for item in scene.index.items_named(method)
        if (item.owner == found[1] or item.of_trait == found[1]) and item.self_parameter in {"self", "mut self"}
    ]
    edits = []
    for item in members:
        text = scene.context.read(item.file)
        self_word = re.search(rb"\(\s*(?:mut\s+)?self\b", text[item.name_end : item.byte_end])
        if self_word is None:
            return
        position = item.name_end + self_word.end()
        edits.append(Edit(item.file, position, position, ": Box<Self>"))
    unboxed = re.fullmatch(r"\(\s*\*\s*(\w+)\s*\)", scene.of(value))
    if unboxed is not None:
        edits.append(scene.replace(value, unboxed[1]))
    if members:
        yield Proposal(tuple(edits), {"method": method})
