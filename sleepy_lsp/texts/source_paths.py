"""What a file is to us, by its path."""

from __future__ import annotations

from pathlib import Path

MANIFEST_NAME = "Cargo.toml"
RECORDING_NAMES = frozenset({MANIFEST_NAME, "Cargo.lock", "rust-toolchain", "rust-toolchain.toml"})
"""Files beside the sources that decide how cargo calls rustc, wherever they lie."""


def real_path(path: Path) -> Path:
    """The path with links resolved, also of a file that is not there."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        # A loop of links, or a name that no file can have.
        return path


def is_rust(path: Path) -> bool:
    """Whether a file holds Rust, so that the text that the editor shows is what counts."""
    return path.suffix == ".rs"


def begins_work(path: Path) -> bool:
    """Whether an open file of this name is a reason to work on its workspace."""
    return is_rust(path) or path.name == MANIFEST_NAME


def decides_recording(path: Path) -> bool:
    """Whether cargo may call rustc in another way when this file changes."""
    return path.name in RECORDING_NAMES or (path.parent.name == ".cargo" and path.stem == "config")


def is_source(path: Path) -> bool:
    """Whether a change of this file on the disk may change what the compiler says."""
    return is_rust(path) or decides_recording(path)


def is_git_head(path: Path) -> bool:
    """Whether a file says which commit is checked out."""
    return path.name == "HEAD" and path.parent.name == ".git"
