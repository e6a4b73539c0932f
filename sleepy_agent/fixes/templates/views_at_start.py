"""Matchers about forgotten views: `self.vec.as_mut()` where a local begins, a pointer of another type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import Local, declaration_of, uses_of
from sleepy_agent.code.scopes import type_parameters_at
from sleepy_agent.code.std_names import std_methods_of
from sleepy_agent.code.syntax import ancestors, node_at
from sleepy_agent.code.type_text import bare_type_name, without_reference
from sleepy_agent.fixes.templates.conversions import is_known_here
from sleepy_agent.fixes.templates.conversions_shared import (
    NUMBERS,
    around,
    is_pattern,
    mismatch_of,
    plain_type,
)
from sleepy_agent.fixes.templates.options import CHANGING_METHODS
from sleepy_agent.fixes.templates.scene import Proposal, Scene

MISSING = re.compile(
    r"^(?:no|the) (?:method|field) (?:named )?`(?P<name>\w+)` (?:found|on type|exists)(?: for)? "
    r"(?:[a-z ]+ )?`(?P<type>[^`]+)`"
)
METHOD_LABEL = re.compile(r"^method not found in `(?P<type>[^`]+)`$")
POINTER = re.compile(r"^\*(?P<kind>const|mut) (?P<target>.+)$")
# What std shows through a method: the view to read it, the view to change it, and whether that is a guard, which the
# local must own mutably.
STD_VIEWS = {
    "RefCell": ("borrow()", "borrow_mut()", True),
    "Mutex": ("lock().unwrap()", "lock().unwrap()", True),
    "RwLock": ("read().unwrap()", "write().unwrap()", True),
    "NonNull": ("as_ref()", "as_mut()", False),
}
HOLDER = re.compile(rf"^(?P<holder>{'|'.join(STD_VIEWS)})<(?P<inner>.+)>$")
SHARED = re.compile(r"^(?:Rc|Arc|Box)<(?P<inner>.+)>$")
PLACES = frozenset({"identifier", "field_expression", "index_expression", "self"})
# What only an iterator has and nobody calls on a fresh one at each use.
STEPS = frozenset({"next", "peek", "next_back", "by_ref", "nth"})
WITH_ITER = frozenset(
    {"Vec", "slice", "array", "HashMap", "BTreeMap", "HashSet", "BTreeSet", "VecDeque", "BinaryHeap", "LinkedList"}
)


# ---- the view where a local begins ---------------------------------------------------------------------------------


def viewed_where_it_begins(scene: Scene) -> Iterator[Proposal]:
    """`let source = self.vec.as_mut();` where `source.len()` is asked of a NonNull."""
    missing = MISSING.match(scene.problem.message)
    access = next((one for one in ancestors(scene.node) if one.type == "field_expression"), None)
    receiver = access.child_by_field_name("value") if access is not None else None
    if missing is None or receiver is None or receiver.type != "identifier":
        return
    label = METHOD_LABEL.match(scene.span.label or "")
    type_text = plain_type(f"`{(label or missing)['type']}`")
    local = declaration_of(scene.root, scene.text, receiver.start_byte, scene.of(receiver))
    start = initializer(scene, local) if local is not None else None
    if local is None or start is None:
        return
    asked = accesses(scene, local)
    is_changed = any(changes(scene, use, type_text) for use in asked)
    for view, is_guard in views(scene, type_text, missing["name"], is_changed):
        inner = start.child_by_field_name("value") if start.type == "reference_expression" else start
        if inner is None:
            continue
        edits = list(around(scene, inner, "", f".{view}"))
        if inner != start:
            edits.append(scene.delete(start.start_byte, inner.start_byte))
        if is_changed and is_guard and not local.is_mutable:
            edits.append(scene.insert(local.byte_start, "mut "))
        yield Proposal(tuple(edits), {"view": view, "name": local.name})


def initializer(scene: Scene, local: Local) -> Node | None:
    """What a `let` without a type gives a local, where it is a place or a borrow of one."""
    if local.kind != "let" or local.type is not None or not local.is_whole_pattern or local.initializer is None:
        return None
    name = node_at(scene.root, local.byte_start, local.byte_end)
    declaration = next((one for one in ancestors(name) if one.type == "let_declaration"), None)
    value = declaration.child_by_field_name("value") if declaration is not None else None
    if value is None:
        return None
    place = value.child_by_field_name("value") if value.type == "reference_expression" else value
    return value if place is not None and place.type in PLACES else None


def accesses(scene: Scene, local: Local) -> list[Node]:
    """The `local.name` expressions of a local."""
    found = []
    for use in uses_of(scene.root, scene.text, local):
        parent = use.parent
        if parent is not None and parent.type == "field_expression" and parent.child_by_field_name("value") == use:
            found.append(parent)
    return found


def changes(scene: Scene, access: Node, type_text: str) -> bool:
    """Whether an access changes what it reaches."""
    parent = access.parent
    field = access.child_by_field_name("field")
    if parent is None or field is None:
        return False
    if parent.type == "call_expression":
        name = scene.of(field)
        inner = inner_type(type_text)
        own = {item.self_parameter for item in scene.index.methods_of(bare_type_name(inner)) if item.name == name}
        return any("mut" in (one or "") for one in own) if own else is_changing_name(name)
    if parent.type in {"assignment_expression", "compound_assignment_expr"}:
        return parent.child_by_field_name("left") == access
    return parent.type == "reference_expression" and scene.of(parent).startswith("&mut ")


def is_changing_name(name: str) -> bool:
    return name in CHANGING_METHODS or name.endswith("_mut") or name.startswith(("set_", "as_mut"))


def without_shared_owner(type_text: str) -> str:
    """`RefCell<T>` of `&Rc<RefCell<T>>`."""
    plain = without_reference(type_text)
    while (shared := SHARED.match(plain)) is not None:
        plain = shared["inner"]
    return plain


def inner_type(type_text: str) -> str:
    """What std's views of a type lead to."""
    plain = without_shared_owner(type_text)
    held = HOLDER.match(plain)
    return held["inner"] if held is not None else plain


