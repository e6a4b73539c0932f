"""Closures that take what is needed again: a copy for the closure, or no `move`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import declaration_of
from sleepy_agent.code.syntax import LOOP_KINDS, ancestors
from sleepy_agent.domain import Span
from sleepy_agent.fixes.templates.borrows_shared import (
    CLOSURES,
    line_insertion,
    moved_type,
    names_in,
    own_span,
    own_spans,
    statement_in,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

INTO_CLOSURE = r"^value moved into (closure|async block|coroutine|gen block) here|^value moved here, in previous"
SHARED = re.compile(r"^(?:std::\w+::)?(Arc|Rc)<")
STARTS_THREAD = re.compile(r"\bspawn|\bexecute|\bsubmit|\bblock_on|\bjoin!|\bscope")


def copy_for_closure(scene: Scene) -> Iterator[Proposal]:
    """A copy of its own for a closure that takes a value which is needed again."""
    closure = taken_by(scene)
    name = name_taken(scene)
    if closure is None or name is None:
        return
    yield from copied(scene, closure, name, moved_type(scene) or "", is_moving=True)


def copied(scene: Scene, closure: Node, name: str, type_text: str, *, is_moving: bool) -> Iterator[Proposal]:
    """A `let` with the copy before the statement in a loop, or in a block around the closure."""
    shared = SHARED.match(type_text)
    copy = f"{shared[1]}::clone(&{name})" if shared else f"{name}.clone()"
    values = {"name": name, "copy": copy}
    statement, is_in_loop = statement_of_turn(closure, scene, name)
    edits = [] if is_moving else [scene.insert(closure.start_byte, "move ")]
    keeps = True if shared else None
    cost = 0.0 if shared else 0.1
    if statement is not None and is_in_loop and not is_named_later(scene, statement, name):
        first = (line_insertion(scene, statement, f"let {name} = {copy};"), *edits)
        yield Proposal(first, values, cost, keeps_behaviour=keeps)
        return
    code = scene.of(closure) if is_moving else f"move {scene.of(closure)}"
    inner = f"{{ let {name} = {copy}; {code} }}"
    if "\n" in code:
        indentation = scene.indentation(closure.start_byte)
        code = code.replace("\n", "\n    ")
        inner = f"{{\n{indentation}    let {name} = {copy};\n{indentation}    {code}\n{indentation}}}"
    yield Proposal((scene.replace(closure, inner),), values, cost, keeps_behaviour=keeps)


def taken_by(scene: Scene) -> Node | None:
    """The closure or async block that takes the value."""
    span = own_span(scene, INTO_CLOSURE)
    if span is None or "value moved into" not in (span.label or ""):
        return None
    return closure_at(scene, span)


def closure_at(scene: Scene, span: Span) -> Node | None:
    """The closure whose head (or whose whole) a span is."""
    return next((one for one in ancestors(scene.node_of(span)) if one.type in CLOSURES), None)


def name_taken(scene: Scene) -> str | None:
    """The variable that is moved, where it is a plain one."""
    found = re.search(r"moved value: `(\w+)`$|moved value: `\*?(\w+)`", scene.problem.message)
    return (found[1] or found[2]) if found else None


def statement_of_turn(closure: Node, scene: Scene, name: str) -> tuple[Node | None, bool]:
    """The statement around a closure that stands in the body of a loop the variable was not declared in."""
    local = declaration_of(scene.root, scene.text, closure.start_byte, name)
    inner: Node = closure
    statement: Node | None = None
    for one in ancestors(closure.parent):
        if one.type == "block" and statement is None:
            statement = inner
        if one.type in LOOP_KINDS:
            is_outside = local is not None and local.byte_start < one.start_byte
            return statement, is_outside
        if one.type in CLOSURES | {"function_item"}:
            break
        inner = one
    return statement, False


def is_named_later(scene: Scene, statement: Node, name: str) -> bool:
    """Whether the statements of the block behind this one name the variable."""
    following = statement.next_named_sibling
    while following is not None:
        if name in names_in(scene, following):
            return True
        following = following.next_named_sibling
    return False


def do_not_move(scene: Scene) -> Iterator[Proposal]:
    """A closure that is used where it was made needs no `move`."""
    closure = taken_by(scene)
    if closure is None or closure.type != "closure_expression":
        return
    statement = scene.statement(closure)
    found = re.match(r"move\s+", scene.of(closure))
    if found is None or statement is None or STARTS_THREAD.search(scene.of(statement)):
        return
    yield Proposal((scene.delete(closure.start_byte, closure.start_byte + found.end()),))


def copy_for_thread(scene: Scene) -> Iterator[Proposal]:
    """A thread needs `move`, and a copy of what is needed again behind it."""
    borrowed = next((span for span in own_spans(scene, r"^`.+` is borrowed here$")), None)
    closure = closure_at(scene, scene.problem.span) if scene.problem.span is not None else None
    if borrowed is None or closure is None or closure.type != "closure_expression":
        return
    name = scene.code(borrowed.byte_start, borrowed.byte_end)
    local = declaration_of(scene.root, scene.text, closure.start_byte, name)
    block = next((one for one in ancestors(closure) if one.type == "block"), None)
    statement = statement_in(block, closure) if block is not None else None
    if local is None or statement is None or not is_named_later(scene, statement, name):
        return
    made = re.match(r"(Arc|Rc)::new\(", local.initializer or "")
    yield from copied(scene, closure, name, f"{made[1]}<" if made else local.type or "", is_moving=False)


def move_captured(scene: Scene) -> Iterator[Proposal]:
    """`move` for a closure that is kept longer than what it borrows."""
    span = own_span(scene, r"^value captured here")
    closure = closure_at(scene, span) if span is not None else None
    if closure is None or closure.type != "closure_expression" or scene.of(closure).startswith("move"):
        return
    yield Proposal((scene.insert(closure.start_byte, "move "),))


def own_in_closure(scene: Scene) -> Iterator[Proposal]:
    """A closure whose parameter's written type is too general for what it does with the reference."""
    name = re.search(r"`(\w+)` is a reference that is only valid in the closure body", scene.said)
    primary = scene.problem.span
    if name is None or primary is None:
        return
    local = declaration_of(scene.root, scene.text, scene.node.start_byte, name[1])
    if local is None or local.kind != "closure_parameter" or local.type is None:
        return
    yield Proposal((scene.delete(local.byte_end, local.declaration_end),), {"name": name[1]})
