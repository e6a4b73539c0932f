"""Loops whose body changes what they go over."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import declaration_of, uses_of
from sleepy_agent.code.syntax import ancestors
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.borrows import is_dereferenced
from sleepy_agent.fixes.templates.borrows_order import first_borrow
from sleepy_agent.fixes.templates.borrows_shared import (
    exact_node,
    free_name,
    local_at,
    method_name,
    only_looks,
    receiver_of,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene


def loop_of(scene: Scene) -> tuple[Node, Node] | None:
    """The `for` whose collection is borrowed while its body changes it, and the collection."""
    borrowed, primary = first_borrow(scene), scene.problem.span
    if borrowed is None or primary is None or primary.file != scene.file:
        return None
    begin = scene.node_of(borrowed)
    for one in ancestors(begin):
        if one.type == "for_expression":
            value, body = one.child_by_field_name("value"), one.child_by_field_name("body")
            is_header = value is not None and value.start_byte <= begin.start_byte < value.end_byte
            if value is None or body is None or not is_header:
                return None
            return (one, value) if body.start_byte <= primary.byte_start < body.end_byte else None
        if one.type in {"block", "closure_expression"}:
            return None
    return None


def loop_over_indices(scene: Scene) -> Iterator[Proposal]:
    """`for i in 0..items.len()` in the place of `for item in &items`."""
    found = loop_of(scene)
    if found is None:
        return
    loop, value = found
    pattern, body = loop.child_by_field_name("pattern"), loop.child_by_field_name("body")
    plan = indexed(scene, pattern, value) if pattern is not None else None
    if plan is None or body is None:
        return
    collection, item, index, is_value = plan
    local = declaration_of(scene.root, scene.text, body.start_byte + 1, item)
    if local is None:
        return
    index = index or free_name(scene, loop, "i")
    uses = uses_of(scene.root, scene.text, local)
    if re.search(rb"\{" + item.encode() + rb"[:}]", scene.text[body.start_byte : body.end_byte]):
        return
    place = f"{collection}[{index}]"
    header = Edit(scene.file, pattern.start_byte if pattern else 0, value.end_byte, f"{index} in 0..{collection}.len()")
    edits = [header, *(element_edit(scene, use, place, is_value=is_value) for use in uses)]
    yield Proposal(tuple(edits), {"collection": collection})


def indexed(scene: Scene, pattern: Node, value: Node) -> tuple[str, str, str | None, bool] | None:
    """The collection, the element's name, the index' name if it has one, and whether the element is a value."""
    names = re.fullmatch(r"\(?(?:(\w+),\s*)?(&?)(\w+)\)?", scene.of(pattern))
    if names is None:
        return None
    index, ampersand, item = names.groups()
    if (method_name(scene, value) == "enumerate") != (index is not None):
        return None
    inner = receiver_of(value) if index is not None else value
    if inner is not None and inner.type == "reference_expression":
        collection = inner.child_by_field_name("value")
    else:
        collection = receiver_of(inner) if method_name(scene, inner) in {"iter", "iter_mut"} else None
    if collection is None or collection.type not in {"identifier", "field_expression"}:
        return None
    if is_keyed(scene, collection):
        return None
    return scene.of(collection), item, index, bool(ampersand)


def is_keyed(scene: Scene, collection: Node) -> bool:
    """Whether a collection is surely none that is indexed by numbers."""
    local = local_at(scene, collection, scene.of(collection)) if collection.type == "identifier" else None
    written = local.type if local is not None else None
    if collection.type == "field_expression":
        name = scene.of(collection).rsplit(".", 1)[-1]
        types = {field.type for item in scene.index.types() for field in item.fields if field.name == name}
        written = next(iter(types)) if len(types) == 1 else None
    return (
        written is not None
        and re.search(r"\b(Hash|BTree|Index)(Map|Set)\b|LinkedList|BinaryHeap|Receiver", written) is not None
    )


def element_edit(scene: Scene, use: Node, place: str, *, is_value: bool) -> Edit:
    """One use of a loop's element, by its index."""
    parent = use.parent
    if is_dereferenced(use) and parent is not None:
        return scene.replace(parent, place)
    is_base = parent is not None and parent.type in {"field_expression", "index_expression"}
    if is_base or is_value or (parent is not None and parent.type == "token_tree"):
        return scene.replace(use, place)
    return scene.replace(use, f"&{place}")


