"""Bounds: a trait that generic code needs of a type parameter, put where the parameter is declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tree_sitter import Node

from sleepy_agent.code.scopes import type_parameters_at
from sleepy_agent.code.std_names import std_trait
from sleepy_agent.code.syntax import ancestors, code_children
from sleepy_agent.code.type_text import type_arguments
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.templates.generics_edits import add_bound, declared_parameters, parameters_of
from sleepy_agent.fixes.templates.scene import Proposal, Scene

UNSATISFIED = re.compile(
    r"^(?:trait bound )?`(?P<type>\w+): (?P<trait>[\w:]+(?:<[^`]*>)?)`(?: was not satisfied)?$", re.MULTILINE
)
RESTRICTING = re.compile(
    r"^consider (?:further )?restricting type parameter `(?P<type>\w+)` with trait"
    r"|^the following trait defines an item `\w+`, perhaps you need to restrict type parameter `(?P<other>\w+)` with it"
)
# Where a method comes from many a trait, this one is rarely meant.
RARELY_MEANT = frozenset({"ExactSizeIterator"})
# Nobody asks for the trait that follows from another one by itself.
ASKED_INSTEAD = {"ToString": "std::fmt::Display"}
MISSING = (
    re.compile(r"the trait bound `(?P<type>\w+): (?P<trait>[\w:]+)` is not satisfied"),
    re.compile(r"`(?P<type>\w+)` doesn't implement `(?P<trait>[\w:]+)`"),
    re.compile(r"the trait `(?P<trait>[\w:]+)` is not implemented for `(?P<type>\w+)`"),
)
NOT_COPY = re.compile(r"has type `(?P<type>[^`]+)`, which does not implement the `Copy` trait")
# The trait of std that an associated type of this name most often belongs to.
OWNER_OF_ASSOCIATED_TYPE = {"Item": "Iterator", "IntoIter": "IntoIterator", "Target": "Deref", "Err": "FromStr"}
# These traits come with others that need not be said.
IMPLIED = {
    "Eq": {"PartialEq"},
    "Ord": {"PartialEq", "Eq", "PartialOrd"},
    "PartialOrd": {"PartialEq"},
    "Copy": {"Clone"},
}


def unsatisfied_bounds(scene: Scene) -> Iterator[Proposal]:
    """All the bounds that a method needs of a type parameter, at once (`K: Eq + Hash`)."""
    wanted: dict[str, list[str]] = {}
    known = type_parameters_at(scene.node, scene.text)
    for found in UNSATISFIED.finditer(scene.said):
        if found["type"] in known and found["trait"] not in wanted.setdefault(found["type"], []):
            wanted[found["type"]].append(found["trait"])
    for parameter, traits in wanted.items():
        names = [trait.rsplit("::", 1)[-1] for trait in traits]
        needed = [
            trait
            for trait, name in zip(traits, names, strict=True)
            if not any(name in IMPLIED.get(other, ()) for other in names) and name != "Iterator"
        ]
        yield from bounded(scene, parameter, needed)


def restricted(scene: Scene) -> Iterator[Proposal]:
    """The bound that rustc proposes, written as people write it: `PartialOrd`, not `std::cmp::PartialOrd`."""
    for suggestion in scene.diagnostic.suggestions:
        found = RESTRICTING.match(suggestion.message)
        path = re.search(r"[\w:]*::\w+(<.*>)?\s*,?$", suggestion.edits[0].replacement) if suggestion.edits else None
        path = path or (re.search(r"\w+(<.*>)?\s*,?$", suggestion.edits[0].replacement) if suggestion.edits else None)
        if found is None or path is None or len(suggestion.edits) != 1:
            continue
        edit = suggestion.edits[0]
        trait = path[0].rstrip(" ,")
        if trait in RARELY_MEANT:
            continue
        parameter = found["type"] or found["other"]
        written, imports = trait_name_at(scene, ASKED_INSTEAD.get(trait, trait))
        node = scene.node_of(scene.span)
        owner = declaring_item(scene, node, parameter)
        eager = add_bound(scene.file, owner, scene.text, parameter, written) if owner is not None else None
        if edit.file != scene.file or eager is None:
            continue
        is_same_place = (eager.byte_start, eager.byte_end) == (edit.byte_start, edit.byte_end)
        new = (
            eager
            if is_same_place or written.split("<")[0] in {"Eq"}
            else replace(edit, replacement=edit.replacement.replace(trait, written))
        )
        yield Proposal((*imports, new), {"parameter": parameter, "traits": f"`{written}`"})
        return


def copy_bound(scene: Scene) -> Iterator[Proposal]:
    """A value of a generic type is used after it was moved, or taken out of a reference: ask for `Copy`."""
    known = type_parameters_at(scene.node, scene.text)
    for found in NOT_COPY.finditer(scene.said):
        item = scene.index.type_named(found["type"])
        # A type that derives `Copy` is copied where its arguments are.
        inner = type_arguments(found["type"]) if item is not None and "Copy" in item.derives else ()
        wanted = [name for name in (found["type"], *inner) if name in known]
        if len(wanted) == 1:
            yield from bounded(scene, wanted[0], ["Copy"])
            return


def bound_of_self(scene: Scene) -> Iterator[Proposal]:
    """A trait's default method needs a trait of `Self`: build on it."""
    trait = scene.around("trait_item")
    wanted = next((found for pattern in MISSING for found in pattern.finditer(scene.said)), None)
    if (
        trait is None
        or wanted is None
        or wanted["type"] != "Self"
        or wanted["trait"] in {"Sized", "std::marker::Sized"}
    ):
        return
    written, edits = trait_name_at(scene, wanted["trait"])
    bounds = trait.child_by_field_name("bounds")
    name = trait.child_by_field_name("name")
    last = bounds or parameters_of(trait) or name
    if last is None:
        return
    separator = " + " if bounds is not None else ": "
    edits = (*edits, scene.insert(last.end_byte, f"{separator}{written}"))
    yield Proposal(edits, {"parameter": "Self", "traits": f"`{written}`"})


