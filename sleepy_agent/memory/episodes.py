"""Attempts as they are stored, found again and given their outcome."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sleepy_agent.domain import Episode, Outcome
from sleepy_agent.memory.database import database_path, store_errors, write_transaction
from sleepy_agent.memory.redaction import redact, redact_episode

if TYPE_CHECKING:
    from sqlite_utils import Database

_TASK_ID_LENGTH: Final = 16
_COLUMNS: Final = tuple(field.name for field in fields(Episode))
# Lists and mappings are stored as JSON text.
_JSON_COLUMNS: Final = frozenset({"flags", "metadata"})


@dataclass(frozen=True, slots=True)
class StoredEpisode:
    """An episode and the number it has in this store."""

    episode_id: int
    episode: Episode


@dataclass(frozen=True, slots=True)
class EpisodeFilter:
    """Which episodes are meant: all conditions that are set have to hold. `limit` keeps the newest ones."""

    task_id: str | None = None
    run_id: str | None = None
    family: str | None = None
    signature: str | None = None
    since: datetime | None = None
    """Aware; inclusive."""
    passed: bool | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class EpisodeCounts:
    """How many episodes there are, and how they divide."""

    total: int
    passed: int
    by_family: Mapping[str, int]
    by_source: Mapping[str, int]
    by_outcome: Mapping[str, int]


ALL_EPISODES: Final = EpisodeFilter()


def task_id_of(repository_root: Path) -> str:
    """What stands for a repository in `Episode.task_id`: 16 hex digits of its resolved path's SHA-256."""
    path = str(repository_root.resolve())
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:_TASK_ID_LENGTH]


def utc_timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds, so that the texts sort as the moments do."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds")


def stored_path(path: Path) -> str | bytes:
    """`path` as it is stored: text, or the bytes of the file system where its name is no valid Unicode.

    `os.fsdecode` gives the path back from either.
    """
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(path)
    return str(path)


def record_episodes(database: Database, episodes: Iterable[Episode]) -> tuple[int, ...]:
    """Store `episodes`, secrets taken out, all of them or none. Returns their numbers, in order.

    Timestamps are brought to the form of `utc_timestamp`. Raises `StoreError`.
    """
    rows = [_row_of(redact_episode(episode)) for episode in episodes]
    names = ", ".join(_COLUMNS)
    places = ", ".join(f":{column}" for column in _COLUMNS)
    statement = f"INSERT INTO episodes ({names}) VALUES ({places})"  # noqa: S608 -- the names are the record's own.
    with write_transaction(database):
        # `lastrowid` is typed as optional only because other statements have none.
        return tuple(int(database.conn.execute(statement, row).lastrowid or 0) for row in rows)


def list_episodes(database: Database, which: EpisodeFilter = ALL_EPISODES) -> tuple[StoredEpisode, ...]:
    """The episodes that fit, oldest first. Raises `StoreError`."""
    where, arguments = _where(which)
    with store_errors(database_path(database)):
        rows = list(database.table("episodes").rows_where(where, arguments, order_by="id desc", limit=which.limit))
    return tuple(_episode_of(row) for row in reversed(rows))


def count_episodes(database: Database, which: EpisodeFilter = ALL_EPISODES) -> EpisodeCounts:
    """Count the episodes that fit; `which.limit` plays no part. Raises `StoreError`."""
    where, arguments = _where(which)
    with store_errors(database_path(database)):
        rows = list(
            database.query(
                f"SELECT family, source, outcome, passed, count(*) AS number FROM episodes WHERE {where}"  # noqa: S608 -- made of constants by _where.
                " GROUP BY family, source, outcome, passed",
                arguments,
            )
        )
    return EpisodeCounts(
        total=sum(row["number"] for row in rows),
        passed=sum(row["number"] for row in rows if row["passed"]),
        by_family=_sum_by("family", rows),
        by_source=_sum_by("source", rows),
        by_outcome=_sum_by("outcome", rows),
    )


def set_outcome(
    database: Database, episode_ids: Iterable[int], outcome: Outcome, settled_text: str | None = None
) -> int:
    """Say what became of attempts; returns how many of them are in the store. Raises `StoreError`.

    `settled_text` (what stands there now) is stored with its secrets taken out; None leaves what is there.
    """
    stored_text = None if settled_text is None else _storable(redact(settled_text))
    with write_transaction(database):
        return sum(
            database.conn.execute(
                "UPDATE episodes SET outcome = ?, settled_text = coalesce(?, settled_text) WHERE id = ?",
                (outcome.value, stored_text, episode_id),
            ).rowcount
            for episode_id in episode_ids
        )


def _where(which: EpisodeFilter) -> tuple[str, dict[str, Any]]:
    """The condition in SQL (of constants only) and the values of its named places."""
    conditions = {
        "task_id = :task_id": which.task_id,
        "run_id = :run_id": which.run_id,
        "family = :family": which.family,
        "signature = :signature": which.signature,
        "timestamp >= :since": None if which.since is None else utc_timestamp(which.since),
        "passed = :passed": None if which.passed is None else int(which.passed),
    }
    stated = {condition: value for condition, value in conditions.items() if value is not None}
    arguments = {condition.rpartition(":")[2]: value for condition, value in stated.items()}
    return " AND ".join(stated) or "1", arguments


def _sum_by(column: str, rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row[column]] = sums.get(row[column], 0) + row["number"]
    return dict(sorted(sums.items()))


def _row_of(episode: Episode) -> dict[str, Any]:
    row = {column: _storable(getattr(episode, column)) for column in _COLUMNS}
    return row | {
        "timestamp": utc_timestamp(datetime.fromisoformat(episode.timestamp)),
        "passed": int(episode.passed),
        "outcome": episode.outcome.value,
        "flags": json.dumps(list(episode.flags)),
        "metadata": json.dumps(dict(episode.metadata), sort_keys=True),
    }


def _storable(value: object) -> object:
    """Text that was read from a file with bytes that are no UTF-8 holds surrogates, which SQLite refuses."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


def _episode_of(row: Mapping[str, Any]) -> StoredEpisode:
    values = {column: json.loads(row[column]) if column in _JSON_COLUMNS else row[column] for column in _COLUMNS}
    episode = Episode(
        **values
        | {
            "passed": bool(row["passed"]),
            "outcome": Outcome(row["outcome"]),
            "flags": tuple(values["flags"]),
        }
    )
    return StoredEpisode(episode_id=row["id"], episode=episode)
