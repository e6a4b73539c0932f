"""Which workspace a file belongs to, and when cargo is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from lsp.fakes import cargo_project
from sleepy_lsp.workspaces.driver import WorkspaceDriver
from sleepy_lsp.workspaces.roots import Located, Outside, Workspaces, locate_with_cargo, nearest_manifest_folder


class FakeDriver:
    """What `Workspaces` needs of a driver."""

    def __init__(self, root: Path, *more: Path) -> None:
        self.root = root
        self.source_roots = (root, *more)
        self.is_closed = False

    def covers(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self.source_roots)

    async def close(self) -> None:
        self.is_closed = True


class World:
    """Workspaces with fake drivers, over a table of what cargo would say."""

    def __init__(self, located: dict[str, Located], more: dict[str, list[Path]] | None = None) -> None:
        self.asked: list[Path] = []
        self.located = {Path(folder): what for folder, what in located.items()}
        self.more = more or {}
        self.workspaces = Workspaces(self.start, self.locate)

    def locate(self, folder: Path) -> Located:
        self.asked.append(folder)
        return self.located[folder]

    def start(self, root: Path) -> WorkspaceDriver:
        driver: Any = FakeDriver(root, *self.more.get(str(root), []))
        assert isinstance(driver, FakeDriver)
        made: WorkspaceDriver = driver  # type: ignore[assignment]
        return made


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def test_the_nearest_manifest_is_looked_for_upwards(tmp_path: Path) -> None:
    project = cargo_project(tmp_path / "outer")
    inner = cargo_project(project / "inner")
    assert nearest_manifest_folder(inner / "src") == inner
    assert nearest_manifest_folder(project / "src") == project
    assert nearest_manifest_folder(tmp_path) in {None, *tmp_path.parents}


def write_workspace(folder: Path) -> Path:
    """A workspace with one member, a package that is excluded, and a folder without any."""
    member = cargo_project(folder / "member", lib="")
    cargo_project(folder / "apart", lib="")
    (folder / "Cargo.toml").write_text('[workspace]\nmembers = ["member"]\nexclude = ["apart"]\n', encoding="utf-8")
    return member.parent


@pytest.mark.parametrize(
    ("folder", "root"),
    [("member/src", ""), ("member", ""), ("", ""), ("apart/src", "apart")],
)
def test_cargo_says_which_workspace_it_is(tmp_path: Path, folder: str, root: str) -> None:
    workspace = write_workspace(tmp_path / "workspace")
    assert locate_with_cargo(workspace / folder) == workspace / root


def break_manifest(folder: Path) -> None:
    (folder / "Cargo.toml").write_text("[package\n", encoding="utf-8")


def remove_manifest(folder: Path) -> None:
    (folder / "Cargo.toml").unlink()


@pytest.mark.parametrize(
    ("damage", "words"), [(break_manifest, "Mend the manifest"), (remove_manifest, "no Cargo.toml in")]
)
def test_where_there_is_no_workspace_there_is_a_reason(
    tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    project = cargo_project(tmp_path / "demo")
    damage(project)
    located = locate_with_cargo(project / "src")
    assert isinstance(located, Outside)
    assert words in located.because


def test_one_driver_for_each_root_however_many_ask_at_once() -> None:
    async def work() -> None:
        world = World({"/a/src": Path("/a"), "/a/b/src": Path("/a"), "/c/src": Path("/c")})
        folders = [Path("/a/src"), Path("/a/b/src"), Path("/c/src")] * 3
        drivers = await asyncio.gather(*(world.workspaces.open_for(folder) for folder in folders))
        assert len({id(driver) for driver in drivers}) == 2
        assert sorted(world.asked) == sorted(set(folders))
        assert [driver.root for driver in world.workspaces.all()] == [Path("/a"), Path("/c")]

    run(work())


def test_a_file_is_answered_for_by_its_own_workspace_and_told_to_all_that_use_it() -> None:
    async def work() -> None:
        # /a uses the path dependency /shared, and /a/apart is a workspace of its own inside of it.
        world = World(
            {"/a": Path("/a"), "/a/apart": Path("/a/apart"), "/shared": Path("/shared")}, {"/a": [Path("/shared")]}
        )
        workspaces = world.workspaces
        outer = await workspaces.open_for(Path("/a"))
        assert await workspaces.open_for(Path("/shared")) is outer
        inner = await workspaces.open_for(Path("/a/apart"))
        assert inner is not outer
        assert workspaces.driver_of(Path("/a/lib.rs")) is outer
        assert workspaces.driver_of(Path("/shared/lib.rs")) is outer
        assert workspaces.driver_of(Path("/a/apart/lib.rs")) is inner
        # Files that nobody opened: the workspace nearest to them.
        assert workspaces.driver_of(Path("/a/apart/deep/lib.rs")) is inner
        assert workspaces.driver_of(Path("/a/other/lib.rs")) is outer
        assert workspaces.driver_of(Path("/nowhere/lib.rs")) is None
        assert workspaces.covering(Path("/a/apart/lib.rs")) == (outer, inner)

    run(work())


def test_what_cargo_said_holds_until_a_manifest_changes() -> None:
    async def work() -> None:
        world = World({"/a/src": Outside("no"), "/b/src": Path("/b")})
        workspaces = world.workspaces
        for _ in range(2):
            assert await workspaces.open_for(Path("/a/src")) is None
            assert await workspaces.open_for(Path("/b/src")) is not None
        assert workspaces.why_outside(Path("/a/src/lib.rs")) == "no"
        assert workspaces.driver_of(Path("/a/src/lib.rs")) is None
        world.located[Path("/a/src")] = Path("/a")
        workspaces.manifests_changed([Path("/a/Cargo.toml"), Path("/b/other.toml")])
        assert workspaces.why_outside(Path("/a/src/lib.rs")) is None
        driver = await workspaces.open_for(Path("/a/src"))
        assert driver is not None
        assert await workspaces.open_for(Path("/b/src")) is not None
        assert world.asked == [Path("/a/src"), Path("/b/src"), Path("/a/src")]

    run(work())


def test_what_is_closed_is_started_anew_unless_all_is_closed() -> None:
    async def work() -> None:
        world = World({"/a": Path("/a")})
        workspaces = world.workspaces
        first = await workspaces.open_for(Path("/a"))
        assert first is not None
        assert workspaces.is_settled(Path("/a"))
        await workspaces.close_driver(first)
        assert not workspaces.is_settled(Path("/a"))
        second = await workspaces.open_for(Path("/a"))
        assert second is not first
        await workspaces.close()
        assert [getattr(driver, "is_closed", False) for driver in (first, second)] == [True, True]
        assert await workspaces.open_for(Path("/a")) is None

    run(work())
