"""Mistakes with types: references, casts, texts, numbers, arguments, closures, inference, the value of a block."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tree_sitter import Node

from trainer.pretrain.mutations.dispatch import by_kind, field_of_call, method_name, only, said
from trainer.pretrain.mutations.mutant import ByteEdit, Mutant

__all__ = ["MUTATORS"]

MISFITS = ("E0308", "E0277", "E0369", "E0599", "E0614", "E0608", "E0271", "E0631")
UNKNOWN = ("E0282", "E0283", "E0284", "E0790")
OTHER_TYPES = {
    "u8": ("u32", "char"), "u16": ("u32", "usize"), "u32": ("u64", "usize", "i32", "String"), "u64": ("u32", "i64"),
    "usize": ("u32", "i32", "u64"), "i32": ("u32", "i64", "usize", "f64"), "i64": ("i32", "u64"), "f64": ("f32", "u32"),
    "f32": ("f64",), "bool": ("u32",), "char": ("u8", "String"), "String": ("&str", "usize"), "str": ("String",),
}  # fmt: skip
STEPS = frozenset(
    """
    to_string to_owned into as_str as_bytes iter into_iter collect chars len sum to_vec enumerate rev keys values trim
    abs as_slice lines bytes join to_lowercase to_uppercase is_empty borrow as_ref cmp unwrap_or min max iter_mut copied
    cloned count zip first last product sqrt powi pow get insert entry or_insert
    """.split()  # noqa: SIM905 - a list of fifty words is easier to read so
)


def reference_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    value = node.child_by_field_name("value")
    if value is None:
        return
    yield only("type.reference_removed", ("E0308", "E0277", "E0631"), node.start_byte, value.start_byte)
    if said(node, text).startswith("&mut "):
        yield only("type.mutable_reference_as_shared", ("E0308",), node.start_byte, value.start_byte, "&")


def dereference_removed(node: Node, _text: bytes) -> Iterator[Mutant]:
    if not node.children:
        return
    sign = node.children[0]
    if sign.type == "*":
        yield only("type.dereference_removed", MISFITS, sign.start_byte, sign.end_byte)
    elif sign.type == "!":
        yield only("type.not_of_other", ("E0600",), sign.start_byte, sign.end_byte, "-")


def cast_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    value, kind = node.child_by_field_name("value"), node.child_by_field_name("type")
    if value is None or kind is None:
        return
    yield only("type.cast_removed", MISFITS, value.end_byte, node.end_byte)
    for other in OTHER_TYPES.get(said(kind, text), ())[:2]:
        if other not in {"String", "&str", "char"}:
            yield only("type.cast_to_other", MISFITS, kind.start_byte, kind.end_byte, other)


def step_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A method of a chain is left out."""
    field, name = field_of_call(node), method_name(node)
    receiver = field.child_by_field_name("value") if field is not None else None
    word = said(name, text)
    if name is None or receiver is None:
        return
    if word in STEPS:
        yield only(f"type.without_{word}", (*MISFITS, "E0609", "E0605", "E0606"), receiver.end_byte, node.end_byte)
    function = node.child_by_field_name("function")
    if function is not None and function.type == "generic_function":
        yield only("type.turbofish_removed", UNKNOWN, name.end_byte, function.end_byte)
    if word in {"sort_by", "sort_by_key"}:
        yield only("type.sorted_plainly", ("E0277",), name.start_byte, node.end_byte, "sort()")
    if word in {"total_cmp", "partial_cmp"}:
        yield only("type.compared_totally", ("E0599", "E0308"), name.start_byte, name.end_byte, "cmp")
    if word == "cmp":
        yield only("type.compared_partially", ("E0308",), name.start_byte, name.end_byte, "partial_cmp")
    if word in {"into_iter", "iter", "iter_mut"}:
        for other in {"into_iter": ("iter",), "iter": ("into_iter", "iter_mut"), "iter_mut": ("iter",)}[word]:
            codes = (*MISFITS, "E0594", "E0596", "E0507", "E0382")
            yield only(f"type.{word}_as_{other}", codes, name.start_byte, name.end_byte, other)


