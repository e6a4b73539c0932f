"""Mistakes about ownership, borrowing and lifetimes."""

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
    cut_with_space,
    is_inside,
    list_items,
    method_calls,
    replaced,
    token_of,
    without_method,
)
from sleepy_agent.code.syntax import code_children

_VIEWS = frozenset({"as_ref", "as_mut", "as_deref", "as_deref_mut", "as_str", "as_slice", "as_bytes", "borrow"})
_ITERATORS = {"iter": "into_iter", "iter_mut": "iter", "into_iter": "iter"}
_TAKING_FUNCTIONS = ("take", "replace")
_LEAVING = frozenset({"return_expression", "break_expression", "continue_expression"})
_MOST_STATEMENTS_TO_PASS = 3


def _clone_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for call, receiver, name, arguments in method_calls(source):
        if source.words(name) in {"clone", "cloned", "copied"} and not arguments:
            yield without_method(call, receiver)


def _borrow_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("reference_expression"):
        value = node.child_by_field_name("value")
        if value is not None and token_of(node, "mutable_specifier") is None:
            yield cut(node.start_byte, value.start_byte)


def _mutable_borrow_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("reference_expression"):
        specifier = token_of(node, "mutable_specifier")
        if specifier is not None:
            yield cut_with_space(source, specifier)


def _mutable_parameter_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("self_parameter"):
        specifier = token_of(node, "mutable_specifier")
        if specifier is not None and source.words(node).startswith("&"):
            yield cut_with_space(source, specifier)
    for node in source.nodes("reference_type"):
        specifier = token_of(node, "mutable_specifier")
        if specifier is not None and is_inside(node, "parameter"):
            yield cut_with_space(source, specifier)


def _mut_of_a_variable_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("let_declaration", "parameter", "mut_pattern"):
        specifier = token_of(node, "mutable_specifier")
        if specifier is not None:
            yield cut_with_space(source, specifier)
    for node in source.nodes("self_parameter"):
        specifier = token_of(node, "mutable_specifier")
        if specifier is not None and not source.words(node).startswith("&"):
            yield cut_with_space(source, specifier)


def _move_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("closure_expression"):
        word = token_of(node, "move")
        if word is not None:
            yield cut_with_space(source, word)


def _wrong_kind_of_iterator(source: SourceFile) -> Iterator[Mutation]:
    for _, _, name, arguments in method_calls(source):
        other = _ITERATORS.get(source.words(name))
        if other is not None and not arguments:
            yield replaced(name, other)


