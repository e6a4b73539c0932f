"""Runs and what they wrote, so that the last can be undone exactly."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlite_utils import Database

from sleepy_agent.memory.runs import (
    RunCounts,
    begin_run,
    finish_run,
    last_undoable_run,
    list_runs,
    mark_undone,
    record_written_file,
)

CONTENTS = [
    pytest.param(b"\xef\xbb\xbffn main() {\r\n}\r\n", id="BOM and CRLF"),
    pytest.param(b"\xff\x00 no text", id="not text"),
    pytest.param(b"", id="empty"),
]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_run_is_remembered(database: Database, tmp_path: Path) -> None:
    begun = begin_run(database, tmp_path, "sleepy fix --apply --header 'Bearer abcdef0123456789'")
    assert list_runs(database) == (begun,)
    assert (begun.finished, begun.green, begun.counts) == (None, None, RunCounts())
    assert begun.command == "sleepy fix --apply --header 'Bearer [redacted:authorization-header]'"
    counts = RunCounts(problems_before=4, problems_after=1, fixes_applied=3, attempts=9)
    finish_run(database, begun.run_id, green=False, counts=counts)
    (finished,) = list_runs(database)
    assert finished.counts == counts
    assert finished.green is False
    assert finished.finished is not None
    assert finished.finished >= begun.started


@pytest.mark.parametrize("before", CONTENTS)
def test_the_bytes_from_before_come_back_exactly(database: Database, tmp_path: Path, before: bytes) -> None:
    run = begin_run(database, tmp_path, "sleepy fix")
    file = tmp_path / "src" / "lib.rs"
    written = record_written_file(
        database, run.run_id, file, bytes_before=before, bytes_after=b"after", file_mode=0o100755
    )
    undoable = last_undoable_run(database, tmp_path)
    assert undoable is not None
    assert undoable.run == run
    assert undoable.files == (written,)
    assert (written.path, written.bytes_before, written.file_mode) == (file, before, 0o755)
    assert (written.sha256_before, written.sha256_after) == (sha256(before), sha256(b"after"))


def test_a_file_written_twice_goes_back_to_the_beginning(database: Database, tmp_path: Path) -> None:
    run = begin_run(database, tmp_path, "sleepy fix")
    file = tmp_path / "lib.rs"
    record_written_file(database, run.run_id, file, bytes_before=b"one", bytes_after=b"two", file_mode=0o644)
    again = record_written_file(database, run.run_id, file, bytes_before=b"two", bytes_after=b"three", file_mode=0o600)
    undoable = last_undoable_run(database, tmp_path)
    assert undoable is not None
    assert undoable.files == (again,)
    assert (again.bytes_before, again.sha256_before, again.file_mode) == (b"one", sha256(b"one"), 0o644)
    assert again.sha256_after == sha256(b"three")


def test_the_last_run_of_this_repository_that_wrote_is_undone_first(database: Database, tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    first, second, elsewhere_run = (begin_run(database, root, "sleepy fix") for root in (here, here, elsewhere))
    for run in (first, second, elsewhere_run):
        record_written_file(database, run.run_id, here / "lib.rs", bytes_before=b"a", bytes_after=b"b", file_mode=0o644)
    # A run that wrote nothing has nothing to undo.
    begin_run(database, here, "sleepy fix --dry-run")
    found = []
    while (undoable := last_undoable_run(database, here)) is not None:
        found.append(undoable.run.run_id)
        mark_undone(database, undoable.run.run_id)
    assert found == [second.run_id, first.run_id]
    assert [run.undone is not None for run in list_runs(database, here)] == [False, True, True]
    assert last_undoable_run(database, elsewhere) is not None


def test_runs_are_listed_newest_first(database: Database, tmp_path: Path) -> None:
    runs = [begin_run(database, tmp_path / name, name) for name in ("a", "b", "a")]
    assert [run.run_id for run in list_runs(database)] == [run.run_id for run in reversed(runs)]
    assert [run.run_id for run in list_runs(database, tmp_path / "a", limit=1)] == [runs[2].run_id]


def test_a_repository_whose_name_is_no_unicode_is_found_again(database: Database, tmp_path: Path) -> None:
    root = tmp_path / "caf\udce9"
    run = begin_run(database, root, "sleepy fix")
    record_written_file(database, run.run_id, root / "l\udce9.rs", bytes_before=b"a", bytes_after=b"b", file_mode=0o644)
    undoable = last_undoable_run(database, root)
    assert undoable is not None
    assert undoable.run.repository_root == root
    assert undoable.files[0].path == root / "l\udce9.rs"
