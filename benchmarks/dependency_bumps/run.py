"""Dependency bumps: what share of the breakages of new versions is mended, by Sleepy and by its peers.

Sleepy works on one warm session of a workspace with a member for each case; a case is broken by laying the text
that was written for the earlier version over the mended one. `--quick` leaves held-out cases and peers away.
"""

from __future__ import annotations

import difflib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.dependency_bumps.cases import Case, known_cases
from benchmarks.dependency_bumps.ends import end_of
from benchmarks.dependency_bumps.peers import peer_scores
from benchmarks.dependency_bumps.report import Outcome, details_of, figures_of, notes_of
from benchmarks.dependency_bumps.workspaces import BumpedWorkspace, checked_errors, open_workspaces
from benchmarks.machine import cache_directory, machine_facts
from benchmarks.real_crates.judging import CrateError, JudgedCopy, judged_copy
from benchmarks.real_crates.readings import both_readings
from benchmarks.real_crates.report import EVERY_OFFER, UNASKED
from benchmarks.real_crates.scoring import Score, decoded
from benchmarks.real_crates.sleepy import Repair, WarmSession, warm_session
from benchmarks.results import Result
from sleepy_agent.process import CancelToken

CASES_VARIABLE = "SLEEPY_DEPENDENCY_BUMPS"
"""Names with commas between: only these cases."""

PEERS_VARIABLE = "SLEEPY_DEPENDENCY_BUMPS_PEERS"
"""Set: the peers run in a quick run, too. What they answer is kept for the final one."""

CHECK_VARIABLE = "SLEEPY_DEPENDENCY_BUMPS_CHECK_ONLY"
"""Set: the cases are only checked to be what they say, and nobody repairs anything."""


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Check all cases, repair and score them."""
    started = time.perf_counter()
    every_case = known_cases()
    workspace = open_workspaces(every_case, cancel)
    _say(f"{len(every_case)} cases: green before, red after, green once mended?")
    errors = checked_errors(workspace, every_case, cancel)
    cases = [] if os.environ.get(CHECK_VARIABLE) else [case for case in every_case if _is_chosen(case, quick)]
    _say(f"they are. Sleepy on {len(cases)} of them")
    copy = judged_copy(workspace)
    repairs: dict[str, Repair | None] = {}
    scores: dict[str, dict[str, Score]] = {}
    if cases:
        with warm_session(workspace, cancel) as session:
            for case in cases:
                scores[case.name], repairs[case.name] = _with_sleepy(session, copy, workspace, case, cancel)
        if not quick or os.environ.get(PEERS_VARIABLE):
            for name, peers in peer_scores(workspace, copy, cases, _say, cancel).items():
                scores[name] |= peers
    outcomes = [Outcome(case, errors[case.name], scores[case.name], repairs[case.name]) for case in cases]
    if outcomes:
        _leave_unsolved(workspace, outcomes)
    return Result(
        name="dependency_bumps",
        title="Dependencies bumped past a breaking release",
        command=command,
        machine=machine_facts(),
        figures=figures_of(outcomes),
        notes=(*notes_of(), f"The run took {(time.perf_counter() - started) / 60:.0f} minutes."),
        details=details_of(outcomes),
    )


def _is_chosen(case: Case, quick: bool) -> bool:
    wanted = [name for name in os.environ.get(CASES_VARIABLE, "").split(",") if name]
    return (not wanted or case.name in wanted) and not (quick and case.held_out)


def _with_sleepy(
    session: WarmSession, copy: JudgedCopy, workspace: BumpedWorkspace, case: Case, cancel: CancelToken
) -> tuple[dict[str, Score], Repair | None]:
    """Both readings: what is applied unasked, and with every best offer taken."""
    broken = workspace.broken(case)
    scores, repair = both_readings(session, copy, broken, case.name, _say, cancel)
    if repair is not None:
        first, second = scores[UNASKED], scores[EVERY_OFFER]
        _say(f"    {end_of(first):<12} {end_of(second):<12} {first.seconds:5.2f} s  {case.name}: {case.kind}")
    return scores, repair


def _leave_unsolved(workspace: BumpedWorkspace, outcomes: Sequence[Outcome]) -> None:
    """What does not end as it was mended by hand, with all that is needed to see why, for who writes templates."""
    content = [_unsolved_entry(workspace, outcome) for outcome in outcomes if not outcome.scores[EVERY_OFFER].equal]
    path = cache_directory() / "dependency_bumps" / "unsolved.json"
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    _say(f"what is not equal to the mended text, with all that was tried: {path}")


def _unsolved_entry(workspace: BumpedWorkspace, outcome: Outcome) -> dict[str, object]:
    case, repair = outcome.case, outcome.repair
    broken = workspace.broken(case)
    after = repair.after if repair else {}
    return {
        "case": case.name,
        "kind": case.kind,
        "bumps": [asdict(bump) for bump in case.bumps],
        "end": {name: end_of(score) for name, score in outcome.scores.items()},
        "cheats": outcome.scores[EVERY_OFFER].cheats,
        "mended": [[replacement.old, replacement.new] for replacement in case.mended],
        "errors": [_error_entry(error, broken.get(error.file, b"") if error.file else b"") for error in outcome.errors],
        "change": [_change(file, broken.get(file, b""), text) for file, text in after.items()],
        "offered": repair.offered if repair else [],
        "tried": [asdict(tried) for tried in repair.tried] if repair else [],
    }


def _change(file: Path, before: bytes, after: bytes) -> str:
    old, new = decoded(before).splitlines(), decoded(after).splitlines()
    return "\n".join(difflib.unified_diff(old, new, str(file), "after", lineterm="", n=1))


def _error_entry(error: CrateError, text: bytes) -> dict[str, object]:
    lines = decoded(text).splitlines()
    return {
        "code": error.code,
        "message": error.message,
        "file": str(error.file),
        "line": error.line,
        "text": lines[error.line - 1] if 0 < error.line <= len(lines) else "",
    }


def _say(text: str) -> None:
    print(text, flush=True)
