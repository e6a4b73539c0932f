"""Statements in the wrong order: what must be moved before or behind another so that borrows and moves do not meet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tree_sitter import Node

from sleepy_agent.domain import Edit, Span
from sleepy_agent.fixes.templates.borrows_shared import (
    BORROWING_METHODS,
    LOOKING_METHODS,
    common_block,
    exact_node,
    is_statement,
    jumps,
    method_name,
    names_bound_by,
    names_in,
    only_looks,
    own_span,
    own_spans,
    receiver_of,
    root_name,
    statement_in,
    statements_of,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# Statements farther apart than these were hardly exchanged by mistake.
MOST_BETWEEN = 6
FARTHER_AWAY = 0.06
# What makes a value ready for the next use is no change of the one that was moved.
EMPTYING = frozenset({"clear", "truncate", "drain", "reset", "fill"})
# A statement that does something is less surely the one that stands in the wrong place.
EFFECTS = 0.04
QUESTION = "whether the value of before or after the change is meant"
# Methods that add behind what is there.
APPENDING = frozenset({"push", "push_back", "push_str", "extend", "extend_from_slice", "reserve"})


def use_before_move(scene: Scene) -> Iterator[Proposal]:
    """A use after a move (or an assignment that comes too late): the use goes before it, or the move behind it."""
    moved = own_span(scene, r"^(value|variable) (partially )?moved|moved due to|^move out of .* occurs here")
    if moved is None:
        return
    used = own_span(scene, r"after (partial )?move$|borrow later (used|captured) here")
    if used is None:
        return
    name = re.search(r"moved value: `(\w+)`", scene.problem.message)
    user = scene.statement(scene.node_of(used))
    if (
        name is not None
        and user is not None
        and re.search(rf"\b{name[1]}\.({'|'.join(sorted(EMPTYING))})\(", scene.of(user))
    ):
        # What empties it was not to come before it is given away.
        return
    for one in reordered(scene, scene.node_of(moved), scene.node_of(used)):
        if name is not None and changes(scene, user, name[1]):
            # Nobody changes what is gone: the change was to come first.
            yield replace(one, keeps_behaviour=True, extra_cost=-0.1)
        else:
            # What only looks sees before the move what it was to see behind it.
            looks = one.extra_cost < EFFECTS
            yield replace(one, keeps_behaviour=looks, extra_cost=one.extra_cost - (0.05 if looks else 0.0))


def changes(scene: Scene, node: Node | None, name: str) -> bool:
    """Whether a node changes a variable: by assignment, by `&mut`, or by a method that does not only look."""
    if node is None:
        return False
    if node.type in {"assignment_expression", "compound_assignment_expr"}:
        left = node.child_by_field_name("left")
        if left is not None and root_name(scene, left) == name:
            return True
    if node.type == "reference_expression" and any(one.type == "mutable_specifier" for one in node.children):
        value = node.child_by_field_name("value")
        if value is not None and root_name(scene, value) == name:
            return True
    receiver = receiver_of(node)
    if receiver is not None and receiver.type == "identifier" and scene.of(receiver) == name:
        method = method_name(scene, node) or ""
        if method not in LOOKING_METHODS | EMPTYING and not method.startswith(("as_", "to_", "is_", "into_")):
            return True
    return any(changes(scene, child, name) for child in node.named_children)


def use_before_mutation(scene: Scene) -> Iterator[Proposal]:
    """A borrow that is used after a mutation: the borrow goes behind the mutation, or the use before it."""
    borrowed = first_borrow(scene)
    used = own_span(scene, r"later (used|captured) here|later used by call")
    mutated = exact_node(scene, scene.problem.span)
    if borrowed is None or mutated is None:
        return
    block = common_block(scene.node_of(borrowed), mutated)
    if block is None:
        return
    first = statement_in(block, scene.node_of(borrowed))
    second = statement_in(block, mutated)
    if first is None or second is None or first.end_byte > second.start_byte:
        return
    # A place that is assigned while it is borrowed: the borrow would see the new value in place of the old.
    is_overwritten = scene.problem.code == "E0506"
    is_plain = is_plain_borrow(scene, first) and not is_overwritten
    is_risky = is_overwritten or (not is_plain and not only_appends(scene, mutated))
    shift = 0.45 if is_risky else -0.05 if is_plain else 0.0
    found = [
        replace(one, keeps_behaviour=is_plain, extra_cost=one.extra_cost + shift)
        for one in behind(scene, first, second, used)
    ]
    if used is not None and used.byte_start > second.end_byte:
        # Where both do something, their order is what was written; only a look may come earlier.
        found += [one for one in moved_before(scene, mutated, scene.node_of(used)) if one.values.get("quiet")]
    yield from found if is_plain else asked_where_equal(found)


def only_appends(scene: Scene, mutated: Node) -> bool:
    """Whether a mutation leaves all that was there where it was, so that a look behind it sees the same."""
    call = scene.around("call_expression", mutated)
    return call is not None and method_name(scene, call) in APPENDING


def behind(scene: Scene, first: Node, second: Node, used: Span | None) -> Iterator[Proposal]:
    """The statement that borrows goes behind the one it is in the way of; or as far as the one that needs it."""
    yield from moved_behind(scene, first, second)
    block = first.parent
    user = statement_in(block, scene.node_of(used)) if block is not None and used is not None else None
    statements = statements_of(block) if block is not None else []
    if user is None or user not in statements:
        return
    last = statements[statements.index(user) - 1]
    if last != second and last.start_byte > second.start_byte:
        for one in moved_behind(scene, first, last):
            # Borrows mostly stand right before their first use.
            yield replace(one, extra_cost=-0.06) if only_borrows(scene, first) else one


def is_plain_borrow(scene: Scene, statement: Node) -> bool:
    """Whether a statement only borrows a variable or a field, or makes a closure: nothing is looked at before the
    borrow is used, so it may as well begin there."""
    value = statement.child_by_field_name("value") if statement.type == "let_declaration" else None
    if value is None:
        return False
    if value.type == "closure_expression":
        return not any(child.type == "move" for child in value.children)
    place = value.child_by_field_name("value") if value.type == "reference_expression" else None
    if value.type == "call_expression" and method_name(scene, value) in BORROWING_METHODS:
        place = receiver_of(value)
    while place is not None and place.type == "field_expression":
        place = place.child_by_field_name("value")
    return place is not None and place.type in {"identifier", "self"}


def asked_where_equal(found: list[Proposal]) -> Iterator[Proposal]:
    """Two ways to exchange as many statements mean different things, and nothing decides between them."""
    farthest = {len(one.values.get("passed", "")) for one in found}
    question = QUESTION if len(found) > 1 and len(farthest) == 1 else None
    for one in found:
        yield replace(one, question=question)


def first_borrow(scene: Scene) -> Span | None:
    """Where the borrow begins that is in the way. The primary span is what it is in the way of."""
    pattern = (
        r"borrow(ed)? occurs here$|is borrowed here$|^borrow of .* occurs here$|closure (construction|is constructed)"
    )
    return next((span for span in own_spans(scene, pattern) if not span.is_primary), None)


def assign_before_use(scene: Scene) -> Iterator[Proposal]:
    """A variable that is used before the statement that gives it its value."""
    used = exact_node(scene, scene.problem.span)
    block = next((one for one in _blocks(used)), None)
    if used is None or block is None:
        return
    name = scene.of(used)
    statement = statement_in(block, used)
    statements = statements_of(block)
    if statement is None:
        return
    for later in statements[statements.index(statement) + 1 :][: MOST_BETWEEN + 1]:
        value = later.named_children[0] if later.type == "expression_statement" and later.named_children else None
        if value is None or value.type != "assignment_expression":
            continue
        left = value.child_by_field_name("left")
        if left is not None and scene.of(left) == name:
            yield from moved_before(scene, statement, later)
            return


def declare_before_use(scene: Scene) -> Iterator[Proposal]:
    """A variable that is used before the `let` that declares it, further down in the same block."""
    used = exact_node(scene, scene.problem.span)
    if used is None or used.type not in {"identifier", "shorthand_field_initializer"}:
        return
    name = scene.of(used)
    for block in _blocks(used):
        statement = statement_in(block, used)
        statements = statements_of(block)
        if statement is None or statement not in statements:
            return
        begin = statements.index(statement)
        for number, later in enumerate(statements[begin + 1 : begin + 2 + MOST_BETWEEN], begin + 1):
            if name in names_bound_by(scene, later):
                yield from declared_first(scene, statements, begin, number, name)
                return


def declared_first(scene: Scene, statements: Sequence[Node], begin: int, number: int, name: str) -> Iterator[Proposal]:
    """The `let` goes before the statement that needs it. Where it is only the beginning of a value that others
    complete, the statement may as well belong behind those."""
    statement, later, passed = statements[begin], statements[number], statements[begin:number]
    changing = [one for one in statements[number + 1 : number + 1 + MOST_BETWEEN] if changes(scene, one, name)]
    is_unfinished = bool(changing) and not changes(scene, statement, name)
    question = "whether the first value is needed, or the one that it becomes" if is_unfinished else None
    needed = names_in(scene, later)
    if not any(names_bound_by(scene, one) & needed for one in passed):
        first = proposal(scene, later, passed, before=True)
        yield replace(first, extra_cost=0.05 if is_unfinished else 0.0, question=question)
    if is_unfinished and is_statement(statement):
        between = statements[begin + 1 : statements.index(changing[-1]) + 1]
        if not any(names_bound_by(scene, statement) & names_in(scene, one) for one in between):
            behind = proposal(scene, statement, between, before=False)
            yield replace(behind, extra_cost=0.0, question=question)


def _blocks(node: Node | None) -> Iterator[Node]:
    while node is not None:
        if node.type == "block":
            yield node
        node = node.parent


def reordered(scene: Scene, earlier: Node, later: Node) -> Iterator[Proposal]:
    """The statement of `later` before that of `earlier`; where that may not be, the other way round."""
    proposals = list(moved_before(scene, earlier, later))
    if not proposals:
        block = common_block(earlier, later)
        first = statement_in(block, earlier) if block is not None else None
        second = statement_in(block, later) if block is not None else None
        if first is not None and second is not None and first.end_byte <= second.start_byte:
            proposals = list(moved_behind(scene, first, second))
    yield from proposals


def moved_before(scene: Scene, earlier: Node, later: Node) -> Iterator[Proposal]:
    """The statement that holds `later` goes before the one that holds `earlier`."""
    block = common_block(earlier, later)
    if block is None:
        return
    statements = statements_of(block)
    first, last = statement_in(block, earlier), statement_in(block, later)
    if first is None or last is None or first not in statements or last not in statements:
        return
    begin, end = statements.index(first), statements.index(last)
    if not 0 < end - begin <= MOST_BETWEEN + 1 or not is_statement(last) or not is_statement(first):
        return
    passed = statements[begin:end]
    if may_pass(scene, last, passed):
        yield proposal(scene, last, passed, before=True)


def moved_behind(scene: Scene, first: Node, last: Node) -> Iterator[Proposal]:
    """The statement `first` goes behind the statement `last` of the same block."""
    block = first.parent
    statements = statements_of(block) if block is not None else []
    if first not in statements or last not in statements:
        return
    begin, end = statements.index(first), statements.index(last)
    if not 0 < end - begin <= MOST_BETWEEN + 1 or not is_statement(last) or not is_statement(first):
        return
    passed = statements[begin + 1 : end + 1]
    if may_pass(scene, first, passed):
        yield proposal(scene, first, passed, before=False)


def may_pass(scene: Scene, statement: Node, passed: Sequence[Node]) -> bool:
    """Whether a statement may change places with others: none needs what another binds, none leaves the block."""
    used, bound = names_in(scene, statement), names_bound_by(scene, statement)
    if jumps(statement, for_sure=len(passed) > 1) and not only_borrows(scene, statement):
        return False
    if any(jumps(one, for_sure=len(passed) > 1) for one in passed) and not only_borrows(scene, statement):
        return False
    return all(
        is_statement(one)
        and not names_bound_by(scene, one) & (used | bound)
        and not bound & (names_in(scene, one) | names_bound_by(scene, one))
        for one in passed
    )


def only_borrows(scene: Scene, statement: Node) -> bool:
    """Whether a statement is a `let` that looks or borrows, so that it may as well run later, or not at all."""
    value = statement.child_by_field_name("value") if statement.type == "let_declaration" else None
    while value is not None and value.type == "try_expression":
        value = value.named_children[0]
    return value is not None and only_looks(scene, value, borrowing=True)


def proposal(scene: Scene, statement: Node, passed: Sequence[Node], *, before: bool) -> Proposal:
    """The edits that let a statement pass others, and how sure that is."""
    looks = only_looks(scene, statement) or only_borrows(scene, statement)
    is_quiet = looks or all(only_looks(scene, one) for one in passed)
    cost = FARTHER_AWAY * (len(passed) - 1) + (0.0 if looks else EFFECTS) + (0.0 if is_quiet else 0.2)
    place = passed[0] if before else passed[-1]
    if len(passed) == 1 and len(scene.of(place)) < len(scene.of(statement)):
        edits = moved_line(scene, place, statement, before=not before)
    else:
        edits = moved_line(scene, statement, place, before=before)
    return Proposal(
        tuple(sorted(edits, key=lambda edit: edit.byte_start)),
        {
            "where": "before" if before else "behind",
            "statement": shortened(scene, statement),
            "other": shortened(scene, place),
            "passed": "." * len(passed),
            "quiet": "yes" if is_quiet else "",
        },
        cost,
    )


def moved_line(scene: Scene, statement: Node, place: Node, *, before: bool) -> list[Edit]:
    """Take a statement away with its blanks, and put it before or behind another one."""
    start = statement.start_byte
    while scene.text[start - 1 : start] in {b" ", b"\t"}:
        start -= 1
    if scene.text[start - 1 : start] == b"\n":
        start -= 1
    indentation = "\n" + scene.indentation(place.start_byte)
    code = scene.of(statement)
    position, insertion = (place.start_byte, code + indentation) if before else (place.end_byte, indentation + code)
    return [scene.delete(start, statement.end_byte), scene.insert(position, insertion)]


def shortened(scene: Scene, node: Node) -> str:
    """The first words of a statement."""
    words = " ".join(scene.of(node).split())
    return words if len(words) <= 40 else words[:37] + "..."
