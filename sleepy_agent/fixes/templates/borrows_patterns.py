"""References where values are needed and values where references are: in the pattern or the closure they come from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.code.local_names import Local, bindings_in, uses_of
from sleepy_agent.code.syntax import node_at
from sleepy_agent.fixes.templates.borrows import is_dereferenced
from sleepy_agent.fixes.templates.borrows_shared import COPIED_TYPES, exact_node, local_at, method_name, receiver_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene

FOUND_REFERENCE = re.compile(
    r"expected `(?P<value>\w+)`, found `&(?P=value)`|cannot be indexed by `&(?P<index>usize)`|"
    r"(?:add|subtract|multiply|divide) [^`]*`&(?P<operand>\w+)`|can't compare `\w+` with `&(?P<compared>\w+)`"
    r"|can't compare `&(?P<left>\w+)` with `\w+`|expected `(?P<other>\w+)`, found `&\w+`"
)
# Methods whose closure gives what becomes of an option or of an iterator.
MAPPING = frozenset({"map", "filter_map", "and_then", "find_map", "flat_map", "map_or", "map_or_else"})


def bind_value(scene: Scene) -> Iterator[Proposal]:
    """`&x` in the pattern that binds a reference of which only the value is needed, more than once."""
    found = FOUND_REFERENCE.search(scene.said)
    node = exact_node(scene, scene.problem.span)
    if found is None or not set(filter(None, found.groupdict().values())) & COPIED_TYPES:
        return
    around = node.parent if node is not None else None
    operands = around.named_children if around is not None and around.type == "binary_expression" else []
    for used in [node, *(node.named_children if node is not None else ()), *operands]:
        local = local_at(scene, used, scene.of(used)) if used is not None and used.type == "identifier" else None
        if local is not None and local.is_whole_pattern and local.kind == "let":
            continue
        if local is None or local.by_reference or local.is_mutable or local.kind in {"parameter", "self"}:
            continue
        if local.type is None:
            yield from bound_by_value(scene, local)
            return


def bound_by_value(scene: Scene, local: Local) -> Iterator[Proposal]:
    """The proposals for one binding: of a reference to a tuple, the whole is taken out."""
    binding = node_at(scene.root, local.byte_start, local.byte_end)
    holder = binding.parent
    is_tuple = holder is not None and holder.type == "tuple_pattern"
    names = bindings_in(holder, scene.text) if is_tuple and holder is not None else iter(())
    members = [local_at(scene, scene.node, scene.of(name)) for name, _, _ in names] if is_tuple else [local]
    uses = [use for one in members if one is not None for use in uses_of(scene.root, scene.text, one)]
    if any(is_dereferenced(use) for use in uses):
        return
    # With one use, rustc's star there is as good.
    cost = -0.02 if len(uses) > 1 else 0.05
    if is_tuple and holder is not None:
        yield Proposal((scene.insert(holder.start_byte, "&"),), {"name": scene.of(holder)}, cost - 0.01)
    yield Proposal((scene.insert(local.byte_start, "&"),), {"name": local.name}, cost)


def borrow_in_closure(scene: Scene) -> Iterator[Proposal]:
    """`&` in a closure that gives a part of what it only borrows."""
    expected = re.search(r"expected[^\n`]*`[\w:]*(?:Option|Result)<&(?P<mut>mut )?", scene.said)
    if expected is None:
        return
    place = exact_node(scene, scene.problem.span)
    call = place if place is not None and place.type == "call_expression" else None
    while call is not None and method_name(scene, call) not in MAPPING:
        function = call.child_by_field_name("function")
        inner = function.child_by_field_name("value") if function is not None else None
        call = inner if inner is not None and inner.type == "call_expression" else None
    arguments = call.child_by_field_name("arguments") if call is not None else None
    closures = (
        [one for one in arguments.named_children if one.type == "closure_expression"] if arguments is not None else []
    )
    body = closures[-1].child_by_field_name("body") if closures else None
    if body is not None and body.type in {"field_expression", "index_expression"}:
        yield Proposal((scene.insert(body.start_byte, f"&{expected['mut'] or ''}"),), {"part": scene.of(body)})


# Methods of an option or result that consume it.
CONSUMING = frozenset(
    {
        "map",
        "ok_or",
        "ok_or_else",
        "and_then",
        "unwrap",
        "expect",
        "unwrap_or",
        "unwrap_or_else",
        "ok",
        "err",
        "or",
        "or_else",
    }
    | {"filter", "map_err", "map_or", "zip", "xor", "unwrap_or_default"}
)


def look_where_borrowed(scene: Scene) -> Iterator[Proposal]:
    """`.as_ref()` at the beginning of a chain that gives a value where a reference is expected."""
    expected = re.search(r"expected[^\n`]*`[\w:]*(?:Option|Result)?<?&(?:'\w+ )?(?P<mut>mut )?", scene.said)
    chain = exact_node(scene, scene.problem.span)
    if expected is None or chain is None:
        return
    while chain is not None and chain.type in {"call_expression", "try_expression"}:
        inner = receiver_of(chain) if chain.type == "call_expression" else chain.named_children[0]
        if inner is not None and inner.type in {"field_expression", "identifier"} and chain.type == "call_expression":
            if method_name(scene, chain) not in CONSUMING:
                return
            ways = ("as_mut", "as_deref_mut") if expected["mut"] else ("as_ref", "as_deref")
            for number, way in enumerate(ways):
                yield Proposal((scene.insert(inner.end_byte, f".{way}()"),), {"method": way}, 0.02 * number)
            return
        chain = inner
