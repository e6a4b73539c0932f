"""What leaves the store: episodes as JSON lines, described by docs/episodes.schema.json, and what is purged."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sleepy_agent.errors import BadUsage, cannot_write
from sleepy_agent.memory.database import write_transaction
from sleepy_agent.memory.episodes import (
    ALL_EPISODES,
    EpisodeFilter,
    StoredEpisode,
    list_episodes,
    stored_path,
    task_id_of,
    utc_timestamp,
)

if TYPE_CHECKING:
    from sqlite_utils import Database

SCHEMA_VERSION: Final = 1
"""Of docs/episodes.schema.json. A field that is added leaves it; one that changes its meaning raises it."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows of each kind were deleted."""

    episodes: int
    runs: int
    files: int


def episode_as_json(stored: StoredEpisode) -> dict[str, Any]:
    """One episode as the schema describes it: its fields, its number in this store, and the schema's version."""
    episode = asdict(stored.episode)
    return (
        {"schema_version": SCHEMA_VERSION, "episode_id": stored.episode_id}
        | episode
        | {
            "flags": list(stored.episode.flags),
            "metadata": dict(stored.episode.metadata),
            "outcome": stored.episode.outcome.value,
        }
    )


def export_lines(database: Database, which: EpisodeFilter = ALL_EPISODES) -> Iterator[str]:
    """The episodes that fit, oldest first, each as one line of JSON without its line end. Raises `StoreError`."""
    for stored in list_episodes(database, which):
        yield json.dumps(episode_as_json(stored))


def export_to_file(database: Database, destination: Path, which: EpisodeFilter = ALL_EPISODES) -> int:
    """Write the episodes that fit to `destination` (replaced at the end, in one step); returns how many.

    Raises `StoreError`, and `CannotWrite` about `destination`.
    """
    lines = tuple(export_lines(database, which))
    unfinished = destination.with_name(f".{destination.name}.{os.getpid()}.unfinished")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
                stream.writelines(f"{line}\n" for line in lines)
            unfinished.replace(destination)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(destination, error) from error
    return len(lines)


def purge(
    database: Database,
    repository: Path | None = None,
    older_than_days: float | None = None,
    everything: bool = False,
) -> Purged:
    """Delete for good what was recorded of `repository`, or longer ago than that, or both, or everything.

    Episodes, runs, what is still waited for and the kept bytes of written files go together, so purged runs cannot be
    undone. Raises `BadUsage` when nothing says what to delete, and `StoreError`.
    """
    if everything == (repository is not None or older_than_days is not None):
        raise BadUsage("What to purge is not clear.", "Name a repository, an age in days or both, or else everything.")
    if older_than_days is not None and older_than_days < 0:
        raise BadUsage(f"An age of {older_than_days} days means nothing.", "Give a number of days from 0.")
    arguments = {
        "task_id": None if repository is None else task_id_of(repository),
        "root": None if repository is None else stored_path(repository.resolve()),
        "before": None
        if older_than_days is None
        else utc_timestamp(datetime.now(UTC) - timedelta(days=older_than_days)),
    }
    runs_meant = "(:root IS NULL OR repository_root = :root) AND (:before IS NULL OR started < :before)"
    with write_transaction(database):
        episodes = database.conn.execute(
            "DELETE FROM episodes WHERE (:task_id IS NULL OR task_id = :task_id)"
            " AND (:before IS NULL OR timestamp < :before)",
            arguments,
        ).rowcount
        # What is waited for quotes source text, too.
        database.conn.execute(
            "DELETE FROM pending_outcomes WHERE (:task_id IS NULL OR task_id = :task_id)"
            " AND (:before IS NULL OR since < :before)",
            arguments,
        )
        files = database.conn.execute(
            f"DELETE FROM written_files WHERE run_id IN (SELECT run_id FROM runs WHERE {runs_meant})",  # noqa: S608 -- constants.
            arguments,
        ).rowcount
        runs = database.conn.execute(f"DELETE FROM runs WHERE {runs_meant}", arguments).rowcount  # noqa: S608 -- constants.
    _give_space_back(database)
    return Purged(episodes=episodes, runs=runs, files=files)


def _give_space_back(database: Database) -> None:
    """Shrink the file, and empty the log beside it, which still holds the deleted text."""
    try:
        database.vacuum()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.OperationalError:
        # Another sleepy process is reading, or there is no room for the copy. The rows are deleted and
        # overwritten (secure_delete); the log is emptied when the last process closes the store.
        return
