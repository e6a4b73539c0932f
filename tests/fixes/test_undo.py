"""`sleepy undo`: everything back as it was before the last run, or nothing touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sleepy_agent.config import Places, find_places
from sleepy_agent.domain import Episode, Outcome
from sleepy_agent.errors import BadUsage, CannotWrite, FileChanged
from sleepy_agent.fixes.undo import undo_last_run
from sleepy_agent.fixes.write import FileChange, write_files
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import EpisodeFilter, list_episodes, record_episodes
from sleepy_agent.memory.runs import RunCounts, begin_run, finish_run, record_written_file

ORIGINAL = {"src/lib.rs": b"\xef\xbb\xbffn f() {}\r\n", "src/other.rs": b"", "Cargo.lock": b"# lock\n"}


@pytest.fixture
def places() -> Places:
    return find_places()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text('[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n')
    for name, text in ORIGINAL.items():
        (folder / name).write_bytes(text)
    return folder


def texts(project: Path) -> dict[str, bytes]:
    return {name: (project / name).read_bytes() for name in ORIGINAL}


def run_that_writes(places: Places, project: Path, new: Mapping[str, bytes], *, cut_off_before: str = "") -> str:
    """What the engine does to the store and the tree; `cut_off_before`: the power fails when this file is due."""
    with open_database(places.store_file) as database:
        run = begin_run(database, project, "sleepy fix --apply")
        changes = [FileChange(project / name, (project / name).read_bytes(), text) for name, text in new.items()]

        def keep(change: FileChange, mode: int) -> None:
            before, after = change.before, change.after
            path = change.path
            record_written_file(database, run.run_id, path, bytes_before=before, bytes_after=after, file_mode=mode)

        if cut_off_before:
            for change in changes:
                keep(change, 0o644)
            for change in changes:
                if change.path.name == cut_off_before:
                    return run.run_id
                change.path.write_bytes(change.after)
        write_files(changes, [project], keep)
        finish_run(database, run.run_id, True, RunCounts())
    return run.run_id


def test_undo_restores_every_file_exactly(project: Path, places: Places) -> None:
    (project / "src/lib.rs").chmod(0o755)
    run_id = run_that_writes(places, project, {"src/lib.rs": b"fn g() {}\n", "src/other.rs": b"// more\n"})
    report = undo_last_run(project, places=places)
    assert texts(project) == ORIGINAL
    assert (project / "src/lib.rs").stat().st_mode & 0o777 == 0o755
    assert report.run_id == run_id
    assert {path.name for path in report.restored} == {"lib.rs", "other.rs"}


def test_undo_from_a_folder_inside(project: Path, places: Places) -> None:
    run_that_writes(places, project, {"src/lib.rs": b"fn g() {}\n"})
    undo_last_run(project / "src", places=places)
    assert texts(project) == ORIGINAL


def test_a_second_undo_takes_the_run_before(project: Path, places: Places) -> None:
    run_that_writes(places, project, {"src/lib.rs": b"one\n", "src/other.rs": b"other\n"})
    run_that_writes(places, project, {"src/lib.rs": b"two\n"})
    undo_last_run(project, places=places)
    assert texts(project) == ORIGINAL | {"src/lib.rs": b"one\n", "src/other.rs": b"other\n"}
    undo_last_run(project, places=places)
    assert texts(project) == ORIGINAL
    with pytest.raises(BadUsage, match="left to undo"):
        undo_last_run(project, places=places)


def test_a_file_changed_since_is_refused_and_nothing_is_touched(project: Path, places: Places) -> None:
    run_that_writes(places, project, {"src/lib.rs": b"one\n", "src/other.rs": b"other\n"})
    (project / "src/other.rs").write_bytes(b"other\nand mine\n")
    before = texts(project)
    with pytest.raises(FileChanged, match=r"other\.rs"):
        undo_last_run(project, places=places)
    assert texts(project) == before
    (project / "src/other.rs").write_bytes(b"other\n")
    undo_last_run(project, places=places)
    assert texts(project) == ORIGINAL


def test_a_file_that_is_gone_is_refused(project: Path, places: Places) -> None:
    # It was empty before the run: gone is not the same as never written.
    run_that_writes(places, project, {"src/lib.rs": b"one\n", "src/other.rs": b"other\n"})
    (project / "src/other.rs").unlink()
    with pytest.raises(FileChanged, match=r"other\.rs is gone"):
        undo_last_run(project, places=places)
    assert (project / "src/lib.rs").read_bytes() == b"one\n"


def test_a_file_that_became_read_only_is_refused(project: Path, places: Places) -> None:
    run_that_writes(places, project, {"src/lib.rs": b"one\n"})
    (project / "src/lib.rs").chmod(0o444)
    with pytest.raises(CannotWrite, match="read-only"):
        undo_last_run(project, places=places)
    assert (project / "src/lib.rs").read_bytes() == b"one\n"


@pytest.mark.parametrize("cut_off_before", ["lib.rs", "other.rs", "Cargo.lock"])
def test_a_run_that_was_cut_off_is_undone_as_far_as_it_came(cut_off_before: str, project: Path, places: Places) -> None:
    new = {"src/lib.rs": b"one\n", "src/other.rs": b"other\n", "Cargo.lock": b"lock\n"}
    run_that_writes(places, project, new, cut_off_before=cut_off_before)
    report = undo_last_run(project, places=places)
    assert texts(project) == ORIGINAL
    assert cut_off_before not in {path.name for path in report.restored}


def test_other_workspaces_are_not_touched(project: Path, places: Places, tmp_path: Path) -> None:
    run_that_writes(places, project, {"src/lib.rs": b"one\n"})
    other = tmp_path / "other"
    other.mkdir()
    (other / "Cargo.toml").write_text("[workspace]\n")
    with pytest.raises(BadUsage, match="left to undo"):
        undo_last_run(other, places=places)
    assert (project / "src/lib.rs").read_bytes() == b"one\n"


def test_a_file_written_through_a_link_is_restored(project: Path, places: Places) -> None:
    (project / "src/linked.rs").symlink_to("lib.rs")
    run_that_writes(places, project, {"src/linked.rs": b"one\n"})
    assert (project / "src/lib.rs").read_bytes() == b"one\n"
    undo_last_run(project, places=places)
    assert texts(project) == ORIGINAL
    assert (project / "src/linked.rs").is_symlink()


def test_accepted_attempts_become_undone(project: Path, places: Places) -> None:
    run_id = run_that_writes(places, project, {"src/lib.rs": b"one\n"})
    outcomes = (Outcome.ACCEPTED, Outcome.DISMISSED, Outcome.NONE)
    with open_database(places.store_file) as database:
        record_episodes(database, [episode(run_id, number, outcome) for number, outcome in enumerate(outcomes)])
    undo_last_run(project, places=places)
    with open_database(places.store_file) as database:
        stored = list_episodes(database, EpisodeFilter(run_id=run_id))
    assert {one.episode.attempt_index: one.episode.outcome for one in stored} == {
        0: Outcome.UNDONE,
        1: Outcome.DISMISSED,
        2: Outcome.NONE,
    }


def episode(run_id: str, number: int, outcome: Outcome) -> Episode:
    return Episode(
        task_id="task",
        run_id=run_id,
        attempt_index=number,
        family="other",
        signature="signature",
        code="E0382",
        message="message",
        source="compiler",
        title="title",
        diff_unified="",
        verdict="The error is gone.",
        passed=True,
        flags=(),
        file="src/lib.rs",
        timestamp="2026-01-01T00:00:00Z",
        wall_clock_milliseconds=1.0,
        steps_to_green=1,
        outcome=outcome,
    )
