"""The items of one Rust file: what it declares, implements and imports. Pure, and tolerant of broken code.

Where a brace is missing the tree puts what follows into the broken function; such items are told by their
column, and by a `self` that only a member can have, and are put back where they were meant to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import tree_sitter
import tree_sitter_rust
from tree_sitter import Node

from sleepy_agent.code.import_places import import_place_in
from sleepy_agent.code.item_parts import (
    Attributes,
    named,
    parameter_names,
    range_of,
    read_attributes,
    read_bounds,
    read_fields,
    read_parameters,
    read_variants,
    text_of,
)
from sleepy_agent.code.item_records import (
    FUNCTION_KINDS,
    TYPE_KINDS,
    Field,
    FileItems,
    Implementation,
    Import,
    Item,
    ItemKind,
    Module,
    Parameter,
    Range,
    Variant,
)
from sleepy_agent.code.syntax import COMMENT_KINDS, ancestors, parse_rust
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.code.use_trees import use_leaves

__all__ = [
    "FUNCTION_KINDS",
    "TYPE_KINDS",
    "Field",
    "FileItems",
    "Implementation",
    "Import",
    "Item",
    "ItemKind",
    "Module",
    "Parameter",
    "Variant",
    "items_of_file",
]

KINDS = {
    "function_item": ItemKind.FUNCTION,
    "function_signature_item": ItemKind.FUNCTION,
    "struct_item": ItemKind.STRUCT,
    "enum_item": ItemKind.ENUM,
    "union_item": ItemKind.UNION,
    "trait_item": ItemKind.TRAIT,
    "type_item": ItemKind.TYPE_ALIAS,
    "associated_type": ItemKind.ASSOCIATED_TYPE,
    "const_item": ItemKind.CONST,
    "static_item": ItemKind.STATIC,
    "mod_item": ItemKind.MODULE,
    "macro_definition": ItemKind.MACRO,
}
OTHERS = ("impl_item", "use_declaration", "extern_crate_declaration", "foreign_mod_item")


@dataclass(frozen=True, slots=True)
class Place:
    """Where items are being read."""

    file: Path
    text: bytes
    module: tuple[str, ...]
    inline_parents: tuple[str, ...] = ()
    owner: str | None = None
    of_trait: str | None = None
    is_in_trait: bool = False
    scope: Range | None = None
    is_test: bool = False
    is_broken: bool = False
    """Whether the tree of the file has errors."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was read so far."""

    items: list[Item] = field(default_factory=list)
    implementations: list[Implementation] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)


@cache
def _items_in_blocks() -> tree_sitter.Query:
    """Finds items that stand inside of function bodies; a query does in C what a walk would do in Python."""
    kinds = " ".join(f"({kind})" for kind in (*KINDS, *OTHERS))
    return tree_sitter.Query(tree_sitter.Language(tree_sitter_rust.language()), f"(block [{kinds}]) @block")


def items_of_file(file: Path, text: bytes, module: tuple[str, ...] = (), *, is_test: bool = False) -> FileItems:
    """Everything that the text declares. `module`: the path of the module that the file is."""
    root = parse_rust(text)
    found = Found()
    place = Place(file, text, module, is_test=is_test, is_broken=root.has_error)
    read_container(root, place, found)
    bodies = sorted(
        (one for one in found.modules if one.body_start is not None), key=lambda one: one.byte_start, reverse=True
    )
    for block in tree_sitter.QueryCursor(_items_in_blocks()).captures(root).get("block", []):
        around = next((one for one in bodies if one.byte_start <= block.start_byte < one.byte_end), None)
        read_container(block, _place_of_block(block, place, around), found)
    own = Module(module, file, 0, len(text), 0, len(text), "", is_test=is_test)
    return FileItems(
        file=file,
        module=module,
        text=text,
        items=tuple(sorted(found.items, key=lambda item: (item.attributes_start, -item.byte_end))),
        implementations=tuple(sorted(found.implementations, key=lambda one: one.byte_start)),
        imports=tuple(sorted(found.imports, key=lambda one: one.leaf_start)),
        modules=(_with_import_place(own, root, text), *found.modules),
        is_test=is_test,
    )


def _with_import_place(module: Module, body: Node, text: bytes) -> Module:
    position, indentation = import_place_in(body, text)
    return replace(module, import_place=position, import_indentation=indentation)


def _place_of_block(block: Node, place: Place, around: Module | None) -> Place:
    function = next((node for node in ancestors(block) if node.type == "function_item"), None)
    is_test = function is not None and read_attributes(_before(function), function, place.text).is_test
    return replace(
        place,
        module=around.path if around is not None else place.module,
        inline_parents=(*around.inline_parents, around.name) if around is not None else (),
        scope=(block.start_byte, block.end_byte),
        is_test=is_test or (around.is_test if around is not None else place.is_test),
    )


