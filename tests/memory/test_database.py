"""The store opens privately, for several at once, and says what to do when it cannot."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from sleepy_agent.errors import StoreError
from sleepy_agent.memory.database import (
    database_path,
    enable_write_ahead_log,
    open_database,
    store_errors,
    write_transaction,
)
from sleepy_agent.memory.episodes import count_episodes, record_episodes
from sleepy_agent.memory.migrations import STEPS, migrations, unknown_migrations

from .examples import EPISODE


def test_a_new_store_is_private_and_waits_for_others(store_path: Path, database: Database) -> None:
    assert database.journal_mode == "wal"
    assert database.execute("PRAGMA busy_timeout").fetchone()[0] == 10_000
    assert database.execute("PRAGMA secure_delete").fetchone()[0] == 1
    # 2 is FULL: on the disk when the transaction ends.
    assert database.execute("PRAGMA synchronous").fetchone()[0] == 2
    record_episodes(database, [EPISODE])
    beside = sorted(store_path.parent.iterdir())
    assert [path.name for path in beside] == ["store.db", "store.db-shm", "store.db-wal"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in beside} == {0o600}
    assert stat.S_IMODE(store_path.parent.stat().st_mode) == 0o700
    assert database_path(database) == store_path


def test_a_store_with_a_wider_mode_is_made_private_again(store_path: Path) -> None:
    open_database(store_path).close()
    store_path.chmod(0o644)
    open_database(store_path).close()
    assert stat.S_IMODE(store_path.stat().st_mode) == 0o600


def test_a_store_keeps_what_it_holds_when_opened_again(store_path: Path) -> None:
    with open_database(store_path) as first:
        record_episodes(first, [EPISODE])
    with open_database(store_path) as second:
        assert count_episodes(second).total == 1
        assert [step.name for step in migrations().applied(second)] == [name for name, _ in STEPS]


def test_released_steps_stay_as_they_are(database: Database) -> None:
    # Append to this list; what stands in it is in files out there.
    assert [name for name, _ in STEPS] == ["0001_episodes", "0002_runs", "0003_pending_outcomes"]
    assert {table.name for table in database.tables} == {
        "_sqlite_migrations",
        "episodes",
        "pending_outcomes",
        "runs",
        "written_files",
    }


def test_a_store_of_an_older_program_is_brought_up_to_date(store_path: Path) -> None:
    store_path.parent.mkdir(parents=True)
    with Database(store_path) as old:
        migrations(STEPS[:1]).apply(old)
        record_episodes(old, [EPISODE])
    with open_database(store_path) as new:
        assert count_episodes(new).total == 1
        assert new.table("runs").exists()


def test_a_store_of_a_newer_program_is_refused_unharmed(store_path: Path) -> None:
    def from_the_future(database: Database) -> None:
        database.table("dreams").create({"id": int}, pk="id")

    with open_database(store_path) as newer:
        migrations((*STEPS, ("9999_dreams", from_the_future))).apply(newer)
        assert unknown_migrations(newer) == ("9999_dreams",)
    with pytest.raises(StoreError, match=r"newer version of Sleepy.*9999_dreams") as caught:
        open_database(store_path)
    assert "Update Sleepy" in caught.value.remedy
    # The refused connection is closed already: the files beside the store live as long as a connection does.
    assert [path.name for path in store_path.parent.iterdir()] == ["store.db"]
    with Database(store_path) as untouched:
        assert untouched.table("dreams").exists()


def test_a_migration_that_fails_leaves_nothing_behind(store_path: Path) -> None:
    def breaks_off(database: Database) -> None:
        database.table("half").create({"id": int}, pk="id")
        raise ValueError("in the middle")

    with open_database(store_path) as opened:
        with pytest.raises(ValueError, match="in the middle"):
            migrations((*STEPS, ("0004_breaks_off", breaks_off))).apply(opened)
        assert not opened.table("half").exists()
        assert unknown_migrations(opened) == ()


def file_in_the_way(path: Path) -> None:
    path.parent.parent.mkdir(parents=True)
    path.parent.write_text("not a folder")


def folder_in_its_place(path: Path) -> None:
    path.mkdir(parents=True)


def other_text(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("This is a letter to a friend, and it is longer than SQLite's header of a hundred bytes is. " * 20)


def damaged(path: Path) -> None:
    open_database(path).close()
    content = bytearray(path.read_bytes())
    # Behind the header of the file: the root page of the schema.
    content[100:4096] = b"\xff" * (4096 - 100)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("prepare", "reason", "remedy"),
    [
        (file_in_the_way, "cannot be opened", "Check the path"),
        (folder_in_its_place, "cannot be opened", "Check the path"),
        (other_text, "no SQLite database", "Move that file away"),
        (damaged, "damaged", "Move that file away"),
    ],
)
def test_a_store_that_cannot_be_opened_says_why(
    store_path: Path, prepare: Callable[[Path], None], reason: str, remedy: str
) -> None:
    prepare(store_path)
    with pytest.raises(StoreError) as caught:
        open_database(store_path)
    assert reason in caught.value.message
    assert str(store_path) in caught.value.message
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("pragma", "reason", "remedy"),
    [
        # SQLite itself then reports what it reports for a full disk and for a file without write permission.
        ("PRAGMA max_page_count = 1", "the disk is full", "Free some space"),
        ("PRAGMA query_only = ON", "cannot be written", "write permission"),
    ],
)
def test_a_store_that_cannot_be_written_says_why(database: Database, pragma: str, reason: str, remedy: str) -> None:
    database.execute(pragma).fetchall()
    large = [EPISODE] * 200
    with pytest.raises(StoreError) as caught:
        record_episodes(database, large)
    assert reason in caught.value.message
    assert remedy in caught.value.remedy
    assert count_episodes(database).total == 0
    assert not database.conn.in_transaction


def test_a_store_that_another_keeps_locked_says_so(store_path: Path, database: Database) -> None:
    database.execute("PRAGMA busy_timeout = 0").fetchall()
    with open_database(store_path) as other, write_transaction(other):
        with pytest.raises(StoreError, match="locked") as caught:
            record_episodes(database, [EPISODE])
        # Readers do not wait for writers.
        assert count_episodes(database).total == 0
    assert "other sleepy command" in caught.value.remedy


def test_an_error_without_a_remedy_of_its_own_still_has_one(store_path: Path) -> None:
    with pytest.raises(StoreError, match="something new") as caught, store_errors(store_path):
        raise sqlite3.OperationalError("something new")
    assert caught.value.remedy


def test_a_transaction_is_all_or_nothing_and_may_stand_in_another(database: Database) -> None:
    with pytest.raises(KeyboardInterrupt), write_transaction(database):
        record_episodes(database, [EPISODE])
        raise KeyboardInterrupt
    assert count_episodes(database).total == 0
    with write_transaction(database):
        record_episodes(database, [EPISODE])
    assert count_episodes(database).total == 1


class BusyAtFirst(sqlite3.Connection):
    """A connection whose first statement meets another process that is just making the same file."""

    refusals = 1

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        if self.refusals > 0:
            self.refusals -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return super().execute(*arguments)


def test_opening_waits_for_another_who_makes_the_same_file(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "store.db", factory=BusyAtFirst)
    enable_write_ahead_log(connection)
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    connection.close()


WRITER = """
import sys
from collections.abc import Callable
from pathlib import Path
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.runs import begin_run
sys.stdin.read()
with open_database(Path(sys.argv[1])) as database:
    for number in range(20):
        begin_run(database, Path(sys.argv[1]).parent, f"run {number}")
"""


def test_several_processes_may_make_and_write_the_same_new_store(store_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store_path)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )
        for _ in range(4)
    ]
    # They all start when their input ends, which is when every one of them is there.
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    complaints = []
    for writer in writers:
        assert writer.stderr is not None
        complaints.append(writer.stderr.read())
        writer.stderr.close()
        writer.wait(timeout=60)
    assert complaints == ["", "", "", ""]
    with open_database(store_path) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone()[0] == 80


def test_opening_modules_of_the_store_does_not_load_sqlite_utils() -> None:
    # It takes a tenth of a second, which `sleepy --help` does not have.
    program = (
        "import sys, sleepy_agent.memory.database, sleepy_agent.memory.episodes, sleepy_agent.memory.runs,"
        " sleepy_agent.memory.export; print('sqlite_utils' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
