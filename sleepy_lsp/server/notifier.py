"""What the client is told without having asked: that fixes are ready, what Sleepy does, that something takes long.

How, depends on the client (docs/protocol.md): `sleepy/ready` and `sleepy/status` where it knows them, hints through
`workspace/diagnostic/refresh` where it pulls diagnostics, else pushed hints. Nothing is told twice: what is new is
gathered for a moment, and only what differs from what was told goes out.
"""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lsprotocol import types as lsp

from sleepy_lsp.workspaces.driver import WorkspaceDriver
from sleepy_lsp.workspaces.status import Status

logger = logging.getLogger(__name__)

READY = "sleepy/ready"
STATUS = "sleepy/status"
GATHER_SECONDS = 0.02
"""After something was told, what is new is gathered for this long; the first news goes out at once."""
LONG_SECONDS = 2.0
"""What takes longer gets a window of its own."""
MOST_REMEMBERED = 5000


@dataclass(frozen=True, slots=True)
class FileNews:
    """What there is to know of one file. `mark` differs where anything differs that a client may show."""

    uri: str
    version: int | None
    is_open: bool
    problems: int
    offers: int
    mark: object


@dataclass(frozen=True, slots=True)
class TellingWays:
    """What of all that the client wants."""

    knows_sleepy: bool = False
    """`capabilities.experimental.sleepy`."""
    refreshes: bool = False
    """Whether it asks for diagnostics anew when told to."""
    pulls_hints: bool = False
    """Whether it asks for our hints (we announced them)."""
    takes_pushed_hints: bool = False
    takes_progress: bool = False


class ClientLine(Protocol):
    """The few messages that are sent (`server.py` connects them with pygls)."""

    def notify(self, method: str, parameters: object) -> None: ...

    async def request(self, method: str, parameters: object) -> object: ...


