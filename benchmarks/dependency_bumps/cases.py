"""The cases of cases.toml: which dependency is bumped, and what has to be written otherwise afterwards."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LIBRARY = Path("src/lib.rs")
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Bump:
    """One dependency with its two published versions."""

    dependency: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """One thing that is written otherwise with the later version: every occurrence of `old` in `file`."""

    file: Path
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Case:
    """One entry of cases.toml."""

    name: str
    kind: str
    bumps: tuple[Bump, ...]
    """The dependency the case is about first, then what has to be bumped together with it."""
    mended: tuple[Replacement, ...]
    crate: str | None = None
    """The published crate whose dependency is bumped; None: a program of our own."""
    crate_version: str = ""
    features: tuple[str, ...] | None = None
    """Of the published crate; None: its defaults."""
    dev_dependencies: tuple[str, ...] = ()
    others: Mapping[str, Any] = field(default_factory=dict)
    """Dependencies that stay as they are, as they stand in Cargo.toml."""
    to_features: tuple[str, ...] = ()
    """Features that the later version of the first dependency needs in addition."""
    skipped_tests: tuple[str, ...] = ()
    """Unit tests that are red with the later version although nothing is wrong: they quote the dependency."""
    held_out: bool = False
    """Nobody looks at what Sleepy does with it before the final scoring."""

    @property
    def dependency(self) -> str:
        return self.bumps[0].dependency

    @property
    def program(self) -> Path:
        """The source of a program of our own."""
        return HERE / "programs" / f"{self.name}.rs"

    @property
    def changed_files(self) -> tuple[Path, ...]:
        """The files that are red with the later version, relative to the package."""
        return tuple(dict.fromkeys(replacement.file for replacement in self.mended))


class BrokenCase(ValueError):
    """A case does not do what it says."""


def known_cases() -> tuple[Case, ...]:
    """All cases of cases.toml, in its order."""
    content = tomllib.loads((HERE / "cases.toml").read_text(encoding="utf-8"))
    return tuple(case_of(entry) for entry in content["case"])


def case_of(entry: Mapping[str, Any]) -> Case:
    """One case out of its table."""
    plain: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in entry.items()
        if key not in {"dependency", "from", "to", "also", "mended"}
    }
    return Case(
        **plain,
        bumps=tuple(Bump(part["dependency"], part["from"], part["to"]) for part in (entry, *entry.get("also", ()))),
        mended=tuple(_replacement_of(parts) for parts in entry["mended"]),
    )


def _replacement_of(parts: Sequence[str]) -> Replacement:
    *file, old, new = parts
    return Replacement(Path(file[0]) if file else LIBRARY, old, new)


def mended_text(case: Case, file: Path, text: str) -> str:
    """The text as the later version wants it. Raises BrokenCase where something to be replaced is not there."""
    for replacement in case.mended:
        if replacement.file == file:
            if replacement.old not in text:
                raise BrokenCase(f"{case.name}: {file} does not contain {replacement.old!r}")
            text = text.replace(replacement.old, replacement.new)
    return text
