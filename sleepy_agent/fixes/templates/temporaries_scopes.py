"""Values that end too early: declare them earlier, or give them away instead of lending them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tree_sitter import Node

from sleepy_agent.code.local_names import Local, declaration_of
from sleepy_agent.code.syntax import LOOP_KINDS, ancestors, node_at
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.borrows import may_be_computed_before
from sleepy_agent.fixes.templates.borrows_order import moved_before, moved_line
from sleepy_agent.fixes.templates.borrows_shared import (
    CLOSURES,
    call_around,
    exact_node,
    line_insertion,
    local_at,
    method_name,
    own_span,
    own_spans,
    root_name,
    statement_in,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene
from sleepy_agent.fixes.templates.temporaries import BORROWING, maker_of, owned_type

THREADS = r"argument requires that .* (is borrowed for|must outlive) `'static`"


def declare_earlier(scene: Scene) -> Iterator[Proposal]:
    """The `let` of a value that is borrowed for longer than its block lasts goes before the block."""
    declared = own_span(scene, r"^binding `\w+` declared here")
    used = own_span(scene, r"borrow later used here")
    if declared is None:
        return
    binding = scene.node_of(declared)
    let = next((one for one in ancestors(binding) if one.type in {"let_declaration", "block"}), None)
    if let is None or let.type == "block" or let.parent is None:
        return
    by_drop = own_span(scene, r"borrow might be used here, when `\w+` is dropped")
    if by_drop is not None and "opposite order" in scene.said:
        yield from declared_before(scene, let, by_drop.label or "")
        return
    block = next((one for one in ancestors(let.parent.parent) if one.type == "block"), None)
    outer = statement_in(block, let) if block is not None else None
    if used is None or block is None or outer is None or not block.start_byte <= used.byte_start < block.end_byte:
        return
    between = [one for one in ancestors(let) if outer.start_byte <= one.start_byte and one != outer]
    if any(
        one.type in LOOP_KINDS | CLOSURES | {"function_item"} for one in (*between, outer, *outer.named_children[:1])
    ):
        return
    name = scene.of(binding)
    is_plain = let.parent.parent in (outer, block) or (
        let.parent.parent is not None and let.parent.parent.type == "expression_statement"
    )
    if is_plain and may_be_computed_before(scene, let, outer):
        edits = moved_line(scene, let, outer, before=True)
        yield Proposal(tuple(sorted(edits, key=lambda edit: edit.byte_start)), {"name": name})
        return
    pattern = let.child_by_field_name("pattern")
    if pattern is not None and pattern.type == "identifier" and let.child_by_field_name("type") is None:
        edits = [line_insertion(scene, outer, f"let {name};"), scene.delete(let.start_byte, pattern.start_byte)]
        yield Proposal(tuple(edits), {"name": name})


def declared_before(scene: Scene, let: Node, label: str) -> Iterator[Proposal]:
    """Values are dropped in the opposite order: what is borrowed from must be declared first."""
    name = re.search(r"when `(\w+)` is dropped", label)
    local = declaration_of(scene.root, scene.text, let.end_byte + 1, name[1]) if name else None
    if local is None or let.parent is None:
        return
    other = statement_in(let.parent, node_at(scene.root, local.byte_start, local.byte_end))
    binding = let.child_by_field_name("pattern")
    if other is not None and other.end_byte <= let.start_byte and binding is not None:
        for one in moved_before(scene, other, let):
            yield replace(one, values={"name": scene.of(binding)}, extra_cost=0.0)


# ---- give it away -----------------------------------------------------------------------------------------------


def give_away(scene: Scene) -> Iterator[Proposal]:
    """A value that does not live long enough to be lent is given away: `all.push(line)` for `all.push(&line)`."""
    lent = exact_node(scene, scene.problem.span)
    if lent is None:
        return
    edit, place = owned_edit(scene, lent)
    if edit is None or place is None or place.type != "identifier":
        return
    edits = [edit]
    keeper = keeper_of(scene, lent)
    if keeper is not None:
        edits += keeper_edits(scene, keeper)
    yield Proposal(tuple(sorted(edits, key=lambda one: one.byte_start)), {"place": scene.of(place)})


def owned_edit(scene: Scene, lent: Node) -> tuple[Edit | None, Node | None]:
    """The edit that takes a `&` or an `.as_str()` away, and what is given away then."""
    if lent.type == "reference_expression":
        place = lent.child_by_field_name("value")
        return (scene.delete(lent.start_byte, place.start_byte), place) if place is not None else (None, None)
    call = call_around(lent)
    name = method_name(scene, call)
    if call is not None and name in BORROWING:
        return Edit(scene.file, lent.end_byte, call.end_byte, BORROWING[name]), lent
    if call is not None and name == "iter" and own_span(scene, THREADS) is not None:
        function = call.child_by_field_name("function")
        field = function.child_by_field_name("field") if function is not None else None
        return (scene.replace(field, "into_iter"), lent) if field is not None else (None, None)
    return None, None


def keeper_of(scene: Scene, lent: Node) -> Local | None:
    """The variable that keeps the borrow: it is assigned, or its method is given the borrow."""
    for one in ancestors(lent.parent):
        if one.type == "assignment_expression":
            left = one.child_by_field_name("left")
            return local_at(scene, lent, root_name(scene, left)) if left is not None else None
        if one.type == "arguments" and one.parent is not None and method_name(scene, one.parent) is not None:
            return local_at(scene, lent, root_name(scene, one.parent))
        if one.type in {"block", *CLOSURES}:
            return None
    return None


def keeper_edits(scene: Scene, keeper: Local) -> Iterator[Edit]:
    """The written type, or the first value, of a variable that keeps values now."""
    if keeper.kind != "let":
        return
    declaration = node_at(scene.root, keeper.declaration_start, keeper.declaration_end)
    written, value = declaration.child_by_field_name("type"), declaration.child_by_field_name("value")
    if written is not None and owned_type(scene.of(written)) != scene.of(written):
        yield scene.replace(written, owned_type(scene.of(written)))
    if value is not None and value.type == "string_literal":
        yield scene.replace(value, "String::new()" if scene.of(value) == '""' else f"{scene.of(value)}.to_string()")


def move_into_thread(scene: Scene) -> Iterator[Proposal]:
    """What a thread borrows for ever is moved into it."""
    lent = exact_node(scene, scene.problem.span)
    if lent is None or own_span(scene, THREADS) is None or lent.type != "reference_expression":
        return
    place = lent.child_by_field_name("value")
    if place is None:
        return
    yield Proposal((scene.delete(lent.start_byte, place.start_byte),), {"place": scene.of(place)})
    yield Proposal(
        (scene.delete(lent.start_byte, place.start_byte), scene.insert(place.end_byte, ".clone()")),
        {"place": f"a copy of {scene.of(place)}"},
        0.05,
    )


def own_before_thread(scene: Scene) -> Iterator[Proposal]:
    """A reference that a thread may not keep is copied before the thread is started."""
    escaping = re.search(r"`(\w+)` is a reference that is only valid in the (function|method) body", scene.said)
    primary = exact_node(scene, scene.problem.span)
    if escaping is None or primary is None or not any(True for _ in own_spans(scene, THREADS)):
        return
    statement = scene.statement(primary)
    closure = next((one for one in descendants(primary) if one.type in CLOSURES), None)
    name = escaping[1]
    local = declaration_of(scene.root, scene.text, primary.start_byte, name)
    if statement is None or closure is None or local is None:
        return
    edits: list[Edit] = []
    if not scene.of(closure).startswith(("move", "async move")):
        at = closure.start_byte + (len("async ") if scene.of(closure).startswith("async") else 0)
        edits.append(scene.insert(at, "move "))
    if name != "self":
        maker = maker_of(local.type or "")
        edits.append(line_insertion(scene, statement, f"let {name} = {name}.{maker}();"))
        yield Proposal(tuple(sorted(edits, key=lambda one: one.byte_start)), {"name": name})
        return
    fields = re.findall(r"(?<![\w.])self\.(\w+)(?!\w*\()", scene.of(closure))
    if not fields or len(re.findall(r"(?<![\w.])self\b", scene.of(closure))) != len(fields):
        return
    for field in dict.fromkeys(fields):
        edits.append(line_insertion(scene, statement, f"let {field} = self.{field}.clone();"))
    for found in re.finditer(r"(?<![\w.])self\.(?=\w)", scene.of(closure)):
        start = closure.start_byte + len(scene.of(closure)[: found.start()].encode())
        edits.append(scene.delete(start, start + len("self.")))
    yield Proposal(tuple(sorted(edits, key=lambda one: one.byte_start)), {"name": ", ".join(dict.fromkeys(fields))})


def descendants(node: Node) -> Iterator[Node]:
    """A node and everything in it."""
    yield node
    for child in node.named_children:
        yield from descendants(child)
