"""The verified search: which candidates to compile, which together, and what to do about what follows.

Problems are worked on in waves, causes before consequences (ordering.py); a wave in three rounds, each more
expensive than the one before:
1. *Together*: the best candidate of every problem, all that do not meet in one compile (group testing);
   where the compile fails, the group is split by what the compiler blames.
2. *Alternatives*: the remaining candidates of each problem, side by side in the slots.
3. *What follows*: candidates that mend their problem but bring others to light are carried on, likeliest first,
   with what any source says of those; the whole chain is judged against the text it began with.
Models are asked in the background once a problem had its first compile and looks unlikely to be solved by that, and
heard at the end (consulting.py).
As soon as a candidate passes, nothing is compiled for its problem but its rivals (ties.py).
"""

from __future__ import annotations

import functools
import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.domain import Candidate, Edit, Problem, Verdict
from sleepy_agent.fixes.attempts import (
    Attempt,
    TriedAttempt,
    judge_attempt,
    partly_mended,
    refused_verdict,
    unread_verdict,
)
from sleepy_agent.fixes.best import best_of, has_equal
from sleepy_agent.fixes.follow_ups import COST_OF_FOLLOWING, continuations, is_promising
from sleepy_agent.fixes.groups import group_attempts, group_passed, split_group, without_repetitions
from sleepy_agent.fixes.ordering import waves_of
from sleepy_agent.fixes.pursuits import (
    LEAST_CANDIDATES_OF_A_PROBLEM,
    LEAST_MILLISECONDS_OF_FOLLOW_UPS,
    MOST_CANDIDATES_OF_A_PROBLEM,
    MOST_MILLISECONDS_OF_A_PROBLEM,
    Considered,
    FoundFix,
    Pursuit,
    alone,
    is_settled,
    is_unlikely_to_win,
    merged_attempts,
    next_batch,
    put_off,
)
from sleepy_agent.fixes.rank import (
    COST_OF_A_STEP,
    RankedCandidate,
    asked_for_by_many,
    least_cost,
    merged_twins,
    rank_candidate,
    state_of,
)
from sleepy_agent.fixes.sources import Source, SourceContext
from sleepy_agent.fixes.ties import NEARLY_THE_SAME_COST, next_to_try
from sleepy_agent.fixes.warnings import warning_flags

if TYPE_CHECKING:
    # Only where there is a model anything of this is loaded.
    from sleepy_agent.fixes.consulting import Consultation
    from sleepy_agent.fixes.sources.model import Heard

MOST_RIVALS = 8
# Of more problems than this, no more rivals are compiled than it takes to know that nothing decides.
FEW_PROBLEMS = 3
# Reading what so many candidates do to the text takes no time that anybody would notice.
MOST_READ_AT_ONCE = 60
MOST_FOLLOW_UPS = 16
MOST_BEGINNINGS_TO_FOLLOW = 3
DEEPEST_FOLLOW_UP = 4

Report = Callable[[Problem, Candidate, Verdict], None]


