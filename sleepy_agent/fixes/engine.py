"""Repair a workspace: check, search, decide, take in; again until nothing moves; prove, write, remember.

The engine owns no terminal: what happens goes out as events, what to take comes in through `decide`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.code.edits import OccupiedPlaces, moves_of
from sleepy_agent.config import Places, Settings
from sleepy_agent.domain import Fix, Outcome, Problem, Proof
from sleepy_agent.errors import CannotWrite, FileChanged
from sleepy_agent.fixes.bookkeeping import Budget, ProblemKey, RunBook, problem_key, start_budget
from sleepy_agent.fixes.events import (
    Decide,
    Decision,
    Emit,
    FixAccepted,
    FixReport,
    FixTakenBack,
    Offer,
    ProblemLeft,
    ProblemsFound,
    ProofMade,
    StageStarted,
)
from sleepy_agent.fixes.proof import prove
from sleepy_agent.fixes.search import FoundFix, Search, changes_manifest
from sleepy_agent.fixes.sources import Source, SourceContext, choose_sources
from sleepy_agent.fixes.taken import TakenFix, follow, take_fix, unchecked_fixes
from sleepy_agent.fixes.write import FileChange, changes_between, check_writable, write_files
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import record_episodes
from sleepy_agent.memory.runs import RunCounts, begin_run, finish_run, record_written_file
from sleepy_agent.process import CancelToken

# A text that was seen before is not visited again; this only bounds what a defect could do.
MOST_ROUNDS = 200


@dataclass(frozen=True, slots=True)
class FixOptions:
    """What to repair and how. `sources` None: every source available here; empty sets: everything."""

    sources: tuple[str, ...] | None = None
    codes: frozenset[str] = frozenset()
    files: tuple[Path, ...] = ()
    clippy: bool = False
    proof: Proof = Proof.CHECK
    budget_seconds: float | None = None
    write: bool = True
    keep_unchecked: bool = False
    """Whether fixes stay that an error left beside them keeps the compiler from checking to the end: only where
    somebody saw and accepted each of them."""
    command: str = "sleepy fix"


@dataclass(slots=True)
class Run:
    """What one repair needs at hand, and what it has decided so far."""

    session: CheckSession
    sources: Sequence[Source]
    options: FixOptions
    decide: Decide
    emit: Emit
    cancel: CancelToken
    budget: Budget
    book: RunBook
    hindrance: Callable[[Path], str | None] = lambda _path: None
    """Why a file must not be written, or None."""
    take_all: bool = False
    skipped_files: frozenset[Path] = frozenset()
    agreed: frozenset[tuple[ProblemKey, str]] = frozenset()
    """Fixes that were accepted but could not be taken in together with others yet: nobody is asked twice."""
    declined: frozenset[tuple[ProblemKey, str, bool]] = frozenset()
    """Fixes that were not taken, and whether they were preferred: asked about again only when that changes."""
    announced: frozenset[tuple[ProblemKey, str]] = frozenset()
    """Fixes whose taking was told: a run that begins again does not tell it twice."""
    taken: list[TakenFix] = field(default_factory=list)
    banned: frozenset[tuple[ProblemKey, str]] = frozenset()
    """Fixes that were taken back because nobody could check them to the end."""
    stopped_because: str | None = None

    def may_go_on(self) -> bool:
        """Whether new work may begin."""
        self.cancel.raise_if_cancelled()
        if self.budget.is_used_up and self.stopped_because is None:
            self.stopped_because = f"the budget of {self.options.budget_seconds:g} s is used up"
        return self.stopped_because is None


def fix_workspace(
    path: Path,
    options: FixOptions,
    *,
    places: Places,
    settings: Settings,
    decide: Decide,
    emit: Emit,
    cancel: CancelToken,
) -> FixReport:
    """Repair the workspace of `path`.

    Every accepted fix was compiled; what is written was compiled as a whole. Raises the errors of errors.py;
    when it does, no file was changed, or all were and `undo_last_run` takes them back.
    """
    started = time.perf_counter()
    sources = choose_sources(options.sources)

    def progress(text: str) -> None:
        emit(StageStarted(text))

    with (
        open_database(places.store_file) as database,
        CheckSession.open(path, places, settings, cancel, progress, with_clippy=options.clippy) as session,
    ):
        run_record = begin_run(database, session.workspace.root, options.command)
        book = RunBook(run_record.run_id, session.workspace.root, session.read, emit)
        run = Run(session, sources, options, decide, emit, cancel, start_budget(options.budget_seconds), book)
        run.hindrance = lambda path: hindrance_of(path, session)
        green = False
        written: tuple[Path, ...] = ()
        remaining: tuple[Problem, ...] = ()
        try:
            remaining = repair_for_good(run)
            proofs = prove_result(run, remaining)
            cancel.raise_if_cancelled()
            changes = changes_between(session.original, session.changed_texts)
            if options.write and changes:

                def keep_for_undo(change: FileChange, mode: int) -> None:
                    record_written_file(
                        database,
                        run_record.run_id,
                        change.path,
                        bytes_before=change.before,
                        bytes_after=change.after,
                        file_mode=mode,
                    )

                write_files(changes, session.workspace.source_roots, keep_for_undo)
                written = tuple(change.path for change in changes)
            green = is_green(run, remaining, proofs)
        finally:
            record_episodes(database, book.episodes)
            accepted = sum(1 for state in book.states.values() if state.fix is not None)
            still_open = {problem_key(problem, session.read) for problem in remaining}
            counts = RunCounts(
                problems_before=len(book.states),
                problems_after=len(still_open),
                fixes_applied=accepted if written else 0,
                attempts=len(book.episodes),
            )
            finish_run(database, run_record.run_id, green, counts)
        blocked = session.blocked_packages()
    return FixReport(
        run_id=run_record.run_id,
        root=session.workspace.root,
        problems=book.reports(still_open),
        green=green,
        blocked=blocked,
        written_files=written,
        proofs=proofs,
        seconds=time.perf_counter() - started,
        stopped_because=run.stopped_because,
        attempts=len(book.episodes),
    )


def is_green(run: Run, remaining: Sequence[Problem], proofs: Sequence[ProofMade]) -> bool:
    """Whether nothing is broken any more as far as anybody can tell."""
    return not remaining and not run.session.blocked_packages() and all(proof.passed for proof in proofs)


def repair_for_good(run: Run) -> tuple[Problem, ...]:
    """Repair; where fixes were taken that an error left beside them hides from the compiler, begin again
    without them. The problems that are left."""
    beginning = run.session.overlay
    remaining = repair(run)
    while not run.options.keep_unchecked:
        unchecked = unchecked_fixes(run.taken, remaining, run.session.read)
        if not unchecked:
            break
        keys = {(state.problem, key) for key, state in run.book.states.items() if state.fix is not None}
        run.banned |= {(key, fix.title) for fix in unchecked for problem, key in keys if problem == fix.problem}
        for fix in unchecked:
            run.emit(FixTakenBack(fix.problem, fix.title))
        begin_again(run, beginning, {fix.problem.package for fix in unchecked})
        remaining = repair(run)
    for problem in remaining:
        state = run.book.state(problem)
        reason = run.stopped_because or state.reason
        if is_wanted(run, problem):
            run.emit(ProblemLeft(problem, reason, tuple(state.alternatives)))
    return remaining


def begin_again(run: Run, beginning: Mapping[Path, bytes], packages: set[str]) -> None:
    """Take everything back that was done for some packages, and for others whose fixes share a file with theirs."""
    while True:
        files = {path for fix in run.taken if fix.problem.package in packages for path, _, _ in fix.places}
        sharing = {fix.problem.package for fix in run.taken if any(path in files for path, _, _ in fix.places)}
        if sharing <= packages:
            break
        packages |= sharing
    if any(path.name == "Cargo.toml" for path in files):
        # The lock file went along with the manifest, and other packages may have been built by it.
        packages = {package.name for package in run.session.workspace.local_packages}
        files = set(run.session.overlay)
    kept = {path: text for path, text in run.session.overlay.items() if path not in files}
    run.session.restore({**kept, **{path: beginning[path] for path in files if path in beginning}})
    run.taken = [fix for fix in run.taken if fix.problem.package not in packages]
    for state in run.book.states.values():
        if state.problem.package in packages:
            state.fix = None
            state.is_settled = state.is_declined


def repair(run: Run) -> tuple[Problem, ...]:
    """Round after round until nothing is open or nothing moves; the problems that are left.

    A problem that was given up is tried again once something else has changed the text.
    """
    seen_texts: list[dict[Path, bytes]] = []
    problems: tuple[Problem, ...] = ()
    for _ in range(MOST_ROUNDS):
        problems = run.session.check()
        run.emit(ProblemsFound(problems, run.session.blocked_packages()))
        open_problems = [
            problem for problem in problems if not run.book.state(problem).is_settled and is_wanted(run, problem)
        ]
        if not open_problems or not run.may_go_on():
            break
        seen_texts.append(run.session.overlay)
        changed = search_and_take(run, open_problems)
        if not changed:
            if all(run.book.state(problem).is_settled for problem in open_problems):
                break
            continue
        if run.session.overlay in seen_texts:
            # An edit that leads back to where we were solves nothing.
            break
        for state in run.book.states.values():
            if state.problem.package in changed:
                state.is_settled = state.is_declined
    return problems


def is_wanted(run: Run, problem: Problem) -> bool:
    """Whether the options and the user's answers leave a problem to be worked on."""
    span = problem.span
    if run.options.codes and problem.code not in run.options.codes:
        return False
    if span is None:
        return not run.options.files
    wanted = {path.resolve() for path in run.options.files}
    return (not wanted or span.file.resolve() in wanted) and span.file not in run.skipped_files


