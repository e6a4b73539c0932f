"""Candidates verified a second, beside `cargo check` on the same edits in the same run.

The peer edits a copy and runs warm `cargo check` there, one edit after the other, as a developer (or a tool
without Sleepy's machinery) would. Two of them: `cargo check`, which compiles the library only, and
`cargo check --all-targets`, which compiles its unit tests as well. The bars compare like with like: screening
of alternatives (the library), which is what the engine does with them, against the first, groups (all targets)
against the second; the other comparison is printed beside it. Alternatives verified in full have no bar: there
both sides keep two cores busy with the same compiles, and only the surroundings differ.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import environment_with, machine_facts, median, places_below, scratch_directory
from benchmarks.probe_crates import BROKEN_EXPRESSION, ProbeCrate, large_crate, small_crate
from benchmarks.results import Figure, Result
from sleepy_agent.cargo.problems import error_key
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.config import Settings
from sleepy_agent.domain import Edit, Problem
from sleepy_agent.process import CancelToken, run_process

ALTERNATIVES = 8
"""Candidates for the one problem of part (a)."""

PEERS = {"cargo check": (), "cargo check --all-targets": ("--all-targets",)}
CHECK_SECONDS = 120.0


@dataclass
class Timings:
    """Seconds of all repeats of one part on one crate: Sleepy's and each peer's, in the same order."""

    name: str
    candidates: int
    bar: float | None
    same_work: str
    """The peer that compiles the same targets."""
    sleepy: list[float] = field(default_factory=list)
    peers: dict[str, list[float]] = field(default_factory=lambda: {peer: [] for peer in PEERS})

    def ratio(self, peer: str) -> float:
        """Median of the paired ratios: how often Sleepy's speed exceeds the peer's."""
        return median([other / own for own, other in zip(self.sleepy, self.peers[peer], strict=True)])


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Time both parts on both crates, red and green candidates, Sleepy and peers in turn."""
    repeats = 2 if quick else 7
    timings: list[Timings] = []
    lines: dict[str, int] = {}
    with scratch_directory("throughput") as directory:
        for label, make in (("small", small_crate), ("large", large_crate)):
            crate = make(directory / label / "user", cancel)
            copy = make(directory / label / "peer", cancel)
            lines[crate.name] = crate.lines
            print(f"{crate.name}: {crate.lines} lines", flush=True)
            timings += _time_crate(crate, copy, directory / label / "home", repeats, cancel)
    figures = []
    for timing in timings:
        for peer in PEERS:
            figures.append(
                Figure(
                    f"throughput: {timing.name}, against `{peer}`",
                    timing.ratio(peer),
                    "x",
                    bar=timing.bar if peer == timing.same_work else None,
                    measured_on=f"median of {repeats} pairs, {timing.candidates} candidates each",
                )
            )
    return Result(
        name="throughput",
        title="Candidates a second against `cargo check` on the same edits",
        command=command,
        machine=machine_facts(),
        figures=tuple(figures),
        notes=tuple(f"{name} has {count} lines." for name, count in lines.items()),
        details={timing.name: {"sleepy_seconds": timing.sleepy, "peer_seconds": timing.peers} for timing in timings},
    )


def _time_crate(crate: ProbeCrate, copy: ProbeCrate, home: Path, repeats: int, cancel: CancelToken) -> list[Timings]:
    library, everything = PEERS
    alternatives = {
        (colour, peer): Timings(
            f"alternatives, {words}, {colour}, {crate.name}", ALTERNATIVES, 1.9 if peer == library else None, peer
        )
        for colour in ("green", "red")
        for peer, words in ((library, "screened in two slots"), (everything, "in full in two slots"))
    }
    groups = {
        colour: Timings(
            f"{len(crate.modules)} independent problems, {words}, {crate.name}", len(crate.modules), 4.0, everything
        )
        for colour, words in (("green", "all fixes right"), ("red", "one fix wrong"))
    }
    settings = Settings(slots=2, niceness=0)
    targets = _Targets(copy.root.parent / "peer-target", copy)
    with _opened(crate, crate.modules[:1], home, settings, cancel) as session:
        (problem,) = session.check()
        for repeat in range(-1, repeats):
            for number_of_part, ((colour, peer), timing) in enumerate(alternatives.items()):
                first = repeat * 100 + number_of_part * 10
                expressions = [_expression(colour, first + number) for number in range(ALTERNATIVES)]
                attempts = [([crate.edit(crate.modules[0], expression)], [problem]) for expression in expressions]
                started = time.perf_counter()
                trials = (session.survey_many if peer == library else session.try_many)(attempts)
                own = time.perf_counter() - started
                _require([trial.survives for trial in trials], [colour == "green"] * ALTERNATIVES)
                texts = [{crate.modules[0]: expression} for expression in expressions]
                _note(timing, repeat, own, targets, texts, {crate.modules[0]}, cancel)
    with _opened(crate, crate.modules, home, settings, cancel) as session:
        problems = {problem.span.file: problem for problem in session.check() if problem.span}
        for repeat in range(-1, repeats):
            for colour, timing in groups.items():
                chosen = {module: _expression("green", repeat * 100 + 50) for module in crate.modules}
                if colour == "red":
                    chosen[crate.modules[repeat % len(crate.modules)]] = _expression("red", repeat * 100 + 51)
                questions = [
                    (crate.edit(module, expression), problems[crate.root / module])
                    for module, expression in chosen.items()
                ]
                started = time.perf_counter()
                accepted = group_test(session, questions)
                own = time.perf_counter() - started
                _require([len(accepted)], [len(questions) - (colour == "red")])
                # The peer does the same edits one after the other; each stays.
                texts = [{module: expression} for module, expression in chosen.items()]
                _note(timing, repeat, own, targets, texts, set(crate.modules), cancel)
    return [*alternatives.values(), *groups.values()]


