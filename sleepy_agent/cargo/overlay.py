"""Lay texts over the user's tree without touching it: a mirror of real folders with links for unchanged files.

A mirror lies below a `mirror root`; the file `/projects/p/src/lib.rs` is mirrored at
`<mirror root>/projects/p/src/lib.rs` (on Windows the drive letter is a folder), so that relative paths
between source roots hold. An *overlay* maps paths of the user's tree to the bytes they shall have there.
"""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Overlay = Mapping[Path, bytes]

SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn", ".jj", "node_modules", ".venv", "__pycache__"})
CACHE_TAG = "CACHEDIR.TAG"
"""Marks folders that hold nothing but caches (cargo writes it into target directories): https://bford.info/cachedir"""


def mirrored(mirror_root: Path, path: Path) -> Path:
    """Where `path` (absolute) lies in the mirror."""
    drive = path.drive.rstrip(":").replace("\\", "_").replace("/", "_")
    return mirror_root.joinpath(*([drive] if drive else []), *path.parts[1:])


def unmirrored(mirror_root: Path, path: Path) -> Path:
    """The user's path of a path in the mirror; any other path as it is."""
    try:
        relative = path.relative_to(mirror_root)
    except ValueError:
        return path
    if os.name == "nt" and relative.parts:
        return Path(relative.parts[0] + ":\\", *relative.parts[1:])
    return Path("/", *relative.parts)


def walk_source_files(root: Path, excluded: Iterable[Path] = ()) -> Iterator[Path]:
    """Every file below `root` that a build may read: not version control, not caches, not `excluded` folders.

    Links to folders are followed only where they stay outside `root` of themselves, that is never twice.
    """
    skipped = {str(folder) for folder in excluded}
    waiting = [root]
    seen: set[str] = {os.path.realpath(root)}
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        if folder != root and any(entry.name == CACHE_TAG for entry in entries):
            continue
        for entry in entries:
            try:
                is_folder = entry.is_dir()
            except OSError:
                continue
            if not is_folder:
                yield Path(entry.path)
            elif entry.name not in SKIPPED_FOLDERS and entry.path not in skipped:
                real = os.path.realpath(entry.path)
                if real not in seen:
                    seen.add(real)
                    waiting.append(Path(entry.path))


def link_or_copy(source: Path, target: Path) -> None:
    """Make `target` read as `source`: a symbolic link, else a hard link, else a copy (Windows without rights)."""
    for make in (os.symlink, os.link, shutil.copy2):
        try:
            make(source, target)
            return
        except OSError:
            continue
    raise OSError(f"cannot link or copy {source}")


def copy_now(source: Path, target: Path) -> None:
    """Copy with the present as time of change: cargo must see a file that turned back as changed again."""
    shutil.copyfile(source, target)
    shutil.copymode(source, target)


def is_copy_of(mirror_path: Path, path: Path) -> bool:
    """Whether a real file of the mirror has the bytes of the user's file."""
    try:
        return not mirror_path.is_symlink() and filecmp.cmp(mirror_path, path, shallow=False)
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Placement:
    """How a mirror shows unchanged files: put one there, and tell whether it still is right."""

    place: Callable[[Path, Path], None]
    is_current: Callable[[Path, Path], bool]


class Mirror:
    """The one owner of a mirror folder: knows which of its files are not the user's at the moment."""

    def __init__(
        self,
        mirror_root: Path,
        source_roots: tuple[Path, ...],
        excluded: tuple[Path, ...],
        placement: Placement | None = None,
    ) -> None:
        self._placement = placement or Placement(link_or_copy, is_link_to)
        self.mirror_root = mirror_root
        self._source_roots = source_roots
        self._excluded = excluded
        self._laid: dict[Path, bytes] = {}
        self._linked: set[Path] = set()

    def synchronise(self, files: Iterable[Path] | None = None) -> None:
        """Bring the links in line with the user's tree: new files appear, gone ones vanish, leftovers of a
        crashed process turn back into links."""
        wanted = (
            {path for root in self._source_roots for path in walk_source_files(root, self._excluded)}
            if files is None
            else set(files)
        )
        present: set[Path] = set()
        if self.mirror_root.is_dir():
            for folder, _folders, names in os.walk(self.mirror_root):
                for name in names:
                    mirror_path = Path(folder, name)
                    path = unmirrored(self.mirror_root, mirror_path)
                    if path in self._laid:
                        continue
                    if path in wanted and self._placement.is_current(mirror_path, path):
                        present.add(path)
                    else:
                        mirror_path.unlink()
        for parent in {mirrored(self.mirror_root, path).parent for path in wanted - present}:
            parent.mkdir(parents=True, exist_ok=True)
        for path in wanted - present - self._laid.keys():
            self._placement.place(path, mirrored(self.mirror_root, path))
        self._linked = wanted

    def add_link(self, path: Path) -> None:
        """Let one more file of the user's be seen (an input that the compiler read from elsewhere)."""
        target = mirrored(self.mirror_root, path)
        if path not in self._linked and path.is_file() and not os.path.lexists(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            self._placement.place(path, target)
            self._linked.add(path)

    def lay(self, overlay: Overlay) -> None:
        """Make the mirror read as the user's tree with `overlay` over it; files laid before turn back."""
        for path in [path for path in self._laid if path not in overlay]:
            target = mirrored(self.mirror_root, path)
            target.unlink(missing_ok=True)
            if path.exists():
                self._placement.place(path, target)
            del self._laid[path]
        for path, text in overlay.items():
            if self._laid.get(path) == text:
                continue
            target = mirrored(self.mirror_root, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            # The link must go first: writing through it would change the user's file.
            target.unlink(missing_ok=True)
            target.write_bytes(text)
            self._laid[path] = text


def is_link_to(mirror_path: Path, path: Path) -> bool:
    """Whether a file of the mirror still shows the user's file: the same link, or the same file (hard link)."""
    try:
        if mirror_path.is_symlink():
            return mirror_path.readlink() == path
        return mirror_path.samefile(path)
    except OSError:
        return False
