"""The crates that are broken: a pinned list, and which licences may be in it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

__all__ = ["FREE_LICENCES", "ListedCrate", "is_free", "listed_crates"]

FREE_LICENCES: Final = frozenset(
    {"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib", "Unlicense", "0BSD"}
)
"""SPDX names of licences under which anybody may use a text for anything."""


@dataclass(frozen=True, slots=True)
class ListedCrate:
    """One line of crates.toml: exactly one published package, and the features it is compiled with."""

    name: str
    version: str
    features: tuple[str, ...]
    checksum: str

    @property
    def label(self) -> str:
        """As the source of a lesson names it."""
        return f"{self.name}-{self.version}"


@cache
def listed_crates() -> tuple[ListedCrate, ...]:
    """All crates of crates.toml, in its order."""
    table = tomllib.loads(files(__package__).joinpath("crates.toml").read_text(encoding="utf-8"))["crates"]
    return tuple(
        ListedCrate(name, entry["version"], tuple(entry["features"]), entry["checksum"])
        for name, entry in table.items()
    )


def is_free(licence: str) -> bool:
    """Whether the licence field of a manifest leaves a choice that is free: every part that is joined by AND has one
    free licence among those that are joined by OR (a slash is the old way to write OR)."""
    parts = re.split(r"\s+AND\s+", licence.replace("(", " ").replace(")", " ").replace("/", " OR "))
    return all(any(one.strip() in FREE_LICENCES for one in re.split(r"\s+OR\s+", part)) for part in parts)
