"""What is waited for: offers and own fixes whose outcome is not certain yet, kept so that a crash loses none.

A row is *waiting* under the name of one owner (a process that follows it), or *done*. Every step is one transaction
that asks for the owner, so that of two processes only one says what became of a thing. Done rows stay for a while
without their texts: they tell another process that a problem was accounted for.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sleepy_agent.domain import Episode, Outcome
from sleepy_agent.memory.database import database_path, store_errors, write_transaction
from sleepy_agent.memory.episodes import record_episodes, set_outcome, utc_timestamp
from sleepy_agent.memory.redaction import redact, redact_episode

if TYPE_CHECKING:
    from sqlite_utils import Database


class PendingKind(StrEnum):
    """What is waited for."""

    SHOWN = "shown"
    """Whether an offer that was shown is taken."""
    ACCEPTED = "accepted"
    """Whether an offer that was taken is kept."""
    OWN = "own"
    """Whether a problem that the developer cleared stays away."""


@dataclass(frozen=True, slots=True)
class FollowedRegion:
    """Whole lines of a file that an edit made (from 0, end-exclusive), and what stood there before."""

    first_line: int
    last_line: int
    made: str
    former: str


@dataclass(frozen=True, slots=True)
class FollowedFile:
    """What an edit made of a file. `line_marks`: four bytes for each line of the text it made, a checksum that finds
    the line again and does not tell what it says. Without marks only the hashes of the whole text are known."""

    path: Path
    sha256_before: str
    sha256_made: str
    line_marks: bytes = b""
    regions: tuple[FollowedRegion, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingOutcome:
    """One thing that is waited for. `subject`: the offer's id, or for an own fix `own:` and the problem's id."""

    task_id: str
    subject: str
    kind: PendingKind
    owner: str
    problem_id: str
    mistake: str
    """What stays of the problem while its line is edited."""
    since: str
    """UTC, ISO 8601: the last time that something was said about it."""
    files: tuple[FollowedFile, ...] = ()
    episode_id: int | None = None
    """Its attempt in the store, where it is known."""
    episode: Episode | None = None
    """What becomes an attempt in the end where there is none: an own fix, an offer that nobody stored."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Added to the episode's own."""


def put_pending(database: Database, pending: PendingOutcome) -> bool:
    """Wait for something, or say that it has come further (an offer that was shown is taken).

    The episode of an offer gets the outcome `shown` or `accepted`, where it is stored by now. Returns False, and
    stores nothing, where another owner waits for the same thing and knows as much. Raises `StoreError`.
    """
    with write_transaction(database):
        rows = _waiting_rows(database, pending)
        others = [row for row in rows if row["owner"] != pending.owner]
        # Who takes an offer that others have only shown follows it from then on.
        if others and (pending.kind != PendingKind.ACCEPTED or any(row["kind"] != PendingKind.SHOWN for row in others)):
            return False
        episode_id = pending.episode_id or next((row["episode_id"] for row in rows if row["episode_id"]), None)
        if episode_id is None and pending.episode is not None and pending.kind == PendingKind.ACCEPTED:
            episode_id = _same_attempt(database, pending.episode)
        if episode_id is not None:
            _say_of_episode(database, episode_id, pending)
        for row in rows:
            database.conn.execute("DELETE FROM pending_outcomes WHERE id = ?", (row["id"],))
        database.conn.execute(
            "INSERT INTO pending_outcomes"
            " (task_id, subject, kind, state, owner, problem_id, episode_id, since, content)"
            " VALUES (?, ?, ?, 'waiting', ?, ?, ?, ?, ?)",
            (
                pending.task_id,
                pending.subject,
                pending.kind.value,
                pending.owner,
                pending.problem_id,
                episode_id,
                pending.since,
                _content_of(pending),
            ),
        )
    return True


