"""Step aside while the user's own compiler works. Only for work at the lowest priority, which nobody waits for.

Priorities alone leave a sixth of the user's time on the table: two compilers share caches and memory whoever is
scheduled first. So a compile at the lowest priority is begun only when no other compiler runs, or after a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from pathlib import Path

from sleepy_agent.process import CancelToken

COMPILERS = frozenset({"rustc", "cargo", "clippy-driver", "rustdoc"})
LONGEST_WAIT_SECONDS = 2.0
LOOK_AGAIN_SECONDS = 0.05


def wait_for_other_compilers(cancel: CancelToken | None, proc: Path = Path("/proc")) -> None:
    """Return when no compiler but ours runs, at the latest after LONGEST_WAIT_SECONDS; at once where the
    system does not say what runs (no /proc)."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    pause = threading.Event()
    while time.monotonic() < deadline and not (cancel and cancel.cancelled):
        if not others_compile(cancel.sessions if cancel else (), proc):
            return
        pause.wait(LOOK_AGAIN_SECONDS)


def others_compile(own_sessions: Collection[int], proc: Path) -> bool:
    """Whether a compiler runs in a session that is none of ours (proc(5), `stat`: name and session)."""
    try:
        entries = list(proc.iterdir())
    except OSError:
        return False
    for entry in entries:
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            # It ended while we looked.
            continue
        name = stat[stat.find("(") + 1 : stat.rfind(")")]
        state, _parent, _group, session = stat[stat.rfind(")") + 2 :].split()[:4]
        if name in COMPILERS and state not in {"Z", "T"} and int(session) not in own_sessions:
            return True
    return False
