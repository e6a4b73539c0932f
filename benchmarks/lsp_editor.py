"""An editor for the benchmarks of the language server: open documents, rust-analyzer, and Sleepy one way or the other.

Beside: two servers, and rust-analyzer's diagnostics are passed on as an editor's own client does. Wrapped: one server
that speaks for both. It does what an editor does: edits with versions, files written when they are saved.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from benchmarks.lsp_line import Arrival, Journal, ServerLine
from benchmarks.machine import environment_with, sleepy_program
from benchmarks.real_crates.rust_analyzer import PROGRAM_VARIABLE, rust_analyzer_program
from sleepy_agent.process import CancelToken

ANSWER_SECONDS = 60.0
START_SECONDS = 180.0
MARK_VARIABLE = "SLEEPY_BENCHMARK_MARK"
"""In the environment of all that is started, so that each process is found again, whoever is its parent by then."""

PUBLISHED = "textDocument/publishDiagnostics"
READY = "sleepy/ready"
STATUS = "sleepy/status"
ERROR = 1
QUIET_SECONDS = 0.6

ANALYZER_SETTINGS: Mapping[str, Any] = {"cachePriming": {"enable": False}, "procMacro": {"enable": False}}
"""What no crate here needs is left out, as it takes time at the start only."""


class Way(StrEnum):
    """How Sleepy hears rust-analyzer."""

    BESIDE = "beside"
    WRAPPED = "wrapped"


@dataclass(slots=True)
class Document:
    text: bytes
    version: int = 1


@dataclass(slots=True)
class BenchmarkEditor:
    """The owner of the open documents. Wrapped, `analyzer` and `sleepy` are one line."""

    root: Path
    journal: Journal
    sleepy: ServerLine
    analyzer: ServerLine | None
    mark: str
    documents: dict[Path, Document] = field(default_factory=dict)

    @property
    def lines(self) -> list[ServerLine]:
        if self.analyzer is None or self.analyzer is self.sleepy:
            return [self.sleepy]
        return [self.analyzer, self.sleepy]

    def notify(self, method: str, parameters: Any) -> None:
        """Tell every server."""
        for line in self.lines:
            line.notify(method, parameters)

    # ---- documents -------------------------------------------------------------------------------------

    def open(self, path: Path, text: bytes | None = None) -> None:
        """Open a file, as it stands on the disk or with another text."""
        if path in self.documents:
            return
        document = self.documents[path] = Document(path.read_bytes() if text is None else text)
        content = {"uri": path.as_uri(), "languageId": "rust", "version": 1, "text": document.text.decode()}
        self.notify("textDocument/didOpen", {"textDocument": content})

    def close(self, path: Path) -> None:
        del self.documents[path]
        self.notify("textDocument/didClose", {"textDocument": {"uri": path.as_uri()}})

    def change(self, path: Path, text: bytes) -> float:
        """Give a document another text, told as the one stretch that differs; when it was sent (perf_counter)."""
        document = self.documents[path]
        start, end, new = difference(document.text, text)
        document.version += 1
        identifier = {"uri": path.as_uri(), "version": document.version}
        span = {"start": position_of(document.text, start), "end": position_of(document.text, end)}
        at = time.perf_counter()
        changes = [{"range": span, "text": new.decode()}]
        self.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})
        document.text = text
        return at

    def save(self, path: Path) -> float:
        """Write a document and say so; when it was said."""
        path.write_bytes(self.documents[path].text)
        at = time.perf_counter()
        self.notify("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})
        return at

    # ---- questions -------------------------------------------------------------------------------------

    def actions(self, path: Path, line: int, kind: int = 1) -> tuple[list[dict[str, Any]], float]:
        """The code actions for a line, and the milliseconds until they came. `kind` 1: asked by hand; 2: automatic."""
        span = {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 1000}}
        parameters = {
            "textDocument": {"uri": path.as_uri()},
            "range": span,
            "context": {"diagnostics": [], "triggerKind": kind},
        }
        asked = time.perf_counter()
        answer = self.sleepy.request("textDocument/codeAction", parameters, ANSWER_SECONDS)
        found = answer.content if isinstance(answer.content, list) else []
        return found, (answer.at - asked) * 1000

    def offers(self, path: Path) -> list[dict[str, Any]]:
        """Every problem of a file with its offers (`sleepy/offers`)."""
        answer = self.sleepy.request("sleepy/offers", {"uri": path.as_uri()}, ANSWER_SECONDS)
        return answer.content if isinstance(answer.content, list) else []

    # ---- waiting ---------------------------------------------------------------------------------------

    def until_ready(self, mark: int, path: Path, version: int, seconds: float) -> Arrival | None:
        """The first word of Sleepy's that there is an offer for this version of a file."""
        return self.journal.until(mark, lambda one: says_ready(one, path, version), seconds)

    def until_calm(self, mark: int, seconds: float, quiet: float = QUIET_SECONDS) -> bool:
        """Wait until Sleepy has nothing to do and rust-analyzer's check has ended, and both were silent for a while."""
        deadline = time.monotonic() + seconds
        seen, since = -1, time.monotonic()
        while (now := time.monotonic()) < deadline:
            told = [one for one in self.journal.since(mark) if tells_of_work(one)]
            if len(told) != seen:
                seen, since = len(told), now
            if now - since >= quiet and is_at_rest(told):
                return True
            # Nothing at all happens while everybody rests, so that an arrival cannot be waited for.
            self.journal.until(self.journal.mark(), tells_of_work, quiet / 4)
        return False

    def shut(self) -> bool:
        """End all servers; whether each went by itself."""
        ended = [line.close() for line in self.lines]
        return all(ended)


