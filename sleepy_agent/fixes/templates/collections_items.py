"""A collection whose items have the wrong type because of how they were made."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.local_names import declaration_of
from sleepy_agent.code.syntax import ancestors, node_at
from sleepy_agent.code.type_text import bare_type_name, type_arguments, without_reference
from sleepy_agent.fixes.templates.collections import last_closure, steps_for_item
from sleepy_agent.fixes.templates.conversions_shared import NUMBERS, around, is_pattern, mismatch_of, without_borrow
from sleepy_agent.fixes.templates.numbers_shared import conversions_by_custom, never_loses
from sleepy_agent.fixes.templates.scene import Proposal, Scene

COLLECTED = frozenset({"Vec", "VecDeque", "HashSet", "BTreeSet", "BinaryHeap", "LinkedList"})


def converted_where_collected(scene: Scene) -> Iterator[Proposal]:
    """`Vec<f64>` is wanted of `counts.iter().map(|count| *count).collect()`: the closure lacks its `as f64`."""
    found = mismatch_of(scene)
    if found is None or found.node is None or is_pattern(found.node):
        return
    wanted, given = item_of(found.expected), item_of(found.found)
    value = without_borrow(found.node) or found.node
    chain = collected_chain(scene, bound_value(scene, value) or value)
    if wanted is None or given is None or wanted == given or chain is None:
        return
    body = last_closure(scene, chain)
    for before, after, step, extra in steps(scene, given, wanted):
        how = f"{before}..{after}" if body is not None else step
        place, parts = (body, (before, after)) if body is not None else (chain, ("", step))
        yield Proposal(around(scene, place, *parts), {"how": how.strip(".") if body is None else how}, extra)
        return


def bound_value(scene: Scene, value: Node) -> Node | None:
    """What the `let` of a local gives it, where that decides the type of the items."""
    if value.type != "identifier":
        return None
    local = declaration_of(scene.root, scene.text, value.start_byte, scene.of(value))
    if local is None or local.kind != "let" or not local.is_whole_pattern:
        return None
    if local.type is not None and "<_>" not in local.type:
        return None
    name = node_at(scene.root, local.byte_start, local.byte_end)
    declaration = next((one for one in ancestors(name) if one.type == "let_declaration"), None)
    return declaration.child_by_field_name("value") if declaration is not None else None


def item_of(type_text: str) -> str | None:
    """`f64` of `&Vec<f64>` and `&[f64]`."""
    plain = without_reference(type_text)
    if plain.startswith("[") and plain.endswith("]") and ";" not in plain:
        return plain[1:-1].strip()
    arguments = type_arguments(plain)
    return arguments[0] if bare_type_name(plain) in COLLECTED and arguments else None


def collected_chain(scene: Scene, value: Node) -> Node | None:
    """What `collect` is called on."""
    function = value.child_by_field_name("function") if value.type == "call_expression" else None
    if function is not None and function.type == "generic_function":
        function = function.child_by_field_name("function")
    field = function.child_by_field_name("field") if function is not None else None
    if function is None or field is None or scene.of(field) != "collect":
        return None
    return function.child_by_field_name("value")


def steps(scene: Scene, given: str, wanted: str) -> Iterator[tuple[str, str, str, float]]:
    """How an item becomes another: before and behind it in a closure, as a step of its own, and how unlikely."""
    if given in NUMBERS and wanted in NUMBERS:
        if conversions_by_custom(scene, given, wanted)[0] == "from":
            yield f"{wanted}::from(", ")", f".map({wanted}::from)", 0.0
        else:
            loses = not (never_loses(given, wanted) or wanted == "f64")
            yield "", f" as {wanted}", f".map(|number| number as {wanted})", 0.1 * loses
        return
    for before, after, step in steps_for_item(given, wanted, "Vec"):
        yield before, after, step, 0.0
