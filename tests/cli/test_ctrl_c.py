"""Ctrl-C and answers on a real (pseudo) terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sleepy_agent.cli.deciding import QUESTION

PROGRAM = Path(__file__).with_name("asking_program.py")


def read_until(terminal: int, wanted: bytes) -> bytes:
    """What the program shows up to and including `wanted`; all of it where it ends before."""
    shown = b""
    while wanted not in shown:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            # Linux says EIO once the last program on the terminal has ended.
            break
        if not piece:
            break
        shown += piece
    return shown


@pytest.mark.parametrize(
    ("typed", "exit_code", "shown_after"),
    [(b"\x03", 130, b"Stopped before anything was written."), (b"y\n", 0, b"All green"), (b"\x04", 1, b"remains")],
    ids=["Ctrl-C", "yes", "Ctrl-D"],
)
def test_at_the_prompt(typed: bytes, exit_code: int, shown_after: bytes, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(tmp_path)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "PYTHONPATH": str(PROGRAM.parents[1])},
    )
    os.close(theirs)
    try:
        assert QUESTION.strip().encode() in read_until(ours, QUESTION.strip().encode())
        os.write(ours, typed)
        rest = read_until(ours, b"\x00")
        assert program.wait(timeout=30) == exit_code
    finally:
        program.kill()
        program.wait()
        os.close(ours)
    assert shown_after in rest
    assert b"Traceback" not in rest
