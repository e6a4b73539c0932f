"""Types that the compiler cannot infer, read from how the value is made and used."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.scopes import declaration_of, type_of_expression, uses_of
from sleepy_agent.code.std_names import FLOATS, SIGNED, UNSIGNED
from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.lifetimes_flow import receiver_and_method
from sleepy_agent.fixes.templates.scene import Proposal, Scene

NUMBERS = SIGNED | UNSIGNED | FLOATS
# Methods after which an iterator still gives the same elements.
SAME_ELEMENTS = frozenset(
    {"iter", "iter_mut", "into_iter", "copied", "cloned", "filter", "take", "skip", "rev", "step_by", "take_while"}
    | {"skip_while", "chain", "inspect", "peekable", "values", "drain", "by_ref"}
)
# Methods that hand on the success inside of what they are called on.
UNWRAPPING = frozenset(
    {"unwrap", "expect", "unwrap_or_default", "unwrap_or", "unwrap_or_else", "ok", "map_err", "ok_or"}
)
OF_STRINGS = frozenset(
    {"push_str", "as_str", "trim", "chars", "to_uppercase", "to_lowercase", "lines", "starts_with", "ends_with"}
    | {"split_whitespace", "bytes", "as_bytes", "parse", "char_indices"}
)
OF_MAPS = frozenset({"contains_key", "entry", "keys", "values", "values_mut"})
OF_ANY_COLLECTION = frozenset({"len", "is_empty", "contains"})
OF_INTEGERS = frozenset({"pow", "count_ones", "rem_euclid", "is_power_of_two", "leading_zeros", "checked_add"})
OF_FLOATS = frozenset({"sqrt", "powi", "powf", "sin", "cos", "floor", "ceil", "round", "is_nan", "ln", "exp"})


def inferred_type(scene: Scene) -> Iterator[Proposal]:
    """Name the type of `sum`, `collect`, `parse` or `into`: on the `let`, or behind the method."""
    statement = scene.around("let_declaration")
    pattern = statement.child_by_field_name("pattern") if statement is not None else None
    is_let = pattern is not None and (pattern.start_byte, pattern.end_byte) == (
        scene.span.byte_start,
        scene.span.byte_end,
    )
    if is_let and statement is not None and pattern is not None:
        yield from of_binding(scene, statement, pattern)
        return
    call = next(
        (
            one
            for one in ancestors(scene.node)
            if one.type == "call_expression" and receiver_and_method(one, scene.text)[1] == scene.of(scene.node)
        ),
        None,
    )
    if call is not None:
        yield from of_call(scene, call)


def of_binding(scene: Scene, statement: Node, pattern: Node) -> Iterator[Proposal]:
    """The type of a `let` from its value and its uses."""
    value = statement.child_by_field_name("value")
    made = making_call(scene, value) if value is not None else None
    place = pattern.end_byte
    if statement.child_by_field_name("type") is not None or made is None:
        return
    receiver, method = receiver_and_method(made, scene.text)
    name = scene.of(pattern).removeprefix("mut ").strip()
    found: str | None = None
    extra = 0.0
    if method in {"sum", "product"} and receiver is not None:
        found = element_type(scene, receiver)
    elif method == "collect" and receiver is not None:
        found = collection_from_uses(scene, name, statement, receiver)
        uses, _ = use_texts(scene, name, statement)
        if found == "Vec<_>" and uses and all(counts_only(scene, use) for use in uses):
            # Whether what is there twice counts twice is for the author to say.
            yield from either_collection(scene, place, "", f"what is gathered in `{name}`")
            return
    elif method == "parse":
        choices = parsed_types(scene, name, statement)
        if len(choices) > 1:
            for number, choice in enumerate(choices):
                edit = scene.insert(place, f": {choice}")
                question = f"the type of `{name}`"
                yield Proposal((edit,), {"type": choice}, extra_cost=0.3 + 0.02 * number, question=question)
            return
        found = choices[0] if choices else None
        extra = 0.05
    elif method == "into" and receiver is not None:
        given = type_of(scene, receiver)
        other = operand_type(scene, name, statement)
        found = other or ("String" if given == "&str" else None)
    if found is not None:
        yield from annotated(scene, place, found, extra)


def either_collection(scene: Scene, place: int, before: str, question: str) -> Iterator[Proposal]:
    """A list, or a set of what is different; `before` stands in front of the type's `<`."""
    for extra, found in ((0.0, "Vec<_>"), (0.02, "HashSet<_>")):
        text = f"{before}<{found}>" if before else f": {found}"
        edits = (scene.insert(place, text), *imports_for(scene, found))
        yield Proposal(edits, {"type": found}, extra_cost=extra, question=question)


def counts_only(scene: Scene, use: Node) -> bool:
    """Whether a collection is only counted here, or asked what it holds: a set would do as well, and say otherwise."""
    parent = use.parent
    if parent is None or parent.type != "field_expression" or parent.child_by_field_name("value") != use:
        return False
    return scene.of(parent.child_by_field_name("field") or parent) in OF_ANY_COLLECTION


