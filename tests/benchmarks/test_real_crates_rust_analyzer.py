"""The client of language servers, against a server of a few lines; and edits as rust-analyzer writes them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.real_crates.crates import Crate, OpenedCrate
from benchmarks.real_crates.judging import JudgedCopy, apply_parts
from benchmarks.real_crates.language_client import LanguageClient, Message
from benchmarks.real_crates.rust_analyzer import _parts_of
from sleepy_agent.errors import Interrupted
from sleepy_agent.process import CancelToken

SERVER = """
import json, sys
def read():
    length = int(sys.stdin.buffer.readline().split(b":")[1])
    sys.stdin.buffer.readline()
    return json.loads(sys.stdin.buffer.read(length))
def send(message):
    content = json.dumps(message).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(content), content))
    sys.stdout.buffer.flush()
while True:
    message = read()
    if message["method"] == "exit":
        break
    if message["method"] == "silent":
        continue
    if message["method"] == "echo":
        send({"id": 99, "method": "workspace/configuration", "params": {"items": [{}, {}]}})
        settings = read()["result"]
        send({"method": "seen", "params": settings})
    send({"id": message.get("id"), "result": message["params"]})
"""


def start(tmp_path: Path, cancel: CancelToken, seen: list[Message]) -> LanguageClient:
    return LanguageClient.start([sys.executable, "-c", SERVER], tmp_path, os.environ, cancel, seen.append)


def test_a_question_is_answered_and_the_servers_own_is_declined(tmp_path: Path) -> None:
    seen: list[Message] = []
    client = start(tmp_path, CancelToken(), seen)
    try:
        assert client.request("echo", {"a": 1}, 20) == {"a": 1}
    finally:
        client.close()
    assert {"method": "seen", "params": [None, None]} in seen
    assert client.process.returncode is not None


def test_who_waits_in_vain_gets_nothing_and_who_is_cancelled_stops(tmp_path: Path) -> None:
    cancel = CancelToken()
    client = start(tmp_path, cancel, [])
    try:
        assert client.request("silent", {}, 0.3) is None
        cancel.cancel()
        with pytest.raises(Interrupted):
            client.request("silent", {}, 20)
    finally:
        client.close()


@pytest.mark.parametrize("shape", ["changes", "documentChanges"])
def test_positions_count_bytes(tmp_path: Path, shape: str) -> None:
    (tmp_path / "src").mkdir()
    text = "// ä\nfn f() { é(); }\n"
    file = Path("src/lib.rs")
    (tmp_path / file).write_text(text, encoding="utf-8")
    opened = OpenedCrate(Crate("sample", "0.0.0", ""), tmp_path, tmp_path)
    uri = (tmp_path / file).as_uri()
    change = {"range": {"start": {"line": 1, "character": 9}, "end": {"line": 1, "character": 11}}, "newText": "e"}
    edit: Message = {"changes": {uri: [change]}}
    if shape == "documentChanges":
        edit = {"documentChanges": [{"textDocument": {"uri": uri}, "edits": [change]}]}
    parts = _parts_of(edit, JudgedCopy(opened, tmp_path), {})
    assert apply_parts(parts, {}, opened) == {file: "// ä\nfn f() { e(); }\n".encode()}


def test_edits_that_make_files_are_left_alone(tmp_path: Path) -> None:
    copy = JudgedCopy(OpenedCrate(Crate("sample", "0.0.0", ""), tmp_path, tmp_path), tmp_path)
    assert _parts_of({"documentChanges": [{"kind": "create", "uri": "file:///x"}]}, copy, {}) == []
