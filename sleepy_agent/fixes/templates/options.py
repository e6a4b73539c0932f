"""Matchers about Option, Result and what wraps one value: references inside, variants, patterns, wrappers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import declaration_of
from sleepy_agent.code.syntax import ancestors, code_children, node_at
from sleepy_agent.code.type_text import bare_type_name, type_arguments, without_reference
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.conversions_shared import (
    Mismatch,
    around,
    by_table,
    exact_node,
    is_pattern,
    mismatch_of,
    plain_type,
    same_type,
    short,
)
from sleepy_agent.fixes.templates.numbers_shared import is_lossless
from sleepy_agent.fixes.templates.scene import Proposal, Scene

option_of_reference = by_table("option_of_reference")
result_as_option = by_table("result_as_option")
transposed = by_table("transposed")

_whether_there = by_table("asked_whether_there")
_changed_inside = by_table("option_of_value")
_unwrapped = by_table("taken_out_of_its_type")

HELD_IN_ONE = re.compile(r"^(?P<holder>Option|Result)<(?P<inner>.+)>$")
WRAPPERS = {
    "Option": "Some",
    "Box": "Box::new",
    "Rc": "std::rc::Rc::new",
    "Arc": "std::sync::Arc::new",
    "RefCell": "std::cell::RefCell::new",
    "Cell": "std::cell::Cell::new",
    "Mutex": "std::sync::Mutex::new",
    "RwLock": "std::sync::RwLock::new",
    "Reverse": "std::cmp::Reverse",
    "Wrapping": "std::num::Wrapping",
}
# rustc proposes these itself where one is enough.
KNOWN_TO_RUSTC = frozenset({"Option", "Box"})
VARIANTS = {"Option": {"Ok": "Some", "Err": "None"}, "Result": {"Some": "Ok", "None": "Err(_)"}}
CHANGING_METHODS = frozenset(
    {"push", "pop", "insert", "remove", "clear", "extend", "append", "push_str", "push_back", "push_front", "pop_back"}
    | {"pop_front", "entry", "get_mut", "iter_mut", "retain", "sort", "sort_by", "truncate", "drain", "swap", "resize"}
    | {
        "set",
        "take",
        "replace",
        "last_mut",
        "first_mut",
        "values_mut",
        "write_all",
        "write",
        "flush",
        "next",
        "reverse",
    }
)


def asked_whether_there(scene: Scene) -> Iterator[Proposal]:
    """A bool is wanted and an Option or Result is there; `!option`."""
    if scene.problem.code == "E0308":
        found = mismatch_of(scene)
        # Of a truth value inside, nobody knows whether it or its being there is asked for.
        if found is not None and type_arguments(found.found)[:1] != ("bool",):
            yield from _whether_there(scene)
        return
    negated = re.search(r"operator `!` to type `&?(?P<holder>Option|Result)<", scene.problem.message)
    node = exact_node(scene, scene.span)
    if negated is None or node is None or node.type != "unary_expression":
        return
    inner = node.named_children[0]
    step = ".is_none()" if negated["holder"] == "Option" else ".is_err()"
    edits = (scene.delete(node.start_byte, inner.start_byte), scene.insert(inner.end_byte, step))
    yield Proposal(edits, keeps_behaviour=False)


def option_of_value(scene: Scene) -> Iterator[Proposal]:
    """`Option<u32>` where `Option<u64>` is wanted, and what the rows say."""
    found = mismatch_of(scene)
    if found is None or is_pattern(found.node):
        return
    wanted, given = HELD_IN_ONE.match(found.expected), HELD_IN_ONE.match(found.found)
    if wanted and given and wanted["holder"] == given["holder"] == "Option":
        inner, outer = given["inner"], wanted["inner"]
        if is_lossless(inner, outer):
            yield Proposal(around(scene, found.node or found.span, "", f".map({outer}::from)"))
        elif outer == "usize" and inner == "u32":
            yield Proposal(around(scene, found.node or found.span, "", ".map(|value| value as usize)"))
    yield from _changed_inside(scene)


def mapped_or_chained(scene: Scene) -> Iterator[Proposal]:
    """`map` for `and_then` where the closure gives an Option or Result, and the other way round."""
    found = mismatch_of(scene)
    if found is None or found.node is None:
        return
    name = method_name(found.node)
    if name is not None and scene.of(name) == "map" and is_held_twice(found):
        yield Proposal((scene.replace(name, "and_then"),), {"method": "and_then", "gives": "the same kind of value"})
        return
    # The value of a closure that is the argument of `and_then`.
    closure = next((one for one in ancestors(found.node) if one.type == "closure_expression"), None)
    body = closure.child_by_field_name("body") if closure is not None else None
    call = closure.parent.parent if closure is not None and closure.parent is not None else None
    if closure is None or call is None or call.type != "call_expression" or body is None:
        return
    is_value = found.node == body or (body.type == "block" and found.node.end_byte >= body.end_byte - 2)
    is_plain = HELD_IN_ONE.match(found.expected) and not HELD_IN_ONE.match(found.found) and found.found != "()"
    name = method_name(call)
    if is_value and is_plain and name is not None and scene.of(name) in {"and_then", "filter_map"}:
        yield Proposal((scene.replace(name, "map"),), {"method": "map", "gives": "a plain value"})


def method_name(call: Node) -> Node | None:
    """The name of the method that a call calls."""
    function = call.child_by_field_name("function") if call.type == "call_expression" else None
    return (
        function.child_by_field_name("field") if function is not None and function.type == "field_expression" else None
    )


def is_held_twice(found: Mismatch) -> bool:
    """`Option<Option<T>>` where `Option<T>` is wanted."""
    wanted, given = HELD_IN_ONE.match(found.expected), HELD_IN_ONE.match(found.found)
    if wanted is None or given is None or wanted["holder"] != given["holder"]:
        return False
    first = type_arguments(found.found)[:1]
    return bool(first) and bare_type_name(first[0]) == wanted["holder"]


# ---- patterns ---------------------------------------------------------------------------------------------------


def option_for_result_in_patterns(scene: Scene) -> Iterator[Proposal]:
    """`Some(x)` and `None` where a Result is matched, `Ok(x)` and `Err(_)` where an Option is."""
    found = mismatch_of(scene)
    if found is None or found.node is None or not scene.labelled(r"^this expression has type `"):
        return
    wanted, given = bare_type_name(found.expected), bare_type_name(found.found)
    if {wanted, given} != {"Option", "Result"} or found.expected.startswith("&"):
        return
    edits = [
        edit for pattern in patterns_beside(found.node) for edit in renamed_variant(scene, pattern, VARIANTS[wanted])
    ]
    if edits:
        yield Proposal(tuple(edits), {"matched": f"the `{wanted}`"})


def patterns_beside(node: Node) -> Iterator[Node]:
    """All patterns of the `match` that a pattern belongs to, or of its `if let`."""
    for one in ancestors(node):
        if one.type == "match_block":
            for arm in one.named_children:
                pattern = arm.child_by_field_name("pattern") if arm.type == "match_arm" else None
                if pattern is not None and pattern.named_children:
                    yield pattern.named_children[0]
            return
        if one.type in {"let_condition", "let_declaration"}:
            pattern = one.child_by_field_name("pattern")
            if pattern is not None:
                yield pattern
            return


def renamed_variant(scene: Scene, pattern: Node, names: dict[str, str]) -> Iterator[Edit]:
    """The edits that give a pattern, or the alternatives of one, the variants of the other type."""
    if pattern.type == "or_pattern":
        for part in pattern.named_children:
            yield from renamed_variant(scene, part, names)
        return
    head = pattern.child_by_field_name("type") if pattern.type == "tuple_struct_pattern" else pattern
    new = names.get(scene.of(head)) if head is not None else None
    if head is None or new is None:
        return
    if new == "None":
        inside = [child for child in pattern.named_children if child != head]
        if all(scene.of(child).startswith("_") for child in inside):
            yield scene.replace(pattern, new)
    else:
        yield scene.replace(head, new)


def pattern_in_some(scene: Scene) -> Iterator[Proposal]:
    """`while let x = list.pop()`, and an arm `x` beside an arm `None`."""
    holder = re.search(r"(?<!\w)(Option|Result)<", scene.problem.message + (scene.span.label or ""))
    if holder is None:
        return
    variant = "Some" if holder[1] == "Option" else "Ok"
    for name in names_in(scene.statement() or scene.node):
        local = declaration_of(scene.root, scene.text, name.start_byte, scene.of(name))
        if local is None or local.kind != "pattern":
            continue
        pattern = node_at(scene.root, local.byte_start, local.byte_end)
        if is_bare_pattern(scene, pattern):
            # The name stands for the whole Option there, which nobody writes on purpose.
            yield Proposal(around(scene, pattern, f"{variant}(", ")"), {"variant": variant}, -0.15)
            return


def names_in(node: Node) -> Iterator[Node]:
    if node.type == "identifier":
        yield node
    for child in node.children:
        yield from names_in(child)


def is_bare_pattern(scene: Scene, pattern: Node) -> bool:
    """Whether a name alone is the pattern of `if let`, or of an arm before an arm for the empty variant."""
    parent = pattern.parent
    if parent is None:
        return False
    if parent.type == "let_condition":
        return parent.child_by_field_name("pattern") == pattern
    arm = parent.parent if parent.type == "match_pattern" else None
    others = [] if arm is None or arm.parent is None else [one for one in arm.parent.named_children if one != arm]
    return any(re.match(r"(None|Err\(.*\))\s*(if .*)?=>", scene.of(one), re.DOTALL) for one in others)


# ---- wrappers ---------------------------------------------------------------------------------------------------


def nested_wrapping(scene: Scene) -> Iterator[Proposal]:
    """`Rc::new(RefCell::new(x))` where `Rc<RefCell<T>>` is wanted and a T is there."""
    found = mismatch_of(scene)
    if found is None or is_pattern(found.node):
        return
    wrappers = wrappers_between(found.expected, found.found)
    if not wrappers or (len(wrappers) == 1 and wrappers[0] in KNOWN_TO_RUSTC):
        return
    names = [short(scene, WRAPPERS[name]) for name in wrappers]
    before = "".join(f"{name}(" for name in names)
    titled = " and ".join(f"`{name}`" for name in names)
    yield Proposal(around(scene, found.node or found.span, before, ")" * len(names)), {"wrappers": titled})


def wrappers_between(expected: str, found: str) -> list[str]:
    """The wrappers, outermost first, that make the one type of the other."""
    names: list[str] = []
    while not same_type(expected, found):
        name, arguments = bare_type_name(expected), type_arguments(expected)
        if name not in WRAPPERS or len(arguments) != 1 or expected.startswith("&"):
            return []
        names.append(name)
        expected = arguments[0]
    return names if expected != "_" else []


def taken_out_of_its_type(scene: Scene) -> Iterator[Proposal]:
    """`.0` where the one field of a tuple struct is wanted; what the rows say of std's types."""
    if scene.problem.code == "E0308":
        found = mismatch_of(scene)
        if found is None or is_pattern(found.node) or found.node is None:
            return
        if is_newtype_of(scene, found.found, found.expected):
            yield Proposal(around(scene, found.node, "", ".0"), {"type": found.found})
        return
    types = re.search(r"can't compare `(?P<left>[^`]+)` with `(?P<right>[^`]+)`", scene.problem.message)
    node = scene.around("binary_expression")
    if types is None or node is None:
        return
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is not None and is_newtype_of(scene, types["left"], types["right"]):
        yield Proposal(around(scene, left, "", ".0"), {"type": types["left"]})
    elif right is not None and is_newtype_of(scene, types["right"], types["left"]):
        yield Proposal(around(scene, right, "", ".0"), {"type": types["right"]})


