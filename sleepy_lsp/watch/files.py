"""Changes of a source tree as they happen on the disk, gathered for a moment and told together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

from sleepy_agent.live.permission.ignore import IGNORE_FILE_NAME
from sleepy_agent.live.permission.refusals import is_target_directory

GATHERED_SECONDS = 0.05
"""Editors write a file in several steps, and a branch switch many files."""
SUFFIX = ".rs"
NAMES = frozenset({"Cargo.toml", "Cargo.lock", IGNORE_FILE_NAME, "rust-toolchain", "rust-toolchain.toml"})
"""Files that matter beside those with SUFFIX. `.git/HEAD` and `.cargo/config.toml` do by their place."""
PLACES = frozenset({(".git", "HEAD"), (".cargo", "config.toml"), (".cargo", "config")})
HIDDEN_FOLDERS_THAT_MATTER = frozenset({".cargo"})
EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirMovedEvent,
]

FileState = tuple[int, int, int] | None
"""When a file was written, its size and number; None where it is not there."""


class FileChangeType(IntEnum):
    """What happened to a file (LSP 3.17, `FileChangeType`)."""

    CREATED = 1
    CHANGED = 2
    DELETED = 3


def matters(path: Path, root: Path) -> bool:
    """Whether a change of this file can change what the compiler says, or which text is the committed one."""
    if not path.is_relative_to(root):
        return False
    parts = path.relative_to(root).parts
    if parts[-2:] in PLACES:
        return not any(is_left_out(folder) for folder in parts[:-2])
    return (path.suffix == SUFFIX or path.name in NAMES) and not any(is_left_out(folder) for folder in parts[:-1])


def is_left_out(folder: str) -> bool:
    """Whether nothing in a folder of this name matters."""
    return folder == "target" or (folder.startswith(".") and folder not in HIDDEN_FOLDERS_THAT_MATTER)


def files_that_matter(folder: Path, root: Path) -> Iterator[Path]:
    """Those files below `folder`, a folder of the tree at `root`, whose changes matter."""
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = [name for name in folders if not is_left_out(name) and not is_target_directory(here / name)]
        yield from (here / name for name in names if matters(here / name, root))


class KnownStates:
    """What each file looked like when it was last told, so that one change is told once."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._states: dict[Path, FileState] = {path: state_of(path) for path in files}

    def changes(self, paths: Iterable[Path]) -> list[tuple[Path, FileChangeType]]:
        """Which of the files have changed since they were last told, and how."""
        found = []
        for path in sorted(set(paths)):
            state, before = state_of(path), self._states.pop(path, None)
            if state is not None:
                self._states[path] = state
            if state != before:
                kind = FileChangeType.CHANGED if before else FileChangeType.CREATED
                found.append((path, FileChangeType.DELETED if state is None else kind))
        return found


def state_of(path: Path) -> FileState:
    """What a file looks like now."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


@contextmanager
def watching_tree(root: Path, on_changes: Callable[[frozenset[Path]], None]) -> Iterator[None]:
    """Call `on_changes` on the running loop with the files of the tree at `root` that were written, made or deleted.

    A file may be told though it is as it was. What cargo builds is not looked at: it would be most of the work.
    """
    watch = _TreeWatch(root, asyncio.get_running_loop(), on_changes)
    watch.start()
    try:
        yield
    finally:
        watch.stop()


class _TreeWatch(FileSystemEventHandler):
    """The observer of one tree. Its events come in a thread of watchdog's; all else happens on the loop."""

    def __init__(
        self, root: Path, loop: asyncio.AbstractEventLoop, on_changes: Callable[[frozenset[Path]], None]
    ) -> None:
        self._root = root
        self._loop = loop
        self._on_changes = on_changes
        self._observer = Observer()
        self._gathered: set[Path] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._watches: dict[Path, ObservedWatch] = {}

    def start(self) -> None:
        # The root by itself and each folder in it: one recursive watch would go through `target`.
        self._observer.schedule(self, str(self._root), event_filter=EVENTS)
        for folder in sorted(self._root.iterdir()):
            self._watch_folder(folder)
        repository = self._root / ".git"
        if repository.is_dir():
            self._observer.schedule(self, str(repository), event_filter=EVENTS)
        self._observer.start()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called by watchdog, in its thread."""
        paths = frozenset(Path(os.fsdecode(name)) for name in (event.src_path, event.dest_path) if name)
        hear = self._folders_came if event.is_directory else self._gather
        # The loop may have ended a moment ago.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(hear, paths)

    def _folders_came(self, folders: frozenset[Path]) -> None:
        for folder in folders:
            if folder.parent == self._root and self._watch_folder(folder):
                # What was put into it before anybody looked.
                self._gather(frozenset(files_that_matter(folder, self._root)))

    def _watch_folder(self, folder: Path) -> bool:
        former = self._watches.pop(folder, None)
        if former is not None:
            # It was watched under this name and is another one now.
            self._observer.unschedule(former)
        if is_left_out(folder.name) or not folder.is_dir() or folder.is_symlink() or is_target_directory(folder):
            return False
        try:
            self._watches[folder] = self._observer.schedule(self, str(folder), recursive=True, event_filter=EVENTS)
        except OSError:
            # It is gone again, or the system has no watches left; then changes in it are not noticed.
            return False
        return True

    def _gather(self, paths: frozenset[Path]) -> None:
        self._gathered |= {path for path in paths if matters(path, self._root)}
        if self._gathered and self._timer is None:
            self._timer = self._loop.call_later(GATHERED_SECONDS, self._tell)

    def _tell(self) -> None:
        self._timer = None
        gathered, self._gathered = frozenset(self._gathered), set()
        self._on_changes(gathered)