def says_ready(arrival: Arrival, path: Path, version: int) -> bool:
    content = arrival.content
    return (
        arrival.method == READY
        and content.get("uri") == path.as_uri()
        and content.get("version") == version
        and content.get("offers", 0) > 0
    )


def says_state(arrival: Arrival) -> str | None:
    return str(arrival.content.get("state")) if arrival.method == STATUS else None


def tells_of_work(arrival: Arrival) -> bool:
    """Whether a message says that somebody works, or has found something."""
    is_check = arrival.method == "$/progress" and "flycheck" in str(arrival.content.get("token"))
    return is_check or arrival.method in {PUBLISHED, READY, STATUS}


def is_at_rest(told: Sequence[Arrival]) -> bool:
    """Whether, after these messages, Sleepy has nothing to do and rust-analyzer's check has ended."""
    states = [state for one in told if (state := says_state(one))]
    checks = [one.content.get("value", {}).get("kind") for one in told if one.method == "$/progress"]
    return (not states or states[-1] == "idle") and checks.count("begin") <= checks.count("end")


def errors_published(arrival: Arrival, path: Path) -> list[dict[str, Any]]:
    """The errors that rust-analyzer shows in a file with this message."""
    if arrival.method != PUBLISHED or arrival.content.get("uri") != path.as_uri():
        return []
    return [one for one in arrival.content["diagnostics"] if one.get("severity", ERROR) == ERROR]


def difference(old: bytes, new: bytes) -> tuple[int, int, bytes]:
    """The stretch of `old` that differs and what stands there in `new`; whole characters of UTF-8."""
    start = common_length(old, new)
    while start > 0 and is_inside_character(old, new, start):
        start -= 1
    end = common_length(old[start:][::-1], new[start:][::-1])
    while end > 0 and is_inside_character(old, new, len(old) - end, len(new) - end):
        end -= 1
    return start, len(old) - end, new[start : len(new) - end]


