"""Which changes on the disk are told, and how often."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sleepy_lsp.watch.files import FileChangeType, KnownStates, files_that_matter, matters, watching_tree

PATIENCE_SECONDS = 20


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("src/lib.rs", True),
        ("build.rs", True),
        ("Cargo.toml", True),
        ("crates/a/Cargo.toml", True),
        ("Cargo.lock", True),
        (".sleepyignore", True),
        ("src/.sleepyignore", True),
        ("rust-toolchain.toml", True),
        (".git/HEAD", True),
        (".cargo/config.toml", True),
        ("README.md", False),
        ("target/debug/build/x/out/a.rs", False),
        ("crates/a/target/package/a.rs", False),
        (".git/index", False),
        (".git/modules/x/HEAD", False),
        (".hidden/a.rs", False),
        ("target/.git/HEAD", False),
        ("src/.lib.rs.abc.sleepy", False),
    ],
)
def test_what_matters(name: str, expected: bool, tmp_path: Path) -> None:
    assert matters(tmp_path / name, tmp_path) is expected


def test_nothing_outside_the_tree_matters(tmp_path: Path) -> None:
    assert not matters(tmp_path / "a.rs", tmp_path / "project")


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, encoding="utf-8")


def test_the_files_of_a_tree(tmp_path: Path) -> None:
    write(
        tmp_path,
        "src/a.rs",
        "Cargo.toml",
        ".git/HEAD",
        "notes.txt",
        "target/a.rs",
        "built/a.rs",
        "built/.rustc_info.json",
    )
    found = {path.relative_to(tmp_path).as_posix() for path in files_that_matter(tmp_path, tmp_path)}
    assert found == {"src/a.rs", "Cargo.toml"}


def test_a_change_is_told_once(tmp_path: Path) -> None:
    write(tmp_path, "a.rs", "b.rs")
    states = KnownStates([tmp_path / "a.rs", tmp_path / "b.rs"])
    assert states.changes([tmp_path / "a.rs", tmp_path / "b.rs"]) == []
    (tmp_path / "a.rs").write_text("longer than before", encoding="utf-8")
    (tmp_path / "b.rs").unlink()
    write(tmp_path, "c.rs")
    asked = [tmp_path / name for name in ("a.rs", "b.rs", "c.rs", "never there.rs")]
    assert states.changes(asked) == [
        (tmp_path / "a.rs", FileChangeType.CHANGED),
        (tmp_path / "b.rs", FileChangeType.DELETED),
        (tmp_path / "c.rs", FileChangeType.CREATED),
    ]
    assert states.changes(asked) == []
    write(tmp_path, "b.rs")
    assert states.changes(asked) == [(tmp_path / "b.rs", FileChangeType.CREATED)]


class Heard:
    """Collects what is told, and waits for it."""

    def __init__(self) -> None:
        self.paths: set[Path] = set()
        self._news = asyncio.Event()

    def __call__(self, paths: frozenset[Path]) -> None:
        self.paths |= paths
        self._news.set()

    async def until(self, wanted: set[Path]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not wanted <= self.paths:
                self._news.clear()
                await self._news.wait()


def run_watching(root: Path, act: Callable[[Path], None], wanted: set[str]) -> set[str]:
    """What is told while `act` changes the tree, up to the moment when everything `wanted` was told."""

    async def watch() -> set[Path]:
        heard = Heard()
        with watching_tree(root, heard):
            await asyncio.to_thread(act, root)
            await heard.until({root / name for name in wanted})
        return heard.paths

    return {path.relative_to(root).as_posix() for path in asyncio.run(watch())}


def change_several(root: Path) -> None:
    write(
        root, "target/debug/a.rs", "src/notes.txt", ".git/index", "src/lib.rs", "Cargo.toml", ".git/HEAD", "src/new.rs"
    )


def replace_by_renaming(root: Path) -> None:
    write(root, "src/.lib.rs.swap")
    (root / "src/.lib.rs.swap").replace(root / "src/lib.rs")


def make_a_folder(root: Path) -> None:
    write(root, "crates/one/src/lib.rs", "crates/one/Cargo.toml")


def remove_a_folder(root: Path) -> None:
    shutil.rmtree(root / "src")


def remove_and_make_again(root: Path) -> None:
    shutil.rmtree(root / "src")
    write(root, "src/again.rs")


def rename_a_module(root: Path) -> None:
    (root / "src/deep").rename(root / "src/deeper")


@pytest.mark.parametrize(
    ("act", "wanted"),
    [
        (change_several, {"src/lib.rs", "Cargo.toml", ".git/HEAD", "src/new.rs"}),
        (replace_by_renaming, {"src/lib.rs"}),
        (make_a_folder, {"crates/one/src/lib.rs", "crates/one/Cargo.toml"}),
        (remove_a_folder, {"src/lib.rs", "src/deep/a.rs"}),
        (remove_and_make_again, {"src/lib.rs", "src/again.rs"}),
        (rename_a_module, {"src/deep/a.rs", "src/deeper/a.rs"}),
    ],
)
def test_changes_are_told(act: Callable[[Path], None], wanted: set[str], tmp_path: Path) -> None:
    write(tmp_path, "src/lib.rs", "src/deep/a.rs", "Cargo.toml", ".git/HEAD", "target/debug/b.rs")
    told = run_watching(tmp_path, act, wanted)
    assert told <= wanted | {"src/lib.rs", "src/deep/a.rs"}, "nothing else matters"


def test_a_folder_made_again_is_watched(tmp_path: Path) -> None:
    write(tmp_path, "src/lib.rs")

    async def watch() -> None:
        heard = Heard()
        with watching_tree(tmp_path, heard):
            await asyncio.to_thread(remove_and_make_again, tmp_path)
            await heard.until({tmp_path / "src/again.rs"})
            await asyncio.to_thread(write, tmp_path, "src/later.rs")
            await heard.until({tmp_path / "src/later.rs"})

    asyncio.run(watch())
