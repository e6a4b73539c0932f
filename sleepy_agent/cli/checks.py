"""What Sleepy needs from a machine, each need as one function that returns a value.

A check never changes anything, apart from making Sleepy's own folders and store.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sleepy_agent.config import Places, Settings, load_settings
from sleepy_agent.errors import SleepyError
from sleepy_agent.process import ProcessOutcome, run_process

OLDEST_PYTHON: Final = (3, 11)
LITTLE_SPACE_BYTES: Final = 2 * 1024**3
"""Target folders of a middling workspace fill about this much."""
PROGRAM_TIMEOUT_SECONDS: Final = 20.0


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `mend`: the one command or act that helps; empty where nothing has to."""

    name: str
    state: State
    found: str
    mend: str = ""
    essential: bool = True
    """Whether `sleepy fix` cannot work without it."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the checks look; tests give one of their own. `start` runs a program to its end."""

    places: Places
    environment: Mapping[str, str]
    start: Callable[[Sequence[str]], ProcessOutcome]


def this_machine(places: Places, environment: Mapping[str, str], folder: Path) -> Machine:
    """The machine this process runs on, programs started in `folder` (whose toolchain file counts)."""
    # A missing component must be told, never downloaded.
    complete = dict(environment) | {"RUSTUP_AUTO_INSTALL": "0"}

    def start(command: Sequence[str]) -> ProcessOutcome:
        return run_process(command, cwd=folder, environment=complete, timeout_seconds=PROGRAM_TIMEOUT_SECONDS)

    return Machine(places=places, environment=environment, start=start)


@dataclass(frozen=True, slots=True)
class ProgramNeed:
    """A program that must start: a name on PATH is not enough, rustup's stand-ins are there without the program."""

    name: str
    command: tuple[str, ...]
    mend: str
    essential: bool
    without: str
    """What does not work without it."""


PROGRAMS: Final = (
    ProgramNeed(
        "cargo", ("cargo", "--version"), "install Rust: https://rustup.rs", True, "nothing can be checked or built"
    ),
    ProgramNeed("rustc", ("rustc", "--version"), "install Rust: https://rustup.rs", True, "no fix can be verified"),
    ProgramNeed(
        "clippy",
        ("cargo", "clippy", "--version"),
        "rustup component add clippy",
        False,
        "--clippy and --proof clippy do not work",
    ),
    ProgramNeed(
        "rustfmt", ("rustfmt", "--version"), "rustup component add rustfmt", False, "fixes keep the form they came in"
    ),
    ProgramNeed(
        "rust-analyzer",
        ("rust-analyzer", "--version"),
        "rustup component add rust-analyzer",
        False,
        "the editor side has no partner; `sleepy fix` does not need it",
    ),
    ProgramNeed("git", ("git", "--version"), "install git", False, "the last green text of a file is not known"),
)


def every_check(machine: Machine) -> tuple[Check, ...]:
    """All checks, in the order they are shown."""
    # It takes its records from here.
    from sleepy_agent.cli.model_checks import check_models

    return (
        check_python(sys.version_info[:3]),
        *(check_program(machine, need) for need in PROGRAMS[:2]),
        check_toolchain(machine),
        *(check_program(machine, need) for need in PROGRAMS[2:]),
        check_linker(machine),
        check_folder("cache folder", machine.places.cache),
        check_folder("state folder", machine.places.state),
        check_symlinks(machine.places.cache),
        check_settings(machine.places),
        check_store(machine.places),
        *check_models(machine),
    )


def check_python(version: tuple[int, ...]) -> Check:
    """Python is new enough."""
    found = ".".join(str(part) for part in version)
    if tuple(version[:2]) < OLDEST_PYTHON:
        return Check("Python", State.MISSING, f"{found}, at least 3.11 is needed", "make install PYTHON=python3.11")
    return Check("Python", State.OK, found)


