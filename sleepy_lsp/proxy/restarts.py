"""When a child that died is started again. Pure: given when it was started again before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """`delays`: seconds before the first, second... restart within `window` seconds.

    After as many it `gives_up`, or goes on with the last delay.
    """

    delays: tuple[float, ...]
    window: float
    gives_up: bool

    def delay(self, restarts: Sequence[float], now: float) -> float | None:
        """Seconds to wait now; None: it stays off. `restarts`: when it was started again, on the clock of `now`."""
        recent = sum(1 for time in restarts if now - time <= self.window)
        if recent < len(self.delays):
            return self.delays[recent]
        return None if self.gives_up else self.delays[-1]


WRAPPED_POLICY = RestartPolicy(delays=(0.2, 2.0, 10.0, 30.0), window=120.0, gives_up=False)
"""The server the user wants: always again, at most four times in the first minute, later twice a minute."""
SLEEPY_POLICY = RestartPolicy(delays=(0.5, 5.0, 30.0), window=3600.0, gives_up=True)
"""Ours: three times an hour, then the wrapped server goes on alone."""
