"""Repair a workspace: check, search, decide, take in; again until nothing moves; prove, write, remember.

The engine owns no terminal: what happens goes out as events, what to take comes in through `decide`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.config import Places, Settings
from sleepy_agent.domain import Problem, Proof
from sleepy_agent.fixes.bookkeeping import RunBook, problem_key, start_budget
from sleepy_agent.fixes.events import (
    Decide,
    Emit,
    FixReport,
    FixTakenBack,
    ProblemLeft,
    ProblemsFound,
    ProofMade,
    SourceUnavailable,
    StageStarted,
)
from sleepy_agent.fixes.offers import decide_on, hindrance_of, ranking_of
from sleepy_agent.fixes.proof import prove
from sleepy_agent.fixes.pursuits import FoundFix
from sleepy_agent.fixes.run import FixOptions, Run, consultation_for
from sleepy_agent.fixes.search import Search
from sleepy_agent.fixes.sources import SourceContext, choose_sources, missing_models
from sleepy_agent.fixes.taken import unchecked_fixes
from sleepy_agent.fixes.taking import take_in
from sleepy_agent.fixes.undo import keeping_for_undo
from sleepy_agent.fixes.write import changes_between, write_files
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import record_episodes
from sleepy_agent.memory.runs import RunCounts, begin_run, finish_run
from sleepy_agent.process import CancelToken

__all__ = ["FixOptions", "Run", "fix_workspace"]

# A text that was seen before is not visited again; this only bounds what a defect could do.
MOST_ROUNDS = 200


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
    sources = choose_sources(options.sources, places, settings)

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
        run.consultation = consultation_for(
            sources, cancel, lambda name, why: emit(SourceUnavailable(name, why.reason, why.remedy))
        )
        for name, missing in (missing_models(places, settings) if options.sources is None else {}).items():
            emit(SourceUnavailable(name, missing.reason, missing.remedy))
        green = False
        written: tuple[Path, ...] = ()
        remaining: tuple[Problem, ...] = ()
        try:
            remaining = repair_for_good(run)
            proofs = prove_result(run, remaining)
            cancel.raise_if_cancelled()
            changes = changes_between(session.original, session.changed_texts)
            if options.write and changes:
                write_files(changes, session.workspace.source_roots, keeping_for_undo(database, run_record.run_id))
                written = tuple(change.path for change in changes)
            green = is_green(run, remaining, proofs)
        finally:
            if run.consultation is not None:
                run.consultation.close()
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
    run.seen_texts = []
    problems: tuple[Problem, ...] = ()
    for _ in range(MOST_ROUNDS):
        problems = run.session.check()
        run.emit(ProblemsFound(problems, run.session.blocked_packages()))
        open_problems = [
            problem for problem in problems if not run.book.state(problem).is_settled and is_wanted(run, problem)
        ]
        if not open_problems or not run.may_go_on():
            break
        # What was given up before is tried again only when there is nothing else left to do.
        fresh = [problem for problem in open_problems if not run.book.state(problem).was_given_up]
        open_problems = fresh or open_problems
        run.seen_texts.append(run.session.overlay)
        changed = search_and_take(run, open_problems)
        if not changed:
            if all(run.book.state(problem).is_settled for problem in open_problems):
                break
            continue
        if run.session.overlay in run.seen_texts:
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
    session = run.session
    context = SourceContext(session.workspace, session.read, session.is_editable, run.known_items)
    search = Search(
        session,
        run.sources,
        context,
        run.book.attempt,
        run.may_go_on,
        run.leads_back,
        consultation=run.consultation,
    )
    found = search.run(problems)
    for position, considered in search.considered.items():
        run.book.state(problems[position]).ranking = ranking_of(considered)
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
    # Where nothing was found although not everything was tried, the work was stopped.
    for position in search.given_up if found else range(len(problems)):
        state = run.book.state(problems[position])
        state.is_settled = state.was_given_up = True
        if not state.attempts:
            state.reason = "No source proposes anything for it."
    return take_in(run, accepted)


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
