"""A small client of a language server: a process, its messages, and an end that leaves nothing behind.

Source: LSP 3.17, "Base Protocol" and "Lifecycle Messages". Speaks plain JSON values.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sleepy_agent.errors import SleepyError
from sleepy_agent.process import POSIX
from sleepy_lsp.proxy.framing import FrameReader, message_bytes, parsed

METHOD_NOT_FOUND = -32601
GOODBYE_SECONDS = 3.0
"""A server that was told to end is killed after this time."""
PIECE_BYTES = 65_536
KEPT_ERROR_LINES = 12

# What a server may ask and a terminal has no better answer to. All else is answered with "method not found".
ANSWERS: Mapping[str, Callable[[Any], Any]] = {
    "client/registerCapability": lambda _: None,
    "client/unregisterCapability": lambda _: None,
    "window/workDoneProgress/create": lambda _: None,
    "window/showMessageRequest": lambda _: None,
    "workspace/configuration": lambda asked: [None] * len(asked.get("items", [])) if isinstance(asked, dict) else [],
    "workspace/diagnostic/refresh": lambda _: None,
    "workspace/applyEdit": lambda _: {"applied": False, "failureReason": "sleepy watch writes what its user accepts"},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: its `result`, or why there is none."""

    result: Any = None
    error: str | None = None


class ServerEnded(SleepyError):
    """The language server ended although nobody told it to."""


class LanguageClient:
    """The one owner of a server process. `on_notification(method, params)` is called on the event loop."""

    def __init__(self, process: asyncio.subprocess.Process, on_notification: Callable[[str, Any], None]) -> None:
        self._process = process
        self._on_notification = on_notification
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._last_id = 0
        self._errors: deque[str] = deque(maxlen=KEPT_ERROR_LINES)
        self._reading = asyncio.gather(self._read_messages(), self._read_errors())

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        cwd: Path,
        on_notification: Callable[[str, Any], None],
        environment: Mapping[str, str] | None = None,
    ) -> LanguageClient:
        """Start a server, in a process group of its own so that Ctrl-C in the terminal is not meant for it.

        Raises ServerEnded where it cannot be started.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env=None if environment is None else dict(environment),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=POSIX,
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ServerEnded(
                f"The language server cannot be started: {reason}.", "`sleepy doctor` says what is missing."
            ) from error
        return cls(process, on_notification)

    @property
    def process_id(self) -> int:
        return self._process.pid

    async def initialize(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """The handshake; gives the server's capabilities. Raises ServerEnded."""
        answer = await self.request("initialize", parameters)
        if not isinstance(answer.result, dict):
            raise self.ended(answer.error or "it gave no capabilities")
        self.notify("initialized", {})
        capabilities = answer.result.get("capabilities")
        return capabilities if isinstance(capabilities, dict) else {}

    async def request(self, method: str, parameters: Any, timeout_seconds: float | None = None) -> Answer:
        """Ask, and wait for the answer. A server that ends, or takes too long, answers with an error."""
        if self._reading.done():
            return Answer(error="the language server has ended")
        self._last_id += 1
        identifier = self._last_id
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[identifier] = future
        self._send({"jsonrpc": "2.0", "id": identifier, "method": method} | parameters_member(parameters))
        try:
            return await asyncio.wait_for(future, timeout_seconds)
        except TimeoutError:
            self.notify("$/cancelRequest", {"id": identifier})
            return Answer(error="the language server took too long")
        finally:
            self._waiting.pop(identifier, None)

    def notify(self, method: str, parameters: Any) -> None:
        """Tell the server something. Nothing happens where it has ended."""
        self._send({"jsonrpc": "2.0", "method": method} | parameters_member(parameters))

    async def wait_for_end(self) -> SleepyError:
        """Return when the server has ended by itself, with the error that says so."""
        await asyncio.wait({self._reading})
        await self._process.wait()
        return self.ended(f"exit code {self._process.returncode}")

    def ended(self, reason: str) -> ServerEnded:
        """The error for a server that is gone, with the last words it had."""
        last_words = next((line for line in reversed(self._errors) if line.strip()), "").strip()
        said = f" Its last words: {last_words}" if last_words else ""
        return ServerEnded(
            f"The language server ended ({reason}).{said}",
            "Run `sleepy watch` again; `sleepy watch --no-rust-analyzer` does without rust-analyzer.",
        )

    async def close(self) -> None:
        """Say goodbye, and end the process and everything in its group after GOODBYE_SECONDS at the latest."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._say_goodbye(), GOODBYE_SECONDS)
        self.kill()
        await asyncio.wait({self._reading}, timeout=GOODBYE_SECONDS)
        self._reading.cancel()
        await asyncio.wait({self._reading})
        await self._process.wait()

    def kill(self) -> None:
        """End the process and its group at once. Harmless where they have ended."""
        with suppress(ProcessLookupError, PermissionError):
            if POSIX:
                os.killpg(self._process.pid, signal.SIGKILL)
            elif self._process.returncode is None:
                self._process.kill()

    async def _say_goodbye(self) -> None:
        await self.request("shutdown", None, GOODBYE_SECONDS)
        self.notify("exit", None)
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()

    def _send(self, message: Mapping[str, Any]) -> None:
        stream = self._process.stdin
        if stream is not None and not stream.is_closing():
            stream.write(message_bytes(message))

    async def _read_messages(self) -> None:
        assert self._process.stdout is not None
        reader = FrameReader()
        try:
            while piece := await self._process.stdout.read(PIECE_BYTES):
                for frame in reader.feed(piece):
                    message = parsed(frame.body) if frame.body is not None else None
                    for one in message if isinstance(message, list) else [message]:
                        if isinstance(one, dict):
                            self._hear(one)
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_result(Answer(error="the language server has ended"))

    def _hear(self, message: Mapping[str, Any]) -> None:
        method, identifier = message.get("method"), message.get("id")
        if isinstance(method, str) and identifier is None:
            self._on_notification(method, message.get("params"))
        elif isinstance(method, str):
            self._send({"jsonrpc": "2.0", "id": identifier, **answer_to(method, message.get("params"))})
        elif isinstance(identifier, int) and identifier in self._waiting:
            future = self._waiting[identifier]
            if not future.done():
                error = message.get("error")
                said = str(error.get("message", error)) if isinstance(error, dict) else None
                future.set_result(Answer(message.get("result"), said))

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        unfinished = b""
        while piece := await self._process.stderr.read(PIECE_BYTES):
            # Not line by line: a line may be of any length, and only the last ones are worth keeping.
            *lines, unfinished = (unfinished + piece)[-PIECE_BYTES:].split(b"\n")
            self._errors.extend(line.decode(errors="replace") for line in lines)
        self._errors.append(unfinished.decode(errors="replace"))


def parameters_member(parameters: Any) -> dict[str, Any]:
    """The member `params` of a message, which is left out where a method has none."""
    return {} if parameters is None else {"params": parameters}


def answer_to(method: str, parameters: Any) -> dict[str, Any]:
    """The answer to a request of the server, as the members `result` or `error` of the response."""
    if method in ANSWERS:
        return {"result": ANSWERS[method](parameters)}
    return {"error": {"code": METHOD_NOT_FOUND, "message": f"sleepy watch does not know {method}"}}