def bound_for_associated_type(scene: Scene) -> Iterator[Proposal]:
    """`I::Item` of a parameter without the trait that has an `Item`."""
    path = scene.around("scoped_type_identifier")
    parameter = path.child_by_field_name("path") if path is not None else None
    name = path.child_by_field_name("name") if path is not None else None
    if parameter is None or name is None:
        return
    owners = [
        item.owner
        for item in scene.index.items_named(scene.of(name))
        if item.is_in_trait and item.owner is not None and item.kind.value == "associated type"
    ]
    traits = list(dict.fromkeys(owners)) or [OWNER_OF_ASSOCIATED_TYPE.get(scene.of(name), "")]
    if len(traits) == 1 and traits[0]:
        yield from bounded(scene, scene.of(parameter), traits)


def bounded(scene: Scene, parameter: str, traits: Sequence[str]) -> Iterator[Proposal]:
    """The bounds on the parameter, where it is declared."""
    owner = declaring_item(scene, scene.node, parameter)
    if owner is None or not traits:
        return
    words, edits = [], list[Edit]()
    for trait in traits:
        written, imports = trait_name_at(scene, trait)
        words.append(written)
        edits += imports
    bound = add_bound(scene.file, owner, scene.text, parameter, " + ".join(words))
    if bound is not None:
        yield Proposal((*edits, bound), {"parameter": parameter, "traits": " and ".join(f"`{word}`" for word in words)})


def declaring_item(scene: Scene, node: Node, parameter: str) -> Node | None:
    """The innermost item around a node that declares the parameter."""
    return next((one for one in ancestors(node) if parameter in declared_parameters(one, scene.text)), None)


