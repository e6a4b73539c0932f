"""Fields that a struct or a variant does not have under that name (E0609, E0560, E0559, E0026)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sleepy_agent.code.items import Field
from sleepy_agent.code.scopes import declaration_of
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.fixes.templates.names_members import dereferenced_types, members_of_type
from sleepy_agent.fixes.templates.names_near import KnownName, called_with, is_nameable, rename_proposals, spelled
from sleepy_agent.fixes.templates.scene import Proposal, Scene

AVAILABLE = re.compile(r"available fields? (?:is|are): (?P<names>.*)")
QUOTED = re.compile(r"`([^`]+)`")


def nearest_field(scene: Scene) -> Iterator[Proposal]:
    """`point.coord_x` -> `point.x_coord`; a method that is near answers too: `shelf.counts` -> `shelf.count()`."""
    wanted, type_text = scene.values["wanted"], scene.values["type"]
    if spelled(scene) != wanted or called_with(scene.node) is not None:
        return
    known = [KnownName(name) for name in listed_names(scene)]
    known += [KnownName(one.name) for one in visible_fields(scene, type_text)]
    for inner in dereferenced_types(scene, type_text):
        known += [KnownName(one.name) for one in visible_fields(scene, inner)]
    is_written_to = scene.node.parent is not None and is_assigned(scene)
    for name, item in members_of_type(scene, type_text):
        takes_nothing = item is not None and item.self_parameter is not None and not item.parameters
        if not is_written_to and (takes_nothing or (item is None and name in PLAIN_METHODS)):
            known.append(KnownName(name, written=f"{name}()", fit=-0.08))
    yield from rename_proposals(scene, scene.span, wanted, known)


# Methods of std that take nothing and only look.
PLAIN_METHODS = frozenset({"len", "is_empty", "iter", "first", "last", "keys", "values", "chars", "as_str", "capacity"})


def visible_fields(scene: Scene, type_text: str) -> Iterator[Field]:
    """The fields of a type that can be named here."""
    item = scene.index.meant_type(bare_type_name(type_text))
    for one in item.fields if item is not None else ():
        if item is not None and is_nameable(scene, one.visibility, item.file, item.module):
            yield one


def listed_names(scene: Scene) -> list[str]:
    """The names in "available fields are: ..."."""
    found = AVAILABLE.search(scene.said)
    return QUOTED.findall(found["names"]) if found else []


def is_assigned(scene: Scene) -> bool:
    """Whether the field is the target of an assignment, so that a method cannot stand there."""
    node = scene.node
    while node.parent is not None and node.parent.type == "field_expression":
        node = node.parent
    around = node.parent
    return (
        around is not None
        and around.type in {"assignment_expression", "compound_assignment_expr"}
        and around.child_by_field_name("left") == node
    )


def nearest_field_of_literal(scene: Scene) -> Iterator[Proposal]:
    """`Point { heigth: 3 }` -> `Point { height: 3 }`, in literals and in patterns, of structs and of variants."""
    wanted = scene.values["wanted"]
    if spelled(scene) != wanted:
        return
    literal = scene.around({"struct_expression", "struct_pattern"})
    if literal is None:
        return
    fields = {one.name for one in fields_of_path(scene, scene.values["type"])} | set(listed_names(scene))
    free = sorted(name for name in fields - given_fields(scene) if not name.isdigit())
    known = [KnownName(name, written=name_in_literal(scene, name, wanted)) for name in free]
    proposals = list(rename_proposals(scene, scene.span, wanted, known))
    if not proposals and len(free) == 1 and ".." not in scene.of(literal):
        only = known[0].code
        proposals = [Proposal((scene.replace(scene.span, only),), {"wanted": wanted, "found": only}, extra_cost=0.2)]
    yield from proposals


def name_in_literal(scene: Scene, field: str, wanted: str) -> str:
    """How a field is written where `wanted` stands: `field: wanted` where that is short for `wanted: wanted` and
    `wanted` is a name of its own."""
    parent = scene.node.parent
    if scene.node.type != "shorthand_field_identifier" and (parent is None or parent.type not in SHORTHANDS):
        return field
    function = scene.function()
    if parent is not None and parent.type == "field_pattern":
        is_own = function is not None and len(re.findall(rf"\b{wanted}\b", scene.of(function))) > 1
    else:
        is_own = declaration_of(scene.root, scene.text, scene.span.byte_start, wanted) is not None
    return f"{field}: {wanted}" if is_own else field


SHORTHANDS = frozenset({"shorthand_field_initializer"})


def given_fields(scene: Scene) -> set[str]:
    """The fields that the literal or pattern around names already."""
    literal = scene.around({"struct_expression", "struct_pattern"})
    names: set[str] = set()
    waiting = list(literal.children) if literal is not None else []
    while waiting:
        node = waiting.pop()
        if node.type in {"field_initializer", "field_pattern", "shorthand_field_initializer"}:
            name = node.child_by_field_name("field") or node.child_by_field_name("name") or node.named_child(0)
            if name is not None:
                names.add(scene.of(name))
        elif node.type == "field_initializer_list":
            waiting += node.children
    return names


def fields_of_path(scene: Scene, path: str) -> tuple[Field, ...]:
    """The fields of a struct, or of a variant written as `Enum::Variant`."""
    segments = [part.strip() for part in path.split("::")]
    if len(segments) > 1:
        for variant in scene.index.variants_of(segments[-2]):
            if variant.name == segments[-1]:
                return variant.fields
    return tuple(visible_fields(scene, segments[-1]))
