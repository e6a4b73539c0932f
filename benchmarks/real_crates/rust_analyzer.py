"""rust-analyzer's own quick fixes, driven headless: what a developer has who takes each one that helps.

The broken text lies on a copy's disk and is open in the server; its own diagnostics and those of its check on
save are asked for quick fixes. One is taken where cargo then reports fewer errors, and so on from there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.error_index.judge import Change
from benchmarks.machine import environment_with
from benchmarks.real_crates.judging import FileChange, JudgedCopy, Texts, apply_parts, judge_crate
from benchmarks.real_crates.language_client import LanguageClient, Message
from sleepy_agent.process import CancelToken, run_process

PROGRAM_VARIABLE = "SLEEPY_RUST_ANALYZER"
START_SECONDS = 120.0
CHECK_BEGINS_SECONDS = 5.0
CHECK_ENDS_SECONDS = 30.0
QUIET_SECONDS = 0.5
"""Silence after which the server has published what it knows."""
ANSWER_SECONDS = 10.0
DEPTH = 4
MOST_FIXES = 20
"""Quick fixes of one mutant that are compiled."""

_ERROR = 1


def rust_analyzer_program() -> str | None:
    """A rust-analyzer that works: the one named in the environment, or on PATH (where rustup puts a stand-in)."""
    for program in (os.environ.get(PROGRAM_VARIABLE), shutil.which("rust-analyzer")):
        if program and run_process([program, "--version"], timeout_seconds=30).succeeded:
            return program
    return None


def knows_the_standard_library() -> bool:
    """Whether the toolchain has the component rust-src, without which the server knows no type of std."""
    outcome = run_process(["rustc", "--print", "sysroot"], timeout_seconds=60)
    sysroot = Path(outcome.stdout.decode(errors="replace").strip())
    return (sysroot / "lib" / "rustlib" / "src" / "rust" / "library").is_dir()


@dataclass(slots=True)
class QuickFixes:
    """One server on one crate. `judge`: the copy that cargo is asked in; `shown`: the copy the server sees."""

    judge: JudgedCopy
    shown: JudgedCopy
    cancel: CancelToken
    client: LanguageClient
    diagnostics: dict[str, list[Message]]
    state: _ServerState
    versions: dict[Path, int] = field(default_factory=dict)

    @classmethod
    def start(cls, program: str, judge: JudgedCopy, shown: JudgedCopy, cancel: CancelToken) -> QuickFixes:
        """Start the server and wait until it knows the crate."""
        diagnostics: dict[str, list[Message]] = {}
        state = _ServerState()

        def watch(message: Message) -> None:
            state.note(message)
            if message.get("method") == "textDocument/publishDiagnostics":
                diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]

        target = str(shown.opened.folder / "rust-analyzer-target")
        environment = environment_with(extra={"CARGO_TARGET_DIR": target, "CARGO_NET_OFFLINE": "true"})
        client = LanguageClient.start([program], shown.root, environment, cancel, watch)
        fixes = cls(judge, shown, cancel, client, diagnostics, state)
        client.request("initialize", _initialization(shown.root), START_SECONDS)
        client.notify("initialized", {})
        client.wait(lambda _message: state.is_quiescent, START_SECONDS)
        return fixes

    def repaired(self, broken: Texts) -> Texts | None:
        """The text after greedily taking quick fixes that leave fewer errors; None where none helps."""
        try:
            return self._repaired(broken)
        finally:
            self._show({file: self.shown.opened.original(file) for file in broken}, is_saved=False)

    def close(self) -> None:
        self.client.close()

    def _repaired(self, broken: Texts) -> Texts | None:
        texts = dict(broken)
        errors = len(judge_crate(self.judge, texts, self.cancel).errors)
        helped = False
        left = MOST_FIXES
        for _ in range(DEPTH):
            self._show(texts, is_saved=True)
            for changed in self._fixed(texts):
                if left == 0:
                    break
                left -= 1
                after = judge_crate(self.judge, changed, self.cancel)
                if after.compiles:
                    return changed
                if 0 < len(after.errors) < errors:
                    texts, errors, helped = changed, len(after.errors), True
                    break
            else:
                break
        return texts if helped else None

    def _show(self, texts: Texts, *, is_saved: bool) -> None:
        """Put texts on the disk and into the server's open files; wait for its check where they are saved."""
        for file, text in texts.items():
            path = self.shown.root / file
            path.write_bytes(text)
            content = text.decode(errors="replace")
            if file not in self.versions:
                self.versions[file] = 1
                document = {"uri": path.as_uri(), "languageId": "rust", "version": 1, "text": content}
                self.client.notify("textDocument/didOpen", {"textDocument": document})
            else:
                self.versions[file] += 1
                identifier = {"uri": path.as_uri(), "version": self.versions[file]}
                changes = [{"text": content}]
                self.client.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})
        if not is_saved:
            return
        begun, ended = self.state.checks_begun, self.state.checks_ended
        for file in texts:
            self.client.notify("textDocument/didSave", {"textDocument": {"uri": (self.shown.root / file).as_uri()}})
        if self.client.wait(lambda _message: self.state.checks_begun > begun, CHECK_BEGINS_SECONDS):
            self.client.wait(lambda _message: self.state.checks_ended > ended, CHECK_ENDS_SECONDS)
        while self.client.wait(lambda message: "method" in message, QUIET_SECONDS):
            pass

    def _fixed(self, texts: Texts) -> Iterator[dict[Path, bytes]]:
        """The texts after each quick fix for each error, in the server's order."""
        seen: set[frozenset[tuple[Path, bytes]]] = set()
        for file in texts:
            uri = (self.shown.root / file).as_uri()
            # The server's own hints are asked, too: rustc's suggestions arrive as such.
            for diagnostic in sorted(self.diagnostics.get(uri, []), key=lambda one: int(one.get("severity", _ERROR))):
                for action in self._actions(uri, diagnostic):
                    parts = _parts_of(action.get("edit") or {}, self.shown, texts)
                    changed = apply_parts(parts, texts, self.shown.opened) if parts else None
                    if changed is not None and changed != dict(texts) and frozenset(changed.items()) not in seen:
                        seen.add(frozenset(changed.items()))
                        yield changed

    def _actions(self, uri: str, diagnostic: Message) -> Iterator[Message]:
        parameters = {
            "textDocument": {"uri": uri},
            "range": diagnostic["range"],
            "context": {"diagnostics": [diagnostic], "only": ["quickfix"], "triggerKind": 1},
        }
        for action in self.client.request("textDocument/codeAction", parameters, ANSWER_SECONDS) or []:
            if "edit" not in action and "data" in action:
                yield self.client.request("codeAction/resolve", action, ANSWER_SECONDS) or {}
            else:
                yield action


