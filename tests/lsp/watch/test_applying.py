"""From the edit of a code action to files on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sleepy_agent.config import find_places
from sleepy_agent.errors import CannotWrite, FileChanged
from sleepy_agent.fixes.write import FileChange
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.runs import list_runs
from sleepy_lsp.texts.convert import uri_of_path
from sleepy_lsp.watch.applying import NotApplicable, diff_of, file_changes, source_roots, write_accepted


def text_edit(start: tuple[int, int], end: tuple[int, int], new: str) -> dict[str, Any]:
    places = [{"line": line, "character": character} for line, character in (start, end)]
    return {"range": dict(zip(("start", "end"), places, strict=True)), "newText": new}


def in_documents(path: Path, *edits: dict[str, Any]) -> dict[str, Any]:
    return {"documentChanges": [{"textDocument": {"uri": uri_of_path(path), "version": None}, "edits": list(edits)}]}


@pytest.mark.parametrize(
    ("before", "edits", "encoding", "after"),
    [
        (b"let a = 1;\n", [text_edit((0, 4), (0, 4), "mut ")], "utf-8", b"let mut a = 1;\n"),
        (b"a\nb\n", [text_edit((1, 0), (1, 1), "c"), text_edit((0, 0), (0, 1), "x")], "utf-8", b"x\nc\n"),
        # Several insertions at one place come in the order they stand in.
        (b"x", [text_edit((0, 0), (0, 0), "a"), text_edit((0, 0), (0, 0), "b")], "utf-8", b"abx"),
        ("é = 1".encode(), [text_edit((0, 5), (0, 6), "2")], "utf-8", "é = 2".encode()),
        ("é = 1".encode(), [text_edit((0, 4), (0, 5), "2")], "utf-16", "é = 2".encode()),
        ("\N{CRAB} = 1".encode(), [text_edit((0, 5), (0, 6), "2")], "utf-16", "\N{CRAB} = 2".encode()),
        (b"\xef\xbb\xbfab", [text_edit((0, 0), (0, 1), "c")], "utf-8", b"\xef\xbb\xbfcb"),
        (b"a\r\nb\r\n", [text_edit((0, 1), (1, 0), "\r\nnew\r\n")], "utf-8", b"a\r\nnew\r\nb\r\n"),
        (b"a\n", [text_edit((1, 0), (1, 0), "b\n")], "utf-8", b"a\nb\n"),
    ],
)
def test_edits_become_text(
    before: bytes, edits: list[dict[str, Any]], encoding: str, after: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "a b.rs"
    path.write_bytes(before)
    expected = (FileChange(path, before, after),)
    assert file_changes(in_documents(path, *edits), encoding) == expected
    assert file_changes({"changes": {uri_of_path(path): edits}}, encoding) == expected


def test_an_edit_that_changes_nothing_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "a.rs").write_bytes(b"a")
    assert file_changes(in_documents(tmp_path / "a.rs", text_edit((0, 0), (0, 1), "a")), "utf-8") == ()
    assert file_changes({}, "utf-8") == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda path: in_documents(path, text_edit((0, 0), (0, 3), "x"), text_edit((0, 2), (0, 4), "y")),
        lambda path: in_documents(path, text_edit((0, 3), (0, 1), "x")),
        lambda path: in_documents(path, {"newText": "x"}),
        lambda path: in_documents(path, {"range": None, "newText": "x"}),
        lambda path: {"documentChanges": [{"kind": "delete", "uri": uri_of_path(path)}]},
        lambda path: {"changes": {"untitled:Untitled-1": []}},
        lambda path: {"changes": {uri_of_path(path): "no list"}},
    ],
)
def test_what_is_no_change_of_text_is_not_made(make: Any, tmp_path: Path) -> None:
    (tmp_path / "a.rs").write_bytes(b"abcdef")
    assert isinstance(file_changes(make(tmp_path / "a.rs"), "utf-8"), NotApplicable)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite):
        file_changes(in_documents(tmp_path / "gone.rs", text_edit((0, 0), (0, 0), "x")), "utf-8")


def test_a_run_is_kept_with_what_it_did(tmp_path: Path) -> None:
    places = find_places({"SLEEPY_HOME": str(tmp_path / "home")})
    path = tmp_path / "a.rs"
    path.write_bytes(b"old\n")
    change = FileChange(path, b"old\n", b"new\n")
    assert diff_of([change], tmp_path).splitlines()[-2:] == ["-old", "+new"]
    write_accepted([change], tmp_path, places, problems_before=3, problems_after=2)
    assert path.read_bytes() == b"new\n"
    with pytest.raises(FileChanged):
        write_accepted([change], tmp_path, places, problems_before=2, problems_after=0)
    with open_database(places.store_file) as database:
        failed, written = list_runs(database)
    assert (written.command, written.green, written.counts.fixes_applied) == ("sleepy watch", False, 1)
    assert (failed.green, failed.counts.fixes_applied, failed.counts.problems_after) == (False, 0, 2)


def test_a_package_beside_the_workspace_may_be_written(tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    (beside / "src").mkdir(parents=True)
    (beside / "Cargo.toml").write_bytes(b"")
    root = tmp_path / "workspace"
    changes = [FileChange(folder / "src/lib.rs", b"", b"x") for folder in (root, beside)]
    assert source_roots(changes, root) == (root, beside)
    assert source_roots([FileChange(tmp_path / "lone.rs", b"", b"x")], root) == (root,)
