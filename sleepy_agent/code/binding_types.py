"""The type of a local: as it is written, by what it is bound to, by the pattern or the closure that binds it."""

from __future__ import annotations

from tree_sitter import Node

from sleepy_agent.code.iterator_types import closure_parameter, loop_item
from sleepy_agent.code.local_names import Local
from sleepy_agent.code.pattern_types import Match
from sleepy_agent.code.syntax import ancestors, node_at
from sleepy_agent.code.type_sight import Sight, substituted, with_self

DECLARATIONS = frozenset({"let_declaration", "let_condition", "match_arm", "for_expression", "parameter"})


def local_type(sight: Sight, local: Local) -> str | None:
    """The type of a local: as it is written, else by what it is bound to."""
    bound = node_at(sight.root, local.byte_start, local.byte_end)
    if local.type is not None and not local.by_reference:
        known = with_self(sight, local.type, bound)
        return known if known is None or "impl " not in known or "Iterator" in known else None
    declaration = next(
        (
            one
            for one in ancestors(bound)
            if one.start_byte == local.declaration_start
            and one.end_byte == local.declaration_end
            and one.type in DECLARATIONS
        ),
        None,
    )
    if declaration is None:
        # The parameter of a closure, which is nothing but its pattern.
        declaration = next(
            (one for one in ancestors(bound) if one.parent is not None and one.parent.type == "closure_parameters"),
            None,
        )
        pattern, matched = declaration, _closure_parameter(sight, declaration)
    else:
        pattern, matched = declaration.child_by_field_name("pattern"), _matched(sight, declaration)
    if pattern is None or matched is None:
        return None
    return Match(sight.index, sight.text, bound, substituted).type_in(pattern, with_self(sight, matched, bound))


def _matched(sight: Sight, declaration: Node) -> str | None:
    """The type of what the pattern of a declaration is matched with."""
    written = declaration.child_by_field_name("type")
    if written is not None:
        return sight.of(written)
    if declaration.type == "match_arm":
        around = next((one for one in ancestors(declaration) if one.type == "match_expression"), None)
        return sight.type_of(around.child_by_field_name("value")) if around is not None else None
    known = sight.type_of(declaration.child_by_field_name("value"))
    return loop_item(known) if declaration.type == "for_expression" else known


def _closure_parameter(sight: Sight, parameter: Node | None) -> str | None:
    """What the first parameter of a closure is by the method that the closure is given to."""
    parameters = parameter.parent if parameter is not None else None
    closure = parameters.parent if parameters is not None else None
    call = closure.parent.parent if closure is not None and closure.parent is not None else None
    function = call.child_by_field_name("function") if call is not None and call.type == "call_expression" else None
    if parameters is None or function is None or function.type != "field_expression":
        return None
    called = sight.of(function.child_by_field_name("field"))
    if parameters.named_children[0] != parameter and called != "sort_by":
        return None
    return closure_parameter(sight.type_of(function.child_by_field_name("value")), called)
