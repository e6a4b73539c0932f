"""How the values of options are read: durations, lists, paths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sleepy_agent.errors import BadUsage

SHORT_ID: Final = 8
"""Letters of a run's id that are shown; --run takes any beginning of it that only one run has."""

_SECONDS_PER_UNIT: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m|h|d|w)?")
_COMPILER_CODE: Final = re.compile(r"e\d{4}", re.IGNORECASE)


def read_duration(text: str, option: str) -> float:
    """Seconds of `500ms`, `30s`, `2m`, `1h`, `90d`, `2w`; a bare number counts seconds."""
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match["number"]) * _SECONDS_PER_UNIT[match["unit"] or "s"] if match else 0.0
    if seconds <= 0:
        raise BadUsage(
            f"{option} {text!r} is not a length of time.",
            "Write a number above zero with its unit, such as 500ms, 30s, 2m, 1h or 90d.",
        )
    return seconds


def split_commas(values: Iterable[str]) -> tuple[str, ...]:
    """Every name of an option that may be repeated and may hold commas, in order, each once."""
    names = [name.strip() for value in values for name in value.split(",")]
    return tuple(dict.fromkeys(name for name in names if name))


def read_codes(values: Iterable[str]) -> frozenset[str]:
    """Error codes, rustc's in capitals; lints (`clippy::needless_return`) as they are."""
    return frozenset(name.upper() if _COMPILER_CODE.fullmatch(name) else name for name in split_commas(values))


def read_files(values: Iterable[str]) -> tuple[Path, ...]:
    """Existing files, absolute. Not split at commas: a file's name may hold one."""
    files = []
    for value in values:
        path = Path(value).absolute()
        if not path.is_file():
            raise BadUsage(f"--file {value}: there is no such file.", "Give the path of a file of the workspace.")
        files.append(path)
    return tuple(files)


def existing_path(value: str) -> Path:
    """A path that must exist, absolute."""
    try:
        path = Path(value).absolute()
    except OSError as error:
        raise BadUsage("The folder you are in is gone.", "Change to a folder that exists (`cd`).") from error
    if not path.exists():
        raise BadUsage(f"There is nothing at {path}.", "Give the path of a cargo project, or run inside one.")
    return path


def display_root(path: Path) -> Path:
    """What paths are shown relative to while a run goes on: the outermost folder above `path` with a Cargo.toml.

    Only for showing: which workspace `path` belongs to is for cargo to say.
    """
    folder = path if path.is_dir() else path.parent
    projects = [one for one in (folder, *folder.parents) if (one / "Cargo.toml").is_file()]
    return projects[-1] if projects else folder


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
