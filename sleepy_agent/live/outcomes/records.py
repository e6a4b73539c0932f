"""The records in which the outcomes of offers are decided (`book.py`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.cargo.verdict import phase_of
from sleepy_agent.domain import Outcome, Problem
from sleepy_agent.live.messages import TextChecked
from sleepy_agent.memory.pending import PendingOutcome

ReadText = Callable[[Path], bytes | None]
"""The text of a file now: the editor's, else the disk's, None where there is none."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on two clocks: seconds that never go back, and UTC (ISO 8601)."""

    at: float
    timestamp: str


@dataclass(frozen=True, slots=True)
class Await:
    """Keep in the store that this is waited for, or how far it has come."""

    pending: PendingOutcome


@dataclass(frozen=True, slots=True)
class Settle:
    """Say in the store what became of it."""

    pending: PendingOutcome
    outcome: Outcome
    settled_text: str | None = None
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """Forget in the store that it was waited for."""

    pending: PendingOutcome


Decision = Await | Settle | Drop


@dataclass(frozen=True, slots=True)
class OwnFacts:
    """What this process saw of an own fix."""

    file: Path
    """Of the problem."""
    deleted: bool
    cleared_at: float
    open_since: float | None
    """When the problem was last known to be there."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something whose outcome is open."""

    pending: PendingOutcome
    changed_at: float
    """When one of its files changed last."""
    gone_at: float | None = None
    """Since when the problem of a shown offer is gone."""
    needs_check: bool = False
    """Whether it was brought back from the store, and nobody knows yet whether its problem is still there."""
    own: OwnFacts | None = None

    @property
    def paths(self) -> frozenset[Path]:
        """The files whose changes it has to see."""
        followed = frozenset(file.path for file in self.pending.files)
        return followed if self.own is None else followed | {self.own.file}


def mistake_of(problem: Problem) -> str:
    """What stays of a problem while its line is edited: package, compiler phase, signature and file."""
    span = problem.span
    file = str(span.file) if span is not None else ""
    return "\0".join((problem.package, str(phase_of(problem.diagnostic)), problem.signature, file))


def may_be_hidden(mistake: str, checked: TextChecked) -> bool:
    """Whether a check that does not name a mistake says nothing about it: its package was not compiled so far."""
    package, phase, *_ = mistake.split("\0")
    return package in checked.blocked or any(
        known.problem.package == package and phase_of(known.problem.diagnostic) < int(phase)
        for known in checked.problems
    )
