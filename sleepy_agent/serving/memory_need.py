"""Whether something fits into memory, asked before the native library tries: it does not survive where it does not."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from sleepy_agent.errors import ModelError

RESERVE_BYTES = 128 * 1024 * 1024
"""What the rest of the server needs while it answers."""

MEGABYTE = 1024 * 1024
CONTROL_GROUP = Path("/sys/fs/cgroup")


def available_bytes() -> int:
    """What this process may still use: the machine's free memory, or less where it runs in a container with a limit."""
    import psutil

    available = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):
        # Linux control groups, version 2; "max" (no limit) is no number.
        limit = int((CONTROL_GROUP / "memory.max").read_text(encoding="ascii"))
        used = int((CONTROL_GROUP / "memory.current").read_text(encoding="ascii"))
        statistics = dict(line.split() for line in (CONTROL_GROUP / "memory.stat").read_text("ascii").splitlines())
        # Cached file contents count as used, but are given up when memory is asked for.
        cached = int(statistics.get("inactive_file", 0)) + int(statistics.get("active_file", 0))
        available = min(available, max(limit - used + cached, 0))
    return available


def check_memory(needed_bytes: int, what: str) -> None:
    """Raise ModelError where `what` needs more memory than there is."""
    available = available_bytes()
    if needed_bytes + RESERVE_BYTES > available:
        raise ModelError(
            f"There is not enough memory for {what}: it needs {needed_bytes // MEGABYTE} MB and "
            f"{available // MEGABYTE} MB are free.",
            "Close other programs, make `context_tokens` smaller, or use a smaller model (`sleepy model list`).",
        )


def answering_threads() -> int:
    """How many threads answer best: one for each core this process may use, not counting a core twice for its
    second hardware thread."""
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(usable, psutil.cpu_count(logical=False) or usable))
