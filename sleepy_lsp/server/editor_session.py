"""One editor and what it has open: its documents, the workspaces they belong to, and what may be done there.

Everything that happens in the editor arrives here as plain values, everything that it may be shown is asked for here.
It lives on the event loop and answers from what is known; the drivers do the rest in the background.

Paths: the editor's are as it spells them (`shown`); drivers and their boards only know real ones, links resolved, as
cargo and rustc do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.config import Places
from sleepy_agent.errors import SleepyError
from sleepy_agent.live.messages import FromWorker, LiveOffer
from sleepy_lsp.options import Scope, ServerOptions
from sleepy_lsp.outcomes.desk import OutcomeDesk
from sleepy_lsp.texts.convert import TextOf, path_of_uri, uri_of_path
from sleepy_lsp.texts.documents import Documents, OpenDocument, read_disk
from sleepy_lsp.texts.source_paths import MANIFEST_NAME, begins_work, is_git_head, is_rust, is_source, real_path
from sleepy_lsp.workspaces.board import Board, HeldOffers
from sleepy_lsp.workspaces.board_files import all_offers, known_files_below, without_families
from sleepy_lsp.workspaces.driver import WorkspaceDriver
from sleepy_lsp.workspaces.permissions import Permissions
from sleepy_lsp.workspaces.roots import Locate, Workspaces, locate_with_cargo
from sleepy_lsp.workspaces.status import Status, status_of_all
from sleepy_lsp.workspaces.surroundings import Listener, MakeWorker, Surroundings, Worker
from sleepy_lsp.workspaces.worker_client import WorkerClient

logger = logging.getLogger(__name__)

IDLE_SECONDS = 600.0
"""A worker whose workspace has no open document any more is ended after this time."""
MOST_HEARD_EARLY = 500
EMPTY_BOARD = Board()


@dataclass(frozen=True, slots=True)
class Found:
    """An offer with the driver whose it is."""

    driver: WorkspaceDriver
    held: HeldOffers
    offer: LiveOffer


@dataclass(frozen=True, slots=True)
class Tools:
    """What costs processes and threads; tests have their own."""

    make_worker: MakeWorker
    locate: Locate = locate_with_cargo
    make_desk: Callable[..., OutcomeDesk] = OutcomeDesk


def real_tools(options: ServerOptions, *, verbose: bool = False) -> Tools:
    """Worker processes, cargo and the store."""

    def make_worker(on_record: Callable[[FromWorker], None], on_end: Callable[[str], None]) -> Worker:
        return WorkerClient(on_record, on_end, niceness=options.settings.niceness, verbose=verbose)

    return Tools(make_worker)


class EditorSession:
    """The owner of all that belongs to one client."""

    def __init__(self, options: ServerOptions, places: Places, encoding: str, tools: Tools) -> None:
        self.options = options
        self.documents = Documents(encoding)
        self.permissions = Permissions(options, places)
        self.paused_because = ""
        self._places = places
        self._tools = tools
        self._listener: Listener | None = None
        self._on_new_workspace: Callable[[Path], None] | None = None
        self._workspaces = Workspaces(self._start_driver, tools.locate)
        self._real: dict[Path, Path] = {}
        """By the shown path of each open document its real one, those touched last at the end."""
        self._folders: set[Path] = set()
        self._joining: set[asyncio.Task[None]] = set()
        self._shown_boards: dict[Path, tuple[Board, frozenset[str], Board]] = {}
        """By root: a board, what was muted then, and what was left of it."""
        self._idle_timers: dict[Path, asyncio.TimerHandle] = {}
        self._heard_early: dict[Path, tuple[int | None, frozenset[int]]] = {}
        """What rust-analyzer said of files while their workspaces were still being looked for."""
        self._closed = False

    def begin(self, listener: Listener, on_new_workspace: Callable[[Path], None] | None = None) -> None:
        """From now on somebody listens. Before, nothing is started.

        `on_new_workspace` is called with the root of each workspace that work begins on.
        """
        self._listener = listener
        self._on_new_workspace = on_new_workspace

    # ---- documents -----------------------------------------------------------------------------------

    def opened(self, uri: str, language_id: str, version: int | None, text: str) -> None:
        """`textDocument/didOpen`."""
        shown = path_of_uri(uri)
        on_disk = read_disk(shown) if shown else None
        document = self.documents.open(uri, language_id, version, text, on_disk)
        if shown is None:
            return
        real = self._touch(shown)
        for driver in self._workspaces.covering(real):
            self._tell_opened(driver, real, document, on_disk)
        if begins_work(real):
            self._join(real.parent, real)

    def changed(self, uri: str, version: int | None, changes: Iterable[object]) -> None:
        """`textDocument/didChange`. A change of a document that nobody opened is nothing."""
        before = self.documents.get(uri)
        document = self.documents.change(uri, version, changes)
        if before is None or document is None or document.path is None or before.sha256 == document.sha256:
            return
        real = self._touch(document.path)
        for driver in self._workspaces.covering(real):
            # Of manifests and everything else cargo sees what was saved.
            if is_rust(real):
                driver.text_changed(real, document.content)
            driver.desk.text_changed(real, document.content)

    def saved(self, uri: str) -> None:
        """`textDocument/didSave`."""
        before = self.documents.get(uri)
        if before is None or before.path is None:
            return
        document = self.documents.save(uri, read_disk(before.path)) or before
        real = self._touch(before.path)
        if not is_rust(real):
            self.files_changed([real])
        covering = self._workspaces.covering(real)
        for driver in covering:
            if document.sha256 != before.sha256 and is_rust(real):
                driver.text_changed(real, document.content)
            driver.saved()
        if begins_work(real) and not covering:
            self._workspaces.forget_outside(real.parent)
            self.permissions.forget()
            self._join(real.parent, real)

    def closed(self, uri: str) -> None:
        """`textDocument/didClose`."""
        document = self.documents.close(uri)
        if document is None or document.path is None:
            return
        real = self._real.pop(document.path, document.path.resolve())
        if real in self._real.values():
            # The same file is still open under another name.
            return
        differs = read_disk(real) != document.content
        for driver in self._workspaces.covering(real):
            if is_rust(real):
                driver.text_closed(real, differs=differs)
            driver.desk.text_closed(real)
            self._end_when_idle(driver)

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Files or whole folders were written, made, renamed or deleted, by the editor or anybody else."""
        changed = {real_path(path) for path in paths}
        if not changed:
            return
        open_rust = {path for path in self._real.values() if is_rust(path)}
        head_changed = any(is_git_head(path) for path in changed)
        manifests = {path for path in changed if path.name == MANIFEST_NAME}
        if manifests:
            self._workspaces.manifests_changed(manifests)
            self.permissions.forget()
        may_differ = self.permissions.files_changed(changed)
        for driver in self._workspaces.all():
            of_driver = {path for path in changed if driver.covers(path) and not driver.is_build_output(path)}
            of_driver |= {file for path in of_driver if not is_source(path) for file in files_below(path, driver)}
            # Of an open document the editor's text counts, whatever lies on the disk.
            driver.disk_changed({path for path in of_driver - open_rust if is_source(path)})
            driver.desk.disk_changed(of_driver, head_changed)
            if may_differ:
                driver.mutes_changed()
        if manifests or may_differ:
            self.rejoin()

    # ---- folders, trust, pause -----------------------------------------------------------------------

    def folders_changed(self, added: Iterable[Path], removed: Iterable[Path] = ()) -> None:
        """The folders that the editor shows. Only with scope "workspace" work begins there before a file is opened."""
        gone = {real_path(path) for path in removed}
        self._folders = (self._folders - gone) | {real_path(path) for path in added}
        for driver in self._workspaces.all():
            if any(driver.root.is_relative_to(folder) for folder in gone):
                self._end_when_idle(driver)
        self.rejoin()

    def trust(self, is_trusted: bool) -> None:
        """`sleepy/trust`."""
        if is_trusted == self.permissions.is_trusted:
            return
        self.permissions.trust(is_trusted)
        if is_trusted:
            self.rejoin()
        else:
            for driver in self._workspaces.all():
                self._close_driver(driver)
        self.tell_status()

    def pause(self, because: str) -> None:
        """Do nothing until `resume`; what is on the board stays."""
        self.paused_because = because
        for driver in self._workspaces.all():
            driver.pause(because)
        self.tell_status()

    def resume(self) -> None:
        """Go on."""
        self.paused_because = ""
        for driver in self._workspaces.all():
            driver.resume()
        self.rejoin()
        self.tell_status()

    def mutes_changed(self) -> None:
        """Something was muted or unmuted here."""
        self.permissions.forget()
        for driver in self._workspaces.all():
            driver.mutes_changed()

    def analyzer_heard(self, uri: str, version: int | None, error_lines: frozenset[int]) -> None:
        """`sleepy/diagnostics`: the lines of the errors that rust-analyzer published for a file."""
        shown = path_of_uri(uri)
        if shown is not None:
            real = self._real.get(shown) or real_path(shown)
            drivers = self._workspaces.covering(real)
            for driver in drivers:
                driver.analyzer_heard(real, version, error_lines)
            if not drivers and len(self._heard_early) < MOST_HEARD_EARLY:
                self._heard_early[real] = (version, error_lines)

    def rejoin(self) -> None:
        """Start what should run and does not."""
        for real in list(self._real.values()):
            if begins_work(real):
                self._join(real.parent, real)
        if self.options.scope is Scope.WORKSPACE:
            for folder in self._folders:
                self._join(folder, folder)

    async def close(self) -> None:
        """End every worker."""
        self._closed = True
        for timer in self._idle_timers.values():
            timer.cancel()
        for task in self._joining:
            task.cancel()
        await self._workspaces.close()

    # ---- what may be shown ---------------------------------------------------------------------------

    def board_of(self, path: Path) -> tuple[WorkspaceDriver | None, Board]:
        """What may be shown of a file: without what is muted, ignored or not trusted."""
        driver = self._workspaces.driver_of(path)
        if driver is None or self.permissions.is_refused(path, driver.root):
            return driver, EMPTY_BOARD
        muted = self.permissions.muted_families()
        if not muted:
            return driver, driver.board
        former = self._shown_boards.get(driver.root)
        if former is None or former[0] is not driver.board or former[1] != muted:
            former = driver.board, muted, without_families(driver.board, muted)
            self._shown_boards[driver.root] = former
        return driver, former[2]

    def texts(self) -> TextOf:
        """The present texts by real path, for the time of one request."""
        text_of = self.documents.texts()
        shown = {real: shown for shown, real in self._real.items()}
        return lambda path: text_of(shown.get(path, path))

    def offers_by_id(self, offer_ids: Collection[str]) -> list[Found]:
        """The offers of these ids that are on any board, valid or not."""
        wanted = set(offer_ids)
        return [
            Found(driver, held, offer)
            for driver in self._workspaces.all()
            for held, offer in all_offers(driver.board)
            if offer.offer_id in wanted
        ]

    def files_with_offers(self) -> tuple[Path, ...]:
        """Every file that a problem with offers stands in."""
        listed = (path for driver in self._workspaces.all() for path in driver.board.offers if path is not None)
        return tuple(sorted(set(listed)))

    def real_path_of(self, uri: str) -> Path | None:
        """The real path of a document or a file."""
        shown = path_of_uri(uri)
        return None if shown is None else self._real.get(shown) or real_path(shown)

    def document_at(self, path: Path) -> OpenDocument | None:
        """The open document of a real path."""
        shown = next((shown for shown, real in self._real.items() if real == path), path)
        return self.documents.at(shown)

    def uri_of(self, path: Path) -> str:
        """What the editor calls a file."""
        document = self.document_at(path)
        return document.uri if document else uri_of_path(path)

    @property
    def drivers(self) -> tuple[WorkspaceDriver, ...]:
        return self._workspaces.all()

    @property
    def status(self) -> Status:
        """What is done in all workspaces together."""
        refusals = (self.permissions.refusal(path) for path in self._real.values())
        reasons = [refusal.words for refusal in refusals if refusal]
        reasons += [why for path in self._real.values() if (why := self._workspaces.why_outside(path))]
        return status_of_all(
            (driver.status for driver in self._workspaces.all()),
            reasons[0] if reasons else "No file of a cargo project is open.",
        )

    def tell_status(self) -> None:
        """What is done may be another thing now."""
        if self._listener is not None:
            self._listener.status_changed()

    # ---- starting and ending -------------------------------------------------------------------------

    def _touch(self, shown: Path) -> Path:
        real = self._real.pop(shown, None) or real_path(shown)
        self._real[shown] = real
        return real

    def _open_texts(self) -> Mapping[Path, bytes]:
        """By real path, what was touched last in front."""
        documents = ((real, self.documents.at(shown)) for shown, real in reversed(self._real.items()))
        return {real: document.content for real, document in documents if document and is_rust(real)}

    def _version_of(self, path: Path) -> int | None:
        document = self.document_at(path)
        return document.version if document else None

    def _tell_opened(self, driver: WorkspaceDriver, real: Path, document: OpenDocument, on_disk: bytes | None) -> None:
        timer = self._idle_timers.pop(driver.root, None)
        if timer is not None:
            timer.cancel()
        if not is_rust(real):
            driver.look_soon()
        elif document.content != on_disk:
            driver.text_changed(real, document.content)
        else:
            driver.opened(real, document.content)
        driver.desk.text_changed(real, document.content)

    def _join(self, folder: Path, real: Path) -> None:
        """Find the workspace of a file in the background and start its driver, unless nothing may be done there."""
        if self._listener is None or self._closed or self.permissions.refusal(real) is not None:
            self.tell_status()
            return
        if self._workspaces.is_settled(folder):
            return
        task = asyncio.get_running_loop().create_task(self._find_and_start(folder, real))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _find_and_start(self, folder: Path, real: Path) -> None:
        known = self._workspaces.all()
        driver = await self._workspaces.open_for(folder)
        document = self.document_at(real)
        if driver is None:
            self.tell_status()
        elif document is not None and driver in known and not driver.knows(real):
            self._tell_opened(driver, real, document, read_disk(real))

    def _start_driver(self, root: Path) -> WorkspaceDriver:
        listener = self._listener
        assert listener is not None, "nothing is started before somebody listens"

        loop = asyncio.get_running_loop()

        def tell_trouble(error: SleepyError) -> None:
            # Called by the desk's own thread.
            loop.call_soon_threadsafe(listener.trouble, error.message, error.remedy)

        desk = self._tools.make_desk(
            self._places,
            root,
            settle_seconds=self.options.settings.settle_seconds,
            on_trouble=tell_trouble,
        )
        driver = WorkspaceDriver(
            root,
            Surroundings(
                places=self._places,
                settings=self.options.settings,
                scope=self.options.scope,
                listener=listener,
                open_texts=self._open_texts,
                version_of=self._version_of,
                is_refused=self.permissions.is_refused,
                muted_families=self.permissions.muted_families,
                make_worker=self._tools.make_worker,
            ),
            desk,
        )
        if self.paused_because:
            driver.pause(self.paused_because)
        for path, content in self._open_texts().items():
            if driver.covers(path):
                desk.text_changed(path, content)
        for path in [path for path in self._heard_early if driver.covers(path)]:
            driver.analyzer_heard(path, *self._heard_early.pop(path))
        driver.look_soon()
        if self._on_new_workspace is not None:
            self._on_new_workspace(root)
        return driver

    def _end_when_idle(self, driver: WorkspaceDriver) -> None:
        """End a driver whose documents are closed, some time from now, unless one is opened again."""
        if self.options.scope is Scope.WORKSPACE or driver.root in self._idle_timers:
            return
        if not any(driver.covers(path) for path in self._real.values()):
            loop = asyncio.get_running_loop()
            self._idle_timers[driver.root] = loop.call_later(IDLE_SECONDS, self._end_idle, driver)

    def _end_idle(self, driver: WorkspaceDriver) -> None:
        self._idle_timers.pop(driver.root, None)
        if not any(driver.covers(path) for path in self._real.values()):
            self._close_driver(driver)

    def _close_driver(self, driver: WorkspaceDriver) -> None:
        task = asyncio.get_running_loop().create_task(self._workspaces.close_driver(driver))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)


def files_below(folder: Path, driver: WorkspaceDriver) -> Iterable[Path]:
    """The files of a folder that came or went as a whole; nothing for what is no folder."""
    if folder.suffix:
        return
    yield from known_files_below(driver.board, folder)
    if folder.is_dir():
        yield from folder.rglob("*.rs")
