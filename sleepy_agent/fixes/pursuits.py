"""What a search knows of one problem: what is left to try for it, what became of the rest, and what to offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sleepy_agent.domain import Candidate, Edit, Problem, Verdict
from sleepy_agent.fixes.attempts import Attempt, TriedAttempt
from sleepy_agent.fixes.rank import RankedCandidate, blocks_preference, failed_elsewhere, merged_twins, rank_order
from sleepy_agent.fixes.ties import NEARLY_THE_SAME_COST

MOST_CANDIDATES_OF_A_PROBLEM = 24
# Compiles of one problem, added up, after which it is left; so many candidates are tried however slow the crate is.
MOST_MILLISECONDS_OF_A_PROBLEM = 12_000
# A first candidate that costs more than this rarely is what its author meant.
COST_OF_A_LIKELY_FIRST = 0.35
# What follows may take so long in any case.
LEAST_MILLISECONDS_OF_FOLLOW_UPS = 4_000
LEAST_CANDIDATES_OF_A_PROBLEM = 6


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
        verdict, candidate = self.tried.verdict_of(self.problem), self.tried.attempt.ranked.candidate
        if candidate.keeps_behaviour or not candidate.own_flags:
            return verdict
        return replace(verdict, flags=(*verdict.flags, *sorted(candidate.own_flags)))

    @property
    def is_preferred(self) -> bool:
        """Whether it may be applied without asking: nothing speaks against it and nothing equals it."""
        is_far = self.tried.attempt.ranked.is_far
        return not blocks_preference(self.verdict.flags) and not is_far and not self.tied


@dataclass(slots=True)
class Pursuit:
    """One problem of a search: what is left to try for it, and what became of the rest."""

    problem: Problem
    unread: list[tuple[float, Candidate]] = field(default_factory=list)
    """Proposed, and not ranked yet, with the least that each may cost; in that order."""
    askers: dict[tuple[Edit, ...], int] = field(default_factory=dict)
    """How many problems ask for an edit."""
    untried: list[RankedCandidate] = field(default_factory=list)
    """Ranked, and not compiled yet, best first."""
    passed: list[TriedAttempt] = field(default_factory=list)
    failed: list[TriedAttempt] = field(default_factory=list)
    rivals_tried: int = 0
    followed_up: int = 0
    """How many compiles went into what follows."""
    followed: set[str] = field(default_factory=set)
    """States of the candidates that were carried on."""
    milliseconds: float = 0.0

    @property
    def states_tried(self) -> set[str]:
        """The texts that were compiled for it."""
        return {tried.attempt.ranked.state for tried in (*self.passed, *self.failed)}

    @property
    def has_a_sure_first(self) -> bool:
        """Whether nothing that is not ranked yet can come before, or close behind, what is ranked first."""
        if not self.untried or not self.unread or not self.untried[0].may_be_preferred:
            return not self.unread
        return self.untried[0].cost + NEARLY_THE_SAME_COST < self.unread[0][0]

    @property
    def is_worth_more(self) -> bool:
        """Whether there is something left to try, and time for it."""
        if not self.untried or len(self.failed) >= MOST_CANDIDATES_OF_A_PROBLEM:
            return False
        has_time = self.milliseconds < MOST_MILLISECONDS_OF_A_PROBLEM
        return has_time or len(self.failed) < LEAST_CANDIDATES_OF_A_PROBLEM

    @property
    def most_left(self) -> int:
        """How many more of its candidates may be compiled."""
        return MOST_CANDIDATES_OF_A_PROBLEM - len(self.failed)

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
        blocks_preference(tried.verdict_of(problem).flags) or tried.attempt.ranked.is_far,
        round(tried.cost, 6),
        rank_order(tried.attempt.ranked),
    )


def warned_of(tried: TriedAttempt, problem: Problem) -> list[str]:
    """Flags that only the compile brought."""
    known = tried.attempt.ranked.flags
    return [flag for flag in tried.verdict_of(problem).flags if flag not in known]


def alone(tried: TriedAttempt, problem: Problem) -> TriedAttempt:
    """An attempt for several problems as one for one of them."""
    return replace(tried, attempt=replace(tried.attempt, problems=(problem,)), verdicts=(tried.verdict_of(problem),))


def next_batch(ranked: Sequence[RankedCandidate], width: int, most: int) -> list[RankedCandidate]:
    """The next candidates to try at once: at least `width`, and all that answer the same question as the last one:
    one that passes alone decides, and two do not."""
    ranked = ranked[:most]
    count = min(width, len(ranked))
    while count < len(ranked) and ranked[count].question and ranked[count].question == ranked[count - 1].question:
        count += 1
    return list(ranked[:count])


def is_unlikely_to_win(pursuit: Pursuit) -> bool:
    """Whether what cheaper sources say of a problem will hardly be preferred: nothing, something doubtful, or
    something that compiles and is flagged."""
    if pursuit.passed:
        return not is_settled(pursuit)
    if not pursuit.untried:
        return not pursuit.unread
    first = pursuit.untried[0]
    return not first.may_be_preferred or first.cost > COST_OF_A_LIKELY_FIRST


def is_settled(pursuit: Pursuit) -> bool:
    """Whether something passed for a problem that may be applied without asking, as far as it is known by itself."""
    if not pursuit.passed:
        return False
    best = pursuit.best
    return not blocks_preference(best.verdict_of(pursuit.problem).flags) and not best.attempt.ranked.is_far


def merged_attempts(
    wanted: Iterable[tuple[Pursuit, RankedCandidate]], others: Iterable[Pursuit]
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
        (Attempt(ranked, tuple(member.problem for member in members)), members) for ranked, members in by_state.values()
    ]
    return sorted(attempts, key=lambda one: (-len(one[1]), one[0].ranked.cost))


def put_off(attempts: Iterable[Attempt], pursuits: Iterable[Pursuit]) -> None:
    """What failed for the same message elsewhere comes after other ideas."""
    states = {attempt.ranked.state for attempt in attempts}
    for pursuit in pursuits:
        ranked = [failed_elsewhere(one) if one.state in states else one for one in pursuit.untried]
        pursuit.untried = merged_twins(ranked)