def arguments_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """Arguments that are missing, too many, in the wrong order, lent or not lent."""
    values = [child for child in node.named_children if child.type not in {"line_comment", "attribute_item"}]
    codes = ("E0061", "E0057", "E0308", "E0277", "E0107")
    function = node.parent.child_by_field_name("function") if node.parent is not None else None
    if said(function, text) in {"Some", "Ok", "Err"}:
        return
    for number, value in enumerate(values):
        if len(values) > 1:
            start, end = (value.start_byte, values[1].start_byte) if number == 0 else (
                values[number - 1].end_byte, value.end_byte,
            )  # fmt: skip
            yield only("type.argument_removed", codes, start, end)
        if value.type == "identifier" and value.text is not None and value.text[:1].islower():
            yield only("type.argument_lent", ("E0308", "E0277"), value.start_byte, value.start_byte, "&")
            yield only("type.argument_dereferenced", ("E0614",), value.start_byte, value.start_byte, "*")
        if value.type == "string_literal":
            yield only("type.text_owned", ("E0308", "E0277"), value.end_byte, value.end_byte, ".to_string()")
        if value.type in {"integer_literal", "string_literal", "float_literal"}:
            yield from literal_changed(value, text)
    if len(values) == 1 and values[0].type != "closure_expression" and field_named(function) is None:
        yield only("type.argument_removed", codes, values[0].start_byte, values[0].end_byte)
    if values and field_named(function) is None:
        yield only("type.argument_added", codes, values[-1].end_byte, values[-1].end_byte, ", 0")
    for first, second in itertools.pairwise(values):
        edits = (
            ByteEdit(first.start_byte, first.end_byte, text[second.start_byte : second.end_byte]),
            ByteEdit(second.start_byte, second.end_byte, text[first.start_byte : first.end_byte]),
        )
        yield Mutant("type.arguments_swapped", codes, edits)


def field_named(function: Node | None) -> Node | None:
    return function.child_by_field_name("field") if function is not None else None


