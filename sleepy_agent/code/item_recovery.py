"""Items of a file that does not parse: those that the tree has lost among its errors are read once more, each
from its own lines alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tree_sitter import Node

from sleepy_agent.code.item_reader import Found, Place, read_stretch
from sleepy_agent.code.item_records import Implementation, Item, ItemKind
from sleepy_agent.code.syntax import COMMENT_KINDS, ancestors, node_at

# How an item begins at the beginning of a line: its indentation and the word that says what it is.
HEAD = re.compile(
    rb"^(?P<indentation>[ \t]*)(?:pub\b(?:\s*\([^)]*\))?\s*)?(?:(?:async|unsafe|const|default)\s+)*"
    rb"(?P<word>fn|struct|enum|union|trait|impl|mod|use)\b[ \t]*(?P<name>\w*)",
    re.MULTILINE,
)
KINDS_BY_WORD = {
    b"fn": ItemKind.FUNCTION,
    b"struct": ItemKind.STRUCT,
    b"enum": ItemKind.ENUM,
    b"union": ItemKind.UNION,
    b"trait": ItemKind.TRAIT,
}
NO_CODE = COMMENT_KINDS | {"string_literal", "raw_string_literal", "token_tree", "macro_definition"}


def recover_items(root: Node, place: Place, found: Found) -> Found:
    """The same items, without those that were read from the middle of errors and with those that were lost."""
    known = {item.name_start for item in found.items} | {one.byte_start for one in found.implementations}
    known |= {one.byte_start for one in found.imports}
    for head, end in lost_heads(root, place.text, known):
        start = head.end("indentation")
        fresh = Found()
        read_stretch(
            start, end, place, fresh, ending_of_import(place.text[start:end]) if head["word"] == b"use" else b""
        )
        if not fresh.items and not fresh.implementations and not fresh.imports:
            read_head(head, end, place, found)
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
    items = [with_owner(item, place.text, found) for item in found.items]
    implementations = [replace(one, items=members(one, items)) for one in found.implementations]
    return replace(found, items=items, implementations=implementations)


def lost_heads(root: Node, text: bytes, known: set[int]) -> Iterator[tuple[re.Match[bytes], int]]:
    """Each beginning of an item that the tree has none for, and where the item ends by its indentation."""
    behind = 0
    for head in HEAD.finditer(text):
        word = head.start("word")
        if word < behind or head.start("name") in known or word in known:
            continue
        leaf = node_at(root, word, head.end("word"))
        around = {node.type for node in ancestors(leaf)}
        if around & NO_CODE or (leaf.type == head["word"].decode() and ("ERROR" not in around or "block" in around)):
            continue
        if head["word"] == b"use":
            behind = min(end for end in (text.find(b";", word) + 1 or len(text), text.find(b"\n", word)) if end > word)
        else:
            behind = end_of_item(text, head.end(), head["indentation"])
        yield head, behind


def read_head(head: re.Match[bytes], end: int, place: Place, found: Found) -> None:
    """Of an item whose body cannot be read the head alone, of one whose head cannot be read the name."""
    start, text = head.end("indentation"), place.text
    brace = text.find(b"{", head.end(), end)
    kind = KINDS_BY_WORD.get(head["word"])
    fresh = Found()
    if brace >= 0 and kind is not None:
        read_stretch(start, brace, place, fresh, b"{}")
    if len(fresh.items) == 1:
        found.items.append(replace(fresh.items[0], byte_end=end, body_end=end, is_whole=False))
    elif kind is not None and head["name"]:
        found.items.append(
            Item(
                kind=kind,
                name=head["name"].decode(errors="replace"),
                file=place.file,
                byte_start=start,
                byte_end=end,
                name_start=head.start("name"),
                name_end=head.end("name"),
                visibility="pub" if head[0].lstrip().startswith(b"pub ") else "",
                module=place.module,
                attributes_start=start,
                is_whole=False,
            )
        )


def with_owner(item: Item, text: bytes, found: Found) -> Item:
    """A function that is indented but stands in nothing belongs to the implementation above it, whose braces do
    not fit."""
    if item.kind is not ItemKind.FUNCTION or item.scope is not None or item.is_in_macro:
        return item
    line = text.rfind(b"\n", 0, item.byte_start) + 1
    is_indented = item.byte_start > line and not text[line : item.byte_start].strip()
    is_inside = any(
        one.body_start is not None and one.byte_start < item.byte_start < one.byte_end for one in found.modules
    )
    before = [one for one in found.implementations if one.byte_start < item.byte_start]
    if not is_indented or is_inside or not before:
        return item
    above = max(before, key=lambda one: one.byte_start)
    is_behind_another = any(
        above.byte_end <= one.byte_start < item.byte_start and text[one.byte_start - 1 : one.byte_start] == b"\n"
        for one in found.items
    )
    if is_behind_another:
        return item
    return replace(item, kind=ItemKind.METHOD, owner=above.type_name, of_trait=above.trait_name)


def ending_of_import(text: bytes) -> bytes:
    """The braces and the semicolon that a `use` lacks."""
    return b"}" * (text.count(b"{") - text.count(b"}")) + b";"


def end_of_item(text: bytes, position: int, indentation: bytes) -> int:
    """Behind the brace that closes an item: the first that stands as far left as the item; or the line's end."""
    line_end = text.find(b"\n", position)
    line_end = len(text) if line_end < 0 else line_end
    if text[position:line_end].rstrip().endswith((b";", b"}")):
        return line_end
    closing = re.compile(rb"^" + re.escape(indentation) + rb"\}", re.MULTILINE).search(text, position)
    return closing.end() if closing is not None else len(text)


def members(holder: Implementation, items: Sequence[Item]) -> tuple[Item, ...]:
    """The items of an implementation, those among them that stand behind a missing or a superfluous brace."""
    own = {item.key for item in holder.items}
    return tuple(
        item
        for item in items
        if item.key in own
        or (
            item.owner == holder.type_name
            and item.of_trait == holder.trait_name
            and holder.byte_start <= item.byte_start < holder.byte_end
        )
    )
