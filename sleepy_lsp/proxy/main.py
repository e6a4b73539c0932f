"""The proxy as a process: a client on our own stdin and stdout, two children, one thread for each stream.

Threads and no event loop: the thread that reads a message also writes it on, so nothing is handed over; a pipe that is
full slows down exactly the one who fills it. Measured side by side on two busy cores, asyncio added as much to a
request and its answer (a quarter of a millisecond) for the same processor time, and its import alone doubles the start.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from sleepy_agent.errors import EXIT_COULD_NOT_RUN
from sleepy_agent.heap import give_back_memory, keep_what_is_loaded
from sleepy_lsp.proxy.client_side import from_client
from sleepy_lsp.proxy.framing import BodyTooLong, FrameReader
from sleepy_lsp.proxy.pipes import READ_BYTES, Child, Outlet, widen
from sleepy_lsp.proxy.session import Ports, ProxySettings, Session
from sleepy_lsp.proxy.sleepy_side import from_sleepy, sleepy_ended, sleepy_started
from sleepy_lsp.proxy.wrapped_side import fail, from_wrapped, wrapped_ended, wrapped_started

LONGEST_OF_OURS = 64_000_000
"""Bytes of one message beyond which Sleepy's server is taken to be broken."""
TIDY_SECONDS = 60.0
"""How often the memory of messages that are through is given back."""
SWITCH_SECONDS = 0.0005
"""How long one thread may compute while another one has a message to pass on (Python's default is ten times that)."""
RUST_ANALYZER_REMEDY = "Install it with `rustup component add rust-analyzer`, then restart the language server."
OTHER_REMEDY = "Check the name and the arguments after --wrap, and that the program is installed and on PATH."


