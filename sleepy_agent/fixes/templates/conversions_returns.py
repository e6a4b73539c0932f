"""A function that gives a value and does not say of which type."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.fixes.templates.conversions_shared import LABEL, is_imported, is_writable, plain_type
from sleepy_agent.fixes.templates.options import CHANGING_METHODS
from sleepy_agent.fixes.templates.results import values_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene

VALUE = re.compile(r"^(?P<variant>Ok|Err|Some)\((?P<inside>.*)\)$|^(?P<none>None)$", re.DOTALL)
SUMMED = re.compile(
    r"^a value of type `\(\)` cannot be made by \w+ an iterator over elements of type `&?(?P<item>\w+)`"
)
GATHERED = re.compile(
    r"^a value of type `\(\)` cannot be (?:built from|collected).* elements of type `(?P<item>[^`]+)`"
)

PRELUDE_TYPES = frozenset({"Option", "Result", "Vec", "String", "Box"})


def missing_return_type(scene: Scene) -> Iterator[Proposal]:
    """`-> Result<()>` where the body ends in `Ok(())`, in the words of this file; `-> f64` for a sum of floats."""
    function = enclosing_function(scene.node)
    parameters = function.child_by_field_name("parameters") if function is not None else None
    if function is None or parameters is None or function.child_by_field_name("return_type") is not None:
        return
    if is_name(scene, function, "main"):
        return
    for rank, returns in enumerate(returned_by(scene, function)[:3]):
        edit = scene.insert(parameters.end_byte, f" -> {returns}")
        extra = 0.3 if GATHERED.match(scene.problem.message) else 0.01 * rank
        yield Proposal((edit,), {"returns": returns}, extra)


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


def returned_by(scene: Scene, function: Node) -> list[str]:
    """The types that a function's last expression may have, as this file would write them."""
    last = last_value(function)
    if last is None:
        return []
    summed = SUMMED.match(scene.problem.message)
    gathered = GATHERED.match(scene.problem.message)
    parts = summed or gathered
    if parts is not None:
        is_it = last.start_byte <= scene.span.byte_start and scene.span.byte_end <= last.end_byte
        item = parts["item"]
        return [item if summed is not None else f"Vec<{item}>"] if is_it and is_writable(item) else []
    if scene.problem.code == "E0277":
        is_asked = "that returns `Result` or `Option`" in scene.problem.message
        ends = [match for value in values_of(last) if (match := VALUE.match(scene.of(value)))] if is_asked else []
        is_nothing = any(end["variant"] == "Ok" and end["inside"].strip() == "()" for end in ends)
        return results_of(scene, function, "()", "_") if is_nothing else []
    label = LABEL.search(scene.span.label or "")
    if label is None or plain_type(label["expected"]) != "()" or not is_value_of(scene, last):
        return []
    found = plain_type(label["found"]).replace("{integer}", "i32").replace("{float}", "f64")
    arguments = type_arguments(found)
    if bare_type_name(found) == "Result" and len(arguments) == 2:
        value = value_of_ok(scene, last) if arguments[0] == "_" else arguments[0]
        if value is None or not is_writable(value):
            return []
        return results_of(scene, function, named_as_self(scene, function, value), arguments[1])
    # Nobody asks for a reference to throw it away.
    is_reference = found.startswith(("&", "*"))
    if not is_writable(found) or (not is_reference and any(has_effect(scene, one) for one in values_of(last))):
        return []
    own = named_as_self(scene, function, found)
    return [own if own != found else as_written_here(scene, proposed_type(scene) or label["found"])]


def proposed_type(scene: Scene) -> str | None:
    """The return type that the compiler proposes, with all paths."""
    for suggestion in scene.diagnostic.suggestions:
        if len(suggestion.edits) == 1 and "return type" in suggestion.message:
            found = re.match(r"\s*->\s*(?P<type>\S.*?)\s*$", suggestion.edits[0].replacement)
            if found is not None and is_writable(found["type"]):
                return found["type"]
    return None


def as_written_here(scene: Scene, shown: str) -> str:
    """A type of a diagnostic as this file would write it: `T::Item` for `<T as Array>::Item`, `Iter<'_, T>` where
    that name is imported."""
    code = shown.strip("`").replace("{integer}", "i32").replace("{float}", "f64")
    code = re.sub(r"<(\w+) as (?:\w+::)*\w+(?:<[^<>]*>)?>::", r"\1::", code)
    text = scene.text.decode(errors="replace")

    def cut(found: re.Match[str]) -> str:
        name = found["name"]
        is_named = is_imported(scene, name) or name in PRELUDE_TYPES
        is_own = re.search(rf"\b(?:struct|enum|union|type|trait)\s+{name}\b", text) is not None
        return name if is_named or is_own else found[0]

    code = re.sub(r"\b(?:[a-z_]\w*::)+(?P<name>[A-Z]\w*)", cut, code)
    for name in re.findall(r"(\w+)<'_", code):
        if re.search(rf"\b{name}<'\w+", text) is None and re.search(rf"->[^{{;]*\b{name}(?:<[^'<>]+>|\b(?!<))", text):
            # This file leaves such lifetimes out.
            code = code.replace(f"{name}<'_, ", f"{name}<").replace(f"{name}<'_>", name)
    return code


