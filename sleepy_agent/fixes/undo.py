"""Take the last run of `sleepy fix` back, exactly, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sleepy_agent.cargo.workspace import find_workspace_root
from sleepy_agent.checksums import sha256_of_text
from sleepy_agent.config import Places
from sleepy_agent.domain import Outcome
from sleepy_agent.errors import BadUsage, FileChanged, cannot_write
from sleepy_agent.fixes.write import FileChange, write_files
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import EpisodeFilter, list_episodes, set_outcome
from sleepy_agent.memory.runs import last_undoable_run, mark_undone, record_written_file

if TYPE_CHECKING:
    from sqlite_utils import Database


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What was taken back."""

    run_id: str
    restored: tuple[Path, ...]


def keeping_for_undo(database: Database, run_id: str) -> Callable[[FileChange, int], None]:
    """What `write_files` calls before each file: its bytes and mode are kept under a run, so that it can be undone."""

    def keep(change: FileChange, mode: int) -> None:
        record_written_file(
            database, run_id, change.path, bytes_before=change.before, bytes_after=change.after, file_mode=mode
        )

    return keep


def undo_last_run(path: Path, *, places: Places) -> UndoReport:
    """Restore every file the last run in this workspace wrote.

    Raises BadUsage where there is no such run, FileChanged where a file is no longer what the run made of
    it (nothing is touched then), CannotWrite and StoreError.
    """
    root = find_workspace_root(path if path.is_dir() else path.parent)
    with open_database(places.store_file) as database:
        found = last_undoable_run(database, root)
        if found is None:
            raise BadUsage(
                f"No run of `sleepy fix` in {root} is left to undo.",
                "`sleepy log` lists the runs and what became of them.",
            )
        changes = []
        for written in found.files:
            try:
                current = written.path.read_bytes()
            except FileNotFoundError as error:
                raise FileChanged(
                    f"{written.path} is gone since that run, so nothing was undone.",
                    "Bring it back first, or undo by hand with your version control.",
                ) from error
            except OSError as error:
                raise cannot_write(written.path, error) from error
            if sha256_of_text(current) == written.sha256_before:
                # The run was cut off before it wrote this file.
                continue
            if sha256_of_text(current) != written.sha256_after:
                raise FileChanged(
                    f"{written.path} has changed since that run, so nothing was undone.",
                    "Take your later change of it back first, or undo by hand with your version control.",
                )
            changes.append(FileChange(written.path, current, written.bytes_before))
        folders = sorted({change.path.parent for change in changes})
        write_files(changes, folders, lambda _change, _mode: None)
        accepted = [
            stored.episode_id
            for stored in list_episodes(database, EpisodeFilter(run_id=found.run.run_id))
            if stored.episode.outcome == Outcome.ACCEPTED
        ]
        set_outcome(database, accepted, Outcome.UNDONE)
        mark_undone(database, found.run.run_id)
    return UndoReport(found.run.run_id, tuple(change.path for change in changes))
