"""The texts of a session: what lies over the disk, and the disk as it was first read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

# Size, time of change in nanoseconds and file number: what a write changes at least one of.
DiskMark = tuple[int, int, int]
# File systems stamp with a clock that advances in steps of up to a tick, in nanoseconds.
CLOCK_STEP = 20_000_000


class SessionTexts:
    """The owner of both. One text for each file, the same whenever it is asked for, until somebody says that it is
    another one."""

    def __init__(self) -> None:
        self._overlay: dict[Path, bytes] = {}
        self._snapshot: dict[Path, bytes] = {}
        self._marks: dict[Path, DiskMark | None] = {}

    @property
    def overlay(self) -> dict[Path, bytes]:
        """What lies over the disk; the caller must not change it."""
        return self._overlay

    def lay(self, overlay: Mapping[Path, bytes]) -> set[Path]:
        """Put exactly this over the disk. The files whose text is another one by it."""
        touched = {*overlay, *self._overlay}
        before = {path: self.read(path) for path in touched}
        self._overlay = dict(overlay)
        return {path for path in touched if self.read(path) != before[path]}

    def update(self, texts: Mapping[Path, bytes]) -> None:
        """Put these over what lies there."""
        self._overlay.update(texts)

    def read(self, path: Path) -> bytes:
        """The text everything is judged on: what was laid, else the file as first read in this session."""
        if path in self._overlay:
            return self._overlay[path]
        return self.original(path)

    def original(self, path: Path) -> bytes:
        """The file as it was on disk when this session first read it; empty where there is none."""
        if path not in self._snapshot:
            mark = disk_mark(path)
            try:
                self._snapshot[path] = path.read_bytes()
            except OSError:
                return b""
            self._marks[path] = mark
        return self._snapshot[path]

    @property
    def changed(self) -> dict[Path, bytes]:
        """What was laid and differs from the disk."""
        return {path: text for path, text in self._overlay.items() if text != self.original(path)}

    def read_disk_again(self, told: Iterable[Path] = ()) -> set[Path]:
        """Forget what the disk does not say any more: of files that somebody tells of, and of all others that were
        read and bear another mark now. The files whose text may be another one by it.

        What is told counts whatever was read: a file may be read (for the index, say) after it was compiled and then
        written, and seems to be as it was compiled.
        """
        told_files = set(told)
        suspects = {path for path in self._snapshot if disk_mark(path) != self._marks.get(path)} | told_files
        changed = set()
        for path in suspects:
            before = self._snapshot.pop(path, b"")
            self._marks.pop(path, None)
            now = self.original(path)
            if path not in self._overlay and (path in told_files or now != before):
                changed.add(path)
        return changed

    def read_compiled(self, inputs: Iterable[Path], began: int) -> set[Path]:
        """Read the files that a compiler has just read, and return those whose text may be another than it saw:
        somebody wrote them since it `began` (nanoseconds of `time.time_ns`), or since they were read here."""
        doubtful = set()
        for path in set(inputs) - self._overlay.keys():
            if path in self._snapshot:
                is_doubtful = disk_mark(path) != self._marks.get(path)
                if is_doubtful:
                    del self._snapshot[path]
            else:
                is_doubtful = last_change_of(path) > began - CLOCK_STEP
            self.original(path)
            if is_doubtful:
                doubtful.add(path)
        return doubtful

    def is_as_on_disk(self) -> bool:
        """Whether every file that was read is still the one that was read."""
        return all(disk_mark(path) == self._marks.get(path) for path in self._snapshot)


def last_change_of(path: Path) -> int:
    """When a file was written or put in its place, in nanoseconds; 0 where there is none.

    Tools set the time of writing as they like; this one is the system's.
    """
    try:
        return path.stat().st_ctime_ns
    except OSError:
        return 0


def disk_mark(path: Path) -> DiskMark | None:
    """What tells whether a file was written since, or None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_size, stat.st_mtime_ns, stat.st_ino)
