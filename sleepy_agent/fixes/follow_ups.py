"""What follows: the error that a candidate leaves or uncovers, put before every source in the changed text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from sleepy_agent.cargo.problems import error_key
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.cargo.verdict import phase_of, same_mistake
from sleepy_agent.code.edits import EditConflict, Moves, compose, moves_of
from sleepy_agent.domain import Applicability, Candidate, Diagnostic, Level, Problem
from sleepy_agent.families import FamilyRules, family_of
from sleepy_agent.fixes.attempts import TriedAttempt
from sleepy_agent.fixes.rank import RankedCandidate, ReadText, question_of, rank_candidate, rank_order
from sleepy_agent.fixes.sources import Source, SourceContext
from sleepy_agent.signature import signature_of

# A candidate after which this many new errors stand is not on the way to anything.
MOST_NEW_ERRORS_TO_FOLLOW = 3
# Of so many answers to the next error only the likeliest are worth a compile.
MOST_ANSWERS_TO_AN_ERROR = 8
# One more guess, beside what its source thinks of it. A step has a price of its own (rank.py).
COST_OF_FOLLOWING = 0.1
SHARE_OF_THE_SECOND = 0.5


def is_promising(tried: TriedAttempt, read: ReadText) -> bool:
    """Whether an attempt mended its problem and left only few others, or mended a part of it."""
    trial = tried.trial
    if trial.refusal is not None or len(trial.new_errors) > MOST_NEW_ERRORS_TO_FOLLOW:
        return False
    problem = tried.attempt.problems[0]
    if error_key(problem.diagnostic) in trial.gone:
        return bool(trial.new_errors)
    return changed_target(problem, trial, moves_of(trial.edits, read)) is not None


def changed_target(problem: Problem, trial: Trial, moves: Moves) -> Diagnostic | None:
    """The error that stands after the edit where the target stood, with the same code but in other words or at
    another place: a mistake made twice, mended once."""
    before = problem.diagnostic
    for report in trial.reports.values():
        for after in report.diagnostics:
            if (
                after.level == Level.ERROR
                and same_mistake(before, after, moves, exact=False)
                and not is_unchanged(before, after, moves)
            ):
                return after
    return None


def is_unchanged(before: Diagnostic, after: Diagnostic, moves: Moves) -> bool:
    """Whether the compiler says exactly the same, labels included."""
    labels = [[span.label for span in diagnostic.spans] for diagnostic in (before, after)]
    return same_mistake(before, after, moves, exact=True) and labels[0] == labels[1]


def following_problems(problem: Problem, trial: Trial, rules: FamilyRules, read: ReadText) -> list[Problem]:
    """What is wrong in the text that a trial made, as problems of their own; those that hide others first."""
    errors = sorted(trial.new_errors, key=phase_of)
    if not errors:
        rest = changed_target(problem, trial, moves_of(trial.edits, read))
        errors = [rest] if rest is not None else []
    found = []
    for error in errors:
        units = tuple(
            unit
            for unit, report in trial.reports.items()
            if any(error_key(one) == error_key(error) for one in report.diagnostics)
        )
        found.append(
            Problem(error, problem.package, units or problem.units, family_of(error, rules), signature_of(error))
        )
    return found


def continuations(
    problem: Problem, tried: TriedAttempt, sources: Sequence[Source], context: SourceContext, rules: FamilyRules
) -> list[RankedCandidate]:
    """The candidate of an attempt, each time with one answer to the first error it leaves that has answers."""
    texts = tried.trial.texts

    def read_changed(path: Path) -> bytes:
        return texts[path] if path in texts else context.read(path)

    changed = replace(context, read=read_changed)
    for following in following_problems(problem, tried.trial, rules, context.read):
        answers = itertools.chain.from_iterable(source.candidates(following, changed) for source in sources)
        ranked = sorted(composed(tried.attempt.ranked, problem, answers, following, changed, context), key=rank_order)
        if ranked:
            return ranked[:MOST_ANSWERS_TO_AN_ERROR]
    return []


def composed(
    first: RankedCandidate,
    problem: Problem,
    answers: Iterator[Candidate],
    following: Problem,
    changed: SourceContext,
    context: SourceContext,
) -> Iterator[RankedCandidate]:
    """The first candidate and then each of the answers, as candidates for the problem; refused ones left out."""
    for answer in answers:
        second = rank_candidate(answer, following, changed.read)
        if second.refusal is not None:
            continue
        edits = compose(first.candidate.edits, answer.edits, context.read)
        if isinstance(edits, EditConflict) or not edits:
            continue
        whole = replace(joined(first.candidate, answer), edits=edits)
        both = rank_candidate(whole, problem, context.read, {*first.flags, *second.flags})
        if both.refusal is None:
            yield both


def joined(first: Candidate, second: Candidate) -> Candidate:
    """Two candidates as one, whose edits are still those of the first."""
    templates = [name for name in (first.template, second.template) if name is not None]
    return replace(
        first,
        source=first.source if first.source == second.source else f"{first.source}+{second.source}",
        title=f"{first.title}; then {second.title}",
        cost=first.cost + COST_OF_FOLLOWING + SHARE_OF_THE_SECOND * second.cost,
        applicability=less_sure(first.applicability, second.applicability),
        is_one_of_several=first.is_one_of_several or second.is_one_of_several,
        steps=first.steps + second.steps,
        template="+".join(templates) or None,
        keeps_behaviour=first.keeps_behaviour and second.keeps_behaviour,
        question=question_of(second) or question_of(first),
    )


def less_sure(first: Applicability | None, second: Applicability | None) -> Applicability | None:
    """The less sure of two applicabilities."""
    known = [one for one in (first, second) if one is not None]
    return max(known, key=list(Applicability).index) if known else None
