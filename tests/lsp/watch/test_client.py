"""The client of a language server, when the server is not what it should be."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from sleepy_lsp.watch.client import Answer, LanguageClient, ServerEnded, answer_to

# Answers each request with its own parameters, once it has written the bytes given as its argument.
ECHO = """
import os, sys
from sleepy_lsp.proxy.framing import FrameReader, message_bytes, parsed
os.write(1, eval(sys.argv[1]))
reader = FrameReader()
while piece := os.read(0, 65536):
    for frame in reader.feed(piece):
        message = parsed(frame.body)
        if message["method"] == "exit":
            sys.exit(0)
        if message["method"] == "die":
            sys.exit("last words")
        if "id" in message and message["method"] != "hang":
            os.write(1, message_bytes({"jsonrpc": "2.0", "id": message["id"], "result": message.get("params")}))
"""


def with_server(act: Callable[[LanguageClient], Awaitable[Any]], first: bytes = b"") -> tuple[Any, list[Any]]:
    """What `act` gives with a running server, and the notifications that came."""
    told: list[Any] = []

    async def run() -> Any:
        command = (sys.executable, "-c", ECHO, repr(first))
        client = await LanguageClient.start(command, Path.cwd(), lambda method, content: told.append((method, content)))
        try:
            return await act(client)
        finally:
            await client.close()

    return asyncio.run(run()), told


async def ask(client: LanguageClient) -> Answer:
    return await client.request("echo", {"a": 1})


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize(
    ("first", "told"),
    [
        (b"", []),
        (framed(b"no JSON"), []),
        (framed(b"[]") + framed(b"3") + framed(b'{"id": 99, "result": 1}') + framed(b'{"id": null}'), []),
        (framed(b'{"method": "m", "params": {"x": 1}}'), [("m", {"x": 1})]),
        (framed(b'[{"method": "m"}, {"method": "n"}]'), [("m", None), ("n", None)]),
        (b"Content-Type: x\r\ncontent-length: 14\r\n\r\n" + b'{"method":"m"}', [("m", None)]),
    ],
)
def test_whatever_comes_first_the_answer_is_heard(first: bytes, told: list[Any]) -> None:
    answer, heard = with_server(ask, first)
    assert answer == Answer({"a": 1})
    assert heard == told


def test_an_answer_that_does_not_come_is_an_error() -> None:
    answer, _ = with_server(lambda client: client.request("hang", {}, 0.05))
    assert answer.error == "the language server took too long"


def test_a_server_that_dies_answers_everything_with_an_error() -> None:
    async def act(client: LanguageClient) -> Any:
        async def kill() -> Any:
            client.notify("die", {})
            return await client.wait_for_end()

        # Begun in this order: the question is on its way when the server dies.
        waited, ended = await asyncio.gather(client.request("hang", {}), kill())
        return waited, await client.request("echo", {}), ended

    (waited, asked_later, ended), _ = with_server(act)
    assert waited.error == asked_later.error == "the language server has ended"
    assert "exit code 1" in ended.message and "last words" in ended.message
    assert "sleepy watch" in ended.remedy


def test_a_server_that_is_not_there_is_told() -> None:
    async def act() -> None:
        await LanguageClient.start(("/nowhere/to/be/found",), Path.cwd(), lambda *_: None)

    with pytest.raises(ServerEnded, match="cannot be started"):
        asyncio.run(act())


def test_a_handshake_without_capabilities_is_told() -> None:
    async def act(client: LanguageClient) -> Any:
        client.notify("die", {})
        return await client.initialize({})

    with pytest.raises(ServerEnded):
        with_server(act)


@pytest.mark.parametrize(
    ("method", "parameters", "expected"),
    [
        ("workspace/configuration", {"items": [{}]}, {"result": [None]}),
        ("workspace/configuration", None, {"result": []}),
        ("client/registerCapability", {}, {"result": None}),
    ],
)
def test_what_a_server_asks(method: str, parameters: Any, expected: dict[str, Any]) -> None:
    assert answer_to(method, parameters) == expected
    assert answer_to("what/ever", None)["error"]["code"] == -32601
