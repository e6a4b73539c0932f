"""Group testing: which attempts can share a compile, and how a group is split when its compile fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sleepy_agent.cargo.diagnostics import all_texts
from sleepy_agent.cargo.problems import error_key
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.code.edits import OccupiedPlaces
from sleepy_agent.domain import Span
from sleepy_agent.fixes.attempts import Attempt

# So many times the same idea for the same message is one question.
MANY_ALIKE = 3


def group_attempts(attempts: Sequence[Attempt]) -> list[list[Attempt]]:
    """Groups that can share a compile: one package, no two that meet; a manifest stands alone."""
    groups: dict[str, list[OpenGroup]] = {}
    alone = []
    for attempt in attempts:
        if changes_manifest(attempt):
            alone.append([attempt])
            continue
        found = groups.setdefault(attempt.problems[0].package, [])
        home = next((group for group in found if not group.meets(attempt)), None)
        if home is None:
            home = OpenGroup()
            found.append(home)
        home.add(attempt)
    return [*alone, *(group.attempts for found in groups.values() for group in found)]


@dataclass(slots=True)
class OpenGroup:
    """Attempts that do not meet, with the places they edit and those their problems speak of."""

    attempts: list[Attempt] = field(default_factory=list)
    edited: OccupiedPlaces = field(default_factory=OccupiedPlaces)
    spoken_of: OccupiedPlaces = field(default_factory=OccupiedPlaces)
    members: set[int] = field(default_factory=set)

    def add(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self.members |= {id(problem) for problem in attempt.problems}
        for edit in attempt.ranked.candidate.edits:
            self.edited.add(edit.file, edit.byte_start, edit.byte_end)
        for span in primary_spans(attempt):
            self.spoken_of.add(span.file, span.byte_start, span.byte_end)

    def meets(self, attempt: Attempt) -> bool:
        """Whether it touches a place that a member edits, or one edits what the other's problem speaks of, or both
        are for the same problem."""
        if any(id(problem) in self.members for problem in attempt.problems):
            return True
        return any(
            self.edited.touched_by(edit.file, edit.byte_start, edit.byte_end)
            or self.spoken_of.touched_by(edit.file, edit.byte_start, edit.byte_end)
            for edit in attempt.ranked.candidate.edits
        ) or any(self.edited.touched_by(span.file, span.byte_start, span.byte_end) for span in primary_spans(attempt))


def primary_spans(attempt: Attempt) -> list[Span]:
    """The places that the problems of an attempt point at."""
    return [span for problem in attempt.problems for span in problem.diagnostic.spans if span.is_primary]


def changes_manifest(attempt: Attempt) -> bool:
    return any(edit.file.name == "Cargo.toml" for edit in attempt.ranked.candidate.edits)


def group_passed(group: Sequence[Attempt], trial: Trial) -> bool:
    """Whether a shared compile speaks for every member."""
    return trial.is_clean and all(
        error_key(problem.diagnostic) in trial.gone for attempt in group for problem in attempt.problems
    )


def split_group(group: Sequence[Attempt], trial: Trial) -> list[list[Attempt]]:
    """Smaller groups: those the compiler blames alone, the rest together; halves where it blames nobody or all."""
    blamed = [attempt for attempt in group if is_blamed(attempt, trial)]
    if 0 < len(blamed) < len(group):
        rest = [attempt for attempt in group if attempt not in blamed]
        return [rest, *halves(blamed)] if len(blamed) > 1 else [rest, blamed]
    return halves(group)


def halves(group: Sequence[Attempt]) -> list[list[Attempt]]:
    if len(group) == 1:
        return [list(group)]
    middle = len(group) // 2
    return [list(group[:middle]), list(group[middle:])]


def is_blamed(attempt: Attempt, trial: Trial) -> bool:
    """Whether an attempt's problem is still there, or a new error lies within a few lines of its edits."""
    if any(error_key(problem.diagnostic) not in trial.gone for problem in attempt.problems):
        return True
    lines = {
        (problem.span.file, line)
        for problem in attempt.problems
        if problem.span is not None
        for line in range(problem.span.line_start - 3, problem.span.line_end + 4)
    }
    return any(
        (span.file, span.line_start) in lines for error in trial.new_errors for span in error.spans if span.is_primary
    )


def without_repetitions(group: Sequence[Attempt]) -> tuple[list[Attempt], list[list[Attempt]]]:
    """A group with only the first of many attempts that are the same idea for the same message; and those sets, each
    with its first one in front."""
    alike: dict[tuple[str, ...], list[Attempt]] = {}
    for attempt in group:
        diagnostic = attempt.problems[0].diagnostic
        words = (attempt.ranked.candidate.title, diagnostic.code or "", *all_texts(diagnostic))
        alike.setdefault(words, []).append(attempt)
    repeated = [attempts for attempts in alike.values() if len(attempts) >= MANY_ALIKE]
    later = {id(attempt) for attempts in repeated for attempt in attempts[1:]}
    return [attempt for attempt in group if id(attempt) not in later], repeated
