"""Matchers about errors: the ones that must become other errors, and values that are missing one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import locals_at
from sleepy_agent.code.syntax import ancestors
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.conversions_shared import (
    around,
    is_pattern,
    mismatch_of,
    plain_type,
    returned_type,
    same_type,
)
from sleepy_agent.fixes.templates.results import at_the_end
from sleepy_agent.fixes.templates.scene import Proposal, Scene


def converted_error(scene: Scene) -> tuple[str, str, Node, str] | None:
    """The error there is, the one that is wanted, the Result's expression, and what must follow the conversion."""
    if scene.problem.code == "E0277":
        wanted = re.match(r"`\?` couldn.t convert the error to `(?P<error>[^`]+)`", scene.problem.message)
        given = re.search(r"the trait `From<(?P<from>.+?)>` is not implemented for", scene.said)
        question = scene.around("try_expression")
        if wanted is None or given is None or question is None:
            return None
        return plain_type(f"`{given['from']}`"), plain_type(f"`{wanted['error']}`"), question.named_children[0], ""
    found = mismatch_of(scene)
    if found is None or found.node is None or is_pattern(found.node):
        return None
    wanted_parts, given_parts = type_arguments(found.expected), type_arguments(found.found)
    is_result = bare_type_name(found.expected) == bare_type_name(found.found) == "Result"
    if (
        not is_result
        or len(wanted_parts) != 2
        or len(given_parts) != 2
        or not same_type(wanted_parts[0], given_parts[0])
    ):
        return None
    return given_parts[1], wanted_parts[1], found.node, ""


def error_as_variant(scene: Scene) -> Iterator[Proposal]:
    """`.map_err(Fault::Number)`; as this file does it elsewhere; as text."""
    found = converted_error(scene)
    if found is None or found[0] == found[1]:
        return
    given, wanted, node, _ = found
    values = {"error": wanted}
    if wanted == "String":
        is_text = given == "&str"
        how = ".map_err(str::to_string)" if is_text else ".map_err(|error| error.to_string())"
        yield Proposal(around(scene, node, "", how), values)
        return
    variants = [
        variant for variant in scene.index.variants_of(wanted) if variant.shape == "tuple" and len(variant.fields) == 1
    ]
    exact = [variant for variant in variants if plain_type(f"`{variant.fields[0].type}`") == given]
    question = "which error" if len(exact) > 1 else None
    for variant in exact[:2]:
        how = f".map_err({bare_type_name(wanted)}::{variant.name})"
        yield Proposal(around(scene, node, "", how), values, question=question, keeps_behaviour=question is None)
    for rank, how in enumerate(conversions_elsewhere(scene, node)[:2]):
        yield Proposal(around(scene, node, "", how), values, 0.1 + 0.05 * rank)
    if exact:
        return
    boxed = [variant for variant in variants if plain_type(f"`{variant.fields[0].type}`") == f"Box<{given}>"]
    texts = [variant for variant in variants if variant.fields[0].type == "String"]
    for variant in boxed[:1]:
        how = f".map_err(|error| {bare_type_name(wanted)}::{variant.name}(Box::new(error)))"
        yield Proposal(around(scene, node, "", how), values)
    for variant in texts[:1] if not boxed and len(texts) == 1 else ():
        how = f".map_err(|error| {bare_type_name(wanted)}::{variant.name}(error.to_string()))"
        yield Proposal(around(scene, node, "", how), values, 0.2)


def conversions_elsewhere(scene: Scene, node: Node) -> list[str]:
    """The `.map_err(..)` that this file already writes behind a call of the same name, then its other ones that name
    no local; the nearest first."""
    text = scene.text.decode(errors="replace")
    name = last_call(scene.of(node))
    found: list[tuple[bool, int, str]] = []
    for match in re.finditer(r"\.map_err\(", text):
        end = closing_of(text, match.end() - 1)
        if end is None:
            continue
        code = text[match.start() : end]
        is_same = name is not None and last_call(text[max(0, match.start() - 300) : match.start()].rstrip()) == name
        if len(code) < 120:
            found.append((not is_same, abs(match.start() - node.start_byte), code))
    return list(
        dict.fromkeys(
            code for is_other, _, code in sorted(found) if not is_other or re.match(r"\.map_err\([\w:]+\)$", code)
        )
    )


def last_call(code: str) -> str | None:
    """The name of the call that code ends with."""
    depth = 0
    for position in range(len(code) - 1, -1, -1):
        depth += (code[position] == ")") - (code[position] == "(")
        if depth == 0:
            found = re.search(r"(\w+)(?:::<[^()]*>)?$", code[:position])
            return found[1] if code.endswith(")") and found else None
    return None


def closing_of(text: str, opening: int) -> int | None:
    """Behind the parenthesis that closes the one at a position."""
    depth = 0
    for position in range(opening, min(len(text), opening + 400)):
        depth += (text[position] == "(") - (text[position] == ")")
        if depth == 0:
            return position + 1
    return None


