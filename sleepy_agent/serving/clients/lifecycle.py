"""The client's side of the server's life: is it there, is it really it, start it where it is not, end it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from sleepy_agent import __version__
from sleepy_agent.config import Places, Settings, environment_elsewhere
from sleepy_agent.errors import CannotWrite, ModelError
from sleepy_agent.process import POSIX, CancelToken, lowered_priority, own_command
from sleepy_agent.serving.chat import ModelUnavailable
from sleepy_agent.serving.serve_folder import (
    Address,
    ServeFolder,
    is_locked,
    last_lines_of_log,
    make_folder,
    proof_of,
    read_address,
    read_token,
    rotate_log,
    serve_folder_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVE_COMMAND: Final = own_command("sleepy_agent.cli", "serve", "--json")
START_SECONDS: Final = 180.0
"""A model of some gigabytes on a slow disk takes a minute or two."""
ANSWER_SECONDS: Final = 5.0
"""What is alive answers a question about itself within this time, however much it computes."""
STOP_SECONDS: Final = 15.0
LOOK_AGAIN_SECONDS: Final = 0.02
LONGEST_PAUSE_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Connection:
    """A server that proved to be ours. `model`, `model_id`: what it says is loaded, None while it is loading."""

    address: Address
    token: str
    state: str
    model: str | None
    seconds: float
    loaded_share: float = 0.0
    model_id: str | None = None
    failure: ModelUnavailable | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How the start of the server goes on: `text` is a sentence for the user, `seconds` since it began."""

    text: str
    seconds: float


OnProgress = Callable[[Progress], None]


def connect(files: ServeFolder, cancel: CancelToken, seconds: float = ANSWER_SECONDS) -> Connection | None:
    """The server that runs now, None where none does or where somebody else listens there.

    Raises ModelError where the token cannot be read, Interrupted.
    """
    from sleepy_agent.serving.clients.http_calls import HttpAnswer, call

    address = read_address(files)
    if address is None:
        return None
    token = read_token(files)
    challenge = secrets.token_hex(16)
    answer = call("GET", f"{address.base_url}/health?challenge={challenge}", seconds=seconds, cancel=cancel)
    if not isinstance(answer, HttpAnswer) or not isinstance(answer.body, dict):
        return None
    body: dict[str, Any] = answer.body
    # Whoever took over the port of a dead server does not know the token, and must not hear it.
    if not secrets.compare_digest(str(body.get("proof")), proof_of(token, challenge)):
        return None
    failure = body.get("failure")
    return Connection(
        address=address,
        token=token,
        state=str(body.get("state")),
        model=body.get("model"),
        seconds=float(body.get("seconds", 0.0)),
        loaded_share=float(body.get("loaded_share", 0.0)),
        model_id=body.get("model_id"),
        failure=ModelUnavailable(failure["message"], failure["remedy"], is_lasting=True) if failure else None,
    )


def ensure_server(
    places: Places,
    settings: Settings,
    cancel: CancelToken,
    *,
    on_progress: OnProgress | None = None,
    command: Sequence[str] = SERVE_COMMAND,
    seconds: float = START_SECONDS,
) -> Connection | ModelUnavailable:
    """A server whose model is loaded: the one that runs, else one that is started for it, detached.

    Waits at most `seconds`; a server that is not ready by then goes on loading, for the next who asks.
    Raises Interrupted.
    """
    files = serve_folder_of(places)
    start = _Start(files, settings, cancel, on_progress, tuple(command), time.monotonic(), seconds)
    try:
        make_folder(files)
        while start.left > 0:
            found = connect(files, cancel, start.patience)
            if found is None or found.address.version != __version__:
                with _starting_alone(files, start) as is_alone:
                    answer = start.replace_or_spawn(places) if is_alone else start.too_late(None)
            else:
                answer = start.wait_until_ready(None, 0)
            if answer is not None:
                return answer
            # It ended in the meantime, or another client has started one.
        return start.too_late(None)
    except (ModelError, CannotWrite) as error:
        return ModelUnavailable(error.message, error.remedy, is_lasting=True)


