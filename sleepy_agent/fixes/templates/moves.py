"""Values that are moved and needed again, or moved out of what is only borrowed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import format_uses_of, locals_at, uses_of
from sleepy_agent.code.names import words_of
from sleepy_agent.code.syntax import LOOP_KINDS, ancestors
from sleepy_agent.code.type_text import bare_type_name, type_arguments
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.borrows_shared import (
    COPIED_TYPES,
    call_around,
    exact_node,
    has_default,
    labelled_node,
    local_at,
    method_name,
    moved_type,
    own_span,
    own_spans,
    root_name,
    std_path,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

MOVED_HERE = r"^(value|data) (partially )?moved here"
MOVED_BY_CALL = r"moved due to this (method|implicit) call"
# What an option may hold that a reference to its target stands for better.
DEREFERENCED = frozenset({"String", "Vec", "Box", "PathBuf", "OsString", "Rc", "Arc"})


# ---- Option and Result ------------------------------------------------------------------------------------------


def look_into_option(scene: Scene) -> Iterator[Proposal]:
    """`.as_ref()`, `.as_mut()` or `.as_deref()` before a method that would consume an Option or Result."""
    receiver = labelled_node(scene, r"calling `\.as_ref\(\)` or `\.as_mut\(\)`")
    if receiver is None:
        return
    type_text = moved_type(scene) or ""
    held = type_arguments(type_text)
    ways = [("as_ref", 0.0), ("as_mut", 0.03)]
    if held and bare_type_name(held[0]) in DEREFERENCED:
        ways += [("as_deref", 0.02), ("as_deref_mut", 0.05)]
    for name, cost in ways:
        if "mut" not in name or may_be_changed(scene, receiver):
            yield Proposal((scene.insert(receiver.end_byte, f".{name}()"),), {"method": name}, cost)


def may_be_changed(scene: Scene, place: Node) -> bool:
    """Whether a place can be borrowed mutably, as far as what is written tells."""
    if "shared reference" in scene.problem.message or "`&` reference" in scene.problem.message:
        return False
    local = local_at(scene, place, root_name(scene, place))
    if local is None:
        return False
    return local.is_mutable or "&mut" in (local.type or "") or local.type is None or "'a mut" in (local.type or "")


def take_option(scene: Scene) -> Iterator[Proposal]:
    """`.take()`: the value leaves the Option, and None stays behind."""
    place = exact_node(scene, scene.problem.span)
    if place is None or not is_borrowed_mutably(scene, place):
        return
    if bare_type_name(option_matched(scene) or moved_type(scene) or "") == "Option":
        # Of `*place`, the method needs no star.
        start = place.named_children[0].start_byte if place.type == "unary_expression" else place.start_byte
        edits = [scene.delete(place.start_byte, start)] if start > place.start_byte else []
        edits.append(scene.insert(place.end_byte, ".take()"))
        gain = MEANT_TO_TAKE if is_meant_to_take(scene, place) else 0.0
        yield Proposal(tuple(edits), {"place": scene.code(start, place.end_byte)}, -gain)


# How much likelier it is that a value is to be taken out where the code says so besides.
MEANT_TO_TAKE = 0.12
TAKING_WORDS = frozenset(
    {
        "take",
        "drain",
        "pop",
        "flush",
        "detach",
        "remove",
        "finish",
        "swap",
        "reset",
        "clear",
        "extract",
        "split",
        "build",
    }
    | {
        "replace",
        "consume",
        "release",
        "steal",
        "unlink",
        "dequeue",
        "next",
        "into",
        "step",
        "advance",
        "drop",
        "stop",
        "join",
    }
)


def is_meant_to_take(scene: Scene, place: Node) -> bool:
    """Whether the function's name speaks of taking, or the place gets another value behind."""
    function = scene.function(place)
    name = function.child_by_field_name("name") if function is not None else None
    if function is None or name is None:
        return False
    if set(words_of(scene.of(name))) & TAKING_WORDS:
        return True
    code = scene.code(place.end_byte, function.end_byte)
    return re.search(rf"(?<![\w.]){re.escape(scene.of(place))}\s*=[^=]", code) is not None


def option_matched(scene: Scene) -> str:
    """`Option` where the complaint is about the payload of `Some`."""
    return "Option" if "as enum variant `Some`" in scene.problem.message else ""