def group_test(session: CheckSession, questions: Sequence[tuple[Edit, Problem]]) -> list[Edit]:
    """The right edits among those for different problems: all in one compile; where that fails, those whose
    problem went away in one more; halves where that fails too."""
    if not questions:
        return []
    edits = [edit for edit, _ in questions]
    trial = session.try_edits(edits, [problem for _, problem in questions])
    if trial.is_clean and len(trial.gone) == len(questions):
        return edits
    promising = [question for question in questions if error_key(question[1].diagnostic) in trial.gone]
    if len(promising) < len(questions):
        return group_test(session, promising)
    if len(questions) == 1:
        return []
    middle = len(questions) // 2
    return group_test(session, questions[:middle]) + group_test(session, questions[middle:])


@dataclass(frozen=True, slots=True)
class _Targets:
    """Where the peers build: one target folder each below `folder`, the sources of `copy`."""

    folder: Path
    copy: ProbeCrate


def _note(
    timing: Timings,
    repeat: int,
    own_seconds: float,
    targets: _Targets,
    changes: Sequence[dict[Path, str]],
    broken: set[Path],
    cancel: CancelToken,
) -> None:
    """Time the peers on the same edits and write all down; repeat -1 only warms everything up."""
    seconds = {peer: _peer_seconds(targets, peer, changes, broken, cancel) for peer in PEERS}
    if repeat < 0:
        return
    timing.sleepy.append(own_seconds)
    for peer, value in seconds.items():
        timing.peers[peer].append(value)
    speeds = ", ".join(f"{peer} {timing.candidates / value:.1f}/s" for peer, value in seconds.items())
    print(f"  {timing.name}: Sleepy {timing.candidates / own_seconds:.1f}/s, {speeds}", flush=True)


def _peer_seconds(
    targets: _Targets, peer: str, changes: Sequence[dict[Path, str]], broken: set[Path], cancel: CancelToken
) -> float:
    """Seconds of `cargo check` after each change. Untimed before it: the broken text, checked once."""
    copy = targets.copy
    originals = {module: (copy.root / module).read_text(encoding="utf-8") for module in broken}
    target = targets.folder / peer.replace(" ", "-")
    try:
        # The peer's incremental state is warm from the green text, as Sleepy's slots are.
        _cargo_check(copy.root, target, peer, cancel)
        broken_texts = {module: copy.text(module, BROKEN_EXPRESSION) for module in broken}
        texts = {
            (place, module): copy.text(module, expression)
            for place, change in enumerate(changes)
            for module, expression in change.items()
        }
        for module, text in broken_texts.items():
            (copy.root / module).write_text(text, encoding="utf-8")
        _cargo_check(copy.root, target, peer, cancel)
        started = time.perf_counter()
        for (_, module), text in texts.items():
            (copy.root / module).write_text(text, encoding="utf-8")
            _cargo_check(copy.root, target, peer, cancel)
        return time.perf_counter() - started
    finally:
        for module, text in originals.items():
            (copy.root / module).write_text(text, encoding="utf-8")


def _cargo_check(root: Path, target: Path, peer: str, cancel: CancelToken) -> None:
    run_process(
        ["cargo", "check", "--quiet", "--offline", "--message-format=json", *PEERS[peer]],
        cwd=root,
        environment=environment_with(extra={"CARGO_TARGET_DIR": str(target)}),
        timeout_seconds=CHECK_SECONDS,
        cancel=cancel,
    )
    cancel.raise_if_cancelled()


def _opened(
    crate: ProbeCrate, broken: Sequence[Path], home: Path, settings: Settings, cancel: CancelToken
) -> CheckSession:
    """A session on unsaved buffers in which the probes of `broken` are broken."""
    overlay = {crate.root / module: crate.text(module, BROKEN_EXPRESSION).encode() for module in broken}
    return CheckSession.open(crate.root, places_below(home), settings, cancel, overlay=overlay)


def _expression(colour: str, number: int) -> str:
    """A right or a wrong alternative, each with a number of its own so that no two texts are equal."""
    return f"{1000 + number}u32" if colour == "green" else f"{1000 + number}u64"


def _require(seen: Sequence[object], expected: Sequence[object]) -> None:
    """A figure for wrong answers would be worth nothing."""
    if list(seen) != list(expected):
        raise RuntimeError(f"the verifier answered {list(seen)} where {list(expected)} is right: no figure is given")
