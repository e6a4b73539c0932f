"""How long `sleepy fix --apply` takes on the bundled example, cold and warm, and how long `sleepy --help` takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from benchmarks.machine import REPOSITORY, machine_facts, median, run_sleepy, scratch_directory
from benchmarks.results import Figure, Result
from sleepy_agent.process import CancelToken, ProcessOutcome

EXAMPLE = REPOSITORY / "examples" / "lending_library"
RUN_SECONDS = 300.0
"""A single run that takes longer is given up."""


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Repair fresh copies of the example at one and the same path: the first run is cold, the others warm."""
    warm_runs, help_runs = (1, 5) if quick else (5, 20)
    notes = []
    with scratch_directory("example") as directory:
        home, copy = directory / "home", directory / "lending_library"
        outcomes = []
        for number in range(1 + warm_runs):
            outcome = _repair_fresh_copy(copy, home, cancel)
            outcomes.append(outcome)
            fixed, left, green = _summary(outcome)
            print(
                f"{'warm' if number else 'cold'} run: {outcome.seconds:.2f} s, exit {outcome.returncode}, "
                f"{fixed} fixed, {left} left, green: {green}",
                flush=True,
            )
            if not green:
                notes.append(f"Run {number + 1} did not end green ({left} errors left).")
        cold, *warm = [outcome.seconds for outcome in outcomes]
        help_times = []
        for _ in range(help_runs):
            shown = run_sleepy(["--help"], home=home, timeout_seconds=30, cancel=cancel)
            cancel.raise_if_cancelled()
            help_times.append(shown.seconds * 1000)
    return Result(
        name="example_time",
        title="`sleepy fix --apply` on the bundled example",
        command=command,
        machine=machine_facts(),
        figures=(
            Figure(
                "example: `sleepy fix --apply`, warm",
                median(warm),
                "s",
                bar=10,
                at_most=True,
                measured_on=f"median of {len(warm)} fresh copies",
            ),
            Figure("example: `sleepy fix --apply`, cold", cold, "s", measured_on="one run"),
            Figure(
                "`sleepy --help`",
                median(help_times),
                "ms",
                bar=150,
                at_most=True,
                measured_on=f"median of {len(help_times)}",
            ),
        ),
        notes=tuple(notes),
        details={"cold_seconds": cold, "warm_seconds": warm, "help_milliseconds": help_times},
    )


def _repair_fresh_copy(copy: Path, home: Path, cancel: CancelToken) -> ProcessOutcome:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("target"))
    outcome = run_sleepy(["fix", "--apply", "--json", str(copy)], home=home, timeout_seconds=RUN_SECONDS, cancel=cancel)
    cancel.raise_if_cancelled()
    return outcome


def _summary(outcome: ProcessOutcome) -> tuple[int, int, bool]:
    """Problems fixed, problems left, and whether the workspace is green, as `--json` says."""
    try:
        report = json.loads(outcome.stdout)
    except ValueError:
        print(outcome.stderr.decode(errors="replace")[-1000:], flush=True)
        return 0, 0, False
    fixed = sum(bool(problem["fixed"]) for problem in report["problems"])
    return fixed, len(report["problems"]) - fixed, bool(report["green"]) and outcome.returncode == 0
