"""Keep what was tried while a workspace was open, each attempt once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from sleepy_agent.domain import Episode
from sleepy_agent.live.messages import OpenWorkspace
from sleepy_agent.live.offers import short_hash
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import record_episodes
from sleepy_agent.memory.runs import RunCounts, begin_run, finish_run

# The same text is searched again and again while somebody types; what was tried so many attempts ago counts as new.
MOST_REMEMBERED = 4000


class AttemptStore:
    """The owner of the worker's connection to the store, and of the run its attempts belong to."""

    def __init__(self, opening: OpenWorkspace, root: Path) -> None:
        self._database = open_database(opening.places.store_file)
        self._run = begin_run(self._database, root, opening.command)
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._count = 0
        self._is_open = True

    def keep(self, episodes: Iterable[Episode]) -> None:
        """Store those that were not stored before. Raises StoreError."""
        new = {}
        for episode in episodes:
            key = name_of(episode)
            if key not in self._numbers and key not in new:
                new[key] = replace(episode, run_id=self._run.run_id)
        if not new:
            return
        self._numbers.update(zip(new, record_episodes(self._database, new.values()), strict=True))
        self._count += len(new)
        while len(self._numbers) > MOST_REMEMBERED:
            self._numbers.popitem(last=False)

    def number_of(self, episode: Episode | None) -> int | None:
        """The number in the store of an attempt that was kept, else None."""
        return self._numbers.get(name_of(episode)) if episode is not None else None

    def close(self) -> None:
        """Note the end of the run. Closing twice is harmless."""
        if self._is_open:
            self._is_open = False
            finish_run(self._database, self._run.run_id, green=False, counts=RunCounts(attempts=self._count))
            self._database.close()


def name_of(episode: Episode) -> str:
    """The same change of the same problem with the same verdict is the same attempt."""
    return short_hash(episode.file, episode.signature, episode.diff_unified, episode.passed, episode.verdict)
