"""What becomes of offers, for the server: hears what happens, and leaves all work to one thread of its own.

Nothing here waits: files are read, texts compared and SQLite is written on that thread (`keeper.py`), which
also watches the time by itself.

An offer counts as shown when it was handed to the client in an answer that the developer asked for. A lightbulb's
question (triggerKind Automatic) is asked by the editor at every move of the cursor: its offers count only once one of
the same problem is taken or dismissed, for then the list was looked at. Each offer counts once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sleepy_agent.config import Places
from sleepy_agent.errors import SleepyError
from sleepy_agent.live.messages import LiveOffer, TextChecked

if TYPE_CHECKING:
    from sleepy_agent.live.outcomes.records import Moment
    from sleepy_lsp.outcomes.keeper import OutcomeKeeper

    Act = Callable[[OutcomeKeeper, Moment], None]

logger = logging.getLogger(__name__)

# Where the thread cannot keep up (a locked store), only the newest text of a file is kept beyond this.
MOST_EVENTS_UNMERGED = 64
# What other processes left is looked for after the first check, at the latest after this time.
ADOPT_AFTER_SECONDS = 3.0
CLOSE_SECONDS = 15.0
SHORTEST_WAIT_SECONDS = 0.01
LONGEST_WAIT_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class DeskEvent:
    """Something that was said to the desk: when, on both clocks, and what the keeper does about it."""

    at: float
    clock: datetime
    act: Act | None = None
    """None: nothing was said, it is time for something."""
    merge_key: Path | None = None
    """Events in a row with the same key say the same thing again: the last one counts."""


def say_nothing(_trouble: SleepyError) -> None:
    """What happens with trouble when nobody asked to hear of it."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class OutcomeDesk:
    """One for each workspace. Every method returns at once and may be called from the event loop."""

    def __init__(
        self,
        places: Places,
        root: Path,
        *,
        settle_seconds: float = 10.0,
        now: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = utc_now,
        on_trouble: Callable[[SleepyError], None] = say_nothing,
    ) -> None:
        self._places = places
        self._root = root
        self._settle_seconds = settle_seconds
        self._now = now
        self._clock = clock
        self._on_trouble = on_trouble
        self._events: deque[DeskEvent] = deque()
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._deadline: float | None = None
        self._is_closed = False
        self._count_of_events = 0
        self._count_of_done = 0

    def shown(self, offers: Sequence[LiveOffer], *, asked: bool = True) -> None:
        """Offers were handed to the client. `asked`: False for a lightbulb's question (triggerKind Automatic)."""
        if offers:
            handed = tuple(offers)
            self._say(lambda keeper, moment: keeper.shown(moment, handed, asked))

    def applied(self, *offers: LiveOffer) -> None:
        """As `applied_ids`, by the offers themselves, whether they were handed out or not."""
        if offers:
            self.shown(offers, asked=False)
            self.applied_ids(*(offer.offer_id for offer in offers))

    def applied_ids(self, *offer_ids: str) -> None:
        """`sleepy.applied`: the client made this edit (all offers of a bundle at once).

        By then the text is another one, and no board knows the offers any more: what was handed out is known here. Ids
        of other workspaces mean nothing.
        """
        if offer_ids:
            self._say(lambda keeper, moment: keeper.applied(moment, offer_ids))

    def dismissed(self, offer: LiveOffer) -> None:
        """`sleepy.dismiss`: not this fix."""
        self._say(lambda keeper, moment: keeper.dismissed(moment, offer))

    def text_changed(self, path: Path, text: bytes) -> None:
        """didOpen and didChange: the whole text as it is now, as bytes on disk would be."""
        self._say(lambda keeper, moment: keeper.text_changed(moment, path, text), merge_key=path)

    def text_closed(self, path: Path) -> None:
        """didClose: from now on the disk counts."""
        self._say(lambda keeper, moment: keeper.text_closed(moment, path))

    def disk_changed(self, paths: Iterable[Path], head_changed: bool = False) -> None:
        """Watched files were written by anybody. `head_changed`: .git/HEAD is among them."""
        written = frozenset(paths)
        if written or head_changed:
            self._say(lambda keeper, moment: keeper.disk_changed(moment, written, head_changed))

    def checked(self, checked: TextChecked) -> None:
        """The worker said what is broken now."""
        self._say(lambda keeper, moment: keeper.checked(moment, checked))

    def next_deadline(self) -> float | None:
        """When the next outcome falls due, in seconds of `now`. The desk looks by itself; nobody needs a timer."""
        with self._condition:
            return self._deadline

    def tick(self) -> None:
        """Look now whether anything is due."""
        self._say(lambda keeper, moment: keeper.due(moment))

    def flush(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Wait until everything said so far is done and stored, at most so long; whether it is. Blocks."""
        with self._condition:
            wanted = self._count_of_events
            return self._condition.wait_for(lambda: self._count_of_done >= wanted, seconds)

    def close(self) -> None:
        """Finish what was said, and end. What is still waited for stays in the store for the next process. Blocks."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(CLOSE_SECONDS)

    # ---- the thread --------------------------------------------------------------------------------------

    def _say(self, act: Act, *, merge_key: Path | None = None) -> None:
        event = DeskEvent(self._now(), self._clock(), act, merge_key)
        with self._condition:
            if self._is_closed:
                return
            last = self._events[-1] if len(self._events) >= MOST_EVENTS_UNMERGED else None
            if last is not None and merge_key is not None and last.merge_key == merge_key:
                self._events[-1] = event
                return
            self._events.append(event)
            self._count_of_events += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="sleepy-outcomes", daemon=True)
                self._thread.start()
            self._condition.notify_all()

    def _work(self) -> None:
        from sleepy_lsp.outcomes.keeper import OutcomeKeeper, moment_of

        keeper = OutcomeKeeper(self._places, self._root, self._settle_seconds, self._on_trouble)
        adopt_at = self._now() + ADOPT_AFTER_SECONDS
        try:
            while (event := self._next_event(None if keeper.has_adopted else adopt_at)) is not None:
                try:
                    # Each event at its own time, however late the thread comes to it: what was due before comes first.
                    moment = moment_of(event.at, event.clock)
                    keeper.due(moment)
                    if event.act is not None:
                        event.act(keeper, moment)
                    if not keeper.has_adopted and event.at >= adopt_at:
                        keeper.adopt(moment)
                    keeper.due(moment)
                except Exception:
                    # A mistake in the bookkeeping must cost nobody the fixes; the log says what it was.
                    logger.exception("what becomes of an offer could not be noted")
                with self._condition:
                    self._deadline = keeper.deadline()
                    self._count_of_done += event.act is not None
                    self._condition.notify_all()
        finally:
            keeper.close()

    def _next_event(self, adopt_at: float | None) -> DeskEvent | None:
        """What was said next, or that it is time for something; None at the end."""
        with self._condition:
            if not self._events and not self._is_closed:
                times = [at for at in (self._deadline, adopt_at) if at is not None]
                seconds = min((at - self._now() for at in times), default=LONGEST_WAIT_SECONDS)
                self._condition.wait(min(max(seconds, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS))
            if self._events:
                return self._events.popleft()
            return None if self._is_closed else DeskEvent(self._now(), self._clock())
