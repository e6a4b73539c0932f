"""Items of a file that does not parse: those that the tree has lost among its errors are read once more, each
from its own lines alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tree_sitter import Node

from sleepy_agent.code.item_reader import Found, Place, read_stretch
from sleepy_agent.code.item_records import Implementation, Item
from sleepy_agent.code.syntax import COMMENT_KINDS, ancestors, node_at

# How an item begins at the beginning of a line: its indentation and the word that says what it is.
HEAD = re.compile(
    rb"^(?P<indentation>[ \t]*)(?:pub\b(?:\s*\([^)]*\))?\s*)?(?:(?:async|unsafe|const|default)\s+)*"
    rb"(?P<word>fn|struct|enum|union|trait|impl|mod)\b[ \t]*(?P<name>\w*)",
    re.MULTILINE,
)
NO_CODE = COMMENT_KINDS | {"string_literal", "raw_string_literal", "token_tree", "macro_definition"}


def recover_items(root: Node, place: Place, found: Found) -> Found:
    """The same items, without those that were read from the middle of errors and with those that were lost."""
    known = {item.name_start for item in found.items} | {one.byte_start for one in found.implementations}
    for start, end in lost_stretches(root, place.text, known):
        fresh = Found()
        read_stretch(start, end, place, fresh)
        if not fresh.items and not fresh.implementations:
            continue
        found = Found(
            items=[*(one for one in found.items if not start <= one.byte_start < end), *fresh.items],
            implementations=[
                *(one for one in found.implementations if not start <= one.byte_start < end),
                *fresh.implementations,
            ],
            imports=[*(one for one in found.imports if not start <= one.byte_start < end), *fresh.imports],
            modules=[*(one for one in found.modules if not start <= one.byte_start < end), *fresh.modules],
        )
    return replace(
        found, implementations=[replace(one, items=members(one, found.items)) for one in found.implementations]
    )


def lost_stretches(root: Node, text: bytes, known: set[int]) -> Iterator[tuple[int, int]]:
    """The lines of each item that has none of its own in the tree, from its head to the closing brace below it."""
    behind = 0
    for head in HEAD.finditer(text):
        word = head.start("word")
        if word < behind or head.start("name") in known or word in known:
            continue
        around = {node.type for node in ancestors(node_at(root, word, head.end("word")))}
        if "ERROR" not in around or around & NO_CODE or "block" in around:
            continue
        behind = end_of_item(text, head.end(), head["indentation"])
        yield head.end("indentation"), behind


def end_of_item(text: bytes, position: int, indentation: bytes) -> int:
    """Behind the brace that closes an item: the first that stands as far left as the item; or the line's end."""
    line_end = text.find(b"\n", position)
    line_end = len(text) if line_end < 0 else line_end
    if text[position:line_end].rstrip().endswith((b";", b"}")):
        return line_end
    closing = re.compile(rb"^" + re.escape(indentation) + rb"\}", re.MULTILINE).search(text, position)
    return closing.end() if closing is not None else len(text)


def members(holder: Implementation, items: Sequence[Item]) -> tuple[Item, ...]:
    """The items of an implementation, those among them that stand behind a missing brace."""
    return tuple(
        item
        for item in items
        if item.owner == holder.type_name
        and item.of_trait == holder.trait_name
        and holder.byte_start <= item.byte_start < holder.byte_end
    )
