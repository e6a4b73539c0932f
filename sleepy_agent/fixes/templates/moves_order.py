"""What is needed behind a move is computed before it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import ancestors
from sleepy_agent.fixes.templates.borrows_shared import (
    common_block,
    free_name,
    hoisting_place,
    is_statement,
    line_insertion,
    method_name,
    names_bound_by,
    names_in,
    only_looks,
    own_span,
    statement_in,
    statements_of,
    whole_chain,
)
from sleepy_agent.fixes.templates.moves import MOVED_HERE
from sleepy_agent.fixes.templates.scene import Proposal, Scene

LISTS = frozenset({"field_initializer_list", "arguments", "tuple_expression", "array_expression"})


def compute_before_move(scene: Scene) -> Iterator[Proposal]:
    """A use that stands behind the move in the same expression: of fields, the order is free; else a `let`."""
    moved = own_span(scene, MOVED_HERE)
    used = own_span(scene, r"after (partial )?move$")
    if moved is None or used is None or moved.byte_end > used.byte_start:
        return
    first, second = scene.node_of(moved), scene.node_of(used)
    holder = next((one for one in ancestors(second) if one.type in LISTS and one.start_byte <= moved.byte_start), None)
    if holder is None:
        yield from computed_before_statement(scene, first, second)
        return
    one, other = statement_in(holder, first), statement_in(holder, second)
    if one is None or other is None or one == other:
        return
    if holder.type == "field_initializer_list":
        yield Proposal(
            (scene.replace(one, scene.of(other)), scene.replace(other, scene.of(one))), {"part": scene.of(other)}
        )
        return
    statement = hoisting_place(other)
    if statement is not None and other.type != "identifier":
        name = free_name(scene, other, name_for(scene, other))
        let = line_insertion(scene, statement, f"let {name} = {scene.of(other)};")
        yield Proposal((let, scene.replace(other, name)), {"part": scene.of(other)}, 0.02)


def computed_before_statement(scene: Scene, first: Node, second: Node) -> Iterator[Proposal]:
    """A part of a value, or what a method tells of it, that is needed behind the move."""
    value = whole_chain(second)
    block = common_block(first, value)
    statement = statement_in(block, first) if block is not None else None
    if value.type not in {"field_expression", "call_expression", "index_expression"} or statement is None:
        return
    if statement.end_byte > value.start_byte or not is_statement(statement) or not only_looks(scene, value):
        return
    bound = {name for one in statements_of(statement.parent or statement) for name in names_bound_by(scene, one)
             if statement.start_byte <= one.start_byte < value.start_byte}  # fmt: skip
    if bound & names_in(scene, value):
        return
    name = free_name(scene, value, name_for(scene, value))
    let = line_insertion(scene, statement, f"let {name} = {scene.of(value)};")
    yield Proposal((let, scene.replace(value, name)), {"part": scene.of(value)}, 0.05)


def name_for(scene: Scene, value: Node) -> str:
    """A name for the value of an expression: that of the method or field that gives it."""
    if value.type == "call_expression":
        name = method_name(scene, value)
        function = value.child_by_field_name("function")
        last = name or (re.split(r"::|\.", scene.of(function))[-1] if function is not None else "")
        last = re.sub(r"^(get|compute|find|next|to|as|into)_", "", last)
        if last in {
            "clone",
            "unwrap",
            "expect",
            "to_string",
            "get",
            "new",
            "into",
            "as_ref",
            "copied",
            "cloned",
            "collect",
        }:
            inner = function.child_by_field_name("value") if function is not None else None
            return name_for(scene, inner) if inner is not None else "value"
        return last if re.fullmatch(r"[a-z_]\w*", last) and last not in RESERVED else "value"
    if value.type == "field_expression":
        field = value.child_by_field_name("field")
        text = scene.of(field) if field is not None else ""
        return text if re.fullmatch(r"[a-z]\w*", text) else "value"
    if (
        value.type in {"try_expression", "await_expression", "parenthesized_expression", "reference_expression"}
        and value.named_children
    ):
        return name_for(scene, value.named_children[-1])
    return "value"


RESERVED = frozenset(
    {"as", "break", "const", "continue", "crate", "else", "enum", "extern", "false", "fn", "for", "if", "impl", "in"}
    | {"let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "static", "struct", "super"}
    | {
        "trait",
        "true",
        "type",
        "unsafe",
        "use",
        "where",
        "while",
        "async",
        "await",
        "dyn",
        "box",
        "yield",
        "try",
        "gen",
    }
)
