"""Places that are moved out of: share, borrow or copy what stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import uses_of
from sleepy_agent.code.syntax import ancestors, node_at
from sleepy_agent.fixes.templates.borrows_shared import (
    call_around,
    exact_node,
    local_at,
    method_name,
    moved_type,
    own_span,
    own_spans,
    receiver_of,
    root_name,
)
from sleepy_agent.fixes.templates.moves import MOVED_HERE, matched_value
from sleepy_agent.fixes.templates.scene import Proposal, Scene


def share_pointer(scene: Scene) -> Iterator[Proposal]:
    """`Arc::clone(&x)`, as this file writes it, for a shared pointer that is moved and needed again."""
    kind = re.match(r"(?:std::\w+::)?(Arc|Rc)<", moved_type(scene) or "")
    if kind is None or f"{kind[1]}::clone(".encode() not in scene.text:
        return
    spans = own_spans(scene, MOVED_HERE)
    place = (
        exact_node(scene, scene.problem.span) if scene.problem.code == "E0507" else exact_node(scene, next(spans, None))
    )
    if place is not None and place.type in {"identifier", "field_expression", "index_expression"}:
        edit = scene.replace(place, f"{kind[1]}::clone(&{scene.of(place)})")
        # As the others here are written, so before rustc's `.clone()`.
        yield Proposal((edit,), {"place": scene.of(place)}, -0.04)


def borrow_matched_mutably(scene: Scene) -> Iterator[Proposal]:
    """`&mut` for a matched place behind a mutable reference, for bindings that are written to."""
    if scene.problem.code == "E0507":
        place = exact_node(scene, scene.problem.span)
        if "as enum variant" not in scene.problem.message or "a mutable reference" not in scene.problem.message:
            return
    else:
        # The binding is said to be no `mut`; but nothing can be moved out of what is borrowed, `mut` or not.
        place = matched_place_of(scene)
    if place is None or place.type not in {"identifier", "field_expression", "index_expression"}:
        return
    extra = 0.0 if scene.problem.code == "E0507" else -0.12
    borrowed = (scene.insert(place.start_byte, "&mut "),)
    method = (scene.insert(place.end_byte, ".as_mut()"),)
    if place.parent is not None and place.parent.type == "field_expression":
        yield Proposal(method, {"place": scene.of(place)}, extra)
        return
    is_option = (
        "variant `Some`" in scene.problem.message
        or re.search(r"let Some\(", scene.code(place.start_byte - 40, place.start_byte)) is not None
    )
    writes_method = is_option and b".as_mut()" in scene.text and not re.search(rb"= &mut (self\.)?\w+ \{", scene.text)
    yield Proposal(method if writes_method else borrowed, {"place": scene.of(place)}, extra)


def matched_place_of(scene: Scene) -> Node | None:
    """The place behind a reference that the pattern takes apart which binds what is to be changed."""
    found = re.match(
        r"cannot borrow `\*?(\w+)[^`]*` as mutable, as \S+ is not declared as mutable", scene.problem.message
    )
    used = exact_node(scene, scene.problem.span)
    local = local_at(scene, used, found[1]) if found is not None and used is not None else None
    if local is None or local.kind not in {"pattern", "closure_parameter"}:
        return None
    binding = node_at(scene.root, local.byte_start, local.byte_end)
    if local.kind == "closure_parameter":
        closure = next((one for one in ancestors(binding) if one.type == "closure_expression"), None)
        arguments = closure.parent if closure is not None else None
        place = receiver_of(arguments.parent) if arguments is not None and arguments.type == "arguments" else None
    else:
        place = matched_value(binding)
    owner = local_at(scene, place, root_name(scene, place)) if place is not None else None
    return place if owner is not None and (owner.type or "").startswith("&mut") else None


def clone_part(scene: Scene) -> Iterator[Proposal]:
    """A copy of the part that is moved out of a value which is needed whole again; rustc says nothing here."""
    for span in own_spans(scene, r"^value partially moved here"):
        place = exact_node(scene, span)
        if place is not None and place.type in {"field_expression", "index_expression"}:
            yield Proposal((scene.insert(place.end_byte, ".clone()"),), {"place": scene.of(place)})


def iterate_where_borrowed(scene: Scene) -> Iterator[Proposal]:
    """`.iter()` for `.into_iter()` where what comes of it is expected to be borrowed."""
    seen: set[int] = set()
    for span in scene.spans():
        node = scene.node_of(span) if span.file == scene.file else None
        # The span may be the return type: then the whole function is asked.
        statement = scene.statement(node) or scene.function(node) if node is not None else None
        if statement is None or statement.id in seen or len(seen) > 3:
            continue
        seen.add(statement.id)
        for found in re.finditer(rb"\.into_iter\(\)", scene.text[statement.start_byte : statement.end_byte]):
            start = statement.start_byte + found.start() + 1
            field = node_at(scene.root, start, start + len("into_iter"))
            call = next((one for one in ancestors(field) if one.type == "call_expression"), None)
            receiver = receiver_of(call)
            if receiver is not None and receiver.type in {"field_expression", "identifier"}:
                yield Proposal((scene.replace(field, "iter"),))


def keep_returned(scene: Scene) -> Iterator[Proposal]:
    """`builder = builder.add(..);` for a method that takes the value and gives it back, where nobody keeps it."""
    used = own_span(scene, r"moved due to this method call")
    call = (
        next((one for one in ancestors(scene.node_of(used)) if one.type == "call_expression"), None) if used else None
    )
    receiver = receiver_of(call)
    local = local_at(scene, receiver, scene.of(receiver)) if receiver is not None else None
    if local is None or receiver is None or local.kind not in {"let", "parameter"}:
        return
    dropped = [use for use in uses_of(scene.root, scene.text, local) if is_dropped_call(scene, use)]
    if receiver not in dropped:
        return
    edits = [scene.insert(use.start_byte, f"{local.name} = ") for use in dropped]
    if not local.is_mutable:
        edits.insert(0, scene.insert(local.byte_start, "mut "))
    yield Proposal(tuple(edits), {"name": local.name, "call": " ".join(scene.of(call).split()) if call else ""})


def is_dropped_call(scene: Scene, use: Node) -> bool:
    """Whether a use is the receiver of a call that is a whole statement, of a method that does not take `&mut self`."""
    call = call_around(use)
    while call is not None and call_around(call) is not None:
        call = call_around(call)
    if call is None or call.parent is None or call.parent.type != "expression_statement":
        return False
    own = [item for item in scene.index.functions_named(method_name(scene, call) or "") if item.self_parameter]
    return not own or any("&" not in (item.self_parameter or "") for item in own)