def search_and_take(run: Run, problems: Sequence[Problem]) -> frozenset[str]:
    """Search fixes for `problems`, ask about them, and take the accepted ones in. The packages that changed."""
    context = SourceContext(run.session.workspace, run.session.read, run.session.is_editable)
    search = Search(run.session, run.sources, context, run.book.attempt, run.may_go_on)
    found = search.run(problems)
    accepted: list[FoundFix] = []
    # One edit may mend many problems; it is asked about once.
    answers: dict[int, bool] = {}
    total = len({id(fix.tried.attempt) for fix in found.values()})
    for position, fix in sorted(found.items()):
        attempt = id(fix.tried.attempt)
        if attempt not in answers:
            answers[attempt] = decide_on(run, fix, len(answers), total)
        if answers[attempt]:
            accepted.append(fix)
        elif run.stopped_because is not None:
            break
        run.book.state(problems[position]).is_settled = True
    if search.is_exhausted or not found:
        for problem in problems:
            state = run.book.state(problem)
            state.is_settled = True
            if not state.attempts:
                state.reason = "No source proposes anything for it."
    return take_in(run, accepted)


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
    if agreement in run.agreed:
        run.book.outcome(problem, candidate, Outcome.ACCEPTED)
        return True
    tied = tuple(
        Fix(problem, other.attempt.ranked.candidate, other.verdicts[0], preferred=False) for other in found.tied
    )
    fix = Fix(problem, candidate, found.verdict, preferred=found.is_preferred)
    state.alternatives = [*({} if fix.preferred else [fix]), *tied]
    state.diff = run.book.diff_of(candidate)
    if (*agreement, fix.preferred) in run.declined:
        return False
    hindrances = (run.hindrance(path) for path in dict.fromkeys(edit.file for edit in candidate.edits))
    state.hindrance = next((reason for reason in hindrances if reason is not None), None)
    if state.hindrance is not None:
        # One file that must not be written is no reason to leave the others broken.
        state.alternatives = [fix, *tied]
        return False
    offer = Offer(
        fix=fix,
        diff=state.diff,
        why=found.tried.attempt.ranked.why,
        alternatives=tied,
        index=number + 1,
        total=total,
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
        run.emit(FixAccepted(state.fix))


def prove_result(run: Run, remaining: Sequence[Problem]) -> tuple[ProofMade, ...]:
    """The proofs of the whole that the options ask for. Deeper ones only make sense on green code."""
    blocked: tuple[str, ...] = run.session.blocked_packages()
    is_done = not remaining and not blocked
    proofs = [check_proof(run, remaining)]
    if is_done and run.options.proof != Proof.CHECK:
        proofs += prove(run.session, run.options.proof, run.cancel, lambda text: run.emit(StageStarted(text)))
    for proof in proofs:
        run.emit(proof)
    return tuple(proofs)


def check_proof(run: Run, remaining: Sequence[Problem]) -> ProofMade:
    """What the compiler says of the final text: all targets were replayed on exactly this."""
    count = len(run.session.recording.units)
    blocked = run.session.blocked_packages()
    if remaining or blocked:
        what = f"{len(remaining)} error{'s' if len(remaining) != 1 else ''} left"
        if blocked:
            what += f"; not checked: {', '.join(blocked)}"
        return ProofMade(Proof.CHECK, False, what)
    return ProofMade(Proof.CHECK, True, f"rustc accepts all {count} targets")
