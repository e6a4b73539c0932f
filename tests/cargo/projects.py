"""Small cargo projects written on the spot, and sessions on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.config import Places, Settings
from sleepy_agent.domain import Edit, Problem
from sleepy_agent.process import CancelToken

SETTINGS = Settings(slots=2)


def manifest_of(name: str, dependencies: str = "", more: str = "") -> str:
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n{more}\n[dependencies]\n{dependencies}\n'


def write_project(root: Path, files: Mapping[str, str]) -> Path:
    """Write the files of a project, with an empty lock file made by cargo on the way of the first session."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def chain_of_three(root: Path) -> Path:
    """`top` uses `middle`, which uses `base`; everything compiles."""
    return write_project(
        root,
        {
            "Cargo.toml": '[workspace]\nmembers = ["base", "middle", "top"]\nresolver = "2"\n',
            "Cargo.lock": LOCK_OF_THREE,
            "base/Cargo.toml": manifest_of("base"),
            "base/src/lib.rs": "pub fn count() -> u32 {\n    41 + 1\n}\n",
            "middle/Cargo.toml": manifest_of("middle", 'base = { path = "../base" }'),
            "middle/src/lib.rs": "pub fn twice() -> u32 {\n    base::count() * 2\n}\n",
            "top/Cargo.toml": manifest_of("top", 'middle = { path = "../middle" }'),
            "top/src/lib.rs": "pub fn shown() -> u32 {\n    middle::twice()\n}\n",
        },
    )


LOCK_OF_THREE = """version = 3

[[package]]
name = "base"
version = "0.1.0"

[[package]]
name = "middle"
version = "0.1.0"
dependencies = [
 "base",
]

[[package]]
name = "top"
version = "0.1.0"
dependencies = [
 "middle",
]
"""


def lock_of(name: str) -> str:
    """The lock file of a package without dependencies."""
    return f'version = 3\n\n[[package]]\nname = "{name}"\nversion = "0.1.0"\n'


def single_package(root: Path, library: str, more: Mapping[str, str] | None = None) -> Path:
    files = {"Cargo.toml": manifest_of("one"), "Cargo.lock": lock_of("one"), "src/lib.rs": library}
    return write_project(root, files | dict(more or {}))


def places_in(folder: Path) -> Places:
    return Places(cache=folder / "cache", state=folder / "state", config=folder / "config")


def open_session(root: Path, places: Places, cancel: CancelToken | None = None) -> CheckSession:
    return CheckSession.open(root, places, SETTINGS, cancel or CancelToken())


def replace_text(path: Path, old: str, new: str, *, text: bytes | None = None) -> Edit:
    """An edit that replaces the only place where `old` stands."""
    content = path.read_bytes() if text is None else text
    assert content.count(old.encode()) == 1
    start = content.index(old.encode())
    return Edit(path, start, start + len(old.encode()), new)


def codes(problems: tuple[Problem, ...]) -> list[str | None]:
    return [problem.code for problem in problems]


def tree_bytes(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