@dataclass(slots=True)
class Search:
    """One search over one text. `may_go_on` says no when the budget is used up or the user stopped."""

    session: CheckSession
    sources: Sequence[Source]
    context: SourceContext
    report: Report
    may_go_on: Callable[[], bool]
    leads_back: Callable[[Candidate], bool] = lambda _candidate: False
    """Whether a candidate makes a text that was left behind in an earlier round."""
    on_passed: Callable[[FoundFix], None] = lambda _found: None
    """Told of every candidate as soon as it passes, before what could equal it is compiled."""
    consultation: Consultation | None = None
    """Who asks models, where there are any."""
    hears_models: bool = True
    """Whether it waits for what they say; else they are only asked, for a later search to hear."""
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
            self._ask(pursuits)
            self._together(pursuits)
            self._ask_models([one for one in pursuits.values() if is_unlikely_to_win(one)])
            if not any(pursuit.passed for pursuit in pursuits.values()):
                # What is found first makes the rest cheaper to solve: often it is gone, or goes together next time.
                for is_last in (False, True):
                    self._alternatives(pursuits, is_last=is_last)
                    for pursuit in pursuits.values():
                        if not pursuit.passed and self.may_go_on():
                            self._follow(pursuit)
                # Whoever a model was not heard for is not given up: what was found may be declined.
                is_solved = self.consultation is not None and any(pursuit.passed for pursuit in pursuits.values())
                tried = self._hear_models({} if is_solved else pursuits)
                self.given_up |= {position for position in tried if not pursuits[position].passed}
            self._hear_models({position: one for position, one in pursuits.items() if one.passed})
            self.considered.update({position: one.considered for position, one in pursuits.items()})
            self.found = {position: best_of(one, self.context.read) for position, one in pursuits.items() if one.passed}
            if self.found or not self.may_go_on():
                break
        return self.found

    def _ask(self, pursuits: Mapping[int, Pursuit]) -> None:
        """Ask all sources about each problem. A change that many problems ask for comes sooner."""
        askers: dict[tuple[Edit, ...], int] = {}
        for pursuit in pursuits.values():
            proposed = (
                candidate for source in self.sources for candidate in source.candidates(pursuit.problem, self.context)
            )
            most = 2 * MOST_CANDIDATES_OF_A_PROBLEM
            candidates = heapq.nsmallest(most, proposed, key=lambda candidate: candidate.cost)
            pursuit.unread = [(0.0, candidate) for candidate in candidates]
            for edits in {candidate.edits for candidate in candidates}:
                askers[edits] = askers.get(edits, 0) + 1
        count = 0
        for pursuit in pursuits.values():
            pursuit.askers = {candidate.edits: askers[candidate.edits] for _, candidate in pursuit.unread}
            costs = [(least_cost(one, askers[one.edits]), one) for _, one in pursuit.unread]
            pursuit.unread = sorted(costs, key=lambda pair: pair[0])
            count += len(costs)
        for pursuit in pursuits.values():
            if count <= MOST_READ_AT_ONCE:
                self._read(pursuit)
            while pursuit.unread and not pursuit.has_a_sure_first:
                self._read(pursuit, 1)

    def _read(self, pursuit: Pursuit, most: int | None = None, until: float = math.inf) -> None:
        """Rank the next candidates of a problem, for which their texts must be read: so many at most, up to a cost.
        Refused ones are reported and left out."""
        count = sum(1 for cost, _ in pursuit.unread[:most] if cost <= until)
        next_ones, pursuit.unread = pursuit.unread[:count], pursuit.unread[count:]
        ranked = list(pursuit.untried)
        for _, candidate in next_ones:
            one = rank_candidate(candidate, pursuit.problem, self.context.read)
            if one.refusal is None and self.leads_back(candidate):
                one = replace(one, refusal="it leads back to a text that was left")
            if one.refusal is not None:
                self.report(pursuit.problem, candidate, refused_verdict(one))
            elif one.state not in pursuit.states_tried:
                ranked.append(asked_for_by_many(one, pursuit.askers[candidate.edits]))
        pursuit.untried = merged_twins(ranked)

    # ---- compiles ---------------------------------------------------------------------------------------

    def _group_test(self, wanted: Sequence[tuple[Attempt, list[Pursuit]]]) -> None:
        """Compile as many attempts in one go as do not meet; where that fails, smaller groups.

        Of many that are the same idea for the same message one is asked first, once a group has failed: where that
        one is wrong, the others are not compiled now.
        """
        members = {id(attempt): pursuits for attempt, pursuits in wanted}
        waiting = group_attempts([attempt for attempt, _ in wanted])
        held_back: list[list[Attempt]] = []
        passed: set[int] = set()
        while waiting and self.may_go_on():
            trials = self.session.try_many(
                [
                    (
                        [edit for attempt in group for edit in attempt.ranked.candidate.edits],
                        [problem for attempt in group for problem in attempt.problems],
                    )
                    for group in waiting
                ],
                functools.partial(
                    self._tell_at_once,
                    [(group[0], members[id(group[0])]) if len(group) == 1 else None for group in waiting],
                ),
            )
            next_groups: list[list[Attempt]] = []
            for group, trial in zip(waiting, trials, strict=True):
                self.compiled.add(state_of(trial.texts))
                if len(group) > 1 and not group_passed(group, trial):
                    first_ones, repeated = without_repetitions(group)
                    held_back += repeated
                    next_groups += split_group(first_ones, trial)
                    continue
                for attempt in group:
                    rest = self._note(attempt, trial, members[id(attempt)], len(group))
                    if rest is not None:
                        members[id(rest)] = members[id(attempt)]
                        next_groups.append([rest])
                    elif any(attempt in (tried.attempt for tried in one.passed) for one in members[id(attempt)]):
                        passed.add(id(attempt))
            waiting = next_groups
            if not waiting:
                confirmed = [others for first, *others in held_back if id(first) in passed]
                for first, *others in held_back:
                    if id(first) not in passed:
                        put_off(others, [one for attempt in others for one in members[id(attempt)]])
                held_back = []
                waiting = [group for others in confirmed for group in group_attempts(others)]

    def _side_by_side(self, wanted: Sequence[tuple[Attempt, list[Pursuit]]]) -> None:
        """Compile attempts each alone. Of the first ones of a problem the likeliest goes ahead: whoever waits for a
        fix has it sooner, and where it passes nothing but its rivals is compiled."""
        is_first = all(not (one.passed or one.failed) for _, pursuits in wanted for one in pursuits)
        again = self._compile_each(wanted[:1] if is_first else wanted)
        if is_first:
            again += self._compile_each([one for one in wanted[1:] if not all(other.passed for other in one[1])])
        if again and self.may_go_on():
            self._side_by_side(again)

    def _compile_each(self, wanted: Sequence[tuple[Attempt, list[Pursuit]]]) -> list[tuple[Attempt, list[Pursuit]]]:
        """Compile attempts side by side, and return what is left of them to be compiled. Where they are more than the
        slots, each is asked in one unit first: most are out by that, and cheaply."""
        if not wanted or not self.may_go_on():
            return []
        questions = [(attempt.ranked.candidate.edits, attempt.problems) for attempt, _ in wanted]
        is_survey = len(questions) > self.session.settings.slot_count
        ask = self.session.survey_many if is_survey else self.session.try_many
        trials = ask(questions, functools.partial(self._tell_at_once, wanted))
        survivors = [number for number, trial in enumerate(trials) if trial.is_screening and trial.survives]
        if survivors:
            told = functools.partial(self._tell_at_once, [wanted[number] for number in survivors])
            in_full = self.session.try_many([questions[number] for number in survivors], told)
            for number, trial in zip(survivors, in_full, strict=True):
                trials[number] = trial
        again = []
        for (attempt, pursuits), trial in zip(wanted, trials, strict=True):
            self.compiled.add(state_of(trial.texts))
            rest = self._note(attempt, trial, pursuits, 1)
            if rest is not None:
                again.append((rest, pursuits))
        return again

    def _tell_at_once(self, wanted: Sequence[tuple[Attempt, list[Pursuit]] | None], number: int, trial: Trial) -> None:
        """Tell of an attempt that passes, while others are still compiled. None stands for what nobody is told of."""
        one = wanted[number]
        if one is not None and trial.is_clean and partly_mended(one[0], trial) is None:
            tried = self._judged(one[0], trial, 1)
            for problem in tried.solved:
                self.on_passed(FoundFix(problem, tried))

    def _judged(self, attempt: Attempt, trial: Trial, shared_by: int) -> TriedAttempt:
        warned: tuple[str, ...] = ()
        if trial.is_clean:
            edits = attempt.ranked.candidate.edits
            warned = warning_flags(edits, trial, self.session.reports(), self.context.read)
        return judge_attempt(attempt, trial, shared_by, warned)

    def _note(self, attempt: Attempt, trial: Trial, pursuits: Sequence[Pursuit], shared_by: int) -> Attempt | None:
        """Note what a trial says about each problem of an attempt. Where it mends only some of them, the attempt for
        those alone, which must still be compiled; else None."""
        rest = partly_mended(attempt, trial)
        tried = self._judged(attempt, trial, shared_by)
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
        self._group_test(merged_attempts(firsts, ()))
        self._rivals(list(pursuits.values()))

    def _rivals(self, pursuits: Sequence[Pursuit]) -> None:
        """For each problem that has a passing candidate, compile what could equal or beat it: all such candidates
        where few problems are open, else one after the other until one shows that nothing decides."""
        while self.may_go_on():
            rivals = [(pursuit, self._rivals_of(pursuit)) for pursuit in pursuits if pursuit.passed]
            rivals = [(pursuit, found) for pursuit, found in rivals if found]
            if len(rivals) > FEW_PROBLEMS:
                rivals = [
                    (pursuit, found[:1]) for pursuit, found in rivals if not has_equal(pursuit, self.context.read)
                ]
            if not rivals:
                return
            for pursuit, found in rivals:
                pursuit.rivals_tried += len(found)
            attempts = merged_attempts([(pursuit, one) for pursuit, found in rivals for one in found], ())
            if len(rivals) == 1:
                self._side_by_side(attempts)
            else:
                self._group_test(attempts)

    def _rivals_of(self, pursuit: Pursuit) -> list[RankedCandidate]:
        """What could equal or beat the best that passed for a problem, and was not compiled yet."""
        best = pursuit.best
        asks = best.attempt.ranked.question is not None
        self._read(pursuit, until=math.inf if asks else best.cost + NEARLY_THE_SAME_COST)
        return next_to_try(best.attempt.ranked, best.cost, pursuit.untried, MOST_RIVALS - pursuit.rivals_tried)

    def _alternatives(self, pursuits: Mapping[int, Pursuit], *, is_last: bool) -> None:
        """Try the other candidates of every problem, as many side by side as keep the slots busy. Unless this is the
        last time, those are left for later that cost more than to carry on what is promising."""
        width = self.session.settings.slot_count
        while self.may_go_on():
            wanted: list[tuple[Pursuit, RankedCandidate]] = []
            for pursuit in pursuits.values():
                if len(wanted) >= width:
                    break
                if not pursuit.passed:
                    self._read(pursuit)
                if not pursuit.passed and pursuit.is_worth_more:
                    limit = math.inf if is_last else self._cost_of_carrying_on(pursuit)
                    likely = [one for one in pursuit.untried if one.cost <= limit]
                    batch = next_batch(likely, width - len(wanted), pursuit.most_left)
                    wanted += [(pursuit, one) for one in batch]
            if not wanted:
                return
            self._side_by_side(merged_attempts(wanted, pursuits.values()))
            self._rivals(list(pursuits.values()))

    # ---- what follows -----------------------------------------------------------------------------------

    def _promising(self, pursuit: Pursuit) -> list[TriedAttempt]:
        """What failed for a problem and was not carried on yet, although it is on the way; the nearest first."""
        failed = (alone(tried, pursuit.problem) for tried in pursuit.failed)
        return sorted(
            (
                tried
                for tried in failed
                if tried.attempt.ranked.state not in pursuit.followed and is_promising(tried, self.context.read)
            ),
            key=lambda tried: (len(tried.trial.new_errors), tried.attempt.ranked.cost),
        )

    def _cost_of_carrying_on(self, pursuit: Pursuit) -> float:
        """About what a candidate costs that is made of the best promising one and what follows."""
        costs = (tried.attempt.ranked.cost for tried in self._promising(pursuit))
        return min(costs, default=math.inf) + COST_OF_A_STEP + COST_OF_FOLLOWING

    def _follow(self, pursuit: Pursuit) -> None:
        """Carry on candidates that mended the problem, or a part of it, with what all sources say of the rest."""
        number = itertools.count()
        waiting: list[tuple[float, int, int, RankedCandidate]] = []

        def push(tried: TriedAttempt, depth: int) -> None:
            for ranked in continuations(pursuit.problem, tried, self.sources, self.context, self.session.rules):
                # The fewer errors are left, the nearer is the end.
                urgency = ranked.cost + 0.1 * len(tried.trial.new_errors)
                heapq.heappush(waiting, (urgency, next(number), depth, ranked))

        for tried in self._promising(pursuit)[:MOST_BEGINNINGS_TO_FOLLOW]:
            pursuit.followed.add(tried.attempt.ranked.state)
            push(tried, 1)
        width = self.session.settings.slot_count
        end = max(MOST_MILLISECONDS_OF_A_PROBLEM, pursuit.milliseconds + LEAST_MILLISECONDS_OF_FOLLOW_UPS)
        while waiting and pursuit.followed_up < MOST_FOLLOW_UPS and self.may_go_on():
            if pursuit.milliseconds > end and pursuit.followed_up >= LEAST_CANDIDATES_OF_A_PROBLEM:
                return
            left = MOST_FOLLOW_UPS - pursuit.followed_up
            depths: dict[str, int] = {}
            batch: list[RankedCandidate] = []
            while waiting and len(batch) < min(width, left):
                _, _, depth, ranked = heapq.heappop(waiting)
                if ranked.state not in self.compiled and ranked.state not in depths:
                    depths[ranked.state] = depth
                    batch.append(ranked)
            pursuit.followed_up += len(batch)
            tried_before = len(pursuit.failed)
            self._side_by_side([(Attempt(ranked, (pursuit.problem,)), [pursuit]) for ranked in batch])
            if pursuit.passed:
                pursuit.untried = [ranked for _, _, _, ranked in sorted(waiting) if ranked.state not in self.compiled]
                self._rivals([pursuit])
                return
            for tried in pursuit.failed[tried_before:]:
                depth = depths[tried.attempt.ranked.state]
                pursuit.followed.add(tried.attempt.ranked.state)
                if depth < DEEPEST_FOLLOW_UP and is_promising(tried, self.context.read):
                    push(tried, depth + 1)

    # ---- models -----------------------------------------------------------------------------------------

    def _ask_models(self, pursuits: Iterable[Pursuit]) -> None:
        """Have a model asked in the background about these problems."""
        if self.consultation is not None and self.consultation.is_open:
            for pursuit in pursuits:
                self.consultation.begin(pursuit.problem, self.context)

    def _hear_models(self, pursuits: Mapping[int, Pursuit]) -> set[int]:
        """Try what models say of problems that are not settled, until one of those passes for which nothing did. The
        positions of those that were tried to the end."""
        consultation = self.consultation
        # What is heard first is compiled while the next is asked.
        self._ask_models(one for one in pursuits.values() if not is_settled(one))
        if consultation is None or not self.hears_models:
            return set(pursuits)
        heard = set()
        for position, pursuit in pursuits.items():
            if not self.may_go_on():
                break
            if not is_settled(pursuit):
                was_open = not pursuit.passed
                try_all = functools.partial(self._try_heard, pursuit)
                consultation.hear(pursuit, self.context, self.may_go_on, try_all)
                if not pursuit.passed:
                    self._follow(pursuit)
                heard.add(position)
                if was_open and pursuit.passed:
                    break
        consultation.forget_waiting()
        return heard

    def _try_heard(self, pursuit: Pursuit, heard: Sequence[Heard]) -> None:
        """Compile what a model answered."""
        for one in heard:
            if one.bad is not None:
                self.report(pursuit.problem, one.candidate, unread_verdict(f"The answer is no edit: {one.bad}."))
            else:
                pursuit.askers.setdefault(one.candidate.edits, 1)
                pursuit.unread.append((one.candidate.cost, one.candidate))
        self._read(pursuit)
        wanted = [(pursuit, one) for one in pursuit.untried if one.candidate.asked is not None]
        if wanted and self.may_go_on():
            self._side_by_side(merged_attempts(wanted, ()))
            self._rivals([pursuit])
