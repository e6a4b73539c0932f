"""Between the protocol's words and ours: URIs and paths, ranges, and edits on bytes as workspace edits.

Source: LSP 3.17, "URIs", "Range", "TextEdit", "TextDocumentEdit", "WorkspaceEdit"; RFC 3986 and RFC 8089 for file URIs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes, urlsplit

from lsprotocol import types as lsp

from sleepy_agent.code.edits import edits_by_file, has_windows_lines, replacement_bytes
from sleepy_agent.domain import Edit
from sleepy_lsp.texts.line_index import LineIndex

# What stays as it is in the path of a URI: as VS Code and rust-analyzer write it.
UNQUOTED = "/~-._"
WHOLE_WINDOWS_NAME = re.compile(r"[A-Z]:/|\\\\[^\\]+\\")


@dataclass(frozen=True, slots=True)
class PlacedText:
    """A text that can be edited: what the client calls it, which version it has there (None: it is not open)."""

    uri: str
    version: int | None
    index: LineIndex
    sha256: str


TextOf = Callable[[Path], PlacedText | None]
"""The present text of a file, None where there is none that could be read."""


def path_of_uri(uri: str, *, windows: bool = os.name == "nt") -> Path | None:
    """The file that a URI names, links not followed. None: not the URI of a file on this machine."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme.lower() != "file":
        return None
    name = os.fsdecode(unquote_to_bytes(parts.path))
    if windows:
        name = windows_name(parts.netloc, name)
    elif parts.netloc not in {"", "localhost"}:
        return None
    is_whole = WHOLE_WINDOWS_NAME.match(name) is not None if windows else name.startswith("/")
    return Path(name) if is_whole and "\0" not in name else None


def windows_name(host: str, name: str) -> str:
    """`C:/x` of `/c%3A/x`; a share where the URI has a host; the drive in capitals, so that one file has one name."""
    if host not in {"", "localhost"}:
        return f"//{host}{name}".replace("/", "\\")
    without_root = name.removeprefix("/")
    return without_root[:1].upper() + without_root[1:]


def uri_of_path(path: Path) -> str:
    """The URI of an absolute path."""
    name = path.as_posix()
    if name.startswith("//"):
        return "file:" + quote(os.fsencode(name), safe=UNQUOTED)
    return "file://" + ("" if name.startswith("/") else "/") + quote(os.fsencode(name), safe=UNQUOTED)


def lsp_position(index: LineIndex, offset: int, encoding: str) -> lsp.Position:
    """The position of a byte offset."""
    line, character = index.position(offset, encoding)
    return lsp.Position(line, character)


def lsp_range(index: LineIndex, start: int, end: int, encoding: str) -> lsp.Range:
    """The range of the bytes start..end."""
    return lsp.Range(lsp_position(index, start, encoding), lsp_position(index, end, encoding))


def byte_range(index: LineIndex, place: lsp.Range, encoding: str) -> tuple[int, int]:
    """The bytes of a range, moved into the text where it lies outside; a range written backwards is read so."""
    start = index.offset(place.start.line, place.start.character, encoding)
    end = index.offset(place.end.line, place.end.character, encoding)
    return min(start, end), max(start, end)


def text_edits(edits: Iterable[Edit], index: LineIndex, encoding: str) -> list[lsp.TextEdit]:
    """Edits of one file, in the order of the text, which do what `apply_edits` does.

    No position lies between `\\r` and `\\n`, so an edit that begins or ends there takes the other half with it.
    """
    text = index.text
    in_order = tuple(dict.fromkeys(sorted(edits, key=lambda edit: (edit.byte_start, edit.byte_end))))
    # Counting the lines of a long text takes longer than all the rest, and few edits have any.
    windows_lines = any("\n" in edit.replacement for edit in in_order) and has_windows_lines(text)
    converted = []
    for edit in in_order:
        start, end = edit.byte_start, edit.byte_end
        new = replacement_bytes(edit, windows_lines=windows_lines)
        if is_inside_line_end(text, start):
            start, new = start - 1, b"\r" + new
        if is_inside_line_end(text, end):
            end, new = end + 1, new + b"\n"
        converted.append(lsp.TextEdit(lsp_range(index, start, end, encoding), new.decode()))
    return converted


def is_inside_line_end(text: bytes, offset: int) -> bool:
    """Whether an offset lies between `\\r` and `\\n`."""
    return offset > 0 and text[offset - 1 : offset + 1] == b"\r\n"


def workspace_edit(
    edits: Iterable[Edit], text_of: TextOf, encoding: str, *, with_versions: bool
) -> lsp.WorkspaceEdit | None:
    """Edits of any files as one workspace edit; None where a file cannot be read.

    `with_versions` (the client's `workspace.workspaceEdit.documentChanges`): each file carries the version that the
    edit is for, null where it is not open; else the plain map of URIs, which older clients know.
    """
    placed: list[tuple[PlacedText, list[lsp.TextEdit]]] = []
    for path, file_edits in edits_by_file(edits).items():
        text = text_of(path)
        if text is None:
            return None
        placed.append((text, text_edits(file_edits, text.index, encoding)))
    if not with_versions:
        return lsp.WorkspaceEdit(changes={text.uri: changes for text, changes in placed})
    return lsp.WorkspaceEdit(
        document_changes=[
            lsp.TextDocumentEdit(lsp.OptionalVersionedTextDocumentIdentifier(text.uri, text.version), changes)
            for text, changes in placed
        ]
    )