def run_proxy(
    command: Sequence[str],
    sleepy_command: Sequence[str],
    *,
    settings: ProxySettings | None = None,
    shows_sleepy_log: bool = False,
) -> int:
    """Serve the client on our stdin and stdout until it leaves. Returns the exit code of the wrapped server.

    `command` is the wrapped server, `sleepy_command` Sleepy's own: `python -m sleepy_agent.cli lsp`.
    A wrapped server that cannot be started is told on stderr and to the client; the exit code is 2, then.
    `shows_sleepy_log`: the stderr of Sleepy's server goes to ours, instead of only its last words when it dies.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    proxy = _Proxy(command, sleepy_command, settings or ProxySettings(), shows_sleepy_log)
    return proxy.run()


class _Proxy:
    """Owner of the processes, the pipes and the lock around the session."""

    def __init__(
        self, command: Sequence[str], sleepy_command: Sequence[str], settings: ProxySettings, shows_sleepy_log: bool
    ) -> None:
        self._command = command
        self._sleepy_command = sleepy_command
        self._shows_sleepy_log = shows_sleepy_log
        self._settings = settings
        name = Path(command[0]).stem
        remedy = RUST_ANALYZER_REMEDY if name == "rust-analyzer" else OTHER_REMEDY
        # Its own descriptor: the outlet closes what it is given.
        self._client = Outlet(os.dup(1), partial(self._end, None))
        self._wrapped: Child | None = None
        self._wrapped_outlet: Outlet | None = None
        self._wrapped_reader: threading.Thread | None = None
        self._sleepy: Child | None = None
        self._sleepy_outlet: Outlet | None = None
        self._lock = threading.Lock()
        self._deferred: deque[Callable[[], None]] = deque()
        # Putting into this queue is allowed in a signal handler, setting an Event is not.
        self._ends: SimpleQueue[int | None] = SimpleQueue()
        ports = Ports(
            to_client=self._client.put,
            to_wrapped=self._to_wrapped,
            to_sleepy=self._to_sleepy,
            start_wrapped=partial(self._deferred.append, self._start_wrapped),
            start_sleepy=partial(self._deferred.append, self._start_sleepy),
            stop_sleepy=partial(self._deferred.append, self._stop_sleepy),
            later=self._later,
            afterwards=self._deferred.append,
            say=_say,
            end=self._end,
        )
        self._session = Session(ports, settings, name, remedy)

    def run(self) -> int:
        self._catch_signals()
        for descriptor in (0, 1):
            widen(descriptor)
        self._with_session(self._start_wrapped)
        self._with_session(self._start_sleepy)
        threading.Thread(target=self._read_client, daemon=True).start()
        keep_what_is_loaded()
        return self._finish(self._wait_for_the_end())

    def _wait_for_the_end(self) -> int | None:
        while True:
            try:
                return self._ends.get(timeout=TIDY_SECONDS)
            except Empty:
                give_back_memory()

    # ---- the session and its lock ------------------------------------------------------------------------

    def _with_session(self, act: Callable[[], None], drained: Outlet | None = None) -> None:
        """Let the session do something, send what it said, then let it do what could wait.

        `drained`: the outlet that this thread may wait for.
        """
        with self._lock:
            _shielded(act)
        self._send(drained)
        while self._deferred:
            with self._lock:
                if self._deferred:
                    _shielded(self._deferred.popleft())
            self._send(drained)

    def _send(self, drained: Outlet | None) -> None:
        if drained is not None:
            drained.drain()
        for outlet in (self._client, self._wrapped_outlet, self._sleepy_outlet):
            if outlet is not None and outlet is not drained:
                outlet.wake()

    def _to_wrapped(self, content: bytes) -> None:
        if self._wrapped_outlet is not None:
            self._wrapped_outlet.put(content)

    def _to_sleepy(self, content: bytes) -> None:
        if self._sleepy_outlet is not None:
            self._sleepy_outlet.put(content)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, self._with_session, [act])
        timer.daemon = True
        timer.start()

    def _end(self, code: int | None) -> None:
        self._ends.put(code)

    def _catch_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
                signal.signal(number, lambda received, _frame: self._ends.put(128 + received))

    # ---- the three streams -------------------------------------------------------------------------------

    def _read_client(self) -> None:
        reader = FrameReader()
        while content := _read(0):
            for frame in reader.feed(content):
                self._with_session(partial(from_client, self._session, frame), self._wrapped_outlet)
        self._to_wrapped(reader.rest())
        self._end(None)

    def _read_wrapped(self, child: Child) -> None:
        reader = FrameReader()
        while content := child.read():
            for frame in reader.feed(content):
                self._with_session(partial(from_wrapped, self._session, frame), self._client)
        if self._session.is_ending:
            # Half a message of a server that is started again would make the next one unreadable.
            self._client.put(reader.rest())
        _end_soon(child)
        how = child.how_it_ended()
        child.kill()
        self._with_session(partial(wrapped_ended, self._session, how))

    def _read_sleepy(self, child: Child) -> None:
        reader = FrameReader(LONGEST_OF_OURS)
        with suppress(BodyTooLong):
            while content := child.read():
                for frame in reader.feed(content):
                    self._with_session(partial(from_sleepy, self._session, frame))
        _end_soon(child)
        how = child.how_it_ended()
        child.kill()
        if not self._session.is_ending and (words := child.last_words()):
            _say(words)
        self._with_session(partial(sleepy_ended, self._session, how))

    # ---- the two children --------------------------------------------------------------------------------

    def _start_wrapped(self) -> None:
        if self._session.is_ending:
            return
        try:
            child = Child(_found(self._command), keeps_stderr=False)
        except OSError as error:
            reason = f"could not be started: {(error.strerror or str(error)).lower()}"
            if self._wrapped is None:
                fail(self._session, f"{self._session.name} {reason}.")
            else:
                wrapped_ended(self._session, reason)
            return
        is_first, self._wrapped = self._wrapped is None, child
        self._wrapped_outlet = _replaced(self._wrapped_outlet, Outlet(child.input, _nothing))
        if not is_first:
            wrapped_started(self._session)
        self._wrapped_reader = threading.Thread(target=self._read_wrapped, args=(child,), daemon=True)
        self._wrapped_reader.start()

    def _start_sleepy(self) -> None:
        if self._session.is_ending or self._session.failure is not None:
            return
        try:
            child = Child(self._sleepy_command, keeps_stderr=not self._shows_sleepy_log)
        except OSError as error:
            sleepy_ended(self._session, f"could not be started: {(error.strerror or str(error)).lower()}")
            return
        self._sleepy = child
        limit = self._settings.sleepy_queue_bytes
        outlet = Outlet(child.input, partial(self._deferred.append, partial(_kill, child)), limit)
        self._sleepy_outlet = _replaced(self._sleepy_outlet, outlet)
        sleepy_started(self._session)
        threading.Thread(target=self._read_sleepy, args=(child,), daemon=True).start()

    def _stop_sleepy(self) -> None:
        if self._sleepy is not None:
            _kill(self._sleepy)

    # ---- the end -----------------------------------------------------------------------------------------

    def _finish(self, code: int | None) -> int:
        """End both children, with all they started, and let the client have what is still on its way to it."""
        with self._lock:
            self._session.is_ending = True
            wrapped, sleepy = self._wrapped, self._sleepy
            outlets = [outlet for outlet in (self._sleepy_outlet, self._wrapped_outlet) if outlet is not None]
        # The end of the input is the gentlest way to ask; who was told to stop at once gives less time for it.
        deadline = time.monotonic() + (
            min(1.0, self._settings.ending_seconds) if code else self._settings.ending_seconds
        )
        for outlet in outlets:
            outlet.close(0.25)
        if wrapped is not None:
            wrapped.wait(deadline - time.monotonic())
        if sleepy is not None:
            sleepy.wait(min(1.0, deadline - time.monotonic()))
        if self._wrapped_reader is not None:
            self._wrapped_reader.join(0.5)
        self._client.close(0.5)
        if code is not None:
            return code
        if wrapped is None:
            return EXIT_COULD_NOT_RUN
        returncode = wrapped.process.returncode
        return returncode if returncode >= 0 else 128 - returncode


def _found(command: Sequence[str]) -> list[str]:
    """The command with the full path of its program. Raises FileNotFoundError where there is none on PATH."""
    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(2, "there is no such program", command[0])
    return [program, *command[1:]]


def _replaced(old: Outlet | None, new: Outlet) -> Outlet:
    if old is not None:
        old.close(0.0)
    return new


def _kill(child: Child) -> None:
    if child.process.poll() is None:
        child.kill()


def _end_soon(child: Child) -> None:
    """A child that closed its output is of no use any more; it may have a moment to end by itself."""
    timer = threading.Timer(1.0, _kill, [child])
    timer.daemon = True
    timer.start()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, READ_BYTES)
    except OSError:
        return b""


def _shielded(act: Callable[[], None]) -> None:
    """A mistake of ours with one message must not end the session."""
    try:
        act()
    except Exception:
        _say(traceback.format_exc())


def _say(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(f"sleepy: {text}\n")
        sys.stderr.flush()


def _nothing() -> None:
    """A wrapped server that does not read any more is about to end, and that is heard of elsewhere."""