def trait_name_at(scene: Scene, trait: str) -> tuple[str, tuple[Edit, ...]]:
    """How a trait is written at the scene's place, with the import that this needs."""
    arguments = trait[trait.index("<") :] if "<" in trait else ""
    path = trait.removesuffix(arguments).removeprefix("core::").removeprefix("std::").split("::")
    name = path[-1]
    visible = {one.name for one in scene.index.visible_names(scene.file, scene.span.byte_start) if one.kind != "macro"}
    known = std_trait(name)
    if known is None:
        is_short = len(path) == 1 or is_imported_trait(scene, name)
        return (name if is_short else trait.removesuffix(arguments)) + arguments, ()
    if known.is_in_prelude or is_imported_trait(scene, name):
        return name + arguments, ()
    module = known.path[-2]
    if module in visible:
        return f"{module}::{name}{arguments}", ()
    if name in visible:
        return known.written_path + arguments, ()
    edit = scene.import_edit(known.written_path)
    return (known.written_path, ()) if edit is None else (name + arguments, (edit,))


def is_imported_trait(scene: Scene, name: str) -> bool:
    return any(one.name == name for one in scene.index.imports_at(scene.file, scene.span.byte_start))


# ---- bounds that stand in the way ---------------------------------------------------------------------------


def bound_of_trait(scene: Scene) -> Iterator[Proposal]:
    """A method of an implementation asks more of its parameter than the trait does: ask no more (E0276)."""
    found = re.search(r"impl has extra requirement `(?P<type>[^`]+): (?P<trait>[^`]+)`", scene.said)
    bounds = scene.around("trait_bounds")
    holder = bounds.parent if bounds is not None else None
    if found is None or bounds is None or holder is None:
        return
    values = {"type": found["type"], "trait": found["trait"]}
    written = code_children(bounds)
    kept = [scene.of(child) for child in written if not (child.start_byte <= scene.span.byte_start < child.end_byte)]
    clause = holder.parent
    if holder.type == "type_parameter" or kept:
        yield Proposal((scene.replace(bounds, f": {' + '.join(kept)}" if kept else ""),), values)
    elif clause is not None and clause.type == "where_clause" and len(code_children(clause)) == 1:
        yield Proposal((scene.delete(len(scene.text[: clause.start_byte].rstrip()), clause.end_byte),), values)
    signature = scene.labelled(r"definition of `\w+` from trait")
    if signature is None or not scene.context.is_editable(signature.file):
        return
    other = scene.elsewhere(signature)
    function = other.function()
    position = declared_place(other, function, found["type"], scene)
    if function is not None and position is not None:
        edit = add_bound(other.file, function, other.text, position, found["trait"])
        if edit is not None:
            yield Proposal((edit,), values, extra_cost=0.1)


def declared_place(other: Scene, function: Node | None, name: str, scene: Scene) -> str | None:
    """The trait's name of the parameter at the same place in the list."""
    mine = scene.function()
    if function is None or mine is None:
        return None
    names = list(declared_parameters(mine, scene.text))
    theirs = list(declared_parameters(function, other.text))
    return theirs[names.index(name)] if name in names and names.index(name) < len(theirs) else None


def bound_of_dropped_type(scene: Scene) -> Iterator[Proposal]:
    """`Drop` asks for a bound that its type does not: the type must ask for it too (E0367)."""
    found = re.search(r"`Drop` impl requires `(?P<type>\w+): (?P<trait>[\w:<>]+)` but", scene.problem.message)
    span = scene.noted(r"the implementor must specify the same requirement")
    if found is None or span is None or not scene.context.is_editable(span.file):
        return
    other = scene.elsewhere(span)
    owner = other.around({"struct_item", "enum_item"})
    implementation = scene.around("impl_item")
    names = [name for name in declared_parameters(owner, other.text) if name[0] != "'"] if owner is not None else []
    mine = declared_parameters(implementation, scene.text) if implementation is not None else {}
    order = [name for name in mine if name[0] != "'"]
    if owner is None or found["type"] not in order or order.index(found["type"]) >= len(names):
        return
    edit = add_bound(other.file, owner, other.text, names[order.index(found["type"])], found["trait"])
    if edit is not None:
        yield Proposal((edit,), {"type": found["type"], "trait": found["trait"]})
