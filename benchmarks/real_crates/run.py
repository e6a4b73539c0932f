"""Real crates: what share of human mistakes in published crates is mended, by Sleepy and by its peers.

`--quick` is the development run: no held-out crate, no held-out kind, no peers, fewer mutants.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from benchmarks.machine import cache_directory, machine_facts
from benchmarks.real_crates.crates import Crate, OpenedCrate, known_crates, open_crate
from benchmarks.real_crates.judging import JudgedCopy, judged_copy
from benchmarks.real_crates.mutants import Mutant, mutants_of
from benchmarks.real_crates.peers import PEERS, PeersOfACrate
from benchmarks.real_crates.readings import both_readings
from benchmarks.real_crates.report import EVERY_OFFER, UNASKED, Outcome, details_of, figures_of, notes_of
from benchmarks.real_crates.rust_analyzer import knows_the_standard_library
from benchmarks.real_crates.scoring import Score, decoded
from benchmarks.real_crates.sleepy import Repair, WarmSession, warm_session
from benchmarks.results import Result
from sleepy_agent.process import CancelToken

CRATES_VARIABLE = "SLEEPY_REAL_CRATES"
"""Names with commas between: only these crates."""

PEERS_VARIABLE = "SLEEPY_REAL_CRATES_PEERS"
"""Set: the peers run in a development run, too. What they answer is kept for the final one."""

STRIDE_VARIABLE = "SLEEPY_REAL_CRATES_STRIDE"
"""A number n: only every n-th mutant of each crate."""

QUICK_STRIDE = 2


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Break, repair and score all crates, one after the other."""
    started = time.perf_counter()
    outcomes: list[Outcome] = []
    lines: dict[str, int] = {}
    with_peers = not quick or bool(os.environ.get(PEERS_VARIABLE))
    stride = int(os.environ.get(STRIDE_VARIABLE) or (QUICK_STRIDE if quick else 1))
    for position, crate in enumerate(known_crates()):
        if not _is_chosen(crate, quick):
            continue
        opened = open_crate(crate, cancel)
        lines[crate.label] = opened.lines
        mutants = list(mutants_of(opened, position, False, _say, cancel))
        if not quick:
            mutants += mutants_of(opened, position, True, _say, cancel)
        _say(f"{crate.label}: {opened.lines} lines, {len(mutants[::stride])} mutants")
        begun = time.perf_counter()
        own = list(_outcomes(opened, mutants[::stride], with_peers=with_peers, cancel=cancel))
        outcomes += own
        solved = sum(outcome.scores[EVERY_OFFER].clean for outcome in own)
        equal = sum(outcome.scores[EVERY_OFFER].equal for outcome in own)
        _say(f"  {solved} clean, {equal} equal of {len(own)}, in {time.perf_counter() - begun:.0f} s")
    _leave_unsolved(outcomes)
    return Result(
        name="real_crates",
        title="Real crates, broken the way people break them",
        command=command,
        machine=machine_facts(),
        figures=figures_of(outcomes, lines, with_peers=with_peers),
        notes=(
            *notes_of(outcomes),
            *_peer_notes(with_peers),
            f"The run took {(time.perf_counter() - started) / 60:.0f} minutes.",
        ),
        details=details_of(outcomes),
    )


def _peer_notes(with_peers: bool) -> tuple[str, ...]:
    if not with_peers or knows_the_standard_library():
        return ()
    return (
        "rust-analyzer ran without the component rust-src, so it knew no types of the standard library; "
        "the suggestions of rustc reached it all the same.",
    )


def _is_chosen(crate: Crate, quick: bool) -> bool:
    wanted = [name for name in os.environ.get(CRATES_VARIABLE, "").split(",") if name]
    return (not wanted or crate.name in wanted) and not (quick and crate.held_out)


def _outcomes(
    opened: OpenedCrate, mutants: Sequence[Mutant], *, with_peers: bool, cancel: CancelToken
) -> Iterator[Outcome]:
    """Sleepy first, on one session for all mutants; then the peers, so that they do not disturb its seconds."""
    copy = judged_copy(opened)
    scores: dict[str, dict[str, Score]] = {}
    repairs: dict[str, Repair | None] = {}
    with warm_session(opened, cancel) as session:
        for mutant in mutants:
            scores[mutant.name], repairs[mutant.name] = _with_sleepy(session, copy, mutant, cancel)
    if with_peers:
        with PeersOfACrate(copy, cancel) as peers:
            for mutant in mutants:
                scores[mutant.name] |= {name: peers.score(name, mutant) for name in PEERS}
    for mutant in mutants:
        yield Outcome(mutant, opened, scores[mutant.name], repairs[mutant.name])


def _with_sleepy(
    session: WarmSession, copy: JudgedCopy, mutant: Mutant, cancel: CancelToken
) -> tuple[dict[str, Score], Repair | None]:
    """Both readings: what is applied unasked, and with every best offer taken."""
    broken = mutant.texts(copy.opened)
    scores, repair = both_readings(session, copy, broken, mutant.name, _say, cancel)
    if repair is not None:
        first, second = scores[UNASKED], scores[EVERY_OFFER]
        _say(f"    {_mark(first)} {_mark(second)} {first.seconds:5.2f} s  {' + '.join(mutant.kinds)}")
    return scores, repair


def _mark(score: Score) -> str:
    if score.equal:
        return "equal   "
    if score.clean:
        return "clean   " if score.passes_tests else "clean(!)"
    return "compiles" if score.compiles else "open    "


def _leave_unsolved(outcomes: Sequence[Outcome]) -> None:
    """What is not brought back, with all that is needed to see why, for whoever writes templates."""
    content = [_unsolved_entry(outcome) for outcome in outcomes if not outcome.scores[EVERY_OFFER].equal]
    path = cache_directory() / "real_crates" / "unsolved.json"
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    _say(f"what is not equal to the original, with all that was tried: {path}")


def _unsolved_entry(outcome: Outcome) -> dict[str, object]:
    mutant, opened, repair = outcome.mutant, outcome.opened, outcome.repair
    broken = mutant.texts(opened)
    after = {file: (repair.after.get(file, text) if repair else text) for file, text in broken.items()}
    places = [
        {
            "kind": mistake.kind,
            "file": str(mistake.file),
            **_lines_around(
                opened.original(mistake.file),
                broken[mistake.file],
                after[mistake.file],
                mistake.changes[0].start,
            ),
        }
        for mistake in mutant.mistakes
    ]
    return {
        "mutant": mutant.name,
        "end": {name: _mark(score).strip() for name, score in outcome.scores.items()},
        "cheats": outcome.scores[EVERY_OFFER].cheats,
        "mistakes": places,
        "errors": [asdict(error) for error in mutant.errors],
        "offered": repair.offered if repair else [],
        "tried": [asdict(tried) for tried in repair.tried] if repair else [],
    }


def _lines_around(original: bytes, broken: bytes, after: bytes, start: int) -> dict[str, str]:
    """The lines at a place in the three texts."""
    number = original.count(b"\n", 0, start)
    return {
        name: decoded(b"\n".join(text.split(b"\n")[max(0, number - 1) : number + 3]))
        for name, text in (("original", original), ("broken", broken), ("after", after))
    } | {"line": str(number + 1)}


def _say(text: str) -> None:
    print(text, flush=True)