def _before(node: Node) -> list[Node]:
    """The attributes and doc comments in front of a node."""
    found: list[Node] = []
    sibling = node.prev_sibling
    while sibling is not None and (sibling.type == "attribute_item" or sibling.type in COMMENT_KINDS):
        found.insert(0, sibling)
        sibling = sibling.prev_sibling
    return found


def read_container(container: Node, place: Place, found: Found) -> list[Item]:
    """Reads the items that stand directly in a file, a module, an implementation, a trait or a block.

    Returns the functions, constants and types among them, in the order of the text.
    """
    before: list[Node] = []
    own: list[Item] = []
    for child in container.children:
        kind = child.type
        if kind == "attribute_item" or (kind in COMMENT_KINDS and child.child_by_field_name("outer") is not None):
            before.append(child)
            continue
        if kind in COMMENT_KINDS:
            continue
        if kind in KINDS:
            own += read_item(child, before, meant_place(child, place), found)
        elif kind == "impl_item":
            read_implementation(child, before, place, found)
        elif kind in {"use_declaration", "extern_crate_declaration"}:
            read_import(child, before, place, found)
        elif kind in {"foreign_mod_item", "ERROR"}:
            own += read_container(child.child_by_field_name("body") or child, place, found)
        before = []
    return own


def meant_place(node: Node, place: Place) -> Place:
    """Where an item was meant to be that stands behind a missing brace."""
    if not place.is_broken or (place.scope is None and place.owner is None):
        return place
    around = [one for one in ancestors(node.parent) if one.type in {"impl_item", "trait_item", "mod_item"}]
    column = node.start_point.column
    if all(column <= one.start_point.column for one in around) and column == 0:
        return replace(place, owner=None, of_trait=None, is_in_trait=False, scope=None)
    parameters = node.child_by_field_name("parameters") if place.scope is not None else None
    holder = around[0] if around and around[0].type == "impl_item" else None
    if parameters is not None and holder is not None and named(parameters, "self_parameter") is not None:
        trait = holder.child_by_field_name("trait")
        return replace(
            place,
            scope=None,
            owner=bare_type_name(text_of(holder.child_by_field_name("type"), place.text)),
            of_trait=bare_type_name(text_of(trait, place.text)) if trait is not None else None,
        )
    return place


def read_item(node: Node, before: Sequence[Node], place: Place, found: Found) -> list[Item]:
    """One item, with the items in it where it is a module or a trait."""
    text, kind = place.text, KINDS[node.type]
    attributes = read_attributes(before, node, text)
    name = node.child_by_field_name("name")
    if name is None:
        return []
    place = replace(place, is_test=place.is_test or attributes.is_test) if attributes.is_test else place
    item = _item_head(node, name, kind, attributes, place)
    body = node.child_by_field_name("body")
    if kind is ItemKind.FUNCTION:
        item = _function(item, node, place)
    elif kind in {ItemKind.STRUCT, ItemKind.UNION}:
        is_tuple = body is not None and body.type == "ordered_field_declaration_list"
        item = replace(item, fields=read_fields(body, text), is_tuple=is_tuple)
    elif kind is ItemKind.ENUM:
        item = replace(item, variants=read_variants(body, text))
    elif kind in {ItemKind.TRAIT, ItemKind.ASSOCIATED_TYPE}:
        item = replace(item, supertraits=read_bounds(node.child_by_field_name("bounds"), text))
    if kind in {ItemKind.TYPE_ALIAS, ItemKind.CONST, ItemKind.STATIC}:
        value = node.child_by_field_name("value")
        is_member_type = kind is ItemKind.TYPE_ALIAS and place.owner is not None
        item = replace(
            item,
            kind=ItemKind.ASSOCIATED_TYPE if is_member_type else kind,
            type=text_of(node.child_by_field_name("type"), text) or None,
            has_default_body=place.is_in_trait and value is not None,
        )
    found.items.append(item)
    if kind is ItemKind.MODULE:
        _read_module(node, item, body, place, found)
    elif kind is ItemKind.TRAIT and body is not None:
        read_container(body, replace(place, owner=item.name, of_trait=None, is_in_trait=True), found)
    return [item]


def _item_head(node: Node, name: Node, kind: ItemKind, attributes: Attributes, place: Place) -> Item:
    """What all kinds of items have."""
    text, body = place.text, node.child_by_field_name("body")
    generics = node.child_by_field_name("type_parameters")
    derive_start, derive_end = attributes.derive_range or (None, None)
    return Item(
        kind=kind,
        name=text_of(name, text).removeprefix("r#"),
        file=place.file,
        byte_start=node.start_byte,
        byte_end=node.end_byte,
        name_start=name.start_byte,
        name_end=name.end_byte,
        visibility=text_of(named(node, "visibility_modifier"), text),
        module=place.module,
        generics=text_of(generics, text),
        generics_range=range_of(generics),
        where_clause=text_of(named(node, "where_clause"), text),
        derives=attributes.derives,
        derive_start=derive_start,
        derive_end=derive_end,
        owner=place.owner,
        of_trait=place.of_trait,
        is_in_trait=place.is_in_trait,
        body_start=body.start_byte if body is not None else None,
        body_end=body.end_byte if body is not None else None,
        attributes=attributes.texts,
        attributes_start=attributes.start,
        scope=place.scope,
        is_test=place.is_test,
        is_whole=not (place.is_broken and node.has_error),
    )


