"""Borrows that meet: compute a value first, own it, or go over a copy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import declaration_of, uses_of
from sleepy_agent.code.syntax import ancestors
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.borrows_order import QUESTION, first_borrow, is_plain_borrow, moved_behind
from sleepy_agent.fixes.templates.borrows_shared import (
    CHAIN,
    CLOSURES,
    common_block,
    exact_node,
    free_name,
    hoisting_place,
    line_insertion,
    method_name,
    names_in,
    only_looks,
    own_span,
    receiver_of,
    statement_in,
    whole_chain,
)
from sleepy_agent.fixes.templates.moves_order import name_for
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# Methods that give a reference into what they are called on, in an Option.
OPTIONAL_LOOKS = frozenset(
    {"get", "first", "last", "peek", "front", "back", "max", "min", "next", "max_by_key", "min_by_key", "find", "nth"}
    | {"max_by", "min_by", "as_ref", "as_deref"}
)


# ---- compute first ----------------------------------------------------------------------------------------------


def compute_first(scene: Scene) -> Iterator[Proposal]:
    """What conflicts with a borrow that began before it is computed before the borrow begins."""
    borrowed = first_borrow(scene)
    conflicting = conflict_of(scene)
    if borrowed is None or conflicting is None:
        return
    value = whole_chain(conflicting)
    if value.type not in {
        "call_expression",
        "field_expression",
        "index_expression",
        "try_expression",
        "await_expression",
    }:
        return
    begin = scene.node_of(borrowed)
    same = hoisting_place(value)
    block = common_block(begin, value)
    statement = statement_in(block, begin) if block is not None else None
    if statement is None or statement.type not in {"let_declaration", "expression_statement", *BLOCKLIKE, *CHAIN}:
        return
    is_same = same is not None and same.start_byte == statement.start_byte
    if not is_same and not (may_be_computed_before(scene, value, statement) and looks_only_by_self(scene, value)):
        return
    if not is_same and tells_of(scene, value, begin):
        # It may be another value on the next turn.
        return
    if value.start_byte <= begin.start_byte < value.end_byte:
        return
    if value.parent is not None and value.parent.type == "let_declaration" and value.parent.parent == block:
        # The whole statement goes before the borrow then.
        return
    name = free_name(scene, value, name_for(scene, value))
    edits = (line_insertion(scene, statement, f"let {name} = {scene.of(value)};"), scene.replace(value, name))
    yield Proposal(edits, {"value": " ".join(scene.of(value).split()), "name": name}, keeps_behaviour=is_same or None)


BLOCKLIKE = frozenset(
    {"if_expression", "match_expression", "for_expression", "while_expression", "block", "binary_expression"}
)


def tells_of(scene: Scene, value: Node, begin: Node) -> bool:
    """Whether a method of ours that gives a value reads the field that is borrowed mutably meanwhile."""
    place = begin.child_by_field_name("value") if begin.type == "reference_expression" else begin
    field = place.child_by_field_name("field") if place is not None and place.type == "field_expression" else None
    name = method_name(scene, value) if value.type == "call_expression" else None
    if field is None or name is None:
        return False
    for item in scene.index.functions_named(name):
        if item.body_start is not None and item.body_end is not None and item.self_parameter is not None:
            body = scene.context.read(item.file)[item.body_start : item.body_end].decode(errors="replace")
            if re.search(rf"\bself\s*\.\s*{re.escape(scene.of(field))}\b", body):
                return True
    return False


def conflict_of(scene: Scene) -> Node | None:
    """The variable or place that is used while a borrow lasts; inside a closure, its use there."""
    inside = own_span(scene, r"(second|first) borrow occurs due to use of|borrow occurs due to use")
    node = exact_node(scene, scene.problem.span)
    if (
        node is None
        or node.type in {"closure_parameters", "closure_expression"}
        or (inside is not None and in_call(node))
    ):
        return exact_node(scene, inside) if inside is not None else None
    if node.type == "reference_expression":
        node = node.child_by_field_name("value") or node
    return node


def in_call(node: Node) -> bool:
    """Whether a node is a whole call with closures among its arguments."""
    arguments = node.child_by_field_name("arguments") if node.type == "call_expression" else None
    return arguments is not None and any(one.type == "closure_expression" for one in arguments.named_children)


def may_be_computed_before(scene: Scene, value: Node, statement: Node) -> bool:
    """Whether everything a value is made of is there before a statement."""
    for name in names_in(scene, value):
        local = declaration_of(scene.root, scene.text, value.start_byte, name)
        if local is not None and local.byte_start > statement.start_byte:
            return False
    return True


def looks_only_by_self(scene: Scene, value: Node) -> bool:
    """Whether computing a value changes nothing: std's looking methods, and own ones that take `&self`."""
    if value.type == "call_expression":
        name, receiver = method_name(scene, value), receiver_of(value)
        if name is None or receiver is None:
            return False
        own = [item for item in scene.index.functions_named(name) if item.self_parameter is not None]
        if own and all("mut" not in (item.self_parameter or "") for item in own):
            arguments = value.child_by_field_name("arguments")
            return looks_only_by_self(scene, receiver) and (arguments is None or only_looks(scene, arguments))
    return only_looks(scene, value)


