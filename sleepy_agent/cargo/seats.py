"""A *seat* is a folder with everything one process needs to check a workspace; two processes never share one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

MOST_SEATS = 1000


@contextlib.contextmanager
def take_seat(folder: Path) -> Iterator[Path]:
    """The first seat that no other process holds, so that it is a warm one mostly.

    The lock is the operating system's: it ends with the process, however that ends.
    """
    for index in range(MOST_SEATS):
        seat = folder / "seats" / str(index)
        seat.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "seats" / f"{index}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            yield seat
        finally:
            lock.release()
        return
    raise OSError(f"all {MOST_SEATS} seats in {folder} are taken")
