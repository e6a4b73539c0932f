"""One cargo workspace, as the editor's side sees it: its generation, its worker, and what is known of its texts.

A driver hears what happens to the files of its workspace, asks its worker when the schedule says so, keeps what the
worker finds on the board and says when there is something new to show. It lives on the event loop and never waits:
whatever is slow happens in the worker, or in the threads of those whom it asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sleepy_agent.heap import give_back_memory, keep_what_is_loaded
from sleepy_agent.live.messages import (
    ChangeTexts,
    CheckText,
    FixesFound,
    FromWorker,
    KnownProblem,
    LiveOffer,
    OpenWorkspace,
    SearchEnded,
    SearchFixes,
    StageBegan,
    StopWork,
    TextChecked,
    Trigger,
    WorkFailed,
    WorkspaceOpened,
)
from sleepy_lsp.options import Scope
from sleepy_lsp.outcomes.desk import OutcomeDesk
from sleepy_lsp.texts.source_paths import decides_recording
from sleepy_lsp.workspaces import board as boards
from sleepy_lsp.workspaces import schedule as schedules
from sleepy_lsp.workspaces.analyzer_lines import AnalyzerLines
from sleepy_lsp.workspaces.board import Board
from sleepy_lsp.workspaces.board_files import files_of_offers, files_of_problems, ids_by_file
from sleepy_lsp.workspaces.schedule import Schedule, Step, Word, timing_of
from sleepy_lsp.workspaces.status import State, Status
from sleepy_lsp.workspaces.surroundings import Surroundings, Worker
from sleepy_lsp.workspaces.worker_client import wait_before_start

logger = logging.getLogger(__name__)

DEAF_SECONDS = 30.0
"""A worker that read nothing for this long, although there is something, is started anew."""
TRY_AGAIN_SECONDS = 0.1
TIDY_SECONDS = 30.0


@dataclass(slots=True)
class _Unsent:
    """What the worker was not told yet."""

    buffers: dict[Path, bytes | None] = field(default_factory=dict)
    on_disk: set[Path] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.buffers or self.on_disk)


class WorkspaceDriver:
    """The owner of everything that belongs to one workspace."""

    def __init__(self, root: Path, surroundings: Surroundings, desk: OutcomeDesk) -> None:
        self.root = root
        self.source_roots: tuple[Path, ...] = (root,)
        self.board = Board()
        self.schedule = Schedule()
        self.stage = ""
        self.off_because = ""
        """Why nothing can be done at all, until a manifest changes or the user says so."""
        self.paused_because = ""
        self.trouble = ""
        """Why the present text got no answer."""
        self.desk = desk
        self._surroundings = surroundings
        self._timing = timing_of(surroundings.settings)
        self._loop = asyncio.get_running_loop()
        self._worker: Worker | None = None
        self._crashes: list[float] = []
        self._target_directory: Path | None = None
        self._pinned: set[Path] = set()
        """The open documents, whose text comes from the editor."""
        self._unsent = _Unsent()
        self._indexed: Mapping[str, KnownProblem] | None = None
        self._ids_by_file: dict[Path, tuple[str, ...]] = {}
        self._searched: set[Path] = set()
        self._kept_back: list[FixesFound | SearchEnded] = []
        """What was found for the present text, while rust-analyzer has the word."""
        self._analyzer = AnalyzerLines()
        self._timer: asyncio.TimerHandle | None = None
        self._looks_soon = False
        self._behind_since: float | None = None
        self._told_status: Status | None = None
        self._closed = False
        self._tidied_at = self._loop.time()

    # ---- what happens in the editor ------------------------------------------------------------------

    def covers(self, path: Path) -> bool:
        """Whether a file lies where this workspace has its sources."""
        return any(path.is_relative_to(root) for root in self.source_roots)

    def text_changed(self, path: Path, content: bytes) -> None:
        """An open document has another text than before, or than the disk."""
        self._pinned.add(path)
        self._unsent.buffers[path] = content
        self._changed(path)

    def opened(self, path: Path, content: bytes) -> None:
        """A document was opened whose text is the one on the disk: no new text, but fixes for it may be wanted.

        From now on this text counts, whatever happens to the disk.
        """
        self._pinned.add(path)
        self._unsent.buffers[path] = content
        self.look_soon()

    def text_closed(self, path: Path, *, differs: bool) -> None:
        """A document was closed: what lies on the disk counts again, which `differs` or is the same."""
        self._pinned.discard(path)
        self._unsent.buffers[path] = None
        if differs:
            self._changed(path)

    def knows(self, path: Path) -> bool:
        """Whether a document is known to be open."""
        return path in self._pinned

    def is_build_output(self, path: Path) -> bool:
        """Whether cargo wrote a file."""
        return self._target_directory is not None and path.is_relative_to(self._target_directory)

    def disk_changed(self, paths: Iterable[Path]) -> None:
        """Files were written, made, renamed or deleted by anybody."""
        changed = set(paths)
        if not changed:
            return
        self._unsent.on_disk |= changed
        if self.off_because and any(decides_recording(path) for path in changed):
            self.off_because = ""
        self._changed(*changed)

    def saved(self) -> None:
        """A document was saved as it stands."""
        self.schedule = schedules.saved(self.schedule, self._loop.time())
        self.look_soon()

    def analyzer_heard(self, path: Path, version: int | None, error_lines: frozenset[int]) -> None:
        """rust-analyzer published diagnostics of a file: the lines (from 0) that its errors begin in."""
        self._analyzer.heard(path, version, error_lines)
        self.schedule = schedules.analyzer_heard(self.schedule, self._analyzer_agrees())
        self.look_soon()

    def dismiss(self, offer: LiveOffer) -> None:
        """The user does not want to see an offer again."""
        self.board = boards.dismissed(self.board, offer.offer_id)
        self._tell_files(files_of_offers((offer,)))

    def mutes_changed(self) -> None:
        """Something was muted or unmuted."""
        self._surroundings.listener.files_changed(self._files_with_problems())
        self.look_soon()

    def pause(self, because: str) -> None:
        """Do nothing until `resume`. Offers that are there stay."""
        if not self.paused_because:
            self._stop_work()
        self.paused_because = because
        self.schedule = schedules.stopped(self.schedule)
        self._tell_status()

    def resume(self) -> None:
        """Go on after `pause`, or after trouble."""
        self.paused_because = self.off_because = ""
        self.schedule = schedules.resumed(self.schedule)
        self.look_soon()

    def stop_work(self) -> None:
        """End what is being done now; the next text begins anew."""
        self._stop_work()
        self.schedule = schedules.given_up(self.schedule)
        self._tell_status()

    async def close(self) -> None:
        """End the worker and the desk."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close()
        await self._loop.run_in_executor(None, self.desk.close)

    @property
    def status(self) -> Status:
        """What it does now."""
        if self.off_because:
            return Status(State.OFF, self.off_because)
        if self.paused_because:
            return Status(State.PAUSED, self.paused_because)
        if self.stage:
            return Status(State.RECORDING, self.stage)
        if self.trouble:
            return Status(State.OFF, self.trouble)
        if self.schedule.search_runs:
            return Status(State.SEARCHING)
        checks = self.schedule.check_asked and not self.schedule.check_answered
        return Status(State.CHECKING if checks else State.IDLE)

    # ---- what is done about it -----------------------------------------------------------------------

    def look_soon(self) -> None:
        """Look once, however much happens before the event loop comes round."""
        if not self._looks_soon and not self._closed:
            self._looks_soon = True
            self._loop.call_soon(self._look)

    def _changed(self, *paths: Path) -> None:
        self._stop_work()
        self.board = boards.changed(self.board, paths)
        self.schedule = schedules.edited(self.schedule, self._loop.time(), self.board.generation)
        self._analyzer.text_changed(paths)
        self._searched.clear()
        self._kept_back.clear()
        self._surroundings.listener.files_changed(paths)
        self.look_soon()

    def _stop_work(self) -> None:
        """Tell the worker to leave what it does, where it does anything."""
        busy = self.schedule.search_runs or (self.schedule.check_asked and not self.schedule.check_answered)
        if busy and self._worker is not None:
            self._worker.send(StopWork())

    def _look(self) -> None:
        self._looks_soon = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._closed:
            self._show_what_may_be_shown()
            kept_until = self._word.look_again_at if self._kept_back else None
            times = (time for time in (self._do_what_is_due(), kept_until) if time is not None)
            self._look_again_at(min(times, default=None))
            self._tell_status()

    def _look_again_at(self, time: float | None) -> None:
        if time is not None:
            self._timer = self._loop.call_at(time, self._look)

    def _do_what_is_due(self) -> float | None:
        """Do it, and say when to look again."""
        now = self._loop.time()
        if self.off_because or self.paused_because:
            return None
        wait = wait_before_start(self._crashes, now) if self._worker is None else 0.0
        if wait > 0:
            return now + wait
        worker = self._worker or self._start_worker()
        files = self._files_to_search()
        plan = schedules.plan(self.schedule, now, self._timing, bool(files))
        if plan.step is None:
            return plan.look_again_at
        if worker.is_behind:
            self._behind_since = self._behind_since or now
            if now - self._behind_since > DEAF_SECONDS:
                worker.kill()
            return now + TRY_AGAIN_SECONDS
        self._behind_since = None
        if plan.step is Step.CHECK:
            self._send_texts(worker)
            worker.send(CheckText(self.schedule.generation))
            self.schedule = schedules.check_began(self.schedule)
        else:
            self._send_texts(worker)
            self._send_search(worker, files)
        return None

    def _start_worker(self) -> Worker:
        worker = self._surroundings.make_worker(self._hear, self._worker_ended)
        worker.send(OpenWorkspace(self.root, self._surroundings.places, self._surroundings.settings))
        self._unsent = _Unsent(
            {path: text for path, text in self._surroundings.open_texts().items() if self.covers(path)}
        )
        self._pinned = set(self._unsent.buffers)
        self.schedule = schedules.worker_lost(self.schedule)
        self._worker = worker
        return worker

    def _send_texts(self, worker: Worker) -> None:
        if self._unsent:
            unsent, self._unsent = self._unsent, _Unsent()
            worker.send(ChangeTexts(self.schedule.generation, unsent.buffers, frozenset(unsent.on_disk)))

    def _send_search(self, worker: Worker, files: tuple[Path, ...]) -> None:
        self._searched.update(files)
        search = SearchFixes(
            self.schedule.generation,
            self._word.trigger or Trigger.OWN_REPLAY,
            files,
            muted_families=self._surroundings.muted_families(),
            dismissed=self.board.dismissed,
        )
        worker.send(search)
        self.schedule = schedules.search_began(self.schedule)

    def _files_to_search(self) -> tuple[Path, ...]:
        """Files with problems of the present text that nobody searched fixes for; those touched last in front."""
        muted = self._surroundings.muted_families()
        with_problems = {
            known.problem.span.file
            for known in self.board.problems.values()
            if known.problem.span is not None and known.problem.family not in muted
        }
        in_order = [path for path in self._surroundings.open_texts() if path in with_problems]
        if self._surroundings.scope is Scope.WORKSPACE:
            in_order += sorted(with_problems.difference(in_order))
        return tuple(
            path
            for path in in_order
            if path not in self._searched and not self._surroundings.is_refused(path, self.root)
        )

    # ---- what the worker says ------------------------------------------------------------------------

    def _hear(self, record: FromWorker) -> None:
        if self._closed:
            return
        match record:
            case WorkspaceOpened():
                self.source_roots = tuple(dict.fromkeys((self.root, *record.source_roots)))
                self._target_directory = record.target_directory
                # By now everything is loaded that a session needs, and nobody waits while a workspace opens.
                keep_what_is_loaded()
            case StageBegan():
                self.stage = record.text
                self._surroundings.listener.stage_changed(self, record.text)
            case TextChecked():
                self._hear_check(record)
            case FixesFound():
                self._kept_back.append(record)
                self._show_what_may_be_shown()
            case SearchEnded():
                self.schedule = schedules.search_ended(self.schedule, record.generation)
                self._kept_back.append(record)
                self._show_what_may_be_shown()
                self._tidy()
            case WorkFailed():
                self._hear_failure(record)
        self.look_soon()

    def _tidy(self) -> None:
        """Give back the memory of the large texts that came and went on the way here, now and then."""
        if self._loop.time() - self._tidied_at > TIDY_SECONDS:
            give_back_memory()
            self._tidied_at = self._loop.time()

    @property
    def _word(self) -> Word:
        return schedules.word(self.schedule, self._loop.time(), self._timing)

    def _show_what_may_be_shown(self) -> None:
        """Put what was found on the board, once somebody has the word."""
        trigger = self._word.trigger
        if trigger is None:
            return
        records, self._kept_back = self._kept_back, []
        for record in records:
            if isinstance(record, SearchEnded):
                self.board = boards.search_ended(self.board, record)
                continue
            self.board = boards.found(self.board, replace(record, trigger=trigger))
            self._tell_files(files_of_offers(record.offers) | files_of_problems(self.board, record.problem_ids))

    def _hear_check(self, record: TextChecked) -> None:
        before = self._files_with_problems()
        self.trouble = ""
        self.board = boards.checked(self.board, record)
        self.schedule = schedules.check_ended(self.schedule, record.generation)
        if self._analyzer_agrees():
            self.schedule = schedules.analyzer_heard(self.schedule, agrees=True)
        self.desk.checked(record)
        self._tell_files(before | self._files_with_problems())
        if not self.board.problems:
            self._tidy()

    def _hear_failure(self, record: WorkFailed) -> None:
        logger.warning("the worker of %s: %s %s", self.root, record.message, record.remedy)
        self._end_stage()
        self.trouble = f"{record.message} {record.remedy}"
        if record.is_final:
            self.off_because = self.trouble
        # The present text gets no answer any more; the next one may.
        self.schedule = schedules.given_up(self.schedule)
        self._surroundings.listener.trouble(record.message, record.remedy)

    def _worker_ended(self, reason: str) -> None:
        self._worker = None
        self._kept_back.clear()
        self._behind_since = None
        self._end_stage()
        if not self._closed and not self.off_because:
            logger.warning("the worker of %s ended: %s", self.root, reason)
            self._crashes = [*self._crashes[-9:], self._loop.time()]
            self.schedule = schedules.worker_lost(self.schedule)
            self._searched.clear()
        self.look_soon()

    def _end_stage(self) -> None:
        if self.stage:
            self.stage = ""
            self._surroundings.listener.stage_changed(self, "")

    # ---- who is told ---------------------------------------------------------------------------------

    def _tell_files(self, paths: Collection[Path]) -> None:
        if paths:
            self._surroundings.listener.files_changed(paths)

    def _tell_status(self) -> None:
        if self.status != self._told_status:
            self._told_status = self.status
            self._surroundings.listener.status_changed()

    def _analyzer_agrees(self) -> bool:
        is_of_this_text = self.board.checked_generation == self.board.generation
        return is_of_this_text and self._analyzer.agrees(self.board.problems, self._surroundings.version_of)

    def _files_with_problems(self) -> frozenset[Path]:
        return files_of_problems(self.board, self.board.problems.keys())

    def problem_ids_of(self, path: Path) -> tuple[str, ...]:
        """The problems that the last check found in a file."""
        if self._indexed is not self.board.problems:
            self._indexed = self.board.problems
            self._ids_by_file = ids_by_file(self._indexed)
        return self._ids_by_file.get(path, ())
