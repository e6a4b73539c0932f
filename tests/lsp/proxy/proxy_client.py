"""The proxy as a process and a client of it that waits for what it is told, never for time to pass."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from sleepy_lsp.proxy.framing import FrameReader, message_bytes

PATIENCE_SECONDS = 20.0
"""Only a test that fails waits as long as this."""

RUNNER = """
import json, sys
from sleepy_lsp.proxy.main import run_proxy
from sleepy_lsp.proxy.restarts import RestartPolicy
from sleepy_lsp.proxy.session import ProxySettings
wrapped, sleepy, settings = json.loads(sys.argv[1])
policies = {name: RestartPolicy(tuple(value[0]), *value[1:]) for name, value in settings.items() if "policy" in name}
sys.exit(run_proxy(wrapped, sleepy, settings=ProxySettings(**settings | policies)))
"""


def scripted(name: str, **script: Any) -> list[str]:
    """The command of a scripted server (see `scripted_server.py`)."""
    program = Path(__file__).with_name("scripted_server.py")
    return [sys.executable, str(program), json.dumps({"name": name, **script})]


@dataclass
class ProxyClient:
    """Entered: a proxy that runs. Left: one that was told to go, and has gone."""

    wrapped: Sequence[str]
    sleepy: Sequence[str]
    settings: dict[str, Any] = field(default_factory=dict)
    next_id: int = 0

    def __enter__(self) -> ProxyClient:
        arguments = json.dumps([list(self.wrapped), list(self.sleepy), self.settings])
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self.received: queue.Queue[tuple[bytes, Any] | None] = queue.Queue()
        self.stderr = bytearray()
        self.is_deaf = False
        self.threads = [threading.Thread(target=act, daemon=True) for act in (self._read, self._read_stderr)]
        for thread in self.threads:
            thread.start()
        self.waiting: list[tuple[bytes, Any]] = []
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_SECONDS)
        finally:
            self.process.kill()

    def _read(self) -> None:
        assert self.process.stdout is not None
        reader, number = FrameReader(), self.process.stdout.fileno()
        while content := os.read(number, 65_536):
            for frame in reader.feed(content):
                try:
                    message = json.loads(frame.body or b"")
                except ValueError:
                    message = None
                self.received.put((frame.raw, message))
            if self.is_deaf:
                self.process.stdout.close()
                break
        self.received.put(None)

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        while content := os.read(self.process.stderr.fileno(), 65_536):
            self.stderr += content

    # ---- speaking ----------------------------------------------------------------------------------------

    def send_bytes(self, raw: bytes) -> None:
        assert self.process.stdin is not None
        view = memoryview(raw)
        while view:
            view = view[os.write(self.process.stdin.fileno(), view) :]

    def notify(self, method: str, params: Any = None) -> None:
        self.send_bytes(message_bytes({"jsonrpc": "2.0", "method": method, "params": params}))

    def ask(self, method: str, params: Any = None) -> int:
        self.next_id += 1
        self.send_bytes(message_bytes({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}))
        return self.next_id

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    # ---- hearing -----------------------------------------------------------------------------------------

    def hear(self, **wanted: Any) -> Any:
        """The next message with these members, as JSON; others are kept for later."""
        return self.hear_raw(**wanted)[1]

    def hear_raw(self, **wanted: Any) -> tuple[bytes, Any]:
        for index, (_, message) in enumerate(self.waiting):
            if _has(message, wanted):
                return self.waiting.pop(index)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                heard = self.received.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"nothing like {wanted} was heard; {self.waiting!r:.2000}; {self.log()}") from None
            assert heard is not None, f"the proxy ended before {wanted} was heard; {self.log()}"
            if _has(heard[1], wanted):
                return heard
            self.waiting.append(heard)

    def answer(self, method: str, params: Any = None) -> Any:
        """Ask and wait for the answer, as a whole message."""
        return self.hear(id=self.ask(method, params))

    def log(self) -> str:
        return self.stderr.decode(errors="replace")[-3000:]

    def ended(self) -> int:
        """The exit code, once it has ended."""
        code = self.process.wait(PATIENCE_SECONDS)
        for thread in self.threads:
            thread.join(PATIENCE_SECONDS)
        return code

    # ---- often needed ------------------------------------------------------------------------------------

    def begin(self, capabilities: Any = None, *, with_sleepy: bool = True) -> Any:
        """The handshake; returns the answer to `initialize`. Waits for Sleepy's server where there is one."""
        answer = self.answer("initialize", {"capabilities": capabilities or {}, "processId": None})
        self.notify("initialized", {})
        if with_sleepy:
            self.hear_sleepy()
        return answer

    def hear_sleepy(self) -> None:
        """Wait until Sleepy's server runs."""
        self.hear(method="test/initialized", params={"by": "sleepy"})


def _has(message: Any, wanted: dict[str, Any]) -> bool:
    """Whether it is a message with these members. Who wants an id wants an answer; servers have requests of that id."""
    if not isinstance(message, dict) or ("id" in wanted and "method" in message):
        return False
    return all(name in message and message[name] == wanted[name] for name in wanted)
