"""The shape of the store, as the ordered steps that lead to it.

Append-only: a step that was released is never changed, removed or moved; whatever comes later is a new step.
Which steps a file has seen stands in its own table `_sqlite_migrations`, which sqlite-utils keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

MIGRATION_SET: Final = "sleepy"


def _create_episodes(database: Database) -> None:
    episodes = database.table("episodes")
    episodes.create(
        {
            "id": int,
            "task_id": str,
            "run_id": str,
            "attempt_index": int,
            "family": str,
            "signature": str,
            "code": str,
            "message": str,
            "source": str,
            "title": str,
            "diff_unified": str,
            "verdict": str,
            "passed": int,
            "flags": str,
            "file": str,
            "timestamp": str,
            "wall_clock_milliseconds": float,
            "steps_to_green": int,
            "outcome": str,
            "settled_text": str,
            "prompt_hash": str,
            "model_id": str,
            "adapter_snapshot": str,
            "tokens_in": int,
            "tokens_out": int,
            "metadata": str,
        },
        pk="id",
    )
    for columns in (["run_id"], ["family", "timestamp"], ["signature"], ["task_id", "timestamp"]):
        episodes.create_index(columns)


def _create_runs(database: Database) -> None:
    runs = database.table("runs")
    runs.create(
        {
            "id": int,
            "run_id": str,
            "repository_root": str,
            "command": str,
            "started": str,
            "finished": str,
            "green": int,
            "undone": str,
            "problems_before": int,
            "problems_after": int,
            "fixes_applied": int,
            "attempts": int,
        },
        pk="id",
    )
    runs.create_index(["run_id"], unique=True)
    runs.create_index(["repository_root"])
    written_files = database.table("written_files")
    written_files.create(
        {
            "id": int,
            "run_id": str,
            "path": str,
            "sha256_before": str,
            "sha256_after": str,
            "bytes_before": bytes,
            "file_mode": int,
        },
        pk="id",
    )
    written_files.create_index(["run_id", "path"], unique=True)


def _create_pending_outcomes(database: Database) -> None:
    pending = database.table("pending_outcomes")
    pending.create(
        {
            "id": int,
            "task_id": str,
            "subject": str,
            "kind": str,
            "state": str,
            "owner": str,
            "problem_id": str,
            "episode_id": int,
            "since": str,
            "content": str,
        },
        pk="id",
    )
    pending.create_index(["task_id", "subject"])
    pending.create_index(["task_id", "problem_id"])


STEPS: Final[tuple[tuple[str, Callable[[Database], None]], ...]] = (
    ("0001_episodes", _create_episodes),
    ("0002_runs", _create_runs),
    ("0003_pending_outcomes", _create_pending_outcomes),
)
"""Name and function of every step, in order. Names are what a file remembers, so they are for ever."""


def migrations(steps: tuple[tuple[str, Callable[[Database], None]], ...] = STEPS) -> Migrations:
    """The steps as sqlite-utils wants them."""
    from sqlite_utils import Migrations

    migration_set = Migrations(MIGRATION_SET)
    for name, step in steps:
        migration_set(name=name)(step)
    return migration_set


def unknown_migrations(database: Database) -> tuple[str, ...]:
    """Steps that the file has seen and this program does not know: a newer program made it."""
    known = {name for name, _ in STEPS}
    return tuple(step.name for step in migrations().applied(database) if step.name not in known)
