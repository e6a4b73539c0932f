"""A language server without a compiler, for tests: `python -m lsp.watch.scripted_server JOURNAL`.

Its Rust knows one error: each `broken_NAME` of a `.rs` file. The fix is `mended_NAME` (preferred), another one is
`other_NAME`. Every message it hears is written to JOURNAL, one JSON object a line. Words in any file make it
misbehave, see `MOODS`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sleepy_agent.code.edits import apply_edits, unified_diff
from sleepy_agent.domain import Edit
from sleepy_lsp.proxy.framing import FrameReader, message_bytes, parsed
from sleepy_lsp.texts.convert import path_of_uri, uri_of_path
from sleepy_lsp.texts.line_index import line_index

BROKEN = re.compile(rb"broken_\w+")
MOODS = {
    b"server: crash": "ends when it hears of the text, after a last word on its standard error",
    b"server: deaf": "does not end when it is told to",
    b"server: liar": "gives edits that do something else than its diffs say",
    b"server: forgetful": "knows no code action any more",
    b"server: asks": "asks the client what clients are asked",
}


class ScriptedServer:
    """The files of a workspace, what is wrong with them, and what the client does not want to see."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._root = Path()
        self._dismissed: set[str] = set()
        self._child: subprocess.Popen[bytes] | None = None

    def texts(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in sorted(self._root.rglob("*.rs"))}

    def is_in_the_mood(self, mood: bytes) -> bool:
        assert mood in MOODS
        return any(mood in text for text in self.texts().values())

    def problems(self) -> list[tuple[Path, bytes, str]]:
        return [
            (path, text, found.group().decode())
            for path, text in self.texts().items()
            for found in BROKEN.finditer(text)
        ]

    def hear(self, message: dict[str, Any]) -> None:
        with self._journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps(message) + "\n")
        method: str = message.get("method", "")
        parameters: Any = message.get("params")
        if method == "initialize":
            self._root = path_of_uri(parameters["rootUri"]) or Path()
        elif method in {"initialized", "workspace/didChangeWatchedFiles"}:
            self.check()
        elif method == "exit" and not self.is_in_the_mood(b"server: deaf"):
            sys.exit(0)
        if "id" in message and method:
            send({"jsonrpc": "2.0", "id": message["id"], "result": self.answer(method, parameters)})

    def check(self) -> None:
        if self.is_in_the_mood(b"server: crash"):
            sys.stderr.write("thread main panicked\n")
            sys.stderr.flush()
            sys.exit(3)
        if self.is_in_the_mood(b"server: deaf") and self._child is None:
            self._child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
            (self._journal.parent / "child").write_text(str(self._child.pid), encoding="ascii")
        if self.is_in_the_mood(b"server: asks"):
            for number, method in enumerate(("client/registerCapability", "workspace/configuration", "what/ever")):
                send({"jsonrpc": "2.0", "id": f"q{number}", "method": method, "params": {"items": [{}, {}]}})
        tell("sleepy/status", {"state": "recording", "reason": "recording the rustc calls"})
        tell("sleepy/status", {"state": "searching"})
        for path in self.texts():
            count = sum(1 for broken in self.problems() if broken[0] == path)
            tell("sleepy/ready", {"uri": uri_of_path(path), "version": None, "problems": count, "offers": count})
        tell("sleepy/status", {"state": "idle"})

    def answer(self, method: str, parameters: Any) -> Any:
        if method == "initialize":
            return {"capabilities": {"positionEncoding": "utf-8"}}
        if method == "sleepy/offers":
            items = [self.item(*problem) for problem in self.problems()]
            return [item for item in items if item["offers"]]
        if method == "sleepy/explain":
            return {"kind": "markdown", "value": f"# Why\n\nBecause of *{parameters['problemId']}*."}
        if method == "textDocument/codeAction":
            return self.code_actions(path_of_uri(parameters["textDocument"]["uri"]), parameters["context"]["only"])
        if method == "codeAction/resolve":
            return self.resolved(parameters)
        if method == "workspace/executeCommand":
            self.execute(parameters["command"], parameters["arguments"])
        return None

    def item(self, path: Path, text: bytes, name: str) -> dict[str, Any]:
        start = text.index(name.encode())
        index = line_index(text)
        ends = (index.position(start, "utf-8"), index.position(start + len(name), "utf-8"))
        places = [{"line": line, "character": character} for line, character in ends]
        return {
            "uri": uri_of_path(path),
            "range": dict(zip(("start", "end"), places, strict=True)),
            "problemId": f"problem {name}",
            "code": "E0425",
            "message": f"cannot find value `{name}` in this scope",
            "family": "missing_items",
            "offers": [
                self.offer(path, text, name, new)
                for new in ("mended", "other")
                if f"{new} {name}" not in self._dismissed
            ],
        }

    def offer(self, path: Path, text: bytes, name: str, new: str) -> dict[str, Any]:
        after = apply_edits([edit_for(path, text, name, new)], {path: text}.__getitem__)
        assert isinstance(after, dict)
        return {
            "offerId": f"{new} {name}",
            "title": f"Sleepy: use `{name.replace('broken', new)}` (rustc accepts it)",
            "source": "compiler",
            "proof": "replay",
            "flags": [] if new == "mended" else ["clone_in_loop"],
            "preferred": new == "mended",
            "diff": unified_diff({path: text}, after, self._root),
            "trigger": "own replay",
        }

    def code_actions(self, path: Path | None, only: list[str]) -> list[dict[str, Any]]:
        if self.is_in_the_mood(b"server: forgetful"):
            return []
        here = [(name, text) for place, text, name in self.problems() if place == path]
        actions: list[dict[str, Any]] = [{"title": "rust-analyzer's own", "kind": "quickfix"}]
        if only == ["source.fixAll.sleepy"] and here:
            ids = [f"mended {name}" for name, _ in here]
            data = {"sleepy": {"bundleId": str(path), "offerIds": ids}}
            actions.append({"title": f"Sleepy: fix all {len(ids)}", "kind": only[0], "data": data})
        elif only == ["quickfix"]:
            for name, _ in here:
                for new in ("mended", "other"):
                    data = {"sleepy": {"problemId": f"problem {name}", "offerId": f"{new} {name}"}}
                    actions.append({"title": new, "kind": "quickfix", "data": data})
        return actions

    def resolved(self, action: dict[str, Any]) -> dict[str, Any]:
        data = action["data"]["sleepy"]
        ids = data.get("offerIds") or [data["offerId"]]
        edits = []
        for offer_id in ids:
            new, name = offer_id.split()
            path, text = next((path, text) for path, text, known in self.problems() if known == name)
            edits.append(edit_for(path, text, name, "evil" if self.is_in_the_mood(b"server: liar") else new))
        index = line_index(text)
        changes = []
        for edit in edits:
            ends = (index.position(edit.byte_start, "utf-8"), index.position(edit.byte_end, "utf-8"))
            places = [{"line": line, "character": character} for line, character in ends]
            changes.append({"range": dict(zip(("start", "end"), places, strict=True)), "newText": edit.replacement})
        document = {"textDocument": {"uri": uri_of_path(path), "version": None}, "edits": changes}
        command = {"title": "", "command": "sleepy.applied", "arguments": ids}
        return {**action, "edit": {"documentChanges": [document]}, "command": command}

    def execute(self, command: str, arguments: list[str]) -> None:
        if command == "sleepy.dismiss":
            self._dismissed.update(arguments)
        elif command == "sleepy.pause":
            tell("sleepy/status", {"state": "paused", "reason": "you paused it"})
        elif command == "sleepy.resume":
            tell("sleepy/status", {"state": "idle"})


def edit_for(path: Path, text: bytes, name: str, new: str) -> Edit:
    start = text.index(name.encode())
    return Edit(path, start, start + len(name), name.replace("broken", new))


def send(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(message_bytes(message))
    sys.stdout.buffer.flush()


def tell(method: str, parameters: dict[str, Any]) -> None:
    send({"jsonrpc": "2.0", "method": method, "params": parameters})


def main(journal: Path) -> None:
    """Hear messages until the input ends."""
    server = ScriptedServer(journal)
    reader = FrameReader()
    (journal.parent / "server").write_text(str(os.getpid()), encoding="ascii")
    while piece := os.read(0, 65_536):
        for frame in reader.feed(piece):
            server.hear(parsed(frame.body or b""))
    if server.is_in_the_mood(b"server: deaf"):
        signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
