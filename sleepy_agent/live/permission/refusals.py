"""Whether work may be done in the background for a path; where not, why not, as a value and in words.

Asked before anything is recorded, checked or offered. Cheap: a few looks at folders, no process is started.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import psutil

from sleepy_agent.config import Places, Settings
from sleepy_agent.live.permission.ignore import IgnoreFiles

MANIFEST = "Cargo.toml"
VENDORED_MARK = ".cargo-checksum.json"
"""`cargo vendor` puts it into each package: cargo refuses the package when one of its files is changed."""
TARGET_MARKS = (".rustc_info.json", "CACHEDIR.TAG")
"""Cargo puts both into a target directory. The second one belongs to every cache, so cargo must be named in it."""


class Reason(StrEnum):
    """Why no work is done."""

    UNTRUSTED_BY_EDITOR = "untrusted by editor"
    UNTRUSTED_FOLDER = "untrusted folder"
    ON_BATTERY = "on battery"
    NO_CARGO_PROJECT = "no cargo project"
    DEPENDENCY_SOURCES = "sources of a dependency"
    GENERATED = "generated"
    IGNORED = "ignored"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class Refusal:
    """No work is done here. `because` is what follows "no work here: ", `remedy` a whole sentence."""

    reason: Reason
    because: str
    remedy: str

    @property
    def is_for_now(self) -> bool:
        """Whether it ends by itself, so that the work is paused and not off (`sleepy/status`)."""
        return self.reason is Reason.ON_BATTERY

    @property
    def words(self) -> str:
        """Reason and remedy for the status line of an editor."""
        return f"{self.because}. {self.remedy}"


def runs_on_battery() -> bool:
    """Whether the computer runs on its battery now. One without a battery, or that does not say, does not."""
    try:
        # Not every system has this function, and drivers fail in ways of their own.
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, RuntimeError, ValueError):
        return False
    return battery is not None and battery.power_plugged is False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the answer depends on beside the path."""

    settings: Settings
    places: Places
    ignore_files: IgnoreFiles
    is_trusted: bool = True
    """What the editor says of the folders it has open."""
    muted_files: frozenset[Path] = frozenset()
    """Links resolved, as `Mutes.files_of` gives them."""
    on_battery: Callable[[], bool] = runs_on_battery
    """Asked only where the settings make a difference of it."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


def why_no_work(path: Path, circumstances: Circumstances, root: Path | None = None) -> Refusal | None:
    """The first reason why nothing is done for a file, or for the workspace of a folder; None: go on.

    `root`: the folder of the source tree (`WorkspaceOpened.source_roots`) from which on `.sleepyignore` counts, where
    it is known; else the outermost folder above `path` with a Cargo.toml.
    """
    return next(_refusals(path, circumstances, root), None)


def _refusals(path: Path, circumstances: Circumstances, root: Path | None) -> Iterator[Refusal]:
    settings = circumstances.settings
    real = path.resolve()
    if not circumstances.is_trusted:
        yield Refusal(
            Reason.UNTRUSTED_BY_EDITOR,
            "the editor does not trust this folder, and building it runs its build scripts and macros",
            "Trust the folder in the editor.",
        )
    for folder in settings.untrusted_folders:
        if real.is_relative_to(Path(folder).expanduser().resolve()):
            yield Refusal(
                Reason.UNTRUSTED_FOLDER,
                f"it lies in {folder}, one of the untrusted_folders of your settings",
                f"Take that folder out of {circumstances.places.settings_file}.",
            )
    yield from _not_the_users_own(real, circumstances)
    projects = [folder for folder in _folders_from(path) if (folder / MANIFEST).is_file()]
    if not projects:
        yield Refusal(
            Reason.NO_CARGO_PROJECT,
            f"there is no {MANIFEST} in {_folder_of(path)} or above it",
            "Open a file of a cargo project.",
        )
        return
    ignoring_file = circumstances.ignore_files.ignoring_file(path, root or projects[-1])
    if ignoring_file is not None:
        yield Refusal(
            Reason.IGNORED, f"{ignoring_file} says so", "Take the line that fits out of that file, or add one with `!`."
        )
    if real in circumstances.muted_files:
        yield Refusal(Reason.MUTED, "you muted this file", "Unmute it with the command `sleepy.unmute`.")
    if settings.on_battery == "pause" and circumstances.on_battery():
        yield Refusal(
            Reason.ON_BATTERY,
            'the computer runs on battery, and your settings say on_battery = "pause"',
            'Plug it in, or set on_battery = "work".',
        )


def _not_the_users_own(real: Path, circumstances: Circumstances) -> Iterator[Refusal]:
    """What lies in a project and is nobody's to mend: unpacked dependencies, the standard library, build output."""
    for place in _places_of_dependencies(circumstances.environment):
        if real.is_relative_to(place):
            yield Refusal(
                Reason.DEPENDENCY_SOURCES,
                f"it lies in {place}, where cargo and rustup keep what they downloaded",
                "Open the project that uses it.",
            )
    if real.is_relative_to(circumstances.places.cache.resolve()):
        yield Refusal(Reason.GENERATED, "it is a copy that Sleepy made for itself", "Open the file it was copied from.")
    for folder in _folders_from(real):
        if (folder / VENDORED_MARK).is_file():
            yield Refusal(
                Reason.DEPENDENCY_SOURCES,
                f"{folder} is a vendored dependency, which cargo does not let anybody change",
                "Open the project that uses it.",
            )
        if is_target_directory(folder):
            yield Refusal(
                Reason.GENERATED,
                f"it lies in {folder}, where cargo puts what it builds",
                "Open the source it was made from.",
            )


def is_target_directory(folder: Path) -> bool:
    """Whether cargo builds into this folder, whatever its name is."""
    info, tag = (folder / name for name in TARGET_MARKS)
    try:
        return info.is_file() or (tag.is_file() and b"cargo" in tag.read_bytes())
    except OSError:
        return False


def _places_of_dependencies(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where cargo unpacks packages, and where rustup has the standard library (The Cargo Book, "Cargo Home";
    The rustup book, "Environment variables")."""
    home = Path.home()
    cargo_home = Path(environment.get("CARGO_HOME") or home / ".cargo")
    rustup_home = Path(environment.get("RUSTUP_HOME") or home / ".rustup")
    for place in (cargo_home / "registry", cargo_home / "git", rustup_home / "toolchains"):
        yield place.resolve()


def _folder_of(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _folders_from(path: Path) -> tuple[Path, ...]:
    """The folder of a path, and those above it."""
    folder = _folder_of(path)
    return (folder, *folder.parents)
