"""What the commands about the store share: opening it, and finding which recorded project a path means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sleepy_agent.cli.terminal import Terminal
from sleepy_agent.config import find_places
from sleepy_agent.errors import BadUsage
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.runs import list_runs

if TYPE_CHECKING:
    from sqlite_utils import Database


@contextmanager
def opened_store(terminal: Terminal) -> Iterator[Database]:
    """The user's store, made where there is none yet, closed at the end. Raises StoreError."""
    database = open_database(find_places(terminal.environment).store_file)
    try:
        yield database
    finally:
        database.close()


def recorded_root(database: Database, path: Path) -> Path | None:
    """The recorded project that `path` lies in (the innermost one). The folder itself may be gone by now."""
    where = path.resolve()
    roots = {run.repository_root for run in list_runs(database)}
    around = [root for root in roots if where == root or root in where.parents]
    return max(around, key=lambda root: len(root.parts), default=None)


def root_for(database: Database, value: str | None) -> Path | None:
    """The project a PATH argument means; without one, the project around the current folder, or None.

    Raises BadUsage for a path of which nothing is recorded.
    """
    root = recorded_root(database, Path(value or "."))
    if root is None and value is not None:
        raise BadUsage(
            f"Nothing is recorded of {Path(value).absolute()}.",
            "Give the path of a project that `sleepy fix` has seen; `sleepy log` without a path lists all runs.",
        )
    return root