# ---- own the value ----------------------------------------------------------------------------------------------


def own_borrowed_value(scene: Scene) -> Iterator[Proposal]:
    """A `let` that borrows what is changed later copies it instead."""
    borrowed, mutated = first_borrow(scene), exact_node(scene, scene.problem.span)
    if borrowed is None or mutated is None:
        return
    begin = scene.node_of(borrowed)
    let = next((one for one in ancestors(begin) if one.type in {"let_declaration", "block"}), None)
    if let is None or let.type == "block" or let.end_byte > mutated.start_byte:
        return
    pattern, value = let.child_by_field_name("pattern"), let.child_by_field_name("value")
    if pattern is None or pattern.type != "identifier" or value is None or let.child_by_field_name("type") is not None:
        return
    local = declaration_of(scene.root, scene.text, let.end_byte + 1, scene.of(pattern))
    if local is None or local.byte_start != pattern.start_byte or any(one.type in CLOSURES for one in value.children):
        return
    if any(one.type == "mutable_specifier" for one in value.children) or value.type == "closure_expression":
        return
    uses = uses_of(scene.root, scene.text, local)
    question = QUESTION if may_be_reordered(scene, let, mutated) and not is_plain_borrow(scene, let) else None
    is_followed = any(is_dereferenced(use) for use in uses)
    if scene.problem.code in {"E0499", "E0503"} and not all(is_only_read(use) for use in uses):
        # Another value would be changed then.
        return
    plain = value.child_by_field_name("value") if value.type == "reference_expression" else None
    values = {"name": local.name, "value": " ".join(scene.of(value).split())}
    if plain is not None or is_followed:
        copied = scene.of(plain) if plain is not None else f"*{scene.of(value)}"
        edits = (scene.replace(value, copied), *followed_edits(scene, uses, lend=False))
        yield Proposal(edits, values, 0.0, question)
    cloned = cloned_value(scene, value, plain)
    if cloned is not None:
        yield Proposal((cloned, *followed_edits(scene, uses, lend=True)), values, 0.05, question)


def may_be_reordered(scene: Scene, let: Node, mutated: Node) -> bool:
    """Whether the borrow could as well go behind the change: then nothing tells which value is meant."""
    second = statement_in(let.parent, mutated) if let.parent is not None else None
    return second is not None and any(True for _ in moved_behind(scene, let, second))


def is_dereferenced(use: Node) -> bool:
    return use.parent is not None and use.parent.type == "unary_expression" and use.parent.children[0].type == "*"


def is_only_read(use: Node) -> bool:
    """Whether a use reads through a reference: `*x`, and not on the left of an assignment."""
    parent = use.parent
    holder = parent.parent if parent is not None else None
    if not is_dereferenced(use) or parent is None or holder is None:
        return False
    is_written = holder.type in {"assignment_expression", "compound_assignment_expr"}
    return holder.type != "reference_expression" and not (is_written and holder.child_by_field_name("left") == parent)


