"""Where an item is compiled: a cargo workspace in which nothing is wrong but the item, as a user's would be.

Programs share a package as long as they depend on the same; a crate has a package of its own, with the features that it
was broken with.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sleepy_agent.errors import SleepyError
from sleepy_agent.process import CancelToken
from trainer.pretrain.crates.fetching import crates_folder, fetched_crates, manifest_of
from trainer.pretrain.crates.listed import ListedCrate, listed_crates
from trainer.pretrain.crates.opened import EDITION
from trainer.pretrain.exams.items import BreakingEdit, Item

__all__ = ["Room", "RoomKey", "room_key", "rooms_for", "texts_of"]

PROGRAM_FILE: Final = "src/lib.rs"
HELD_BACK_FOLDER: Final = Path(__file__).parents[1] / "heldback"
RoomKey = tuple[str, tuple[tuple[str, str], ...]]

# Published crates may forbid what a newer compiler warns of; what warns still does.
_CONFIGURATION: Final = '[build]\nrustflags = ["--cap-lints=warn"]\n'
_CRATE_MANIFEST: Final = """\
[workspace]

[package]
name = {name}
version = {version}
edition = {edition}
build = false
autobins = false
autoexamples = false
autotests = false
autobenches = false

[lib]
path = {path}
test = false
doctest = false
bench = false

[features]
{features}"""
_PROGRAM_MANIFEST: Final = """\
[workspace]

[package]
name = "program"
version = "0.1.0"
edition = "2021"
publish = false

[dependencies]
{dependencies}"""


class UnknownCrate(SleepyError):
    """An item names a crate that is not on the list."""


@dataclass(frozen=True, slots=True)
class Room:
    """A workspace on disk. `items`: those that are compiled in it."""

    name: str
    root: Path
    items: tuple[Item, ...]

    def file(self, item: Item) -> Path:
        """The file of the workspace that an item breaks."""
        return self.root / (item.file or PROGRAM_FILE)


def room_key(item: Item) -> RoomKey:
    """Items with the same key are compiled in the same room."""
    return item.crate, item.dependencies


def rooms_for(items: Iterable[Item], folder: Path, cancel: CancelToken, crates: Path | None = None) -> Iterable[Room]:
    """The rooms of some items, each laid below `folder` when its turn comes. `crates`: where crates are kept. Raises
    CannotFetch, UnknownCrate."""
    by_key: dict[RoomKey, list[Item]] = {}
    for item in items:
        by_key.setdefault(room_key(item), []).append(item)
    for number, ((crate, dependencies), own) in enumerate(by_key.items()):
        root = folder / f"room{number}" / (crate or "program")
        if crate:
            lay_crate(root, listed(crate), crates or crates_folder(), cancel)
        else:
            lay_program(root, dependencies)
        yield Room(crate or "programs", root, tuple(own))


def listed(label: str) -> ListedCrate:
    """The crate of a label. Raises UnknownCrate."""
    found = next((one for one in listed_crates() if one.label == label), None)
    if found is None:
        raise UnknownCrate(
            f"{label} is not on the list of crates that items are made of.",
            "Make the items again with `python -m trainer.pretrain exam`.",
        )
    return found


def lay_program(root: Path, dependencies: Sequence[tuple[str, str]]) -> None:
    """A package of one file, which is empty until an item is put there."""
    (root / "src").mkdir(parents=True)
    (root / PROGRAM_FILE).write_text("", encoding="utf-8")
    if any("path" in text for _, text in dependencies):
        for package in HELD_BACK_FOLDER.glob("*/Cargo.toml"):
            shutil.copytree(package.parent, root / package.parent.name)
    lines = "".join(f"{name} = {text}\n" for name, text in dependencies)
    (root / "Cargo.toml").write_text(_PROGRAM_MANIFEST.format(dependencies=lines), encoding="utf-8")


def lay_crate(root: Path, crate: ListedCrate, kept: Path, cancel: CancelToken) -> None:
    """A copy of a crate, with a manifest that asks for nothing but what it was broken with."""
    (fetched,) = fetched_crates([crate], kept, cancel)
    shutil.copytree(fetched.folder, root)
    manifest = manifest_of(root)
    (root / "Cargo.toml").write_text(crate_manifest(crate, manifest), encoding="utf-8")
    (root / ".cargo").mkdir(exist_ok=True)
    (root / ".cargo" / "config.toml").write_text(_CONFIGURATION, encoding="utf-8")


def crate_manifest(crate: ListedCrate, published: Mapping[str, Any]) -> str:
    """The manifest of a room; texts and lists of them are written alike in JSON and TOML."""
    features = [f"{json.dumps(name)} = []\n" for name in crate.features if name != "default"]
    default = [name for name in crate.features if name != "default"]
    return _CRATE_MANIFEST.format(
        name=json.dumps(crate.name),
        version=json.dumps(str(published["package"]["version"])),
        edition=json.dumps(max(EDITION, str(published["package"].get("edition", EDITION)))),
        path=json.dumps(published.get("lib", {}).get("path", PROGRAM_FILE)),
        features=f"default = {json.dumps(default)}\n" + "".join(features),
    )


def texts_of(room: Room, item: Item) -> tuple[bytes, bytes]:
    """The broken text of an item's file, and the right one."""
    if not item.crate:
        return item.broken.encode(), item.right.encode()
    right = room.file(item).read_bytes()
    return broken_by(right, item.edits), right


def broken_by(right: bytes, edits: Sequence[BreakingEdit]) -> bytes:
    """A text with edits made that stand in its order and do not overlap."""
    for edit in reversed(edits):
        right = right[: edit.start] + edit.replacement.encode() + right[edit.end :]
    return right
