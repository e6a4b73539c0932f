"""From the edit of a code action to files on the disk, the way `sleepy fix` writes, so that `sleepy undo` works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sleepy_agent.code.edits import unified_diff
from sleepy_agent.config import Places
from sleepy_agent.errors import cannot_write
from sleepy_agent.fixes.undo import keeping_for_undo
from sleepy_agent.fixes.write import FileChange, write_files
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.runs import RunCounts, begin_run, finish_run
from sleepy_lsp.texts.convert import path_of_uri
from sleepy_lsp.texts.line_index import LineIndex, line_index

COMMAND = "sleepy watch"


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """An edit that cannot be made, and why."""

    reason: str


def file_changes(edit: Mapping[str, Any], encoding: str) -> tuple[FileChange, ...] | NotApplicable:
    """A workspace edit (LSP 3.17, `WorkspaceEdit`) as whole files, made from what lies on the disk now.

    Raises CannotWrite for a file that cannot be read.
    """
    changes = []
    for uri, text_edits in edits_by_uri(edit):
        path = path_of_uri(uri) if isinstance(uri, str) else None
        if path is None or not isinstance(text_edits, list):
            return NotApplicable("the edit does something else than change the text of files")
        try:
            before = path.read_bytes()
        except OSError as error:
            raise cannot_write(path, error) from error
        after = edited(line_index(before), text_edits, encoding)
        if after is None:
            return NotApplicable(f"the edits of {path} are not what the protocol allows")
        changes.append(FileChange(path, before, after))
    return tuple(change for change in changes if change.before != change.after)


def edits_by_uri(edit: Mapping[str, Any]) -> Iterable[tuple[Any, Any]]:
    """The text edits of each document, in both forms that the protocol has. Other operations have no URI."""
    if isinstance(documents := edit.get("documentChanges"), list):
        return [(one.get("textDocument", {}).get("uri"), one.get("edits")) for one in documents]
    return list((edit.get("changes") or {}).items())


def edited(index: LineIndex, text_edits: Iterable[Mapping[str, Any]], encoding: str) -> bytes | None:
    """The text after its edits, which all speak of the text before. None where they meet, or are malformed."""
    pieces: list[bytes] = []
    done = 0
    try:
        placed = sorted(
            (
                tuple(index.offset(int(end["line"]), int(end["character"]), encoding) for end in ends_of(edit)),
                place,
                str(edit["newText"]).encode(),
            )
            for place, edit in enumerate(text_edits)
        )
        for (start, end), _, new in placed:
            if start < done or end < start:
                return None
            pieces += [index.text[done:start], new]
            done = end
    except (KeyError, TypeError, ValueError):
        return None
    return b"".join([*pieces, index.text[done:]])


def ends_of(edit: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return edit["range"]["start"], edit["range"]["end"]


def diff_of(changes: Iterable[FileChange], root: Path) -> str:
    """What is written, as a unified diff."""
    listed = tuple(changes)
    return unified_diff(
        {change.path: change.before for change in listed}, {change.path: change.after for change in listed}, root
    )


def write_accepted(
    changes: Sequence[FileChange], root: Path, places: Places, *, problems_before: int, problems_after: int
) -> None:
    """Write all files or none, as a run of its own that `sleepy undo` takes back.

    Raises FileChanged, CannotWrite or StoreError; then nothing was written.
    """
    with open_database(places.store_file) as database:
        run = begin_run(database, root, COMMAND)
        is_written = False
        try:
            write_files(changes, source_roots(changes, root), keeping_for_undo(database, run.run_id))
            is_written = True
        finally:
            fixed = problems_before - problems_after if is_written else 0
            counts = RunCounts(problems_before, problems_before - fixed, fixed, attempts=fixed)
            finish_run(database, run.run_id, is_written and problems_after == 0, counts)


def source_roots(changes: Iterable[FileChange], root: Path) -> tuple[Path, ...]:
    """Where may be written: in the workspace, and in the packages beside it that have one of the changed files.

    The server offers changes of the user's own packages only; this keeps a link that leaves its package from being
    followed.
    """
    outside = (change.path for change in changes if not change.path.is_relative_to(root))
    packages = (
        next((folder for folder in path.parents if (folder / "Cargo.toml").is_file()), None) for path in outside
    )
    return tuple(dict.fromkeys([root, *(package for package in packages if package is not None)]))
