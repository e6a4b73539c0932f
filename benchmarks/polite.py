"""How much slower a user's own `cargo build` gets while Sleepy verifies in the same workspace at low priority.

Pairs of builds, one in quiet and one in the storm, in turn: the ratio of a pair is hardly touched by what
else the machine does. The storm is verification of candidates in all slots, without pause, and now and then
the final proof by cargo.
"""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import environment_with, machine_facts, median, places_below, scratch_directory
from benchmarks.probe_crates import BROKEN_EXPRESSION, ProbeCrate, large_crate
from benchmarks.results import Figure, Result
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.config import Settings
from sleepy_agent.process import CancelToken

LOCK_WORDS = b"Blocking waiting for file lock"
BUILD_SECONDS = 300.0
BUILDS: dict[str, tuple[str, ...]] = {
    "`cargo build` after a touch": (),
    "`cargo build --release` after a touch": ("--release",),
}
"""The first is short (incremental), the second keeps all cores busy for seconds."""

PROOF_EVERY = 5
"""Every so many rounds of candidates the storm asks cargo itself, in Sleepy's own target folder."""


@dataclass(frozen=True, slots=True)
class Builds:
    """Seconds of the builds of one kind, in pairs. `lock_waits`: how often cargo spoke of a lock."""

    kind: str
    quiet: tuple[float, ...]
    storm: tuple[float, ...]
    lock_waits: int

    @property
    def ratio(self) -> float:
        """Median of the paired ratios."""
        return median([stormy / quiet for quiet, stormy in zip(self.quiet, self.storm, strict=True)])


@dataclass
class Storm:
    """A thread that verifies without pause while `blowing` is set. `calm`: it has come to rest."""

    crate: ProbeCrate
    session: CheckSession
    blowing: threading.Event = field(default_factory=threading.Event)
    calm: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    candidates: int = 0
    proofs: int = 0
    failure: str = ""

    def blow(self) -> None:
        """The thread's whole life."""
        try:
            (problem,) = self.session.check()
            module = self.crate.modules[0]
            for round_number in range(1_000_000):
                if not self.blowing.is_set():
                    self.calm.set()
                    self.blowing.wait()
                if self.ended.is_set():
                    return
                # Red and green in turn, each text a new one.
                expressions = [f"{round_number * 10 + number}u{32 if number % 2 else 64}" for number in range(4)]
                self.session.try_many([([self.crate.edit(module, text)], [problem]) for text in expressions])
                self.candidates += len(expressions)
                if round_number % PROOF_EVERY == 0:
                    self.session.ask_cargo()
                    self.proofs += 1
        except Exception as error:  # the main thread must hear of anything that ends the storm early
            self.failure = f"{type(error).__name__}: {error}"
        finally:
            self.calm.set()


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Time pairs of builds and count the locks that cargo says it waited for."""
    pairs = 3 if quick else 15
    with scratch_directory("polite") as directory:
        crate = large_crate(directory / "user", cancel)
        overlay = {crate.root / crate.modules[0]: crate.text(crate.modules[0], BROKEN_EXPRESSION).encode()}
        settings, places = Settings(niceness=19), places_below(directory / "home")
        with CheckSession.open(crate.root, places, settings, cancel, overlay=overlay) as session:
            storm = Storm(crate, session)
            thread = threading.Thread(target=storm.blow, daemon=True)
            thread.start()
            try:
                measured = [_time_builds(kind, pairs, storm, cancel) for kind in BUILDS]
            finally:
                storm.ended.set()
                storm.blowing.set()
                thread.join(timeout=60)
    figures = [
        Figure(
            f"polite: how many times as long the user's {build.kind} takes",
            build.ratio,
            "x",
            bar=1.15,
            at_most=True,
            measured_on=f"median of {pairs} pairs, {median(build.quiet):.2f} s in quiet, {crate.name}",
        )
        for build in measured
    ]
    locks = sum(build.lock_waits for build in measured)
    return Result(
        name="polite",
        title="A user's own `cargo build` during a storm of verification",
        command=command,
        machine=machine_facts(),
        figures=(*figures, Figure("polite: builds that waited for a file lock", locks, "", bar=0, at_most=True)),
        notes=(f"The storm verified {storm.candidates} candidates and made {storm.proofs} proofs by cargo meanwhile.",),
        details={build.kind: {"quiet_seconds": build.quiet, "storm_seconds": build.storm} for build in measured},
    )


def _time_builds(kind: str, pairs: int, storm: Storm, cancel: CancelToken) -> Builds:
    root = storm.crate.root
    quiet_seconds: list[float] = []
    storm_seconds: list[float] = []
    locks = 0
    _timed_build(root, kind, cancel)
    for number in range(pairs):
        # Which of the two comes first alternates, so that neither always finds the warmer machine.
        for stormy in (False, True) if number % 2 else (True, False):
            _set_weather(storm, stormy)
            seconds, lock_waits = _timed_build(root, kind, cancel)
            (storm_seconds if stormy else quiet_seconds).append(seconds)
            locks += lock_waits
        quiet, stormed = quiet_seconds[-1], storm_seconds[-1]
        print(f"  {kind}, pair {number + 1}: {quiet:.2f} s in quiet, {stormed:.2f} s in the storm", flush=True)
    return Builds(kind, tuple(quiet_seconds), tuple(storm_seconds), locks)


def _set_weather(storm: Storm, stormy: bool) -> None:
    """Start the storm and let it reach its strength, or wait until it has ended."""
    if stormy:
        storm.calm.clear()
        storm.blowing.set()
        # Half a second is a few compiles: the slots are busy by then.
        time.sleep(0.5)
    else:
        storm.blowing.clear()
        storm.calm.wait(timeout=120)
    if storm.failure:
        raise RuntimeError(f"the storm ended early: {storm.failure}")


def _timed_build(root: Path, kind: str, cancel: CancelToken) -> tuple[float, int]:
    """Touch the main file and build; seconds, and how often cargo spoke of a lock."""
    (root / "src" / "lib.rs").touch()
    started = time.perf_counter()
    outcome = subprocess.run(
        ["cargo", "build", "--offline", *BUILDS[kind]],
        cwd=root,
        env=environment_with(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=BUILD_SECONDS,
        check=False,
        # The user's terminal is a session apart from Sleepy's. Linux with autogroups shares the processors
        # between sessions first, so that a nice value within one session says nothing to the other.
        start_new_session=True,
    )
    seconds = time.perf_counter() - started
    cancel.raise_if_cancelled()
    if outcome.returncode != 0:
        raise RuntimeError(f"the user's build failed: {outcome.stderr.decode(errors='replace')[-400:]}")
    return seconds, outcome.stderr.count(LOCK_WORDS)
