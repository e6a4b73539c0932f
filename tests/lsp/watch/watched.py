"""`sleepy watch` in a pseudo terminal, or with its output in a pipe, for tests."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

TESTS = Path(__file__).parents[2]
PATIENCE_SECONDS = 30.0
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
"""What a terminal takes for itself: colours, and the drawing anew of a line."""
HALF_CONTROL = re.compile(r"\x1b(?:\[[0-9;?]*)?\Z")


class Watched:
    """A running `sleepy watch`: what it shows, what it is sent, what its server heard."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int, folder: Path) -> None:
        self.process = process
        self._descriptor = descriptor
        self._folder = folder
        self.shown = ""
        """Everything it showed so far, as words."""
        self.raw = ""
        self._half = ""
        self._read_to = 0

    def until(self, *wanted: str) -> str:
        """Wait until each text was shown, one after the other; what was shown up to there since the last call."""
        begin = self._read_to
        for text in wanted:
            while (place := self.shown.find(text, self._read_to)) < 0:
                self._read_more(f"{text!r} was not shown")
            self._read_to = place + len(text)
        return self.shown[begin : self._read_to]

    def until_server_heard(self, method: str) -> dict[str, Any]:
        """Wait until the server has heard a message, and give the last one of its kind."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := [one for one in self.heard() if one.get("method") == method]):
            assert time.monotonic() < deadline, f"the server did not hear {method}"
            select.select([self._descriptor], [], [], 0.02)
            self._read_waiting()
        return found[-1]

    def heard(self) -> list[dict[str, Any]]:
        """Every whole message that the server has heard."""
        journal = self._folder / "journal"
        lines = journal.read_text(encoding="utf-8").split("\n")[:-1] if journal.exists() else []
        return [json.loads(line) for line in lines]

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def end(self) -> int:
        """Wait for its end; the rest is then in `shown`. Its exit code."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end; it showed {self.shown!r}"
            select.select([self._descriptor], [], [], 0.05)
            self._read_waiting()
        self._read_waiting()
        return self.process.returncode

    def process_ids(self) -> list[int]:
        """Of the server, and of what it started."""
        files = [self._folder / name for name in ("server", "child")]
        return [int(file.read_text(encoding="ascii")) for file in files if file.exists()]

    def _read_more(self, complaint: str) -> None:
        ready, _, _ = select.select([self._descriptor], [], [], PATIENCE_SECONDS)
        before = len(self.raw)
        if ready:
            self._read_waiting()
        assert len(self.raw) > before, f"{complaint}; what was shown: {self.shown!r}"

    def _read_waiting(self) -> None:
        while select.select([self._descriptor], [], [], 0)[0]:
            try:
                piece = os.read(self._descriptor, 65_536)
            except OSError:
                # Linux says EIO once the last program on the terminal has ended.
                return
            if not piece:
                return
            text = piece.decode(errors="replace")
            self.raw += text
            whole = HALF_CONTROL.sub("", self._half + text)
            self._half = (self._half + text)[len(whole) :]
            self.shown += CONTROL.sub("", whole)


@contextmanager
def watching(
    project: Path,
    folder: Path,
    *options: str,
    server: str = "scripted",
    in_terminal: bool = True,
    mark: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Watched]:
    """Start it on a project; `folder` is for what tests keep. It is killed at the end where it still runs. `mark` is
    put into the environment of everything that it starts."""
    environment = {
        **os.environ,
        **mark,
        "TERM": "xterm",
        "COLUMNS": "200",
        "NO_COLOR": "1",
        "PYTHONPATH": str(TESTS),
        "SLEEPY_HOME": str(folder / "home"),
    }
    ours, theirs = pty.openpty() if in_terminal else os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "lsp.watch.watching_program", server, str(folder / "journal"), str(project), *options],
        stdin=theirs if in_terminal else subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    try:
        yield Watched(process, ours, folder)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