def annotated(scene: Scene, place: int, type_text: str, extra: float = 0.0) -> Iterator[Proposal]:
    """The type behind the pattern, with the import that it needs."""
    edits: list[Edit] = [scene.insert(place, f": {type_text}")]
    edits += imports_for(scene, type_text)
    yield Proposal(tuple(edits), {"type": type_text}, extra_cost=extra)


def imports_for(scene: Scene, type_text: str) -> list[Edit]:
    name = bare_type_name(type_text)
    if name not in {"HashMap", "HashSet"}:
        return []
    if any(one.name == name for one in scene.index.imports_at(scene.file, scene.span.byte_start)):
        return []
    edit = scene.import_edit(f"std::collections::{name}")
    return [edit] if edit is not None else []


def of_call(scene: Scene, call: Node) -> Iterator[Proposal]:
    """The type behind the method's name: `sum::<f64>()`, `collect::<Vec<_>>()`."""
    receiver, method = receiver_and_method(call, scene.text)
    function = call.child_by_field_name("function")
    if receiver is None or function is None or function.type == "generic_function":
        return
    found: str | None = None
    if method in {"sum", "product"}:
        found = element_type(scene, receiver)
    elif method == "collect":
        found = collection_of_method(scene, call)
        if found == "Vec<_>" and counts_only(scene, call):
            yield from either_collection(scene, function.end_byte, "::", "what is gathered")
            return
    if found is not None:
        edits = [scene.insert(function.end_byte, f"::<{found}>"), *imports_for(scene, found)]
        yield Proposal(tuple(edits), {"type": found})


def making_call(scene: Scene, value: Node) -> Node | None:
    """The call that makes the value, behind `?` and `unwrap()`."""
    node: Node | None = value
    while node is not None:
        if node.type in {"try_expression", "parenthesized_expression"}:
            node = code_children(node)[0] if code_children(node) else None
            continue
        if node.type != "call_expression":
            return None
        receiver, method = receiver_and_method(node, scene.text)
        if receiver is None or method not in UNWRAPPING:
            return node if receiver is not None else None
        node = receiver
    return None


def element_type(scene: Scene, iterator: Node) -> str | None:
    """The number that the elements of an iterator are."""
    if iterator.type != "call_expression":
        found = type_of(scene, iterator)
        arguments = type_arguments(found) if found is not None else ()
        return number_of(arguments[-1]) if arguments else None
    receiver, method = receiver_and_method(iterator, scene.text)
    if receiver is None:
        return None
    if method in SAME_ELEMENTS:
        return element_type(scene, receiver)
    if method in {"map", "filter_map", "flat_map"}:
        return mapped_type(scene, iterator, receiver) if method == "map" else None
    found = type_of(scene, iterator)
    arguments = type_arguments(found) if found is not None else ()
    return number_of(arguments[-1]) if arguments else None


def mapped_type(scene: Scene, call: Node, receiver: Node) -> str | None:
    """The number that a closure makes of each element."""
    arguments = call.child_by_field_name("arguments")
    closure = code_children(arguments)[0] if arguments is not None and code_children(arguments) else None
    body = closure.child_by_field_name("body") if closure is not None else None
    parameters = closure.child_by_field_name("parameters") if closure is not None else None
    if body is None or parameters is None:
        return None
    text = scene.of(body)
    name = re.sub(r"[|&\s]|\bmut\b", "", scene.of(parameters))
    if re.search(r"\.(len|count)\(\)$", text):
        return "usize"
    cast = re.search(r"\bas (\w+)\)?$", text)
    if cast is not None:
        return number_of(cast[1])
    field = re.fullmatch(rf"{re.escape(name)}\.(\w+)", text)
    if field is not None:
        owner = element_text(scene, receiver)
        found = [one.type for one in scene.index.fields_of(owner or "") if one.name == field[1]]
        return number_of(found[0]) if found else None
    if re.fullmatch(rf"\*?{re.escape(name)}(\s*[-+*/%]\s*(\*?{re.escape(name)}|\d[\w.]*))*", text):
        return element_type(scene, receiver)
    return number_of(type_of(scene, body) or "")


def element_text(scene: Scene, iterator: Node) -> str | None:
    """The type of an iterator's elements, as far as adapters keep it."""
    receiver, method = receiver_and_method(iterator, scene.text) if iterator.type == "call_expression" else (None, "")
    if receiver is not None and method in SAME_ELEMENTS:
        return element_text(scene, receiver)
    found = type_of(scene, iterator)
    arguments = type_arguments(found) if found is not None else ()
    return arguments[-1] if arguments else None


def number_of(type_text: str) -> str | None:
    name = bare_type_name(type_text) if type_text else ""
    return name if name in NUMBERS else None


def type_of(scene: Scene, node: Node) -> str | None:
    return type_of_expression(scene.index, scene.root, scene.text, node)


def use_texts(scene: Scene, name: str, statement: Node) -> tuple[list[Node], str]:
    """The later mentions of a local, and the text that they stand in."""
    block = statement.parent
    if block is None:
        return [], ""
    local = declaration_of(scene.root, scene.text, block.end_byte - 1, name)
    uses = list(uses_of(scene.root, scene.text, local)) if local is not None else []
    return uses, scene.code(statement.end_byte, block.end_byte)


