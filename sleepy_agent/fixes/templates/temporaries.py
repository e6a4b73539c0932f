"""Functions that return a reference to what ends with them: they return the value instead."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import declaration_of
from sleepy_agent.code.syntax import ancestors
from sleepy_agent.code.type_text import split_outside
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.borrows_shared import CLOSURES, exact_node, method_name, receiver_of
from sleepy_agent.fixes.templates.borrows_signatures import owner_kind
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# A borrowed type, its owned form, and the method that makes one of the other.
OWNED_FORMS = {
    "str": ("String", "to_string"),
    "Path": ("PathBuf", "to_path_buf"),
    "std::path::Path": ("std::path::PathBuf", "to_path_buf"),
    "OsStr": ("OsString", "to_os_string"),
    "CStr": ("CString", "to_owned"),
}
REFERENCE = re.compile(r"&\s*(?:'\w+\s+)?(?:mut\s+)?")
# Methods that only borrow the whole of what they are called on: without them the value itself is there.
BORROWING = {
    "as_str": "", "as_slice": "", "as_path": "", "as_os_str": "", "as_mut_slice": "", "as_bytes": ".into_bytes()",
    "deref": "", "borrow": "", "as_mut_str": "",
}  # fmt: skip
GUARDS = {
    "borrow": "std::cell::Ref",
    "borrow_mut": "std::cell::RefMut",
    "lock": "std::sync::MutexGuard",
    "read": "std::sync::RwLockReadGuard",
    "write": "std::sync::RwLockWriteGuard",
}
WRAPPERS = frozenset({"Some", "Ok", "Box::new", "Rc::new", "Arc::new"})


class NotOwned(Exception):
    """Some returned expression has no owned form that is known here."""


def return_owned(scene: Scene) -> Iterator[Proposal]:
    """The owned type in the signature, and every returned expression gives an owned value."""
    returned = exact_node(scene, scene.problem.span)
    holder = next((one for one in ancestors(returned) if one.type in {"function_item", *CLOSURES}), None)
    if returned is None or holder is None:
        return
    if holder.type != "function_item":
        yield from closure_owned(scene, returned)
        return
    written, body = holder.child_by_field_name("return_type"), holder.child_by_field_name("body")
    if written is None or body is None or owner_kind(holder) == "of_trait":
        return
    type_text = scene.of(written)
    guard = guard_returned(scene, returned, type_text)
    if guard is not None:
        guard_type, edit = guard
        yield Proposal((scene.replace(written, guard_type), edit), {"type": guard_type})
    owned = owned_type(type_text)
    if owned == type_text and "Iterator<" not in type_text:
        return
    try:
        edits = [edit for value in returned_values(body) for edit in owned_edits(scene, value, type_text)]
    except NotOwned:
        return
    yield Proposal((scene.replace(written, owned), *edits), {"type": owned}, 0.03 if guard is not None else 0.0)


def closure_owned(scene: Scene, returned: Node) -> Iterator[Proposal]:
    """A closure needs no signature: its value is owned, or moved out of what it was given."""
    if returned.type == "reference_expression":
        value = returned.child_by_field_name("value")
        if value is not None and value.type in {"identifier", "field_expression"}:
            yield Proposal((scene.delete(returned.start_byte, value.start_byte),), {"type": "the value itself"})
    elif returned.type == "call_expression":
        yield Proposal((scene.insert(returned.end_byte, ".to_owned()"),), {"type": "an owned value"})


# ---- types ------------------------------------------------------------------------------------------------------


def owned_type(text: str) -> str:
    """A type with the references in it made values: `Option<String>` for `Option<&str>`."""
    text = text.strip()
    found = REFERENCE.match(text)
    if found and found.end() < len(text):
        inner = text[found.end() :].strip()
        if inner.startswith("["):
            return f"Vec<{split_outside(inner[1:-1], ';')[0].strip()}>"
        return OWNED_FORMS[inner][0] if inner in OWNED_FORMS else inner
    of_slice = re.fullmatch(r"(?:(?:std|core)::)?(?:slice::)?Iter<'\w+\s*,\s*(.+)>", text)
    if of_slice:
        return f"std::vec::IntoIter<{of_slice[1]}>"
    generic = re.fullmatch(r"((?:impl\s+|dyn\s+)?[\w:]+)\s*<(.*)>(\s*\+\s*'\w+)?", text, re.DOTALL)
    if generic:
        parts = [owned_argument(part) for part in split_outside(generic[2], ",")]
        bound = generic[3] or "" if ", ".join(parts) == generic[2] else ""
        return f"{generic[1]}<{', '.join(parts)}>{bound}"
    if text.startswith("("):
        return "(" + ", ".join(owned_type(part) for part in split_outside(text[1:-1], ",")) + ")"
    return text


def owned_argument(part: str) -> str:
    """One argument of a type: a type, a lifetime, or `Item = Type`."""
    part = part.strip()
    if part.startswith("'"):
        return part
    bound = re.match(r"(\w+\s*=\s*)(?!=)", part)
    return f"{bound[1]}{owned_type(part[bound.end() :])}" if bound else owned_type(part)


def inner_type(text: str, number: int = 0) -> str:
    """The argument of a generic type, its bare text."""
    found = re.fullmatch(r"[\w:]+\s*<(.*)>", text.strip(), re.DOTALL)
    parts = [part.strip() for part in split_outside(found[1], ",") if not part.strip().startswith("'")] if found else []
    if len(parts) <= number:
        raise NotOwned
    return parts[number]


def maker_of(type_text: str) -> str:
    """The method that makes an owned value of a borrowed type."""
    inner = REFERENCE.sub("", type_text.strip(), count=1).strip()
    if inner.startswith("["):
        return "to_vec"
    return OWNED_FORMS[inner][1] if inner in OWNED_FORMS else "clone"


# ---- values -----------------------------------------------------------------------------------------------------


def returned_values(body: Node) -> Iterator[Node]:
    """The expressions a function returns: after `return`, and the last of its body, branches taken apart."""
    waiting = list(body.named_children)
    while waiting:
        node = waiting.pop()
        if node.type in CLOSURES | {"function_item", "impl_item"}:
            continue
        if node.type == "return_expression" and node.named_children:
            yield from leaf_values(node.named_children[0])
        waiting += node.named_children
    yield from leaf_values(body)


def leaf_values(node: Node) -> Iterator[Node]:
    """The values an expression may have: those of its branches."""
    if node.type == "block":
        parts = [child for child in node.named_children if "comment" not in child.type]
        last = parts[-1] if parts else None
        if last is not None and last.type == "expression_statement" and last.children[-1].type != ";":
            last = last.named_children[0]
        if last is not None and last.type not in {"expression_statement", "let_declaration", "return_expression"}:
            yield from leaf_values(last)
    elif node.type == "if_expression":
        for name in ("consequence", "alternative"):
            branch = node.child_by_field_name(name)
            if branch is not None:
                yield from leaf_values(branch.named_children[0] if branch.type == "else_clause" else branch)
    elif node.type == "match_expression":
        body = node.child_by_field_name("body")
        for arm in body.named_children if body is not None else ():
            value = arm.child_by_field_name("value") if arm.type == "match_arm" else None
            if value is not None:
                yield from leaf_values(value)
    elif node.type in {"unsafe_block", "parenthesized_expression"} and node.named_children:
        yield from leaf_values(node.named_children[0])
    elif node.type not in {"return_expression", "break_expression", "continue_expression", "loop_expression"}:
        yield node


def owned_edits(scene: Scene, value: Node, type_text: str) -> Iterator[Edit]:
    """What makes a returned expression of a type an owned one."""
    kind = value.type
    if kind == "macro_invocation" or scene.of(value) in {"None"}:
        return
    if kind == "call_expression":
        function = value.child_by_field_name("function")
        name = scene.of(function) if function is not None else ""
        given = value.child_by_field_name("arguments")
        if name == "Err":
            return
        if name in WRAPPERS and given is not None and len(given.named_children) == 1:
            yield from owned_edits(scene, given.named_children[0], inner_type(type_text))
            return
    if re.search(r"\b(Iterator|Iter)<", type_text):
        yield from owned_iterator(scene, value)
        return
    if REFERENCE.match(type_text.strip()) is None:
        yield from owned_elements(scene, value, type_text)
        return
    maker = maker_of(type_text)
    if kind == "reference_expression":
        yield from owned_place(scene, value, maker)
    elif kind in {
        "string_literal",
        "raw_string_literal",
        "identifier",
        "field_expression",
        "call_expression",
        "try_expression",
    }:
        method, receiver = method_name(scene, value), receiver_of(value)
        if method in BORROWING and receiver is not None and kind == "call_expression":
            yield Edit(scene.file, receiver.end_byte, value.end_byte, BORROWING[method])
        else:
            yield scene.insert(value.end_byte, f".{maker}()")
    else:
        raise NotOwned


def owned_place(scene: Scene, value: Node, maker: str) -> Iterator[Edit]:
    """A borrowed place: a local is moved out, a part of it is copied."""
    place = value.child_by_field_name("value")
    if place is None:
        raise NotOwned
    is_local = place.type == "identifier" and declaration_of(scene.root, scene.text, place.start_byte, scene.of(place))
    is_made = place.type in {"macro_invocation", "struct_expression"} or (
        place.type == "call_expression" and not gives_guard(scene, place)
    )
    if not is_local and not is_made:
        yield scene.insert(value.end_byte, f".{maker}()")
    yield scene.delete(value.start_byte, place.start_byte)


def owned_iterator(scene: Scene, value: Node) -> Iterator[Edit]:
    """`.into_iter()` for `.iter()` at the beginning of the chain."""
    node: Node | None = value
    while node is not None:
        if method_name(scene, node) in {"iter", "iter_mut"}:
            function = node.child_by_field_name("function")
            field = function.child_by_field_name("field") if function is not None else None
            if field is not None:
                yield scene.replace(field, "into_iter")
                return
        node = receiver_of(node)
    raise NotOwned


def owned_elements(scene: Scene, value: Node, type_text: str) -> Iterator[Edit]:
    """A collection of references becomes one of values where it is collected."""
    element = inner_type(type_text)
    if REFERENCE.match(element) is None:
        raise NotOwned
    receiver = receiver_of(value)
    if method_name(scene, value) != "collect" or receiver is None:
        raise NotOwned
    maker = maker_of(element)
    yield scene.insert(receiver.end_byte, f".map(str::{maker})" if element.endswith("str") else ".cloned()")


def gives_guard(scene: Scene, call: Node) -> bool:
    """Whether a call gives the guard of a cell or lock."""
    name, receiver = method_name(scene, call), receiver_of(call)
    if name in {"unwrap", "expect"} and receiver is not None:
        name = method_name(scene, receiver)
    return name in GUARDS


def guard_returned(scene: Scene, returned: Node, type_text: str) -> tuple[str, Edit] | None:
    """The guard itself in the place of a reference into it."""
    place = returned.child_by_field_name("value") if returned.type == "reference_expression" else None
    found = REFERENCE.match(type_text)
    if place is None or found is None or place.type != "call_expression" or not gives_guard(scene, place):
        return None
    name, receiver = method_name(scene, place), receiver_of(place)
    if name in {"unwrap", "expect"} and receiver is not None:
        name = method_name(scene, receiver)
    guard = GUARDS.get(name or "")
    if guard is None:
        return None
    return f"{guard}<'_, {type_text[found.end() :].strip()}>", scene.delete(returned.start_byte, place.start_byte)
