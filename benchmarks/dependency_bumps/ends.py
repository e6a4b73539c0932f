"""The end of a case in a word, for printing and for the details."""

from __future__ import annotations

from benchmarks.real_crates.scoring import Score


def end_of(score: Score) -> str:
    """One word, or two, for the end of a case."""
    if score.equal:
        return "equal"
    if score.clean:
        return "clean" if score.passes_tests else "tests fail"
    return "cheats" if score.compiles else "open"
