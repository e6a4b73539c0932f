"""The protocol as it is spoken on the wire: pygls's, with an answer for everything a client may get wrong.

pygls 2.1 answers a request whose parameters are wrong with a message window and no response, so that the client waits
for ever; it says nothing to a request after `shutdown`, and leaves `exit` without its code. Here:

- what is no JSON gets a ParseError, what is no message an InvalidRequest, both with the id null (JSON-RPC 2.0, 5.1);
- wrong parameters get an InvalidParams; of a notification nobody waits for they are only logged;
- a request before `initialize` gets ServerNotInitialized, one after `shutdown` InvalidRequest (LSP 3.17, "Lifecycle");
- methods of ours (`sleepy/...`) and changes of documents reach their handler as plain JSON, which the handler judges.

Reading and writing have a thread each, so that a client that does not read for a while stops nobody.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, LanguageServerProtocol

from sleepy_lsp.proxy.framing import FrameReader, framed

logger = logging.getLogger(__name__)

LONGEST_MESSAGE_BYTES = 256 * 1024 * 1024
READ_SIZE = 256 * 1024
GOODBYE_SECONDS = 2.0
"""How long the last messages may take to be written."""

DOCUMENT_METHODS = (
    lsp.TEXT_DOCUMENT_DID_OPEN,
    lsp.TEXT_DOCUMENT_DID_CHANGE,
    lsp.TEXT_DOCUMENT_DID_CLOSE,
    lsp.TEXT_DOCUMENT_DID_SAVE,
)
"""What pygls would keep documents for; ours are kept by `documents.py`, and once is enough."""


class ThreadedWriter:
    """Writes messages to a file descriptor, in order, in a thread of its own (pygls: `Writer`)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="writer", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        self._messages.put(framed(data))

    def close(self) -> None:
        """Write what is left, unless nobody reads it."""
        self._messages.put(None)
        self._thread.join(GOODBYE_SECONDS)

    def _write_all(self) -> None:
        while (message := self._messages.get()) is not None:
            try:
                while message:
                    message = message[os.write(self._descriptor, message) :]
            except OSError:
                # The client is gone. Its end of our input closes as well, and that ends the server.
                return


class WireProtocol(LanguageServerProtocol):
    """pygls's protocol with the answers above. `handle_body` takes whatever came as one message."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.is_initialized = False
        self.exit_code: int | None = None
        self.on_exit: Callable[[], None] = lambda: None
        for method in DOCUMENT_METHODS:
            self.fm.builtin_features.pop(method, None)

    def handle_body(self, body: bytes) -> None:
        """Handle one message, whatever it is. Never raises."""
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            self._refuse(None, lsp.ErrorCodes.ParseError, "The message is no JSON.")
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != self.VERSION:
            self._refuse(None, lsp.ErrorCodes.InvalidRequest, "The message is no JSON-RPC 2.0 request.")
            return
        method = message.get("method")
        identifier = message.get("id")
        if isinstance(identifier, bool) or not isinstance(identifier, str | int | None):
            self._refuse(None, lsp.ErrorCodes.InvalidRequest, "The id of a request is a number or a string.")
        elif method is None:
            self._handle_answer(message)
        elif not isinstance(method, str):
            self._refuse(identifier, lsp.ErrorCodes.InvalidRequest, "The method of a request is a string.")
        else:
            self._handle_call(message, method, identifier)

    def _handle_answer(self, message: dict[str, Any]) -> None:
        """A response of the client to a request of ours."""
        try:
            self.handle_message(self.structure_message(message))
        except Exception as error:
            # Whoever asked gets no answer; the kind of it that we ask for says nothing but "done".
            logger.warning("a response could not be read: %s", error)

    def _handle_call(self, message: dict[str, Any], method: str, identifier: str | int | None) -> None:
        if method == lsp.EXIT:
            self.exit_code = 0 if self._shutdown else 1
            self.on_exit()
            return
        refusal = self._lifecycle_refusal(method)
        if refusal is not None:
            if identifier is not None:
                self._refuse(identifier, *refusal)
            return
        try:
            self.handle_message(self._structured(message, method, identifier))
        except JsonRpcException as error:
            if identifier is not None:
                self._refuse(identifier, error.code, str(error.message))
            else:
                logger.warning("%s was left out: its parameters are wrong", method)
        except Exception as error:
            logger.exception("%s failed", method)
            if identifier is not None:
                self._refuse(identifier, lsp.ErrorCodes.InternalError, f"{type(error).__name__}: {error}")

    def _lifecycle_refusal(self, method: str) -> tuple[int, str] | None:
        if self._shutdown:
            return lsp.ErrorCodes.InvalidRequest, "The server was shut down."
        if method == lsp.INITIALIZE:
            if self.is_initialized:
                return lsp.ErrorCodes.InvalidRequest, "The server is initialized already."
        elif not self.is_initialized:
            return lsp.ErrorCodes.ServerNotInitialized, "The server is not initialized yet."
        return None

    def _structured(self, message: dict[str, Any], method: str, identifier: str | int | None) -> Any:
        parameters = message.get("params")
        if method in DOCUMENT_METHODS or method.startswith("sleepy/"):
            if identifier is None:
                return JsonRPCNotification(method=method, params=parameters, jsonrpc=self.VERSION)
            return JsonRPCRequestMessage(id=identifier, method=method, params=parameters, jsonrpc=self.VERSION)
        if parameters is None and method not in {lsp.SHUTDOWN, lsp.INITIALIZED} and self.get_message_type(method):
            raise JsonRpcInvalidParams(f"{method} needs parameters.")
        if method == lsp.INITIALIZED:
            # Its parameters say nothing, and some clients leave them out.
            message = message | {"params": {}}
        structured = self.structure_message(message)
        if method == lsp.INITIALIZE:
            self.is_initialized = True
        return structured

    def _refuse(self, identifier: str | int | None, code: int, text: str) -> None:
        # By hand: lsprotocol's record of an error leaves a null id out, which JSON-RPC asks for.
        if self.writer is not None:
            error = {"jsonrpc": self.VERSION, "id": identifier, "error": {"code": int(code), "message": text}}
            self.writer.write(json.dumps(error).encode())


def read_messages(descriptor: int, loop: asyncio.AbstractEventLoop, hear: Callable[[bytes | None], None]) -> None:
    """Call `hear` on the loop with each body that comes from a file descriptor, with None at its end.

    In a thread of its own, as reading blocks. Between messages bytes that are no message are passed over.
    """

    def tell(body: bytes | None) -> bool:
        try:
            loop.call_soon_threadsafe(hear, body)
        except RuntimeError:
            # The loop has ended meanwhile.
            return False
        return True

    def read() -> None:
        frames = FrameReader(LONGEST_MESSAGE_BYTES)
        try:
            while content := os.read(descriptor, READ_SIZE):
                for frame in frames.feed(content):
                    if frame.body is not None and not tell(frame.body):
                        return
        except (OSError, ValueError) as error:
            logger.warning("reading ended: %s", error)
        tell(None)

    threading.Thread(target=read, name="reader", daemon=True).start()
