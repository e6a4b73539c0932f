"""The verified search: which candidates to compile, which together, and what to do about what follows.

Problems are worked on in waves, causes before consequences (ordering.py); a wave in three rounds, each more
expensive than the one before:
1. *Together*: the best candidate of every problem, all that do not meet in one compile (group testing);
   where the compile fails, the group is split by what the compiler blames.
2. *Alternatives*: the remaining candidates of each problem, side by side in the slots.
3. *What follows*: candidates that mend their problem but bring others to light are carried on, likeliest first,
   with what any source says of those; the whole chain is judged against the text it began with.
As soon as a candidate passes, nothing is compiled for its problem but its rivals (ties.py).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sleepy_agent.cargo.problems import error_key
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.domain import Candidate, Problem, Verdict
from sleepy_agent.fixes.attempts import Attempt, TriedAttempt, judge_attempt, refused_verdict, with_flag
from sleepy_agent.fixes.follow_ups import continuations, is_promising
from sleepy_agent.fixes.groups import group_attempts, group_passed, split_group
from sleepy_agent.fixes.ordering import waves_of
from sleepy_agent.fixes.rank import (
    RankedCandidate,
    asked_for_by_many,
    blocks_preference,
    merged_twins,
    rank_candidate,
    rank_order,
    state_of,
)
from sleepy_agent.fixes.sources import Source, SourceContext
from sleepy_agent.fixes.taken import function_around
from sleepy_agent.fixes.ties import is_rival, next_to_try, same_tokens
from sleepy_agent.fixes.warnings import unused_names, warning_flags

MOST_CANDIDATES_OF_A_PROBLEM = 24
MOST_RIVALS = 8
MOST_FOLLOW_UPS = 16
MOST_BEGINNINGS_TO_FOLLOW = 3
DEEPEST_FOLLOW_UP = 4
# Compiles of one problem, added up, after which it is left; so many candidates are tried however slow the crate is.
MOST_MILLISECONDS_OF_A_PROBLEM = 12_000
LEAST_CANDIDATES_OF_A_PROBLEM = 6

Report = Callable[[Problem, Candidate, Verdict], None]


@dataclass(frozen=True, slots=True)
class Considered:
    """One candidate of a problem in the order of rank, with its verdict where it was compiled."""

    ranked: RankedCandidate
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class FoundFix:
    """A passing attempt for one problem. `tied`: others that pass, where nothing decides between them;
    `others`: what passes as well, but stands behind."""

    problem: Problem
    tried: TriedAttempt
    tied: tuple[TriedAttempt, ...] = ()
    others: tuple[TriedAttempt, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return self.tried.verdict_of(self.problem)

    @property
    def is_preferred(self) -> bool:
        """Whether it may be applied without asking: nothing speaks against it and nothing equals it."""
        return not blocks_preference(self.verdict.flags) and not self.tied


@dataclass(slots=True)
class Pursuit:
    """One problem of a search: what is left to try for it, and what became of the rest."""

    problem: Problem
    untried: list[RankedCandidate] = field(default_factory=list)
    passed: list[TriedAttempt] = field(default_factory=list)
    failed: list[TriedAttempt] = field(default_factory=list)
    rivals_tried: int = 0
    milliseconds: float = 0.0

    @property
    def is_worth_more(self) -> bool:
        """Whether there is something left to try, and time for it."""
        has_time = self.milliseconds < MOST_MILLISECONDS_OF_A_PROBLEM
        return bool(self.untried) and (has_time or len(self.failed) < LEAST_CANDIDATES_OF_A_PROBLEM)

    @property
    def considered(self) -> tuple[Considered, ...]:
        """All candidates in the order of rank, with what became of them."""
        found = [
            Considered(tried.attempt.ranked, tried.verdict_of(self.problem)) for tried in (*self.passed, *self.failed)
        ]
        found += [Considered(ranked, None) for ranked in self.untried]
        return tuple(sorted(found, key=lambda one: rank_order(one.ranked)))

    @property
    def best(self) -> TriedAttempt:
        """Of those that passed, the one to offer first."""
        return min(self.passed, key=lambda tried: standing(tried, self.problem))


def standing(tried: TriedAttempt, problem: Problem) -> tuple[bool, float, tuple[object, ...]]:
    """What attempts that passed are sorted by."""
    return (
        blocks_preference(tried.verdict_of(problem).flags),
        round(tried.cost, 6),
        rank_order(tried.attempt.ranked),
    )


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
    given_up: set[int] = field(default_factory=set)
    """Positions of problems for which everything was tried."""
    considered: dict[int, tuple[Considered, ...]] = field(default_factory=dict)
    """The candidates of each problem that was worked on, in the order of rank."""
    compiled: set[str] = field(default_factory=set)
    """States of the text that were compiled: none is visited again on the way to something else."""

    def run(self, problems: Sequence[Problem]) -> dict[int, FoundFix]:
        """The best passing candidate of each problem that has one, by the problem's position."""
        for wave in waves_of(problems, self.context.read):
            pursuits = {position: Pursuit(problems[position]) for position in wave}
            self._rank(pursuits)
            self._together(pursuits)
            if not any(pursuit.passed for pursuit in pursuits.values()):
                # What is found first makes the rest cheaper to solve: often it is gone, or goes together next time.
                self._alternatives(pursuits)
                for pursuit in pursuits.values():
                    if not pursuit.passed and self.may_go_on():
                        self._follow(pursuit)
                self.given_up |= {position for position, pursuit in pursuits.items() if not pursuit.passed}
            self.considered.update({position: one.considered for position, one in pursuits.items()})
            self.found = {position: self._found(one) for position, one in pursuits.items() if one.passed}
            if self.found or not self.may_go_on():
                break
        return self.found

    def _rank(self, pursuits: Mapping[int, Pursuit]) -> None:
        """Ask all sources about each problem: the candidates worth a compile, best first. Refused ones are reported
        and left out; a change that many problems ask for comes sooner."""
        askers: dict[str, int] = {}
        for pursuit in pursuits.values():
            proposed = (
                candidate for source in self.sources for candidate in source.candidates(pursuit.problem, self.context)
            )
            ranked = []
            for candidate in heapq.nsmallest(2 * MOST_CANDIDATES_OF_A_PROBLEM, proposed, key=lambda one: one.cost):
                one = rank_candidate(candidate, pursuit.problem, self.context.read)
                if one.refusal is not None:
                    self.report(pursuit.problem, candidate, refused_verdict(one))
                else:
                    ranked.append(one)
            pursuit.untried = merged_twins(ranked)
            for one in pursuit.untried:
                askers[one.state] = askers.get(one.state, 0) + 1
        for pursuit in pursuits.values():
            supported = [asked_for_by_many(one, askers[one.state]) for one in pursuit.untried]
            pursuit.untried = sorted(supported, key=rank_order)[:MOST_CANDIDATES_OF_A_PROBLEM]

    # ---- compiles ---------------------------------------------------------------------------------------

    def _merged(
        self, wanted: Iterable[tuple[Pursuit, RankedCandidate]], others: Iterable[Pursuit]
    ) -> list[tuple[Attempt, list[Pursuit]]]:
        """The wanted attempts, each once for all problems that propose the very same change; what mends most first."""
        by_state: dict[str, tuple[RankedCandidate, list[Pursuit]]] = {}
        for pursuit, ranked in wanted:
            members = by_state.setdefault(ranked.state, (ranked, []))[1]
            if all(pursuit is not member for member in members):
                members.append(pursuit)
        for other in others:
            for ranked in other.untried if not other.passed else ():
                if ranked.state in by_state and all(other is not member for member in by_state[ranked.state][1]):
                    by_state[ranked.state][1].append(other)
        attempts = [
            (Attempt(ranked, tuple(member.problem for member in members)), members)
            for ranked, members in by_state.values()
        ]
        return sorted(attempts, key=lambda one: (-len(one[1]), one[0].ranked.cost))

    def _group_test(self, wanted: Sequence[tuple[Attempt, list[Pursuit]]]) -> None:
        """Compile as many attempts in one go as do not meet; where that fails, smaller groups."""
        members = {id(attempt): pursuits for attempt, pursuits in wanted}
        waiting = group_attempts([attempt for attempt, _ in wanted])
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
                self.compiled.add(state_of(trial.texts))
                if len(group) > 1 and not group_passed(group, trial):
                    next_groups += split_group(group, trial)
                    continue
                for attempt in group:
                    rest = self._note(attempt, trial, members[id(attempt)], len(group))
                    if rest is not None:
                        members[id(rest)] = members[id(attempt)]
                        next_groups.append([rest])
            waiting = next_groups

    def _side_by_side(self, wanted: Sequence[tuple[Attempt, list[Pursuit]]]) -> None:
        """Compile attempts each alone. Where there are several, each is asked in one unit first: most are out by
        that, and cheaply."""
        questions = [(attempt.ranked.candidate.edits, attempt.problems) for attempt, _ in wanted]
        trials = self.session.screen_many(questions) if len(questions) > 1 else self.session.try_many(questions)
        survivors = [number for number, trial in enumerate(trials) if trial.is_screening and trial.survives]
        full = self.session.try_many([questions[number] for number in survivors]) if survivors else []
        for number, trial in zip(survivors, full, strict=True):
            trials[number] = trial
        again = []
        for (attempt, pursuits), trial in zip(wanted, trials, strict=True):
            self.compiled.add(state_of(trial.texts))
            rest = self._note(attempt, trial, pursuits, 1)
            if rest is not None:
                again.append((rest, pursuits))
        if again and self.may_go_on():
            self._side_by_side(again)

    def _note(self, attempt: Attempt, trial: Trial, pursuits: Sequence[Pursuit], shared_by: int) -> Attempt | None:
        """Note what a trial says about each problem of an attempt. Where it mends only some of them, the attempt for
        those alone, which must still be compiled; else None."""
        rest = partly_mended(attempt, trial)
        warned: tuple[str, ...] = ()
        if trial.is_clean:
            edits = attempt.ranked.candidate.edits
            warned = warning_flags(edits, trial, self.session.reports(), self.context.read)
        tried = judge_attempt(attempt, trial, shared_by, warned)
        for pursuit in pursuits:
            if pursuit.problem not in attempt.problems or (rest is not None and pursuit.problem in rest.problems):
                continue
            verdict = tried.verdict_of(pursuit.problem)
            self.report(pursuit.problem, attempt.ranked.candidate, verdict)
            (pursuit.passed if verdict.passed else pursuit.failed).append(tried)
            pursuit.milliseconds += verdict.milliseconds
            pursuit.untried = [one for one in pursuit.untried if one.state != attempt.ranked.state]
        return rest

    # ---- rounds -----------------------------------------------------------------------------------------

    def _together(self, pursuits: Mapping[int, Pursuit]) -> None:
        """Take the best candidate of every problem, where it may be preferred, and compile them in groups."""
        firsts = [
            (pursuit, pursuit.untried[0])
            for pursuit in pursuits.values()
            if pursuit.untried and pursuit.untried[0].may_be_preferred
        ]
        self._group_test(self._merged(firsts, ()))
        self._rivals(list(pursuits.values()))

    def _rivals(self, pursuits: Sequence[Pursuit]) -> None:
        """For each problem that has a passing candidate, compile what could equal or beat it."""
        while self.may_go_on():
            wanted = []
            for pursuit in pursuits:
                if pursuit.passed:
                    best, most = pursuit.best, MOST_RIVALS - pursuit.rivals_tried
                    rivals = next_to_try(best.attempt.ranked, best.cost, pursuit.untried, most)
                    pursuit.rivals_tried += len(rivals)
                    wanted += [(pursuit, rival) for rival in rivals]
            if not wanted:
                return
            attempts = self._merged(wanted, ())
            if len({id(pursuit) for pursuit, _ in wanted}) == 1:
                self._side_by_side(attempts)
            else:
                self._group_test(attempts)

    def _alternatives(self, pursuits: Mapping[int, Pursuit]) -> None:
        """Try the other candidates of every problem, as many side by side as keep the slots busy."""
        width = self.session.settings.slot_count
        while self.may_go_on():
            wanted: list[tuple[Pursuit, RankedCandidate]] = []
            for pursuit in pursuits.values():
                if len(wanted) >= width:
                    break
                if not pursuit.passed and pursuit.is_worth_more:
                    wanted += [(pursuit, one) for one in next_batch(pursuit.untried, width - len(wanted))]
            if not wanted:
                return
            self._side_by_side(self._merged(wanted, pursuits.values()))
            self._rivals(list(pursuits.values()))

    # ---- what follows -----------------------------------------------------------------------------------

    def _follow(self, pursuit: Pursuit) -> None:
        """Carry on candidates that mended the problem, or a part of it, with what all sources say of the rest."""
        number = itertools.count()
        waiting: list[tuple[float, int, int, RankedCandidate]] = []

        def push(tried: TriedAttempt, depth: int) -> None:
            for ranked in continuations(pursuit.problem, tried, self.sources, self.context, self.session.rules):
                # The fewer errors are left, the nearer is the end.
                urgency = ranked.cost + 0.1 * len(tried.trial.new_errors)
                heapq.heappush(waiting, (urgency, next(number), depth, ranked))

        promising = sorted(
            (tried for tried in pursuit.failed if is_promising(tried, self.context.read)),
            key=lambda tried: (len(tried.trial.new_errors), tried.attempt.ranked.cost),
        )
        for tried in promising[:MOST_BEGINNINGS_TO_FOLLOW]:
            push(alone(tried, pursuit.problem), 1)
        left = MOST_FOLLOW_UPS
        width = self.session.settings.slot_count
        begun = pursuit.milliseconds
        while waiting and left > 0 and self.may_go_on():
            is_late = pursuit.milliseconds - begun > MOST_MILLISECONDS_OF_A_PROBLEM
            if is_late and left <= MOST_FOLLOW_UPS - LEAST_CANDIDATES_OF_A_PROBLEM:
                return
            depths: dict[str, int] = {}
            batch: list[RankedCandidate] = []
            while waiting and len(batch) < min(width, left):
                _, _, depth, ranked = heapq.heappop(waiting)
                if ranked.state not in self.compiled and ranked.state not in depths:
                    depths[ranked.state] = depth
                    batch.append(ranked)
            left -= len(batch)
            tried_before = len(pursuit.failed)
            self._side_by_side([(Attempt(ranked, (pursuit.problem,)), [pursuit]) for ranked in batch])
            if pursuit.passed:
                pursuit.untried = [ranked for _, _, _, ranked in sorted(waiting) if ranked.state not in self.compiled]
                self._rivals([pursuit])
                return
            for tried in pursuit.failed[tried_before:]:
                depth = depths[tried.attempt.ranked.state]
                if depth < DEEPEST_FOLLOW_UP and is_promising(tried, self.context.read):
                    push(tried, depth + 1)

    # ---- the end ----------------------------------------------------------------------------------------

    def _found(self, pursuit: Pursuit) -> FoundFix:
        """The best of what passed for a problem, and where the others stand."""
        problem = pursuit.problem
        pursuit.passed = self._told_apart(pursuit)
        best = pursuit.best
        texts = [self._texts(best)]
        tied: list[TriedAttempt] = []
        others: list[TriedAttempt] = []
        for other in sorted(pursuit.passed, key=lambda tried: standing(tried, problem)):
            own = self._texts(other)
            if other is best or any(same_tokens(own, known) for known in texts):
                continue
            texts.append(own)
            is_out = blocks_preference(warned_of(other, problem)) and not blocks_preference(warned_of(best, problem))
            is_open = not is_out and is_rival(best.attempt.ranked, other.attempt.ranked)
            (tied if is_open else others).append(other)
        return FoundFix(problem, best, tuple(tied), tuple(others))

    def _texts(self, tried: TriedAttempt) -> Mapping[Path, bytes]:
        """What an attempt makes of the text by itself: its compile may have been shared with others."""
        texts = apply_edits(tried.attempt.ranked.candidate.edits, self.context.read)
        assert not isinstance(texts, EditConflict), "it was compiled"
        return texts

    def _told_apart(self, pursuit: Pursuit) -> list[TriedAttempt]:
        """What passed, each flagged where it leaves something unused in the function that another one uses."""
        place = function_around(pursuit.problem, self.context.read)
        if place is None or len(pursuit.passed) < 2:
            return pursuit.passed
        unused = [unused_names(tried.trial, place, self.context.read) for tried in pursuit.passed]
        fewest = frozenset.intersection(*unused)
        return [
            with_flag(tried, "left_unused") if names > fewest else tried
            for tried, names in zip(pursuit.passed, unused, strict=True)
        ]


