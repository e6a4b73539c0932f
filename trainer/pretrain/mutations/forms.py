"""Mistakes of form: signs that are missing or wrong, words of other languages, statements where they may not stand."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from trainer.pretrain.mutations.dispatch import by_kind, only, said
from trainer.pretrain.mutations.mutant import ByteEdit, Mutant

__all__ = ["MUTATORS"]

PARSER = ("",)
OTHER_OPERATORS = {
    "&&": ("and", "&&&"),
    "||": ("or",),
    "==": ("===", "="),
    "!=": ("!==", "<>"),
    "<=": ("=<",),
    ">=": ("=>",),
    "%": ("mod",),
}
OTHER_WORDS = {
    "struct": ("class", "type", "record"),
    "enum": ("union_of", "variant"),
    "trait": ("interface", "protocol"),
    "impl": ("implement", "impls"),
}


def semicolon_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    if text[node.end_byte - 1 : node.end_byte] == b";":
        yield only("form.without_semicolon", (*PARSER, "E0308"), node.end_byte - 1, node.end_byte)
        if node.type == "let_declaration":
            yield only("form.comma_for_semicolon", PARSER, node.end_byte - 1, node.end_byte, ",")


def let_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    pattern, value = node.child_by_field_name("pattern"), node.child_by_field_name("value")
    start = node.start_byte
    kind = node.child_by_field_name("type")
    if pattern is None or value is None:
        return
    for word in ("var", "auto", "val", "const"):
        codes = (*PARSER, "E0070", "E0425") if word == "const" else PARSER
        yield only("form.word_for_let", codes, start, start + 3, word)
    if kind is not None:
        yield only("form.without_colon", PARSER, pattern.end_byte, kind.start_byte, " ")
        typed = f"{said(kind, text)} {said(pattern, text)}"
        yield only("form.type_first", PARSER, start, kind.end_byte, typed)
    equals = text.find(b"=", (kind or pattern).end_byte)
    if equals >= 0:
        yield only("form.without_equals", PARSER, equals, equals + 2)
        yield only("form.walrus", PARSER, equals, equals + 1, ":=")
        if kind is None:
            yield only("form.equals_twice", (*PARSER, "E0308"), equals, equals + 1, "==")
    if any(child.type == "mutable_specifier" for child in node.children):
        yield only("form.mut_first", PARSER, start, pattern.start_byte, "mut let ")
        yield only("form.mut_alone", PARSER, start, start + 4)


def delimiter_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """A closing or an opening sign of a list is missing."""
    if not node.children:
        return
    first, last = node.children[0], node.children[-1]
    if last.type in {")", "]"} and b"\n" not in text[node.start_byte : node.end_byte]:
        yield only("form.without_closing", PARSER, last.start_byte, last.end_byte)
        other = "]" if last.type == ")" else ")"
        yield only("form.other_closing", PARSER, last.start_byte, last.end_byte, other)
        if node.named_children:
            yield only("form.without_opening", PARSER, first.start_byte, first.end_byte)
            yield only("form.closed_twice", PARSER, last.start_byte, last.end_byte, last.type * 2)
    for child in node.children:
        if child.type == "," and child.next_named_sibling is not None:
            yield only("form.without_comma", PARSER, child.start_byte, child.end_byte)
            yield only("form.semicolon_for_comma", PARSER, child.start_byte, child.end_byte, ";")


def brace_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    if not node.children:
        return
    first, last = node.children[0], node.children[-1]
    if first.type == "{" and last.type == "}" and node.end_byte - node.start_byte > 2:
        yield only("form.without_brace", PARSER, first.start_byte, first.end_byte)
        start = text.rfind(b"\n", 0, last.start_byte) + 1
        if text[start : last.end_byte].strip() == b"}" and text[last.end_byte : last.end_byte + 1] == b"\n":
            yield only("form.without_closing_brace", PARSER, start, last.end_byte + 1)
        if node.parent is not None and node.parent.type in {"if_expression", "while_expression", "for_expression"}:
            edits = (
                ByteEdit(first.start_byte - 1, first.end_byte, b":"),
                ByteEdit(last.start_byte, last.end_byte, b""),
            )
            if text[first.start_byte - 1 : first.start_byte] == b" " and node.next_sibling is None:
                yield Mutant("form.colon_for_brace", PARSER, edits)


def lines_of_list(node: Node, _text: bytes) -> Iterator[Mutant]:
    """Commas between fields, variants and arms."""
    for child in node.children:
        if child.type == "," and child.next_named_sibling is not None:
            yield only("form.without_comma", PARSER, child.start_byte, child.end_byte)
            yield only("form.semicolon_for_comma", PARSER, child.start_byte, child.end_byte, ";")


def arm_changed(node: Node, _text: bytes) -> Iterator[Mutant]:
    for child in node.children:
        if child.type == "=>":
            yield only("form.arrow_of_arm", PARSER, child.start_byte, child.end_byte, "->")
            yield only("form.colon_of_arm", PARSER, child.start_byte - 1, child.end_byte, ":")
            yield only("form.equals_of_arm", PARSER, child.start_byte, child.end_byte, "=")
        if child.type == "," and child.next_sibling is None and node.next_named_sibling is not None:
            value = node.child_by_field_name("value")
            if value is not None and value.type != "block":
                yield only("form.without_comma_of_arm", PARSER, child.start_byte, child.end_byte)
                yield only("form.semicolon_of_arm", PARSER, child.start_byte, child.end_byte, ";")


def function_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    for child in node.children:
        if child.type == "->":
            for sign in ("=>", ":", "-"):
                yield only("form.arrow_of_function", PARSER, child.start_byte, child.end_byte, sign)
            yield only("form.without_arrow", PARSER, child.start_byte, child.end_byte + 1)
        if child.type == "fn":
            yield only("form.without_fn", PARSER, child.start_byte, child.end_byte + 1)
        if child.type == "visibility_modifier" and said(child, text) == "pub":
            yield only("form.word_for_pub", PARSER, child.start_byte, child.end_byte, "public")
    name, parameters = node.child_by_field_name("name"), node.child_by_field_name("parameters")
    if name is not None and parameters is not None and not parameters.named_children:
        yield only("form.without_parameters", PARSER, parameters.start_byte, parameters.end_byte)


def const_fn(node: Node, text: bytes) -> Iterator[Mutant]:
    """A function that constants need must be const."""
    if any(said(child, text) == "const" for child in node.children):
        start = node.children[0].start_byte
        yield only("const.function_not_const", ("E0015",), start, start + len("const "))


def parameter_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    pattern, kind = node.child_by_field_name("pattern"), node.child_by_field_name("type")
    if pattern is None or kind is None:
        return
    yield only("form.parameter_without_type", PARSER, pattern.end_byte, kind.end_byte)
    yield only("form.parameter_without_colon", PARSER, pattern.end_byte, kind.start_byte, " ")
    yield only(
        "form.parameter_type_first", PARSER, node.start_byte, node.end_byte, f"{said(kind, text)} {said(pattern, text)}"
    )
    if said(kind, text).startswith("&mut "):
        yield only("form.mut_of_parameter", (*PARSER, "E0106"), kind.start_byte, kind.start_byte + 5, "mut &")


def operator_changed(node: Node, _text: bytes) -> Iterator[Mutant]:
    sign = node.child_by_field_name("operator")
    if sign is not None:
        for other in OTHER_OPERATORS.get(sign.type, ()):
            yield only("form.other_operator", PARSER, sign.start_byte, sign.end_byte, other)
        yield only("form.without_operator", PARSER, sign.start_byte, sign.end_byte + 1)


def counted_up(node: Node, text: bytes) -> Iterator[Mutant]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    sign = node.child_by_field_name("operator")
    if left is None or right is None or sign is None:
        return
    if said(right, text) == "1" and sign.type in {"+=", "-="}:
        yield only("form.counted_up", PARSER, left.end_byte, right.end_byte, sign.type[0] * 2)
    yield only("form.turned_operator", (*PARSER, "E0308", "E0600"), sign.start_byte, sign.end_byte, f"={sign.type[0]}")
    yield only("form.spaced_operator", PARSER, sign.start_byte, sign.end_byte, f"{sign.type[0]} =")


def negated(node: Node, _text: bytes) -> Iterator[Mutant]:
    if node.children and node.children[0].type == "!":
        yield only("form.not_as_word", PARSER, node.start_byte, node.start_byte + 1, "not ")


def if_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    condition, consequence = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
    alternative = node.child_by_field_name("alternative")
    if condition is None or consequence is None:
        return
    yield only("form.then", PARSER, condition.end_byte, condition.end_byte, " then")
    if alternative is not None:
        inside = alternative.named_children[0] if alternative.named_children else None
        if inside is not None and inside.type == "if_expression":
            for word in ("elif", "elseif", "elsif"):
                yield only("form.elif", PARSER, alternative.start_byte, inside.start_byte + 2, word)
        else:
            yield only("form.else_not_said", (*PARSER, "E0308"), alternative.start_byte, alternative.start_byte + 5)
    inner = consequence.named_children[0] if len(consequence.named_children) == 1 else None
    if inner is not None and alternative is not None and b"\n" not in text[node.start_byte : node.end_byte]:
        other = alternative.named_children[0] if alternative.named_children else None
        if other is not None and other.type == "block" and len(other.named_children) == 1:
            new = f"{said(condition, text)} ? {said(inner, text)} : {said(other.named_children[0], text)}"
            yield only("form.ternary", (*PARSER, "E0277"), node.start_byte, node.end_byte, new)
    if condition.type == "let_condition" and said(condition, text).startswith("let "):
        yield only("form.without_let", (*PARSER, "E0425", "E0308"), condition.start_byte, condition.start_byte + 4)


def loop_changed(node: Node, _text: bytes) -> Iterator[Mutant]:
    pattern, value = node.child_by_field_name("pattern"), node.child_by_field_name("value")
    if node.type == "loop_expression":
        yield only("form.while_without_condition", PARSER, node.start_byte, node.start_byte + 4, "while")
    if pattern is None or value is None:
        return
    yield only("form.in_replaced", PARSER, pattern.end_byte, value.start_byte, " of ")
    yield only("form.without_in", PARSER, pattern.end_byte, value.start_byte, " ")
    yield only("form.let_in_for", PARSER, pattern.start_byte, pattern.start_byte, "let ")
    yield only("form.each", PARSER, node.start_byte, node.start_byte + 3, "foreach")


def range_changed(node: Node, _text: bytes) -> Iterator[Mutant]:
    for child in node.children:
        if child.type in {"..", "..="}:
            yield only("form.three_dots", (*PARSER, "E0586"), child.start_byte, child.end_byte, "...")
            if child.type == "..=" and len(node.named_children) == 2:
                end = node.named_children[1]
                yield only("form.open_inclusive", ("E0586",), end.start_byte, end.end_byte)
            if child.type == "..":
                yield only("form.colon_for_range", PARSER, child.start_byte, child.end_byte, ":")


def closure_changed(node: Node, text: bytes) -> Iterator[Mutant]:
    parameters, body = node.child_by_field_name("parameters"), node.child_by_field_name("body")
    if parameters is None or body is None:
        return
    inside = said(parameters, text)[1:-1]
    start = parameters.start_byte
    yield only("form.arrow_closure", PARSER, start, body.start_byte, f"({inside}) => ")
    yield only("form.lambda", PARSER, start, body.start_byte, f"lambda {inside}: ")
    yield only("form.closure_not_closed", PARSER, parameters.end_byte - 1, parameters.end_byte)


def turbofish_broken(node: Node, text: bytes) -> Iterator[Mutant]:
    arguments = node.child_by_field_name("type_arguments")
    if arguments is not None and text[arguments.start_byte - 2 : arguments.start_byte] == b"::":
        yield only("form.turbofish_without_colons", PARSER, arguments.start_byte - 2, arguments.start_byte)


def type_arguments_broken(node: Node, text: bytes) -> Iterator[Mutant]:
    if node.children and node.children[-1].type == ">":
        last = node.children[-1]
        yield only("form.type_not_closed", PARSER, last.start_byte, last.end_byte)
        yield only("form.type_in_other_brackets", (*PARSER, "E0308"), node.start_byte, node.end_byte,
                   f"[{said(node, text)[1:-1]}]")  # fmt: skip


def field_of_struct(node: Node, _text: bytes) -> Iterator[Mutant]:
    name, kind = node.child_by_field_name("name"), node.child_by_field_name("type")
    if name is not None and kind is not None:
        yield only("form.field_without_colon", PARSER, name.end_byte, kind.start_byte, " ")
        yield only("form.field_with_equals", PARSER, name.end_byte, kind.start_byte, " = ")
        yield only("form.let_in_struct", PARSER, name.start_byte, name.start_byte, "let ")


def field_of_value(node: Node, _text: bytes) -> Iterator[Mutant]:
    name, value = node.child_by_field_name("field"), node.child_by_field_name("value")
    if name is not None and value is not None:
        yield only("form.field_given_with_equals", PARSER, name.end_byte, value.start_byte, " = ")


def item_word(node: Node, _text: bytes) -> Iterator[Mutant]:
    """Words of other languages for struct, enum, trait, impl."""
    for child in node.children:
        for other in OTHER_WORDS.get(child.type, ()):
            yield only("form.word_for_item", PARSER, child.start_byte, child.end_byte, other)
        if child.type == "for" and node.type == "impl_item":
            yield only("form.colon_in_impl", PARSER, child.start_byte, child.end_byte, ":")
            yield only("form.word_in_impl", PARSER, child.start_byte, child.end_byte, "on")


def match_word(node: Node, _text: bytes) -> Iterator[Mutant]:
    yield only("form.word_for_match", PARSER, node.start_byte, node.start_byte + 5, "switch")


def attribute_broken(node: Node, text: bytes) -> Iterator[Mutant]:
    inside = said(node, text)[2:-1]
    yield only("form.attribute_without_brackets", PARSER, node.start_byte, node.end_byte, f"#{inside}")
    yield only("form.attribute_with_at", PARSER, node.start_byte, node.end_byte, f"@{inside}")
    if text[node.end_byte - 2 : node.end_byte] == b")]":
        yield only("form.attribute_not_closed", PARSER, node.end_byte - 2, node.end_byte - 1)


def char_broken(node: Node, text: bytes) -> Iterator[Mutant]:
    word = said(node, text)
    yield only("form.text_for_char", ("E0308", "E0277"), node.start_byte, node.end_byte, f'"{word[1:-1]}"')


def text_in_single_quotes(node: Node, text: bytes) -> Iterator[Mutant]:
    word = said(node, text)
    if word.startswith('"') and len(word) > 3 and word[1:-1].isalnum() and word.isascii():
        yield only("form.single_quotes", PARSER, node.start_byte, node.end_byte, f"'{word[1:-1]}'")


def macro_arguments(node: Node, text: bytes) -> Iterator[Mutant]:
    """Arguments of a text that is formatted: one is missing, one too many, the text itself is missing."""
    name = said(node.child_by_field_name("macro"), text)
    if name not in {"format", "println", "print", "write", "writeln", "panic"}:
        return
    tokens = node.named_children[-1] if node.named_children else None
    if tokens is None or tokens.type != "token_tree":
        return
    literals = [child for child in tokens.named_children if child.type == "string_literal"]
    if not literals:
        return
    literal = literals[0]
    word = said(literal, text)
    end = tokens.end_byte - 1
    arguments = text[literal.end_byte : end].decode(errors="replace")
    if arguments.strip():
        yield only("format.without_arguments", PARSER, literal.end_byte, end)
        if arguments.count(",") > 1 and "(" not in arguments:
            last = literal.end_byte + len(arguments.rpartition(",")[0].encode())
            yield only("format.argument_missing", PARSER, last, end)
        if "{}" in word:
            place = literal.start_byte + len(word[: word.index("{}")].encode())
            yield only("format.place_missing", PARSER, place, place + 2)
            yield only("format.text_missing", PARSER, literal.start_byte, literal.end_byte + 2)
            yield only("format.percent", PARSER, place, place + 2, "%d")
    elif "{" in word:
        place = literal.start_byte + len(word[: word.index("{")].encode())
        yield only("format.brace_not_closed", PARSER, place + 1, place + 1, "{")
    if "{}" in word:
        place = literal.start_byte + len(word[: word.index("{}")].encode())
        yield only("format.brace_open", PARSER, place, place + 2, "{")


def cast_as_call(node: Node, text: bytes) -> Iterator[Mutant]:
    value, kind = node.child_by_field_name("value"), node.child_by_field_name("type")
    if value is not None and kind is not None and kind.type == "primitive_type":
        yield only(
            "form.cast_as_call", ("E0423",), node.start_byte, node.end_byte, f"{said(kind, text)}({said(value, text)})"
        )
        yield only(
            "form.cast_of_c", PARSER, node.start_byte, node.end_byte, f"({said(kind, text)}) {said(value, text)}"
        )


def jump_outside(node: Node, _text: bytes) -> Iterator[Mutant]:
    """`break` and `continue` of nothing; a value that leaves a loop that has none."""
    if node.type == "break_expression" and not node.named_children:
        yield only("jump.with_value", ("E0571", "E0308"), node.start_byte, node.end_byte, "break 0")
        yield only("jump.to_unknown_label", ("E0426",), node.start_byte, node.end_byte, "break 'outer")


def return_as_jump(node: Node, text: bytes) -> Iterator[Mutant]:
    if node.parent is not None and node.parent.type == "expression_statement" and len(said(node, text)) < 30:
        yield only("jump.break_for_return", ("E0268", "E0267", "E0571"), node.start_byte, node.start_byte + 6, "break")


def label_removed(node: Node, text: bytes) -> Iterator[Mutant]:
    """`'label:` of a loop is missing, or its colon."""
    if node.parent is not None and node.parent.type.endswith("_expression"):
        after = node.end_byte
        if text[after : after + 2] == b": ":
            yield only("jump.label_removed", ("E0426",), node.start_byte, after + 2)
            yield only("jump.label_without_colon", PARSER, after, after + 1)


def assigned_to_value(node: Node, text: bytes) -> Iterator[Mutant]:
    """Something is assigned that is no place."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is not None and right is not None:
        if left.type in {"index_expression", "field_expression", "unary_expression"}:
            yield only("form.assigned_to_value", ("E0070",), left.end_byte, left.end_byte, ".clone()")
        edits = (
            ByteEdit(left.start_byte, left.end_byte, text[right.start_byte : right.end_byte]),
            ByteEdit(right.start_byte, right.end_byte, text[left.start_byte : left.end_byte]),
        )
        if right.type in {"integer_literal", "string_literal", "boolean_literal"}:
            yield Mutant("form.assignment_turned", ("E0070",), edits)


