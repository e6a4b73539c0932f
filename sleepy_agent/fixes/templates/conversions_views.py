"""Matchers about looking at values: references bound as values, views by a method, conversions of own types."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import Local, all_locals_at, declaration_of
from sleepy_agent.code.syntax import ancestors, node_at
from sleepy_agent.code.type_text import bare_type_name, without_reference
from sleepy_agent.fixes.templates.conversions_shared import (
    NUMBERS,
    around,
    is_pattern,
    mismatch_of,
    plain_type,
    same_type,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# What std's types show of themselves, beyond what `&` does.
VIEWS = {
    ("Iter", "slice"): "as_slice",
    ("IntoIter", "slice"): "as_slice",
    ("Drain", "slice"): "as_slice",
    ("Chars", "str"): "as_str",
    ("Drain", "str"): "as_str",
    ("Arguments", "str"): "as_str",
}
PLACES = frozenset({"identifier", "field_expression", "index_expression", "self"})
# Steps of an iterator that leave the items as they are.
HANDS_ON = frozenset({"enumerate", "rev", "skip", "take", "step_by"})


def dereferenced_local(scene: Scene) -> tuple[Node, Local | None] | None:
    """`*x`, and what binds x."""
    node = scene.around("unary_expression")
    inner = node.named_children[0] if node is not None and node.named_children else None
    if node is None or inner is None or not scene.of(node).startswith("*"):
        return None
    if inner.type != "identifier":
        return node, None
    return node, declaration_of(scene.root, scene.text, inner.start_byte, scene.of(inner))


def is_assigned_through(scene: Scene, local: Local) -> bool:
    """Whether something is assigned to `*x` where x can be used."""
    code = scene.code(local.scope_start, local.scope_end)
    return re.search(rf"\*{re.escape(local.name)}\s*(?:[-+*/%&|^]|<<|>>)?=(?!=)", code) is not None


def binder_of(scene: Scene, local: Local, kind: str) -> Node | None:
    """The `for` or `let` that binds a name with nothing around it."""
    name = node_at(scene.root, local.byte_start, local.byte_end)
    binder = next((one for one in ancestors(name) if one.type == kind), None)
    pattern = binder.child_by_field_name("pattern") if binder is not None else None
    return binder if pattern is not None and pattern.start_byte == name.start_byte and pattern == name else None


def needless_dereference(scene: Scene) -> Iterator[Proposal]:
    """`*x` of what is no reference."""
    found = dereferenced_local(scene)
    if found is None:
        return
    node, local = found
    inner = node.named_children[0]
    if local is not None and is_assigned_through(scene, local) and local.kind != "let":
        return
    # A loop over values whose body speaks of references was meant to go over references.
    is_loop = local is not None and local.kind == "for" and binder_of(scene, local, "for_expression") is not None
    is_loop = is_loop or next(borrowed_where_it_is_bound(scene), None) is not None
    yield Proposal((scene.delete(node.start_byte, inner.start_byte),), extra_cost=0.45 if is_loop else 0.0)


def borrowed_where_it_is_bound(scene: Scene) -> Iterator[Proposal]:
    """`for x in &list`, `for x in &mut list` where the body says `*x`."""
    found = dereferenced_local(scene)
    local = found[1] if found is not None else None
    if local is None or local.kind != "for":
        return
    loop = loop_that_binds(scene, local)
    pattern = loop.child_by_field_name("pattern") if loop is not None else None
    value = loop.child_by_field_name("value") if loop is not None else None
    if value is None or pattern is None:
        return
    names = [one for one in all_locals_at(scene.root, scene.text, scene.span.byte_start) if is_within(one, pattern)]
    is_changed = any(is_assigned_through(scene, one) for one in names)
    is_whole = pattern.start_byte == local.byte_start
    if value.type in PLACES or (value.type == "array_expression" and not is_changed):
        how = "&mut " if is_changed else "&"
        yield Proposal((scene.insert(value.start_byte, how),), {"how": f"{how}{scene.of(value)}"})
        return
    called = into_iter_of(scene, value)
    if called is None or (not is_whole and is_count(scene, value, pattern, local)):
        return
    how = "iter_mut" if is_changed else "iter"
    yield Proposal((scene.replace(called, how),), {"how": how})


def loop_that_binds(scene: Scene, local: Local) -> Node | None:
    """The `for` whose pattern is a name or a tuple with it."""
    name = node_at(scene.root, local.byte_start, local.byte_end)
    binder = next((one for one in ancestors(name) if one.type == "for_expression"), None)
    pattern = binder.child_by_field_name("pattern") if binder is not None else None
    if pattern is None or (pattern != name and (pattern.type != "tuple_pattern" or name.parent != pattern)):
        return None
    return binder


def is_within(local: Local, pattern: Node) -> bool:
    return pattern.start_byte <= local.byte_start and local.byte_end <= pattern.end_byte


def into_iter_of(scene: Scene, value: Node) -> Node | None:
    """The `into_iter` of a chain whose later steps hand on the items as they are."""
    while value.type == "call_expression":
        access = value.child_by_field_name("function")
        field = (
            access.child_by_field_name("field") if access is not None and access.type == "field_expression" else None
        )
        receiver = access.child_by_field_name("value") if access is not None and field is not None else None
        if field is None or receiver is None:
            return None
        if scene.of(field) == "into_iter":
            return field if receiver.type in PLACES else None
        if scene.of(field) not in HANDS_ON:
            return None
        value = receiver
    return None


def is_count(scene: Scene, value: Node, pattern: Node, local: Local) -> bool:
    """Whether a name is the number that `enumerate` adds."""
    is_first = bool(pattern.named_children) and pattern.named_children[0].start_byte == local.byte_start
    return is_first and ".enumerate()" in scene.of(value)


def into_own_type(scene: Scene) -> Iterator[Proposal]:
    """`.into()` where the workspace's type says `From`."""
    found = mismatch_of(scene)
    if found is None or is_pattern(found.node):
        return
    place = found.node or found.span
    given = {found.found, f"&{found.found}"} if found.found in {"str"} or found.found.startswith("[") else {found.found}
    for implementation in scene.index.implementations_of(bare_type_name(found.expected)):
        source = re.match(r"(?:\w+::)*From<(?P<source>.+)>$", implementation.trait_text or "")
        if source is not None and plain_type(f"`{source['source']}`") in given:
            yield Proposal(around(scene, place, "", ".into()"), {"type": bare_type_name(found.expected)})
            return


