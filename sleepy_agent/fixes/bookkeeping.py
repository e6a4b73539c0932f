"""What a run keeps track of: every problem it ever saw, every attempt it made, what became of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sleepy_agent.code.edits import EditConflict, apply_edits, unified_diff
from sleepy_agent.domain import Candidate, Episode, Fix, Outcome, Problem, Verdict
from sleepy_agent.fixes.events import AttemptMade, Emit, ProblemReport, RankLine
from sleepy_agent.memory.episodes import task_id_of, utc_timestamp

ProblemKey = tuple[str, str | None, str, str, str]


def problem_key(problem: Problem, read: Callable[[Path], bytes]) -> ProblemKey:
    """The same problem in a later text: package, code, message, file and the line it points at, trimmed."""
    span = problem.span
    if span is None:
        return (problem.package, problem.code, problem.message, "", "")
    text = read(span.file)
    start = text.rfind(b"\n", 0, span.byte_start) + 1
    end = text.find(b"\n", span.byte_start)
    line = text[start : end if end >= 0 else len(text)].decode(errors="replace").strip()
    return (problem.package, problem.code, problem.message, str(span.file), line)


@dataclass(slots=True)
class ProblemState:
    """What is known of one problem so far."""

    problem: Problem
    fix: Fix | None = None
    diff: str = ""
    alternatives: list[Fix] = field(default_factory=list)
    attempts: int = 0
    milliseconds: float = 0.0
    reason: str = "It was not tried."
    is_settled: bool = False
    """Whether nothing more is to be tried: fixed, declined, or given up on this text."""
    is_declined: bool = False
    was_given_up: bool = False
    """Whether everything was tried for it once: what is new comes first from then on."""
    why: tuple[str, ...] = ()
    """Why its fix stood first when it was offered."""
    ranking: tuple[RankLine, ...] = ()
    hindrance: str | None = None
    """Why a fix that compiles must not be written (a read-only file, say), with the remedy."""


class RunBook:
    """The owner of a run's problems and attempts; turns them into reports and episodes."""

    def __init__(self, run_id: str, root: Path, read: Callable[[Path], bytes], emit: Emit) -> None:
        self.run_id = run_id
        self.root = root
        self.episodes: list[Episode] = []
        self._read = read
        self._emit = emit
        self._states: dict[ProblemKey, ProblemState] = {}
        self._episode_of: dict[tuple[ProblemKey, Candidate], int] = {}

    @property
    def states(self) -> Mapping[ProblemKey, ProblemState]:
        return self._states

    def state(self, problem: Problem) -> ProblemState:
        """What is known of a problem, found again by its key when the text around it has moved."""
        key = problem_key(problem, self._read)
        state = self._states.setdefault(key, ProblemState(problem))
        state.problem = problem if state.fix is None else state.problem
        return state

    def attempt(self, problem: Problem, candidate: Candidate, verdict: Verdict) -> None:
        """Note an attempt: for the report, the store, and whoever watches."""
        state = self.state(problem)
        state.attempts += 1
        state.milliseconds += verdict.milliseconds
        state.reason = "A fix compiles; it was not decided on." if verdict.passed else verdict.reason
        span, asked = problem.span, candidate.asked
        path = span.file if span is not None else self.root / "Cargo.toml"
        self._episode_of[(problem_key(problem, self._read), candidate)] = len(self.episodes)
        self.episodes.append(
            Episode(
                task_id=task_id_of(self.root),
                run_id=self.run_id,
                attempt_index=state.attempts - 1,
                family=problem.family,
                signature=problem.signature,
                code=problem.code or "",
                message=problem.message,
                source=candidate.source,
                title=candidate.title,
                diff_unified=self.diff_of(candidate),
                verdict=verdict.reason,
                passed=verdict.passed,
                flags=verdict.flags,
                file=str(path.relative_to(self.root) if path.is_relative_to(self.root) else path),
                timestamp=utc_timestamp(datetime.now(UTC)),
                wall_clock_milliseconds=verdict.milliseconds,
                steps_to_green=candidate.steps if verdict.passed else 0,
                metadata=metadata_of(candidate),
                prompt_hash=asked.prompt_hash if asked is not None else None,
                model_id=asked.model_id if asked is not None else None,
                adapter_snapshot=asked.adapter_snapshot if asked is not None else None,
                tokens_in=asked.tokens_in if asked is not None else 0,
                tokens_out=asked.tokens_out if asked is not None else 0,
            )
        )
        self._emit(AttemptMade(problem, candidate, verdict))

    def episode_of(self, problem: Problem, candidate: Candidate) -> Episode | None:
        """The attempt at a problem with a candidate, where one was noted."""
        index = self._episode_of.get((problem_key(problem, self._read), candidate))
        return self.episodes[index] if index is not None else None

    def outcome(self, problem: Problem, candidate: Candidate, outcome: Outcome) -> None:
        """Note what became of an attempt that was offered."""
        index = self._episode_of.get((problem_key(problem, self._read), candidate))
        if index is not None:
            settled = candidate.title if outcome == Outcome.ACCEPTED else None
            self.episodes[index] = replace(
                self.episodes[index],
                outcome=outcome,
                settled_text=self.diff_of(candidate) if settled else None,
            )

    def diff_of(self, candidate: Candidate, context: int = 3) -> str:
        """The candidate's change of the present text."""
        texts = apply_edits(candidate.edits, self._read)
        if isinstance(texts, EditConflict):
            return ""
        return unified_diff({path: self._read(path) for path in texts}, texts, self.root, context)

    def reports(self, still_open: set[ProblemKey]) -> tuple[ProblemReport, ...]:
        """The end of every problem ever seen. `still_open`: keys of those the last check still found."""
        found = []
        for key, state in self._states.items():
            gone = key not in still_open
            reason = state.reason
            if state.fix is not None:
                reason = state.fix.verdict.reason
            elif gone:
                reason = "It went away with another fix."
            elif state.hindrance is not None:
                reason = state.hindrance
            elif state.is_declined:
                reason = "You declined its fix."
            elif any("unchecked_to_the_end" in fix.verdict.flags for fix in state.alternatives):
                reason = "A fix compiles so far, but another error keeps the compiler from checking it to the end."
            elif state.alternatives:
                reason = "A fix compiles, but you should decide whether it is right."
            found.append(
                ProblemReport(
                    problem=state.problem,
                    fix=state.fix,
                    alternatives=tuple(state.alternatives),
                    attempts=state.attempts,
                    milliseconds=state.milliseconds,
                    reason=reason,
                    diff=state.diff,
                    ranking=state.ranking,
                    is_gone=gone,
                )
            )
        return tuple(found)


def metadata_of(candidate: Candidate) -> dict[str, str]:
    """What else an episode says of where its candidate comes from."""
    found = {} if candidate.template is None else {"template": candidate.template}
    if candidate.asked is not None:
        found |= {"answer": candidate.asked.answer, "round": str(candidate.asked.round_number)}
    return found


@dataclass(frozen=True, slots=True)
class Budget:
    """Until when new work may be begun (seconds of `time.monotonic`); None: no end."""

    deadline: float | None
    seconds: float | None = None

    @property
    def words(self) -> str:
        """What to say when it is used up."""
        return f"the budget of {self.seconds:g} s is used up" if self.seconds is not None else "the time is used up"

    @property
    def is_used_up(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline


def start_budget(seconds: float | None) -> Budget:
    """A budget that begins now."""
    return Budget(None if seconds is None else time.monotonic() + seconds, seconds)
