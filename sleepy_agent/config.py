"""Settings and places: what the user may change, and where Sleepy keeps things.

Settings come from `config.toml` in the user's configuration directory (platformdirs). Everything Sleepy
writes, apart from accepted fixes, lies below three directories of its own; `SLEEPY_HOME` puts all three
under one folder (portable installs, tests).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from sleepy_agent.errors import BadUsage

HOME_VARIABLE = "SLEEPY_HOME"
SHIPPED_VARIABLE = "SLEEPY_SHIPPED_MODEL"
"""Where the model that comes with Sleepy lies, for whoever puts it somewhere else; empty: none comes with it."""
SHIPPED_MODEL = Path(__file__).parent / "serving" / "models" / "seed" / "seed.gguf"
NO_MODEL = "none"
"""The setting `model` of somebody who wants none."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie. `cache` can be deleted at any time; `state` holds what was learned and undo copies."""

    cache: Path
    state: Path
    config: Path
    shipped_model: Path | None = None
    """The file of the model that comes with Sleepy, where one does; it is read and never written."""

    @property
    def store_file(self) -> Path:
        return self.state / "episodes.sqlite3"

    @property
    def settings_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def user_families_file(self) -> Path:
        return self.config / "families.toml"

    @property
    def models_folder(self) -> Path:
        return self.state / "models"

    @property
    def manifest_file(self) -> Path:
        """The snapshot of adapters in use, see serving/manifest.py."""
        return self.state / "snapshots" / "current.json"

    @property
    def serve_folder(self) -> Path:
        """Address, token, locks and log of the one model server of this user."""
        return self.state / "serve"


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

    debounce_milliseconds: int = 100
    """In the editor: how long nothing may be typed before the text is checked."""
    rest_milliseconds: int = 500
    """In the editor: how long typing rests before fixes are looked for in a text that is not saved."""
    rust_analyzer_grace_milliseconds: int = 1500
    """How long after a save fixes are kept back until rust-analyzer shows their error, where it is there."""
    settle_seconds: float = 10.0
    """A change has settled when the text around it was left alone this long."""
    search_seconds: float = 20.0
    """Budget of one search for fixes in the background."""
    hints: bool = True
    """Whether an editor that cannot be told in another way gets a hint where a fix is ready."""
    on_battery: str = "work"
    """What is done while the computer runs on battery: "work" or "pause"."""
    untrusted_folders: tuple[str, ...] = ()
    """Nothing below these folders is worked on in the background; absolute, or beginning with `~`."""

    model: str = ""
    """The local model: its name as `sleepy model list` shows it, or a GGUF file; "none": no local model is asked;
    empty: the one that was fetched, or the one that comes with Sleepy."""
    model_endpoint: str = ""
    """Base URL of an OpenAI-compatible server (vLLM, llama-server, Ollama) that is asked instead of our own."""
    model_name: str = ""
    """What that server calls the model."""
    model_key_variable: str = ""
    """Name of the environment variable that holds the key for that server; empty: it wants none."""
    remote_endpoint: str = ""
    """Base URL of an OpenAI-compatible server for what the small model cannot do; empty: nobody is asked."""
    remote_model: str = ""
    """What that server calls the model."""
    remote_key_variable: str = ""
    """Name of the environment variable that holds the key for that server; the key itself stands nowhere else."""
    model_samples: int = 8
    """So many answers are asked of the model at a time."""
    model_rounds: int = 3
    """So often the model sees what its last answer left, and tries again."""
    model_seconds: float = 8.0
    """What the model has not answered by then is not wanted any more."""
    serve_idle_seconds: float = 600.0
    """The model server ends when nobody asked it anything for so long."""
    context_tokens: int = 4096
    """Prompt and answers of one request have room for so many tokens together."""
    prefix_cache_megabytes: int = 256
    """Memory for prompts that were read already; 0: none are kept."""
    serve_threads: int = 0
    """Threads of the model server; 0: as many as there are processor cores."""

    @property
    def slot_count(self) -> int:
        return self.slots or max(1, min(4, os.cpu_count() or 1))


LONGEST_PAUSE_MILLISECONDS = 60_000
LONGEST_SETTLING_SECONDS = 3600.0
MOST_SAMPLES = 32
"""Answers to one request; each takes a part of the context."""
ON_BATTERY = ("work", "pause")
A_PAUSE = (
    "a number of milliseconds from 0 to 60000",
    lambda value: 0 <= value <= LONGEST_PAUSE_MILLISECONDS,
)


def is_absolute_folder(folder: str) -> bool:
    """Whether a folder of the settings means the same wherever Sleepy is started."""
    try:
        return Path(folder).expanduser().is_absolute()
    except RuntimeError:
        # The home of a user whom nobody knows.
        return False


MAY_HOLD_SECRETS = frozenset({"model_endpoint", "model_key_variable", "remote_endpoint", "remote_key_variable"})
"""Whoever mistakes what these are for puts a key into them, and messages end up in logs and bug reports."""
A_MODEL_NAME = ("a name without line breaks", lambda value: value.isprintable())
A_VARIABLE = (
    "the name of an environment variable, not the key itself",
    lambda value: not value or re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", value) is not None,
)


def is_endpoint(address: str) -> bool:
    """Whether this is empty or the address of a web server, without a user's name or password in it."""
    try:
        parts = urlsplit(address)
        return not address or (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and (parts.port or 1) > 0
            and "@" not in parts.netloc
            and not parts.query
            and not parts.fragment
        )
    except ValueError:
        # A port that is no number, or a bracket without its other half.
        return False