def unsafe_removed(node: Node, _text: bytes) -> Iterator[Mutant]:
    yield only("unsafe.removed", ("E0133",), node.start_byte, node.start_byte + len("unsafe "))


MUTATORS = (
    by_kind(
        {
            "let_declaration": (semicolon_removed, let_changed),
            "expression_statement": (semicolon_removed,),
            "arguments": (delimiter_removed,),
            "parameters": (delimiter_removed,),
            "array_expression": (delimiter_removed,),
            "tuple_expression": (delimiter_removed,),
            "block": (brace_removed,),
            "match_block": (brace_removed,),
            "field_declaration_list": (lines_of_list, brace_removed),
            "enum_variant_list": (lines_of_list,),
            "field_initializer_list": (lines_of_list,),
            "match_arm": (arm_changed,),
            "function_item": (function_changed,),
            "function_modifiers": (const_fn,),
            "parameter": (parameter_changed,),
            "binary_expression": (operator_changed,),
            "compound_assignment_expr": (counted_up,),
            "unary_expression": (negated,),
            "if_expression": (if_changed,),
            "for_expression": (loop_changed,),
            "loop_expression": (loop_changed,),
            "range_expression": (range_changed,),
            "closure_expression": (closure_changed,),
            "generic_function": (turbofish_broken,),
            "type_arguments": (type_arguments_broken,),
            "field_declaration": (field_of_struct,),
            "field_initializer": (field_of_value,),
            "struct_item": (item_word,),
            "enum_item": (item_word,),
            "trait_item": (item_word,),
            "impl_item": (item_word,),
            "match_expression": (match_word,),
            "attribute_item": (attribute_broken,),
            "char_literal": (char_broken,),
            "string_literal": (text_in_single_quotes,),
            "macro_invocation": (macro_arguments,),
            "type_cast_expression": (cast_as_call,),
            "break_expression": (jump_outside,),
            "return_expression": (return_as_jump,),
            "label": (label_removed,),
            "assignment_expression": (assigned_to_value,),
            "unsafe_block": (unsafe_removed,),
        }
    ),
)
"""All mistakes of this file, for any text."""