def _loop_takes_the_collection(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("for_expression"):
        value = node.child_by_field_name("value")
        inner = value.child_by_field_name("value") if value is not None else None
        if value is not None and value.type == "reference_expression" and inner is not None:
            yield cut(value.start_byte, inner.start_byte)


def _view_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for call, receiver, name, arguments in method_calls(source):
        if source.words(name) in _VIEWS and not arguments:
            yield without_method(call, receiver)


def _take_or_replace_forgotten(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("call_expression"):
        function, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        if function is None or arguments is None:
            continue
        path = source.words(function)
        if path.endswith(tuple(f"mem::{name}" for name in _TAKING_FUNCTIONS)):
            place = list_items(arguments)[0]
            value = place.child_by_field_name("value")
            taken = value if place.type == "reference_expression" and value is not None else place
            yield replaced(node, source.words(taken))
    for call, receiver, name, call_arguments in method_calls(source):
        if source.words(name) == "take" and not call_arguments:
            yield without_method(call, receiver)


def _pattern_without_reference(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("reference_pattern"):
        inner = code_children(node)
        if inner and inner[-1].type != "mutable_specifier" and not is_inside(node, "parameters"):
            yield cut(node.start_byte, inner[-1].start_byte)
    for node in source.nodes("ref_pattern"):
        inner = code_children(node)
        if inner:
            yield cut(node.start_byte, inner[-1].start_byte)


def _statements(block: Node) -> list[Node]:
    """Statements of a block in a row, without a final expression and without those that leave the block."""
    return [
        child
        for child in code_children(block)
        if child.type in {"let_declaration", "expression_statement"}
        and not any(inner.type in _LEAVING for inner in child.children)
    ]


def _names_in(source: SourceFile, node: Node) -> frozenset[str]:
    """Identifiers below a node, fields left out."""
    found = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.type in {"identifier", "self", "shorthand_field_identifier"}:
            found.add(source.words(one))
        waiting += one.children
    return frozenset(found)


def _bound_names(source: SourceFile, statement: Node) -> frozenset[str]:
    pattern = statement.child_by_field_name("pattern") if statement.type == "let_declaration" else None
    return _names_in(source, pattern) if pattern is not None else frozenset()


def _moved_names(source: SourceFile, statement: Node) -> frozenset[str]:
    """Variables that a statement hands over as they are: an argument, a field, a value."""
    found = set()
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        if node.type in {"arguments", "field_initializer", "shorthand_field_initializer", "let_declaration"}:
            pattern = node.child_by_field_name("pattern")
            found |= {source.words(child) for child in code_children(node) if child.type == "identifier"}
            if pattern is not None:
                found.discard(source.words(pattern))
        waiting += node.children
    return frozenset(found)


def _used_after_being_moved(source: SourceFile) -> Iterator[Mutation]:
    for block in source.nodes("block"):
        statements = _statements(block)
        for first, second in itertools.pairwise(statements):
            shared = _names_in(source, first) & _moved_names(source, second)
            if shared and not _bound_names(source, first) & _names_in(source, second):
                yield _exchanged(source, first, second)


def _exchanged(source: SourceFile, first: Node, second: Node) -> Mutation:
    return Mutation(
        (
            Change(first.start_byte, first.end_byte, source.words(second)),
            Change(second.start_byte, second.end_byte, source.words(first)),
        )
    )


def _borrows(source: SourceFile, statement: Node) -> bool:
    """Whether a `let` seems to keep a borrow: nobody but the compiler knows."""
    value = statement.child_by_field_name("value") if statement.type == "let_declaration" else None
    if value is None:
        return False
    words = source.words(value)
    marks = ("&", ".iter()", ".get(", ".as_", ".last(", ".first(", ".chars()", ".bytes()", ".lines()", ".peek", ".trim")
    return any(mark in words for mark in marks)


def _borrow_begins_too_early(source: SourceFile) -> Iterator[Mutation]:
    for block in source.nodes("block"):
        statements = _statements(block)
        for position, statement in enumerate(statements):
            if not _borrows(source, statement):
                continue
            names = _names_in(source, statement)
            for steps in range(1, min(position, _MOST_STATEMENTS_TO_PASS) + 1):
                passed = statements[position - steps]
                if _bound_names(source, passed) & names:
                    break
                if passed.type == "expression_statement" and _names_in(source, passed) & names:
                    indent = source.between(source.text.rfind(b"\n", 0, passed.start_byte) + 1, passed.start_byte)
                    moved = Change(passed.start_byte, passed.start_byte, f"{source.words(statement)}\n{indent}")
                    gap = statements[position - 1].end_byte
                    yield Mutation((moved, Change(gap, statement.end_byte, "")))


def _lifetime_forgotten_in_a_signature(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("lifetime"):
        is_reference = node.parent is not None and node.parent.type == "reference_type"
        if (
            is_reference
            and is_inside(node, "function_item", "function_signature_item")
            and not is_inside(node, "block")
        ):
            yield cut_with_space(source, node)


def _lifetime_forgotten_in_a_type(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("lifetime"):
        is_reference = node.parent is not None and node.parent.type == "reference_type"
        if is_reference and is_inside(node, "struct_item", "enum_item", "type_item", "associated_type"):
            yield cut_with_space(source, node)
    for node in source.nodes("type_arguments"):
        items = list_items(node)
        if items and items[0].type == "lifetime":
            yield cut(node.start_byte, node.end_byte) if len(items) == 1 else cut_item(source, items, 0)


def _lifetime_not_declared(source: SourceFile) -> Iterator[Mutation]:
    for node in source.nodes("type_parameters"):
        items = list_items(node)
        for position, item in enumerate(items):
            if item.type == "lifetime_parameter":
                yield cut(node.start_byte, node.end_byte) if len(items) == 1 else cut_item(source, items, position)


MUTATORS = (
    Mutator("clone forgotten", Topic.OWNERSHIP, "a value is handed over that is needed again", _clone_forgotten),
    Mutator("borrow forgotten", Topic.OWNERSHIP, "`x` written where `&x` is wanted", _borrow_forgotten),
    Mutator("mutable borrow forgotten", Topic.OWNERSHIP, "`&x` written for `&mut x`", _mutable_borrow_forgotten),
    Mutator(
        "mutable parameter forgotten",
        Topic.OWNERSHIP,
        "a parameter is declared `&T` or `&self` and then changed through",
        _mutable_parameter_forgotten,
    ),
    Mutator(
        "mut of a variable forgotten",
        Topic.OWNERSHIP,
        "a variable is changed that was not declared `mut`",
        _mut_of_a_variable_forgotten,
    ),
    Mutator("move forgotten", Topic.OWNERSHIP, "a closure outlives what it borrows", _move_forgotten),
    Mutator(
        "wrong kind of iterator",
        Topic.OWNERSHIP,
        "iter, iter_mut and into_iter are taken for each other",
        _wrong_kind_of_iterator,
        held_out=True,
    ),
    Mutator(
        "loop takes the collection",
        Topic.OWNERSHIP,
        "`for x in xs` moves what is used after the loop",
        _loop_takes_the_collection,
    ),
    Mutator("view forgotten", Topic.OWNERSHIP, "as_ref, as_mut, as_deref or as_str is left out", _view_forgotten),
    Mutator(
        "take or replace forgotten",
        Topic.OWNERSHIP,
        "a field is moved out of a borrowed value",
        _take_or_replace_forgotten,
    ),
    Mutator(
        "pattern without reference",
        Topic.OWNERSHIP,
        "`&` or `ref` is missing in a pattern, so that the variable has another type",
        _pattern_without_reference,
    ),
    Mutator(
        "used after being moved",
        Topic.OWNERSHIP,
        "two statements stand in the wrong order: the first gives away what the second needs",
        _used_after_being_moved,
    ),
    Mutator(
        "borrow begins too early",
        Topic.OWNERSHIP,
        "a borrow is taken before a change of the same value and used after it",
        _borrow_begins_too_early,
    ),
    Mutator(
        "lifetime forgotten in a signature",
        Topic.LIFETIMES,
        "a reference in a function's signature has lost its name",
        _lifetime_forgotten_in_a_signature,
    ),
    Mutator(
        "lifetime forgotten in a type",
        Topic.LIFETIMES,
        "a field's reference or a type's arguments lack the lifetime",
        _lifetime_forgotten_in_a_type,
    ),
    Mutator(
        "lifetime not declared",
        Topic.LIFETIMES,
        "a lifetime is used that `<'a>` of the function, impl or type does not name",
        _lifetime_not_declared,
    ),
)
