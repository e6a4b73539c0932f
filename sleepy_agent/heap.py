"""Keep a process that runs all day small: what is freed goes back to the system.

The allocator of GNU/Linux gives each thread a heap of its own and keeps what is freed in it (mallopt(3), M_ARENA_MAX;
malloc_trim(3)). Processes that decode large messages in several threads grow by that for hours. Elsewhere these
functions do nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys

ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h."""


def use_one_heap() -> None:
    """Let all threads share one heap. To be called before there are threads."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(ARENA_MAX, 1)


def give_back_memory() -> None:
    """Hand freed memory back to the system; takes about a millisecond."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
