"""The server's process: takes the lock, listens, loads the model, and ends when nobody needs it any more."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from filelock import FileLock, Timeout

from sleepy_agent import __version__
from sleepy_agent.config import Places, Settings
from sleepy_agent.errors import ModelError, SleepyError, cannot_write
from sleepy_agent.serving.serve_folder import (
    Address,
    make_folder,
    make_token,
    remove_address,
    serve_folder_of,
    write_address,
)
from sleepy_agent.serving.server.engine_runner import EngineRunner, Load, State
from sleepy_agent.serving.server.routes import make_app

LOOPBACK: Final = "127.0.0.1"
LOCK_PATIENCE_SECONDS: Final = 1.0
"""Clients look at the lock by taking it for a moment, so one failed try says nothing."""
GRACE_SECONDS: Final = 5
"""So long may what is being answered go on after the server was told to end."""
LONGEST_LOOK_SECONDS: Final = 1.0
BACKLOG: Final = 512

OnListening = Callable[[Address, Callable[[], None]], None]
"""Told where the server listens, and given what ends it (from any thread)."""

logger = logging.getLogger("sleepy.serve")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a server ended. `already_running`: another one was there, so this one did nothing.

    `is_loading`: the model is still being loaded by a thread that cannot be stopped.
    """

    already_running: bool = False
    is_loading: bool = False
    failure: SleepyError | None = None


def serve(
    places: Places,
    settings: Settings,
    load: Load,
    *,
    port: int = 0,
    on_listening: OnListening | None = None,
) -> Ended:
    """Be the model server of this user until told to end, or until nobody has asked for a while.

    `load` is called in the engine's thread, after clients can already ask; they wait. `port` 0: any free one.
    Raises CannotWrite where the folder cannot be used, ModelError where no port is free.
    """
    files = serve_folder_of(places)
    make_folder(files)
    lock = FileLock(files.server_lock, thread_local=False)
    try:
        lock.acquire(timeout=LOCK_PATIENCE_SECONDS)
    except Timeout:
        return Ended(already_running=True)
    except OSError as error:
        raise cannot_write(files.server_lock, error) from error
    try:
        # Whatever stands there was left by a server that was killed.
        remove_address(files)
        token = make_token(files)
        with bound_socket(port) as listener:
            address = Address(os.getpid(), listener.getsockname()[1], __version__)
            write_address(files, address)
            logger.info("listening on %s, process %d", address.base_url, address.pid)

            def announce(stop: Callable[[], None]) -> None:
                if on_listening is not None:
                    on_listening(address, stop)

            return asyncio.run(_serve(places, settings, load, token, listener, announce, lambda: remove_address(files)))
    finally:
        remove_address(files)
        lock.release()


def bound_socket(port: int) -> socket.socket:
    """A socket that listens on loopback: on `port`, or on any other where that one is taken. Raises ModelError."""
    # asyncio turns Nagle's algorithm off only for sockets that say they are TCP; with it, answers take 40 ms longer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError as error:
            if port == 0 or error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            logger.warning("port %d is taken, another one is used", port)
            listener.bind((LOOPBACK, 0))
        # From now on clients that come early wait in the backlog.
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        why = (error.strerror or str(error)).lower()
        raise ModelError(
            f"The model server cannot listen on {LOOPBACK}: {why}.",
            "Check that the network of this computer allows connections to itself (loopback).",
        ) from error
    return listener


async def _serve(
    places: Places,
    settings: Settings,
    load: Load,
    token: str,
    listener: socket.socket,
    announce: Callable[[Callable[[], None]], None],
    withdraw: Callable[[], None],
) -> Ended:
    runner = EngineRunner(load, places.manifest_file)

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(run_engine()),
            asyncio.create_task(_end_when_idle(runner, settings.serve_idle_seconds, server)),
        ]
        announce(server.stop)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def run_engine() -> None:
        try:
            await runner.run()
        finally:
            # Also where the model could not be loaded: a later client starts a new server, perhaps with another one.
            server.stop()

    configuration = uvicorn.Config(
        make_app(runner, token, lifespan),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(configuration, runner, withdraw)
    await server.serve(sockets=[listener])
    return Ended(is_loading=runner.loaded is None and runner.state is State.LOADING, failure=runner.failure)


class _Server(uvicorn.Server):
    """uvicorn, which on a signal lets finish what it answers, and on a second one stops that, too."""

    def __init__(self, configuration: uvicorn.Config, runner: EngineRunner, withdraw: Callable[[], None]) -> None:
        super().__init__(configuration)
        self._runner = runner
        self._withdraw = withdraw

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn's own version sends itself the signal again at the end, which would look like a crash.
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """End soon: what is being answered may be finished."""
        self.should_exit = True

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self.should_exit:
            # Not in the signal handler itself, which may stand in the middle of anything.
            with suppress(RuntimeError):
                asyncio.get_running_loop().call_soon_threadsafe(self._runner.cancel_all)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Nobody shall come any more before the door is closed.
        self._withdraw()
        stop = asyncio.get_running_loop().call_later(GRACE_SECONDS / 2, self._runner.cancel_all)
        try:
            await super().shutdown(sockets)
        finally:
            stop.cancel()


async def _end_when_idle(runner: EngineRunner, idle_seconds: float, server: _Server) -> None:
    with suppress(asyncio.CancelledError):
        while runner.idle_seconds < idle_seconds:
            await asyncio.sleep(min(LONGEST_LOOK_SECONDS, max(0.01, idle_seconds - runner.idle_seconds)))
        logger.info("nobody asked for %.0f s", idle_seconds)
        server.stop()
