"""Messages that the proxy itself says, as they go over the wire. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sleepy_lsp.proxy.envelope import MessageId
from sleepy_lsp.proxy.framing import framed, message_bytes

REQUEST_CANCELLED = -32800
CONTENT_MODIFIED = -32801
REQUEST_FAILED = -32803
"""Error codes of LSP 3.17, "Response Message"."""

ERROR_MESSAGE = 1
WARNING_MESSAGE = 2
"""LSP 3.17, `MessageType`."""

PUBLISHED = b"textDocument/publishDiagnostics"
HEARD = b"sleepy/diagnostics"


def result_answer(message_id: MessageId, result: Any) -> bytes:
    return message_bytes({"jsonrpc": "2.0", "id": message_id, "result": result})


def error_answer(message_id: MessageId, code: int, message: str) -> bytes:
    return message_bytes({"jsonrpc": "2.0", "id": message_id, "error": {"code": code, "message": message}})


def request(message_id: MessageId, method: str, parameters: Any) -> bytes:
    return message_bytes({"jsonrpc": "2.0", "id": message_id, "method": method, "params": parameters})


def notification(method: str, parameters: Any) -> bytes:
    return message_bytes({"jsonrpc": "2.0", "method": method, "params": parameters})


def shown_message(kind: int, message: str) -> bytes:
    return notification("window/showMessage", {"type": kind, "message": message})


def ended_progress(tokens: Iterable[MessageId]) -> Iterable[bytes]:
    """The ends of what somebody reported on who is gone."""
    return (notification("$/progress", {"token": token, "value": {"kind": "end"}}) for token in tokens)


def unregistration(message_id: MessageId, registrations: Iterable[tuple[str, str]]) -> bytes:
    """Take back what a dead server registered. `registrations`: id and method of each."""
    # The protocol really spells the member like this (LSP 3.17, `UnregistrationParams`).
    listed = [{"id": identifier, "method": method} for identifier, method in registrations]
    return request(message_id, "client/unregisterCapability", {"unregisterations": listed})


def heard_diagnostics(body: bytes) -> bytes:
    """A published list of diagnostics as Sleepy's server hears of it: the same parameters, unparsed."""
    return framed(body.replace(PUBLISHED, HEARD, 1))


def pulled_diagnostics(uri: str, message: Any) -> Iterable[bytes]:
    """The same for the answer to `textDocument/diagnostic`: of that file, and of others it speaks of."""
    report = message.get("result") if isinstance(message, dict) else None
    if not isinstance(report, dict):
        return
    related = report.get("relatedDocuments")
    reports = {uri: report} | (related if isinstance(related, dict) else {})
    for of_uri, one in reports.items():
        # "unchanged" says nothing new.
        if isinstance(one, dict) and one.get("kind") == "full" and isinstance(one.get("items"), list):
            yield notification("sleepy/diagnostics", {"uri": of_uri, "diagnostics": one["items"]})