def view_of_value(scene: Scene) -> Iterator[Proposal]:
    """A method without arguments that gives what is wanted of what is there."""
    found = mismatch_of(scene)
    if found is None or is_pattern(found.node):
        return
    place = found.node or found.span
    bare = bare_type_name(found.found)
    known = VIEWS.get((bare, bare_type_name(found.expected))) if found.expected.startswith("&") else None
    if known is not None:
        yield Proposal(around(scene, place, "", f".{known}()"), {"method": known})
        return
    if scene.index.type_named(bare) is None or found.expected == "()" or "_" in found.expected:
        return
    methods = [
        item
        for item in scene.index.methods_of(bare)
        if item.self_parameter in {"&self", "self"}
        and not item.parameters
        and item.returns is not None
        and item.of_trait is None
        and same_type(plain_type(f"`{item.returns}`"), found.expected)
    ]
    question = "which view of the value" if len(methods) > 1 else None
    # A number of a thing may be any of it; a reference into it is a view.
    extra = 0.0 if found.expected.startswith(("&", "Option<&")) else 0.45
    for item in methods[:3] if len(methods) <= 3 else ():
        yield Proposal(around(scene, place, "", f".{item.name}()"), {"method": item.name}, extra, question)


def number_of_a_variant(scene: Scene) -> Iterator[Proposal]:
    """`level as usize` of an enum whose variants hold nothing."""
    if scene.problem.code == "E0308":
        found = mismatch_of(scene)
        if found is None or is_pattern(found.node) or found.expected not in NUMBERS:
            return
        if is_fieldless(scene, found.found):
            edits = around(scene, found.node or found.span, "", f" as {found.expected}")
            yield Proposal(edits, {"to": found.expected})
        return
    types = re.search(r"no implementation for `(?P<left>\w+) [-+*/%]=? (?P<right>\w+)`", scene.span.label or "")
    node = scene.around({"binary_expression", "compound_assignment_expr"})
    for name, other in (("right", "left"), ("left", "right")):
        operand = node.child_by_field_name(name) if node is not None else None
        if types is not None and operand is not None and types[other] in NUMBERS and is_fieldless(scene, types[name]):
            yield Proposal(around(scene, operand, "", f" as {types[other]}"), {"to": types[other]})


def is_fieldless(scene: Scene, type_text: str) -> bool:
    """Whether a type is an enum of the workspace whose variants hold nothing."""
    variants = scene.index.variants_of(bare_type_name(without_reference(type_text)))
    return bool(variants) and not type_text.startswith("&") and all(variant.shape == "unit" for variant in variants)
