"""`sleepy doctor` on machines that lack something."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.fakes import make_terminal, parse
from sleepy_agent.cli.checks import Check, Machine, State, check_python, every_check, this_machine
from sleepy_agent.cli.doctor import run_with
from sleepy_agent.config import find_places
from sleepy_agent.process import ProcessOutcome


def machine_without(*missing: str, broken: tuple[str, ...] = ()) -> Machine:
    """A machine on which every program tells a version, less some that are not there and some that do not start."""

    def start(command: Sequence[str]) -> ProcessOutcome:
        program = command[1] if command[:2] == ("cargo", "clippy") else command[0]
        if program in missing:
            return ProcessOutcome(None, b"", b"", 0.0, start_error=FileNotFoundError())
        if program in broken:
            return ProcessOutcome(1, b"", b"error: no such component", 0.0)
        return ProcessOutcome(0, f"{program} 1.2.3\n".encode(), b"", 0.0)

    return Machine(places=find_places(), environment=os.environ, start=start)


def found(machine: Machine) -> dict[str, Check]:
    return {check.name: check for check in every_check(machine)}


def test_a_complete_machine_is_ready() -> None:
    terminal = make_terminal()
    assert run_with(parse("doctor"), terminal.as_terminal, machine_without()) == 0
    assert "Ready" in terminal.output.getvalue()
    assert "mend:" not in terminal.output.getvalue()


@pytest.mark.parametrize("program", ["cargo", "rustc", "cc"])
def test_what_is_essential_stops_it(program: str) -> None:
    terminal = make_terminal()
    assert run_with(parse("doctor"), terminal.as_terminal, machine_without(program)) == 2
    shown = terminal.output.getvalue()
    assert "missing" in shown
    assert "mend:" in shown
    assert "Not ready" in shown


@pytest.mark.parametrize(
    ("program", "mend"),
    [
        ("rust-analyzer", "rustup component add rust-analyzer"),
        ("clippy", "rustup component add clippy"),
        ("rustfmt", "rustup component add rustfmt"),
        ("git", "install git"),
    ],
)
def test_what_is_not_essential_is_a_warning_with_its_mend(program: str, mend: str) -> None:
    # rustup's stand-in is on PATH and fails: that is not "present".
    for machine in (machine_without(program), machine_without(broken=(program,))):
        check = found(machine)[program]
        assert (check.state, check.mend) == (State.WARNING, mend)
        assert run_with(parse("doctor"), make_terminal().as_terminal, machine) == 0


def test_a_folder_without_a_toolchain() -> None:
    check = found(machine_without(broken=("rustup",)))["toolchain"]
    assert check.state is State.MISSING
    assert check.mend == "rustup default stable"
    assert found(machine_without("rustup"))["toolchain"].state is State.OK


def test_an_old_python() -> None:
    assert check_python((3, 10, 12)).state is State.MISSING
    assert check_python((3, 11, 0)).state is State.OK


def test_folders_that_cannot_be_made(sleepy_home: Path) -> None:
    (sleepy_home / "cache").write_text("a file", encoding="utf-8")
    checks = found(machine_without())
    assert checks["cache folder"].state is State.MISSING
    assert "SLEEPY_HOME" in checks["cache folder"].mend
    assert checks["symbolic links"].state is State.WARNING


def test_a_store_that_does_not_open(sleepy_home: Path) -> None:
    (sleepy_home / "state").mkdir()
    find_places().store_file.write_bytes(b"this is no database, whatever its name says" * 50)
    check = found(machine_without())["store"]
    assert check.state is State.MISSING
    assert check.mend


def test_settings_that_mean_nothing(sleepy_home: Path) -> None:
    (sleepy_home / "config").mkdir()
    find_places().settings_file.write_text("slotz = 3\n", encoding="utf-8")
    assert found(machine_without())["settings"].state is State.MISSING


def test_json() -> None:
    terminal = make_terminal()
    run_with(parse("doctor", "--json"), terminal.as_terminal, machine_without("git"))
    shown = json.loads(terminal.output.getvalue())
    assert shown["ready"] is True
    git = next(check for check in shown["checks"] if check["name"] == "git")
    assert git == {
        "name": "git",
        "state": "warning",
        "found": "not on PATH: the last green text of a file is not known",
        "mend": "install git",
        "essential": False,
    }


def test_this_machine_tells_what_its_programs_say(tmp_path: Path) -> None:
    machine = this_machine(find_places(), os.environ, tmp_path)
    assert machine.start(("rustc", "--version")).stdout.startswith(b"rustc ")
    assert machine.start(("no-such-program-anywhere",)).start_error