def followed_edits(scene: Scene, uses: tuple[Node, ...], *, lend: bool) -> Iterator[Edit]:
    """The uses of a variable that was a reference and holds the value now."""
    for use in uses:
        parent = use.parent
        if is_dereferenced(use) and parent is not None:
            yield scene.delete(parent.start_byte, use.start_byte)
        elif lend and parent is not None and parent.type == "arguments":
            yield scene.insert(use.start_byte, "&")


def cloned_value(scene: Scene, value: Node, plain: Node | None) -> Edit | None:
    """The edit that makes an owned value of a reference, or None."""
    if plain is not None:
        return scene.replace(value, f"{scene.of(plain)}.clone()")
    if value.type != "call_expression":
        return None
    name, receiver = method_name(scene, value), receiver_of(value)
    if name in {"unwrap", "expect"} and receiver is not None:
        return scene.insert(receiver.end_byte, ".cloned()")
    if name in OPTIONAL_LOOKS:
        return scene.insert(value.end_byte, ".cloned()")
    return scene.insert(value.end_byte, ".to_owned()")


def own_looked_up_value(scene: Scene) -> Iterator[Proposal]:
    """`.copied()` or `.cloned()` on what an `if let` or `match` looks up and its body changes."""
    borrowed = first_borrow(scene)
    if borrowed is None:
        return
    begin = scene.node_of(borrowed)
    holder = next(
        (
            one
            for one in ancestors(begin)
            if one.type in {"let_condition", "match_expression", "let_declaration", "block"}
        ),
        None,
    )
    value = holder.child_by_field_name("value") if holder is not None and holder.type != "block" else None
    if value is None or not value.start_byte <= begin.start_byte < value.end_byte:
        return
    if method_name(scene, value) not in OPTIONAL_LOOKS or method_name(scene, value) == "as_ref":
        return
    yield Proposal((scene.insert(value.end_byte, ".copied()"), *unfollowed(scene, holder)), {"method": "copied"})
    yield Proposal((scene.insert(value.end_byte, ".cloned()"),), {"method": "cloned"}, 0.1)


def unfollowed(scene: Scene, holder: Node | None) -> Iterator[Edit]:
    """`n` for `*n` where a pattern of an `if let` binds `n` to a value now."""
    pattern = holder.child_by_field_name("pattern") if holder is not None else None
    name = re.fullmatch(r"Some\((\w+)\)", scene.of(pattern)) if pattern is not None else None
    condition = holder.parent if holder is not None else None
    body = condition.child_by_field_name("consequence") if condition is not None else None
    if name is None or body is None or holder is None:
        return
    local = declaration_of(scene.root, scene.text, body.start_byte + 1, name[1])
    if local is not None:
        yield from followed_edits(scene, uses_of(scene.root, scene.text, local), lend=False)


def copy_argument(scene: Scene) -> Iterator[Proposal]:
    """An argument that borrows from what the call changes is copied before the call."""
    borrowed, primary = first_borrow(scene), exact_node(scene, scene.problem.span)
    if borrowed is None or primary is None:
        return
    for node in (scene.node_of(borrowed), primary):
        argument = next(
            (one for one in ancestors(node) if one.parent is not None and one.parent.type == "arguments"), None
        )
        if (
            argument is None
            or argument.type in CLOSURES
            or argument.start_byte <= primary.start_byte < argument.start_byte
        ):
            continue
        call = argument.parent.parent if argument.parent is not None else None
        if call is None or not call.start_byte <= min(primary.start_byte, borrowed.byte_start):
            continue
        plain = argument.child_by_field_name("value") if argument.type == "reference_expression" else argument
        statement = hoisting_place(argument)
        if (
            plain is None
            or statement is None
            or plain.type not in {"call_expression", "index_expression", "field_expression", "identifier"}
        ):
            continue
        name = free_name(scene, argument, name_for(scene, plain))
        copied = (
            f"{scene.of(plain)}.clone()" if argument.type == "reference_expression" else f"{scene.of(plain)}.to_owned()"
        )
        edits = (line_insertion(scene, statement, f"let {name} = {copied};"), scene.replace(argument, f"&{name}"))
        yield Proposal(edits, {"value": scene.of(plain), "name": name})
        return
