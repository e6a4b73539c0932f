"""Whether somebody else compiles, read from a made-up /proc."""

from __future__ import annotations

from pathlib import Path

import pytest

from sleepy_agent.politeness import others_compile, wait_for_other_compilers
from sleepy_agent.process import CancelToken


def write_process(proc: Path, number: int, name: str, state: str, session: int) -> None:
    """One entry of a /proc as Linux shows it."""
    folder = proc / str(number)
    folder.mkdir(parents=True)
    (folder / "stat").write_text(f"{number} ({name}) {state} 1 {session} {session} 0 -1 0\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "state", "session", "expected"),
    [
        ("rustc", "R", 700, True),
        ("cargo", "S", 700, True),
        ("rustc", "R", 500, False),
        ("rustc", "Z", 700, False),
        ("rustc", "T", 700, False),
        ("vim", "R", 700, False),
        ("a (strange) name", "R", 700, False),
    ],
)
def test_only_other_peoples_compilers_count(
    tmp_path: Path, name: str, state: str, session: int, expected: bool
) -> None:
    write_process(tmp_path, 4711, name, state, session)
    (tmp_path / "meminfo").write_text("", encoding="utf-8")
    assert others_compile({500}, tmp_path) is expected


def test_nothing_is_known_without_proc(tmp_path: Path) -> None:
    assert others_compile((), tmp_path / "missing") is False


def test_a_cancelled_wait_ends_at_once(tmp_path: Path) -> None:
    write_process(tmp_path, 4711, "rustc", "R", 700)
    cancel = CancelToken()
    cancel.cancel()
    wait_for_other_compilers(cancel, tmp_path)


def test_the_wait_ends_when_the_other_compiler_does(tmp_path: Path) -> None:
    wait_for_other_compilers(CancelToken(), tmp_path)
