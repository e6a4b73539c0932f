"""The part of the outcome desk that lives on its thread: the open texts, the book, and the store behind it.

Imported by that thread only, so that neither SQLite nor the book cost the server anything at its start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from filelock import FileLock, Timeout

from sleepy_agent.checksums import sha256_of_text
from sleepy_agent.config import Places
from sleepy_agent.errors import SleepyError, StoreError
from sleepy_agent.live.messages import LiveOffer, TextChecked
from sleepy_agent.live.outcomes.book import BY_TEXT, TAKEN_BY, OutcomeBook
from sleepy_agent.live.outcomes.records import Await, Decision, Drop, Moment
from sleepy_agent.memory.database import open_database, write_transaction
from sleepy_agent.memory.episodes import utc_timestamp
from sleepy_agent.memory.pending import (
    PendingKind,
    adopt_pending,
    drop_pending,
    finish_pending,
    forget_finished,
    is_accounted_for,
    put_pending,
    waiting_owners,
)
from sleepy_agent.memory.runs import was_written_by_a_run

if TYPE_CHECKING:
    from sqlite_utils import Database

# Larger files hold no code that somebody wrote.
MOST_FILE_BYTES = 20_000_000
# Decisions that could not be stored (a full disk, a locked store) are tried again, so many of them.
MOST_UNSTORED = 1000
# Another server on the same workspace hears of a saved file a little later than the one it was typed in.
ACCOUNTED_FOR = timedelta(minutes=10)
FINISHED_ARE_KEPT = timedelta(days=1)
# What other processes left is looked for at the start, and now and then: they may end while this one goes on.
SECONDS_BETWEEN_ADOPTIONS = 60.0


class OutcomeKeeper:
    """The owner of a workspace's outcome book, and of this process's name in the store."""

    def __init__(
        self, places: Places, root: Path, settle_seconds: float, on_trouble: Callable[[SleepyError], None]
    ) -> None:
        owner = uuid4().hex
        self._places = places
        self._on_trouble = on_trouble
        self._book = OutcomeBook(root, owner, owner, settle_seconds)
        self._texts: dict[Path, bytes] = {}
        # Open files that somebody else has written, with the hash that the editor will take over.
        self._reloads: dict[Path, str] = {}
        self._database: Database | None = None
        self._lock: FileLock | None = None
        self._unstored: deque[Decision] = deque(maxlen=MOST_UNSTORED)
        self._is_in_trouble = False
        self._adopted_at: float | None = None

    # ---- what is said to the desk ------------------------------------------------------------------------

    def shown(self, moment: Moment, offers: Sequence[LiveOffer], asked: bool) -> None:
        self._carry_out(self._book.shown(offers, self.read, moment, asked=asked))

    def applied(self, moment: Moment, offer_ids: Sequence[str]) -> None:
        self._carry_out(self._book.applied(offer_ids, self.read, moment))

    def dismissed(self, moment: Moment, offer: LiveOffer) -> None:
        self._carry_out(self._book.dismissed(offer, moment))

    def text_changed(self, moment: Moment, path: Path, text: bytes) -> None:
        before = self._texts.get(path)
        self._texts[path] = text
        expected = self._reloads.pop(path, None)
        from_disk = expected is not None and sha256_of_text(text) == expected
        self._carry_out(self._book.text_changed(path, before, text, self.read, moment, from_disk=from_disk))

    def text_closed(self, moment: Moment, path: Path) -> None:
        before = self._texts.pop(path, None)
        self._reloads.pop(path, None)
        text = self.read(path)
        if before is not None and text is not None:
            # What was not saved is gone.
            self._carry_out(self._book.text_changed(path, before, text, self.read, moment, from_disk=True))

    def disk_changed(self, moment: Moment, paths: frozenset[Path], head_changed: bool) -> None:
        for path in paths & self._texts.keys():
            text = read_file(path)
            if text is not None and text != self._texts[path]:
                self._reloads[path] = sha256_of_text(text)
        self._book.disk_changed(paths, self._texts.keys(), head_changed, moment)

    def checked(self, moment: Moment, checked: TextChecked) -> None:
        self.adopt(moment)
        self._carry_out(self._book.checked(checked, self._texts, self.read, moment))

    def due(self, moment: Moment) -> None:
        self._carry_out(self._book.due(self.read, moment))

    def deadline(self) -> float | None:
        return self._book.deadline()

    # ---- what others left --------------------------------------------------------------------------------

    @property
    def has_adopted(self) -> bool:
        """Whether somebody looked for what other processes left."""
        return self._adopted_at is not None

    def adopt(self, moment: Moment) -> None:
        """Go on with what processes waited for that are no more."""
        if self._adopted_at is not None and moment.at - self._adopted_at < SECONDS_BETWEEN_ADOPTIONS:
            return
        is_first = self._adopted_at is None
        self._adopted_at = moment.at
        if not self._places.store_file.exists():
            return
        try:
            database = self._open()
            if is_first:
                forget_finished(database, datetime.now(UTC) - FINISHED_ARE_KEPT)
                self._clear_away_locks()
            owners = waiting_owners(database, self._book.task_id) - {self._book.owner}
            former = frozenset(owner for owner in owners if not self._is_alive(owner))
            if not former:
                return
            self._announce()
            pendings = adopt_pending(database, self._book.task_id, self._book.owner, former)
        except SleepyError as error:
            self._tell(error)
            return
        self._carry_out(self._book.adopted(pendings, self.read, moment))

    def _lock_file(self, owner: str) -> Path:
        return self._places.state / "desks" / f"{owner}.lock"

    def _is_alive(self, owner: str) -> bool:
        """Whether a process still holds the lock with that name; the system takes it back from one that dies."""
        path = self._lock_file(owner)
        if not path.exists():
            return False
        try:
            with FileLock(path, timeout=0):
                pass
        except Timeout:
            return True
        path.unlink(missing_ok=True)
        return False

    def _clear_away_locks(self) -> None:
        """Delete the locks of processes that are no more."""
        for path in self._lock_file("*").parent.glob("*.lock"):
            self._is_alive(path.stem)

    def _announce(self) -> None:
        """Hold the lock that says that this owner is alive, before anything is stored in its name."""
        if self._lock is None:
            path = self._lock_file(self._book.owner)
            try:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                lock = FileLock(path, timeout=0)
                lock.acquire()
            except OSError as error:
                raise StoreError(
                    f"The folder {path.parent} cannot be written: {(error.strerror or str(error)).lower()}.",
                    "Give yourself write permission there (chmod u+w), or set SLEEPY_HOME to another folder.",
                ) from error
            self._lock = lock

    # ---- the store ---------------------------------------------------------------------------------------

    def _carry_out(self, decisions: Iterable[Decision]) -> None:
        self._unstored.extend(decisions)
        if not self._unstored:
            return
        try:
            database = self._open()
            self._announce()
            with write_transaction(database):
                refused = [one for one in self._unstored if not self._store(database, one)]
        except SleepyError as error:
            self._tell(error)
            return
        self._unstored.clear()
        self._is_in_trouble = False
        for decision in refused:
            if isinstance(decision, Await):
                self._book.refused(decision.pending)

    def _store(self, database: Database, decision: Decision) -> bool:
        """Whether it was ours to say."""
        pending = decision.pending
        if isinstance(decision, Drop):
            return drop_pending(database, pending)
        if not isinstance(decision, Await):
            return finish_pending(database, pending, decision.outcome, decision.settled_text, decision.metadata)
        if pending.kind == PendingKind.OWN or pending.metadata.get(TAKEN_BY) == BY_TEXT:
            # What another server's developer did comes here as a change of the file.
            since = datetime.fromisoformat(pending.since) - ACCOUNTED_FOR
            if is_accounted_for(database, pending.task_id, pending.problem_id, pending.owner, since):
                return False
        is_own = pending.kind == PendingKind.OWN
        if is_own and any(was_written_by_a_run(database, file.path, file.sha256_made) for file in pending.files):
            return False
        return put_pending(database, pending)

    def _open(self) -> Database:
        if self._database is None:
            self._database = open_database(self._places.store_file)
        return self._database

    def _tell(self, error: SleepyError) -> None:
        """Once, until the store works again: the same trouble comes with every key."""
        if not self._is_in_trouble:
            self._is_in_trouble = True
            self._on_trouble(error)

    def close(self) -> None:
        """What is still waited for stays in the store, and whoever comes next finds that nobody follows it."""
        if self._database is not None:
            self._database.close()
        if self._lock is not None:
            self._lock.release()
            self._lock_file(self._book.owner).unlink(missing_ok=True)

    # ---- texts -------------------------------------------------------------------------------------------

    def read(self, path: Path) -> bytes | None:
        """The text of a file now: the editor's, else the disk's."""
        text = self._texts.get(path)
        return read_file(path) if text is None else text


def read_file(path: Path) -> bytes | None:
    """The bytes of a file, None where it cannot be read or is no text that somebody wrote."""
    try:
        return path.read_bytes() if path.stat().st_size <= MOST_FILE_BYTES else None
    except OSError:
        return None


def moment_of(at: float, clock: datetime) -> Moment:
    """A moment of both clocks."""
    return Moment(at, utc_timestamp(clock))
