"""Which processes a test started, however far down and whoever is their parent by now: a mark in their environment."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress

import psutil

MARK = "SLEEPY_TEST_MARK"


def new_mark() -> Mapping[str, str]:
    """An entry for the environment of everything that is started."""
    return {MARK: uuid.uuid4().hex}


def marked(environment: Mapping[str, str]) -> list[psutil.Process]:
    """The running processes whose environment holds the mark of `environment`."""
    found = []
    for process in psutil.process_iter():
        # A process may end while it is looked at, and others' may not be looked at.
        with suppress(psutil.Error):
            if process.environ().get(MARK) == environment[MARK] and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def find(environment: Mapping[str, str], fits: Callable[[list[str]], bool]) -> list[psutil.Process]:
    """Those of the marked processes whose command line fits."""
    found = []
    for process in marked(environment):
        with suppress(psutil.Error):
            if fits(process.cmdline()):
                found.append(process)
    return found


def assert_none_left(environment: Mapping[str, str], seconds: float = 20.0) -> None:
    """Fail where a marked process is still there after some time; end those, so that they disturb nothing else."""
    _gone, left = psutil.wait_procs(marked(environment), timeout=seconds)
    told = []
    for process in left:
        with suppress(psutil.Error):
            told.append(f"{process.pid}: {' '.join(process.cmdline())}")
            process.kill()
    assert not told, f"still running after {seconds:.0f} s: {told}"