def is_borrowed_mutably(scene: Scene, place: Node) -> bool:
    """Whether a place that cannot be moved out of may be changed: it is behind `&mut`, or in a `mut` collection."""
    message = scene.problem.message
    if "behind a mutable reference" in message or ("dereference of" in message and "MutexGuard" in message):
        return True
    if "shared reference" in message or "an `Rc`" in message or "an `Arc`" in message:
        return False
    local = local_at(scene, place, root_name(scene, place))
    return local is not None and (local.is_mutable or (local.type or "").startswith("&mut"))


def take_value(scene: Scene) -> Iterator[Proposal]:
    """`mem::take`: the value leaves its place, and an empty one stays behind."""
    place = exact_node(scene, scene.problem.span)
    if place is None or place.type == "reference_expression" or "as enum variant" in scene.problem.message:
        # There the type is that of a part.
        return
    type_text = moved_type(scene)
    if type_text is None or not has_default(scene, type_text) or bare_type_name(type_text) == "Option":
        return
    function = std_path(scene, "mem", "take")
    if "implements the `Drop` trait" in scene.problem.message:
        yield from taken_from_dropped(scene, place, function)
    elif is_borrowed_mutably(scene, place):
        gain = MEANT_TO_TAKE if is_meant_to_take(scene, place) else 0.0
        for value in unused_values(scene, place):
            # What nobody uses yet was to be left behind.
            call = f"{std_path(scene, 'mem', 'replace')}({mutable_borrow(scene, place)}, {value})"
            yield Proposal((scene.replace(place, call),), {"place": scene.of(place)}, -MEANT_TO_TAKE)
        edit = scene.replace(place, f"{function}({mutable_borrow(scene, place)})")
        yield Proposal((edit,), {"place": scene.of(place)}, -gain)


def unused_values(scene: Scene, place: Node) -> list[str]:
    """The one local variable or parameter that nothing uses, where there is just one."""
    function = scene.function(place)
    if function is None:
        return []
    locals_here = [
        local
        for local in locals_at(scene.root, scene.text, place.start_byte)
        if local.kind in {"let", "parameter"} and local.is_whole_pattern and not local.name.startswith("_")
        and function.start_byte <= local.byte_start
    ]  # fmt: skip
    unused = [
        local.name
        for local in locals_here
        if not uses_of(scene.root, scene.text, local) and not format_uses_of(scene.root, scene.text, local)
    ]
    # The variable of the very `let` is not there yet.
    return unused if len(unused) == 1 else []


def mutable_borrow(scene: Scene, place: Node) -> str:
    """`&mut place`, or what a place dereferences."""
    if place.type == "unary_expression" and scene.of(place).startswith("*"):
        inner = place.named_children[0]
        if inner.type in {"identifier", "self"}:
            local = local_at(scene, inner, scene.of(inner))
            if local is not None and (local.type or "&mut").startswith("&mut"):
                return scene.of(inner)
    return f"&mut {scene.of(place)}"


def taken_from_dropped(scene: Scene, place: Node, function: str) -> Iterator[Proposal]:
    """The same for a type with a destructor, whose fields cannot be moved out: `self` must be `mut` for that."""
    name = root_name(scene, place)
    local = local_at(scene, place, name)
    if local is None or (local.type or "").startswith("&"):
        return
    edits = [scene.replace(place, f"{function}({mutable_borrow(scene, place)})")]
    if not local.is_mutable:
        edits.insert(0, scene.insert(local.byte_start, "mut "))
    yield Proposal(tuple(edits), {"place": scene.of(place)})


# ---- borrow where it was moved ----------------------------------------------------------------------------------

# Where a value may stand as a reference as well: its place in the tree.
BORROWING_PLACES = frozenset(
    {
        ("let_declaration", "value"),
        ("match_expression", "value"),
        ("let_condition", "value"),
        ("for_expression", "value"),
    }
)


def borrow_instead(scene: Scene) -> Iterator[Proposal]:
    """`&` in front of what a `let`, `match`, `if let` or `for` takes, where it is needed again."""
    for span in own_spans(scene, f"{MOVED_HERE}|moved due to this implicit call"):
        place = exact_node(scene, span)
        place = borrowing_place(place) if place is not None else None
        if place is not None:
            yield Proposal((scene.insert(place.start_byte, "&"),), {"place": scene.of(place)})
    # A binding of a pattern took a part of the value: then the value is what must be borrowed.
    for span in own_spans(scene, MOVED_HERE):
        matched = matched_value(scene.node_of(span))
        if matched is not None and not scene.of(matched).startswith("&") and b"ref " not in scene.text:
            yield Proposal((scene.insert(matched.start_byte, "&"),), {"place": scene.of(matched)}, -0.03)


