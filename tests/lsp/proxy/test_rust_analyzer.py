"""The proxy around the real rust-analyzer, which has to be on PATH (`make test` sees to it)."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from process_watch import is_running

from lsp.proxy import proxy_client
from lsp.proxy.proxy_client import ProxyClient, scripted
from sleepy_lsp.names import COMMANDS
from sleepy_lsp.proxy.framing import FrameReader

MANIFEST = '[package]\nname = "bird"\nversion = "0.1.0"\nedition = "2021"\n'
SOURCE = 'pub fn sing() {\n    let song = String::from("é");\n    drop(song);\n    drop(song);\n}\n'
OFFER = {"title": "Sleepy: an offer", "kind": "quickfix", "isPreferred": True}
CONTENT_MODIFIED = -32801
CAPABILITIES = {
    "general": {"positionEncodings": ["utf-8", "utf-16"]},
    "textDocument": {
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor"]}},
            "isPreferredSupport": True,
        },
        "publishDiagnostics": {"relatedInformation": True, "codeDescriptionSupport": True, "dataSupport": True},
    },
    "window": {"workDoneProgress": True},
    "experimental": {"serverStatusNotification": True},
}


def test_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # rust-analyzer has to load a project first, which takes its time on a busy machine.
    monkeypatch.setattr(proxy_client, "PATIENCE_SECONDS", 120.0)
    log, project = tmp_path / "log", tmp_path / "bird"
    (project / "src").mkdir(parents=True)
    (project / "Cargo.toml").write_text(MANIFEST)
    source = project / "src" / "lib.rs"
    source.write_text(SOURCE, encoding="utf-8")
    identifier = {"uri": source.as_uri()}
    program = shutil.which("rust-analyzer")
    assert program is not None, "install it: rustup component add rust-analyzer"
    settings = {"merge_wait_seconds": 60.0, "wrapped_policy": [[0.01], 60.0, False]}
    sleepy = scripted("sleepy", log=str(log), actions=[OFFER])
    with ProxyClient([program], sleepy, settings) as client:
        started = client.answer(
            "initialize",
            {"capabilities": CAPABILITIES, "processId": os.getpid(), "rootUri": project.as_uri()},
        )
        announced = started["result"]["capabilities"]
        assert set(COMMANDS) <= set(announced["executeCommandProvider"]["commands"])
        assert {"quickfix", "refactor", "source.fixAll.sleepy"} <= set(
            announced["codeActionProvider"]["codeActionKinds"]
        )
        client.notify("initialized", {})
        client.hear_sleepy()
        document = {**identifier, "languageId": "rust", "version": 1, "text": SOURCE}
        client.notify("textDocument/didOpen", {"textDocument": document})

        diagnostics = heard_error(client, "E0382")
        client.hear(method="test/heard", params=diagnostics)
        assert said_to_sleepy(log, "initialize")[0]["capabilities"]["general"]["positionEncodings"] == ["utf-8"]

        wait_until_loaded(client)
        (error,) = [one for one in diagnostics["diagnostics"] if one["severity"] == 1]
        context = {"diagnostics": [error]}
        asked = {"textDocument": identifier, "range": error["range"], "context": context}
        actions = client.answer("textDocument/codeAction", asked)["result"]
        assert actions.count(OFFER) == 1
        assert len(actions) > 1, "rust-analyzer's own are there, too"

        position = {"line": 1, "character": 8}
        hover = {"textDocument": identifier, "position": position}
        assert "String" in hovered(client, hover)

        children = psutil.Process(client.process.pid).children()
        (analyzer,) = [one.pid for one in children if one.cmdline()[0] == program]
        os.kill(analyzer, signal.SIGKILL)
        assert not is_running(analyzer)
        assert "killed by signal 9" in client.hear(method="window/showMessage")["params"]["message"]
        # It has the document again, although nobody but the proxy told it.
        heard_error(client, "E0382")
        assert "String" in hovered(client, hover)

        processes = [one.pid for one in psutil.Process(client.process.pid).children(recursive=True)]
        assert client.answer("shutdown")["result"] is None
        client.notify("exit")
        assert client.ended() == 0
        assert [number for number in processes if is_running(number)] == []


def wait_until_loaded(client: ProxyClient) -> None:
    """Wait for rust-analyzer to know the project: before that it refuses what it is asked."""
    while not client.hear(method="experimental/serverStatus")["params"]["quiescent"]:
        pass


def hovered(client: ProxyClient, hover: object) -> str:
    """What hovering shows. rust-analyzer refuses while it learns of something, and every client asks again then."""
    while (answer := client.answer("textDocument/hover", hover)).get("error", {}).get("code") == CONTENT_MODIFIED:
        pass
    return json.dumps(answer["result"])


def heard_error(client: ProxyClient, code: str) -> Any:
    """The parameters of the first published diagnostics that have an error with this code."""
    while True:
        parameters = client.hear(method="textDocument/publishDiagnostics")["params"]
        if any(one.get("code") == code for one in parameters["diagnostics"]):
            return parameters


def said_to_sleepy(log: Path, method: str) -> list[Any]:
    frames = FrameReader().feed(log.read_bytes())
    messages = [json.loads(frame.body or b"") for frame in frames]
    return [message["params"] for message in messages if message.get("method") == method]
