"""Offer a found fix to whoever decides, and hear the answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.domain import Fix, Outcome
from sleepy_agent.errors import CannotWrite, FileChanged
from sleepy_agent.fixes.bookkeeping import problem_key
from sleepy_agent.fixes.events import Decision, Offer, RankLine
from sleepy_agent.fixes.pursuits import Considered, FoundFix
from sleepy_agent.fixes.run import Run
from sleepy_agent.fixes.write import FileChange, check_writable


def ranking_of(considered: Iterable[Considered]) -> tuple[RankLine, ...]:
    """The candidates of a problem as they are shown: where each stands, why, and what the compiler said."""
    return tuple(
        RankLine(
            candidate=one.ranked.candidate,
            cost=one.ranked.cost,
            parts=tuple((part.says, part.cost) for part in one.ranked.parts),
            verdict=one.verdict,
        )
        for one in considered
    )


def reasons_of(found: FoundFix) -> tuple[str, ...]:
    """Why a fix is offered first, and why it is not preferred where others equal it."""
    reasons = found.tried.attempt.ranked.reasons
    if found.tried.attempt.ranked.is_far:
        reasons = (*reasons, "too far a guess to be applied without asking")
    if not found.tied:
        return reasons
    count = len(found.tied)
    others = "another change compiles" if count == 1 else f"{count} other changes compile"
    return (*reasons, f"{others} as well, and nothing decides between them")


def decide_on(run: Run, found: FoundFix, number: int, total: int) -> bool:
    """Offer one fix and hear what the user says."""
    problem, candidate = found.problem, found.tried.attempt.ranked.candidate
    state = run.book.state(problem)
    span = problem.span
    if span is not None and span.file in run.skipped_files:
        return False
    agreement = (problem_key(problem, run.session.read), candidate.title)
    if agreement in run.banned:
        verdict = replace(found.verdict, flags=(*found.verdict.flags, "unchecked_to_the_end"))
        state.alternatives = [Fix(problem, candidate, verdict, preferred=False)]
        state.diff = run.book.diff_of(candidate)
        return False
    state.why = reasons_of(found)
    if agreement in run.agreed:
        state.diff = run.book.diff_of(candidate)
        run.book.outcome(problem, candidate, Outcome.ACCEPTED)
        return True
    others = tuple(
        Fix(problem, other.attempt.ranked.candidate, other.verdict_of(problem), preferred=False)
        for other in (*found.tied, *found.others)
    )
    fix = Fix(problem, candidate, found.verdict, preferred=found.is_preferred)
    state.alternatives = [*(() if fix.preferred else (fix,)), *others]
    state.diff = run.book.diff_of(candidate)
    if (*agreement, fix.preferred) in run.declined:
        return False
    hindrances = (run.hindrance(path) for path in dict.fromkeys(edit.file for edit in candidate.edits))
    state.hindrance = next((reason for reason in hindrances if reason is not None), None)
    if state.hindrance is not None:
        # One file that must not be written is no reason to leave the others broken.
        state.alternatives = [fix, *others]
        return False
    offer = Offer(
        fix=fix,
        diff=state.diff,
        why=state.why,
        alternatives=others,
        index=number + 1,
        total=total,
        ranking=state.ranking,
    )
    decision = Decision.YES if run.take_all and fix.preferred else run.decide(offer)
    if decision == Decision.ALL:
        run.take_all = True
        decision = Decision.YES
    if decision == Decision.YES:
        run.agreed |= {agreement}
        run.book.outcome(problem, candidate, Outcome.ACCEPTED)
        return True
    if decision == Decision.QUIT:
        run.stopped_because = "you quit"
    elif decision == Decision.SKIP_FILE and span is not None:
        run.skipped_files |= {span.file}
    run.declined |= {(*agreement, fix.preferred)}
    state.is_declined = decision == Decision.NO and fix.preferred
    run.book.outcome(problem, candidate, Outcome.DISMISSED if decision == Decision.NO else Outcome.SHOWN)
    return False


def hindrance_of(path: Path, session: CheckSession) -> str | None:
    """Why a file could not be written as it is now, with the remedy, or None."""
    original = session.original(path)
    try:
        check_writable(FileChange(path, original, original), session.workspace.source_roots)
    except (CannotWrite, FileChanged) as error:
        return f"{error.message} {error.remedy}"
    return None
