"""What `sleepy lsp --wrap` adds to each message: the same requests through the proxy and without it, in turn.

First to a server that answers at once, while Sleepy's server keeps a core busy; then to two real rust-analyzers.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import machine_facts, scratch_directory
from benchmarks.results import Figure, Result
from sleepy_agent.process import CancelToken, run_process
from sleepy_lsp.proxy.framing import FrameReader, message_bytes, parsed

URI = "file:///a.rs"
PROXY = "import json, sys; from sleepy_lsp.proxy.main import run_proxy; sys.exit(run_proxy(*json.loads(sys.argv[1])))"
ECHO = [sys.executable, "-m", "benchmarks.echo_server"]
KINDS = {
    "hover": ("textDocument/hover", 500, 6),
    "document symbols": ("textDocument/documentSymbol", 20_000, 4),
    "semantic tokens after an edit": ("textDocument/semanticTokens/full", 60_000, 4),
    "completion": ("textDocument/completion", 200_000, 3),
    "published diagnostics": ("test/publish", 20_000, 3),
}
"""Messages of realistic sizes: what is asked, bytes of the answer, how often of twenty."""
SOURCE = "/// Sings.\npub fn sing(song: &str) -> usize {\n    song.len()\n}\n"
MANIFEST = '[package]\nname = "bird"\nversion = "0.1.0"\nedition = "2021"\n'


@dataclass
class BothWays:
    """Milliseconds of the same requests without the proxy and through it, pair by pair."""

    direct: list[float] = field(default_factory=list)
    through: list[float] = field(default_factory=list)

    def ask(self, direct: Connection, through: Connection, act: Callable[[Connection], float]) -> None:
        """One pair. Which way comes first changes from pair to pair, so that both meet the same machine."""
        ways = [(direct, self.direct), (through, self.through)]
        for connection, times in ways if len(self.direct) % 2 else reversed(ways):
            times.append(act(connection))

    def extra(self, percent: int) -> float:
        """How much longer it takes through the proxy, at a percentile of both.

        The difference of percentiles and no percentile of differences: on a busy machine each way waits for a
        processor now and then, and a pair in which only one way had to says nothing about the proxy.
        """
        return quantile(self.through, percent) - quantile(self.direct, percent)

    def details(self) -> dict[str, float]:
        shares = (50, 90, 99)
        ways = {"direct": self.direct, "through": self.through}
        return {f"{way}_p{share}": round(quantile(times, share), 3) for way, times in ways.items() for share in shares}


@dataclass
class Connection:
    """A server (or the proxy around it) as a client talks to it: one request at a time."""

    command: Sequence[str]
    waiting: list[Any] = field(default_factory=list)

    def __enter__(self) -> Connection:
        self.process = subprocess.Popen(
            list(self.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
        self.reader = FrameReader()
        self.ids = itertools.count(1)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def send(self, method: str, params: Any, identifier: int | None = None) -> None:
        assert self.process.stdin is not None
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        view = memoryview(message_bytes(message if identifier is None else message | {"id": identifier}))
        while view:
            view = view[os.write(self.process.stdin.fileno(), view) :]

    def receive(self) -> bytes:
        """The next message's bytes."""
        assert self.process.stdout is not None
        while not self.waiting:
            content = os.read(self.process.stdout.fileno(), 262_144)
            if not content:
                raise EOFError(f"{self.command[0]} ended")
            self.waiting += self.reader.feed(content)
        return self.waiting.pop(0).body or b""

    def ask(self, method: str, params: Any) -> Any:
        identifier = next(self.ids)
        self.send(method, params, identifier)
        while True:
            message = parsed(self.receive())
            if message.get("id") == identifier and "method" not in message:
                return message

    def await_method(self, method: str) -> None:
        """Wait for a notification."""
        while parsed(self.receive()).get("method") != method:
            pass

    def timed(self, method: str, params: Any) -> float:
        """Milliseconds from the request (or notification of a test) to the next message."""
        identifier = None if method.startswith("test/") else next(self.ids)
        started = time.perf_counter()
        self.send(method, params, identifier)
        self.receive()
        return (time.perf_counter() - started) * 1000

    def processor_milliseconds(self) -> float:
        """What the process itself has used so far, its children aside."""
        used = psutil.Process(self.process.pid).cpu_times()
        return (used.user + used.system) * 1000

    def begin(self, params: Any) -> None:
        self.ask("initialize", params)
        self.send("initialized", {})


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Ask both ways in turn, the first way changing."""
    pairs, hovers = (200, 50) if quick else (2000, 500)
    before = load_text()
    kinds, processor = _echoed(pairs, cancel)
    actions = _joined_actions(pairs // 10, cancel)
    everything = _joined(list(kinds.values()))
    figures = [
        *bars("proxy: extra per request and answer", everything),
        *(Figure(f"proxy: extra, {kind}, p50", pair.extra(50), "ms") for kind, pair in kinds.items()),
        Figure("proxy: processor time per request and answer", processor, "ms"),
        Figure("proxy: extra, code actions of both servers, p50", actions.extra(50), "ms"),
    ]
    notes = []
    with scratch_directory("proxy") as directory:
        analyzer = working_rust_analyzer()
        if analyzer is None:
            notes.append("No rust-analyzer works here, so the proxy was not measured around one.")
        else:
            kinds["rust-analyzer hover"] = _hovered(analyzer, directory, hovers, cancel)
            figures += bars("proxy around rust-analyzer: extra per hover", kinds["rust-analyzer hover"])
    notes.append(
        "Extra is the percentile through the proxy less the percentile without it, asked in turn; before a server that "
        f"answers at once, Sleepy's server computed without end meanwhile. Load before: {before}, after: {load_text()}."
    )
    return Result(
        name="proxy_latency",
        title="What `sleepy lsp --wrap` adds to each message",
        command=command,
        machine=machine_facts(),
        figures=tuple(figures),
        notes=tuple(notes),
        details={kind: pair.details() for kind, pair in {"all": everything, **kinds, "code actions": actions}.items()},
    )


def bars(name: str, times: BothWays) -> list[Figure]:
    """The two figures that were promised."""
    measured_on = f"{len(times.direct)} pairs"
    return [
        Figure(f"{name}, p50", times.extra(50), "ms", bar=1, at_most=True, measured_on=measured_on),
        Figure(f"{name}, p99", times.extra(99), "ms", bar=5, at_most=True, measured_on=measured_on),
    ]


def _joined(several: Sequence[BothWays]) -> BothWays:
    return BothWays(
        [time for one in several for time in one.direct],
        [time for one in several for time in one.through],
    )


def _echoed(pairs: int, cancel: CancelToken) -> tuple[dict[str, BothWays], float]:
    """The times of each kind of message, and the milliseconds of processor time that the proxy took for each."""
    with Connection(ECHO) as direct, Connection(proxied(ECHO, is_busy=True)) as through:
        _begin(direct, through)
        deck = [kind for kind, (_, _, share) in KINDS.items() for _ in range(share)]
        chosen = random.Random(5)
        kinds = {kind: BothWays() for kind in KINDS}
        document = {"uri": URI, "languageId": "rust", "version": 1, "text": "fn main() {}\n" * 500}
        for connection in (direct, through):
            connection.send("textDocument/didOpen", {"textDocument": document})
            for kind in KINDS:
                _timed(connection, kind)
        used = through.processor_milliseconds()
        for _ in range(pairs):
            cancel.raise_if_cancelled()
            kind = chosen.choice(deck)
            kinds[kind].ask(direct, through, partial(_timed, kind=kind))
        used = (through.processor_milliseconds() - used) / pairs
    return kinds, used


def _joined_actions(pairs: int, cancel: CancelToken) -> BothWays:
    """The times of code actions, of one server and of two that both answer at once."""
    with Connection(ECHO) as direct, Connection(proxied(ECHO, is_busy=False)) as through:
        _begin(direct, through)
        times = BothWays()
        for _ in range(pairs):
            cancel.raise_if_cancelled()
            times.ask(direct, through, lambda one: one.timed("textDocument/codeAction", {"textDocument": {"uri": URI}}))
    return times


def _begin(direct: Connection, through: Connection) -> None:
    for connection in (direct, through):
        connection.begin({"capabilities": {}})
        connection.await_method("test/initialized")
    # The second one is Sleepy's server, which runs from now on.
    through.await_method("test/initialized")


def proxied(server: Sequence[str], *, is_busy: bool) -> list[str]:
    """The command of the proxy around a server, with a server in Sleepy's place that may compute without end."""
    sleepy = [*ECHO, "busy"] if is_busy else ECHO
    return [sys.executable, "-c", PROXY, json.dumps([server, sleepy])]


