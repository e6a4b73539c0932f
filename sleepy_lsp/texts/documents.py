"""The open documents of one server: what the editor shows, as bytes that a save would write.

Source: LSP 3.17, "Text Document Synchronization". The editor is believed, but not trusted: a change of a document
that is not open is nothing, a version may be missing or go backwards, a range may lie anywhere (`content_changes.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from sleepy_agent.checksums import sha256_of_text
from sleepy_lsp.texts.content_changes import changed_index, encoded
from sleepy_lsp.texts.convert import PlacedText, TextOf, path_of_uri, uri_of_path
from sleepy_lsp.texts.line_index import BYTE_ORDER_MARK, LineIndex, line_index

ReadDisk = Callable[[Path], bytes | None]


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """A document as the editor shows it now. `path`: None where the URI is no file's (an untitled buffer)."""

    uri: str
    path: Path | None
    language_id: str
    version: int | None
    index: LineIndex
    sha256: str

    @property
    def content(self) -> bytes:
        """The bytes that a save would write."""
        return self.index.text

    @property
    def text(self) -> str:
        """What the editor shows: without a hidden byte order mark."""
        return self.index.text[self.index.hidden :].decode()

    @property
    def placed(self) -> PlacedText:
        """The document as edits need it."""
        return PlacedText(self.uri, self.version, self.index, self.sha256)


def read_disk(path: Path) -> bytes | None:
    """What lies on the disk, None where nothing can be read."""
    try:
        return path.read_bytes()
    except (OSError, ValueError):
        return None


class Documents:
    """The owner of all open documents. `encoding`: of the positions, as negotiated with the client.

    Each operation gives the document as it is afterwards, or None where there is none of that name.
    """

    def __init__(self, encoding: str = "utf-16") -> None:
        self.encoding = encoding
        # By path where there is one: the same file may be spelled in several ways (`c%3A`, `C:`).
        self._open: dict[Path | str, OpenDocument] = {}

    def open(
        self, uri: str, language_id: str, version: int | None, text: str, on_disk: bytes | None = None
    ) -> OpenDocument:
        """`textDocument/didOpen`. `on_disk`: the file as it lies there; editors do not show its byte order mark."""
        path = path_of_uri(uri)
        index = shown_index(encoded(text), on_disk)
        document = OpenDocument(uri, path, language_id, version, index, sha256_of_text(index.text))
        self._open[path or uri] = document
        return document

    def change(self, uri: str, version: int | None, changes: Iterable[object]) -> OpenDocument | None:
        """`textDocument/didChange`, its content changes as decoded JSON."""
        document = self.get(uri)
        if document is None:
            return None
        index = changed_index(document.index, changes, self.encoding)
        return self._keep(replace(document, version=version, index=index, sha256=sha256_of_text(index.text)))

    def save(self, uri: str, on_disk: bytes | None) -> OpenDocument | None:
        """`textDocument/didSave`: the editor may have begun or ceased to write a byte order mark."""
        document = self.get(uri)
        if document is None or on_disk is None:
            return document
        index = shown_index(document.index.text[document.index.hidden :], on_disk)
        return self._keep(replace(document, index=index, sha256=sha256_of_text(index.text)))

    def close(self, uri: str) -> OpenDocument | None:
        """`textDocument/didClose`: gives the document as it was."""
        return self._open.pop(path_of_uri(uri) or uri, None)

    def get(self, uri: str) -> OpenDocument | None:
        """The open document of a URI, however it is spelled."""
        return self._open.get(path_of_uri(uri) or uri)

    def at(self, path: Path) -> OpenDocument | None:
        """The open document of a file."""
        return self._open.get(path)

    def all(self) -> tuple[OpenDocument, ...]:
        """All open documents, those opened first in front."""
        return tuple(self._open.values())

    def texts(self, read: ReadDisk = read_disk) -> TextOf:
        """The present text of any file: as the editor shows it, else as it lies on the disk, read at most once.

        For the time of one request: what was read is not read again.
        """

        @cache
        def text_of(path: Path) -> PlacedText | None:
            document = self.at(path)
            if document is not None:
                return document.placed
            content = read(path)
            if content is None:
                return None
            return PlacedText(uri_of_path(path), None, line_index(content), sha256_of_text(content))

        return text_of

    def _keep(self, document: OpenDocument) -> OpenDocument:
        self._open[document.path or document.uri] = document
        return document


def shown_index(shown: bytes, on_disk: bytes | None) -> LineIndex:
    """The index of what a save writes: with the byte order mark of the file, where the editor hides one."""
    hides_mark = (on_disk or b"").startswith(BYTE_ORDER_MARK) and not shown.startswith(BYTE_ORDER_MARK)
    return line_index(BYTE_ORDER_MARK + shown, len(BYTE_ORDER_MARK)) if hides_mark else line_index(shown, hidden=0)