def stop_server(places: Places, seconds: float = STOP_SECONDS) -> bool:
    """End the server of this user; what it is answering may be finished. Whether one ran.

    Raises ModelError where it does not end.
    """
    files = serve_folder_of(places)
    address = read_address(files)
    if address is None:
        return False
    # The lock is held, and only its holder writes the address, so this process is the server.
    with suppress(ProcessLookupError):
        os.kill(address.pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while is_locked(files.server_lock):
        if time.monotonic() > deadline:
            raise ModelError(
                f"The model server (process {address.pid}) does not end.", f"End it with `kill -9 {address.pid}`."
            )
        pause.wait(LOOK_AGAIN_SECONDS)
    return True


@dataclass(frozen=True, slots=True)
class _Start:
    """One attempt to have a server, with its patience."""

    files: ServeFolder
    settings: Settings
    cancel: CancelToken
    on_progress: OnProgress | None
    command: tuple[str, ...]
    began: float
    seconds: float

    @property
    def left(self) -> float:
        return self.began + self.seconds - time.monotonic()

    @property
    def patience(self) -> float:
        """With one question to a server."""
        return min(ANSWER_SECONDS, max(self.left, LOOK_AGAIN_SECONDS))

    def tell(self, text: str) -> None:
        if self.on_progress is not None:
            self.on_progress(Progress(text, time.monotonic() - self.began))

    def pause(self) -> None:
        # Less often the longer it takes: asking takes time from the loading.
        elapsed = time.monotonic() - self.began
        threading.Event().wait(min(LONGEST_PAUSE_SECONDS, LOOK_AGAIN_SECONDS + elapsed / 50))
        self.cancel.raise_if_cancelled()

    def replace_or_spawn(self, places: Places) -> Connection | ModelUnavailable | None:
        """Start a server once no other one is there; None where one is there after all."""
        while self.left > 0:
            found = connect(self.files, self.cancel, self.patience)
            if found is not None and found.address.version == __version__:
                return None
            if found is not None:
                stop_server(places)
            # One that holds the lock and says nothing is about to listen, or to end, or hangs.
            if not is_locked(self.files.server_lock):
                return self.spawn()
            self.pause()
        return self.too_late(None)

    def spawn(self) -> Connection | ModelUnavailable | None:
        """Start a server that outlives us, and wait for it."""
        rotate_log(self.files)
        self.tell("The model server is starting.")
        try:
            with os.fdopen(os.open(self.files.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
                log_start = log.seek(0, os.SEEK_END)
                process = subprocess.Popen(
                    lowered_priority(self.command, self.settings.niceness),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.files.folder,
                    env=environment_elsewhere(),
                    start_new_session=POSIX,
                    creationflags=0 if POSIX else getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                )
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            remedy = "`sleepy serve` in a terminal shows more."
            return ModelUnavailable(f"The model server cannot be started: {why}.", remedy, is_lasting=True)
        # It lives on after us; while we live, somebody has to hear of its end.
        threading.Thread(target=process.wait, daemon=True).start()
        return self.wait_until_ready(process, log_start)

    def wait_until_ready(
        self, process: subprocess.Popen[bytes] | None, log_start: int
    ) -> Connection | ModelUnavailable | None:
        """Wait for whichever server holds the lock, or is about to. `process`: the one that we started, if any.

        None where another one was there and has ended, ours perhaps because of it.
        """
        loading: Connection | None = None
        while self.left > 0:
            found = connect(self.files, self.cancel, self.patience)
            if found is not None and found.failure is not None:
                return found.failure
            if found is not None and found.state == "ready":
                return found
            if found is not None:
                loading = found
                self.tell(f"The local model is being loaded: {found.loaded_share:.0%}.")
            elif (process is None or process.poll() is not None) and not is_locked(self.files.server_lock):
                if process is None or process.returncode == 0:
                    return None
                return why_it_ended(self.files, process.returncode, log_start)
            self.pause()
        return self.too_late(loading)

    def too_late(self, found: Connection | None) -> ModelUnavailable:
        """Patience is over: with a server that is loading, or with one that says nothing."""
        if found is not None:
            return ModelUnavailable(
                f"The local model is still being loaded, after {found.seconds:.0f} s.",
                "Nothing to do: it will be there for a later request.",
            )
        address = read_address(self.files)
        if address is not None:
            return ModelUnavailable(
                f"The model server (process {address.pid}) does not answer.",
                "`sleepy serve --stop` ends it; the next request starts a new one.",
            )
        return ModelUnavailable(
            f"The model server did not start within {self.seconds:.0f} s.",
            f"Nothing to do if the machine is busy; otherwise {self.files.log_file} says more.",
        )


@contextmanager
def _starting_alone(files: ServeFolder, start: _Start) -> Iterator[bool]:
    """Keep other clients from starting a server while we do. False where another one took all our time for it."""
    lock = FileLock(files.start_lock, thread_local=False)
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if start.left <= 0:
                yield False
                return
            start.tell("The model server is starting.")
            start.pause()
        else:
            break
    try:
        yield True
    finally:
        lock.release()


def why_it_ended(files: ServeFolder, returncode: int, log_start: int) -> ModelUnavailable:
    """What the end of its log says about a server that did not come up."""
    lines = last_lines_of_log(files, log_start)
    last = lines[-1] if lines else ""
    with suppress(ValueError, KeyError, TypeError):
        error = json.loads(last)["error"]
        return ModelUnavailable(str(error["message"]), str(error["remedy"]), is_lasting=True)
    if POSIX and returncode == -signal.SIGKILL:
        # Nobody of ours kills it while it starts; Linux does where memory runs out.
        return ModelUnavailable(
            "The model server was killed while it was starting, probably because the memory of this computer ran out.",
            "Close other programs, set context_tokens lower, or use a smaller model (`sleepy model list`).",
            is_lasting=True,
        )
    how = f"with signal {-returncode}" if returncode < 0 else "while it was starting"
    return ModelUnavailable(
        f"The model server ended {how}{f': {last}' if last else ''}.".replace("..", "."),
        f"{files.log_file} says more; `sleepy serve` in a terminal shows it.",
        is_lasting=True,
    )
