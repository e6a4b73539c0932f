"""Mistakes about calls, structs, matches and the shape of the text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tree_sitter import Node

from benchmarks.error_index.judge import Change
from benchmarks.real_crates.mutation import (
    Mutation,
    Mutator,
    SourceFile,
    Topic,
    cut,
    cut_item,
    cut_line,
    cut_with_space,
    inserted,
    is_inside,
    list_items,
    method_calls,
    replaced,
    token_of,
)
from benchmarks.real_crates.words import wrong_words
from sleepy_agent.code.syntax import code_children

_LONGEST_ARM = 70
"""A longer arm cannot be found again from the code around it."""

_PLAIN_VALUES = frozenset({"identifier", "reference_expression", "field_expression", "integer_literal", "self"})


def _argument_lists(source: SourceFile) -> Iterator[tuple[Node, list[Node]]]:
    for node in source.nodes("arguments"):
        yield node, list_items(node)


def _argument_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for _, items in _argument_lists(source):
        for position, item in enumerate(items):
            if item.type in _PLAIN_VALUES:
                yield cut_item(source, items, position)


def _arguments_exchanged(source: SourceFile) -> Iterator[Mutation]:
    for _, items in _argument_lists(source):
        for one, other in itertools.pairwise(items):
            if source.words(one) != source.words(other):
                yield Mutation(
                    (
                        Change(one.start_byte, one.end_byte, source.words(other)),
                        Change(other.start_byte, other.end_byte, source.words(one)),
                    )
                )


def _argument_too_many(source: SourceFile) -> Iterator[Mutation]:
    for node, items in _argument_lists(source):
        if items and node.parent is not None and node.parent.type == "call_expression":
            for extra in ("true", "0", "None"):
                yield inserted(items[-1].end_byte, f", {extra}")


def _method_without_parentheses(source: SourceFile) -> Iterator[Mutation]:
    for call, _, name, arguments in method_calls(source):
        if not arguments:
            yield cut(name.end_byte, call.end_byte)


def _field_of_a_literal_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("field_initializer_list"):
        items = list_items(node)
        for position, item in enumerate(items):
            if item.type != "base_field_initializer" and len(items) > 1:
                yield cut_item(source, items, position)


def _arm_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("match_arm"):
        if node.end_byte - node.start_byte <= _LONGEST_ARM:
            yield cut_line(source, node)


def _pattern_without_rest(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("struct_pattern", "tuple_struct_pattern", "tuple_pattern"):
        items = list_items(node)
        for position, item in enumerate(items):
            if item.type == "remaining_field_pattern" and position > 1:
                yield cut_item(source, items, position)


def _semicolon_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes(";"):
        if node.end_byte > node.start_byte and node.parent is not None and node.parent.type != "array_type":
            yield cut(node.start_byte, node.end_byte)


def _closing_bracket_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes(")", "]", "}"):
        if node.end_byte > node.start_byte and not is_inside(node, "attribute_item"):
            yield cut(node.start_byte, node.end_byte)


def _comma_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes(","):
        if node.end_byte > node.start_byte and not is_inside(node, "attribute_item"):
            yield cut(node.start_byte, node.end_byte)


def _assignment_for_comparison(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("=="):
        yield replaced(node, "=")


def _return_type_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("function_item"):
        parameters, kind = node.child_by_field_name("parameters"), node.child_by_field_name("return_type")
        if parameters is not None and kind is not None:
            yield cut(parameters.end_byte, kind.end_byte)


def _keyword_misspelt(source: SourceFile) -> Iterator[Mutation]:
    for right, wrong in wrong_words("keywords").items():
        for node in source.nodes(right):
            if node.parent is not None and node.parent.type not in {
                "function_modifiers",
                "const_parameter",
                "abstract_type",
            }:
                for word in wrong:
                    yield replaced(node, word)


def _let_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("let_declaration"):
        word = token_of(node, "let")
        if word is not None:
            yield cut_with_space(source, word)


def _operator_of_another_language(source: SourceFile) -> Iterator[Mutation]:
    for right, wrong in wrong_words("operators").items():
        for node in source.nodes(right):
            if node.parent is not None and node.parent.type == "binary_expression":
                for word in wrong:
                    yield replaced(node, word)
    for node in source.nodes("compound_assignment_expr"):
        left, right_value = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is not None and right_value is not None and source.words(right_value) == "1":
            operator = source.between(left.end_byte, right_value.start_byte).strip()
            if operator in {"+=", "-="}:
                yield replaced(node, source.words(left) + operator[0] * 2)


def _wrong_arrow(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("->"):
        yield replaced(node, "=>")
    for node in source.nodes("=>"):
        yield replaced(node, "->")


def _dot_for_a_path(source: SourceFile) -> Iterator[Mutation]:
    """`Type.name` for `Type::name`, and a single colon."""
    for node in source.nodes("scoped_identifier"):
        mark = token_of(node, "::")
        if mark is not None and not is_inside(node, "use_declaration", "attribute_item"):
            yield replaced(mark, ".")
            yield replaced(mark, ":")


def _let_of_a_condition_forgotten(source: SourceFile) -> Iterator[Mutation]:
    """`if let` or `while let` without its `let`."""
    for node in source.nodes("let_condition"):
        word = token_of(node, "let")
        if word is not None and code_children(node):
            yield cut_with_space(source, word)


MUTATORS = (
    Mutator("argument forgotten", Topic.CALLS, "a call lacks an argument", _argument_forgotten),
    Mutator(
        "arguments exchanged", Topic.CALLS, "two neighbouring arguments stand in the wrong order", _arguments_exchanged
    ),
    Mutator(
        "argument too many", Topic.CALLS, "a call has an argument that the function does not take", _argument_too_many
    ),
    Mutator("method without parentheses", Topic.CALLS, "`text.len` for `text.len()`", _method_without_parentheses),
    Mutator(
        "field of a literal forgotten",
        Topic.STRUCTS_AND_MATCHES,
        "a struct is made without one of its fields",
        _field_of_a_literal_forgotten,
    ),
    Mutator("arm forgotten", Topic.STRUCTS_AND_MATCHES, "a match does not say what to do in one case", _arm_forgotten),
    Mutator(
        "pattern without rest",
        Topic.STRUCTS_AND_MATCHES,
        "a pattern names some fields and lacks the `..`",
        _pattern_without_rest,
        held_out=True,
    ),
    Mutator("semicolon forgotten", Topic.SYNTAX, "a statement or an item does not end", _semicolon_forgotten),
    Mutator("closing bracket forgotten", Topic.SYNTAX, "`)`, `]` or `}` is missing", _closing_bracket_forgotten),
    Mutator("comma forgotten", Topic.SYNTAX, "two items of a list stand side by side", _comma_forgotten),
    Mutator("assignment for comparison", Topic.SYNTAX, "`=` for `==`", _assignment_for_comparison),
    Mutator(
        "return type forgotten", Topic.SYNTAX, "a function returns a value and does not say so", _return_type_forgotten
    ),
    Mutator("keyword misspelt", Topic.SYNTAX, "a slip in a keyword, or another language's", _keyword_misspelt),
    Mutator("let forgotten", Topic.SYNTAX, "a variable is used like one that exists already", _let_forgotten),
    Mutator(
        "let of a condition forgotten",
        Topic.SYNTAX,
        "`if Some(x) = y` for `if let Some(x) = y`",
        _let_of_a_condition_forgotten,
    ),
    Mutator(
        "operator of another language",
        Topic.SYNTAX,
        "`and` for `&&`, `i++` for `i += 1`",
        _operator_of_another_language,
    ),
    Mutator("wrong arrow", Topic.SYNTAX, "`=>` for `->`, or the other way", _wrong_arrow),
    Mutator("dot for a path", Topic.SYNTAX, "`Type.name` for `Type::name`", _dot_for_a_path),
)
