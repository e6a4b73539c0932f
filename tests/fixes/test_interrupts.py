"""Ctrl-C at any moment of a real run: the tree is as it was, or finished; nothing runs on; the next run works."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from process_watch import is_running

BROKEN = {
    "Cargo.toml": '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n',
    "Cargo.lock": 'version = 3\n\n[[package]]\nname = "shop"\nversion = "0.1.0"\n',
    "src/lib.rs": "pub mod till;\n\npub fn total() -> u32 {\n    let sum = 1;\n    sum += 2;\n    sum\n}\n",
    "src/till.rs": "pub fn open() -> Vec<u8> {\n    let coins = Vec::new();\n    coins.push(1);\n    coins\n}\n",
}
MENDED = BROKEN | {
    "src/lib.rs": BROKEN["src/lib.rs"].replace("let sum", "let mut sum"),
    "src/till.rs": BROKEN["src/till.rs"].replace("let coins", "let mut coins"),
}
Moment = Callable[["subprocess.Popen[bytes]"], None]


def lay_out(project: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)


def tree(project: Path) -> dict[str, str]:
    return {str(path.relative_to(project)): path.read_text() for path in project.rglob("*") if path.is_file()}


@contextlib.contextmanager
def sleepy_fix(project: Path, home: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "sleepy_agent.cli", "fix", str(project), "--apply", *options]
    environment = os.environ | {"SLEEPY_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


def own_processes(home: Path) -> list[int]:
    """Every process that was started with this SLEEPY_HOME and has not ended."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"SLEEPY_HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
    return found


def after_line(number: int) -> Moment:
    """When the program has said so many lines."""

    def wait(program: subprocess.Popen[bytes]) -> None:
        assert program.stdout
        for _ in range(number):
            program.stdout.readline()

    return wait


def after_program(number: int, home: Path) -> Moment:
    """When it has started so many programs (cargo, rustc); looked for without a pause, so that it is caught early."""

    def wait(program: subprocess.Popen[bytes]) -> None:
        seen: set[int] = set()
        while len(seen) <= number and program.poll() is None:
            seen.update(own_processes(home))

    return wait


def after_file(pattern: str, folder: Path) -> Moment:
    """When a file appears: the store, a recording, what is about to be moved into place."""

    def wait(program: subprocess.Popen[bytes]) -> None:
        while program.poll() is None and not is_there(folder, pattern):
            pass

    return wait


def is_there(folder: Path, pattern: str) -> bool:
    """Whether a path below `folder` fits. Not `rglob`: that fails when a folder goes away while it looks."""
    return any(
        Path(place, name).match(pattern) for place, folders, files in os.walk(folder) for name in (*folders, *files)
    )


def after_library(name: str) -> Moment:
    """When the program has loaded a library."""

    def wait(program: subprocess.Popen[bytes]) -> None:
        while program.poll() is None and name not in Path(f"/proc/{program.pid}/maps").read_text():
            pass

    return wait


MOMENTS: dict[str, Callable[[Path, Path], Moment]] = {
    "at once": lambda _project, _home: after_line(0),
    **{f"line {number}": lambda _project, _home, n=number: after_line(n) for number in range(1, 6)},  # type: ignore[misc]
    **{f"program {number}": lambda _project, home, n=number: after_program(n, home) for number in (1, 3, 5, 8)},  # type: ignore[misc]
    "the engine is being loaded": lambda _project, _home: after_library("tree_sitter"),
    "the first recording": lambda _project, home: after_file("recording", home / "cold"),
    "the first file of a slot": lambda _project, home: after_file("slot-*", home / "cold"),
    "a file is ready to be moved": lambda project, _home: after_file("*.sleepy", project),
}


@pytest.fixture(scope="module")
def warm_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One SLEEPY_HOME for all moments: each finds what the interrupted runs before it left."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work") / "shop"


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT])
def test_interrupted(moment: str, number: signal.Signals, project: Path, warm_home: Path) -> None:
    lay_out(project, BROKEN)
    home = warm_home / "cold" if moment.startswith("the first") else warm_home
    shutil.rmtree(warm_home / "cold", ignore_errors=True)
    with sleepy_fix(project, home) as program:
        MOMENTS[moment](project, warm_home)(program)
        program.send_signal(number)
        _, errors = program.communicate(timeout=60)
    assert not [one for one in own_processes(home) if is_running(one)]
    assert b"Traceback" not in errors, errors.decode()
    found = tree(project)
    assert found in (BROKEN, MENDED)
    # Before Python runs its first line of ours, a signal ends it as it ends every program.
    ended_before_it_began = program.returncode == -number and moment == "at once"
    # Where the signal came inside an `exec` of text (dataclasses are made so), Python ends by that signal although it
    # was handled and told; to a shell both are 130.
    ended_as_told = program.returncode == -number and b"Stopped." in errors
    assert program.returncode in {130, 0} or ended_before_it_began or ended_as_told
    if program.returncode == 0:
        assert found == MENDED
    elif not ended_before_it_began:
        assert b"Stopped" in errors or found == MENDED

    lay_out(project, BROKEN)
    with sleepy_fix(project, home, "--json") as program:
        output, errors = program.communicate(timeout=60)
    assert program.returncode == 0, errors.decode()
    assert json.loads(output)["green"]
    assert tree(project) == MENDED
