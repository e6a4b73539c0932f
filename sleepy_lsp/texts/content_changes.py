"""What `textDocument/didChange` does to a text. Pure, and without the protocol's types: the proxy uses it, too.

Source: LSP 3.17, `TextDocumentContentChangeEvent`: changes are made one after the other, each on the text that the one
before left; without a range the text is the whole document.

Editors send what they like, so nothing here raises: positions outside the text are moved into it (`line_index.py`), a
range that ends before it begins is read backwards, and a change that is none is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sleepy_lsp.texts.line_index import LineIndex, line_index

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def apply_content_changes(text: str, changes: Iterable[object], encoding: str) -> str:
    """The text after some changes, given as the decoded JSON of the protocol."""
    index = line_index(encoded(text), hidden=0)
    return changed_index(index, changes, encoding).text.decode()


def changed_index(index: LineIndex, changes: Iterable[object], encoding: str) -> LineIndex:
    """The same on bytes and with their lines, for who keeps both."""
    for change in changes:
        if not isinstance(change, Mapping) or not isinstance(change.get("text"), str):
            continue
        new = encoded(change["text"])
        place = change.get("range")
        if place is None:
            index = line_index(index.text[: index.hidden] + new, index.hidden)
            continue
        ends = [offset_of(index, place, name, encoding) for name in ("start", "end")]
        if None not in ends:
            start, end = sorted(offset for offset in ends if offset is not None)
            index = replaced(index, start, end, new)
    return index


def offset_of(index: LineIndex, place: object, name: str, encoding: str) -> int | None:
    """The byte offset of the start or the end of a range, None where it has no such position."""
    position = place.get(name) if isinstance(place, Mapping) else None
    if not isinstance(position, Mapping):
        return None
    line, character = position.get("line"), position.get("character")
    if not isinstance(line, int) or not isinstance(character, int):
        return None
    return index.offset(line, character, encoding)


def replaced(index: LineIndex, start: int, end: int, new: bytes) -> LineIndex:
    """The index after the bytes start..end gave way to others."""
    return line_index(index.text[:start] + new + index.text[end:], index.hidden)


def encoded(text: str) -> bytes:
    """UTF-8. Half of a surrogate pair, which JSON can hold and UTF-8 cannot, becomes U+FFFD, which is as long."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text).encode()
