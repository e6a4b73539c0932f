"""The two children and the pipes to them: writing without ever waiting for the wrong one, and ending whole families."""

from __future__ import annotations

import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from sleepy_agent.process import POSIX, kill_process_tree

READ_BYTES = 65_536
PIPE_BYTES = 1_048_576
"""Where the system allows it, a pipe holds a large message whole, so that nobody is woken for each part of it."""
BACK_PRESSURE_BYTES = 64_000_000
"""What may wait for a reader that does not read before whoever writes to it waits, too."""
STDERR_KEPT = 4_000


class Outlet:
    """Messages on their way into one pipe, written in the order they were put.

    A thread of its own writes what nobody else wrote. The thread whose work it naturally is calls `drain` and saves
    that detour. `limit`: what may wait at most, in bytes; beyond it `on_broken` is called and everything is dropped.
    """

    def __init__(self, descriptor: int, on_broken: Callable[[], None], limit: int | None = None) -> None:
        self._descriptor = descriptor
        self._on_broken = on_broken
        self._limit = limit
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._counting = threading.Lock()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._is_broken = False
        self._is_closing = False
        self._thread = threading.Thread(target=self._write_what_waits, daemon=True)
        self._thread.start()

    def put(self, content: bytes) -> None:
        """Queue a message. Never waits; nothing happens where the pipe is broken or closed."""
        if self._is_broken or self._is_closing:
            return
        with self._counting:
            self._waiting_bytes += len(content)
            self._waiting.append(content)
        if self._limit is not None and self._waiting_bytes > self._limit:
            self._break()

    def wake(self) -> None:
        """Let the thread of the outlet write what waits."""
        if self._waiting:
            self._wake.set()

    def drain(self) -> None:
        """Write what waits, in this thread, unless another one is at it (that one writes it, then)."""
        while self._waiting and not self._is_broken:
            if not self._writing.acquire(blocking=self._waiting_bytes > BACK_PRESSURE_BYTES):
                return
            try:
                self._write_all()
            finally:
                self._writing.release()

    def close(self, timeout: float) -> None:
        """Write what waits, then end the stream; what was not written after `timeout` seconds is dropped."""
        self._is_closing = True
        self._wake.set()
        self._thread.join(timeout)
        self._is_broken = True

    def _write_what_waits(self) -> None:
        while not self._is_broken:
            self._wake.wait()
            self._wake.clear()
            self.drain()
            if self._is_closing:
                with self._writing:
                    self._write_all()
                break
        with suppress(OSError):
            os.close(self._descriptor)

    def _write_all(self) -> None:
        while self._waiting and not self._is_broken:
            with self._counting:
                content = self._waiting.popleft()
                self._waiting_bytes -= len(content)
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(self._descriptor, view) :]
            except OSError:
                self._break()

    def _break(self) -> None:
        self._is_broken = True
        self._wake.set()
        self._waiting.clear()
        self._on_broken()


class Child:
    """One process behind the proxy, with its pipes, in a group (and session) of its own."""

    def __init__(self, command: Sequence[str], *, keeps_stderr: bool) -> None:
        """Start it. Raises OSError where that is impossible. `keeps_stderr`: its last words are for `last_words`
        instead of our own stderr."""
        self.process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if keeps_stderr else None,
            bufsize=0,
            start_new_session=POSIX,
            creationflags=0 if POSIX else getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        # The outlet owns this descriptor from now on; the object may not close it a second time.
        self.input = os.dup(self.process.stdin.fileno())
        self.process.stdin.close()
        self._stdout = self.process.stdout
        self._last_words = b""
        for descriptor in (self.input, self._stdout.fileno()):
            widen(descriptor)
        if keeps_stderr and self.process.stderr is not None:
            threading.Thread(target=self._keep_stderr, args=(self.process.stderr,), daemon=True).start()

    def read(self) -> bytes:
        """The next bytes of its output, b"" at the end."""
        try:
            return os.read(self._stdout.fileno(), READ_BYTES)
        except OSError:
            return b""

    def _keep_stderr(self, stream: IO[bytes]) -> None:
        while content := stream.read(READ_BYTES):
            self._last_words = (self._last_words + content)[-STDERR_KEPT:]

    def last_words(self) -> str:
        return self._last_words.decode("utf-8", errors="replace").strip()

    def kill(self) -> None:
        """End it and everything it started."""
        leftovers = session_members(self.process.pid)
        kill_process_tree(self.process)
        for process_id in leftovers:
            with suppress(OSError):
                os.kill(process_id, 9)

    def wait(self, seconds: float) -> None:
        """Let it end by itself for some seconds, then end it, and whatever it left behind."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, seconds))
        self.kill()
        self.process.wait()

    def how_it_ended(self) -> str:
        code = self.process.wait()
        return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def session_members(leader: int) -> list[int]:
    """Processes of the session that `leader` began, as far as this system tells (Linux).

    A group is not enough: rust-analyzer gives each cargo it runs a group of its own.
    """
    found = []
    with suppress(OSError):
        for name in os.listdir("/proc"):  # noqa: PTH208 -- a thousand Path objects for nothing.
            if name.isdigit():
                with suppress(OSError):
                    if os.getsid(int(name)) == leader:
                        found.append(int(name))
    return found


def widen(descriptor: int) -> None:
    """Let a pipe hold more, where the system can (Linux); what is no pipe stays as it is."""
    if not Path("/proc/sys/fs/pipe-max-size").exists():
        return
    import fcntl

    with suppress(OSError, AttributeError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
