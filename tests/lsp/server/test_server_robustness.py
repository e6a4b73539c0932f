"""Whatever a client sends, the server answers and goes on; however it ends, nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import psutil
import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from lsp.fakes import cargo_project, editor, offers_of
from lsp.raw_client import INITIALIZE, RawClient, raw_client
from sleepy_lsp.names import COMMANDS

LONGEST_SECONDS = 60.0
BROKEN = "fn main() { broken_one }\n"
PARSE_ERROR, INVALID_REQUEST, NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
NOT_INITIALIZED = -32002


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, LONGEST_SECONDS))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return cargo_project(tmp_path / "demo", lib=BROKEN)


def request(method: str, parameters: object = None) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": parameters}).encode()


PLACE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}

# What is sent, the code of the error, and its id.
REFUSED: list[tuple[bytes, int, int | None]] = [
    (b"nonsense", PARSE_ERROR, None),
    (b'{"jsonrpc": "2.0", "id": 7, "method"', PARSE_ERROR, None),
    (b"\xff\xfe\x00", PARSE_ERROR, None),
    (b"[" * 100_000, PARSE_ERROR, None),
    (b"[]", INVALID_REQUEST, None),
    (b'[{"jsonrpc": "2.0", "id": 7, "method": "shutdown"}]', INVALID_REQUEST, None),
    (b"5", INVALID_REQUEST, None),
    (b'{"id": 7, "method": "shutdown"}', INVALID_REQUEST, None),
    (b'{"jsonrpc": "2.0", "id": {}, "method": "shutdown"}', INVALID_REQUEST, None),
    (b'{"jsonrpc": "2.0", "id": true, "method": "shutdown"}', INVALID_REQUEST, None),
    (b'{"jsonrpc": "2.0", "id": 7, "method": 5}', INVALID_REQUEST, 7),
    (request("no/such/method", {}), NOT_FOUND, 7),
    (request("sleepy/nothing", {}), NOT_FOUND, 7),
    (request("initialize", INITIALIZE), INVALID_REQUEST, 7),
    (request("textDocument/codeAction"), INVALID_PARAMS, 7),
    (request("textDocument/codeAction", []), INVALID_PARAMS, 7),
    (request("textDocument/codeAction", {}), INVALID_PARAMS, 7),
    (request("textDocument/codeAction", {"textDocument": {"uri": 5}, "range": "x", "context": {}}), INVALID_PARAMS, 7),
    (request("textDocument/codeAction", {"textDocument": {"uri": "file:///x"}, "range": PLACE}), INVALID_PARAMS, 7),
    (request("codeAction/resolve", {"kind": "quickfix"}), INVALID_PARAMS, 7),
    (request("workspace/executeCommand", {}), INVALID_PARAMS, 7),
    (request("workspace/executeCommand", {"command": "sleepy.nothing"}), INVALID_PARAMS, 7),
    (request("workspace/executeCommand", {"command": "sleepy.applied"}), INVALID_PARAMS, 7),
    (request("workspace/executeCommand", {"command": "sleepy.applied", "arguments": [5]}), INVALID_PARAMS, 7),
    (request("workspace/executeCommand", {"command": "sleepy.dismiss", "arguments": [{}]}), INVALID_PARAMS, 7),
    (request("workspace/executeCommand", {"command": "sleepy.explain", "arguments": []}), INVALID_PARAMS, 7),
    (request("workspace/executeCommand", {"command": "sleepy.muteFamily", "arguments": ["no"]}), INVALID_PARAMS, 7),
    (request("workspace/executeCommand", {"command": "sleepy.muteFile", "arguments": ["http://x"]}), INVALID_PARAMS, 7),
    (request("sleepy/explain"), INVALID_PARAMS, 7),
    (request("sleepy/explain", {"textDocument": {"uri": "file:///x"}}), INVALID_PARAMS, 7),
    (
        request("sleepy/explain", {"textDocument": {"uri": 5}, "position": {"line": 0, "character": 0}}),
        INVALID_PARAMS,
        7,
    ),
    (request("sleepy/offers", {"uri": 5}), INVALID_PARAMS, 7),
]

# Nobody waits for an answer to these.
NOTIFICATIONS = (
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didSave",
    "textDocument/didClose",
    "workspace/didChangeWatchedFiles",
    "workspace/didChangeWorkspaceFolders",
    "workspace/didRenameFiles",
    "workspace/didDeleteFiles",
    "sleepy/diagnostics",
    "sleepy/trust",
    "$/cancelRequest",
    "window/workDoneProgress/cancel",
    "no/such/notification",
)
NO_PARAMETERS: tuple[object, ...] = (None, [], 5, {}, {"textDocument": []}, {"textDocument": {"uri": 5, "text": 5}})
LEFT_OUT: list[tuple[str, object]] = [
    *((method, parameters) for method in NOTIFICATIONS for parameters in NO_PARAMETERS),
    ("textDocument/didOpen", {"textDocument": {"uri": "untitled:1", "text": "fn", "version": "x"}}),
    ("textDocument/didOpen", {"textDocument": {"uri": "file://[", "text": "fn", "version": None}}),
    ("textDocument/didOpen", {"textDocument": {"uri": "file:///a%00b", "text": "\ud800", "version": 1e99}}),
    ("textDocument/didChange", {"textDocument": {"uri": "untitled:1"}, "contentChanges": [5, {"range": {}}, {}]}),
    ("textDocument/didChange", {"textDocument": {"uri": "file:///none"}, "contentChanges": [{"text": "x"}]}),
    ("textDocument/didSave", {"textDocument": {"uri": "file:///none"}}),
    ("sleepy/diagnostics", {"uri": 5, "diagnostics": []}),
    ("sleepy/diagnostics", {"uri": "file:///x", "diagnostics": [5, {}, {"range": {"start": {"line": "x"}}}]}),
    ("sleepy/diagnostics", {"uri": "file:///x", "diagnostics": "x"}),
    ("sleepy/trust", {"trusted": "yes"}),
    ("workspace/didChangeWatchedFiles", {"changes": [{"uri": "http://x", "type": 99}]}),
]


def test_every_wrong_request_gets_an_error_and_nothing_else_changes() -> None:
    async def work() -> None:
        async with raw_client() as client:
            await client.initialize()
            for body, code, identifier in REFUSED:
                client.send_body(body)
                answer = await client.answer(identifier)
                assert (answer["error"]["code"], body) == (code, body)
                assert answer["error"]["message"]
            await client.is_alive()

    run(work())


def test_wrong_notifications_are_left_out() -> None:
    async def work() -> None:
        async with raw_client() as client:
            await client.initialize()
            for method, parameters in LEFT_OUT:
                client.send(method=method, params=parameters)
            client.send(id="nobody asked", result=5)
            client.send(id="nobody asked", error={"code": 1, "message": "x"})
            client.send(id=None, result={})
            await client.is_alive()
            assert [message for message in client.heard if "error" in message] == []
            assert [message for message in client.heard if message.get("method") == "window/showMessage"] == []

    run(work())


def test_headers_of_all_sorts() -> None:
    async def work() -> None:
        async with raw_client() as client:
            await client.initialize()
            body = request("sleepy/offers", {})
            for header in (
                b"content-length: %d\r\n\r\n",
                b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
                b"X-Other: 1\r\nContent-Length:%d\r\n\r\n",
            ):
                client.send_bytes(header % len(body) + body)
                assert (await client.answer(7))["result"] == []
            for byte in b"Content-Length: %d\r\n\r\n%b" % (len(body), body):
                client.send_bytes(bytes([byte]))
            assert (await client.answer(7))["result"] == []
            client.send_bytes(b"No-Length: 5\r\n\r\n")
            await client.is_alive()

    run(work())


@pytest.mark.parametrize("method", ["shutdown", "textDocument/codeAction", "sleepy/offers", "no/such/method"])
def test_before_initialize_there_is_an_error(method: str) -> None:
    async def work() -> None:
        async with raw_client() as client:
            client.send(method="textDocument/didOpen", params={})
            answer = await client.ask(1, method, {})
            assert answer["error"]["code"] == NOT_INITIALIZED
            await client.initialize()
            await client.is_alive()

    run(work())


async def end_of(client: RawClient) -> int:
    """The exit code, once everything it said was heard."""
    while await client.receive() is not None:
        pass
    return await client.process.wait()


def test_the_end_as_the_protocol_wants_it() -> None:
    async def work() -> None:
        async with raw_client() as client:
            await client.initialize()
            assert (await client.ask(1, "shutdown", None))["result"] is None
            assert (await client.ask(2, "sleepy/offers", {}))["error"]["code"] == INVALID_REQUEST
            assert (await client.ask(3, "shutdown", None))["error"]["code"] == INVALID_REQUEST
            client.send(method="textDocument/didOpen", params={})
            client.send(method="exit")
            assert await end_of(client) == 0

    run(work())


def test_exit_without_shutdown_is_a_failure() -> None:
    async def work() -> None:
        async with raw_client() as client:
            await client.initialize()
            client.send(method="exit")
            assert await end_of(client) == 1

    run(work())


@pytest.mark.parametrize("how", ["end of input", "SIGKILL", "SIGTERM"])
def test_however_the_server_ends_its_worker_does_too(project: Path, how: str) -> None:
    async def work() -> None:
        async with raw_client() as client:
            await client.initialize(capabilities={"experimental": {"sleepy": True}})
            document = {"uri": (project / "src/lib.rs").as_uri(), "languageId": "rust", "version": 1, "text": BROKEN}
            client.send(method="textDocument/didOpen", params={"textDocument": document})
            while (message := await client.receive()) is not None:
                if message.get("method") == "sleepy/ready":
                    break
            workers = psutil.Process(client.process.pid).children(recursive=True)
            assert workers
            if how == "end of input":
                assert client.process.stdin is not None
                client.process.stdin.close()
                assert await end_of(client) == 0
            else:
                client.process.send_signal(getattr(signal, how))
                await client.process.wait()
            _, alive = await asyncio.to_thread(psutil.wait_procs, workers, 20)
            assert alive == []

    run(work())


def test_a_client_that_does_not_read_does_not_stop_the_server(project: Path) -> None:
    async def work() -> None:
        async with raw_client() as client:
            await client.initialize()
            # Far more answers than a pipe holds, none of them read before all were asked.
            for number in range(20_000):
                client.send(id=number, method="no/such/method/with/a/name/of/some/length", params={})
            for number in range(20_000):
                assert (await client.answer(number))["error"]["code"] == NOT_FOUND

    run(work())


def test_thousands_of_diagnostics_in_one_burst(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one:
            uri = one.open(project / "src/lib.rs")
            place = {"start": {"line": 0, "character": 12}, "end": {"line": 0, "character": 22}}
            listed = [{"range": place, "severity": 1, "message": "cannot find it"}] * 2000
            for number in range(300):
                one.tell("sleepy/diagnostics", {"uri": f"{uri}{number}", "diagnostics": listed[:20]})
            one.tell("sleepy/diagnostics", {"uri": uri, "version": 1, "diagnostics": listed})
            await one.wait_ready(offers=2)
            assert len(offers_of(await one.actions(uri))) == 2

    run(work())


def test_a_worker_that_crashes_is_started_again_with_the_open_texts(project: Path, tmp_path: Path) -> None:
    async def work() -> None:
        journal = tmp_path / "journal"
        async with editor(project, journal=journal) as one:
            uri = one.open(project / "src/lib.rs", "fn main() { broken_buffer } // worker: crash")
            while not journal.exists() or journal.read_text(encoding="utf-8").count("CheckText") < 2:
                # Each crash is a new status: the worker is asked to check, dies and is asked again.
                await one.statuses.get()
            one.type(uri, "fn main() { broken_buffer }\n")
            await one.wait_ready(offers=2)
            assert "mended_buffer" in offers_of(await one.actions(uri))[0].title
        assert journal.read_text(encoding="utf-8").count("OpenWorkspace") >= 2

    run(work())


@pytest.mark.parametrize("mood", ["garbage", "stumble"])
def test_a_worker_that_goes_wrong_once_goes_on_with_the_next_text(project: Path, mood: str) -> None:
    async def work() -> None:
        async with editor(project) as one:
            uri = one.open(project / "src/lib.rs", f"{BROKEN}// worker: {mood}")
            if mood == "stumble":
                assert "That went wrong" in (await one.shown.get()).message
            one.type(uri, BROKEN)
            await one.wait_ready(offers=2)

    run(work())


def test_a_worker_that_cannot_go_on_is_off_until_a_manifest_changes(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one:
            uri = one.open(project / "src/lib.rs", f"{BROKEN}// worker: fail")
            assert "There is no cargo. Install it." in (await one.shown.get()).message
            while "There is no cargo" not in (await one.wait_status("off")).reason:
                # At the start there is no open file yet.
                pass
            one.type(uri, BROKEN)
            assert await one.actions(uri) == []
            one.files_changed(project / "Cargo.toml")
            await one.wait_ready(offers=2)

    run(work())


def test_a_worker_that_reads_nothing_does_not_hold_up_the_editor(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one:
            uri = one.open(project / "src/lib.rs", "// worker: deaf")
            await one.wait_status("checking")
            for number in range(30):
                one.type(uri, f"{BROKEN}// {number}" + " " * 200_000)
                assert await one.actions(uri) == []

    run(work())


def test_unknown_commands_are_errors_and_ours_are_announced(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one:
            assert one.result is not None
            provider = one.result.capabilities.execute_command_provider
            assert provider is not None
            assert tuple(provider.commands) == COMMANDS
            with pytest.raises(JsonRpcException) as refused:
                await one.command("sleepy.nothing")
            assert refused.value.code == lsp.ErrorCodes.InvalidParams

    run(work())
