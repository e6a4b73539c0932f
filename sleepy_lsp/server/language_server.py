"""The language server: pygls's, wired to the session of one editor.

What is registered where: `features.py` (methods of the protocol and our own), `commands.py` (commands). What everything
means for a client stands in docs/protocol.md.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcServerNotInitialized
from pygls.lsp.server import LanguageServer

from sleepy_agent import __version__
from sleepy_agent.config import Places
from sleepy_lsp.actions.abilities import ClientAbilities
from sleepy_lsp.server.editor_session import EditorSession
from sleepy_lsp.server.notifier import Notifier
from sleepy_lsp.server.wire import ThreadedWriter, WireProtocol, read_messages

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 30.0
"""A client that does not answer a request of ours for this long is not waited for."""
BATTERY_SECONDS = 30.0
"""How often it is looked whether the computer runs on battery, where the settings make a difference of it."""


class SleepyServer(LanguageServer):
    """One client's server. `session`, `abilities` and `notifier` are there from `initialize` on."""

    protocol: WireProtocol

    def __init__(self, places: Places, *, verbose: bool = False) -> None:
        super().__init__("sleepy", __version__, protocol_cls=WireProtocol)
        self.places = places
        self.verbose = verbose
        self.capabilities = lsp.ClientCapabilities()
        self.complaints: tuple[str, ...] = ()
        """About options of the client that could not be used; told as soon as the client may hear it."""
        self.abilities = ClientAbilities()
        self.folders: tuple[Path, ...] = ()
        self._session: EditorSession | None = None
        self._notifier: Notifier | None = None
        self._watches: dict[Path, ExitStack] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def session(self) -> EditorSession:
        """Raises JsonRpcServerNotInitialized before `initialize`; the protocol lets nothing come here then."""
        if self._session is None:
            raise JsonRpcServerNotInitialized("The server is not initialized yet.")
        return self._session

    @property
    def notifier(self) -> Notifier:
        """Raises JsonRpcServerNotInitialized before `initialize`."""
        if self._notifier is None:
            raise JsonRpcServerNotInitialized("The server is not initialized yet.")
        return self._notifier

    def begin(self, session: EditorSession, notifier: Notifier) -> None:
        """`initialize` was understood."""
        self._session = session
        self._notifier = notifier

    def report_server_error(self, error: Exception, source: Any) -> None:
        """A mistake of ours goes to the log; a window over the user's code would help nobody."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)

    # ---- the line to the client (notifier.ClientLine) ------------------------------------------------

    def notify(self, method: str, parameters: object) -> None:
        """Send a notification."""
        self.protocol.notify(method, parameters)

    async def request(self, method: str, parameters: object) -> object:
        """Send a request and wait for its answer. Raises TimeoutError, or the error of the client."""
        return await asyncio.wait_for(self.protocol.send_request_async(method, parameters), ANSWER_SECONDS)

    def in_background(self, work: Any) -> None:
        """Run a coroutine without waiting for it; what goes wrong is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)

        def ended(task: asyncio.Task[Any]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                logger.warning("%r", error)

        task.add_done_callback(ended)

    # ---- what happens on the disk, where the client does not tell it ---------------------------------

    def watch_ourselves(self, root: Path) -> None:
        """Watch the files of a workspace. Imports watchdog, so only where it is needed."""
        from sleepy_lsp.watch.files import watching_tree

        if root in self._watches:
            return
        stack = ExitStack()
        try:
            stack.enter_context(watching_tree(root, self.session.files_changed))
        except OSError as error:
            logger.warning("the files of %s cannot be watched: %s", root, error)
            return
        self._watches[root] = stack

    async def watch_battery(self) -> None:
        """Pause while the computer runs on battery."""
        from sleepy_agent.live.permission.refusals import Reason, runs_on_battery

        because = f"{Reason.ON_BATTERY.value}, and your settings say to pause then"
        loop = asyncio.get_running_loop()
        while True:
            on_battery = await loop.run_in_executor(None, runs_on_battery)
            if on_battery and not self.session.paused_because:
                self.session.pause(because)
            elif not on_battery and self.session.paused_because == because:
                self.session.resume()
            await asyncio.sleep(BATTERY_SECONDS)

    async def close(self) -> None:
        """End everything that was started."""
        for stack in self._watches.values():
            stack.close()
        for task in self._tasks:
            task.cancel()
        if self._notifier is not None:
            self._notifier.close()
        if self._session is not None:
            await self._session.close()


def make_server(places: Places, *, verbose: bool = False) -> SleepyServer:
    """The server with everything registered."""
    from sleepy_lsp.server.commands import register_commands
    from sleepy_lsp.server.features import register_features

    server = SleepyServer(places, verbose=verbose)
    register_features(server)
    register_commands(server)
    return server


async def serve(server: SleepyServer, input_descriptor: int, output_descriptor: int) -> int:
    """Serve one client until it says `exit` or is gone; the exit code (LSP 3.17, `exit`)."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    protocol = server.protocol
    writer = ThreadedWriter(output_descriptor)
    protocol.set_writer(writer, include_headers=False)
    protocol.on_exit = ended.set

    def hear(body: bytes | None) -> None:
        if body is None:
            ended.set()
        elif not ended.is_set():
            protocol.handle_body(body)

    read_messages(input_descriptor, loop, hear)
    await ended.wait()
    await server.close()
    writer.close()
    return 0 if protocol.exit_code is None else protocol.exit_code


def run_server(places: Places, *, verbose: bool = False) -> int:
    """Serve the client at standard input and output, and end this process with the exit code.

    The descriptors are moved away first, so that nothing else that reads or prints gets between the messages.
    """
    # sqlite-utils imports numpy where it is installed, to store arrays: 20 MB and a tenth of a second for nothing here.
    sys.modules.setdefault("numpy", None)  # type: ignore[arg-type]
    input_descriptor, output_descriptor = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 -- quicker than a Path for one look
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO if verbose else logging.CRITICAL, format="%(name)s: %(message)s"
    )
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    server = make_server(places, verbose=verbose)
    code = loop.run_until_complete(serve(server, input_descriptor, output_descriptor))
    sys.stderr.flush()
    # All that was started has ended in peace. What a thread may still wait for (a cargo that hangs, a client that keeps
    # its end open) must not keep a server alive that nobody speaks to.
    os._exit(code)