def check_program(machine: Machine, need: ProgramNeed) -> Check:
    """The program starts and tells its version."""
    outcome = machine.start(need.command)
    if outcome.succeeded:
        return Check(need.name, State.OK, _first_line(outcome.stdout), essential=need.essential)
    state = State.MISSING if need.essential else State.WARNING
    why = "not on PATH" if outcome.start_error else "it does not start"
    return Check(need.name, state, f"{why}: {need.without}", need.mend, need.essential)


def check_toolchain(machine: Machine) -> Check:
    """Which toolchain serves this folder; without rustup that is whatever rustc is on PATH."""
    outcome = machine.start(("rustup", "show", "active-toolchain"))
    if outcome.succeeded:
        return Check("toolchain", State.OK, _first_line(outcome.stdout), essential=False)
    if outcome.start_error:
        return Check("toolchain", State.OK, "no rustup; the rustc on PATH is used", essential=False)
    return Check(
        "toolchain",
        State.MISSING,
        f"rustup has none for this folder: {_first_line(outcome.stderr)}",
        "rustup default stable",
    )


def check_linker(machine: Machine) -> Check:
    """Build scripts and procedural macros are linked programs, so a linker is needed even to only check."""
    if os.name == "nt":
        return Check("linker", State.OK, "the one rustc finds (MSVC)", essential=False)
    outcome = machine.start(("cc", "--version"))
    if outcome.succeeded:
        return Check("linker", State.OK, _first_line(outcome.stdout))
    mend = "xcode-select --install" if sys.platform == "darwin" else "install gcc or clang, such as `apt install gcc`"
    return Check("linker", State.MISSING, "no cc: build scripts and derive macros cannot be built", mend)


def check_folder(name: str, folder: Path) -> Check:
    """The folder can be written, and there is room."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as probe:
            probe.write(b"sleepy")
            probe.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return Check(name, State.MISSING, f"{folder}: {reason}", "set SLEEPY_HOME to a folder you can write")
    found = f"{folder}, {free / 1024**3:.1f} GB free"
    if free < LITTLE_SPACE_BYTES:
        return Check(name, State.WARNING, found, "free some space there, or set SLEEPY_HOME to another disk")
    return Check(name, State.OK, found)


def check_symlinks(folder: Path) -> Check:
    """Overlays link the files they do not change; where links are not allowed they copy."""
    try:
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            (Path(scratch) / "link").symlink_to(Path(scratch) / "target")
    except OSError as error:
        mend = (
            "turn on Developer Mode in the Windows settings" if os.name == "nt" else "set SLEEPY_HOME to another disk"
        )
        reason = (error.strerror or str(error)).lower()
        return Check("symbolic links", State.WARNING, f"{reason}: files are copied instead", mend, essential=False)
    return Check("symbolic links", State.OK, "allowed", essential=False)


def check_settings(places: Places) -> Check:
    """config.toml says something Sleepy understands; with it, how many compilers run at a time."""
    try:
        settings = load_settings(places)
    except SleepyError as error:
        return Check("settings", State.MISSING, error.message, error.remedy)
    source = str(places.settings_file) if places.settings_file.exists() else "defaults"
    return Check("settings", State.OK, f"{source}; {_slots(settings)}")


def check_store(places: Places) -> Check:
    """The episode store opens."""
    from sleepy_agent.memory.database import open_database
    from sleepy_agent.memory.episodes import count_episodes

    try:
        database = open_database(places.store_file)
        try:
            total = count_episodes(database).total
        finally:
            database.close()
    except SleepyError as error:
        return Check("store", State.MISSING, error.message, error.remedy)
    return Check("store", State.OK, f"{places.store_file}, {total} attempts")


def _slots(settings: Settings) -> str:
    return f"{settings.slot_count} slots on {os.cpu_count() or 1} processors"


def _first_line(output: bytes) -> str:
    return output.decode(errors="replace").strip().partition("\n")[0]
