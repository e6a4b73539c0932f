"""Run a program and get what happened as a value; kill it, with its children, when time or patience ends."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sleepy_agent.errors import Interrupted

POSIX = os.name == "posix"
LOWEST_NICENESS = 19


@dataclass(frozen=True, slots=True)
class ProcessOutcome:
    """How a program ended. `returncode` is None where it was killed by us or could not be started."""

    returncode: int | None
    stdout: bytes
    stderr: bytes
    seconds: float
    timed_out: bool = False
    cancelled: bool = False
    start_error: OSError | None = None

    @property
    def succeeded(self) -> bool:
        return self.returncode == 0


class CancelToken:
    """Says stop to everything that was started under it. Thread-safe; cancelling twice is harmless.

    The one owner of "which programs are running": `cancel` kills them all with their children. What is started
    under a `part` of it is started under it, too; cancelling the part leaves the rest alone.
    """

    def __init__(self, whole: CancelToken | None = None) -> None:
        self._whole = whole
        self._lock = threading.Lock()
        self._cancelled = False
        self._running: set[subprocess.Popen[bytes]] = set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled or (self._whole is not None and self._whole.cancelled)

    def part(self) -> CancelToken:
        """A token for a part of the work, which ends with the whole at the latest."""
        return CancelToken(self)

    def announce(self) -> None:
        """Say stop without a lock, as a signal handler must; `cancel` has to follow, to end what runs."""
        self._cancelled = True

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            running = list(self._running)
        for process in running:
            kill_process_tree(process)

    @property
    def sessions(self) -> frozenset[int]:
        """Ids of the sessions (on POSIX) of everything that runs under this token."""
        with self._lock:
            return frozenset(process.pid for process in self._running)

    def raise_if_cancelled(self) -> None:
        if self.cancelled:
            raise Interrupted("Stopped.", "Run the same command again to go on.")

    def attach(self, process: subprocess.Popen[bytes]) -> None:
        if self._whole is not None:
            self._whole.attach(process)
        with self._lock:
            self._running.add(process)
            cancelled = self._cancelled
        if cancelled:
            kill_process_tree(process)

    def detach(self, process: subprocess.Popen[bytes]) -> None:
        if self._whole is not None:
            self._whole.detach(process)
        with self._lock:
            self._running.discard(process)


class InterruptSignals:
    """While entered, Ctrl-C and SIGTERM cancel `token` (once) instead of raising in the middle of anything.

    Outside the main thread signals cannot be caught; there it does nothing.
    """

    def __init__(self, token: CancelToken) -> None:
        self._token = token
        self._previous: dict[int, object] = {}

    def __enter__(self) -> InterruptSignals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def _handle(self, _number: int, _frame: object) -> None:
        # The lock of the token may be held by this very thread, so the killing is done by another one.
        # That the work is to stop is known at once, for whoever asks before that other thread has run.
        self._token.announce()
        threading.Thread(target=self._token.cancel, daemon=True).start()

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)  # type: ignore[arg-type]


def own_command(module: str, *words: str) -> tuple[str, ...]:
    """The command that runs one of our modules as a program of its own.

    Without `-P` Python would look for every module first in the folder that it is started in: the user's project, which
    may have a `json.py` of its own, or be somebody else's.
    """
    return (sys.executable, "-P", "-m", module, *words)


def kill_process_tree(process: subprocess.Popen[bytes]) -> None:
    """End a program started by `run_process`, and what it started.

    Also where the program itself has ended: what it left behind may still hold its output open.
    """
    try:
        if POSIX:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
    except ProcessLookupError:
        # Nobody of the group is left.
        return
    except OSError:
        process.kill()


def lowered_priority(command: Sequence[str], niceness: int) -> list[str]:
    """The same command at lower priority. On POSIX through nice(1): it costs a millisecond and, unlike a
    change after the start, also holds for the threads the program starts at once. The lowest priority means
    "only when nobody else wants to run" where the system has that (SCHED_IDLE, through chrt)."""
    chrt = shutil.which("chrt") if niceness >= LOWEST_NICENESS else None
    if chrt:
        return [chrt, "--idle", "0", *command]
    nice = shutil.which("nice") if POSIX and niceness > 0 else None
    return [nice, "-n", str(niceness), *command] if nice else list(command)


def lower_session_priority(process_id: int, niceness: int) -> None:
    """Lower the whole session of a program as well, where Linux shares processors between sessions first.

    With autogroups (sched(7)) a nice value counts only among the programs of one session, so that ours would
    get as much as the user's build in another terminal. Elsewhere there is no such file, and no need for one.
    """
    with suppress(OSError):
        Path(f"/proc/{process_id}/autogroup").write_text(str(niceness), encoding="ascii")


def require_program(program: str, cwd: Path | None, environment: Mapping[str, str] | None) -> None:
    """Raise the error of a program that cannot be started: nice(1) would only end with a number of its own."""
    path = (os.environ if environment is None else environment).get("PATH")
    has_folder = os.sep in program
    place = str((cwd or Path()) / program) if has_folder else program
    if shutil.which(place, path=path) is None:
        number = errno.EACCES if has_folder and Path(place).exists() else errno.ENOENT
        raise OSError(number, os.strerror(number), program)


def run_process(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout_seconds: float | None = None,
    niceness: int = 0,
    cancel: CancelToken | None = None,
    on_stdout_line: Callable[[bytes], None] | None = None,
) -> ProcessOutcome:
    """Run `command` to its end, with no standard input, in a process group of its own.

    Never raises for what the program does; a program that cannot be started is `start_error`.
    `environment` replaces the whole environment where given.
    """
    started = time.perf_counter()
    try:
        slower_command = lowered_priority(command, niceness)
        if len(slower_command) > len(command):
            require_program(command[0], cwd, environment)
        process = subprocess.Popen(
            slower_command,
            cwd=cwd,
            env=dict(environment) if environment is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=POSIX,
            creationflags=0 if POSIX else _windows_creation_flags(niceness),
        )
    except OSError as error:
        return ProcessOutcome(None, b"", b"", time.perf_counter() - started, start_error=error)
    if niceness > 0:
        lower_session_priority(process.pid, niceness)
    if cancel:
        cancel.attach(process)
    timed_out = False
    timer: threading.Timer | None = None
    collected: list[bytes] = []
    try:
        if on_stdout_line is None:
            try:
                stdout, stderr = process.communicate(timeout=timeout_seconds)
            except subprocess.TimeoutExpired:
                timed_out = True
                kill_process_tree(process)
                stdout, stderr = process.communicate()
        else:
            assert process.stdout is not None and process.stderr is not None
            error_stream = process.stderr
            reader = threading.Thread(target=lambda: collected.append(error_stream.read()), daemon=True)
            reader.start()
            if timeout_seconds is not None:
                timer = threading.Timer(timeout_seconds, kill_process_tree, [process])
                timer.start()
            lines = []
            for line in process.stdout:
                lines.append(line)
                on_stdout_line(line)
            process.wait()
            reader.join()
            timed_out = timer is not None and not timer.is_alive()
            stdout, stderr = b"".join(lines), b"".join(collected)
            process.stdout.close()
            process.stderr.close()
    except BaseException:
        kill_process_tree(process)
        process.wait()
        raise
    finally:
        if timer is not None:
            timer.cancel()
        if cancel:
            cancel.detach(process)
    cancelled = bool(cancel and cancel.cancelled)
    returncode = None if timed_out or (cancelled and process.returncode < 0) else process.returncode
    return ProcessOutcome(returncode, stdout, stderr, time.perf_counter() - started, timed_out, cancelled)


def _windows_creation_flags(niceness: int) -> int:
    group: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    low: int = getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
    return group | (low if niceness > 0 else 0)
