"""Whether processes that a test started are still there."""

from __future__ import annotations

import os
import select


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