def _function(item: Item, node: Node, place: Place) -> Item:
    parameters, returned = node.child_by_field_name("parameters"), node.child_by_field_name("return_type")
    self_parameter, others = read_parameters(parameters, place.text)
    modifiers = text_of(named(node, "function_modifiers"), place.text).split()
    return replace(
        item,
        kind=ItemKind.METHOD if place.owner is not None else ItemKind.FUNCTION,
        parameters=others,
        parameters_range=range_of(parameters),
        self_parameter=self_parameter,
        returns=text_of(returned, place.text) or None,
        returns_range=range_of(returned),
        is_async="async" in modifiers,
        is_const="const" in modifiers,
        is_unsafe="unsafe" in modifiers,
        has_default_body=place.is_in_trait and node.type == "function_item",
    )


def _read_module(node: Node, item: Item, body: Node | None, place: Place, found: Found) -> None:
    path = next(
        (
            one.split('"')[1]
            for one in item.attributes
            if one.removeprefix("#[").lstrip().startswith("path") and '"' in one
        ),
        None,
    )
    module = Module(
        path=(*place.module, item.name),
        file=place.file,
        byte_start=node.start_byte,
        byte_end=node.end_byte,
        body_start=body.start_byte if body is not None else None,
        body_end=body.end_byte if body is not None else None,
        visibility=item.visibility,
        path_attribute=path,
        inline_parents=place.inline_parents,
        is_test=item.is_test,
    )
    found.modules.append(_with_import_place(module, body, place.text) if body is not None else module)
    if body is not None:
        inner = replace(
            place,
            module=module.path,
            inline_parents=(*place.inline_parents, path or item.name),
            is_test=item.is_test,
        )
        read_container(body, inner, found)


def read_implementation(node: Node, before: Sequence[Node], place: Place, found: Found) -> None:
    """One `impl` block and its members."""
    text, type_node = place.text, node.child_by_field_name("type")
    trait, body = node.child_by_field_name("trait"), node.child_by_field_name("body")
    generics = node.child_by_field_name("type_parameters")
    type_name = bare_type_name(text_of(type_node, text))
    is_test = place.is_test or read_attributes(before, node, text).is_test
    inner = replace(
        place,
        owner=type_name,
        of_trait=bare_type_name(text_of(trait, text)) if trait is not None else None,
        is_in_trait=False,
        is_test=is_test,
    )
    members = read_container(body, inner, found) if body is not None else []
    found.implementations.append(
        Implementation(
            type_name=type_name,
            type_text=text_of(type_node, text),
            trait_name=inner.of_trait,
            trait_text=text_of(trait, text) or None,
            generics=text_of(generics, text),
            where_clause=text_of(named(node, "where_clause"), text),
            file=place.file,
            byte_start=node.start_byte,
            byte_end=node.end_byte,
            body_start=body.start_byte if body is not None else None,
            body_end=body.end_byte if body is not None else None,
            module=place.module,
            items=tuple(item for item in members if item.owner == type_name),
            type_range=range_of(type_node),
            trait_range=range_of(trait),
            generics_range=range_of(generics),
            is_blanket=type_name in parameter_names(generics, text),
            is_negative=named(node, "!") is not None,
            scope=place.scope,
            is_test=is_test,
        )
    )


def read_import(node: Node, before: Sequence[Node], place: Place, found: Found) -> None:
    """The names of one `use` or `extern crate`."""
    text, argument = place.text, node.child_by_field_name("argument")
    name = text_of(node.child_by_field_name("name"), text)
    whole = Import(
        path=(name,),
        name=text_of(node.child_by_field_name("alias"), text) or name,
        is_glob=False,
        visibility=text_of(named(node, "visibility_modifier"), text),
        file=place.file,
        byte_start=node.start_byte,
        byte_end=node.end_byte,
        module=place.module,
        leaf_start=node.start_byte,
        leaf_end=node.end_byte,
        scope=place.scope,
        is_test=place.is_test or read_attributes(before, node, text).is_test,
    )
    if node.type == "extern_crate_declaration":
        found.imports.append(whole)
    for leaf in use_leaves(argument, text) if argument is not None else ():
        found.imports.append(
            replace(
                whole,
                path=leaf.path,
                name=leaf.name,
                is_glob=leaf.is_glob,
                leaf_start=leaf.byte_start,
                leaf_end=leaf.byte_end,
            )
        )
