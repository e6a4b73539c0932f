"""Figures and details of the dependency bumps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.dependency_bumps.cases import Case
from benchmarks.dependency_bumps.ends import end_of
from benchmarks.dependency_bumps.peers import PEERS
from benchmarks.machine import median
from benchmarks.real_crates.judging import CrateError
from benchmarks.real_crates.report import EVERY_OFFER, UNASKED, percentile
from benchmarks.real_crates.scoring import Score, share
from benchmarks.real_crates.sleepy import Repair
from benchmarks.results import Figure

CASES_BAR = 30
"""The issue asks for at least so many breakages that really happen."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case with what each repairer made of it. `errors`: the compiler's after the bump."""

    case: Case
    errors: tuple[CrateError, ...]
    scores: Mapping[str, Score]
    repair: Repair | None

    def is_solved(self, repairer: str) -> bool:
        """Whether it compiles without cheating and its tests pass: what a user calls mended."""
        score = self.scores[repairer]
        return score.clean and score.passes_tests


def figures_of(outcomes: Sequence[Outcome]) -> tuple[Figure, ...]:
    """Of everything, then of groups, then of the peers."""
    bumped = {bump.dependency for outcome in outcomes for bump in outcome.case.bumps}
    published = sum(outcome.case.crate is not None for outcome in outcomes)
    kinds = {outcome.case.kind for outcome in outcomes}
    figures = [
        Figure("dependency bumps: breakages", len(outcomes), "", bar=CASES_BAR),
        Figure("dependency bumps: dependencies bumped", len(bumped), ""),
        Figure("dependency bumps: breakages in published crates", published, ""),
        Figure("dependency bumps: kinds of breakage", len(kinds), ""),
    ]
    for name in (EVERY_OFFER, UNASKED):
        figures += _figures_of_a_repairer(name, outcomes)
    failed = sum(outcome.repair is None for outcome in outcomes)
    figures.append(Figure("dependency bumps: breakages that Sleepy failed at", failed, "", bar=0, at_most=True))
    figures += _seconds(outcomes)
    for name, group in _groups(outcomes).items():
        on = f"{len(group)} breakages"
        figures.append(Figure(f"dependency bumps, {name}: mended", _solved(group, EVERY_OFFER), "%", measured_on=on))
    for peer in PEERS:
        judged = [outcome for outcome in outcomes if peer in outcome.scores]
        if judged:
            figures += _figures_of_a_repairer(peer, judged)
    return tuple(figures)


def _figures_of_a_repairer(name: str, outcomes: Sequence[Outcome]) -> list[Figure]:
    scores = [outcome.scores[name] for outcome in outcomes]
    compiling = [score for score in scores if score.compiles]
    on = f"{len(scores)} breakages"
    return [
        Figure(f"dependency bumps: {name}, compiles", share(scores, "compiles"), "%", measured_on=on),
        Figure(f"dependency bumps: {name}, compiles without cheating", share(scores, "clean"), "%", measured_on=on),
        Figure(
            f"dependency bumps: {name}, compiles without cheating and tests pass",
            _solved(outcomes, name),
            "%",
            measured_on=on,
        ),
        Figure(
            f"dependency bumps: {name}, tests of what compiles pass",
            share(compiling, "passes_tests"),
            "%",
            measured_on=f"{len(compiling)} cases that compile",
        ),
        Figure(f"dependency bumps: {name}, equal to the mended text", share(scores, "equal"), "%", measured_on=on),
    ]


def _solved(outcomes: Sequence[Outcome], name: str) -> float:
    if not outcomes:
        return float("nan")
    return 100.0 * sum(outcome.is_solved(name) for outcome in outcomes) / len(outcomes)


def _seconds(outcomes: Sequence[Outcome]) -> list[Figure]:
    seconds = sorted(outcome.scores[UNASKED].seconds for outcome in outcomes)
    on = f"{len(seconds)} breakages, from problem known, slots warm"
    return [
        Figure("dependency bumps: Sleepy, median", median(seconds), "s", measured_on=on),
        Figure("dependency bumps: Sleepy, 95th percentile", percentile(seconds, 0.95), "s", measured_on=on),
    ]


def _groups(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    questions: dict[str, Callable[[Outcome], bool]] = {
        "published crates": lambda outcome: outcome.case.crate is not None,
        "programs of our own": lambda outcome: outcome.case.crate is None,
        "development cases": lambda outcome: not outcome.case.held_out,
        "held-out cases": lambda outcome: outcome.case.held_out,
    }
    found = {name: [outcome for outcome in outcomes if question(outcome)] for name, question in questions.items()}
    return {name: group for name, group in found.items() if group}


def notes_of() -> tuple[str, ...]:
    return (
        "Every case is checked before: green and tested with the earlier version, red with the later one, green and "
        "tested once it is mended by hand.",
        "Every best offer taken: a developer who says yes to the first verified offer for each problem.",
        "The peers change each case alone, too, but `cargo fix` runs over all of them at once: its seconds are a mean.",
    )


def details_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Each case by its name: which bump, and its end under each repairer."""
    return {
        outcome.case.name: {
            "bump": ", ".join(f"{bump.dependency} {bump.before} -> {bump.after}" for bump in outcome.case.bumps),
            "in": f"{outcome.case.crate} {outcome.case.crate_version}"
            if outcome.case.crate
            else "a program of our own",
            "kind": outcome.case.kind,
            "held out": outcome.case.held_out,
            "codes": sorted({error.code for error in outcome.errors}),
            **{name: _short(score) for name, score in outcome.scores.items()},
        }
        for outcome in outcomes
    }


def _short(score: Score) -> dict[str, object]:
    short: dict[str, object] = {"end": end_of(score), "seconds": round(score.seconds, 2)}
    return short | ({"cheats": list(score.cheats)} if score.cheats else {})