@dataclass(slots=True)
class _ServerState:
    """What the server says of itself."""

    is_quiescent: bool = False
    checks_begun: int = 0
    checks_ended: int = 0

    def note(self, message: Message) -> None:
        method, parameters = message.get("method"), message.get("params") or {}
        if method == "experimental/serverStatus":
            self.is_quiescent = bool(parameters.get("quiescent"))
        elif method == "$/progress" and "flycheck" in str(parameters.get("token")):
            kind = parameters.get("value", {}).get("kind")
            self.checks_begun += kind == "begin"
            self.checks_ended += kind == "end"


def _parts_of(edit: Mapping[str, Any], shown: JudgedCopy, texts: Texts) -> list[FileChange]:
    """The changes of a workspace edit; none where it makes or renames files, or leaves the crate."""
    by_uri: list[tuple[str, list[Message]]] = list((edit.get("changes") or {}).items())
    for change in edit.get("documentChanges") or []:
        if "textDocument" not in change:
            return []
        by_uri.append((change["textDocument"]["uri"], change["edits"]))
    parts = []
    for uri, edits in by_uri:
        path = Path(uri.removeprefix("file://"))
        if not path.is_relative_to(shown.root):
            return []
        file = path.relative_to(shown.root)
        text = texts[file] if file in texts else shown.opened.original(file)
        lines = [0, *(place + 1 for place, byte in enumerate(text) if byte == ord("\n"))]
        for one in edits:
            start, end = (
                lines[min(one["range"][name]["line"], len(lines) - 1)] + one["range"][name]["character"]
                for name in ("start", "end")
            )
            parts.append(FileChange(file, Change(start, end, one["newText"])))
    return parts


def _initialization(root: Path) -> Message:
    return {
        "processId": os.getpid(),
        "rootUri": root.as_uri(),
        "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
        "capabilities": {
            "general": {"positionEncodings": ["utf-8"]},
            "window": {"workDoneProgress": True},
            "textDocument": {
                "publishDiagnostics": {"relatedInformation": True, "dataSupport": True, "codeDescriptionSupport": True},
                "codeAction": {
                    "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix"]}},
                    "dataSupport": True,
                    "isPreferredSupport": True,
                    "resolveSupport": {"properties": ["edit"]},
                },
                "synchronization": {"didSave": True},
            },
            "workspace": {"workspaceEdit": {"documentChanges": True}},
            "experimental": {"serverStatusNotification": True},
        },
        "initializationOptions": {
            "cachePriming": {"enable": False},
            "check": {"allTargets": False},
            "cargo": {"allTargets": False},
        },
    }
