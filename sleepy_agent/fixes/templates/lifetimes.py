"""Lifetimes in signatures: which parameter a returned reference comes from, names that nobody declares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tree_sitter import Node

from sleepy_agent.code.names import edit_distance
from sleepy_agent.code.scopes import lifetimes_at
from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.generics_edits import (
    Elided,
    declare,
    declared_parameters,
    elided_places,
    free_lifetime,
    lifetimes_used,
)
from sleepy_agent.fixes.templates.lifetimes_flow import last_expression, returned_names, returned_nodes
from sleepy_agent.fixes.templates.scene import Proposal, Scene

Parameter = tuple[str, list[Elided], list[str]]
"""Name, the places without a lifetime in its type, and the lifetimes that its type names."""


def returned_reference(scene: Scene) -> Iterator[Proposal]:
    """The returned reference gets the lifetime of the parameters it comes from (E0106)."""
    function = scene.function()
    returned = function.child_by_field_name("return_type") if function is not None else None
    if function is None or returned is None or not inside_node(returned, scene.span.byte_start):
        return
    places = list(elided_places(scene.index, returned, scene.text))
    if places:
        yield from tied(scene, function, places)


def returned_parameter(scene: Scene) -> Iterator[Proposal]:
    """The returned reference comes from another parameter than the signature says: name the lifetime."""
    function = scene.function()
    if function is None or is_of_trait(function) or function.child_by_field_name("body") is None:
        return
    returned = function.child_by_field_name("return_type")
    places = list(elided_places(scene.index, returned, scene.text)) if returned is not None else []
    if places:
        yield from tied(scene, function, places)


def is_of_trait(function: Node) -> bool:
    """Whether the function's signature is a trait's."""
    around = next((one for one in ancestors(function.parent) if one.type in {"impl_item", "trait_item"}), None)
    return around is not None and (around.type == "trait_item" or around.child_by_field_name("trait") is not None)


def tied(scene: Scene, function: Node, places: Sequence[Elided]) -> Iterator[Proposal]:
    """One lifetime for the returned places and for parameters: those the value comes from, else all alike."""
    parameters = parameters_of_function(scene, function)
    able = [one for one in parameters if one[1] or one[2]]
    names = returned_names(function, scene.text)
    reached = [one for one in able if one[0] in names]
    pointees = {place.pointee for place in places}
    alike = [one for one in able if any(place.pointee in pointees for place in one[1])]
    choices = [reached, alike if not reached else [], able]
    seen: list[list[Parameter]] = []
    for choice in choices:
        if choice and choice not in seen:
            seen.append(choice)
            edits = tie_edits(scene, function, places, choice, pointees)
            if edits:
                words = " and ".join(f"`{name}`" for name, _, _ in choice)
                yield Proposal(edits, {"parameters": words}, extra_cost=0.04 * (len(seen) - 1))


def parameters_of_function(scene: Scene, function: Node) -> list[Parameter]:
    """The parameters of a function with what their types say of lifetimes."""
    parameters = function.child_by_field_name("parameters")
    found: list[Parameter] = []
    for child in code_children(parameters) if parameters is not None else ():
        if child.type == "self_parameter":
            places = list(elided_places(scene.index, child, scene.text))
            found.append(("self", places, lifetimes_used(scene.of(child))))
        elif child.type == "parameter":
            pattern, type_node = child.child_by_field_name("pattern"), child.child_by_field_name("type")
            if pattern is not None and type_node is not None:
                places = list(elided_places(scene.index, type_node, scene.text))
                found.append((scene.of(pattern), places, lifetimes_used(scene.of(type_node))))
    return found


def tie_edits(
    scene: Scene, function: Node, places: Sequence[Elided], chosen: Sequence[Parameter], pointees: set[str]
) -> tuple[Edit, ...]:
    """The edits that give one lifetime to the returned places and the chosen parameters."""
    named = {name for _, _, lifetimes in chosen for name in lifetimes}
    if len(named) > 1:
        return ()
    edits: list[Edit] = []
    if named:
        lifetime = next(iter(named))
    else:
        around = next((one for one in ancestors(function.parent) if one.type in {"impl_item", "trait_item"}), function)
        lifetime = free_lifetime(header_of(scene, around) + header_of(scene, function))
        declaration = declare(scene.file, function, lifetime)
        if declaration is None:
            return ()
        edits.append(declaration)
    edits += [place.named(scene.file, lifetime) for place in places]
    for _, elided, lifetimes in chosen:
        if not lifetimes:
            fitting = [place for place in elided if place.pointee in pointees] or [
                place for place in elided if place.depth == min(one.depth for one in elided)
            ]
            edits += [place.named(scene.file, lifetime) for place in fitting]
    return tuple(edits)


def header_of(scene: Scene, item: Node) -> str:
    """The code of an item in front of its body."""
    body = item.child_by_field_name("body")
    return scene.code(item.start_byte, body.start_byte if body is not None else item.end_byte)


def inside_node(node: Node, position: int) -> bool:
    return node.start_byte <= position < node.end_byte


def returned_from_self(scene: Scene) -> Iterator[Proposal]:
    """A method promises the type's own lifetime and gives what it borrowed from `self`: promise only that."""
    function = scene.function()
    returned = function.child_by_field_name("return_type") if function is not None else None
    if function is None or returned is None or is_of_trait(function):
        return
    receiver = next((one for one in parameters_of_function(scene, function) if one[0] == "self"), None)
    own = set(declared_parameters(function, scene.text))
    named = lifetimes_used(scene.of(returned))
    if receiver is not None and receiver[1] and not receiver[2] and len(named) == 1 and named[0] in own:
        yield Proposal((receiver[1][0].named(scene.file, named[0]),), {"lifetime": named[0]})
        return
    if receiver is None or not receiver[1] or receiver[2] or len(named) != 1:
        return
    lifetimes = [node for node in nodes_of(returned, "lifetime") if scene.of(node) == named[0]]
    edits = []
    for lifetime in lifetimes:
        parent = lifetime.parent
        if parent is not None and parent.type == "reference_type":
            end = lifetime.end_byte
            while scene.text[end : end + 1].isspace():
                end += 1
            edits.append(scene.delete(lifetime.start_byte, end))
        else:
            edits.append(scene.replace(lifetime, "'_"))
    if edits:
        yield Proposal(tuple(edits), {"lifetime": named[0]})
        place = receiver[1][0]
        yield Proposal((place.named(scene.file, named[0]),), {"lifetime": named[0]}, extra_cost=0.15)


