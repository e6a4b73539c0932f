"""Things that are private where they are used: the smallest visibility that works, or what their type offers instead
(E0603, E0616, E0624, E0451, E0364, E0365, E0446)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.items import FUNCTION_KINDS, TYPE_KINDS, Field, Item, ItemKind
from sleepy_agent.code.name_paths import is_visible
from sleepy_agent.code.names import similarity
from sleepy_agent.code.syntax import code_children
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.domain import Edit, Span
from sleepy_agent.fixes.templates.names_near import is_usable, spelled
from sleepy_agent.fixes.templates.scene import Proposal, Scene

# Fewer of them say nothing of what is the custom.
ENOUGH_NEIGHBOURS = 2
DECLARED_TYPES = TYPE_KINDS | {ItemKind.TRAIT}
SOME_VISIBILITY = re.compile(rb"pub\s*(?:\([^)]*\))?\s*")


# ---- wider ----------------------------------------------------------------------------------------------------


def wider_visibility(scene: Scene) -> Iterator[Proposal]:
    """`fn open()` -> `pub(crate) fn open()`; as visible as what stands beside it, where that is enough."""
    item = private_item(scene)
    if item is None or not scene.context.is_editable(item.file):
        return
    siblings = [one for one in siblings_of(scene, item) if one.key != item.key]
    yield from visibility_proposals(scene, item, item.visibility, [one.visibility for one in siblings], item.name)


def wider_field(scene: Scene) -> Iterator[Proposal]:
    """`size: u32` -> `pub(crate) size: u32`."""
    item = scene.index.type_named(scene.values["type"])
    if item is None or not scene.context.is_editable(item.file):
        return
    field = next((one for one in item.fields if one.name == scene.values["wanted"]), None)
    if field is not None:
        others = [one.visibility for one in item.fields if one.name != field.name]
        yield from visibility_proposals(scene, item, field.visibility, others, field.name, field)


def visible_as_neighbours(scene: Scene) -> Iterator[Proposal]:
    """The one private member among public ones: fields of a struct, methods of a type, items of a kind in a module."""
    if scene.problem.code in {"E0616", "E0451"}:
        found = re.search(r"field `(?P<name>\w+)` of struct `(?P<type>[^`]+)` is private", scene.problem.message)
        item = scene.index.type_named(found["type"]) if found is not None else None
        field = next((one for one in item.fields if one.name == found["name"]), None) if item and found else None
        if item is None or field is None:
            return
        place, now, name = field.byte_start, field.visibility, field.name
        others = [one.visibility for one in item.fields if one.name != field.name]
    else:
        item = private_item(scene)
        if item is None:
            return
        place, now, name = item.byte_start, item.visibility, item.name
        others = [one.visibility for one in neighbours_of(scene, item)]
    usual = set(others)
    if now or len(others) < ENOUGH_NEIGHBOURS or len(usual) != 1 or not scene.context.is_editable(item.file):
        return
    visibility = usual.pop()
    is_same_crate = any(item.file in crate.by_file for crate in scene.index.crates_of_file(scene.file))
    module = scene.index.module_of(scene.file, scene.span.byte_start) if is_same_crate else None
    if visibility and is_visible(visibility, item.module, module):
        edit = visibility_edit(scene, item, place, visibility)
        yield Proposal((edit,), {"visibility": visibility, "name": name})


def neighbours_of(scene: Scene, item: Item) -> list[Item]:
    """What stands beside an item and is of its kind; of types, where that is too few, types of any kind."""
    alike = [one for one in siblings_of(scene, item) if one.key != item.key]
    if item.owner is None:
        kinds = frozenset({item.kind})
        if item.kind in DECLARED_TYPES and sum(one.kind is item.kind for one in alike) < ENOUGH_NEIGHBOURS:
            kinds = DECLARED_TYPES
        items = scene.index.file_items(item.file)
        there = [one for one in (items.items if items is not None else ()) if one.module == item.module]
        there = [one for one in there if one.owner is None and not one.is_local and not one.is_test]
        return [one for one in there if one.kind in kinds and one.key != item.key]
    return alike


def visibility_proposals(
    scene: Scene, item: Item, now: str, others: list[str], name: str, field: Field | None = None
) -> Iterator[Proposal]:
    """The visibilities that let the scene's module see an item or a field of it, likeliest first."""
    viewers = scene.index.crates_of_file(scene.file)
    is_same_crate = any(item.file in crate.by_file for crate in viewers)
    module = scene.index.module_of(scene.file, scene.span.byte_start) if is_same_crate else None
    usual = [one for one, _ in Counter(one for one in others if one).most_common()]
    candidates = [*usual[:1], plain_visibility(scene, item) if is_same_crate else "pub"]
    if is_same_crate and counted(scene, "pub(super)") > counted(scene, "pub(crate)"):
        candidates.insert(1, "pub(super)")
    wanted = [one for one in dict.fromkeys(candidates) if one != now and is_visible(one, item.module, module)]
    start = field.byte_start if field is not None else item.byte_start
    for number, visibility in enumerate(wanted[:2]):
        yield Proposal(
            (visibility_edit(scene, item, start, visibility),),
            {"visibility": visibility, "name": name, "path": name},
            extra_cost=0.08 * number,
        )


