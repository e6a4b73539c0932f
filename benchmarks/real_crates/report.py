"""Figures and details of the real-crate benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.machine import median
from benchmarks.real_crates.crates import OpenedCrate
from benchmarks.real_crates.mutants import Mutant
from benchmarks.real_crates.mutators import MUTATORS
from benchmarks.real_crates.peers import PEERS
from benchmarks.real_crates.scoring import Score, UnitTests, share
from benchmarks.real_crates.sleepy import Repair
from benchmarks.results import Figure

UNASKED = "Sleepy, applied without asking"
EVERY_OFFER = "Sleepy, every best offer taken"

CLEAN_BAR, EQUAL_BAR, TESTS_BAR = 85.0, 60.0, 97.0
MEDIAN_SECONDS_BAR, SLOW_SECONDS_BAR = 1.5, 6.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One mutant with what each repairer made of it. `repair`: Sleepy's, with every offer taken."""

    mutant: Mutant
    opened: OpenedCrate
    scores: Mapping[str, Score]
    repair: Repair | None

    @property
    def is_held_out(self) -> bool:
        return self.opened.crate.held_out or self.mutant.held_out_kind


def figures_of(outcomes: Sequence[Outcome], lines: Mapping[str, int], *, with_peers: bool) -> tuple[Figure, ...]:
    """All figures: of everything, then of groups, then of the peers."""
    kinds = {kind for outcome in outcomes for kind in outcome.mutant.kinds}
    figures = [
        Figure("real crates: crates", len(lines), ""),
        Figure("real crates: crates of 5,000 lines and more", sum(count >= 5000 for count in lines.values()), ""),
        Figure("real crates: mutants", len(outcomes), ""),
        Figure("real crates: kinds of mistakes", len(kinds), "", bar=18),
    ]
    for reading in (EVERY_OFFER, UNASKED):
        figures += _figures_of_a_repairer(reading, outcomes, with_bars=reading == EVERY_OFFER)
    failed = sum(outcome.repair is None for outcome in outcomes)
    figures.append(Figure("real crates: mutants that Sleepy failed at", failed, "", bar=0, at_most=True))
    figures += _seconds(outcomes)
    for name, group in _groups(outcomes).items():
        scores = _scores(group, EVERY_OFFER)
        count = f"{len(group)} mutants"
        figures.append(Figure(f"real crates, {name}: clean", share(scores, "clean"), "%", measured_on=count))
        figures.append(Figure(f"real crates, {name}: equal", share(scores, "equal"), "%", measured_on=count))
    if with_peers:
        for peer in PEERS:
            figures += _figures_of_a_repairer(peer, outcomes, with_bars=False)
    return tuple(figures)


def _figures_of_a_repairer(name: str, outcomes: Sequence[Outcome], *, with_bars: bool) -> list[Figure]:
    scores = _scores(outcomes, name)
    compiling = [score for score in scores if score.compiles]
    clean = [score for score in scores if score.clean]
    count = f"{len(scores)} mutants"
    return [
        Figure(f"real crates: {name}, compiles", share(scores, "compiles"), "%", measured_on=count),
        Figure(
            f"real crates: {name}, compiles without cheating",
            share(scores, "clean"),
            "%",
            bar=CLEAN_BAR if with_bars else None,
            measured_on=count,
        ),
        Figure(
            f"real crates: {name}, equal to the original",
            share(scores, "equal"),
            "%",
            bar=EQUAL_BAR if with_bars else None,
            measured_on=count,
        ),
        Figure(
            f"real crates: {name}, unit tests of what compiles pass",
            share(compiling, "passes_tests"),
            "%",
            measured_on=f"{len(compiling)} crates, with those that have a todo!() or another cheat",
        ),
        Figure(
            f"real crates: {name}, unit tests of what compiles without cheating pass",
            share(clean, "passes_tests"),
            "%",
            bar=TESTS_BAR if name in {UNASKED, EVERY_OFFER} else None,
            measured_on=f"{len(clean)} crates",
        ),
    ]


def _seconds(outcomes: Sequence[Outcome]) -> list[Figure]:
    seconds = sorted(score.seconds for score in _scores(outcomes, UNASKED))
    on = f"{len(seconds)} mutants, from problem known, slots warm"
    return [
        Figure("real crates: Sleepy, median", median(seconds), "s", MEDIAN_SECONDS_BAR, at_most=True, measured_on=on),
        Figure(
            "real crates: Sleepy, 95th percentile",
            percentile(seconds, 0.95),
            "s",
            SLOW_SECONDS_BAR,
            at_most=True,
            measured_on=on,
        ),
    ]


def percentile(ordered: Sequence[float], part: float) -> float:
    """The value below which this part of the ordered values lies; not-a-number for none."""
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


def _groups(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    questions: dict[str, Callable[[Outcome], bool]] = {
        "one mistake": lambda outcome: len(outcome.mutant.mistakes) == 1,
        "two mistakes": lambda outcome: len(outcome.mutant.mistakes) > 1,
        "development crates and kinds": lambda outcome: not outcome.is_held_out,
        "held-out crates": lambda outcome: outcome.opened.crate.held_out,
        "held-out kinds": lambda outcome: outcome.mutant.held_out_kind,
    }
    found = {name: [outcome for outcome in outcomes if question(outcome)] for name, question in questions.items()}
    return {name: group for name, group in found.items() if group}


def _scores(outcomes: Sequence[Outcome], name: str) -> list[Score]:
    return [outcome.scores[name] for outcome in outcomes if name in outcome.scores]


def notes_of(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    same = sum(outcome.scores[EVERY_OFFER].tests == UnitTests.SAME_PROGRAM for outcome in outcomes)
    return (
        "Every best offer taken: a developer who says yes to the first verified offer for each problem.",
        f"Unit tests were run where the mended crate differs from the original; {same} mended crates are token-equal "
        "to it and pass what it passes.",
        "Held out: crates and kinds of mistakes that nobody looked at before the final scoring.",
    )


def details_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """By kind, by crate, how often each template was taken, and each mutant by its name: no texts of the crates."""
    return {
        "kinds": {
            mutator.name: {
                "topic": mutator.topic.value,
                "held out": mutator.held_out,
                **_counts([outcome for outcome in outcomes if outcome.mutant.kinds == (mutator.name,)]),
            }
            for mutator in MUTATORS
        },
        "crates": {
            name: _counts([outcome for outcome in outcomes if outcome.opened.crate.label == name])
            for name in dict.fromkeys(outcome.opened.crate.label for outcome in outcomes)
        },
        "templates": dict(
            Counter(name for outcome in outcomes if outcome.repair for name in outcome.repair.templates).most_common()
        ),
        "mutants": {
            outcome.mutant.name: {name: _short(score) for name, score in outcome.scores.items()} for outcome in outcomes
        },
    }


def _counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    scores = _scores(outcomes, EVERY_OFFER)
    return {
        "mutants": len(scores),
        "compile": sum(score.compiles for score in scores),
        "clean": sum(score.clean for score in scores),
        "equal": sum(score.equal for score in scores),
    }


def _short(score: Score) -> dict[str, object]:
    short: dict[str, object] = {
        "end": "equal" if score.equal else "clean" if score.clean else "compiles" if score.compiles else "open",
        "tests": score.tests.value,
        "seconds": round(score.seconds, 2),
    }
    return short | ({"cheats": list(score.cheats)} if score.cheats else {})
