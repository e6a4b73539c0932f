"""A client that sends whatever a test wants, byte for byte, and hears every message as plain JSON."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from lsp.fakes import SERVER, worker_environment

INITIALIZE: dict[str, Any] = {"processId": None, "rootUri": None, "capabilities": {}}


class RawClient:
    """One server process and its pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.heard: list[dict[str, Any]] = []

    def send_bytes(self, content: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(content)

    def send_body(self, body: bytes) -> None:
        self.send_bytes(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def send(self, **message: Any) -> None:
        self.send_body(json.dumps({"jsonrpc": "2.0", **message}).encode())

    async def receive(self) -> dict[str, Any] | None:
        """The next message, None at the end."""
        assert self.process.stdout is not None
        length = 0
        while (line := await self.process.stdout.readline()).strip():
            name, _, value = line.partition(b":")
            assert name == b"Content-Length", line
            length = int(value)
        if not line:
            return None
        message: dict[str, Any] = json.loads(await self.process.stdout.readexactly(length))
        self.heard.append(message)
        return message

    async def answer(self, identifier: object) -> dict[str, Any]:
        """The next response with this id; what comes before it is kept in `heard`."""
        while (message := await self.receive()) is not None:
            if "method" not in message and message["id"] == identifier:
                return message
        raise AssertionError(f"the server ended without an answer to {identifier!r}")

    async def ask(self, identifier: int | str, method: str, parameters: object) -> dict[str, Any]:
        self.send(id=identifier, method=method, params=parameters)
        return await self.answer(identifier)

    async def initialize(self, **parameters: Any) -> dict[str, Any]:
        """Begin a session; the answer's result."""
        result = (await self.ask("initialize", "initialize", INITIALIZE | parameters))["result"]
        self.send(method="initialized", params={})
        assert isinstance(result, dict)
        return result

    async def is_alive(self) -> None:
        """Assert that it still answers."""
        answer = await self.ask("alive?", "sleepy/offers", {})
        assert answer["result"] == []


@asynccontextmanager
async def raw_client(command: Sequence[str] = SERVER, **environment: str) -> AsyncIterator[RawClient]:
    """A client that was not initialized. However the test ends, the server does, too."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **worker_environment(), **environment},
    )
    try:
        yield RawClient(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