def error_conversion(scene: Scene) -> Iterator[Proposal]:
    """`impl From<ParseIntError> for Fault` for the one variant that holds it."""
    given, wanted = (plain_type(f"`{scene.values[name]}`") for name in ("from", "error"))
    item = scene.index.type_named(bare_type_name(wanted))
    exact = [
        variant
        for variant in scene.index.variants_of(wanted)
        if variant.shape == "tuple" and len(variant.fields) == 1 and plain_type(f"`{variant.fields[0].type}`") == given
    ]
    if item is None or item.generics or len(exact) != 1:
        return
    inner = exact[0].fields[0].type
    code = (
        f"\n\nimpl From<{inner}> for {item.name} {{\n    fn from(error: {inner}) -> Self {{\n"
        f"        Self::{exact[0].name}(error)\n    }}\n}}"
    )
    margin = margin_of(scene.context.read(item.file), item.byte_start)
    code = code.replace("\n", f"\n{margin}").replace(f"\n{margin}\n", "\n\n")
    yield Proposal((Edit(item.file, item.byte_end, item.byte_end, code),), {"from": given, "error": wanted})


def margin_of(text: bytes, position: int) -> str:
    start = text.rfind(b"\n", 0, position) + 1
    line = text[start:position]
    return line[: len(line) - len(line.lstrip())].decode(errors="replace")


def error_for_nothing(scene: Scene) -> Iterator[Proposal]:
    """`.ok_or(Fault::Missing)?`: an error that this file gives elsewhere, or the only one without contents."""
    error, node = missing_error(scene)
    if error is None or node is None:
        return
    text = scene.text.decode(errors="replace")
    elsewhere = sorted(
        (abs(match.start() - node.start_byte), text[match.start() : end])
        for match in re.finditer(r"\.ok_or(?:_else)?\(", text)
        if (end := closing_of(text, match.end() - 1)) is not None and end - match.start() < 120
    )
    known = {local.name for local in locals_at(scene.root, scene.text, node.start_byte)}
    codes = list(dict.fromkeys(code for _, code in elsewhere if values_in(code) <= known))[:2]
    name = bare_type_name(error)
    units = [variant.name for variant in scene.index.variants_of(error) if variant.shape == "unit"]
    if error == "()":
        codes = [".ok_or(())"]
    elif len(units) <= 3:
        codes += [code for unit in units if (code := f".ok_or({name}::{unit})") not in codes]
    question = None if len(codes) == 1 and error == "()" else "which error where there is no value"
    for rank, code in enumerate(codes):
        # Which error is meant, nobody but the author knows; `()` says nothing.
        extra = 0.02 * rank if question is not None else -0.45
        values = {"error": code[code.index("(") + 1 : -1]}
        yield Proposal(around(scene, node, "", code), values, extra, question)


def values_in(code: str) -> set[str]:
    """The names of values that code uses: no methods, no functions, no fields, nothing in text."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", code)
    return set(re.findall(r"(?<![.\w:])[a-z_]\w*(?!\s*(?:[\w(!]|::|:))", bare)) - {"self", "move", "as", "str"}


def missing_error(scene: Scene) -> tuple[str | None, Node | None]:
    """The error type that is wanted, and the Option that has none."""
    if scene.problem.code == "E0277":
        is_option = re.search(r"can only be used on `Result`s, not `Option`s", scene.problem.message)
        question = scene.around("try_expression")
        returns = returned_type(scene, scene.node)
        arguments = type_arguments(returns) if returns is not None else ()
        if is_option is None or question is None:
            return None, None
        return (arguments[1] if len(arguments) == 2 else "?"), question.named_children[0]
    found = mismatch_of(scene)
    if found is None or found.node is None or is_pattern(found.node):
        return None, None
    wanted, given = type_arguments(found.expected), type_arguments(found.found)
    fits = bare_type_name(found.expected) == "Result" and bare_type_name(found.found) == "Option" and len(wanted) == 2
    return (wanted[1], found.node) if fits and given and same_type(wanted[0], given[0]) else (None, None)


def result_in_option_function(scene: Scene) -> Iterator[Proposal]:
    """`.ok()?` in a function that returns an Option."""
    question = scene.around("try_expression")
    if question is not None:
        yield Proposal(around(scene, question.named_children[0], "", ".ok()"))


def question_where_nothing_is_returned(scene: Scene) -> Iterator[Proposal]:
    """`.unwrap()` in place of `?` where the function returns neither."""
    question = scene.around("try_expression")
    if question is not None and "`Result` or `Option`" in scene.problem.message:
        yield Proposal((scene.replace(question.children[-1], ".unwrap()"),))


def returns_a_result(scene: Scene) -> Iterator[Proposal]:
    """A private function without a value that calls something whose error type is written: it returns that error."""
    function = scene.function()
    question = scene.around("try_expression")
    body = function.child_by_field_name("body") if function is not None else None
    if function is None or question is None or body is None or function.child_by_field_name("return_type") is not None:
        return
    if any(
        one.type in {"closure_expression", "async_block"}
        for one in ancestors(question)
        if one.start_byte > function.start_byte
    ):
        return
    called = re.search(r"(\w+)\([^()]*\)$", scene.of(question.named_children[0]))
    found = scene.index.functions_named(called[1]) if called is not None else ()
    returned = {item.returns for item in found}
    parameters = function.child_by_field_name("parameters")
    written = returned.pop() if len(returned) == 1 else None
    arguments = type_arguments(written) if written is not None else ()
    if written is None or parameters is None or bare_type_name(written) != "Result" or len(arguments) != 2:
        return
    returns = f"Result<(), {arguments[1]}>"
    edits = (scene.insert(parameters.end_byte, f" -> {returns}"), at_the_end(scene, body, "Ok(())"))
    yield Proposal(edits, {"returns": returns})