def loop_over_copy(scene: Scene) -> Iterator[Proposal]:
    """A copy of the collection, so that the loop's or the closure's body may change the collection."""
    borrowed = first_borrow(scene)
    if borrowed is None or (
        "as mutable because" not in scene.problem.message and scene.problem.code not in {"E0500", "E0506"}
    ):
        return
    begin = exact_node(scene, borrowed)
    if begin is None or "mutable borrow" in (borrowed.label or "").replace("immutable", ""):
        return
    place = begin.child_by_field_name("value") if begin.type == "reference_expression" else begin
    inner = place.parent if place is not None else None
    is_iterated = loop_of(scene) is not None or (
        inner is not None
        and inner.type == "field_expression"
        and method_of(scene, inner) in {"iter", "chars", "keys", "values", "drain"}
    )
    if place is None or not is_iterated or place.type not in {"identifier", "field_expression", "call_expression"}:
        return
    if scene.of(place) == "self":
        return
    yield Proposal((scene.insert(place.end_byte, ".clone()"),), {"collection": scene.of(place)})
    name = method_of(scene, inner) if inner is not None and inner.type == "field_expression" else None
    call = inner.parent if inner is not None else None
    if name == "keys" and call is not None:
        edit = scene.insert(call.end_byte, ".cloned().collect::<Vec<_>>()")
        yield Proposal((edit,), {"collection": f"{scene.of(place)}'s keys"}, -0.25)


def method_of(scene: Scene, field_expression: Node) -> str | None:
    field = field_expression.child_by_field_name("field")
    is_called = field_expression.parent is not None and field_expression.parent.type == "call_expression"
    return scene.of(field) if field is not None and is_called else None


def retain_instead(scene: Scene) -> Iterator[Proposal]:
    """`retain` for a loop that removes from the map or set it goes over."""
    found = loop_of(scene)
    if found is None:
        return
    loop, value = found
    pattern, body = loop.child_by_field_name("pattern"), loop.child_by_field_name("body")
    statements = body.named_children if body is not None else []
    if pattern is None or len(statements) != 1:
        return
    branch = statements[0].named_children[0] if statements[0].type == "expression_statement" else statements[0]
    if branch.type != "if_expression" or branch.child_by_field_name("alternative") is not None:
        return
    condition, block = branch.child_by_field_name("condition"), branch.child_by_field_name("consequence")
    collection = (
        receiver_of(value) if method_name(scene, value) in {"iter", "keys"} else value.child_by_field_name("value")
    )
    if condition is None or block is None or collection is None or condition.type in {"let_condition", "let_chain"}:
        return
    removal = re.fullmatch(r"\{\s*(.+?)\.remove\(&?(\w+)(\.clone\(\))?\);?\s*\}", scene.of(block), re.DOTALL)
    names = re.findall(r"\w+", scene.of(pattern))
    if (
        removal is None
        or removal[1] != scene.of(collection)
        or not names
        or removal[2] != names[0]
        or "&" in scene.of(pattern)
    ):
        return
    if not only_looks(scene, condition):
        return
    parameters = scene.of(pattern).strip("()") if method_name(scene, value) != "keys" else f"{names[0]}, _"
    call = f"{scene.of(collection)}.retain(|{parameters}| {negated(scene, condition)});"
    whole = loop.parent if loop.parent is not None and loop.parent.type == "expression_statement" else loop
    yield Proposal((scene.replace(whole, call),), {"collection": scene.of(collection)})


# For floats, `!(a < b)` is not `a >= b`.
OPPOSITES = {"==": "!=", "!=": "=="}


def negated(scene: Scene, condition: Node) -> str:
    """The opposite of a condition."""
    if condition.type == "binary_expression":
        operator = condition.child_by_field_name("operator")
        left, right = condition.child_by_field_name("left"), condition.child_by_field_name("right")
        if operator is not None and left is not None and right is not None and operator.type in OPPOSITES:
            return f"{scene.of(left)} {OPPOSITES[operator.type]} {scene.of(right)}"
        return f"!({scene.of(condition)})"
    if condition.type == "unary_expression" and scene.of(condition).startswith("!"):
        return scene.of(condition.named_children[0])
    return f"!{scene.of(condition)}"
