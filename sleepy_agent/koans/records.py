"""The koans as records, read strictly: koans.toml, one exercise and one solution for each, and the lock of the frozen.

They lie in the folder `koans` of a checkout, and inside this package where it was installed from a wheel.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sleepy_agent.errors import BadKoans

SCHEMA: Final = 1
NO_CODE: Final = "none"
"""The code of a koan whose error has none (the parser's)."""

TABLE_FILE: Final = "koans.toml"
LOCK_FILE: Final = "frozen.lock"
EXERCISES: Final = "exercises"
SOLUTIONS: Final = "solutions"

_NEEDED_KEYS: Final[Mapping[str, type]] = {"name": str, "family": str, "code": str, "hint": str}
_FURTHER_KEYS: Final[Mapping[str, type]] = {"frozen": bool, "dependencies": list, "shape": str}
_KEYS: Final = {**_NEEDED_KEYS, **_FURTHER_KEYS}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_LOCK_LINE: Final = re.compile(r"([0-9a-f]{64})  (\S+)")


@dataclass(frozen=True, slots=True)
class Koan:
    """One broken program. `dependencies`: crates it needs, of those the table names; `shape`: which of the shapes it
    has that are known to be hard, where it has one; `hint`: for people, no source sees it."""

    name: str
    family: str
    code: str
    hint: str
    exercise: str
    solution: str
    frozen: bool = False
    dependencies: tuple[str, ...] = ()
    shape: str | None = None


@dataclass(frozen=True, slots=True)
class KoanSet:
    """All koans, in the order of the table. `requirements`: crate -> what its line in a manifest says; `locked`: file
    below `folder` -> SHA-256; `strays`: files that no koan of the table has."""

    folder: Path
    koans: tuple[Koan, ...]
    requirements: Mapping[str, Mapping[str, object]]
    locked: Mapping[str, str]
    strays: tuple[str, ...] = ()


def koans_folder() -> Path:
    """Where the koans lie. Raises BadKoans where this installation has none."""
    package = Path(__file__).resolve().parent
    for folder in (package.parents[1] / "koans", package / "data"):
        if (folder / TABLE_FILE).is_file():
            return folder
    raise BadKoans("This installation has no koans.", "Install sleepy-coder again, or work in a checkout of it.")


def read_koans(folder: Path) -> KoanSet:
    """Read and check every record. Raises BadKoans for the first thing that is wrong."""
    table = folder / TABLE_FILE
    try:
        document: dict[str, Any] = tomllib.loads(read_text(table))
    except tomllib.TOMLDecodeError as error:
        raise BadKoans(f"{TABLE_FILE} is no TOML: {error}.", f"Mend {table}.") from error
    if document.get("schema") != SCHEMA or not document.keys() <= {"schema", "dependencies", "koan"}:
        raise bad_table(f"at its top stand `schema = {SCHEMA}`, `[dependencies]` and `[[koan]]`, nothing else")
    requirements = document.get("dependencies", {})
    koans = tuple(read_koan(folder, entry, requirements) for entry in document.get("koan", []))
    names = [koan.name for koan in koans]
    for name in names:
        if names.count(name) > 1:
            raise bad_table(f"two koans are called {name}")
    return KoanSet(folder, koans, requirements, read_lock(folder / LOCK_FILE), stray_files(folder, set(names)))


def read_koan(folder: Path, entry: Mapping[str, object], requirements: Mapping[str, object]) -> Koan:
    """One entry of the table, with its two files. Raises BadKoans."""
    name = entry.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise bad_table(f"a koan's name is {name!r}, and must be words of small letters joined by underscores")
    for key, kind in _NEEDED_KEYS.items():
        if not isinstance(entry.get(key), kind) or not entry[key]:
            raise bad_table(f"the koan {name} needs a {key}")
    for key, value in entry.items():
        if key not in _KEYS or type(value) is not _KEYS[key]:
            raise bad_table(f"the koan {name} has {key} = {value!r}, which means nothing")
    dependencies = entry.get("dependencies", [])
    assert isinstance(dependencies, list)
    unknown = [one for one in dependencies if one not in requirements]
    if unknown:
        raise bad_table(f"the koan {name} needs the crate {unknown[0]}, which `[dependencies]` does not name")
    return Koan(
        name=name,
        family=str(entry["family"]),
        code=str(entry["code"]),
        hint=str(entry["hint"]),
        exercise=read_text(folder / EXERCISES / f"{name}.rs"),
        solution=read_text(folder / SOLUTIONS / f"{name}.rs"),
        frozen=bool(entry.get("frozen", False)),
        dependencies=tuple(str(one) for one in dependencies),
        shape=str(entry["shape"]) if "shape" in entry else None,
    )


def read_lock(file: Path) -> dict[str, str]:
    """The checksums of the frozen koans' files, in the format of sha256sum; none where there is no file."""
    if not file.exists():
        return {}
    locked = {}
    for line in read_text(file).splitlines():
        match = _LOCK_LINE.fullmatch(line)
        if match is None:
            raise BadKoans(f"A line of {LOCK_FILE} is no checksum and file: {line!r}.", f"Mend {file}.")
        locked[match.group(2)] = match.group(1)
    return locked


def stray_files(folder: Path, names: set[str]) -> tuple[str, ...]:
    """Programs that no entry names, so that nobody would check them."""
    files = [file for part in (EXERCISES, SOLUTIONS) for file in sorted((folder / part).glob("*"))]
    return tuple(f"{file.parent.name}/{file.name}" for file in files if file.suffix != ".rs" or file.stem not in names)


def read_text(file: Path) -> str:
    """A text file. Raises BadKoans."""
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise BadKoans(f"{file.parent.name}/{file.name} is missing.", f"Write {file}, or take its koan out.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadKoans(f"{file.parent.name}/{file.name} cannot be read: {error}.", f"Mend {file}.") from error


def bad_table(what: str) -> BadKoans:
    """Something is wrong in koans.toml."""
    return BadKoans(f"In {TABLE_FILE}, {what}.", f"Mend {TABLE_FILE}; its head says what an entry holds.")
