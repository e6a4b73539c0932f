"""Mistakes about types, traits, Option and Result, async and constants."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from benchmarks.real_crates.mutation import (
    Mutation,
    Mutator,
    SourceFile,
    Topic,
    cut,
    cut_item,
    cut_with_space,
    inserted,
    is_inside,
    list_items,
    method_calls,
    replaced,
    token_of,
    without_method,
)
from benchmarks.real_crates.words import wrong_words
from sleepy_agent.code.syntax import COMMENT_KINDS, code_children

_CONVERSIONS = frozenset({"into", "to_string", "to_owned", "to_vec", "into_owned", "into_boxed_str", "collect"})
_ERROR_CONVERSIONS = frozenset({"ok_or", "ok_or_else", "map_err", "ok", "transpose"})
_UNWRAPPERS = frozenset({"unwrap", "expect", "unwrap_or", "unwrap_or_default", "unwrap_or_else"})
_WRAPPERS = frozenset({"Ok", "Some", "Err"})


def _derive_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("attribute_item"):
        attribute = next(iter(code_children(node)), None)
        names = attribute.child_by_field_name("arguments") if attribute is not None else None
        if names is None or not source.words(node).replace(" ", "").startswith("#[derive("):
            continue
        items = [child for child in names.named_children if child.type == "identifier"]
        has_paths = "::" in source.words(names)
        for position in range(len(items) if len(items) > 1 and not has_paths else 0):
            yield cut_item(source, items, position)


def _bound_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("trait_bounds"):
        if node.parent is None or node.parent.type not in {"type_parameter", "where_predicate"}:
            continue
        bounds = [child for child in code_children(node) if child.type not in {"lifetime", "removed_trait_bound"}]
        for position in range(len(bounds)):
            if len(bounds) > 1 or len(code_children(node)) > 1:
                yield cut_item(source, code_children(node), code_children(node).index(bounds[position]))
            elif node.parent.type == "type_parameter":
                yield cut(node.start_byte, node.end_byte)
            else:
                predicates = list_items(node.parent.parent) if node.parent.parent is not None else []
                if len(predicates) > 1:
                    yield cut_item(source, predicates, predicates.index(node.parent))


def _type_parameter_not_declared(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("type_parameters"):
        items = list_items(node)
        for position, item in enumerate(items):
            if item.type in {"type_parameter", "const_parameter"} and item.child_by_field_name("default_type") is None:
                yield cut(node.start_byte, node.end_byte) if len(items) == 1 else cut_item(source, items, position)


def _item_of_a_trait_forgotten(source: SourceFile) -> Iterator[Mutation]:
    """Only what can be found again: associated types and constants, and functions of a single short expression."""
    for node in source.nodes("impl_item"):
        body = node.child_by_field_name("body")
        if node.child_by_field_name("trait") is None or body is None:
            continue
        for item in code_children(body):
            block = item.child_by_field_name("body")
            is_short = block is not None and len(code_children(block)) == 1 and block.end_byte - block.start_byte < 60
            if item.type in {"associated_type", "type_item", "const_item"} or (
                item.type == "function_item" and is_short
            ):
                first = _with_what_belongs_to_it(item)
                start = source.text.rfind(b"\n", 0, first.start_byte) + 1
                end = source.text.find(b"\n", item.end_byte) + 1
                if end > 0 and not source.text[start : first.start_byte].strip():
                    yield cut(start, end)


def _with_what_belongs_to_it(item: Node) -> Node:
    """The first of the attributes and comments right above an item, or the item."""
    above = item.prev_sibling
    while above is not None and (above.type in COMMENT_KINDS or above.type == "attribute_item"):
        item, above = above, above.prev_sibling
    return item


def _cast_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("type_cast_expression"):
        value = node.child_by_field_name("value")
        if value is not None:
            yield cut(value.end_byte, node.end_byte)


def _conversion_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for call, receiver, name, call_arguments in method_calls(source):
        if source.words(name) in _CONVERSIONS and not call_arguments:
            yield without_method(call, receiver)
    for node in source.nodes("call_expression"):
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or arguments is None or not source.words(function).endswith("::from"):
            continue
        if len(list_items(arguments)) == 1:
            yield replaced(node, source.words(list_items(arguments)[0]))


def _dereference_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("unary_expression"):
        if source.words(node).startswith("*"):
            yield cut(node.start_byte, node.start_byte + 1)


def _wrong_integer_type(source: SourceFile) -> Iterator[Mutation]:
    holders = {
        "parameter",
        "let_declaration",
        "field_declaration",
        "const_item",
        "function_item",
        "type_cast_expression",
    }
    for node in source.nodes("primitive_type"):
        if node.parent is not None and node.parent.type in holders:
            for other in wrong_words("integers").get(source.words(node), ()):
                yield replaced(node, other)


def _text_types_exchanged(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("reference_type"):
        inner = node.child_by_field_name("type")
        if inner is not None and source.words(inner) == "str" and token_of(node, "mutable_specifier") is None:
            yield replaced(node, "String")
    for node in source.nodes("type_identifier"):
        if source.words(node) == "String" and not is_inside(node, "use_declaration", "scoped_type_identifier"):
            yield replaced(node, "&str")


def _wrapped_type_forgotten(source: SourceFile) -> Iterator[Mutation]:
    """`T` for `Option<T>` or `Result<T, E>` in what a function returns and in fields."""
    for node in source.nodes("generic_type"):
        kind, arguments = node.child_by_field_name("type"), node.child_by_field_name("type_arguments")
        if kind is None or arguments is None or source.words(kind) not in {"Option", "Result", "Box", "Vec"}:
            continue
        if node.parent is not None and node.parent.type in {"function_item", "field_declaration", "parameter"}:
            yield replaced(node, source.words(list_items(arguments)[0]))


def _question_mark_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("try_expression"):
        yield cut(node.end_byte - 1, node.end_byte)


def _question_mark_too_many(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("let_declaration"):
        value = node.child_by_field_name("value")
        if value is not None and value.type == "call_expression":
            yield inserted(value.end_byte, "?")


def _wrapping_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("call_expression"):
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or arguments is None or source.words(function) not in _WRAPPERS:
            continue
        if len(list_items(arguments)) == 1:
            yield replaced(node, source.words(list_items(arguments)[0]))


def _error_conversion_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for call, receiver, name, _ in method_calls(source):
        if source.words(name) in _ERROR_CONVERSIONS:
            yield without_method(call, receiver)


def _unwrapping_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for call, receiver, name, _ in method_calls(source):
        if source.words(name) in _UNWRAPPERS:
            yield without_method(call, receiver)


def _await_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("await_expression"):
        value = next(iter(code_children(node)), None)
        if value is not None:
            yield cut(value.end_byte, node.end_byte)


def _type_of_a_constant_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("const_item", "static_item"):
        name, kind = node.child_by_field_name("name"), node.child_by_field_name("type")
        if name is not None and kind is not None and node.child_by_field_name("value") is not None:
            yield cut(name.end_byte, kind.end_byte)


def _const_or_static_written_otherwise(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("const_item", "static_item"):
        word = token_of(node, "const") or token_of(node, "static")
        if word is not None and not is_inside(node, "impl_item", "trait_item", "block"):
            yield replaced(word, "let")
    for node in source.nodes("function_modifiers"):
        word = token_of(node, "const")
        if word is not None:
            yield cut_with_space(source, word)


MUTATORS = (
    Mutator("derive forgotten", Topic.TRAITS, "a type lacks a derive that is used elsewhere", _derive_forgotten),
    Mutator("bound forgotten", Topic.TRAITS, "a generic function uses what no bound promises", _bound_forgotten),
    Mutator(
        "type parameter not declared",
        Topic.TRAITS,
        "a generic type is used that `<T>` of the function or impl does not name",
        _type_parameter_not_declared,
        held_out=True,
    ),
    Mutator(
        "item of a trait forgotten",
        Topic.STRUCTS_AND_MATCHES,
        "an impl lacks an associated type or a short function",
        _item_of_a_trait_forgotten,
    ),
    Mutator("cast forgotten", Topic.TYPES, "`as usize` and the like are left out", _cast_forgotten),
    Mutator("conversion forgotten", Topic.TYPES, "into, to_string, collect or from is left out", _conversion_forgotten),
    Mutator("dereference forgotten", Topic.TYPES, "`x` written where `*x` is wanted", _dereference_forgotten),
    Mutator("wrong integer type", Topic.TYPES, "a number is declared with another width or sign", _wrong_integer_type),
    Mutator("text types exchanged", Topic.TYPES, "`String` for `&str`, or the other way", _text_types_exchanged),
    Mutator(
        "wrapped type forgotten",
        Topic.TYPES,
        "a return type, parameter or field says `T` for `Option<T>`, `Result<T, _>`, `Box<T>` or `Vec<T>`",
        _wrapped_type_forgotten,
    ),
    Mutator(
        "question mark forgotten", Topic.OPTION_AND_RESULT, "a Result is used as its value", _question_mark_forgotten
    ),
    Mutator("question mark too many", Topic.OPTION_AND_RESULT, "`?` behind what is no Result", _question_mark_too_many),
    Mutator("wrapping forgotten", Topic.OPTION_AND_RESULT, "`x` written for `Ok(x)` or `Some(x)`", _wrapping_forgotten),
    Mutator(
        "error conversion forgotten",
        Topic.OPTION_AND_RESULT,
        "ok_or, map_err, ok or transpose is left out",
        _error_conversion_forgotten,
    ),
    Mutator(
        "unwrapping forgotten",
        Topic.OPTION_AND_RESULT,
        "an Option is used as its value: unwrap, expect or unwrap_or is left out",
        _unwrapping_forgotten,
        held_out=True,
    ),
    Mutator("await forgotten", Topic.ASYNC, "a future is used as its value", _await_forgotten),
    Mutator(
        "type of a constant forgotten",
        Topic.CONSTANTS,
        "a constant is declared like a variable, without its type",
        _type_of_a_constant_forgotten,
    ),
    Mutator(
        "const written otherwise",
        Topic.CONSTANTS,
        "`let` at the level of the module, or a function for constants that is not `const`",
        _const_or_static_written_otherwise,
    ),
)
