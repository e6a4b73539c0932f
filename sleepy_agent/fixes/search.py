"""The verified search: which candidates to compile, which together, and what to do about what follows.

Three rounds over the open problems, each more expensive than the one before:
1. *Together*: the best candidate of every problem, all that do not meet in one compile (group testing);
   where the compile fails, the group is split by what the compiler blames.
2. *Alternatives*: the remaining candidates of each problem, side by side in the slots.
3. *What follows*: candidates that mend their problem but bring others to light are carried on, depth-first,
   with the suggestions for those; the whole chain is judged against the text it began with.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sleepy_agent.cargo.problems import error_key
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.cargo.verdict import phase_of
from sleepy_agent.code.changes import all_flags
from sleepy_agent.code.edits import EditConflict, OccupiedPlaces, compose
from sleepy_agent.domain import Applicability, Candidate, Diagnostic, Edit, Problem, Span, Verdict
from sleepy_agent.fixes.attempts import Attempt, TriedAttempt, judge_attempt, refused_verdict
from sleepy_agent.fixes.rank import RankedCandidate, rank_candidate
from sleepy_agent.fixes.sources import Source, SourceContext

MOST_CANDIDATES_OF_A_PROBLEM = 12
MOST_FOLLOW_UPS = 16
DEEPEST_FOLLOW_UP = 4
# A candidate after which this many new errors stand is not on the way to anything.
MOST_NEW_ERRORS_TO_FOLLOW = 3

Report = Callable[[Problem, Candidate, Verdict], None]


@dataclass(frozen=True, slots=True)
class FoundFix:
    """A passing attempt for one problem. `tied`: equally good ones that do something else."""

    problem: Problem
    tried: TriedAttempt
    tied: tuple[TriedAttempt, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return self.tried.verdicts[self.tried.attempt.problems.index(self.problem)]

    @property
    def is_preferred(self) -> bool:
        """Whether it may be applied without asking: nothing speaks against it and nothing equals it."""
        blocked = any(all_flags()[name].blocks_preference for name in self.verdict.flags)
        return self.tried.attempt.ranked.may_be_preferred and not blocked and not self.tied


@dataclass(slots=True)
class Search:
    """One search over one text. `may_go_on` says no when the budget is used up or the user stopped."""

    session: CheckSession
    sources: Sequence[Source]
    context: SourceContext
    report: Report
    may_go_on: Callable[[], bool]
    found: dict[int, FoundFix] = field(default_factory=dict)
    """By position of the problem."""
    is_exhausted: bool = False
    """Whether everything was tried for the problems that are not found."""
    failed: dict[int, list[TriedAttempt]] = field(default_factory=dict)

    def run(self, problems: Sequence[Problem]) -> dict[int, FoundFix]:
        """The best passing candidate of each problem that has one, by the problem's position."""
        candidates = {
            position: list(itertools.islice(self._ranked(problem), MOST_CANDIDATES_OF_A_PROBLEM))
            for position, problem in enumerate(problems)
        }
        self._together(problems, candidates)
        if self.found:
            # The rest is cheaper to solve when these are in: often it is gone, or goes together next time.
            return self.found
        self._alternatives(problems, candidates)
        for position, problem in enumerate(problems):
            if position not in self.found and self.may_go_on():
                self._follow(position, problem)
        self.is_exhausted = True
        return self.found

    def _ranked(self, problem: Problem) -> Iterator[RankedCandidate]:
        """All candidates of a problem, cheapest first; refused ones are reported and left out."""
        ranked = []
        seen: set[tuple[Edit, ...]] = set()
        for source in self.sources:
            for candidate in source.candidates(problem, self.context):
                if candidate.edits in seen:
                    continue
                seen.add(candidate.edits)
                one = rank_candidate(candidate, problem, self.context.read)
                if one.refusal is not None:
                    self.report(problem, candidate, refused_verdict(one))
                else:
                    ranked.append(one)
        yield from sorted(ranked, key=lambda one: (not one.may_be_preferred, one.cost))

    # ---- together ---------------------------------------------------------------------------------------

    def _together(self, problems: Sequence[Problem], candidates: Mapping[int, list[RankedCandidate]]) -> None:
        """Take the best candidate of every problem and compile as many in one go as do not meet."""
        by_edits: dict[tuple[Edit, ...], tuple[RankedCandidate, list[int]]] = {}
        for position in range(len(problems)):
            first = next(iter(candidates[position]), None)
            if first is not None and first.may_be_preferred and not first.candidate.is_one_of_several:
                by_edits.setdefault(first.candidate.edits, (first, []))[1].append(position)
        attempts = [
            Attempt(ranked, tuple(problems[position] for position in positions))
            for ranked, positions in by_edits.values()
        ]
        groups = group_attempts(attempts)
        waiting = list(groups)
        positions_of = {
            id(attempt): positions for attempt, (_, positions) in zip(attempts, by_edits.values(), strict=True)
        }
        while waiting and self.may_go_on():
            trials = self.session.try_many(
                [
                    (
                        [edit for attempt in group for edit in attempt.ranked.candidate.edits],
                        [problem for attempt in group for problem in attempt.problems],
                    )
                    for group in waiting
                ]
            )
            next_groups: list[list[Attempt]] = []
            for group, trial in zip(waiting, trials, strict=True):
                if len(group) > 1 and not group_passed(group, trial):
                    next_groups += split_group(group, trial)
                    continue
                for attempt in group:
                    self._take(judge_attempt(attempt, trial, len(group)), positions_of[id(attempt)])
            waiting = next_groups

    def _take(self, tried: TriedAttempt, positions: Iterable[int]) -> None:
        """Note the verdicts of an attempt: found where it passed, failed where not."""
        for position, problem, verdict in zip(positions, tried.attempt.problems, tried.verdicts, strict=True):
            self.report(problem, tried.attempt.ranked.candidate, verdict)
            if verdict.passed:
                self.found[position] = FoundFix(problem, tried)
            else:
                self.failed.setdefault(position, []).append(tried)

    # ---- alternatives -----------------------------------------------------------------------------------

    def _alternatives(self, problems: Sequence[Problem], candidates: Mapping[int, list[RankedCandidate]]) -> None:
        """Try the other candidates of every problem, as many side by side as keep the slots busy."""
        rest = {}
        for position in range(len(problems)):
            tried_already = {id(tried.attempt.ranked) for tried in self.failed.get(position, ())}
            left = [ranked for ranked in candidates[position] if id(ranked) not in tried_already]
            if left and position not in self.found:
                rest[position] = left
        width = self.session.settings.slot_count
        while rest and self.may_go_on():
            attempts: list[tuple[int, Attempt]] = []
            for position in list(rest):
                if len(attempts) >= width:
                    break
                # Equal alternatives are all tried, because one that passes alone decides, and two do not.
                batch, rest[position] = take_batch(rest[position], width - len(attempts))
                attempts += [(position, Attempt(ranked, (problems[position],))) for ranked in batch]
            passed = self._try_alternatives(attempts)
            for position, (best, *others) in passed.items():
                tied = tuple(other for other in others if is_tied(best, other))
                self.found[position] = FoundFix(problems[position], best, tied)
            rest = {position: left for position, left in rest.items() if left and position not in passed}

    def _try_alternatives(self, attempts: Sequence[tuple[int, Attempt]]) -> dict[int, list[TriedAttempt]]:
        """Compile attempts side by side; those that passed, by the position of their problem.

        Where there are several, each is asked in one unit first: most are out by that, and cheaply.
        """
        questions = [(attempt.ranked.candidate.edits, attempt.problems) for _, attempt in attempts]
        trials = self.session.screen_many(questions) if len(questions) > 1 else self.session.try_many(questions)
        survivors = [number for number, trial in enumerate(trials) if trial.is_screening and trial.survives]
        full = self.session.try_many([questions[number] for number in survivors])
        for number, trial in zip(survivors, full, strict=True):
            trials[number] = trial
        passed: dict[int, list[TriedAttempt]] = {}
        for (position, attempt), trial in zip(attempts, trials, strict=True):
            tried = judge_attempt(attempt, trial, 1)
            self.report(attempt.problems[0], attempt.ranked.candidate, tried.verdicts[0])
            home = passed if tried.solved else self.failed
            home.setdefault(position, []).append(tried)
        return passed

    # ---- what follows -----------------------------------------------------------------------------------

    def _follow(self, position: int, problem: Problem) -> None:
        """Carry on candidates that mended the problem but uncovered others, with what rustc says of those."""
        promising = sorted(
            (tried for tried in self.failed.get(position, ()) if is_promising(tried)),
            key=lambda tried: (len(tried.trial.new_errors), tried.attempt.ranked.cost),
        )
        budget = MOST_FOLLOW_UPS
        stack = [(tried, 1) for tried in reversed(promising[:3])]
        seen: set[tuple[Edit, ...]] = set()
        while stack and budget > 0 and self.may_go_on():
            tried, depth = stack.pop()
            continuations = []
            for ranked in self._continuations(problem, tried):
                if ranked.candidate.edits not in seen:
                    seen.add(ranked.candidate.edits)
                    continuations.append(ranked)
            continuations = continuations[:budget]
            budget -= len(continuations)
            trials = self.session.try_many([(ranked.candidate.edits, [problem]) for ranked in continuations])
            passed = []
            deeper = []
            for ranked, trial in zip(continuations, trials, strict=True):
                next_tried = judge_attempt(Attempt(ranked, (problem,)), trial, 1)
                self.report(problem, ranked.candidate, next_tried.verdicts[0])
                if next_tried.solved:
                    passed.append(next_tried)
                elif is_promising(next_tried) and depth < DEEPEST_FOLLOW_UP:
                    deeper.append((next_tried, depth + 1))
            if passed:
                best, *others = passed
                self.found[position] = FoundFix(problem, best, tuple(o for o in others if is_tied(best, o)))
                return
            stack += reversed(deeper)

    def _continuations(self, problem: Problem, tried: TriedAttempt) -> Iterator[RankedCandidate]:
        """The candidate with one suggestion for the first of the errors it leaves, for each suggestion."""
        first = tried.attempt.ranked.candidate
        ranked = []
        for error in follow_order(tried.trial.new_errors)[:1]:
            for suggestion in error.suggestions:
                edits = compose(first.edits, suggestion.edits, self.context.read)
                if isinstance(edits, EditConflict) or not edits:
                    continue
                candidate = Candidate(
                    source=first.source,
                    title=f"{first.title}; then {suggestion.message}",
                    edits=edits,
                    cost=first.cost + 0.1,
                    applicability=worse(first, suggestion.applicability),
                    steps=first.steps + 1,
                    is_one_of_several=suggestion.is_one_of_several,
                )
                one = rank_candidate(candidate, problem, self.context.read)
                if one.refusal is None:
                    ranked.append(one)
        yield from sorted(ranked, key=lambda one: (not one.may_be_preferred, one.cost))