def plain_visibility(scene: Scene, item: Item) -> str:
    """`pub(crate)`; `pub` in a private module of a crate that writes it so everywhere."""
    if counted(scene, "pub(crate)") or counted(scene, "pub(super)"):
        return "pub(crate)"
    owner = next((crate for crate in scene.index.crates if item.file in crate.by_file), None)
    visibilities = owner.module_visibilities if owner is not None else {}
    is_hidden = any(visibilities.get(item.module[:depth]) != "pub" for depth in range(1, len(item.module) + 1))
    return "pub" if is_hidden else "pub(crate)"


def counted(scene: Scene, visibility: str) -> int:
    """How many items of the workspace are as visible as that."""
    return sum(item.visibility == visibility for item in scene.index.items)


def visibility_edit(scene: Scene, item: Item, start: int, visibility: str) -> Edit:
    """Put a visibility at the beginning of an item or a field, in the place of the one that is there."""
    there = SOME_VISIBILITY.match(scene.context.read(item.file), start)
    return Edit(item.file, start, there.end() if there else start, f"{visibility} ")


def siblings_of(scene: Scene, item: Item) -> list[Item]:
    """What stands beside an item: the members of its type, or the items of its kind in its module."""
    if item.owner is not None:
        own = [one for one in scene.index.members_of(item.owner) if one.of_trait is None and not one.is_in_trait]
        return [one for one in own if one.kind is item.kind] or own
    items = scene.index.file_items(item.file)
    there = [one for one in (items.items if items is not None else ()) if one.module == item.module]
    there = [one for one in there if one.owner is None and not one.is_local and not one.is_test]
    alike = [one for one in there if one.kind is item.kind]
    return alike if any(one.visibility for one in alike) else there


def private_item(scene: Scene) -> Item | None:
    """The item that the compiler calls private, by where it says that it is declared."""
    for span in declared_spans(scene):
        item = item_at_span(scene, span)
        if item is not None:
            return item
    return None


def declared_spans(scene: Scene) -> Iterator[Span]:
    for pattern in (r"is defined here", r"consider marking", r"exists but is inaccessible"):
        span = scene.noted(pattern)
        if span is not None:
            yield span
    for pattern in (r"defined here", r"declared as (crate-)?private"):
        span = scene.labelled(pattern)
        if span is not None:
            yield span


def item_at_span(scene: Scene, span: Span) -> Item | None:
    """The item of the workspace that is declared at a span; for a span of an import the item that it names."""
    items = scene.index.file_items(span.file)
    if items is None:
        return None
    for item in items.items:
        if item.byte_start <= span.byte_start <= item.name_end and item.name_start <= span.byte_end:
            return item
    path = [part for part in re.split(r"\W+", span.text.split(" as ")[0]) if part]
    targets = scene.index.resolve(path, span.file, span.byte_start)
    return next((one.item for one in targets if one.item is not None), None)


def reexported_item(scene: Scene) -> Iterator[Proposal]:
    """`pub use inner::go;` of a private `go`: make `go` as visible as the import wants it."""
    path = [part for part in re.split(r"\W+", scene.diagnostic.spans[0].text.split(" as ")[0]) if part]
    item = private_item(scene)
    if item is None:
        targets = scene.index.resolve(path, scene.file, scene.span.byte_start)
        item = next((one.item for one in targets if one.item is not None), None)
    declaration = scene.around("use_declaration")
    visible = (
        next((scene.of(one) for one in declaration.children if one.type == "visibility_modifier"), "")
        if declaration
        else ""
    )
    visibility = visible or "pub"
    if item is None or not scene.context.is_editable(item.file) or item.visibility == visibility:
        return
    yield Proposal(
        (visibility_edit(scene, item, item.byte_start, visibility),), {"visibility": visibility, "name": item.name}
    )


def leaked_type(scene: Scene) -> Iterator[Proposal]:
    """A private type in a public interface becomes as visible as its neighbours."""
    item = private_item(scene)
    if item is not None and scene.context.is_editable(item.file) and item.visibility != "pub":
        edit = visibility_edit(scene, item, item.byte_start, "pub")
        yield Proposal((edit,), {"visibility": "pub", "name": item.name})


# ---- what the type offers instead -----------------------------------------------------------------------------