def is_newtype_of(scene: Scene, outer: str, inner: str) -> bool:
    """Whether a tuple struct of the workspace has one field, and of that type."""
    item = scene.index.type_named(bare_type_name(outer))
    if item is None or not item.is_tuple or len(item.fields) != 1:
        return False
    return same_type(plain_type(f"`{item.fields[0].type}`"), without_reference(inner))


def needless_wrapping(scene: Scene) -> Iterator[Proposal]:
    """`Some(x)` where x is wanted, and where x is an Option already."""
    found = mismatch_of(scene)
    if found is None or found.node is None:
        return
    wrapped = found.node if wrapped_value(scene, found.node) is not None else found.node.parent
    if wrapped is not None and wrapped.type == "arguments":
        wrapped = wrapped.parent
    inner = wrapped_value(scene, wrapped) if wrapped is not None else None
    if wrapped is None or inner is None:
        return
    if inner.type == "unit_expression":
        # The function lacks its return type.
        return
    variant = scene.of(wrapped.children[0])
    arguments = type_arguments(found.found)
    wanted = "Option" if variant == "Some" else "Result"
    if bare_type_name(found.found) != wanted or not arguments or not same_type(arguments[0], found.expected):
        return
    edits = (scene.delete(wrapped.start_byte, inner.start_byte), scene.delete(inner.end_byte, wrapped.end_byte))
    yield Proposal(edits, {"variant": variant})