def finish_pending(
    database: Database,
    pending: PendingOutcome,
    outcome: Outcome,
    settled_text: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> bool:
    """Say what became of it, once: False where it is not waited for under this owner (any more).

    What is no attempt in the store by then (an own fix) becomes one now. Raises `StoreError`.
    """
    with write_transaction(database):
        row = next((row for row in _waiting_rows(database, pending) if row["owner"] == pending.owner), None)
        if row is None:
            return False
        database.conn.execute(
            "UPDATE pending_outcomes SET state = 'done', content = '{}', since = ? WHERE id = ?",
            (utc_timestamp(datetime.now(UTC)), row["id"]),
        )
        words = {**pending.metadata, **(metadata or {})}
        episode_id = row["episode_id"]
        if episode_id is None and pending.episode is not None and pending.kind != PendingKind.OWN:
            # Whoever tried it stores that a little later than it is shown.
            episode_id = _same_attempt(database, pending.episode)
        if episode_id is not None:
            set_outcome(database, [episode_id], outcome, settled_text)
            _add_metadata(database, episode_id, words)
        elif pending.episode is not None:
            words = {**pending.episode.metadata, **words}
            whole = replace(pending.episode, outcome=outcome, settled_text=settled_text, metadata=words)
            record_episodes(database, [whole])
    return True


def drop_pending(database: Database, pending: PendingOutcome) -> bool:
    """Wait for it no longer, as if nothing had been: the problem of an own fix is back. Raises `StoreError`."""
    with write_transaction(database):
        return bool(
            database.conn.execute(
                "DELETE FROM pending_outcomes WHERE task_id = ? AND subject = ? AND owner = ? AND state = 'waiting'",
                (pending.task_id, pending.subject, pending.owner),
            ).rowcount
        )


def waiting_owners(database: Database, task_id: str) -> frozenset[str]:
    """Who waits for something in a repository. Raises `StoreError`."""
    with store_errors(database_path(database)):
        rows = database.conn.execute(
            "SELECT DISTINCT owner FROM pending_outcomes WHERE task_id = ? AND state = 'waiting'", (task_id,)
        ).fetchall()
    return frozenset(row[0] for row in rows)


def adopt_pending(
    database: Database, task_id: str, owner: str, former_owners: Collection[str]
) -> tuple[PendingOutcome, ...]:
    """Take over what owners that are no more waited for, oldest first; each thing goes to one process only.

    Raises `StoreError`.
    """
    adopted: list[PendingOutcome] = []
    with write_transaction(database):
        for former in sorted(former_owners):
            # What the new owner waits for by itself it knows better.
            database.conn.execute(
                "DELETE FROM pending_outcomes WHERE task_id = ? AND owner = ? AND state = 'waiting' AND subject IN"
                " (SELECT subject FROM pending_outcomes WHERE task_id = ? AND owner = ? AND state = 'waiting')",
                (task_id, former, task_id, owner),
            )
            adopted += [
                replace(_pending_of(row), owner=owner)
                for row in database.table("pending_outcomes").rows_where(
                    "task_id = ? AND owner = ? AND state = 'waiting'", [task_id, former], order_by="id"
                )
            ]
            database.conn.execute(
                "UPDATE pending_outcomes SET owner = ? WHERE task_id = ? AND owner = ? AND state = 'waiting'",
                (owner, task_id, former),
            )
    return tuple(sorted(adopted, key=lambda pending: pending.since))


def is_accounted_for(database: Database, task_id: str, problem_id: str, owner: str, since: datetime) -> bool:
    """Whether another owner saw how a problem was cleared, not before `since` (aware). Raises `StoreError`."""
    with store_errors(database_path(database)):
        row = database.conn.execute(
            "SELECT 1 FROM pending_outcomes WHERE task_id = ? AND problem_id = ? AND owner != ? AND since >= ?"
            " AND kind IN ('accepted', 'own') LIMIT 1",
            (task_id, problem_id, owner, utc_timestamp(since)),
        ).fetchone()
    return row is not None


def forget_finished(database: Database, before: datetime) -> int:
    """Delete the rows that were done before a moment (aware); returns how many. Raises `StoreError`."""
    with write_transaction(database):
        return database.conn.execute(
            "DELETE FROM pending_outcomes WHERE state = 'done' AND since < ?", (utc_timestamp(before),)
        ).rowcount


def _same_attempt(database: Database, episode: Episode) -> int | None:
    """The newest attempt in the store that is the same change of the same problem, where nothing is decided yet."""
    stored = redact_episode(episode)
    row = database.conn.execute(
        "SELECT id FROM episodes WHERE task_id = ? AND signature = ? AND source = ? AND title = ? AND diff_unified = ?"
        " AND passed = 1 AND outcome IN ('none', 'shown') ORDER BY id DESC LIMIT 1",
        (stored.task_id, stored.signature, stored.source, stored.title, stored.diff_unified),
    ).fetchone()
    return None if row is None else int(row[0])


def _say_of_episode(database: Database, episode_id: int, pending: PendingOutcome) -> None:
    """An offer was shown or taken. What is known already is not made less by showing the offer again."""
    only_unsaid = " AND outcome = 'none'" if pending.kind == PendingKind.SHOWN else ""
    database.conn.execute(
        f"UPDATE episodes SET outcome = ? WHERE id = ?{only_unsaid}",  # noqa: S608 -- constants.
        (pending.kind.value, episode_id),
    )
    _add_metadata(database, episode_id, pending.metadata)


def _add_metadata(database: Database, episode_id: int, words: Mapping[str, str]) -> None:
    row = database.conn.execute("SELECT metadata FROM episodes WHERE id = ?", (episode_id,)).fetchone()
    if row is not None and words:
        known = json.loads(row[0] or "{}") | {key: redact(value) for key, value in words.items()}
        database.conn.execute(
            "UPDATE episodes SET metadata = ? WHERE id = ?", (json.dumps(known, sort_keys=True), episode_id)
        )


def _waiting_rows(database: Database, pending: PendingOutcome) -> list[Mapping[str, Any]]:
    """Who waits for this; done rows stay beside them."""
    where = "task_id = ? AND subject = ? AND state = 'waiting'"
    return list(database.table("pending_outcomes").rows_where(where, [pending.task_id, pending.subject]))


def _content_of(pending: PendingOutcome) -> str:
    """Everything else of a record as JSON (ASCII, so that odd file names are no trouble), secrets taken out."""
    files = [
        asdict(file)
        | {
            "path": str(file.path),
            "line_marks": base64.b64encode(file.line_marks).decode(),
            "regions": [
                asdict(region) | {"made": redact(region.made), "former": redact(region.former)}
                for region in file.regions
            ],
        }
        for file in pending.files
    ]
    episode = None if pending.episode is None else asdict(redact_episode(pending.episode))
    metadata = {key: redact(value) for key, value in pending.metadata.items()}
    return json.dumps({"mistake": pending.mistake, "files": files, "episode": episode, "metadata": metadata})


def _pending_of(row: Mapping[str, Any]) -> PendingOutcome:
    content = json.loads(row["content"])
    episode = content["episode"]
    return PendingOutcome(
        task_id=row["task_id"],
        subject=row["subject"],
        kind=PendingKind(row["kind"]),
        owner=row["owner"],
        problem_id=row["problem_id"],
        mistake=content["mistake"],
        since=row["since"],
        files=tuple(_file_of(file) for file in content["files"]),
        episode_id=row["episode_id"],
        episode=None
        if episode is None
        else Episode(**episode | {"flags": tuple(episode["flags"]), "outcome": Outcome(episode["outcome"])}),
        metadata=content["metadata"],
    )


def _file_of(file: Mapping[str, Any]) -> FollowedFile:
    return FollowedFile(
        path=Path(file["path"]),
        sha256_before=file["sha256_before"],
        sha256_made=file["sha256_made"],
        line_marks=base64.b64decode(file["line_marks"]),
        regions=tuple(FollowedRegion(**region) for region in file["regions"]),
    )