def accessor_of_field(scene: Scene) -> Iterator[Proposal]:
    """`shelf.name` -> `shelf.get_name()`, `shelf.size = 3` -> `shelf.set_size(3)`."""
    wanted, type_name = scene.values["wanted"], bare_type_name(scene.values["type"])
    access = scene.node.parent
    if spelled(scene) != wanted or access is None or not is_access(scene.node):
        return
    methods = [item for item in scene.index.methods_of(type_name) if item.self_parameter and is_usable(scene, item)]
    around = access.parent
    if around is not None and around.type == "assignment_expression" and around.child_by_field_name("left") == access:
        yield from setter_calls(scene, around, access, [one for one in methods if len(one.parameters) == 1])
        return
    getters = [one for one in methods if not one.parameters and one.returns and one.self_parameter == "&self"]
    for one in sorted(getters, key=lambda item: -accessor_likeness(wanted, item.name, "get"))[:1]:
        if accessor_likeness(wanted, one.name, "get") >= 0.7:
            yield Proposal((scene.replace(scene.span, f"{one.name}()"),), {"method": one.name})


def is_access(name: Node) -> bool:
    """Whether a field's name stands behind a dot; inside of macro calls there are only tokens."""
    if name.parent is not None and name.parent.type == "token_tree":
        before = name.prev_sibling
        return before is not None and before.type == "."
    return name.parent is not None and name.parent.type == "field_expression"


def setter_calls(scene: Scene, assignment: Node, access: Node, setters: list[Item]) -> Iterator[Proposal]:
    value, owner = assignment.child_by_field_name("right"), access.child_by_field_name("value")
    best = max(setters, key=lambda item: accessor_likeness(scene.values["wanted"], item.name, "set"), default=None)
    if best is None or value is None or owner is None:
        return
    if accessor_likeness(scene.values["wanted"], best.name, "set") >= 0.7:
        code = f"{scene.of(owner)}.{best.name}({scene.of(value)})"
        yield Proposal((scene.replace(assignment, code),), {"method": best.name})


def accessor_likeness(field: str, method: str, prefix: str) -> float:
    """How much a method looks like the one that gives or sets a field."""
    if prefix == "set" and not method.startswith(("set", "with", "update", "change")):
        return 0.0
    return max(similarity(field, method), similarity(f"{prefix}_{field}", method))


def constructor_for_literal(scene: Scene) -> Iterator[Proposal]:
    """`Shelf { name: a, size: b }` -> `Shelf::new(a, b)`, where a function has parameters of these names."""
    literal = scene.around("struct_expression")
    name = literal.child_by_field_name("name") if literal is not None else None
    body = literal.child_by_field_name("body") if literal is not None else None
    if literal is None or name is None or body is None:
        return
    given: dict[str, str] = {}
    for child in code_children(body):
        if child.type == "shorthand_field_initializer":
            given[scene.of(child)] = scene.of(child)
        elif child.type == "field_initializer":
            field, value = child.child_by_field_name("field"), child.child_by_field_name("value")
            if field is None or value is None:
                return
            given[scene.of(field)] = scene.of(value)
        else:
            return
    type_name = bare_type_name(scene.of(name))
    for one in scene.index.methods_of(type_name):
        names = [parameter.name for parameter in one.parameters]
        makes_it = one.self_parameter is None and bare_type_name(one.returns or "") in {"Self", type_name}
        if makes_it and sorted(names) == sorted(given) and is_usable(scene, one):
            arguments = ", ".join(given[parameter] for parameter in names)
            yield Proposal(
                (scene.replace(literal, f"{scene.of(name)}::{one.name}({arguments})"),), {"function": one.name}
            )


def constructor_for_tuple(scene: Scene) -> Iterator[Proposal]:
    """`Price(3)` -> `Price::new(3)`, where the fields are private and one function of the type takes as many."""
    call = scene.around("call_expression")
    function = call.child_by_field_name("function") if call is not None else None
    arguments = call.child_by_field_name("arguments") if call is not None else None
    if function is None or arguments is None or not (function.start_byte <= scene.span.byte_start < function.end_byte):
        return
    type_name = bare_type_name(scene.of(function))
    found = [
        one
        for one in scene.index.methods_of(type_name)
        if one.kind in FUNCTION_KINDS
        and one.self_parameter is None
        and one.of_trait is None
        and bare_type_name(one.returns or "") in {"Self", type_name}
        and len(one.parameters) == len(code_children(arguments))
        and is_usable(scene, one)
    ]
    for one in found[:2]:
        yield Proposal(
            (scene.replace(function, f"{scene.of(function)}::{one.name}"),),
            {"function": one.name},
            question=f"which function makes a `{type_name}`" if len(found) > 1 else None,
        )
