"""The items of one Rust file: what it declares, implements and imports. Pure, and tolerant of broken code.

Where a brace is missing the tree puts what follows into the broken function; such items are told by their
column, and by a `self` that only a member can have, and are put back where they were meant to be.
"""

from __future__ import annotations

from pathlib import Path

from sleepy_agent.code.import_places import with_import_place
from sleepy_agent.code.item_reader import (
    Found,
    Place,
    blocks_with_items,
    place_of_block,
    read_container,
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
    Variant,
)
from sleepy_agent.code.item_recovery import recover_items
from sleepy_agent.code.syntax import parse_edited_rust, parse_once, parse_rust

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


def items_of_file(
    file: Path,
    text: bytes,
    module: tuple[str, ...] = (),
    *,
    is_test: bool = False,
    is_conditional: bool = False,
    before: bytes | None = None,
    is_edited: bool = True,
) -> FileItems:
    """Everything that the text declares. `module`: the path of the module that the file is; `before`: a text that
    is mostly the same, which makes it quicker; `is_edited`: whether its tree is worth keeping for others."""
    if before is not None:
        root = parse_edited_rust(before, text)
    else:
        root = parse_rust(text) if is_edited else parse_once(text)
    found = Found()
    place = Place(file, text, module, is_test=is_test, is_conditional=is_conditional, is_broken=root.has_error)
    read_container(root, place, found)
    bodies = sorted(
        (one for one in found.modules if one.body_start is not None), key=lambda one: one.byte_start, reverse=True
    )
    for block in blocks_with_items(root, text):
        around = next((one for one in bodies if one.byte_start <= block.start_byte < one.byte_end), None)
        read_container(block, place_of_block(block, place, around), found)
    if root.has_error:
        found = recover_items(root, place, found)
    own = Module(module, file, 0, len(text), 0, len(text), "", is_test=is_test)
    return FileItems(
        file=file,
        module=module,
        text=text,
        items=tuple(sorted(found.items, key=lambda item: (item.attributes_start, -item.byte_end))),
        implementations=tuple(sorted(found.implementations, key=lambda one: one.byte_start)),
        imports=tuple(sorted(found.imports, key=lambda one: one.leaf_start)),
        modules=(with_import_place(own, root, text), *found.modules),
        is_test=is_test,
        is_conditional=is_conditional,
    )