def borrowing_place(node: Node) -> Node | None:
    """The value a node is, where it stands as what is bound, matched or iterated over, and is no call."""
    if node.type not in {"identifier", "field_expression", "index_expression", "self"} or node.parent is None:
        return None
    field = next(
        (
            name
            for kind, name in BORROWING_PLACES
            if kind == node.parent.type and node.parent.child_by_field_name(name) == node
        ),
        None,
    )
    is_typed = node.parent.type == "let_declaration" and node.parent.child_by_field_name("type") is not None
    return node if field is not None and not is_typed else None


def matched_value(binding: Node) -> Node | None:
    """The value that the pattern around a binding takes apart, where it is a plain place."""
    for one in ancestors(binding):
        if one.type in {"let_declaration", "let_condition"}:
            pattern, value = one.child_by_field_name("pattern"), one.child_by_field_name("value")
            is_inside = pattern is not None and pattern.start_byte <= binding.start_byte < pattern.end_byte
            return plain_place(value) if is_inside and pattern != binding else None
        if one.type == "match_arm":
            pattern = one.child_by_field_name("pattern")
            is_inside = pattern is not None and pattern.start_byte <= binding.start_byte < pattern.end_byte
            match = one.parent.parent if one.parent is not None else None
            return plain_place(match.child_by_field_name("value")) if is_inside and match is not None else None
        if one.type in {"block", "function_item", "closure_expression", "arguments"}:
            return None
    return None


def plain_place(value: Node | None) -> Node | None:
    return value if value is not None and value.type in {"identifier", "field_expression", "index_expression"} else None


def iterate_by_reference(scene: Scene) -> Iterator[Proposal]:
    """`.iter()` for `.into_iter()` where the collection is needed again or is only borrowed."""
    for span in own_spans(scene, MOVED_BY_CALL):
        name = scene.node_of(span)
        call = next((one for one in ancestors(name) if one.type == "call_expression"), None)
        if call is None or method_name(scene, call) != "into_iter":
            continue
        function = call.child_by_field_name("function")
        field = function.child_by_field_name("field") if function is not None else None
        if field is None:
            continue
        yield Proposal((scene.replace(field, "iter"),), {"method": "iter"})
        held = type_arguments(moved_type(scene) or "")
        if len(held) == 1 and held[0] in COPIED_TYPES:
            edits = (scene.replace(field, "iter"), scene.insert(call.end_byte, ".copied()"))
            yield Proposal(edits, {"method": "iter().copied"}, 0.03)
        if "behind a mutable reference" in scene.problem.message:
            yield Proposal((scene.replace(field, "iter_mut"),), {"method": "iter_mut"}, 0.04)
            yield Proposal(
                (Edit(scene.file, field.start_byte, call.end_byte, "drain(..)"),),
                {"method": "drain"},
                0.3,
                keeps_behaviour=False,
            )


def consume_collection(scene: Scene) -> Iterator[Proposal]:
    """`for x in handles` for `for x in &handles` where each `x` is consumed."""
    place = exact_node(scene, scene.problem.span)
    local = local_at(scene, place, root_name(scene, place)) if place is not None else None
    if local is None or local.kind != "for":
        return
    loop = next(
        (
            one
            for one in ancestors(scene.node)
            if one.type == "for_expression" and one.start_byte == local.declaration_start
        ),
        None,
    )
    value = loop.child_by_field_name("value") if loop is not None else None
    if value is None:
        return
    collection, edits = None, []
    if value.type == "reference_expression":
        collection = value.child_by_field_name("value")
    elif method_name(scene, value) in {"iter", "iter_mut"}:
        function = value.child_by_field_name("function")
        collection = function.child_by_field_name("value") if function is not None else None
    if collection is None:
        return
    owner = local_at(scene, value, root_name(scene, collection))
    if owner is None or (owner.type or "").startswith("&"):
        if "&mut" in (owner.type or "" if owner else ""):
            yield Proposal(
                (scene.replace(value, f"{scene.of(collection)}.drain(..)"),),
                {"value": f"{scene.of(collection)}.drain(..)"},
                0.1,
            )
        return
    edits.append(scene.replace(value, scene.of(collection)))
    yield Proposal(tuple(edits), {"value": scene.of(collection)})


