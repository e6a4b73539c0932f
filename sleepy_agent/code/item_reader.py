"""Reads items, implementations and imports from the nodes of a syntax tree, macros' arguments among them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tree_sitter import Node

from sleepy_agent.code.import_places import with_import_place
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
    Implementation,
    Import,
    Item,
    ItemKind,
    Module,
    Range,
)
from sleepy_agent.code.syntax import COMMENT_KINDS, ancestors, node_at, rust_parser
from sleepy_agent.code.type_text import bare_type_name
from sleepy_agent.code.use_trees import use_leaves

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
HOLDERS = frozenset({"function_item", "impl_item", "trait_item"})
DEEPEST_MACRO = 4
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
    is_conditional: bool = False
    is_broken: bool = False
    """Whether the tree of the file has errors."""
    is_in_macro: bool = False
    depth: int = 0
    """How many macros are around."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was read so far."""

    items: list[Item] = field(default_factory=list)
    implementations: list[Implementation] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)


# Where an item may begin; most of what this finds stands in no block, and that is told by the tree.
ITEM_START = re.compile(
    rb"(?:^[ \t]*|[{};\]]\s*)(?:pub\b(?:\s*\([^)]*\))?\s*)?(?:(?:async|unsafe|const|extern\s+\"\w*\")\s+)*"
    rb"(?:fn|struct|enum|union|trait|impl|use|const|static|type|mod|macro_rules)\b",
    re.MULTILINE,
)


def blocks_with_items(root: Node, text: bytes, start: int = 0) -> list[Node]:
    """The blocks of functions and constants that declare items. Looking for words first is many times quicker
    than asking the tree for all of them."""
    found: dict[int, Node] = {}
    for match in ITEM_START.finditer(text, start):
        for node in ancestors(node_at(root, match.end() - 1, match.end())):
            parent = node.parent
            if parent is not None and parent.type == "block" and (node.type in KINDS or node.type in OTHERS):
                found[parent.start_byte] = parent
    return list(found.values())


