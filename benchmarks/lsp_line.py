"""One language server as a client hears it: messages out, and all that arrives with the time it arrived."""

from __future__ import annotations

import itertools
import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sleepy_agent.process import CancelToken, kill_process_tree
from sleepy_lsp.proxy.framing import FrameReader, message_bytes, parsed

PIECE_BYTES = 1 << 16
CLOSING_SECONDS = 10.0
LOOK_SECONDS = 0.2
"""How often somebody who waits looks whether the user wants to stop."""
MOST_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """A notification, or the answer to a request (`method` is empty). `at`: seconds of `time.perf_counter`."""

    at: float
    line: str
    method: str
    content: Any


class Journal:
    """All arrivals in order. Numbers go on counting when the oldest are forgotten."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel
        self._kept: deque[Arrival] = deque(maxlen=MOST_KEPT)
        self._count = 0
        self._changed = threading.Condition()

    def add(self, arrival: Arrival) -> None:
        with self._changed:
            self._kept.append(arrival)
            self._count += 1
            self._changed.notify_all()

    def mark(self) -> int:
        """The number that the next arrival gets."""
        with self._changed:
            return self._count

    def since(self, mark: int) -> list[Arrival]:
        """All that arrived from a mark on."""
        with self._changed:
            return self._since(mark)

    def first(self, mark: int, fits: Callable[[Arrival], bool]) -> Arrival | None:
        """The first arrival from a mark on that fits, if it came already."""
        return next((one for one in self.since(mark) if fits(one)), None)

    def until(self, mark: int, fits: Callable[[Arrival], bool], seconds: float) -> Arrival | None:
        """The first arrival from a mark on that fits; None where it does not come in time. Raises Interrupted."""
        deadline = time.monotonic() + seconds
        looked = mark
        while True:
            self._cancel.raise_if_cancelled()
            with self._changed:
                left = deadline - time.monotonic()
                if self._count <= looked and left > 0:
                    self._changed.wait(min(left, LOOK_SECONDS))
                new, looked = self._since(looked), self._count
            found = next((one for one in new if fits(one)), None)
            if found is not None or left <= 0:
                return found

    def _since(self, mark: int) -> list[Arrival]:
        new = min(self._count - mark, len(self._kept))
        return list(itertools.islice(self._kept, len(self._kept) - new, None)) if new > 0 else []


class ServerLine:
    """The owner of one server process. Its requests are answered at once; its notifications go to `hear`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        cancel: CancelToken,
        hear: Callable[[Arrival], None],
    ) -> None:
        self.name = name
        self._cancel = cancel
        self._hear = hear
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[Arrival]] = {}
        self._writing = threading.Lock()
        self.started_at = time.perf_counter()
        self.process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        threading.Thread(target=self._read_all, daemon=True).start()

    def request(self, method: str, parameters: Any, seconds: float) -> Arrival:
        """Ask and wait. An error is an answer, too: {"error": ...}. Raises RuntimeError where none comes in time."""
        number = next(self._numbers)
        answer: Future[Arrival] = Future()
        self._waiting[number] = answer
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": parameters})
        deadline = time.monotonic() + seconds
        while True:
            self._cancel.raise_if_cancelled()
            try:
                return answer.result(LOOK_SECONDS)
            except TimeoutError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} did not answer {method} within {seconds:.0f} s") from None

    def notify(self, method: str, parameters: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": parameters})

    def close(self) -> bool:
        """End the server as an editor does; whether it went by itself."""
        ended = False
        try:
            self._send({"jsonrpc": "2.0", "id": next(self._numbers), "method": "shutdown", "params": None})
            self.notify("exit", None)
            self.process.wait(CLOSING_SECONDS)
            ended = True
        except (OSError, subprocess.TimeoutExpired):
            kill_process_tree(self.process)
            self.process.wait()
        return ended

    def _send(self, message: dict[str, Any]) -> None:
        content = message_bytes(message)
        stream = self.process.stdin
        assert stream is not None
        with self._writing:
            stream.write(content)
            stream.flush()

    def _read_all(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        frames = FrameReader()
        while content := os.read(stream.fileno(), PIECE_BYTES):
            at = time.perf_counter()
            for frame in frames.feed(content):
                message = parsed(frame.body) if frame.body is not None else None
                if isinstance(message, dict):
                    self._take(at, message)

    def _take(self, at: float, message: dict[str, Any]) -> None:
        method, number = message.get("method"), message.get("id")
        if method is None:
            waiting = self._waiting.pop(number, None) if isinstance(number, int) else None
            if waiting is not None:
                content = {"error": message["error"]} if "error" in message else message.get("result")
                waiting.set_result(Arrival(at, self.name, "", content))
        elif number is not None:
            self._send({"jsonrpc": "2.0", "id": number, "result": answer_of(method, message.get("params"))})
        else:
            self._hear(Arrival(at, self.name, method, message.get("params")))


def answer_of(method: str, parameters: Any) -> Any:
    """What a request of a server gets: settings have no values, an edit is not applied, the rest is nodded at."""
    if method == "workspace/configuration":
        return [None] * len(parameters.get("items", []))
    return {"applied": False} if method == "workspace/applyEdit" else None