# ---- moved in a loop --------------------------------------------------------------------------------------------


def take_in_loop(scene: Scene) -> Iterator[Proposal]:
    """What is filled in a loop and given away at times leaves an empty value for what comes next; and so does what is
    emptied behind the move."""
    in_loop = exact_node(scene, own_span(scene, r"^value moved here, in previous iteration of loop"))
    place = in_loop or exact_node(scene, own_span(scene, r"^value moved here"))
    type_text = moved_type(scene)
    if place is None or place.type != "identifier" or type_text is None or not has_default(scene, type_text):
        return
    local = local_at(scene, place, scene.of(place))
    if local is None or not local.is_mutable or local.kind != "let":
        return
    emptied = re.search(
        rf"(?<![\w.]){re.escape(scene.of(place))}\.clear\(\)", scene.code(place.end_byte, local.scope_end)
    )
    if emptied is None and (in_loop is None or not is_conditional(place)):
        # On every turn the value may as well be meant to grow, with a copy of it given away.
        return
    call = f"{std_path(scene, 'mem', 'take')}(&mut {scene.of(place)})"
    gain = 0.15 if emptied is not None else 0.0
    yield Proposal((scene.replace(place, call),), {"place": scene.of(place)}, -gain)


def is_conditional(place: Node) -> bool:
    """Whether a place in a loop is not reached on every turn."""
    for one in ancestors(place.parent):
        if one.type in {"if_expression", "match_arm"}:
            return True
        if one.type in LOOP_KINDS | {"function_item", "closure_expression"}:
            return False
    return False


# ---- copies -----------------------------------------------------------------------------------------------------


def derive_clone(scene: Scene) -> Iterator[Proposal]:
    """A type of ours becomes `Clone`, and the value is copied where it was moved."""
    declaration = scene.noted(r"implemented `Clone`, you could clone the value")
    copied = next(
        (
            span
            for child in scene.diagnostic.children
            for span in child.spans
            if span.label == "you could clone this value"
        ),
        None,
    )
    name = re.search(r"if `([\w:]+)(?:<.*>)?` implemented `Clone`", scene.said)
    if declaration is None or copied is None or name is None or copied.file != scene.file or copied.from_macro:
        return
    item = scene.index.type_named(name[1].rsplit("::", 1)[-1])
    if item is None or not scene.context.is_editable(item.file) or "Copy" in item.derives:
        return
    if any(
        re.match(r"&|Box<dyn|dyn |Mutex|RwLock|File\b|JoinHandle|Sender|Receiver", field.type)
        and "&'" not in field.type
        for field in item.fields
    ):
        return
    node = exact_node(scene, copied)
    if node is None:
        return
    yield Proposal((derive_edit(scene, item, "Clone"), scene.insert(node.end_byte, ".clone()")), {"type": item.name})


def derive_edit(scene: Scene, item, name: str) -> Edit:  # type: ignore[no-untyped-def]
    """One more derived trait on a type."""
    if item.derive_end is not None:
        separator = ", " if item.derives else ""
        return Edit(item.file, item.derive_end, item.derive_end, f"{separator}{name}")
    text = scene.context.read(item.file)
    line = text.rfind(b"\n", 0, item.byte_start) + 1
    indentation = text[line : item.byte_start].decode()
    indentation = indentation if not indentation.strip() else ""
    return Edit(item.file, item.byte_start, item.byte_start, f"#[derive({name})]\n{indentation}")


def in_closure(node: Node) -> Node | None:
    """The closure around a node."""
    return next((one for one in ancestors(node) if one.type == "closure_expression"), None)


def clone_captured(scene: Scene) -> Iterator[Proposal]:
    """A closure that is called more than once gives a copy away, not the value it captured."""
    if "captured variable in an `Fn" not in scene.problem.message:
        return
    place = exact_node(scene, scene.problem.span)
    if place is None or in_closure(place) is None or call_around(place) is not None:
        return
    yield Proposal((scene.insert(place.end_byte, ".clone()"),), {"place": scene.of(place)})
