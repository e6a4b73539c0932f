"""The store of a test's home: what is in it, and an event in the journal whenever it was written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from sleepy_agent.config import Places
from sleepy_agent.domain import Episode
from sleepy_agent.memory.database import open_database, write_transaction
from sleepy_agent.memory.episodes import list_episodes

from .journal import Journal


def stored_episodes(places: Places) -> list[Episode]:
    """All attempts, oldest first; none where there is no store yet."""
    if not places.store_file.exists():
        return []
    database = open_database(places.store_file)
    try:
        # Inside a write transaction: an event comes with the first bytes of a write, and this waits for its end.
        with write_transaction(database):
            return [stored.episode for stored in list_episodes(database)]
    finally:
        database.close()


class _Writes(FileSystemEventHandler):
    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def on_modified(self, event: FileSystemEvent) -> None:
        if not event.is_directory:
            self._tell()


@contextmanager
def watched_store(places: Places, journal: Journal) -> Iterator[None]:
    """While this is open, the journal hears of every write to the store."""
    loop = asyncio.get_running_loop()
    places.state.mkdir(parents=True, exist_ok=True)
    observer = Observer()

    def tell() -> None:
        loop.call_soon_threadsafe(journal.add, "store", "written", None)

    observer.schedule(_Writes(tell), str(places.state))
    observer.start()
    try:
        yield
    finally:
        observer.stop()
        observer.join()
