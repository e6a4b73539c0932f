"""Keep a process that runs all day small: what is freed goes back to the system.

The allocator of GNU/Linux gives each thread a heap of its own and keeps what is freed in it (mallopt(3), M_ARENA_MAX;
malloc_trim(3)). Processes that decode large messages in several threads grow by that for hours. Elsewhere these
functions do nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys

ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h."""


def use_one_heap() -> None:
    """Let all threads share one heap. To be called before there are threads."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(ARENA_MAX, 1)


def keep_what_is_loaded() -> None:
    """What is there now stays to the end, and Python's collector of cycles need not look at it again (gc.freeze):
    its full rounds take the fraction of a millisecond then, where they would keep an editor waiting for many."""
    gc.collect()
    gc.freeze()


def give_back_memory() -> None:
    """Hand freed memory back to the system: a millisecond where `keep_what_is_loaded` was said, and some more for what
    was made since."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
