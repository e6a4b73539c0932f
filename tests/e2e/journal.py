"""What was heard, in order, and a way to wait for it: tests await events and never sleep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

PATIENCE_SECONDS = 60.0
"""How long an event may take. Far more than it takes: the machine may be busy with other things."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Event:
    """One notification. `source`: the client that got it, such as "analyzer"; `params` as plain dicts and lists."""

    number: int
    source: str
    method: str
    params: Any


class NeverCame(AssertionError):
    """An awaited event did not come; the message holds the last things that did."""


class Journal:
    """Owner of what one editor heard. Lives on one event loop."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, source: str, method: str, params: Any) -> None:
        self._events.append(Event(len(self._events), source, method, params))
        self._changed.set()

    def events(self, method: str, since: int = 0, source: str | None = None) -> Iterator[Event]:
        """The events of a method from place `since` on, oldest first."""
        for event in self._events[since:]:
            if event.method == method and source in (None, event.source):
                yield event

    async def until(
        self, what: str, look: Callable[[], Awaitable[Found | None]], seconds: float = PATIENCE_SECONDS
    ) -> Found:
        """What `look` finds; it looks now, and again after every event that is heard. Raises NeverCame."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._changed.clear()
                    found = await look()
                    if found is not None:
                        return found
                    await self._changed.wait()
        except TimeoutError:
            recent = "\n".join(
                f"  {event.source} {event.method} {str(event.params)[:300]}" for event in self._events[-40:]
            )
            raise NeverCame(f"{what} did not come in {seconds:.0f} s. Heard last:\n{recent}") from None

    async def heard(
        self,
        method: str,
        fits: Callable[[Any], bool] = lambda _params: True,
        *,
        since: int = 0,
        source: str | None = None,
        seconds: float = PATIENCE_SECONDS,
    ) -> Event:
        """The first event of a method, from place `since` on, whose parameters fit."""

        async def look() -> Event | None:
            return next((event for event in self.events(method, since, source) if fits(event.params)), None)

        return await self.until(f"{method} from {source or 'anybody'}", look, seconds)
