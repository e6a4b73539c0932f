"""How accepted text reaches the disk: whole files, checked against what they were computed from, all or none."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.errors import CannotWrite, FileChanged, cannot_write


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file to write: the bytes it must have now, and the bytes it shall have."""

    path: Path
    before: bytes
    after: bytes


def check_writable(change: FileChange, source_roots: Sequence[Path]) -> None:
    """Raise FileChanged or CannotWrite when `change` must not be made."""
    path = change.path
    try:
        real = path.resolve()
        current = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise cannot_write(path, error) from error
    # The file itself may be a link, or any folder above it.
    if not any(real.is_relative_to(root.resolve()) for root in source_roots):
        raise CannotWrite(
            f"{path} is a link to {real}, outside the workspace.",
            "Change that file yourself, or run `sleepy fix` in the project it belongs to.",
        )
    if current != change.before:
        raise FileChanged(
            f"{path} has changed since its fix was computed, so it was not written.",
            "Save your work and run `sleepy fix` again.",
        )
    # The mode decides, not an attempt to write: root may write where the owner said no.
    if not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(path, os.W_OK):
        raise CannotWrite(
            f"{path} is read-only, so it was not written.",
            "Make it writable (`chmod u+w`, or check it out for editing) and run the same command again.",
        )


def write_files(
    changes: Sequence[FileChange], source_roots: Sequence[Path], before_write: Callable[[FileChange, int], None]
) -> None:
    """Write all files or none. `before_write(change, mode)` is called for each when all are ready: it keeps
    what undo needs, durably.

    Every file is prepared beside its place and moved there in one step; where a move fails, those made
    before it are taken back. Raises FileChanged, CannotWrite, or what `before_write` raises.
    """
    for change in changes:
        check_writable(change, source_roots)
    prepared: list[tuple[Path, Path, FileChange]] = []
    moved: list[tuple[Path, Path]] = []
    try:
        for change in changes:
            # A link inside the workspace stays one: its target is what is written.
            target = change.path.resolve()
            prepared.append((prepare(target, change.after), target, change))
        for _, target, change in prepared:
            before_write(change, mode_of(target))
        for temporary, target, change in prepared:
            try:
                if target.read_bytes() != change.before:
                    raise FileChanged(
                        f"{change.path} changed while its fix was being written, so nothing was written.",
                        "Save your work and run `sleepy fix` again.",
                    )
                moved.append((set_aside(target, temporary, change.before), target))
                temporary.replace(target)
            except OSError as error:
                raise cannot_write(change.path, error) from error
    except BaseException:
        for backup, target in reversed(moved):
            with suppress(OSError):
                backup.replace(target)
        raise
    finally:
        for leftover in (*(temporary for temporary, _, _ in prepared), *(backup for backup, _ in moved)):
            with suppress(OSError):
                leftover.unlink(missing_ok=True)


def set_aside(target: Path, temporary: Path, text: bytes) -> Path:
    """The file's present text under a second name beside it, so that it can be moved back even when the disk is
    full. A second link costs nothing; where the file system has none, a copy has to do."""
    backup = temporary.with_name(f"{temporary.name}.before")
    try:
        backup.hardlink_to(target)
    except (OSError, NotImplementedError):
        return prepare(target, text)
    return backup


def mode_of(target: Path) -> int:
    """The permission bits. Raises CannotWrite."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except OSError as error:
        raise cannot_write(target, error) from error


def prepare(target: Path, text: bytes) -> Path:
    """A finished file beside `target` with its mode, on the disk to the last byte. Raises CannotWrite."""
    name = ""
    try:
        present = target.stat()
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".sleepy", dir=target.parent)
        with os.fdopen(descriptor, "wb") as output:
            output.write(text)
            output.flush()
            os.fsync(output.fileno())
        Path(name).chmod(stat.S_IMODE(present.st_mode))
        if hasattr(os, "chown") and (present.st_uid, present.st_gid) != (os.geteuid(), os.getegid()):
            # Root writes for the file's owner; who may not give files away owns what they write.
            with suppress(OSError):
                os.chown(name, present.st_uid, present.st_gid)
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise cannot_write(target, error) from error
    return Path(name)


def changes_between(before: Callable[[Path], bytes], texts: Mapping[Path, bytes]) -> list[FileChange]:
    """The files of `texts` that differ from what they were."""
    return [FileChange(path, before(path), text) for path, text in texts.items() if before(path) != text]