class Notifier:
    """The driver's listener: gathers what is new and tells the client."""

    def __init__(
        self,
        line: ClientLine,
        ways: TellingWays,
        news_of: Callable[[Path], FileNews | None],
        hints_of: Callable[[Path], Sequence[lsp.Diagnostic]],
        whole_status: Callable[[], Status],
    ) -> None:
        self._line = line
        self._ways = ways
        self._news_of = news_of
        self._hints_of = hints_of
        self._whole_status = whole_status
        self._loop = asyncio.get_running_loop()
        self._dirty: set[Path] = set()
        self._told: dict[Path, object] = {}
        self._told_hints: dict[str, list[lsp.Diagnostic]] = {}
        self._told_status: Status | None = None
        self._status_soon = False
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = -math.inf
        self._refreshing = False
        self._refresh_again = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._windows: dict[WorkspaceDriver, ProgressWindow] = {}
        self._troubles: set[str] = set()

    # ---- the driver's listener -----------------------------------------------------------------------

    def files_changed(self, paths: Collection[Path]) -> None:
        self._dirty.update(paths)
        if self._timer is None:
            wait = self._told_at + GATHER_SECONDS - self._loop.time()
            self._timer = self._loop.call_later(max(0.0, wait), self._tell_files)

    def status_changed(self) -> None:
        if self._ways.knows_sleepy and not self._status_soon:
            self._status_soon = True
            self._loop.call_soon(self._tell_status)

    def stage_changed(self, driver: WorkspaceDriver, text: str) -> None:
        if not self._ways.takes_progress:
            return
        window = self._windows.get(driver)
        if text and window is not None:
            window.say(text)
        elif text:
            self._windows[driver] = ProgressWindow(self._line, text, driver.stop_work)
        elif window is not None:
            del self._windows[driver]
            window.end()

    def trouble(self, message: str, remedy: str) -> None:
        """Show it, unless it was shown before."""
        text = f"Sleepy: {message} {remedy}"
        if text not in self._troubles and len(self._troubles) < MOST_REMEMBERED:
            self._troubles.add(text)
            self._line.notify(lsp.WINDOW_SHOW_MESSAGE, lsp.ShowMessageParams(lsp.MessageType.Warning, text))

    def cancelled(self, token: lsp.ProgressToken) -> None:
        """The user closed a window of ours: what it shows is to stop."""
        for window in self._windows.values():
            if window.token == token:
                window.stop()

    def close(self) -> None:
        """Tell nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        for window in self._windows.values():
            window.end()
        self._windows.clear()
        for task in self._tasks:
            task.cancel()

    # ---- telling -------------------------------------------------------------------------------------

    def _tell_files(self) -> None:
        self._timer = None
        self._told_at = self._loop.time()
        dirty, self._dirty = self._dirty, set()
        hints_changed = False
        for path in sorted(dirty):
            news = self._news_of(path)
            if news is None or self._told.get(path) == news.mark:
                continue
            if path not in self._told and not news.is_open and not news.problems:
                # A file that nobody looks at and that has nothing: a branch switch changes hundreds of them.
                continue
            self._remember(path, news)
            hints_changed = True
            if self._ways.knows_sleepy:
                content = {
                    "uri": news.uri,
                    "version": news.version,
                    "problems": news.problems,
                    "offers": news.offers,
                }
                self._line.notify(READY, content)
            if self._ways.takes_pushed_hints and news.is_open:
                self._push_hints(path, news)
        if hints_changed and (self._ways.pulls_hints or (self._ways.refreshes and not self._ways.knows_sleepy)):
            self._refresh()

    def _remember(self, path: Path, news: FileNews) -> None:
        self._told.pop(path, None)
        self._told[path] = news.mark
        if len(self._told) > MOST_REMEMBERED:
            del self._told[next(iter(self._told))]

    def forget(self, path: Path, uri: str) -> None:
        """A document was closed: its hints go with it."""
        self._told.pop(path, None)
        if self._told_hints.pop(uri, None):
            self._line.notify(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, lsp.PublishDiagnosticsParams(uri, []))

    def _push_hints(self, path: Path, news: FileNews) -> None:
        hints = list(self._hints_of(path))
        if hints != self._told_hints.get(news.uri, []):
            self._told_hints[news.uri] = hints
            content = lsp.PublishDiagnosticsParams(news.uri, hints, news.version)
            self._line.notify(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, content)

    def _refresh(self) -> None:
        """One request at a time; what comes meanwhile needs one more."""
        if self._refreshing:
            self._refresh_again = True
            return
        self._refreshing = True
        task = self._loop.create_task(self._ask_to_refresh())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask_to_refresh(self) -> None:
        try:
            await self._line.request(lsp.WORKSPACE_DIAGNOSTIC_REFRESH, None)
        except Exception as error:
            logger.warning("the client did not refresh: %s", error)
        self._refreshing = False
        if self._refresh_again:
            self._refresh_again = False
            self._refresh()

    def _tell_status(self) -> None:
        self._status_soon = False
        status = self._whole_status()
        if status != self._told_status:
            self._told_status = status
            content = {"state": status.state.value} | ({"reason": status.reason} if status.reason else {})
            self._line.notify(STATUS, content)


class ProgressWindow:
    """One long operation as the client shows it (LSP 3.17, "Work Done Progress"), from LONG_SECONDS on."""

    def __init__(self, line: ClientLine, text: str, stop: Callable[[], None]) -> None:
        self._line = line
        self._text = text
        self.stop = stop
        self.token = f"sleepy-{uuid.uuid4()}"
        self._shown = False
        self._task = asyncio.get_running_loop().create_task(self._show())

    def say(self, text: str) -> None:
        """The next part of the operation begins."""
        self._text = text
        if self._shown:
            self._tell(lsp.WorkDoneProgressReport(message=text))

    def end(self) -> None:
        """The operation is over."""
        self._task.cancel()
        if self._shown:
            self._shown = False
            self._tell(lsp.WorkDoneProgressEnd())

    async def _show(self) -> None:
        await asyncio.sleep(LONG_SECONDS)
        try:
            await self._line.request(lsp.WINDOW_WORK_DONE_PROGRESS_CREATE, lsp.WorkDoneProgressCreateParams(self.token))
        except Exception as error:
            logger.warning("the client shows no progress: %s", error)
            return
        self._shown = True
        self._tell(lsp.WorkDoneProgressBegin(title="Sleepy", message=self._text, cancellable=True))

    def _tell(self, value: object) -> None:
        self._line.notify(lsp.PROGRESS, lsp.ProgressParams(self.token, value))