AN_ENDPOINT = ("an address such as http://127.0.0.1:8000/v1, or nothing", is_endpoint)


# What a value must be beyond its type, in words and as a test. Numbers are compared so that NaN passes none.
CONDITIONS: Mapping[str, tuple[str, Callable[[Any], bool]]] = MappingProxyType(
    {
        "slots": ("a number from 0 (as many as fit)", lambda value: value >= 0),
        "niceness": ("a number from 0 to 19", lambda value: 0 <= value <= 19),
        "warm_above_lines": ("a number from 0", lambda value: value >= 0),
        "compile_timeout_seconds": ("a number of seconds above 0", lambda value: value > 0),
        "debounce_milliseconds": A_PAUSE,
        "rest_milliseconds": A_PAUSE,
        "rust_analyzer_grace_milliseconds": A_PAUSE,
        "settle_seconds": (
            "a number of seconds from 0 to 3600",
            lambda value: 0 <= value <= LONGEST_SETTLING_SECONDS,
        ),
        "search_seconds": ("a number of seconds above 0", lambda value: value > 0),
        "on_battery": (" or ".join(f'"{word}"' for word in ON_BATTERY), lambda value: value in ON_BATTERY),
        "untrusted_folders": (
            "a list of folders that begin with / or ~ (on Windows with a drive)",
            lambda value: all(is_absolute_folder(folder) for folder in value),
        ),
        "model": A_MODEL_NAME,
        "model_endpoint": AN_ENDPOINT,
        "model_name": A_MODEL_NAME,
        "model_key_variable": A_VARIABLE,
        "remote_endpoint": AN_ENDPOINT,
        "remote_model": A_MODEL_NAME,
        "remote_key_variable": A_VARIABLE,
        "model_samples": ("a number from 1 to 32", lambda value: 1 <= value <= MOST_SAMPLES),
        "model_rounds": ("a number from 1 to 10", lambda value: 1 <= value <= 10),
        "model_seconds": ("a number of seconds above 0, at most 600", lambda value: 0 < value <= 600),
        "serve_idle_seconds": ("a number of seconds from 1 to 604800 (a week)", lambda value: 1 <= value <= 604_800),
        "context_tokens": ("a number from 256 to 131072", lambda value: 256 <= value <= 131_072),
        "prefix_cache_megabytes": ("a number from 0 to 65536", lambda value: 0 <= value <= 65_536),
        "serve_threads": ("a number from 0 (as many as fit) to 256", lambda value: 0 <= value <= 256),
    }
)


def find_places(environment: Mapping[str, str] = os.environ) -> Places:
    """Places for this user; `SLEEPY_HOME` wins over the platform's conventions."""
    home, shipped = environment.get(HOME_VARIABLE), environment.get(SHIPPED_VARIABLE)
    model = SHIPPED_MODEL if shipped is None else Path(shipped).expanduser().absolute() if shipped else None
    if home:
        root = Path(home).expanduser().absolute()
        return Places(root / "cache", root / "state", root / "config", model)
    directories = platformdirs.PlatformDirs("sleepy", appauthor=False)
    return Places(
        cache=Path(directories.user_cache_dir),
        state=Path(directories.user_state_dir),
        config=Path(directories.user_config_dir),
        shipped_model=model,
    )


def environment_elsewhere(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment for a process of ours that starts in another folder, where relative paths would mean others."""
    named = {name: environment[name] for name in (HOME_VARIABLE, SHIPPED_VARIABLE) if environment.get(name)}
    return {**environment, **{name: str(Path(path).expanduser().absolute()) for name, path in named.items()}}


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
    return settings_from(raw, Settings(), str(path))


def settings_from(values: Mapping[str, Any], base: Settings, place: str = "the settings of the editor") -> Settings:
    """`base` with what `values` says instead; the keys and the checks of config.toml, wherever they come from.

    None (null in JSON) leaves a setting as it is. `place`: where the values stand, for messages.
    Raises BadUsage for an unknown key, a value of the wrong type or out of range.
    """
    changed: dict[str, Any] = {}
    known = {field.name: getattr(base, field.name) for field in fields(Settings)}
    for key, raw_value in values.items():
        if key not in known:
            raise BadUsage(
                f"There is an unknown setting {key!r} in {place}.",
                f"The known settings are: {', '.join(sorted(known))}.",
            )
        if raw_value is not None:
            changed[key] = checked_value(key, raw_value, known[key], place)
    return replace(base, **changed)


def checked_value(key: str, raw_value: object, present: object, place: str) -> object:
    """The value of one setting as `Settings` keeps it: of the type of its `present` value. Raises BadUsage."""
    value = raw_value
    if isinstance(present, tuple) and isinstance(value, list):
        value = tuple(value)
    if isinstance(present, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    what = f"In {place}, {key} is {'of no use' if key in MAY_HOLD_SECRETS else repr(raw_value)}."
    if type(value) is not type(present):
        kind = {"tuple": "list"}.get(type(present).__name__, type(present).__name__)
        raise BadUsage(what, f"Give it a value of type {kind}.")
    if isinstance(value, tuple) and not all(isinstance(item, str) for item in value):
        raise BadUsage(what, "Give it a list of strings.")
    words, fits = CONDITIONS.get(key, ("", lambda _value: True))
    if not fits(value):
        raise BadUsage(what, f"Give it {words}.")
    return value
