"""Missing arms that follow from one other arm: the same call on what a variant holds, the value beside a way out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.fixes.templates.matches import (
    MOST_VARIANTS,
    Arm,
    added_arms,
    match_with_arms,
    missing_patterns,
    read_arm,
    shape_of,
    variant_in,
    variants_matched,
)
from sleepy_agent.fixes.templates.scene import Proposal, Scene

WAY_OUT = re.compile(r"\{?\s*(?:return\b|break\b|continue\b|panic!|unreachable!|(?:\w+::)*process::exit\()")
# The other side of these holds something that is treated in another way.
OPPOSITES = frozenset({"Ok", "Err", "Some", "None"})
ONLY_ONE = 0.05


def arm_of_the_same_shape(scene: Scene) -> Iterator[Proposal]:
    """`Kind::B(ref x) => x.name()` beside `Kind::A(ref x) => x.name()`, even where there is no second arm."""
    found = match_with_arms(scene)
    missing = missing_patterns(scene)
    if found is None or not 0 < len(missing) <= MOST_VARIANTS:
        return
    block, arms = found
    if not arms or len(code_children(block)) != len(arms) or {arm.variant for arm in arms} & OPPOSITES:
        return
    first = arms[0]
    is_same = all((arm.prefix, arm.rest, arm.body) == (first.prefix, first.rest, first.body) for arm in arms)
    if not is_same or not first.rest or not says_the_same_of_any(first):
        return
    variants = variants_matched(scene)
    if len(arms) > 1 and variants:
        # The other template compares the arms.
        return
    names = [variant_in(pattern) for pattern in missing]
    rests = [re.sub(r"^(?:&|\w+::)*\w+", "", pattern) for pattern in missing]
    if "" in names or any(shape_of(rest) != shape_of(first.rest) for rest in rests):
        return
    lines = [f"{first.prefix}{name}{first.rest} => {first.body}" for name in names]
    order = [variant.name for variant in variants]
    proposal = added_arms(scene, block, lines, order)
    yield Proposal(proposal.edits, proposal.values, ONLY_ONE if len(arms) == 1 else 0.0)


def says_the_same_of_any(arm: Arm) -> bool:
    """Whether the body is one call of a method of what the variant holds."""
    bound = re.fullmatch(r"\s*\(\s*(?:ref\s+)?(?:mut\s+)?([a-z_]\w*)\s*\)", arm.rest)
    if bound is None:
        return False
    return re.fullmatch(rf"[&*]*{bound[1]}(?:\.\w+\([^(){{}}]*\))+\??", arm.body) is not None


def value_beside_a_way_out(scene: Scene) -> Iterator[Proposal]:
    """`Some(value) => value` beside an arm that leaves: what else would the match be for? Its value has the type `()`
    then, and rustc may complain of that before it sees that an arm is missing."""
    if scene.problem.code == "E0004":
        found = match_with_arms(scene)
        matches = [found[0].parent] if found is not None and missing_patterns(scene) in (["Some(_)"], ["Ok(_)"]) else []
    elif scene.span.from_macro is None and ("`()`" in scene.said or scene.problem.code in {"E0282", "E0284"}):
        matches = list(matches_before(scene))
    else:
        return
    for match in matches:
        block = match.child_by_field_name("body") if match is not None else None
        children = code_children(block) if block is not None else []
        arms = [arm for child in children if (arm := read_arm(scene, child)) is not None]
        kept = {frozenset({"None"}): "Some", frozenset({"Err"}): "Ok"}.get(frozenset(arm.variant for arm in arms))
        is_left = bool(arms) and len(children) == len(arms) and all(WAY_OUT.match(arm.body) for arm in arms)
        if match is None or block is None or kept is None or not is_left or is_statement(match):
            continue
        name = name_of_value(scene, match)
        yield added_arms(scene, block, [f"{kept}({name}) => {name}"])


def matches_before(scene: Scene) -> Iterator[Node]:
    """The matches that give the variables declared before the span, nearest first."""
    for around in ancestors(scene.node):
        if around.type == "block":
            for child in reversed(around.children):
                value = child.child_by_field_name("value") if child.type == "let_declaration" else None
                if value is not None and value.type == "match_expression" and child.start_byte <= scene.span.byte_start:
                    yield value
        if around.type in {"function_item", "closure_expression"}:
            return


def is_statement(match: Node) -> bool:
    """Whether nothing takes the value of a match."""
    parent, following = match.parent, match.next_named_sibling
    return parent is None or parent.type == "expression_statement" or (parent.type == "block" and following is not None)


def name_of_value(scene: Scene, match: Node) -> str:
    """The name that the value of a match gets."""
    declaration = next((one for one in ancestors(match) if one.type in {"let_declaration", "block"}), None)
    pattern = declaration.child_by_field_name("pattern") if declaration is not None else None
    if pattern is not None and pattern.type == "identifier":
        return scene.of(pattern)
    return "value"
