"""References where values are needed and values where references are: in the pattern or the closure they come from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.code.local_names import uses_of
from sleepy_agent.fixes.templates.borrows import is_dereferenced
from sleepy_agent.fixes.templates.borrows_shared import COPIED_TYPES, exact_node, local_at, method_name
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
    for used in [node, *(node.named_children if node is not None else ())]:
        local = local_at(scene, used, scene.of(used)) if used is not None and used.type == "identifier" else None
        is_taken_apart = local is not None and (
            local.kind in {"pattern", "closure_parameter", "for"} or not local.is_whole_pattern
        )
        if local is None or not is_taken_apart or local.by_reference:
            continue
        uses = uses_of(scene.root, scene.text, local)
        if local.is_mutable or local.type is not None or any(is_dereferenced(use) for use in uses):
            continue
        # With one use, rustc's star there is as good.
        cost = -0.02 if len(uses) > 1 else 0.05
        yield Proposal((scene.insert(local.byte_start, "&"),), {"name": local.name}, cost)
        return


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