def wrapped_value(scene: Scene, node: Node) -> Node | None:
    """`x` of `Some(x)` or `Ok(x)`."""
    if node.type != "call_expression" or scene.of(node.children[0]) not in {"Some", "Ok"}:
        return None
    arguments = node.child_by_field_name("arguments")
    inside = code_children(arguments) if arguments is not None else []
    return inside[0] if len(inside) == 1 else None


HOLDER = re.compile(
    r"`&*(?:mut )?(?:(?:\w+::)*(?:Rc|Arc|Box)<)?(?:\w+::)*(?P<holder>RefCell|Mutex|RwLock)<(?P<inner>.+)>`"
)


def inner_by_lock_or_borrow(scene: Scene) -> Iterator[Proposal]:
    """What is asked of a RefCell, Mutex or RwLock belongs to the value inside."""
    held = HOLDER.search(scene.problem.message)
    node = scene.node
    access = node.parent if node.type == "field_identifier" else scene.around({"index_expression", "unary_expression"})
    if held is None or access is None:
        return
    value = access.child_by_field_name("value") if access.type == "field_expression" else None
    if value is None and access.named_children:
        value = access.named_children[0]
    if value is None:
        return
    changes = does_change(scene, access, held["inner"], scene.of(node))
    steps = {
        "RefCell": (".borrow()", ".borrow_mut()"),
        "Mutex": (".lock().unwrap()", ".lock().unwrap()"),
        "RwLock": (".read().unwrap()", ".write().unwrap()"),
    }[held["holder"]]
    chosen = [steps[1]] if changes else [steps[0]] if changes is False else list(dict.fromkeys(steps))
    for rank, step in enumerate(chosen):
        yield Proposal(around(scene, value, "", step), {"step": step.removeprefix(".")}, 0.05 * rank)