def literal_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A literal of another type."""
    word = said(node, text)
    codes = ("E0308", "E0277")
    start, end = node.start_byte, node.end_byte
    if node.type == "integer_literal" and word.isdigit():
        yield only("type.float_for_integer", codes, start, end, f"{word}.0")
        yield only("type.text_for_integer", codes, start, end, f'"{word}"')
    elif node.type == "float_literal" and word.replace(".", "").isdigit():
        yield only("type.integer_for_float", codes, start, end, word.partition(".")[0])
    elif node.type == "string_literal" and len(word) == 3 and word[1] not in "\"\\'":
        yield only("type.char_for_text", codes, start, end, f"'{word[1]}'")


def operand_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """`=` for `==`; literals of another type; a missing reference."""
    sign = node.child_by_field_name("operator")
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if sign is None or left is None or right is None:
        return
    if sign.type == "==" and node.parent is not None and node.parent.type in {"if_expression", "while_expression"}:
        yield only("type.assigned_in_condition", ("E0308",), sign.start_byte, sign.end_byte, "=")
    for value in (left, right):
        yield from literal_changed(value, text)
        if value.type == "identifier":
            yield only("type.operand_lent", ("E0308", "E0277", "E0369"), value.start_byte, value.start_byte, "&")
    if sign.type in {"+", "-", "*"} and right.type == "integer_literal":
        yield only("type.added_text", ("E0277", "E0308"), right.start_byte, right.end_byte, f'"{said(right, text)}"')


def let_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """The annotation that inference needs is missing; or says another type; or the value has another one."""
    kind, pattern = node.child_by_field_name("type"), node.child_by_field_name("pattern")
    value = node.child_by_field_name("value")
    if kind is not None and pattern is not None:
        yield only("type.annotation_removed", UNKNOWN, pattern.end_byte, kind.end_byte)
        yield from type_changed(kind, text)
    if value is not None and value.type in {"integer_literal", "float_literal", "string_literal"}:
        yield from literal_changed(value, text)
    if value is not None and value.type == "call_expression" and said(value, text).endswith("::new()") and kind is None:
        yield only("type.value_removed", UNKNOWN, value.start_byte, value.end_byte, "Default::default()")


def type_changed(kind: Node, text: bytes) -> Iterator[Mutant]:
    word = said(kind, text)
    bare = word.removeprefix("&")
    for other in OTHER_TYPES.get(bare, ()):
        new = "String" if word == "&str" else f"&{other}" if word.startswith("&") else other
        if new != word:
            codes = ("E0308", "E0277", "E0106", "E0369", "E0599")
            yield only("type.other_type", codes, kind.start_byte, kind.end_byte, new)
    if word.startswith("&") and not word.startswith(("&str", "&'", "&mut", "&[", "&self", "&dyn")):
        yield only("type.owned_for_reference", ("E0308", "E0277", "E0614"), kind.start_byte, kind.end_byte, bare)
    elif word[:1].isupper() and word != "Self" and "<" in word:
        outer = word.partition("<")[0]
        yield only("type.arguments_of_type_removed", ("E0107",), kind.start_byte, kind.end_byte, outer)
    if word.startswith("Vec<"):
        inner = word[4:-1]
        yield only("type.element_for_list", ("E0308", "E0277", "E0599", "E0608"), kind.start_byte, kind.end_byte, inner)
        yield only("type.slice_for_list", ("E0308", "E0277"), kind.start_byte, kind.end_byte, f"[{inner}]")


def function_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """What a signature says of types: no return type, another one."""
    kind, parameters = node.child_by_field_name("return_type"), node.child_by_field_name("parameters")
    if kind is not None and parameters is not None:
        yield only("type.return_type_removed", ("E0308", "E0277"), parameters.end_byte, kind.end_byte)
        yield from type_changed(kind, text)


def parameter_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    kind = node.child_by_field_name("type")
    if kind is not None:
        yield from type_changed(kind, text)


def block_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A `;` behind the value of a block; the value is missing."""
    last = node.named_children[-1] if node.named_children else None
    if last is None or last.type in {"line_comment", "expression_statement", "let_declaration", "empty_statement"}:
        return
    if last.type.endswith(("_expression", "_literal", "identifier")) or last.type in {"self", "macro_invocation"}:
        yield only("type.value_thrown_away", ("E0308", "E0277"), last.end_byte, last.end_byte, ";")
        if node.parent is not None and node.parent.type == "function_item" and last.type == "identifier":
            yield only("type.value_lent", ("E0308", "E0106"), last.start_byte, last.start_byte, "&")
            yield only("type.value_named", ("E0308",), last.start_byte, last.end_byte, f"{said(last, text)}.clone();")


def else_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """An `if` that gives a value and has no `else`; only where that is short enough to be written again."""
    alternative, consequence = node.child_by_field_name("alternative"), node.child_by_field_name("consequence")
    if alternative is not None and consequence is not None and said(alternative, text).count("\n") <= 2:
        yield only("type.else_removed", ("E0317", "E0308"), consequence.end_byte, alternative.end_byte)


def return_emptied(node: Node, text: bytes) -> Iterator[Mutant]:
    if node.named_children and len(said(node, text)) <= 40:
        yield only("type.return_emptied", ("E0069",), node.start_byte, node.end_byte, "return")


