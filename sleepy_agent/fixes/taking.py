"""Take accepted fixes into the text, each after one compile of exactly what is taken in together."""

from __future__ import annotations

from collections.abc import Sequence

from sleepy_agent.cargo.trials import Trial
from sleepy_agent.code.edits import OccupiedPlaces, moves_of
from sleepy_agent.domain import Fix
from sleepy_agent.fixes.bookkeeping import problem_key
from sleepy_agent.fixes.events import FixAccepted
from sleepy_agent.fixes.groups import changes_manifest
from sleepy_agent.fixes.pursuits import FoundFix
from sleepy_agent.fixes.run import Run
from sleepy_agent.fixes.taken import follow, take_fix


def take_in(run: Run, accepted: Sequence[FoundFix]) -> frozenset[str]:
    """Make the accepted fixes part of the text, package by package, each after one compile of exactly what is
    taken in together. The packages whose problems may have changed.

    What does not go together with the first of its package is found again in the next round, and so is what
    was compiled against a crate that has changed by then.
    """
    changed: frozenset[str] = frozenset()
    packages = dict.fromkeys(fix.problem.package for fix in accepted)
    manifests = [fix for fix in accepted if changes_manifest(fix.tried.attempt)]
    if manifests:
        # Cargo will ask for other rustc calls afterwards, so that nothing else is worth taking in with it.
        return take_group(run, [fix for fix in manifests if fix.tried.attempt is manifests[0].tried.attempt])
    for package in packages:
        own = [fix for fix in accepted if fix.problem.package == package]
        if changed and not run.session.is_current(own[0].tried.trial):
            continue
        changed |= take_group(run, those_that_go_together(own))
    return changed


def take_group(run: Run, group: list[FoundFix]) -> frozenset[str]:
    """Take in fixes that go together; where the compiler says that they do not, those that it saw together."""
    while group:
        trial = joint_trial(run, group)
        if trial.is_clean:
            moves = moves_of(trial.edits, run.session.read)
            run.taken = follow(run.taken, moves)
            for fix in group:
                candidate = fix.tried.attempt.ranked.candidate
                run.taken.append(take_fix(fix.problem, candidate.title, candidate.edits, moves))
                note_taken(run, fix)
            return run.session.commit(trial)
        same_compile = [fix for fix in group if fix.tried.trial is group[0].tried.trial]
        group = same_compile if len(same_compile) < len(group) else group[:1] if len(group) > 1 else []
    return frozenset()


def joint_trial(run: Run, group: Sequence[FoundFix]) -> Trial:
    """A trial of exactly these fixes: the one they were found by where it was theirs alone, else a new one."""
    attempts = list({id(fix.tried.attempt): fix.tried.attempt for fix in group}.values())
    edits = [edit for attempt in attempts for edit in attempt.ranked.candidate.edits]
    known = group[0].tried.trial
    if set(known.edits) == set(edits):
        return known
    return run.session.try_edits(edits, [problem for attempt in attempts for problem in attempt.problems])


def those_that_go_together(accepted: Sequence[FoundFix]) -> list[FoundFix]:
    """The first fix, and those after it that the same compile can take in: their places do not meet. A manifest
    is taken in alone; problems of one attempt are taken in with it."""
    group: list[FoundFix] = []
    members: set[int] = set()
    occupied = OccupiedPlaces()
    for fix in accepted:
        attempt = fix.tried.attempt
        edits = attempt.ranked.candidate.edits
        if id(attempt) not in members:
            if any(occupied.touched_by(edit.file, edit.byte_start, edit.byte_end) for edit in edits):
                continue
            if group and (changes_manifest(attempt) or changes_manifest(group[0].tried.attempt)):
                continue
            members.add(id(attempt))
            for edit in edits:
                occupied.add(edit.file, edit.byte_start, edit.byte_end)
        group.append(fix)
    return group


def note_taken(run: Run, found: FoundFix) -> None:
    """A fix is taken: say so and keep it for the report."""
    state = run.book.state(found.problem)
    state.fix = Fix(found.problem, found.tried.attempt.ranked.candidate, found.verdict, preferred=found.is_preferred)
    state.alternatives = []
    name = (problem_key(found.problem, run.session.read), state.fix.candidate.title)
    if name not in run.announced:
        run.announced |= {name}
        run.emit(FixAccepted(state.fix, state.diff, state.why, state.ranking))