def nodes_of(node: Node, kind: str) -> Iterator[Node]:
    """The nodes of a kind at or below a node."""
    if node.type == kind:
        yield node
    for child in node.children:
        yield from nodes_of(child, kind)


# ---- names that are nowhere declared ------------------------------------------------------------------------


def near_lifetime(scene: Scene) -> Iterator[Proposal]:
    """A lifetime that is not declared is a misspelt one, or the only one there is."""
    node = scene.node if scene.node.type == "lifetime" else scene.around("lifetime")
    if node is None:
        return
    wrong = scene.of(node)
    known = [name for name in dict.fromkeys(lifetimes_at(node, scene.text)) if name != wrong]
    near = [name for name in known if len(name) > 2 and edit_distance(name, wrong) <= max(1, len(name) // 4)]
    if len(near) == 1 or len(known) == 1:
        right = near[0] if len(near) == 1 else known[0]
        item = next((one for one in ancestors(node) if one.type.endswith("_item")), None)
        places = [one for one in nodes_of(item, "lifetime") if scene.of(one) == wrong] if item is not None else [node]
        if item is not None and any(one.parent is not None and one.parent.type == "for_lifetimes" for one in places):
            return
        edits = tuple(scene.replace(one, right) for one in places)
        yield Proposal(edits, {"wrong": wrong, "right": right}, extra_cost=0.0 if near else 0.2)


def lifetime_of_implementation(scene: Scene) -> Iterator[Proposal]:
    """An implementation uses a lifetime that it does not declare: `impl<'a> Parser<'a>`."""
    implementation = scene.around("impl_item")
    of_type = implementation.child_by_field_name("type") if implementation is not None else None
    if implementation is None or of_type is None:
        return
    header = header_of(scene, implementation)
    trait = implementation.child_by_field_name("trait")
    places = [place for part in (trait, of_type) if part is not None for place in header_places(scene, part)]
    unknown = [name for name in lifetimes_used(header) if name not in declared_parameters(implementation, scene.text)]
    declared = [name for name in declared_parameters(implementation, scene.text) if name.startswith("'")]
    if places and len(declared) == 1 and header.count(declared[0]) == 1:
        edits = tuple(place.named(scene.file, declared[0]) for place in places)
        yield Proposal(edits, {"lifetime": declared[0]})
        return
    if not unknown and places:
        unknown = lifetimes_not_declared(scene, implementation)
    if scene.problem.code == "E0726" and not unknown and trait is not None and places:
        unknown = [free_lifetime(scene.of(implementation))]
    if scene.problem.code == "E0726" and not unknown and places:
        return
    if len(unknown) != 1:
        return
    declaration = declare(scene.file, implementation, unknown[0])
    if declaration is not None:
        edits = (declaration, *(place.named(scene.file, unknown[0]) for place in places))
        yield Proposal(edits, {"lifetime": unknown[0]})


def header_places(scene: Scene, part: Node) -> list[Elided]:
    """Where the trait or the type of an implementation leaves a lifetime out."""
    places = list(elided_places(scene.index, part, scene.text))
    trait = scene.index.trait_named(scene.of(part)) if part.type == "type_identifier" and not places else None
    if trait is not None and trait.generics.count("'") == 1:
        places.append(Elided(part.end_byte, part.end_byte, "<{}>", trait.name, 0))
    return places


def lifetimes_not_declared(scene: Scene, implementation: Node) -> list[str]:
    """The lifetimes that the members of an implementation use and nobody declares."""
    found = []
    for node in nodes_of(implementation, "lifetime"):
        name = scene.of(node)
        is_known = name in {"'_", "'static"} or name in lifetimes_at(node, scene.text)
        if not is_known and not any(one.type in {"for_lifetimes", "label"} for one in ancestors(node)):
            found.append(name)
    return list(dict.fromkeys(found))


def lifetime_of_associated_type(scene: Scene) -> Iterator[Proposal]:
    """An associated type borrows: from the lifetime of the type that implements the trait."""
    implementation = scene.around("impl_item")
    member = scene.around({"type_item", "associated_type"})
    if implementation is None or member is None:
        return
    value = member.child_by_field_name("type")
    header = [
        place
        for name in ("trait", "type")
        for node in [implementation.child_by_field_name(name)]
        if node is not None
        for place in elided_places(scene.index, node, scene.text)
    ]
    declared = [name for name in declared_parameters(implementation, scene.text) if name.startswith("'")]
    places = list(elided_places(scene.index, value, scene.text)) if value is not None else []
    if not places:
        return
    body = implementation.child_by_field_name("body")
    written = scene.of(value) if value is not None else ""
    for one in code_children(body) if body is not None and written else ():
        returned = one.child_by_field_name("return_type")
        # What a method hands out is the associated type, however it is written there.
        if one.type == "function_item" and returned is not None and written in scene.of(returned):
            places += elided_places(scene.index, returned, scene.text)
    if len(declared) == 1 and not header:
        yield Proposal(tuple(place.named(scene.file, declared[0]) for place in places), {"lifetime": declared[0]})
        return
    if declared or not header:
        return
    lifetime = next(iter(lifetimes_not_declared(scene, implementation)), None) or free_lifetime(
        scene.of(implementation)
    )
    declaration = declare(scene.file, implementation, lifetime)
    if declaration is not None:
        edits = (declaration, *(place.named(scene.file, lifetime) for place in [*header, *places]))
        yield Proposal(edits, {"lifetime": lifetime})


def other_name_for_lifetime(scene: Scene) -> Iterator[Proposal]:
    """A lifetime parameter with a name it cannot have (`'static`, or one of the item around) gets a free one."""
    node = scene.node if scene.node.type == "lifetime" else scene.around("lifetime")
    owner = next((one for one in ancestors(node) if one.type.endswith("_item")), None) if node is not None else None
    if node is None or owner is None or scene.of(node) not in declared_parameters(owner, scene.text):
        return
    wrong = scene.of(node)
    around = next((one for one in ancestors(owner.parent) if one.type in {"impl_item", "trait_item"}), owner)
    new = free_lifetime(scene.of(around))
    places = [one for one in nodes_of(owner, "lifetime") if scene.of(one) == wrong]
    edits = tuple(scene.replace(one, new) for one in places)
    yield Proposal(edits, {"wrong": wrong, "right": new})


# ---- what should not be a reference at all ------------------------------------------------------------------


def returned_local(scene: Scene) -> Iterator[Proposal]:
    """A function without references to give back returns one to its own local value: return the value."""
    function = scene.function()
    returned = function.child_by_field_name("return_type") if function is not None else None
    body = function.child_by_field_name("body") if function is not None else None
    if function is None or returned is None or body is None or returned.type != "reference_type":
        return
    if any(one[1] or one[2] for one in parameters_of_function(scene, function)):
        return
    nodes = list(returned_nodes(body))
    if len(nodes) != 1 or last_expression(body) != nodes[0]:
        return
    owned = OWNED.get(scene.of(returned.child_by_field_name("type") or returned))
    pointee = scene.of(returned.child_by_field_name("type") or returned)
    element = re.fullmatch(r"\[(.*)\]", pointee, re.DOTALL)
    written = owned or (f"Vec<{element[1]}>" if element and ";" not in element[1] else pointee)
    local = re.fullmatch(r"&\s*(\w+)(\[\.\.\])?|(\w+)\.as_(str|slice|ref)\(\)", scene.of(nodes[0]))
    if local is not None and not (local[1] or local[3]).isupper():
        name = local[1] or local[3]
        edits = (scene.replace(returned, written), scene.replace(nodes[0], name))
        yield Proposal(edits, {"type": written, "name": name})


OWNED = {"str": "String", "Path": "PathBuf", "OsStr": "OsString"}
