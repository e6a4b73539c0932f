"""Whether processes that a test started are still there, and the end of those that would outlive it."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil


def is_running(process_id: int) -> bool:
    """Whether a process is there to stay; one that was killed may take a moment to be gone."""
    try:
        descriptor = os.pidfd_open(process_id)
    except ProcessLookupError:
        return False
    try:
        return not select.select([descriptor], [], [], 10)[0]
    finally:
        os.close(descriptor)


@contextmanager
def ended_afterwards() -> Iterator[None]:
    """Kill what this process starts within the block and what lives on after it, such as a model server.

    Processes of processes count as long as those that started them are there. A server that was told to start and has
    not yet written down where it listens is found, too.
    """
    me = psutil.Process()
    before = set(me.children(recursive=True))
    try:
        yield
    finally:
        left = [child for child in me.children(recursive=True) if child not in before]
        for child in left:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        _, alive = psutil.wait_procs(left, timeout=10)
        assert not alive, alive
