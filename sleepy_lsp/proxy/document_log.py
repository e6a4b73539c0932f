"""What a server must be told when it is started again: the open documents and what was said once for all.

The messages of the client are kept as they came. A document that changes a lot is folded: its oldest changes are
applied to its text, so that memory stays flat however long somebody types.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sleepy_lsp.proxy.folding import change_lines, lines_of
from sleepy_lsp.proxy.framing import message_bytes, parsed

KEPT_CHANGES = 20
KEPT_BYTES = 1_000_000
"""More changes of one document, or more bytes of them, are folded into its text."""
KEPT_DIAGNOSTICS = 200
"""Files whose latest diagnostics are kept for a Sleepy that starts late."""

LAST_ONE_COUNTS = frozenset({"workspace/didChangeConfiguration", "$/setTrace", "sleepy/trust"})
ALL_COUNT = frozenset({"workspace/didChangeWorkspaceFolders"})
DOCUMENT_METHODS = frozenset({"textDocument/didOpen", "textDocument/didChange", "textDocument/didClose"})

# A key of this name cannot stand inside a string, where quotes are escaped; and these messages have it once.
URI = re.compile(rb'"uri"\s*:\s*"((?:[^"\\]|\\.)*)"')


@dataclass(slots=True)
class _OpenDocument:
    """`opened` is the client's message, or None once `item` and `lines` stand for it: the protocol's TextDocumentItem
    without its text, and the text."""

    opened: bytes | None
    body: bytes
    item: dict[str, Any] | None = None
    lines: list[str] = field(default_factory=list)
    changes: deque[tuple[bytes, int]] = field(default_factory=deque)
    """Every change as it came, and how long its header is."""
    change_bytes: int = 0


def uri_of(body: bytes) -> bytes | None:
    """The first `uri` of a message as it stands there, escapes included."""
    found = URI.search(body)
    return found[1] if found else None


class DocumentLog:
    """Owner of the messages that bring a new server up to where the old one was."""

    def __init__(self) -> None:
        self._documents: dict[bytes, _OpenDocument] = {}
        self._said: dict[str, list[bytes]] = {}
        self._diagnostics: dict[bytes, bytes] = {}
        self.encoding = "utf-16"
        """The position encoding that client and server agreed on."""

    def heard(self, method: str, raw: bytes, body: bytes) -> None:
        """Keep a notification of the client where a new server must hear it, too. Quick: nothing is parsed."""
        if method in LAST_ONE_COUNTS:
            self._said[method] = [raw]
        elif method in ALL_COUNT:
            self._said.setdefault(method, []).append(raw)
        elif method in DOCUMENT_METHODS and (uri := uri_of(body)) is not None:
            self._heard_of_document(method, uri, raw, body)

    def _heard_of_document(self, method: str, uri: bytes, raw: bytes, body: bytes) -> None:
        if method == "textDocument/didOpen":
            self._documents[uri] = _OpenDocument(raw, body)
        elif method == "textDocument/didClose":
            self._documents.pop(uri, None)
        elif (document := self._documents.get(uri)) is not None:
            document.changes.append((raw, len(raw) - len(body)))
            document.change_bytes += len(raw)

    def has_published(self, body: bytes, heard: bytes) -> None:
        """Keep the latest diagnostics of a file: `heard` is the message that Sleepy's server gets."""
        uri = uri_of(body)
        if uri is None:
            return
        self._diagnostics.pop(uri, None)
        self._diagnostics[uri] = heard
        if len(self._diagnostics) > KEPT_DIAGNOSTICS:
            del self._diagnostics[next(iter(self._diagnostics))]

    def fold(self, body: bytes) -> None:
        """Apply the oldest changes of the document that `body` speaks of, until few enough are kept.

        To be called after every change: then it is one change a call.
        """
        uri = uri_of(body)
        document = self._documents.get(uri) if uri is not None else None
        while document and (len(document.changes) > KEPT_CHANGES or document.change_bytes > KEPT_BYTES):
            raw, header_length = document.changes.popleft()
            document.change_bytes -= len(raw)
            if not _apply(document, raw[header_length:], self.encoding):
                return

    def replay(self, *, for_sleepy: bool) -> Iterator[bytes]:
        """What was said once for all, then every open document with its changes."""
        for method, messages in self._said.items():
            if for_sleepy or not method.startswith("sleepy/"):
                yield from messages
        for document in self._documents.values():
            if document.opened is not None:
                yield document.opened
            else:
                item = (document.item or {}) | {"text": "".join(document.lines)}
                yield message_bytes(
                    {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}}
                )
            for raw, _ in document.changes:
                yield raw

    def diagnostics(self) -> Iterator[bytes]:
        """The latest diagnostics of every file that has been heard of."""
        yield from self._diagnostics.values()

    def forget_diagnostics(self) -> None:
        """The server that found them is gone."""
        self._diagnostics.clear()


def _apply(document: _OpenDocument, body: bytes, encoding: str) -> bool:
    """Apply one change to the text of a document. False where either of both cannot be understood."""
    if document.item is None:
        opened = parsed(document.body)
        item = opened["params"]["textDocument"] if _has_text_document(opened) else None
        if item is None or not isinstance(item.get("text"), str):
            return False
        document.lines = lines_of(item.pop("text"))
        document.item, document.opened, document.body = item, None, b""
    change = parsed(body)
    if not _has_text_document(change):
        return False
    changes = change["params"].get("contentChanges")
    for one in changes if isinstance(changes, list) else ():
        change_lines(document.lines, one, encoding)
    document.item["version"] = change["params"]["textDocument"].get("version")
    return True


def _has_text_document(message: Any) -> bool:
    parameters = message.get("params") if isinstance(message, dict) else None
    return isinstance(parameters, dict) and isinstance(parameters.get("textDocument"), dict)