def place_of_block(block: Node, place: Place, around: Module | None) -> Place:
    function = next((node for node in ancestors(block) if node.type == "function_item"), None)
    is_test = function is not None and read_attributes(_before(function), function, place.text).is_test
    return replace(
        place,
        module=around.path if around is not None else place.module,
        inline_parents=(*around.inline_parents, around.name) if around is not None else (),
        scope=(block.start_byte, block.end_byte),
        is_test=is_test or (around.is_test if around is not None else place.is_test),
        is_conditional=around.is_conditional if around is not None else place.is_conditional,
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
            read_implementation(child, before, meant_place(child, place), found)
        elif kind in {"use_declaration", "extern_crate_declaration"}:
            read_import(child, before, meant_place(child, place), found)
        elif kind == "macro_invocation" and container.type != "block":
            read_macro(child, place, found)
        elif kind == "expression_statement" and container.type == "source_file":
            for inner in child.named_children:
                if inner.type == "macro_invocation":
                    read_macro(inner, place, found)
        elif kind in {"foreign_mod_item", "ERROR"}:
            own += read_container(child.child_by_field_name("body") or child, place, found)
        before = []
    return own


def meant_place(node: Node, place: Place) -> Place:
    """Where an item was meant to be that stands behind a missing brace: inside of what begins further left."""
    if not place.is_broken or (place.scope is None and place.owner is None):
        return place
    column = node.start_point.column
    for holder in ancestors(node.parent):
        if holder.type == "mod_item":
            break
        if holder.type in HOLDERS and holder.start_point.column < column:
            return _place_in(holder, node, place)
    return replace(place, owner=None, of_trait=None, is_in_trait=False, scope=None)


def _place_in(holder: Node, node: Node, place: Place) -> Place:
    """The place of an item that was meant to stand directly in a function, an implementation or a trait."""
    if holder.type == "function_item":
        parameters = node.child_by_field_name("parameters")
        member_of = next((one for one in ancestors(holder.parent) if one.type in HOLDERS), None)
        if member_of is None or parameters is None or named(parameters, "self_parameter") is None:
            return place
        # Only a member has a `self`, however it is indented.
        holder = member_of
    if holder.type == "function_item":
        return place
    is_trait = holder.type == "trait_item"
    trait = holder.child_by_field_name("trait")
    owner = text_of(holder.child_by_field_name("name" if is_trait else "type"), place.text)
    return replace(
        place,
        scope=None,
        owner=bare_type_name(owner),
        of_trait=bare_type_name(text_of(trait, place.text)) if trait is not None else None,
        is_in_trait=is_trait,
    )


def read_macro(node: Node, place: Place, found: Found) -> None:
    """What the arguments of a macro declare, as `cfg_if! { .. }` and `bitflags! { .. }` have it; and the body of
    a macro without parameters, `name!()`."""
    arguments = named(node, "token_tree")
    if arguments is None or place.depth >= DEEPEST_MACRO:
        return
    if len(arguments.children) <= 2:
        arguments = _body_of_macro(node, place)
    if arguments is not None:
        read_stretch(arguments.start_byte + 1, arguments.end_byte - 1, replace(place, is_in_macro=True), found)


def _body_of_macro(node: Node, place: Place) -> Node | None:
    """What a `macro_rules!` of the same file puts in the place of `name!()`."""
    name = text_of(node.child_by_field_name("macro"), place.text)
    container = next((one for one in ancestors(node.parent) if one.type in {"source_file", "declaration_list"}), node)
    definition = next(
        (
            one
            for one in container.named_children
            if one.type == "macro_definition" and text_of(one.child_by_field_name("name"), place.text) == name
        ),
        None,
    )
    for rule in definition.named_children if definition is not None else ():
        left = rule.child_by_field_name("left")
        if rule.type == "macro_rule" and left is not None and len(left.children) <= 2:
            return rule.child_by_field_name("right")
    return None


def read_stretch(start: int, end: int, place: Place, found: Found, ending: bytes = b"") -> None:
    """Reads a stretch of the text as if it were all there is. What is in front of it becomes blanks, so that all
    positions stay right. `ending`: what is put behind it to close it."""
    text = place.text
    if ITEM_START.search(text, max(0, start - 1), end) is None:
        return
    line = text.rfind(b"\n", 0, start) + 1
    blanks = b" " * (line - 1) + b"\n" * (line > 0) + b" " * (start - line)
    root = rust_parser().parse(blanks + text[start:end] + ending).root_node
    inner = replace(place, is_broken=False, depth=place.depth + 1)
    read_container(root, inner, found)
    for block in blocks_with_items(root, text[:end], start):
        # The branches of `cfg_if!` look like blocks. A function's own block is one.
        function = next((node for node in ancestors(block) if node.type == "function_item"), None)
        read_container(block, inner if function is None else place_of_block(block, inner, None), found)


def read_item(node: Node, before: Sequence[Node], place: Place, found: Found) -> list[Item]:
    """One item, with the items in it where it is a module or a trait."""
    text, kind = place.text, KINDS[node.type]
    attributes = read_attributes(before, node, text)
    name = node.child_by_field_name("name")
    if name is None:
        return []
    if attributes.is_test or attributes.is_conditional:
        place = replace(
            place,
            is_test=place.is_test or attributes.is_test,
            is_conditional=place.is_conditional or attributes.is_conditional,
        )
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
        is_conditional=place.is_conditional,
        is_whole=not (place.is_broken and node.has_error),
        is_in_macro=place.is_in_macro,
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
        is_conditional=item.is_conditional,
    )
    found.modules.append(with_import_place(module, body, place.text) if body is not None else module)
    if body is not None:
        inner = replace(
            place,
            module=module.path,
            inline_parents=(*place.inline_parents, path or item.name),
            is_test=item.is_test,
            is_conditional=item.is_conditional,
        )
        read_container(body, inner, found)


def read_implementation(node: Node, before: Sequence[Node], place: Place, found: Found) -> None:
    """One `impl` block and its members."""
    text, type_node = place.text, node.child_by_field_name("type")
    trait, body = node.child_by_field_name("trait"), node.child_by_field_name("body")
    generics = node.child_by_field_name("type_parameters")
    type_name = bare_type_name(text_of(type_node, text))
    attributes = read_attributes(before, node, text)
    is_test = place.is_test or attributes.is_test
    inner = replace(
        place,
        owner=type_name,
        of_trait=bare_type_name(text_of(trait, text)) if trait is not None else None,
        is_in_trait=False,
        is_test=is_test,
        is_conditional=place.is_conditional or attributes.is_conditional,
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