def _timed(connection: Connection, kind: str) -> float:
    method, size, _ = KINDS[kind]
    if "edit" in kind:
        place = {"line": 1, "character": 0}
        change = {"range": {"start": place, "end": place}, "text": "x"}
        document = {"uri": URI, "version": next(connection.ids)}
        connection.send("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
    return connection.timed(method, {"textDocument": {"uri": URI}, "size": size})


def _hovered(analyzer: str, directory: Path, pairs: int, cancel: CancelToken) -> BothWays:
    """The times of hover requests to rust-analyzer."""
    (directory / "src").mkdir()
    (directory / "Cargo.toml").write_text(MANIFEST, encoding="utf-8")
    source = directory / "src" / "lib.rs"
    source.write_text(SOURCE, encoding="utf-8")
    params = {
        "rootUri": directory.as_uri(),
        "capabilities": {"experimental": {"serverStatusNotification": True}},
        # What it does in the background by itself would hit one way more than the other.
        "initializationOptions": {"checkOnSave": False, "cachePriming": {"enable": False}},
    }
    hover = {"textDocument": {"uri": source.as_uri()}, "position": {"line": 2, "character": 10}}

    def hovered(connection: Connection) -> float:
        started = time.perf_counter()
        connection.ask("textDocument/hover", hover)
        return (time.perf_counter() - started) * 1000

    with Connection([analyzer]) as direct, Connection(proxied([analyzer], is_busy=False)) as through:
        for connection in (direct, through):
            connection.begin(params)
            document = {"uri": source.as_uri(), "languageId": "rust", "version": 1, "text": SOURCE}
            connection.send("textDocument/didOpen", {"textDocument": document})
            _await_quiescence(connection)
            for _ in range(20):
                hovered(connection)
        times = BothWays()
        for _ in range(pairs):
            cancel.raise_if_cancelled()
            times.ask(direct, through, hovered)
    return times


def _await_quiescence(connection: Connection) -> None:
    """Wait until rust-analyzer has read the project."""
    while True:
        message = parsed(connection.receive())
        if message.get("method") == "experimental/serverStatus" and message["params"].get("quiescent"):
            return


def working_rust_analyzer() -> str | None:
    """The rust-analyzer on PATH; None also where it is rustup's stand-in for one that is not installed."""
    program = shutil.which("rust-analyzer")
    if program is None or not run_process([program, "--version"], timeout_seconds=30).succeeded:
        return None
    return program


def load_text() -> str:
    """How many programs wanted to run in the last minute, on how many cores."""
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def quantile(values: Sequence[float], percent: int) -> float:
    """A percentile; not-a-number for too few values."""
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else float("nan")