def warned_of(tried: TriedAttempt, problem: Problem) -> list[str]:
    """Flags that only the compile brought."""
    known = tried.attempt.ranked.flags
    return [flag for flag in tried.verdict_of(problem).flags if flag not in known]


def alone(tried: TriedAttempt, problem: Problem) -> TriedAttempt:
    """An attempt for several problems as one for one of them."""
    return replace(tried, attempt=replace(tried.attempt, problems=(problem,)), verdicts=(tried.verdict_of(problem),))


def partly_mended(attempt: Attempt, trial: Trial) -> Attempt | None:
    """The attempt for only those of its problems that a trial saw gone, where it saw others still there."""
    gone = tuple(problem for problem in attempt.problems if error_key(problem.diagnostic) in trial.gone)
    if not gone or len(gone) == len(attempt.problems) or trial.new_errors or trial.refusal is not None:
        return None
    return Attempt(attempt.ranked, gone)


def next_batch(ranked: Sequence[RankedCandidate], width: int) -> list[RankedCandidate]:
    """The next candidates to try at once: at least `width`, and all that answer the same question as the last one:
    one that passes alone decides, and two do not."""
    count = min(width, len(ranked))
    while count < len(ranked) and ranked[count].question and ranked[count].question == ranked[count - 1].question:
        count += 1
    return list(ranked[:count])