def methods_called(scene: Scene, uses: list[Node]) -> set[str]:
    """The methods that are called on a local."""
    found = set()
    for use in uses:
        parent = use.parent
        if parent is not None and parent.type == "field_expression" and parent.child_by_field_name("value") == use:
            found.add(scene.of(parent.child_by_field_name("field") or parent))
    return found


def collection_from_uses(scene: Scene, name: str, statement: Node, receiver: Node) -> str | None:
    """What is collected, by how it is used afterwards."""
    uses, rest = use_texts(scene, name, statement)
    methods = methods_called(scene, uses)
    chain = scene.of(receiver)
    if methods & OF_MAPS:
        return "HashMap<_, _>"
    has_characters = re.search(r"\.chars\(\)", chain) is not None and ".map(" not in chain
    is_shown = re.search(rf"\{{{name}\}}|\{{\}}[^;]*\b{name}\b", rest) is not None
    if methods & OF_STRINGS or (is_shown and not methods):
        return "String"
    if has_characters and not uses:
        return "String"
    return "Vec<_>"


def collection_of_method(scene: Scene, call: Node) -> str | None:
    """What is collected where a method follows at once."""
    parent = call.parent
    method = scene.of(parent.child_by_field_name("field") or parent) if parent is not None else ""
    if parent is not None and parent.type == "field_expression":
        if method in OF_MAPS:
            return "HashMap<_, _>"
        if method in OF_STRINGS:
            return "String"
        return "Vec<_>"
    return "Vec<_>" if parent is not None and parent.type == "for_expression" else None


def parsed_types(scene: Scene, name: str, statement: Node) -> list[str]:
    """The types that a parsed value may have by its uses, the likeliest first."""
    other = operand_type(scene, name, statement, may_be_literal=False)
    if other is not None:
        return [other]
    other = operand_type(scene, name, statement)
    if other is not None:
        # A literal without a type says only which kind of number it is: how large it may become is open.
        return [other] if other in FLOATS else list(dict.fromkeys((other, "i32", "u32", "i64")))
    uses, rest = use_texts(scene, name, statement)
    methods = methods_called(scene, uses)
    if methods & OF_FLOATS:
        return ["f64"]
    if methods & OF_INTEGERS:
        return [returned_number(scene, statement) or "i32"]
    return ["i32", "f64"] if rest and not methods else []


def returned_number(scene: Scene, statement: Node) -> str | None:
    """The number that the function around returns."""
    function = scene.function(statement)
    returned = function.child_by_field_name("return_type") if function is not None else None
    return number_of(scene.of(returned)) if returned is not None else None


def operand_type(scene: Scene, name: str, statement: Node, *, may_be_literal: bool = True) -> str | None:
    """The type of what a local is compared or computed with; `i32` or `f64` for a plain literal."""
    uses, _ = use_texts(scene, name, statement)
    for use in uses:
        node = use.parent if use.parent is not None and use.parent.type == "unary_expression" else use
        parent = node.parent
        if parent is None or parent.type != "binary_expression":
            continue
        left, right = parent.child_by_field_name("left"), parent.child_by_field_name("right")
        other = right if left == node else left
        if other is None:
            continue
        if not may_be_literal and other.type in {"float_literal", "integer_literal"}:
            continue
        if other.type == "float_literal" and re.fullmatch(r"[\d_.]+", scene.of(other)):
            return "f64"
        if other.type == "integer_literal" and re.fullmatch(r"[\d_]+", scene.of(other)):
            returned = returned_number(scene, statement)
            return returned if returned is not None and returned not in FLOATS else "i32"
        found = number_of(type_of(scene, other) or "")
        if found is not None:
            return found
    return None


def closure_parameter(scene: Scene) -> Iterator[Proposal]:
    """The type of a closure's parameter from what it is called with."""
    closure = scene.around("closure_expression")
    statement = closure.parent if closure is not None else None
    parameters = closure.child_by_field_name("parameters") if closure is not None else None
    if statement is None or statement.type != "let_declaration" or parameters is None or closure is None:
        return
    pattern = statement.child_by_field_name("pattern")
    number = next(
        (
            position
            for position, child in enumerate(code_children(parameters))
            if child.start_byte <= scene.span.byte_start < child.end_byte
        ),
        None,
    )
    if pattern is None or number is None or code_children(parameters)[number].type == "parameter":
        return
    name = scene.of(pattern).removeprefix("mut ").strip()
    for use in use_texts(scene, name, statement)[0]:
        call = use.parent
        arguments = call.child_by_field_name("arguments") if call is not None else None
        if call is None or call.type != "call_expression" or arguments is None:
            continue
        given = code_children(arguments)
        found = type_of(scene, given[number]) if number < len(given) else None
        if found is not None and "_" not in found:
            place = code_children(parameters)[number].end_byte
            yield Proposal((scene.insert(place, f": {found}"),), {"type": found})
            return