def worse(candidate: Candidate, applicability: Applicability) -> Applicability:
    """The less sure of two applicabilities."""
    return max(candidate.applicability or applicability, applicability, key=list(Applicability).index)


def follow_order(errors: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Errors with those first that hide others."""
    return sorted(errors, key=phase_of)


def is_promising(tried: TriedAttempt) -> bool:
    """Whether an attempt mended its problem and left only few others."""
    trial = tried.trial
    problem = tried.attempt.problems[0]
    return (
        trial.refusal is None
        and error_key(problem.diagnostic) in trial.gone
        and 0 < len(trial.new_errors) <= MOST_NEW_ERRORS_TO_FOLLOW
    )


def take_batch(ranked: list[RankedCandidate], width: int) -> tuple[list[RankedCandidate], list[RankedCandidate]]:
    """The next candidates to try at once: at least `width`, and all equal alternatives of the last one."""
    count = min(width, len(ranked))
    while count < len(ranked) and is_alternative(ranked[count - 1], ranked[count]):
        count += 1
    return ranked[:count], ranked[count:]


def is_alternative(first: RankedCandidate, second: RankedCandidate) -> bool:
    """Whether two candidates are equal choices of the same suggestion."""
    one, other = first.candidate, second.candidate
    return one.is_one_of_several and other.is_one_of_several and one.title == other.title


def is_tied(best: TriedAttempt, other: TriedAttempt) -> bool:
    """Whether nothing decides between two passing attempts."""
    return is_alternative(best.attempt.ranked, other.attempt.ranked)


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

    def add(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        for edit in attempt.ranked.candidate.edits:
            self.edited.add(edit.file, edit.byte_start, edit.byte_end)
        for span in primary_spans(attempt):
            self.spoken_of.add(span.file, span.byte_start, span.byte_end)

    def meets(self, attempt: Attempt) -> bool:
        """Whether it touches a place that a member edits, or one edits what the other's problem speaks of."""
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
