"""What the driver of a workspace needs from the server around it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sleepy_agent.config import Places, Settings
from sleepy_agent.live.messages import FromWorker, ToWorker
from sleepy_lsp.options import Scope

if TYPE_CHECKING:
    from sleepy_lsp.workspaces.driver import WorkspaceDriver


class Listener(Protocol):
    """Who is told when something is new (`notifier.py`)."""

    def files_changed(self, paths: Collection[Path]) -> None:
        """Problems or offers of these files may be others now."""

    def status_changed(self) -> None:
        """The state of a driver is another one now."""

    def stage_changed(self, driver: WorkspaceDriver, text: str) -> None:
        """A long operation began; an empty text: it is over."""

    def trouble(self, message: str, remedy: str) -> None:
        """Something the user should know of, once."""


class Worker(Protocol):
    """What a driver asks of its worker (`worker_client.py`)."""

    @property
    def is_behind(self) -> bool:
        """Whether nothing should be sent now."""

    def send(self, record: ToWorker) -> None:
        """Send a record."""

    def kill(self) -> None:
        """End it at once."""

    async def close(self) -> None:
        """End it in peace."""


MakeWorker = Callable[[Callable[[FromWorker], None], Callable[[str], None]], Worker]
"""Starts a worker: given what is called with each of its records, and with the reason when it ended by itself."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The settings that hold, and what only the server knows. Paths are real ones, links resolved."""

    places: Places
    settings: Settings
    scope: Scope
    listener: Listener
    open_texts: Callable[[], Mapping[Path, bytes]]
    """The open Rust documents as bytes, those touched last in front."""
    version_of: Callable[[Path], int | None]
    is_refused: Callable[[Path, Path], bool]
    """Whether no work may be done for a file (of the workspace at the second path)."""
    muted_families: Callable[[], frozenset[str]]
    make_worker: MakeWorker