def is_value_of(scene: Scene, last: Node) -> bool:
    """Whether the complaint is about the last expression, one of its branches, or what is returned early."""
    around_span = scene.node.parent
    is_returned = around_span is not None and around_span.type == "return_expression"
    return is_returned or any(value.start_byte == scene.span.byte_start for value in (last, *values_of(last)))


def value_of_ok(scene: Scene, last: Node) -> str | None:
    """`()` where another branch gives `Ok(())`, `Shelf` where one gives `Ok(Shelf { .. })`."""
    ends = [scene.of(value) for value in values_of(last)]
    if any(end.replace(" ", "") == "Ok(())" for end in ends):
        return "()"
    return next((found[1] for end in ends if (found := re.match(r"Ok\(\s*([A-Z]\w*)\s*\{", end))), None)


def given_error(scene: Scene, function: Node) -> str | None:
    """The error type that a function's own `Err(..)` shows."""
    code = scene.of(function)
    if re.search(r'\bErr\(\s*(?:format!|String::|"(?:[^"\\]|\\.)*"\.(?:to_string|into|to_owned)\(\))', code):
        return "String"
    named = re.search(r"\bErr\(\s*([A-Z]\w*)::", code)
    return named[1] if named is not None and scene.index.type_named(named[1]) is not None else None


def has_effect(scene: Scene, node: Node) -> bool:
    """Whether an expression may stand there for what it does, not for what it gives."""
    if node.type in {"call_expression", "await_expression", "try_expression"}:
        called = re.findall(r"(\w+)(?:::<[^()]*>)?\(", scene.of(node))
        is_method = ".".join(called) and "." in scene.of(node).split("(")[0]
        return not is_method or any(
            name in CHANGING_METHODS or name.startswith(("write", "set", "push")) for name in called
        )
    if node.type == "macro_invocation":
        return not scene.of(node).startswith(("format!", "vec!", "matches!"))
    return node.type in {"if_expression", "match_expression", "loop_expression", "unsafe_block", "block"}


def named_as_self(scene: Scene, function: Node, found: str) -> str:
    """`Self` where the function belongs to that type and its neighbours write it so."""
    owner = next((one for one in ancestors(function.parent) if one.type == "impl_item"), None)
    kind = owner.child_by_field_name("type") if owner is not None else None
    is_own = owner is not None and kind is not None and plain_type(f"`{scene.of(kind)}`") == found
    if not is_own or owner is None:
        return found
    code = scene.of(owner)
    names_it = re.search(rf"->[^{{;]*\b{re.escape(bare_type_name(found))}\b", code) is not None
    return found if names_it and re.search(r"->[^{;]*\bSelf\b", code) is None else "Self"


def last_value(function: Node) -> Node | None:
    body = function.child_by_field_name("body")
    inside = code_children(body) if body is not None else []
    if not inside:
        return None
    last = inside[-1]
    if last.type == "expression_statement":
        last = last.children[0] if last.children[-1].type != ";" else last
    return None if last.type.endswith(("_statement", "_declaration", "_item")) else last


def results_of(scene: Scene, function: Node, value: str, error: str) -> list[str]:
    """`Result<value>` by the crate's own alias or std's, or with the error types that this file names, the likeliest
    first: what the called functions return, then what is written most."""
    text = scene.text.decode(errors="replace")
    written = re.findall(r"->\s*((?:\w+::)*\w*Result)<((?:[^<>{};]|<[^<>]*>)*)>\s*(?:\{|where)", text)
    forms: Counter[str] = Counter()
    shown = given_error(scene, function)
    if error == "_" and shown is not None:
        error = shown
        forms[f"Result<{value}, {shown}>"] += 1
    for name, inside in written:
        arguments = type_arguments(f"R<{inside}>")
        if len(arguments) == 1:
            forms[f"{name}<{value}>"] += 1
        elif len(arguments) == 2:
            known = error != "_" and plain_type(f"`{arguments[1]}`") == error
            forms[f"{name}<{value}, {arguments[1]}>"] += 100 if known else 1
    is_in_trait = any(one.type == "impl_item" and one.child_by_field_name("trait") for one in ancestors(function))
    forms = Counter({form: count for form, count in forms.items() if is_in_trait or "Self::" not in form})
    if re.search(r"\bwrite(ln)?!\(", scene.of(function)):
        # Writing text fails as the text's sink does: into a String with this error.
        forms[f"Result<{value}, {'fmt' if 'fmt' in text else 'std::fmt'}::Error>"] += 5
    owner = next((one for one in ancestors(function) if one.type == "impl_item"), None)
    for name, inside in re.findall(
        r"->\s*((?:\w+::)*\w*Result)<((?:[^<>{};]|<[^<>]*>)*)>", scene.of(owner) if owner else ""
    ):
        # What the neighbours return.
        arguments = type_arguments(f"R<{inside}>")
        forms[f"{name}<{value}>" if len(arguments) == 1 else f"{name}<{value}, {arguments[-1]}>"] += 3
    for called in re.findall(r"(\w+)\([^()]*\)\?", scene.of(function)):
        for item in scene.index.functions_named(called):
            arguments = type_arguments(item.returns or "")
            if len(arguments) == 2:
                forms[f"Result<{value}, {arguments[1]}>"] += 10
            elif len(arguments) == 1 and item.returns is not None:
                forms[f"{item.returns.split('<')[0]}<{value}>"] += 10
    found = [form for form, _ in forms.most_common(3)]
    return found or ([f"Result<{value}, {error}>"] if is_writable(error) else [])
