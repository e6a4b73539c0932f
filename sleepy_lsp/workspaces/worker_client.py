"""The asyncio side of one worker process: start it, send records, hear records, end it with everything it started.

The worker is `python -m sleepy_agent.live.worker` and speaks the records of `sleepy_agent/live/messages.py` through
its standard input and output. It ends by itself at the end of its input, so it does not outlive this process, however
this process ends.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sleepy_agent.config import environment_elsewhere
from sleepy_agent.live.channel import HEADER, packed, unpacked
from sleepy_agent.live.messages import FromWorker, ToWorker
from sleepy_agent.process import POSIX, lower_session_priority, own_command

WORKER_COMMAND_VARIABLE = "SLEEPY_WORKER_COMMAND"
"""Internal, for tests: a JSON list, the command to start instead of the real worker."""

LONGEST_RECORD_BYTES = 256 * 1024 * 1024
FULL_QUEUE_BYTES = 1024 * 1024
"""A worker that has not read this much yet gets nothing more until it has."""
GOODBYE_SECONDS = 2.0
"""A worker that was told to end is killed after this time."""

RESTARTS_A_MINUTE = 4
FIRST_WAIT_SECONDS = 0.5


def worker_command(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """How a worker is started."""
    other = environment.get(WORKER_COMMAND_VARIABLE)
    if other:
        return tuple(json.loads(other))
    return own_command("sleepy_agent.live.worker")


def wait_before_start(crashes: Sequence[float], now: float) -> float:
    """Seconds to wait before a worker may be started again. `crashes`: when the former ones ended by themselves.

    Twice as long after each crash of the last minute, and never more than RESTARTS_A_MINUTE.
    """
    recent = sorted(crash for crash in crashes if now - crash < 60.0)
    if not recent:
        return 0.0
    if len(recent) >= RESTARTS_A_MINUTE:
        return recent[-RESTARTS_A_MINUTE] + 60.0 - now
    return max(0.0, recent[-1] + math.ldexp(FIRST_WAIT_SECONDS, len(recent) - 1) - now)


class WorkerClient:
    """The one owner of a worker process. `on_record` and `on_end` are called on the event loop.

    `on_end` is called once, when the process has ended although `close` was not called, or could not be started; its
    argument says what happened.
    """

    def __init__(
        self,
        on_record: Callable[[FromWorker], None],
        on_end: Callable[[str], None],
        *,
        command: Sequence[str] | None = None,
        cwd: Path | None = None,
        niceness: int = 0,
        verbose: bool = False,
    ) -> None:
        self._on_record = on_record
        self._on_end = on_end
        self._command = tuple(command) if command is not None else worker_command()
        self._cwd = cwd
        self._niceness = niceness
        self._verbose = verbose
        self._process: asyncio.subprocess.Process | None = None
        self._closing = False
        self._waiting: list[bytes] = []
        self._life = asyncio.ensure_future(self._live())

    @property
    def process_id(self) -> int | None:
        """None before it runs."""
        return self._process.pid if self._process else None

    @property
    def is_behind(self) -> bool:
        """Whether it reads slower than it is written to, so that nothing should be sent now."""
        if self._process is None or self._process.stdin is None:
            return sum(map(len, self._waiting)) > FULL_QUEUE_BYTES
        return self._process.stdin.transport.get_write_buffer_size() > FULL_QUEUE_BYTES

    def send(self, record: ToWorker) -> None:
        """Send a record now, or as soon as the process runs. Nothing happens where it has ended: `on_end` says so."""
        frame = packed(record)
        if self._process is None:
            self._waiting.append(frame)
        elif self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(frame)

    async def close(self) -> None:
        """End the process: by the end of its input, after GOODBYE_SECONDS by force. `on_end` is not called."""
        self._closing = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        # Until the process runs there is nothing to say goodbye to.
        _, alive = await asyncio.wait({self._life}, timeout=GOODBYE_SECONDS if self._process else 0)
        if alive:
            self._life.cancel()
            await asyncio.wait({self._life})

    def kill(self) -> None:
        """End the process and its group at once, without waiting. Harmless where it has ended."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(OSError):
            if POSIX:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()

    async def _live(self) -> None:
        reason = "it ended by itself"
        try:
            await self._start()
            reason = await self._hear()
        except OSError as error:
            reason = f"it could not be started: {error}"
        finally:
            self.kill()
            if self._process is not None:
                with suppress(asyncio.CancelledError):
                    await self._process.wait()
        if not self._closing:
            self._closing = True
            self._on_end(reason)

    async def _start(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if self._verbose else subprocess.DEVNULL,
            cwd=self._cwd,
            env=environment_elsewhere(),
            start_new_session=POSIX,
        )
        # Only the session's priority is lowered: nice values add up, and the compilers get theirs from the worker.
        if self._niceness:
            lower_session_priority(process.pid, self._niceness)
        assert process.stdin is not None
        for frame in self._waiting:
            process.stdin.write(frame)
        self._waiting.clear()
        self._process = process
        if self._closing:
            process.stdin.close()

    async def _hear(self) -> str:
        """Pass on records until the stream ends; why it ended."""
        assert self._process is not None
        assert self._process.stdout is not None
        stream = self._process.stdout
        while True:
            try:
                (length,) = HEADER.unpack(await stream.readexactly(HEADER.size))
                if length > LONGEST_RECORD_BYTES:
                    return "it wrote something that is no record"
                content = await stream.readexactly(length)
            except asyncio.IncompleteReadError:
                with suppress(TimeoutError):
                    code = await asyncio.wait_for(self._process.wait(), GOODBYE_SECONDS)
                    return f"it ended with exit code {code}"
                return "it closed its output"
            try:
                record = unpacked(content)
            except Exception:
                # Whatever pickle stumbles over: the two ends do not understand each other any more.
                return "it wrote something that is no record"
            if not self._closing:
                self._on_record(record)  # type: ignore[arg-type]