def views(scene: Scene, type_text: str, wanted: str, is_changed: bool) -> Iterator[tuple[str, bool]]:
    """The methods of a type that lead to something that has what is wanted, and whether they give a guard."""
    plain = without_shared_owner(type_text)
    held = HOLDER.match(plain)
    if held is not None:
        read, change, is_guard = STD_VIEWS[held["holder"]]
        if has_member(scene, held["inner"], wanted):
            yield (change if is_changed else read), is_guard
        return
    bare = bare_type_name(plain)
    if bare in WITH_ITER and wanted in STEPS:
        yield "iter()", True
        return
    known = [
        item
        for item in scene.index.methods_of(bare)
        if item.self_parameter == ("&mut self" if is_changed else "&self")
        and not item.parameters
        and item.returns is not None
        and item.name != wanted
        and has_member(scene, item.returns.replace("Self", bare), wanted)
        and bare_type_name(item.returns) not in {bare, "Self"}
    ]
    if len(known) == 1:
        yield f"{known[0].name}()", False


def has_member(scene: Scene, type_text: str, name: str) -> bool:
    """Whether a type, or what it points to, has a method or field of that name."""
    plain = plain_type(f"`{without_reference(type_text)}`")
    if name in std_methods_of(plain):
        return True
    bare = bare_type_name(plain)
    own = {item.name for item in scene.index.methods_of(bare)} | {field.name for field in scene.index.fields_of(bare)}
    return name in own


# ---- pointers -----------------------------------------------------------------------------------------------------


def pointer_cast(scene: Scene) -> Iterator[Proposal]:
    """`pointer as *mut u8` where a pointer to something else is given."""
    found = mismatch_of(scene)
    if found is None or found.node is None or is_pattern(found.node):
        return
    wanted, given = POINTER.match(found.expected), POINTER.match(found.found)
    if wanted is None or given is None:
        return
    if wanted["target"] == given["target"]:
        # Whoever made it `*const` meant that nothing is written there.
        if (wanted["kind"], given["kind"]) == ("mut", "const"):
            yield Proposal(
                around(scene, found.node, "", f" as {found.expected}"), {"how": f"as {found.expected}"}, 0.45
            )
        return
    if (wanted["kind"], given["kind"]) == ("mut", "const"):
        return
    # Bytes and type parameters are what code looks at memory as; two known types are an accident more often.
    is_raw = any(is_raw_target(scene, found.node, one["target"]) for one in (wanted, given))
    how = f" as {found.expected}" if is_written_here(scene, found.node, wanted["target"]) else ".cast()"
    yield Proposal(around(scene, found.node, "", how), {"how": how.strip()}, 0.0 if is_raw else 0.35)


def is_raw_target(scene: Scene, node: Node, target: str) -> bool:
    """Whether pointers to a type are made of pointers to anything: bytes, nothing, what a type parameter stands for."""
    return target in {"u8", "i8", "()", "c_void", "c_char"} or target in type_parameters_at(node, scene.text)


def is_written_here(scene: Scene, node: Node, target: str) -> bool:
    """Whether a type can be named in this file as a diagnostic shows it."""
    if target in NUMBERS or target in {"()", "bool", "char"}:
        return True
    return target in type_parameters_at(node, scene.text) or is_known_here(scene, target)