def does_change(scene: Scene, access: Node, inner: str, name: str) -> bool | None:
    """Whether an access changes what it reaches; None: nobody knows."""
    parent = access.parent
    if parent is not None and parent.type == "call_expression" and access.type == "field_expression":
        known = {item.self_parameter for item in scene.index.methods_of(inner) if item.name == name}
        return name in CHANGING_METHODS if not known else any("mut" in (one or "") for one in known)
    if parent is not None and parent.type in {"assignment_expression", "compound_assignment_expr"}:
        return parent.children[0] == access
    return False if access.type != "field_expression" else None


def pattern_wrapped(scene: Scene) -> Iterator[Proposal]:
    """`while let Token::Name(name) = tokens.next()`; an arm that lacks the `Some` its neighbours have."""
    found = mismatch_of(scene)
    if found is None or found.node is None or not is_pattern(found.node):
        return
    holder = HELD_IN_ONE.match(found.expected.lstrip("&"))
    if holder is None or HELD_IN_ONE.match(found.found.lstrip("&")) or found.node.type == "range_pattern":
        return
    variant = "Some" if holder["holder"] == "Option" else "Ok"
    beside = [scene.of(pattern) for pattern in patterns_beside(found.node)]
    condition = next((one for one in ancestors(found.node) if one.type in {"let_condition", "let_declaration"}), None)
    is_condition = condition is not None and condition.type == "let_condition"
    has_neighbour = any(re.match(r"(Some|Ok|Err)\(|None\b", other) for other in beside)
    if (is_condition or has_neighbour) and scene.of(found.node) in beside:
        edits = around(scene, found.node, f"{variant}(", ")")
        yield Proposal(edits, {"variant": variant}, question="the value or the pattern" if is_condition else None)
