"""A language server as a program to ask: JSON-RPC over its standard input and output, one question at a time."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sleepy_agent.process import CancelToken, kill_process_tree

Message = dict[str, Any]
CLOSING_SECONDS = 3.0


@dataclass(slots=True)
class LanguageClient:
    """The owner of one server. Messages that nobody waits for go to `watch`; requests of the server are declined."""

    process: subprocess.Popen[bytes]
    cancel: CancelToken
    watch: Callable[[Message], None]
    _incoming: queue.Queue[Message | None] = field(default_factory=queue.Queue)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        cancel: CancelToken,
        watch: Callable[[Message], None],
    ) -> LanguageClient:
        """Start the server. Raises OSError where there is no such program."""
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        client = cls(process, cancel, watch)
        assert process.stdout is not None
        threading.Thread(target=client._read_all, args=(process.stdout,), daemon=True).start()
        return client

    def request(self, method: str, parameters: Any, seconds: float) -> Any:
        """Ask and wait for the answer; None where it is an error or does not come in time."""
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": parameters})
        answers: list[Message] = []

        def is_answered(message: Message) -> bool:
            if message.get("id") == number and "method" not in message:
                answers.append(message)
            return bool(answers)

        self.wait(is_answered, seconds)
        return answers[0].get("result") if answers else None

    def notify(self, method: str, parameters: Any) -> None:
        self._send({"method": method, "params": parameters})

    def wait(self, is_enough: Callable[[Message], bool], seconds: float) -> bool:
        """Read messages until one is enough; False where time is up or the server ended.

        Raises Interrupted once the token is cancelled.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.cancel.raise_if_cancelled()
            try:
                message = self._incoming.get(timeout=min(left, 0.2))
            except queue.Empty:
                continue
            if message is None:
                return False
            if "method" in message and "id" in message:
                self._decline(message)
            self.watch(message)
            if is_enough(message):
                return True
        return False

    def close(self) -> None:
        """End the server, by force if it does not want to."""
        try:
            self._send({"id": next(self._numbers), "method": "shutdown", "params": None})
            self.notify("exit", None)
            self.process.wait(CLOSING_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            pass
        kill_process_tree(self.process)
        self.process.wait()

    def _decline(self, request: Message) -> None:
        """Settings are answered with nothing, progress and registrations with a nod."""
        items = request.get("params", {}).get("items") if request["method"] == "workspace/configuration" else None
        self._send({"id": request["id"], "result": [None] * len(items) if items else None})

    def _send(self, message: Message) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream = self.process.stdin
        assert stream is not None
        stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        stream.flush()

    def _read_all(self, stream: IO[bytes]) -> None:
        while header := stream.readline():
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
                while stream.readline().strip():
                    pass
                self._incoming.put(json.loads(stream.read(length)))
        self._incoming.put(None)
