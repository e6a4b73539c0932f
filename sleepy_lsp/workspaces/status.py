"""What Sleepy does now, for the status line of an editor (`sleepy/status`). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """In the order of what a user with several workspaces wants to know first."""

    RECORDING = "recording"
    SEARCHING = "searching"
    CHECKING = "checking"
    IDLE = "idle"
    PAUSED = "paused"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Status:
    """A state, and why, where there is anything to say."""

    state: State
    reason: str = ""


def status_of_all(each: Iterable[Status], nothing_because: str) -> Status:
    """The one status of several workspaces: of the busiest one. `nothing_because`: why there is none."""
    order = tuple(State)
    return min(each, key=lambda status: order.index(status.state), default=Status(State.OFF, nothing_because))