def closure_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """Parameters of a closure that are missing, too many, taken apart or not."""
    parameters = node.child_by_field_name("parameters")
    body = node.child_by_field_name("body")
    if parameters is None or body is None:
        return
    names = parameters.named_children
    start, end = parameters.start_byte, parameters.end_byte
    codes = (*MISFITS, "E0593", "E0282")
    if len(names) == 2:
        yield only("closure.taken_as_pair", ("E0593",), start, end, f"|({said(parameters, text)[1:-1]})|")
        yield only("closure.parameter_removed", ("E0593", "E0425"), names[0].end_byte, names[1].end_byte)
    if len(names) == 1:
        one = names[0]
        word = said(one, text)
        if one.type == "tuple_pattern":
            yield only("closure.pair_as_two", ("E0593",), one.start_byte, one.end_byte, word[1:-1])
        elif one.type == "reference_pattern":
            yield only("closure.reference_kept", codes, one.start_byte, one.end_byte, word.removeprefix("&"))
        elif one.type == "identifier":
            yield only("closure.reference_taken_off", codes, one.start_byte, one.end_byte, f"&{word}")
            yield only("closure.parameter_added", ("E0593",), one.end_byte, one.end_byte, ", _")
            yield only("closure.parameter_typed", ("E0308", "E0631"), one.end_byte, one.end_byte, ": usize")
        yield only("closure.parameter_missing", ("E0593", "E0425"), start, end, "||")
    if body.type not in {"block", "closure_expression"} and len(said(body, text)) <= 50:
        new = f"{{ {said(body, text)}; }}"
        yield only("closure.value_thrown_away", codes, body.start_byte, body.end_byte, new)


def index_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """An index of the wrong type; an index of what has none."""
    inner = [child for child in node.named_children if child.type != "line_comment"]
    if len(inner) != 2:
        return
    listed, index = inner
    if index.type in {"identifier", "binary_expression"}:
        word = said(index, text) if index.type == "identifier" else f"({said(index, text)})"
        yield only("type.index_of_other_type", ("E0277",), index.start_byte, index.end_byte, f"{word} as i32")
    if node.parent is None or node.parent.type != "field_expression":
        yield only("type.number_indexed", ("E0608",), listed.end_byte, listed.end_byte, ".len()")


def field_value_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    value = node.child_by_field_name("value")
    if value is None:
        return
    yield from literal_changed(value, text)
    if value.type == "string_literal":
        yield only("type.text_owned", ("E0308",), value.end_byte, value.end_byte, ".to_string()")
    if value.type == "identifier":
        yield only("type.field_lent", ("E0308",), value.start_byte, value.start_byte, "&")


def arm_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    """Arms of different types."""
    value = node.child_by_field_name("value")
    if value is not None:
        yield from literal_changed(value, text)
        if value.type == "string_literal":
            yield only("type.arm_owned", ("E0308",), value.end_byte, value.end_byte, ".to_string()")


def boxed(node: Node, text: bytes) -> Iterator[Mutant]:
    """`Box::new(x)`, `Rc::new(x)`, `String::from(x)` and the like become `x`."""
    function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    word = said(function, text)
    if function is None or arguments is None or len(arguments.named_children) != 1:
        return
    if word.endswith(("::new", "::from")) and word.count("::") == 1:
        inner = said(arguments.named_children[0], text)
        name = word.replace("::", "_").lower()
        if word in {"Box::new", "Rc::new", "Arc::new", "RefCell::new", "Cell::new", "Mutex::new", "String::from"}:
            yield only(f"type.without_{name}", ("E0308", "E0277", "E0599"), node.start_byte, node.end_byte, inner)


MUTATORS = (
    by_kind(
        {
            "reference_expression": (reference_removed,),
            "unary_expression": (dereference_removed,),
            "type_cast_expression": (cast_changed,),
            "call_expression": (step_removed, boxed),
            "arguments": (arguments_changed,),
            "binary_expression": (operand_changed,),
            "let_declaration": (let_changed,),
            "function_item": (function_changed,),
            "parameter": (parameter_changed,),
            "block": (block_changed,),
            "if_expression": (else_removed,),
            "return_expression": (return_emptied,),
            "closure_expression": (closure_changed,),
            "index_expression": (index_changed,),
            "field_initializer": (field_value_changed,),
            "match_arm": (arm_changed,),
        }
    ),
)
"""All mistakes of this file, for any text."""
