"""Mutable references and iterators that are moved and needed again, and bindings that take what is only borrowed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import Local, declaration_of, uses_of
from sleepy_agent.code.syntax import ancestors, node_at
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.borrows_shared import (
    exact_node,
    local_at,
    moved_type,
    own_span,
    own_spans,
    receiver_of,
)
from sleepy_agent.fixes.templates.moves import MOVED_HERE, matched_value
from sleepy_agent.fixes.templates.scene import Proposal, Scene

ITERATORS = frozenset(
    {"IntoIter", "Iter", "IterMut", "Chars", "CharIndices", "Bytes", "Lines", "Split", "SplitWhitespace", "Peekable"}
    | {"Enumerate", "Map", "Filter", "Rev", "Skip", "Take", "Zip", "Chain", "Args", "Drain", "Range", "StepBy", "Cycle"}
    | {
        "Keys",
        "Values",
        "Windows",
        "Chunks",
        "Copied",
        "Cloned",
        "Fuse",
        "SkipWhile",
        "TakeWhile",
        "FilterMap",
        "FlatMap",
    }
)


def reborrow(scene: Scene) -> Iterator[Proposal]:
    """`&mut *x` for a mutable reference that is moved and needed again."""
    if not (moved_type(scene) or "").startswith("&mut"):
        return
    places = [exact_node(scene, span) for span in own_spans(scene, r"^value moved here")]
    used = exact_node(scene, scene.problem.span)
    local = local_at(scene, used, scene.of(used)) if used is not None and used.type == "identifier" else None
    if local is not None and used is not None and not places:
        # The label names a use of the other reference: look for where that one was made.
        uses = uses_of(scene.root, scene.text, local)
        places = [use for use in uses if use.start_byte < used.start_byte and is_given_name(use)]
    for place in places:
        if place is not None and place.type in {"identifier", "field_expression"}:
            yield Proposal((scene.insert(place.start_byte, "&mut *"),), {"place": scene.of(place)})


def is_given_name(use: Node) -> bool:
    """Whether a use is the whole value of a `let` or an assignment."""
    parent = use.parent
    return parent is not None and (
        (parent.type == "let_declaration" and parent.child_by_field_name("value") == use)
        or (parent.type == "assignment_expression" and parent.child_by_field_name("right") == use)
    )


def reborrow_option(scene: Scene) -> Iterator[Proposal]:
    """`.as_deref_mut()` for an `Option<&mut T>` whose reference is moved out and needed again."""
    said = scene.said
    if not re.search(r"has type `(Option<)?&mut ", said):
        return
    value = option_moved(scene)
    if value is None or value.type not in {"identifier", "field_expression"}:
        return
    edits = [scene.insert(value.end_byte, ".as_deref_mut()")]
    local = local_at(scene, value, scene.of(value)) if value.type == "identifier" else None
    if local is not None and not local.is_mutable:
        edits.insert(0, scene.insert(local.byte_start, "mut "))
    yield Proposal(tuple(edits), {"place": scene.of(value)})


def option_moved(scene: Scene) -> Node | None:
    """The option that is moved, or whose reference a pattern moves out."""
    place = exact_node(scene, own_span(scene, MOVED_HERE))
    if place is not None:
        return place if (moved_type(scene) or "").startswith("Option<") else matched_value(place)
    # The label names the use of what the pattern bound.
    used = own_span(scene, r"moved due to this method call")
    call = (
        next((one for one in ancestors(scene.node_of(used)) if one.type == "call_expression"), None) if used else None
    )
    receiver = receiver_of(call)
    local = local_at(scene, receiver, scene.of(receiver)) if receiver is not None else None
    return matched_value(node_at(scene.root, local.byte_start, local.byte_end)) if local is not None else None


def keep_iterator(scene: Scene) -> Iterator[Proposal]:
    """An iterator that is needed in the loop over it, or after it."""
    type_text = moved_type(scene) or ""
    if bare_type_name(type_text) not in ITERATORS and not type_text.startswith("impl "):
        return
    used = exact_node(scene, scene.problem.span)
    for span in own_spans(scene, r"moved due to this (implicit|method) call"):
        loop, place = moved_iterator(scene.node_of(span))
        if place is None or used is None or place.type not in {"identifier", "field_expression"}:
            continue
        is_inside = loop is not None and loop.start_byte < used.start_byte < loop.end_byte and used != place
        if loop is not None and is_inside:
            yield from stepped(scene, loop, place, scene.of(place))
            return
        edits = mutable(scene, local_at(scene, place, scene.of(place)))
        edit = scene.insert(place.end_byte, ".by_ref()")
        yield Proposal((*edits, edit), {"way": f"{scene.of(place)}.by_ref()"})
        return


def moved_iterator(node: Node) -> tuple[Node | None, Node | None]:
    """The `for` that consumes an iterator, where one does, and the iterator."""
    for one in ancestors(node):
        parent = one.parent
        if parent is not None and parent.type == "for_expression" and parent.child_by_field_name("value") == one:
            return parent, one
        if one.type == "call_expression" and receiver_of(one) is not None:
            return None, receiver_of(one)
        if one.type in {"block", "function_item"}:
            break
    return None, None


def step_by_hand(scene: Scene) -> Iterator[Proposal]:
    """`while let Some(x) = iter.next()` for a `for` whose body takes from the same iterator."""
    value = exact_node(
        scene,
        next((one for one in own_spans(scene, r"mutable borrow (occurs|later used) here") if not one.is_primary), None),
    )
    loop = value.parent if value is not None else None
    if value is None or loop is None:
        return
    if loop.type == "field_expression":
        value = loop.parent
        loop = value.parent if value is not None else None
    if loop is None or value is None or loop.type != "for_expression" or loop.child_by_field_name("value") != value:
        return
    plain = re.fullmatch(r"(?:&mut\s+)?([\w.]+?)(?:\.by_ref\(\))?", scene.of(value))
    if plain is None or plain[1].endswith((".iter_mut", ".values_mut")) or not is_taken_from(scene, loop, plain[1]):
        return
    yield from stepped(scene, loop, value, plain[1])


def is_taken_from(scene: Scene, loop: Node, name: str) -> bool:
    """Whether the loop's body calls `next`, `peek` or a sibling on the iterator."""
    body = loop.child_by_field_name("body")
    return (
        body is not None
        and re.search(rf"(?<![\w.]){re.escape(name)}\s*\.\s*(next|peek|nth|by_ref)\w*\(", scene.of(body)) is not None
    )


