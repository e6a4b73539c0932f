"""What a source may look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sleepy_agent.cargo.workspace import Workspace
from sleepy_agent.code.index import CrateRoot, WorkspaceIndex, build_index

Read = Callable[[Path], bytes]


class KnownItems:
    """The one owner of the workspace index in a run: built on the first question, then only what changed is read."""

    def __init__(self) -> None:
        self._index: WorkspaceIndex | None = None

    def index_of(self, workspace: Workspace, read: Read) -> WorkspaceIndex:
        """The index of the texts that `read` gives now."""
        existing = existing_text(read)
        if self._index is None:
            self._index = build_index(crate_roots(workspace), existing)
        else:
            self._index = self._index.refreshed(existing)
        return self._index


def existing_text(read: Read) -> Read:
    """The same texts, and FileNotFoundError where there is no file: a session gives an empty text there, and the index
    must know which of `a.rs` and `a/mod.rs` exists."""

    def read_existing(path: Path) -> bytes:
        text = read(path)
        if not text and not path.is_file():
            raise FileNotFoundError(path)
        return text

    return read_existing


class SteadyItems(KnownItems):
    """For the candidates of one problem, while which no text changes: the index is asked for once, not each time."""

    def __init__(self, known: KnownItems) -> None:
        super().__init__()
        self._known = known

    def index_of(self, workspace: Workspace, read: Read) -> WorkspaceIndex:
        """The index as it was on the first question."""
        if self._index is None:
            self._index = self._known.index_of(workspace, read)
        return self._index


def crate_roots(workspace: Workspace) -> list[CrateRoot]:
    """The root files of all targets of all packages, as the index wants to know them."""
    return [
        CrateRoot(
            name=package.name.replace("-", "_"),
            edition=package.edition,
            root_file=root_file,
            is_local=package.is_local,
            dependencies=tuple(name.replace("-", "_") for name in package.dependencies),
        )
        for package in workspace.packages
        for root_file in package.source_files
    ]


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source may look at. `read` gives the text a problem was found in (not always the disk's)."""

    workspace: Workspace
    read: Read
    is_editable: Callable[[Path], bool]
    known_items: KnownItems = field(default_factory=KnownItems)
    """Hand on the same one as long as the workspace is the same: it makes the index incremental."""

    @property
    def index(self) -> WorkspaceIndex:
        """The items of the workspace in the texts that `read` gives. Takes a moment where texts changed."""
        return self.known_items.index_of(self.workspace, self.read)
