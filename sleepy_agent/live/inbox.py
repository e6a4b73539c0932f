"""What the worker was asked to do and has not done yet: later texts end work on earlier ones."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

from sleepy_agent.live.messages import ChangeTexts, StopWork, ToWorker
from sleepy_agent.process import CancelToken


class Inbox:
    """Filled by the thread that reads, emptied by the one that works."""

    def __init__(self, lifetime: CancelToken) -> None:
        self._lifetime = lifetime
        self._waiting: deque[ToWorker] = deque()
        self._changed = threading.Condition()
        self._work: CancelToken | None = None
        self._is_closed = False

    def put(self, message: ToWorker) -> None:
        """Take a message in. Another text, or a stop, ends the work in progress and drops what was asked before it."""
        ended = None
        with self._changed:
            if isinstance(message, ChangeTexts | StopWork):
                kept = [one for one in self._waiting if isinstance(one, ChangeTexts)]
                if isinstance(message, ChangeTexts) and kept:
                    message = merged(kept.pop(), message)
                self._waiting = deque(kept)
                ended, self._work = self._work, None
            if not isinstance(message, StopWork):
                self._waiting.append(message)
            self._changed.notify()
        if ended is not None:
            ended.cancel()

    def close(self) -> None:
        """Nothing more comes: whoever works is to stop for good."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify()
        self._lifetime.cancel()

    def take(self) -> tuple[ToWorker, CancelToken] | None:
        """The next message, and the token under which its work runs; None at the end. Waits."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            if self._is_closed:
                return None
            self._work = self._lifetime.part()
            return self._waiting.popleft(), self._work

    def idle_token(self) -> CancelToken | None:
        """A token for work that nobody asked for, which ends with the next change; None where something is asked."""
        with self._changed:
            if self._waiting or self._is_closed:
                return None
            self._work = self._lifetime.part()
            return self._work

    @property
    def has_something(self) -> bool:
        with self._changed:
            return bool(self._waiting) or self._is_closed


def merged(earlier: ChangeTexts, later: ChangeTexts) -> ChangeTexts:
    """Two changes, one after the other, as one."""
    return replace(
        later,
        buffers={**earlier.buffers, **later.buffers},
        changed_on_disk=earlier.changed_on_disk | later.changed_on_disk,
    )
