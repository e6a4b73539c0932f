"""What happens while a workspace is repaired, as a closed union of records; and the report at the end.

The engine emits events and knows nothing of terminals; the command line, the language server and tests
read them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sleepy_agent.domain import Candidate, Fix, Problem, Proof, Verdict


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A long operation begins: "reading the workspace", "recording rustc calls", "checking 7 targets"."""

    text: str


@dataclass(frozen=True, slots=True)
class ProblemsFound:
    """A check ended. `problems`: all that remain now; `blocked`: packages that cannot be checked before
    what they depend on compiles."""

    problems: tuple[Problem, ...]
    blocked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AttemptMade:
    """A candidate was verified."""

    problem: Problem
    candidate: Candidate
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RankLine:
    """One candidate where it stands in the order of rank. `parts`: what its cost is made of."""

    candidate: Candidate
    cost: float
    parts: tuple[tuple[str, float], ...]
    verdict: Verdict | None
    """None: it was not compiled, because what stands before it was enough."""


@dataclass(frozen=True, slots=True)
class FixAccepted:
    """A fix was taken (by the user, or because `--apply` takes the preferred ones).

    `diff`, `why` and `ranking`: as it was last offered; empty where another problem was offered the same change.
    """

    fix: Fix
    diff: str = ""
    why: tuple[str, ...] = ()
    ranking: tuple[RankLine, ...] = ()


@dataclass(frozen=True, slots=True)
class FixTakenBack:
    """A fix that was taken is out again: an error that is left keeps the compiler from checking it to the end."""

    problem: Problem
    title: str


@dataclass(frozen=True, slots=True)
class ProblemLeft:
    """No fix was taken for this problem. `reason`: one sentence."""

    problem: Problem
    reason: str
    alternatives: tuple[Fix, ...] = ()


@dataclass(frozen=True, slots=True)
class ProofMade:
    """A proof of the whole result: `cargo check`, `cargo clippy` or `cargo test` on the final text."""

    proof: Proof
    passed: bool
    summary: str


@dataclass(frozen=True, slots=True)
class SourceUnavailable:
    """A source gave no answer; the others go on. Told once a run."""

    source: str
    reason: str
    remedy: str


Event = (
    StageStarted
    | ProblemsFound
    | AttemptMade
    | FixAccepted
    | FixTakenBack
    | ProblemLeft
    | ProofMade
    | SourceUnavailable
)
Emit = Callable[[Event], None]


class Decision(StrEnum):
    """What the user says to one offered fix."""

    YES = "yes"
    NO = "no"
    ALL = "all"
    SKIP_FILE = "skip"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Offer:
    """A verified fix shown to the user, with the texts its diff is made of. `why`: reasons of its rank."""

    fix: Fix
    diff: str
    why: tuple[str, ...]
    alternatives: tuple[Fix, ...]
    index: int
    total: int
    ranking: tuple[RankLine, ...] = ()
    """All candidates of the problem, in the order of rank."""


Decide = Callable[[Offer], Decision]


@dataclass(frozen=True, slots=True)
class ProblemReport:
    """The end of one problem: its fix where one was taken, else the offers that were not."""

    problem: Problem
    fix: Fix | None
    alternatives: tuple[Fix, ...]
    attempts: int
    milliseconds: float
    reason: str
    diff: str = ""
    ranking: tuple[RankLine, ...] = ()
    """The candidates of the last search for it, in the order of rank."""
    is_gone: bool = False
    """Whether the problem is no longer there at the end, by its own fix or by another's."""


@dataclass(frozen=True, slots=True)
class FixReport:
    """The end of a run. `green`: no error is left in any package, judged on the final text."""

    run_id: str
    root: Path
    problems: tuple[ProblemReport, ...]
    green: bool
    blocked: tuple[str, ...]
    written_files: tuple[Path, ...]
    proofs: tuple[ProofMade, ...]
    seconds: float
    stopped_because: str | None = None
    """Why it ended before the end ("the budget of 30 s is used up", "you quit"), else None."""
    attempts: int = 0
