"""A mirror shows the user's tree with an overlay over it, and never writes through to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cargo.projects import tree_bytes
from sleepy_agent.cargo.overlay import (
    Mirror,
    Placement,
    copy_now,
    is_copy_of,
    is_link_to,
    link_or_copy,
    mirrored,
    unmirrored,
)

LINKS = Placement(link_or_copy, is_link_to)
HARD_LINKS = Placement(os.link, is_link_to)
COPIES = Placement(copy_now, is_copy_of)


@pytest.fixture(params=[LINKS, HARD_LINKS, COPIES], ids=["links", "hard links", "copies"])
def placement(request: pytest.FixtureRequest) -> Placement:
    found: Placement = request.param
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "a tree with spaces and \u00fcml\u00e4uts \U0001f980"
    (root / "src").mkdir(parents=True)
    (root / "src/lib.rs").write_text("one")
    (root / "src/other.rs").write_text("two")
    (root / "target").mkdir()
    (root / "target/made.rs").write_text("made")
    (root / ".git").mkdir()
    (root / ".git/HEAD").write_text("ref")
    return root


def shown(mirror: Mirror, root: Path) -> dict[str, str]:
    folder = mirrored(mirror.mirror_root, root)
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def new_mirror(tmp_path: Path, tree: Path, placement: Placement) -> Mirror:
    mirror = Mirror(tmp_path / "mirror", (tree,), (tree / "target",), placement)
    mirror.synchronise()
    return mirror


def test_it_shows_the_sources_and_nothing_built(tmp_path: Path, tree: Path, placement: Placement) -> None:
    assert shown(new_mirror(tmp_path, tree, placement), tree) == {"src/lib.rs": "one", "src/other.rs": "two"}


def test_laid_texts_are_seen_there_only_and_turn_back(tmp_path: Path, tree: Path, placement: Placement) -> None:
    before = tree_bytes(tree)
    mirror = new_mirror(tmp_path, tree, placement)
    mirror.lay({tree / "src/lib.rs": b"laid", tree / "src/new/file.rs": b"new"})
    assert shown(mirror, tree) == {"src/lib.rs": "laid", "src/other.rs": "two", "src/new/file.rs": "new"}
    assert tree_bytes(tree) == before
    mirror.lay({tree / "src/other.rs": b"laid too"})
    assert shown(mirror, tree) == {"src/lib.rs": "one", "src/other.rs": "laid too"}
    mirror.lay({})
    assert shown(mirror, tree) == {"src/lib.rs": "one", "src/other.rs": "two"}
    assert tree_bytes(tree) == before


def test_what_a_crashed_process_left_turns_back(tmp_path: Path, tree: Path, placement: Placement) -> None:
    new_mirror(tmp_path, tree, placement).lay({tree / "src/lib.rs": b"laid", tree / "src/gone.rs": b"left"})
    assert shown(new_mirror(tmp_path, tree, placement), tree) == {"src/lib.rs": "one", "src/other.rs": "two"}


def test_the_users_own_changes_are_seen(tmp_path: Path, tree: Path, placement: Placement) -> None:
    mirror = new_mirror(tmp_path, tree, placement)
    (tree / "src/other.rs").unlink()
    (tree / "src/lib.rs").write_text("changed")
    (tree / "src/third.rs").write_text("three")
    mirror.synchronise()
    assert shown(mirror, tree) == {"src/lib.rs": "changed", "src/third.rs": "three"}


def refusing(_source: object, _target: object) -> None:
    raise OSError("not on this file system")


@pytest.mark.parametrize("refused", [("symlink",), ("symlink", "link")], ids=["no symbolic links", "no links at all"])
def test_without_links_there_are_copies(
    refused: tuple[str, ...], tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in refused:
        monkeypatch.setattr(os, name, refusing)
    mirror = new_mirror(tmp_path, tree, LINKS)
    before = tree_bytes(tree)
    mirror.lay({tree / "src/lib.rs": b"laid"})
    assert shown(mirror, tree) == {"src/lib.rs": "laid", "src/other.rs": "two"}
    assert tree_bytes(tree) == before
    mirror.lay({})
    mirror.synchronise()
    assert shown(mirror, tree) == {"src/lib.rs": "one", "src/other.rs": "two"}


def test_paths_go_to_the_mirror_and_back(tmp_path: Path, tree: Path) -> None:
    path = tree / "src/lib.rs"
    assert unmirrored(tmp_path / "mirror", mirrored(tmp_path / "mirror", path)) == path
    assert unmirrored(tmp_path / "mirror", path) == path


def test_a_folder_that_is_a_link_to_its_parent_ends(tmp_path: Path, tree: Path) -> None:
    (tree / "src/loop").symlink_to(tree)
    assert shown(new_mirror(tmp_path, tree, LINKS), tree) == {"src/lib.rs": "one", "src/other.rs": "two"}