def common_length(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    longest = min(len(one), len(other))
    if one[:longest] == other[:longest]:
        return longest
    return next(place for place in range(longest) if one[place] != other[place])


def is_inside_character(old: bytes, new: bytes, old_place: int, new_place: int | None = None) -> bool:
    """Whether a place is between the bytes of one character, in either text."""
    places = ((old, old_place), (new, old_place if new_place is None else new_place))
    return any(place < len(text) and text[place] & 0xC0 == 0x80 for text, place in places)


def position_of(text: bytes, place: int) -> dict[str, int]:
    """A place as line and column in bytes (LSP 3.17, position encoding utf-8)."""
    return {"line": text.count(b"\n", 0, place), "character": place - (text.rfind(b"\n", 0, place) + 1)}


def place_of(text: bytes, position: Mapping[str, int]) -> int:
    """Where a line and a column in bytes are in a text; its end where it has no such line."""
    lines = text.split(b"\n", position["line"])
    if len(lines) <= position["line"]:
        return len(text)
    return min(sum(len(line) + 1 for line in lines[:-1]) + position["character"], len(text))


def analyzer_program() -> str:
    """rust-analyzer. Raises RuntimeError where there is none that works."""
    program = rust_analyzer_program()
    if program is None:
        raise RuntimeError(f"There is no rust-analyzer: put one on PATH or name it in {PROGRAM_VARIABLE}.")
    return program


@contextmanager
def opened_editor(
    root: Path,
    way: Way,
    home: Path,
    cancel: CancelToken,
    settings: Mapping[str, Any] | None = None,
    *,
    with_analyzer: bool = True,
) -> Iterator[BenchmarkEditor]:
    """Start the servers and wait until rust-analyzer knows the project; at the end they are shut down."""
    mark = uuid.uuid4().hex
    environment = environment_with(home, {MARK_VARIABLE: mark, "CARGO_NET_OFFLINE": "true"})
    journal = Journal(cancel)
    own = {"settings": dict(settings or {})}
    sleepy_command = [sleepy_program(), "lsp"]
    lines: list[ServerLine] = []
    try:
        if way is Way.WRAPPED:
            command = [*sleepy_command, "--wrap", analyzer_program()]
            lines.append(ServerLine("both", command, root, environment, cancel, journal.add))
            start_line(lines[0], root, {**ANALYZER_SETTINGS, "sleepy": own})
            editor = BenchmarkEditor(root, journal, lines[0], lines[0], mark)
        else:
            sleepy = ServerLine("sleepy", sleepy_command, root, environment, cancel, journal.add)
            lines.append(sleepy)

            def hear_analyzer(arrival: Arrival) -> None:
                journal.add(arrival)
                if arrival.method == PUBLISHED:
                    sleepy.notify("sleepy/diagnostics", arrival.content)

            start_line(sleepy, root, own)
            analyzer = None
            if with_analyzer:
                command = [analyzer_program()]
                analyzer = ServerLine("rust-analyzer", command, root, environment, cancel, hear_analyzer)
                lines.append(analyzer)
                start_line(analyzer, root, ANALYZER_SETTINGS)
            editor = BenchmarkEditor(root, journal, sleepy, analyzer, mark)
        if with_analyzer and not journal.until(0, is_quiescent, START_SECONDS):
            raise RuntimeError(f"rust-analyzer did not get ready within {START_SECONDS:.0f} s.")
        yield editor
    finally:
        for line in lines:
            if line.process.poll() is None:
                line.close()


def is_quiescent(arrival: Arrival) -> bool:
    return arrival.method == "experimental/serverStatus" and bool(arrival.content.get("quiescent"))


def start_line(line: ServerLine, root: Path, options: Mapping[str, Any]) -> Arrival:
    """Shake hands; the answer to `initialize`. Raises RuntimeError where the server does not count columns in bytes."""
    answer = line.request("initialize", initialization(root, options), START_SECONDS)
    encoding = ((answer.content or {}).get("capabilities") or {}).get("positionEncoding")
    if encoding != "utf-8":
        raise RuntimeError(f"{line.name} chose the position encoding {encoding}, not utf-8.")
    line.notify("initialized", {})
    return answer


def initialization(root: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a present editor can do, as far as it matters here."""
    kinds: Sequence[str] = ("quickfix", "refactor", "source.fixAll")
    return {
        "processId": os.getpid(),
        "clientInfo": {"name": "sleepy-benchmarks"},
        "rootUri": root.as_uri(),
        "workspaceFolders": [{"uri": root.as_uri(), "name": root.name}],
        "capabilities": {
            "general": {"positionEncodings": ["utf-8", "utf-16"]},
            "window": {"workDoneProgress": True},
            "textDocument": {
                "publishDiagnostics": {"relatedInformation": True, "versionSupport": True, "dataSupport": True},
                "codeAction": {
                    "codeActionLiteralSupport": {"codeActionKind": {"valueSet": list(kinds)}},
                    "dataSupport": True,
                    "disabledSupport": True,
                    "isPreferredSupport": True,
                    "resolveSupport": {"properties": ["edit"]},
                },
                "synchronization": {"didSave": True},
            },
            "workspace": {
                "configuration": True,
                "didChangeWatchedFiles": {"dynamicRegistration": True},
                "workspaceEdit": {"documentChanges": True},
                "workspaceFolders": True,
            },
            "experimental": {"serverStatusNotification": True, "sleepy": True},
        },
        "initializationOptions": dict(options),
    }
