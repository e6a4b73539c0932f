"""Which cargo workspace a file belongs to, and the drivers of all of them.

Cargo is asked for the root of a workspace, in a thread; what it said is kept until a manifest comes or goes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.errors import SleepyError
from sleepy_lsp.texts.source_paths import MANIFEST_NAME
from sleepy_lsp.workspaces.driver import WorkspaceDriver

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outside:
    """A file that no work is done for, and why."""

    because: str


Located = Path | Outside
"""The root of the workspace of a folder, or why there is none."""

Locate = Callable[[Path], Located]
"""Finds the root of the workspace of a folder. Slow: runs cargo."""


def nearest_manifest_folder(folder: Path) -> Path | None:
    """The first folder with a manifest, upwards from `folder`."""
    return next((one for one in (folder, *folder.parents) if (one / MANIFEST_NAME).is_file()), None)


def locate_with_cargo(folder: Path) -> Located:
    """The root of the cargo workspace of a folder, as cargo says."""
    from sleepy_agent.cargo.workspace import find_workspace_root

    manifest_folder = nearest_manifest_folder(folder)
    if manifest_folder is None:
        return Outside(f"there is no {MANIFEST_NAME} in {folder} or above it")
    try:
        return find_workspace_root(manifest_folder)
    except SleepyError as error:
        return Outside(f"{error.message} {error.remedy}")


class Workspaces:
    """The owner of the drivers. `start` makes the driver of a root."""

    def __init__(self, start: Callable[[Path], WorkspaceDriver], locate: Locate = locate_with_cargo) -> None:
        self._start = start
        self._locate = locate
        self._drivers: dict[Path, WorkspaceDriver] = {}
        self._located: dict[Path, Located] = {}
        """What is known of folders."""
        self._asked: dict[Path, asyncio.Future[Located]] = {}
        self._closed = False

    def all(self) -> tuple[WorkspaceDriver, ...]:
        """Every driver, the first one started in front."""
        return tuple(self._drivers.values())

    def covering(self, path: Path) -> tuple[WorkspaceDriver, ...]:
        """The drivers that have a file among their sources: each must hear of its changes."""
        return tuple(driver for driver in self._drivers.values() if driver.covers(path))

    def driver_of(self, path: Path) -> WorkspaceDriver | None:
        """The driver that answers for a file; None as long as it is not known, and where there is none."""
        root = self._located.get(path.parent)
        if isinstance(root, Path) and root in self._drivers:
            return self._drivers[root]
        if isinstance(root, Outside):
            return None
        # A path dependency of some workspace, or a file that nobody opened: the workspace nearest to it.
        return max(self.covering(path), key=lambda driver: len(driver.root.parts), default=None)

    def is_settled(self, folder: Path) -> bool:
        """Whether the workspace of a folder is known and has its driver."""
        root = self._located.get(folder)
        return isinstance(root, Path) and any(
            driver.root == root or root in driver.source_roots for driver in self._drivers.values()
        )

    def why_outside(self, path: Path) -> str | None:
        """Why nothing is done for a file, where that is known."""
        located = self._located.get(path.parent)
        return located.because if isinstance(located, Outside) else None

    async def open_for(self, folder: Path) -> WorkspaceDriver | None:
        """The driver of the workspace of a folder, started where it does not run yet; None where there is none."""
        located = await self._ask(folder)
        if isinstance(located, Outside) or self._closed:
            return None
        driver = self._drivers.get(located)
        if driver is None:
            # A path dependency outside the workspace that uses it is no workspace to be worked on twice.
            users = [one for one in self._drivers.values() if located in one.source_roots]
            driver = users[0] if users else self._drivers.setdefault(located, self._start(located))
        return driver

    def manifests_changed(self, paths: Iterable[Path]) -> None:
        """Manifests came, went or changed: what cargo said of the folders below may no longer hold."""
        folders = {path.parent for path in paths if path.name == MANIFEST_NAME}
        for folder in folders:
            for known in [one for one in self._located if one == folder or one.is_relative_to(folder)]:
                del self._located[known]

    def forget_outside(self, folder: Path) -> None:
        """Ask cargo again for a folder without a workspace: what was broken may be mended."""
        if isinstance(self._located.get(folder), Outside):
            del self._located[folder]

    async def close_driver(self, driver: WorkspaceDriver) -> None:
        """End one driver; it is started anew when a document of its workspace is opened."""
        self._drivers.pop(driver.root, None)
        await driver.close()

    async def close(self) -> None:
        """End everything."""
        self._closed = True
        drivers, self._drivers = list(self._drivers.values()), {}
        endings: list[Awaitable[None]] = [driver.close() for driver in drivers]
        for trouble in await asyncio.gather(*endings, return_exceptions=True):
            if trouble is not None:
                logger.warning("a workspace could not be closed: %r", trouble)

    async def _ask(self, folder: Path) -> Located:
        known = self._located.get(folder)
        if known is not None:
            return known
        asked = self._asked.get(folder)
        if asked is None:
            asked = asyncio.get_running_loop().run_in_executor(None, self._locate, folder)
            self._asked[folder] = asked
        try:
            located = await asyncio.shield(asked)
        finally:
            self._asked.pop(folder, None)
        self._located[folder] = located
        return located
