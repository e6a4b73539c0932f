"""Runs of `sleepy fix`, and what they wrote, byte for byte, so that the last one can be undone.

The order that keeps a tree safe when a run is cut off at any moment: `record_written_file` first, write the file
second. A file that still has its hash from before was then never written, and undo leaves it as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sleepy_agent.checksums import sha256_of_text
from sleepy_agent.memory.database import database_path, store_errors, write_transaction
from sleepy_agent.memory.episodes import stored_path, utc_timestamp
from sleepy_agent.memory.redaction import redact

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What a run found and did."""

    problems_before: int = 0
    problems_after: int = 0
    fixes_applied: int = 0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One `sleepy fix`. `finished` is None while it runs, and stays None where it was cut off."""

    run_id: str
    repository_root: Path
    command: str
    started: str
    """UTC, ISO 8601; so are `finished` and `undone`."""
    finished: str | None = None
    green: bool | None = None
    undone: str | None = None
    counts: RunCounts = RunCounts()


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """One file a run wrote: what it was before the run's first write, and what the last write made of it."""

    path: Path
    """Absolute, links resolved."""
    sha256_before: str
    sha256_after: str
    bytes_before: bytes
    file_mode: int
    """The permission bits from before (`st_mode & 0o7777`)."""


@dataclass(frozen=True, slots=True)
class UndoableRun:
    """A run that wrote files and was not undone yet."""

    run: Run
    files: tuple[WrittenFile, ...]


def begin_run(database: Database, repository_root: Path, command: str) -> Run:
    """Note that a run begins, now. Secrets in `command` are taken out. Raises `StoreError`."""
    run = Run(
        run_id=uuid4().hex,
        repository_root=repository_root.resolve(),
        command=redact(command),
        started=utc_timestamp(datetime.now(UTC)),
    )
    with write_transaction(database):
        database.conn.execute(
            "INSERT INTO runs (run_id, repository_root, command, started) VALUES (?, ?, ?, ?)",
            (run.run_id, stored_path(run.repository_root), run.command, run.started),
        )
    return run


def finish_run(database: Database, run_id: str, green: bool, counts: RunCounts) -> None:
    """Note that a run has ended, now, and how. Raises `StoreError`."""
    with write_transaction(database):
        database.conn.execute(
            "UPDATE runs SET finished = ?, green = ?, problems_before = ?, problems_after = ?, fixes_applied = ?,"
            " attempts = ? WHERE run_id = ?",
            (
                utc_timestamp(datetime.now(UTC)),
                int(green),
                counts.problems_before,
                counts.problems_after,
                counts.fixes_applied,
                counts.attempts,
                run_id,
            ),
        )


def record_written_file(
    database: Database, run_id: str, path: Path, *, bytes_before: bytes, bytes_after: bytes, file_mode: int
) -> WrittenFile:
    """Remember what `path` was, durably, before the caller writes `bytes_after` there. Raises `StoreError`.

    Where the run has written the file before, the bytes from before its first write are kept, and only the
    hash of what it becomes is new.
    """
    written = WrittenFile(
        path=path.resolve(),
        sha256_before=sha256_of_text(bytes_before),
        sha256_after=sha256_of_text(bytes_after),
        bytes_before=bytes_before,
        file_mode=file_mode & 0o7777,
    )
    with write_transaction(database):
        row = database.conn.execute(
            "INSERT INTO written_files (run_id, path, sha256_before, sha256_after, bytes_before, file_mode)"
            " VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (run_id, path) DO UPDATE SET sha256_after = excluded.sha256_after"
            " RETURNING path, sha256_before, sha256_after, bytes_before, file_mode",
            (
                run_id,
                stored_path(written.path),
                written.sha256_before,
                written.sha256_after,
                written.bytes_before,
                written.file_mode,
            ),
        ).fetchall()[0]
    return WrittenFile(Path(os.fsdecode(row[0])), *row[1:])


def last_undoable_run(database: Database, repository_root: Path) -> UndoableRun | None:
    """The newest run in this repository that wrote files and was not undone; cut-off runs count, too.

    None where there is none. Raises `StoreError`.
    """
    with store_errors(database_path(database)):
        row = next(
            database.table("runs").rows_where(
                "repository_root = ? AND undone IS NULL"
                " AND EXISTS (SELECT 1 FROM written_files WHERE written_files.run_id = runs.run_id)",
                [stored_path(repository_root.resolve())],
                order_by="id desc",
                limit=1,
            ),
            None,
        )
        if row is None:
            return None
        files = list(database.table("written_files").rows_where("run_id = ?", [row["run_id"]], order_by="id"))
    return UndoableRun(run=_run_of(row), files=tuple(_written_file_of(file) for file in files))


def was_written_by_a_run(database: Database, path: Path, sha256: str) -> bool:
    """Whether a run wrote a file as it is now: then what changed in it is Sleepy's doing. Raises `StoreError`."""
    with store_errors(database_path(database)):
        row = database.conn.execute(
            "SELECT 1 FROM written_files WHERE path = ? AND sha256_after = ? LIMIT 1",
            (stored_path(path.resolve()), sha256),
        ).fetchone()
    return row is not None


def mark_undone(database: Database, run_id: str) -> None:
    """Note that the files of a run are as they were before it. Raises `StoreError`."""
    with write_transaction(database):
        database.conn.execute("UPDATE runs SET undone = ? WHERE run_id = ?", (utc_timestamp(datetime.now(UTC)), run_id))


def list_runs(database: Database, repository_root: Path | None = None, limit: int | None = None) -> tuple[Run, ...]:
    """Runs, newest first: all of them, or those of one repository. Raises `StoreError`."""
    where = "1" if repository_root is None else "repository_root = ?"
    arguments = [] if repository_root is None else [stored_path(repository_root.resolve())]
    with store_errors(database_path(database)):
        rows = list(database.table("runs").rows_where(where, arguments, order_by="id desc", limit=limit))
    return tuple(_run_of(row) for row in rows)


def _run_of(row: Mapping[str, Any]) -> Run:
    return Run(
        run_id=row["run_id"],
        repository_root=Path(os.fsdecode(row["repository_root"])),
        command=row["command"],
        started=row["started"],
        finished=row["finished"],
        green=None if row["green"] is None else bool(row["green"]),
        undone=row["undone"],
        counts=RunCounts(
            problems_before=row["problems_before"] or 0,
            problems_after=row["problems_after"] or 0,
            fixes_applied=row["fixes_applied"] or 0,
            attempts=row["attempts"] or 0,
        ),
    )


def _written_file_of(row: Mapping[str, Any]) -> WrittenFile:
    return WrittenFile(
        path=Path(os.fsdecode(row["path"])),
        sha256_before=row["sha256_before"],
        sha256_after=row["sha256_after"],
        bytes_before=row["bytes_before"],
        file_mode=row["file_mode"],
    )
