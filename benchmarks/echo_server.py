"""A language server that answers at once, run as a program: `python -m benchmarks.echo_server [busy]`.

Each request has `params.size`: how long a result it wants, in bytes. A notification `test/publish` is answered with
diagnostics of that size. With `busy` it computes without end meanwhile, as Sleepy's server might in its worst moment.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from functools import cache
from itertools import count

from sleepy_lsp.proxy.framing import FrameReader, framed, message_bytes, parsed

ACTIONS = [{"title": "an action", "kind": "quickfix", "diagnostics": [], "edit": {"changes": {}}}] * 3


def main(is_busy: bool) -> None:
    if is_busy:
        threading.Thread(target=lambda: [number * number for number in count()], daemon=True).start()
    reader = FrameReader()
    while content := os.read(0, 262_144):
        for frame in reader.feed(content):
            message = parsed(frame.body or b"")
            for answer in answers(message):
                write(answer)
            if message.get("method") == "exit":
                return


def answers(message: Mapping[str, object]) -> list[bytes]:
    """What is said to one message of the client."""
    method, identifier = message.get("method"), message.get("id")
    params = message.get("params")
    size = int(params.get("size", 0)) if isinstance(params, dict) else 0
    number = identifier if isinstance(identifier, int) else 0
    if method == "initialize":
        capabilities = {"codeActionProvider": {"resolveProvider": True}, "textDocumentSync": 2}
        return [message_bytes({"jsonrpc": "2.0", "id": identifier, "result": {"capabilities": capabilities}})]
    if method == "textDocument/codeAction":
        return [message_bytes({"jsonrpc": "2.0", "id": identifier, "result": ACTIONS})]
    if method == "initialized":
        return [message_bytes({"jsonrpc": "2.0", "method": "test/initialized"})]
    if method == "test/publish":
        head = (
            b'{"jsonrpc":"2.0","method":"textDocument/publishDiagnostics","params":{"uri":"file:///a.rs","diagnostics":'
        )
        return [framed(head + items(size) + b"}}")]
    if identifier is not None and method is not None:
        return [framed(b'{"jsonrpc":"2.0","id":%d,"result":' % number + items(size) + b"}")]
    return []


@cache
def items(size: int) -> bytes:
    """A JSON list of about that many bytes, of objects as servers send them."""
    item = b'{"label":"a_function_of_some_length","kind":3,"detail":"fn(&self, other: &str) -> Result<(), Error>"}'
    return b"[" + b",".join([item] * max(1, size // len(item))) + b"]"


def write(content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    main("busy" in sys.argv[1:])
