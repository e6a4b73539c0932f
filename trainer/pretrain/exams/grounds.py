"""Where the quick way has texts judged: made programs many at a time, crates one text after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sleepy_agent.cargo.workspace import Package, Workspace
from sleepy_agent.domain import Diagnostic
from sleepy_agent.fixes.sources.context import KnownItems, SourceContext, SteadyItems
from sleepy_agent.process import CancelToken
from trainer.pretrain.crates.fetching import crates_folder, fetched_crates
from trainer.pretrain.crates.opened import OpenedCrate, errors_of, open_crate
from trainer.pretrain.exams.items import Item
from trainer.pretrain.exams.rooms import RoomKey, broken_by, listed, room_key
from trainer.pretrain.heldback.dependencies import Externs, built_externs, externs_folder
from trainer.pretrain.heldback.judging import check_with
from trainer.pretrain.judge import check
from trainer.pretrain.lessons import is_ours, reader_of, workspace
from trainer.pretrain.records import FILE

__all__ = ["CrateGround", "Ground", "ProgramGround", "grounds_for"]

Errors = tuple[Diagnostic, ...]


class Ground(Protocol):
    """Something that texts of an item's file are judged in. All paths are those of the ground."""

    def texts(self, item: Item) -> tuple[bytes, bytes]:
        """The broken text of an item's file, and the right one."""
        ...

    def file(self, item: Item) -> Path:
        """The file that an item breaks."""
        ...

    def context(self, item: Item, text: bytes) -> SourceContext:
        """What the question about it may show, with this text in the file's place."""
        ...

    def errors(self, asked: Sequence[tuple[Item, bytes]]) -> list[Errors | None]:
        """What rustc reports of each text; None where it came to no end."""
        ...


@dataclass(frozen=True)
class ProgramGround:
    """Made programs, each as if it were a crate of its own. `externs`: of the crates that all of them use."""

    folder: Path
    cancel: CancelToken
    externs: Externs | None = None

    def texts(self, item: Item) -> tuple[bytes, bytes]:
        return item.broken.encode(), item.right.encode()

    def file(self, item: Item) -> Path:  # noqa: ARG002
        return FILE

    def context(self, item: Item, text: bytes) -> SourceContext:  # noqa: ARG002
        return SourceContext(workspace(), reader_of(text.decode()), is_ours, SteadyItems(KnownItems()))

    def errors(self, asked: Sequence[tuple[Item, bytes]]) -> list[Errors | None]:
        texts = [text.decode() for _, text in asked]
        if self.externs is None:
            said = check(texts, self.folder, self.cancel)
        else:
            said = check_with(texts, self.externs, self.folder, self.cancel)
        return [one.errors for one in said]


@dataclass(frozen=True)
class CrateGround:
    """The files of a published crate."""

    opened: OpenedCrate
    cancel: CancelToken

    def texts(self, item: Item) -> tuple[bytes, bytes]:
        right = self.opened.sources[Path(item.file)]
        return broken_by(right, item.edits), right

    def file(self, item: Item) -> Path:
        return Path(item.file)

    def context(self, item: Item, text: bytes) -> SourceContext:
        file = self.file(item)
        texts = {**self.opened.sources, file: text}

        def read(path: Path) -> bytes:
            if path not in texts:
                raise FileNotFoundError(path)
            return texts[path]

        return SourceContext(crate_workspace(self.opened), read, texts.__contains__, SteadyItems(KnownItems()))

    def errors(self, asked: Sequence[tuple[Item, bytes]]) -> list[Errors | None]:
        return [errors_of(self.opened, {self.file(item): text}, self.cancel) for item, text in asked]


def crate_workspace(opened: OpenedCrate) -> Workspace:
    """The workspace of one crate, as if cargo had told of it."""
    package = Package(
        name=opened.listed.name,
        version=opened.listed.version,
        manifest=Path("Cargo.toml"),
        edition="2021",
        is_local=True,
        is_member=True,
        dependencies=(),
        features=(),
        source_files=(Path(opened.command[-1]),),
    )
    return Workspace(Path(), Path("target"), (package,), frozenset())


def grounds_for(
    items: Iterable[Item], folder: Path, cancel: CancelToken, progress: Callable[[str], None]
) -> Iterator[tuple[Ground, list[Item]]]:
    """The grounds of some items, each with those that are judged in it. `folder`: an empty one. Raises CannotFetch,
    UnknownCrate and CannotBuild."""
    by_room: dict[RoomKey, list[Item]] = {}
    for item in items:
        by_room.setdefault(room_key(item), []).append(item)
    for (label, dependencies), own in by_room.items():
        names = tuple(name for name, _ in dependencies)
        if not label:
            place = folder / "-".join(("programs", *names))
            place.mkdir()
            yield ProgramGround(place, cancel, built_externs(names, externs_folder(), cancel) if names else None), own
            continue
        progress(f"opening {label}")
        (fetched,) = fetched_crates([listed(label)], crates_folder(), cancel)
        opened = open_crate(fetched, folder, cancel)
        if opened is not None:
            yield CrateGround(opened, cancel), own
