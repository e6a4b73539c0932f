"""What a client does with edits: apply them as the protocol says, and refuse what is for another version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lsprotocol import types as lsp

from sleepy_lsp.texts.convert import byte_range, path_of_uri
from sleepy_lsp.texts.line_index import line_index


def with_text_edits(text: bytes, edits: Sequence[lsp.TextEdit], encoding: str) -> bytes:
    """The text after some edits: all positions are of the text before, the order of the list is kept."""
    index = line_index(text)
    pieces, position = [text[: index.hidden]], index.hidden
    for edit in edits:
        start, end = byte_range(index, edit.range, encoding)
        assert start >= position
        pieces += [text[position:start], edit.new_text.encode()]
        position = end
    return b"".join([*pieces, text[position:]])


def with_workspace_edit(
    texts: Mapping[Path, bytes], versions: Mapping[Path, int], edit: lsp.WorkspaceEdit, encoding: str
) -> dict[Path, bytes]:
    """The texts that an edit changes. Fails where a version is not the one that is open."""
    assert edit.changes is None
    after = {}
    for change in edit.document_changes or ():
        assert isinstance(change, lsp.TextDocumentEdit)
        path = path_of_uri(change.text_document.uri)
        assert path is not None
        assert change.text_document.version == versions.get(path)
        plain = [one for one in change.edits if isinstance(one, lsp.TextEdit)]
        assert len(plain) == len(change.edits)
        after[path] = with_text_edits(texts[path], plain, encoding)
    return after
