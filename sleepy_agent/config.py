"""Settings and places: what the user may change, and where Sleepy keeps things.

Settings come from `config.toml` in the user's configuration directory (platformdirs). Everything Sleepy
writes, apart from accepted fixes, lies below three directories of its own; `SLEEPY_HOME` puts all three
under one folder (portable installs, tests).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import platformdirs

from sleepy_agent.errors import BadUsage

HOME_VARIABLE = "SLEEPY_HOME"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie. `cache` can be deleted at any time; `state` holds what was learned and undo copies."""

    cache: Path
    state: Path
    config: Path

    @property
    def store_file(self) -> Path:
        return self.state / "episodes.sqlite3"

    @property
    def settings_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def user_families_file(self) -> Path:
        return self.config / "families.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """What config.toml may say; each field is a key of it."""

    slots: int = 0
    """Worker slots, that is rustc processes at a time; 0: as many as there are processors, at most 4."""
    niceness: int = 5
    """Priority of the compilers started here: 0 as the terminal, 19 the least (POSIX nice)."""
    features: tuple[str, ...] = ()
    """Cargo features to check with, beyond the defaults."""
    all_features: bool = False
    no_default_features: bool = False
    warm_above_lines: int = 3000
    """Crates with more lines than this are compiled once per slot from their last green text first."""
    compile_timeout_seconds: float = 120.0
    """A single replay is given up after this time."""

    @property
    def slot_count(self) -> int:
        return self.slots or max(1, min(4, os.cpu_count() or 1))


# What a number must be, in words and as a test. Written so that NaN passes none.
RANGES: Mapping[str, tuple[str, Callable[[float], bool]]] = MappingProxyType(
    {
        "slots": ("a number from 0 (as many as fit)", lambda value: value >= 0),
        "niceness": ("a number from 0 to 19", lambda value: 0 <= value <= 19),
        "warm_above_lines": ("a number from 0", lambda value: value >= 0),
        "compile_timeout_seconds": ("a number of seconds above 0", lambda value: value > 0),
    }
)


def find_places(environment: Mapping[str, str] = os.environ) -> Places:
    """Places for this user; `SLEEPY_HOME` wins over the platform's conventions."""
    home = environment.get(HOME_VARIABLE)
    if home:
        root = Path(home).expanduser().absolute()
        return Places(cache=root / "cache", state=root / "state", config=root / "config")
    directories = platformdirs.PlatformDirs("sleepy", appauthor=False)
    return Places(
        cache=Path(directories.user_cache_dir),
        state=Path(directories.user_state_dir),
        config=Path(directories.user_config_dir),
    )


def load_settings(places: Places) -> Settings:
    """Read config.toml, or the defaults where there is none.

    Raises BadUsage for a file that is not TOML, an unknown key, a value of the wrong type or out of range.
    """
    path = places.settings_file
    try:
        raw: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadUsage(f"The settings in {path} cannot be read: {error}.", "Mend or delete that file.") from error
    settings = Settings()
    defaults = {field.name: getattr(settings, field.name) for field in fields(Settings)}
    for key, raw_value in raw.items():
        value = raw_value
        if key not in defaults:
            known = ", ".join(sorted(defaults))
            raise BadUsage(f"{path} has an unknown setting {key!r}.", f"The known settings are: {known}.")
        default = defaults[key]
        if isinstance(default, tuple) and isinstance(value, list):
            value = tuple(value)
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(default):
            kind = {"tuple": "list"}.get(type(default).__name__, type(default).__name__)
            raise BadUsage(f"In {path}, {key} is {value!r}.", f"Give it a value of type {kind}.")
        if isinstance(value, tuple) and not all(isinstance(item, str) for item in value):
            raise BadUsage(f"In {path}, {key} is {raw_value!r}.", "Give it a list of strings.")
        words, fits = RANGES.get(key, ("", lambda _value: True))
        if not fits(value):
            raise BadUsage(f"In {path}, {key} is {raw_value!r}.", f"Give it {words}.")
        settings = replace(settings, **{key: value})
    return settings
