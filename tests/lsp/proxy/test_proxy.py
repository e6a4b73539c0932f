"""The proxy as a process between a client and two scripted servers: bytes, breakdowns, restarts and the end."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from process_watch import is_running

from lsp.proxy.proxy_client import ProxyClient, scripted
from sleepy_lsp.names import COMMANDS
from sleepy_lsp.proxy.framing import framed

QUICK_RESTARTS = {
    "wrapped_policy": [[0.01], 60.0, False],
    "sleepy_policy": [[0.01, 0.01], 3600.0, True],
}
NEVER = 600.0
"""Seconds that no test waits: what is to come must come for another reason."""


def proxied(wrapped: Any = None, sleepy: Any = None, **settings: Any) -> ProxyClient:
    """A client of a proxy with two scripted servers."""
    return ProxyClient(
        scripted("wrapped", **(wrapped or {})),
        scripted("sleepy", **(sleepy or {})),
        QUICK_RESTARTS | settings,
    )


def raw_request(text: str, header: str = "Content-Length: {}\r\n\r\n") -> bytes:
    body = text.encode()
    return header.format(len(body)).encode() + body


def test_the_bytes_of_both_directions(tmp_path: Path) -> None:
    sent = [
        raw_request('{"jsonrpc":"2.0","id":"q1","method":"a/b","params":{"x":1.0e2}}'),
        raw_request('{ "method": "textDocument/didOpen", "params": {"é": 1}, "jsonrpc": "2.0" }'),
        raw_request(
            '{"id":"q2","jsonrpc":"2.0","method":"a/c"}',
            "content-type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-length:  {}\r\n\r\n",
        ),
        raw_request('{"jsonrpc":"2.0","method":"big","params":"' + "x" * 5_000_000 + '"}'),
        raw_request('[{"jsonrpc":"2.0","method":"b"},{"jsonrpc":"2.0","method":"sleepy/trust"}]'),
        raw_request('{"jsonrpc":"2.0","id":"q3","method":"last"}'),
    ]
    odd_answers = [
        b'content-LENGTH: 36\r\nX: y\r\n\r\n{"jsonrpc":"2.0" , "method":"odd/1"}',
        b'Content-Length: 36\r\nContent-Type: z\r\n\r\n{"method":"odd/2", "params":"\xff\xfe\x00ab"}',
        framed(b'[{"jsonrpc":"2.0","id":77,"result":null},{"jsonrpc":"2.0","method":"odd/3"}]'),
    ]
    log = tmp_path / "log"
    with proxied({"log": str(log)}) as client:
        client.begin()
        for raw in sent:
            client.send_bytes(raw)
        client.hear(id="q1")
        client.hear(id="q2")
        client.hear(id="q3")
        received = log.read_bytes()
        assert received.endswith(b"".join(sent))
        for raw in odd_answers:
            client.notify("test/say", {"raw": raw.decode("latin-1")})
        client.answer("test/echo")
        initialized = b'{"jsonrpc": "2.0", "method": "test/initialized"'
        heard = b"".join(raw for raw, _ in client.waiting if initialized not in raw)
        assert heard == b"".join(odd_answers)


def test_both_servers_look_like_one() -> None:
    theirs, ours = {"title": "theirs"}, {"title": "ours", "data": {"sleepy": {"offerId": "o"}}}
    capabilities = {"codeActionProvider": {"resolveProvider": True}, "hoverProvider": True}
    wrapped, sleepy = {"actions": [theirs], "capabilities": capabilities}, {"actions": [ours]}
    with proxied(wrapped, sleepy, merge_wait_seconds=NEVER) as client:
        answer = client.begin()
        assert answer["result"]["capabilities"]["executeCommandProvider"]["commands"] == [*COMMANDS]
        assert client.answer("textDocument/codeAction", {})["result"] == [theirs, ours]
        who = {
            ("codeAction/resolve", json.dumps(ours)): "sleepy",
            ("codeAction/resolve", json.dumps(theirs)): "wrapped",
            ("workspace/executeCommand", '{"command": "sleepy.pause"}'): "sleepy",
            ("workspace/executeCommand", '{"command": "rust-analyzer.x"}'): "wrapped",
            ("sleepy/offers", "{}"): "sleepy",
            ("textDocument/hover", "{}"): "wrapped",
        }
        found = {key: client.answer(key[0], json.loads(key[1]))["result"]["by"] for key in who}
        assert found == who


def test_requests_of_both_servers_and_their_answers() -> None:
    with proxied() as client:
        client.begin()
        for prefix, name in (("test", "wrapped"), ("sleepy", "sleepy")):
            client.notify(f"{prefix}/ask", {"method": "workspace/x"})
            asked = client.hear(method="workspace/x", params={"by": name})
            client.send_bytes(raw_request(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": name})))
            heard = client.hear(method="test/answered")["params"]
            assert heard == {"by": name, "answer": {"jsonrpc": "2.0", "id": 1, "result": name}}


@pytest.mark.parametrize("at_start", ["garbage", "deaf", "hang", "noise", "deaf input", "exit"])
def test_a_broken_sleepy_disturbs_nobody(at_start: str) -> None:
    wrapped = {"actions": [{"title": "theirs"}], "capabilities": {"codeActionProvider": True}}
    settings = {"merge_wait_seconds": NEVER, "sleepy_queue_bytes": 200_000}
    with proxied(wrapped, {"at_start": at_start}, **settings) as client:
        client.begin(with_sleepy=False)
        for number in range(60):
            client.notify("textDocument/didChange", {"textDocument": {"uri": "file:///a.rs"}, "x": "y" * 10_000})
            answer = client.answer("textDocument/hover", {"number": number})
            assert answer["result"]["params"] == {"number": number}
        assert client.answer("textDocument/codeAction", {})["result"] == [{"title": "theirs"}]
        assert client.answer("shutdown")["result"] is None
        client.notify("exit")
        assert client.ended() == 0


def test_a_sleepy_that_cannot_be_started() -> None:
    missing = ["no-such-program-of-sleepy"]
    with ProxyClient(scripted("wrapped"), missing, QUICK_RESTARTS) as client:
        client.begin(with_sleepy=False)
        assert client.answer("textDocument/hover")["result"]["by"] == "wrapped"
        assert client.answer("sleepy/offers")["error"]["code"] == -32803
        assert client.answer("shutdown")["result"] is None
        client.notify("exit")
        assert client.ended() == 0


def test_a_sleepy_that_stops_reading_is_replaced_and_not_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "log"
    sleepy = {"log": str(log)}
    with proxied(sleepy=sleepy, sleepy_queue_bytes=100_000, merge_wait_seconds=NEVER) as client:
        client.begin()
        (first,) = sleepy_processes(client)
        os.kill(first, signal.SIGSTOP)
        body = {"textDocument": {"uri": "file:///a.rs"}, "x": "y" * 50_000}
        for _ in range(60):
            client.notify("textDocument/didSave", body)
            client.answer("textDocument/hover")
        assert not is_running(first)
        client.hear_sleepy()
        assert log.read_bytes().count(b'"initialize"') == 2


def sleepy_processes(client: ProxyClient) -> list[int]:
    """Process ids of the proxy's children that play Sleepy's server."""
    return [number for number, arguments in children(client) if '"name": "sleepy"' in arguments]


def wrapped_process(client: ProxyClient) -> int:
    (number,) = [number for number, arguments in children(client) if '"name": "wrapped"' in arguments]
    return number


def children(client: ProxyClient) -> list[tuple[int, str]]:
    import psutil

    return [(child.pid, " ".join(child.cmdline())) for child in psutil.Process(client.process.pid).children()]


@pytest.mark.parametrize("how", ["kill", "exit", "half a message"])
def test_a_wrapped_server_that_dies_comes_back_with_its_documents(how: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with proxied({"log": str(log)}) as client:
        client.begin()
        document = {"uri": "file:///a.rs", "languageId": "rust", "version": 1, "text": "fn main() {}\n"}
        client.notify("textDocument/didOpen", {"textDocument": document})
        change = {"textDocument": {"uri": "file:///a.rs", "version": 2}, "contentChanges": [{"text": "struct A;\n"}]}
        client.notify("textDocument/didChange", change)
        client.answer("textDocument/hover")
        pending = client.ask("test/never")
        log.unlink()
        if how == "kill":
            os.kill(wrapped_process(client), signal.SIGKILL)
        else:
            if how == "half a message":
                client.notify("test/say", {"raw": "Content-Length: 500\r\n\r\n{"})
            client.notify("test/die", {"code": 7})
        assert client.hear(id=pending)["error"]["code"] == -32801
        told = client.hear(method="window/showMessage")["params"]["message"]
        assert ("killed by signal 9" if how == "kill" else "exit code 7") in told
        while "error" in (answer := client.answer("textDocument/hover")):
            assert answer["error"]["code"] == -32801
        assert answer["result"]["by"] == "wrapped"
        heard = log.read_bytes()
        places = [heard.index(words) for words in (b'"initialize"', b'"initialized"', b"fn main", b"struct A")]
        assert places == sorted(places)
        assert client.answer("sleepy/test")["result"]["by"] == "sleepy", "the other one was not touched"
        assert not [one for _, one in client.waiting if one.get("method") == "window/showMessage"]


def test_a_sleepy_that_dies_comes_back_silently() -> None:
    with proxied() as client:
        client.begin()
        (first,) = sleepy_processes(client)
        os.kill(first, signal.SIGKILL)
        assert not is_running(first)
        client.hear_sleepy()
        assert client.answer("textDocument/hover")["result"]["by"] == "wrapped"
        assert not [one for _, one in client.waiting if one.get("method") == "window/showMessage"]


@pytest.mark.parametrize("name", ["no-such-server", "rust-analyzer"])
def test_a_program_that_is_not_there(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with ProxyClient([name], scripted("sleepy"), QUICK_RESTARTS) as client:
        number = client.ask("initialize", {})
        message = client.hear(method="window/showMessage")["params"]["message"]
        assert client.hear(id=number)["error"]["message"] == message
        assert client.ended() == 2
        assert name in message
        assert ("rustup component add rust-analyzer" in message) == (name == "rust-analyzer")
        assert client.log().count(message) == 1


def test_a_stand_in_that_ends_at_once(tmp_path: Path) -> None:
    # What rustup puts on PATH for a component that is not installed does just that.
    stand_in = tmp_path / "rust-analyzer"
    stand_in.write_text("#!/bin/sh\necho 'error: Unknown binary' >&2\nexit 1\n")
    stand_in.chmod(0o755)
    with ProxyClient([str(stand_in)], scripted("sleepy"), QUICK_RESTARTS) as client:
        number = client.ask("initialize", {})
        assert "rustup component add rust-analyzer" in client.hear(id=number)["error"]["message"]
        assert client.ended() == 2
        assert "error: Unknown binary" in client.log()


@pytest.mark.parametrize("end", ["exit", "end of input", "SIGTERM", "output closed"])
@pytest.mark.parametrize("stubborn", [False, True])
def test_nothing_outlives_the_client(end: str, stubborn: bool, tmp_path: Path) -> None:
    started = {name: {"starts": str(tmp_path / name), "stubborn": stubborn} for name in ("wrapped", "sleepy")}
    with proxied(started["wrapped"], started["sleepy"], ending_seconds=0.3 if stubborn else 10.0) as client:
        client.begin()
        processes = [int(number) for name in started for number in (tmp_path / name).read_text().split()]
        if end == "exit":
            client.answer("shutdown")
            client.notify("exit")
        elif end == "end of input":
            client.close()
        elif end == "SIGTERM":
            client.process.terminate()
        else:
            client.is_deaf = True
            client.ask("textDocument/hover")
            client.threads[0].join()
            with suppress(BrokenPipeError):
                # The first one may have told the proxy already that nobody listens.
                client.ask("textDocument/hover")
        code = client.ended()
        assert [number for number in processes if is_running(number)] == []
        if end == "exit" and not stubborn:
            assert code == 0


def test_a_proxy_that_is_killed_leaves_nobody(tmp_path: Path) -> None:
    with proxied({"log": str(tmp_path / "log")}) as client:
        client.begin()
        processes = [number for number, _ in children(client)]
        assert len(processes) == 2
        client.process.kill()
        assert [number for number in processes if is_running(number)] == []


def test_the_proxy_imports_nothing_heavy() -> None:
    import subprocess

    code = "import sys, sleepy_lsp.proxy.main; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pygls", "lsprotocol", "asyncio", "attrs", "tree_sitter", "sqlite3", "rich"} & set(loaded)