def stepped(scene: Scene, loop: Node, value: Node, name: str) -> Iterator[Proposal]:
    """The `for` as a `while let`."""
    pattern = loop.child_by_field_name("pattern")
    keyword = next((one for one in loop.children if one.type == "for"), None)
    if pattern is None or keyword is None:
        return
    local = declaration_of(scene.root, scene.text, value.start_byte, name) if "." not in name else None
    head = Edit(scene.file, keyword.start_byte, value.end_byte, f"while let Some({scene.of(pattern)}) = {name}.next()")
    yield Proposal(
        (*mutable(scene, local), head), {"way": f"while let Some({scene.of(pattern)}) = {name}.next()"}, 0.02
    )


def mutable(scene: Scene, local: Local | None) -> tuple[Edit, ...]:
    """`mut` for a variable that has none and is no reference."""
    if local is None or local.is_mutable or (local.type or "").startswith("&mut"):
        return ()
    return (scene.insert(local.byte_start, "mut "),)


def bind_by_reference(scene: Scene) -> Iterator[Proposal]:
    """`ref` for the bindings of a pattern that would take what is only borrowed."""
    edits = []
    for span in own_spans(scene, r"^(data moved here|\.\.\.and here)"):
        binding = exact_node(scene, span)
        if binding is None or binding.type not in {"identifier", "shorthand_field_identifier"}:
            return
        edits.append(scene.insert(binding.start_byte, "ref "))
    if edits:
        yield Proposal(tuple(sorted(set(edits), key=lambda edit: edit.byte_start)))


def declare_mutable(scene: Scene) -> Iterator[Proposal]:
    """`mut` where a variable is bound."""
    span = own_span(scene, r"^first assignment to `\w+`")
    binding = exact_node(scene, span)
    if (
        binding is None
        or binding.type != "identifier"
        or "mut " in scene.code(binding.start_byte - 4, binding.start_byte)
    ):
        return
    yield Proposal((scene.insert(binding.start_byte, "mut "),), {"name": scene.of(binding)})


# What a variable begins with that is only added to.
FIRST_VALUES = {
    "String": "String::new()", "bool": "false", "f32": "0.0", "f64": "0.0", "PathBuf": "PathBuf::new()",
    **dict.fromkeys(("i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize"), "0"),
    **{name: f"{name}::new()" for name in ("Vec", "VecDeque", "HashMap", "HashSet", "BTreeMap", "BTreeSet")},
}  # fmt: skip


def begin_empty(scene: Scene) -> Iterator[Proposal]:
    """The first value of a variable that is only added to: nothing."""
    declared = own_span(scene, r"^binding declared here but left uninitialized")
    used = exact_node(scene, scene.problem.span)
    if declared is None or used is None or used.parent is None:
        return
    binding = scene.node_of(declared)
    local = declaration_of(scene.root, scene.text, used.start_byte, scene.of(used))
    let = next((one for one in ancestors(binding) if one.type == "let_declaration"), None)
    if local is None or let is None or local.type is None or local.initializer is not None:
        return
    first = FIRST_VALUES.get(bare_type_name(local.type))
    if first is None or not any(is_added_to(scene, use) for use in uses_of(scene.root, scene.text, local)):
        return
    end = node_at(scene.root, let.end_byte - 1, let.end_byte).start_byte
    edits = [scene.insert(end, f" = {first}")]
    if not local.is_mutable:
        edits.insert(0, scene.insert(local.byte_start, "mut "))
    yield Proposal(tuple(edits), {"name": local.name, "value": first})


def is_added_to(scene: Scene, use: Node) -> bool:
    """Whether a use adds to what is there."""
    parent = use.parent
    if parent is not None and parent.type == "compound_assignment_expr":
        operator = parent.child_by_field_name("operator")
        return operator is not None and operator.type in {"+=", "-=", "|="}
    following = scene.code(use.end_byte, min(use.end_byte + 30, len(scene.text)))
    return re.match(r"\s*\.\s*(push\w*|insert|extend|append)\(", following) is not None
