"""Opens the store, and turns what SQLite complains about into errors that name the remedy.

One connection belongs to one thread. Several processes may use the same file at once: readers never wait (WAL),
writers wait for each other up to `BUSY_TIMEOUT_SECONDS`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sleepy_agent.errors import StoreError
from sleepy_agent.memory.migrations import migrations, unknown_migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

BUSY_TIMEOUT_SECONDS: Final = 10.0

# SQLite's extended result codes carry the primary code in their low byte (sqlite.org/rescode.html).
_PRIMARY_CODE_MASK: Final = 0xFF
_REMEDIES: Final[Mapping[int, tuple[str, str]]] = {
    sqlite3.SQLITE_FULL: (
        "the disk is full",
        "Free some space on that disk and run the same command again.",
    ),
    sqlite3.SQLITE_READONLY: (
        "it cannot be written",
        "Give yourself write permission to the file and its folder (chmod u+w).",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        "Check that its folder exists and that you may write there.",
    ),
    sqlite3.SQLITE_PERM: (
        "access is not permitted",
        "Give yourself read and write permission to the file and its folder (chmod u+rw).",
    ),
    sqlite3.SQLITE_NOTADB: (
        "the file is no SQLite database",
        "Move that file away, and a new store is made in its place.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        "the file is damaged",
        "Move that file away, and a new store is made in its place; `sqlite3 FILE .recover` may save what it held.",
    ),
    sqlite3.SQLITE_BUSY: (
        "another program keeps it locked",
        "Wait until the other sleepy command has ended and run the same command again.",
    ),
    sqlite3.SQLITE_LOCKED: (
        "another part of this program keeps it locked",
        "Run the same command again.",
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk reports an error",
        "Check that disk (is it still there, is it full?) and run the same command again.",
    ),
}
_UNKNOWN_REMEDY: Final = (
    "Run the same command again; if it fails the same way, move that file away and a new store is made."
)


def open_database(path: Path) -> Database:
    """Open the store at `path`, made with its folders where it is missing, brought to the newest shape.

    The file is readable by its owner only, since it holds source code. Raises `StoreError`. The result is a context
    manager that closes itself.
    """
    from sqlite_utils import Database

    with store_errors(path):
        _create_private_file(path)
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS)
    try:
        with store_errors(path):
            # Plugins of sqlite-utils are for its own command line; here they would only cost time and trust.
            database = Database(connection, execute_plugins=False)
            enable_write_ahead_log(connection)
            # A record of what a file was has to be on the disk before that file is written, power cut included.
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA secure_delete=ON")
            _migrate(database, path)
    except BaseException:
        connection.close()
        raise
    return database


@contextlib.contextmanager
def write_transaction(database: Database) -> Iterator[None]:
    """All or nothing: what the block writes is there after it, or nothing is. Raises `StoreError`.

    The write lock is taken at the start, because a transaction that begins by reading cannot wait for
    another writer later: SQLite refuses it at once.
    """
    with store_errors(database_path(database)):
        if database.conn.in_transaction:
            with database.atomic():
                yield
            return
        database.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.conn.execute("COMMIT")
        except BaseException:
            # SQLite itself may have rolled back already (a full disk, for one).
            database.rollback()
            raise


@contextlib.contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise inside the block into a `StoreError` about `path`."""
    try:
        yield
    except sqlite3.Error as error:
        raise _store_error_of_sqlite(path, error) from error
    except OSError as error:
        raise StoreError(
            f"The store {path} cannot be opened: {(error.strerror or str(error)).lower()}.",
            "Check the path, its permissions and the space on that disk, or set another path for the store.",
        ) from error


def database_path(database: Database) -> Path:
    """The file behind an open database; `:memory:` where there is none."""
    row = database.conn.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()
    return Path(row[0] if row and row[0] else ":memory:")


def _create_private_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # A store that was copied or restored may have come with a wider mode. SQLite gives the files beside it
        # (-wal, -shm) the mode of the store itself. Windows has no fchmod, and keeps the folder's own rules.
        if hasattr(os, "fchmod") and os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def enable_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL, waiting for others who open the same new file: SQLite does not wait here by itself."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if _primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _migrate(database: Database, path: Path) -> None:
    # Most opens find nothing to do, and then nobody has to wait for the write lock.
    if not migrations().pending(database) and not unknown_migrations(database):
        return
    with write_transaction(database):
        if newer := unknown_migrations(database):
            raise StoreError(
                f"The store {path} was made by a newer version of Sleepy (it has {newer[-1]}).",
                "Update Sleepy (pip install --upgrade sleepy-coder), or set another path for the store.",
            )
        migrations().apply(database)


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE_MASK


def _store_error_of_sqlite(path: Path, error: sqlite3.Error) -> StoreError:
    reason, remedy = _REMEDIES.get(_primary_code(error), (str(error), _UNKNOWN_REMEDY))
    return StoreError(f"The store {path} cannot be used: {reason}.", remedy)
