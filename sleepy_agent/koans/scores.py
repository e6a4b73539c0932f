"""What many koans say together: shares with their intervals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Z_95 = 1.959963984540054
"""The normal distribution's quantile for 95 % on both sides."""


@dataclass(frozen=True, slots=True)
class KoanResult:
    """One koan after its repair. `compiles`: the text that was taken; `passed`: and its test passes; `passed_at_k`:
    the test passes with one of the first k texts that compile, so with the best order of rank there could be."""

    name: str
    family: str
    code: str
    frozen: bool
    compiles: bool
    passed: bool
    passed_at_k: bool
    reason: str
    sources: tuple[str, ...] = ()
    was_preferred: bool = False
    steps: int = 0
    attempts: int = 0
    rounds: int = 0
    milliseconds: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `total`, with Wilson's 95 % interval, from 0 to 1."""

    count: int
    total: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Score:
    """Some koans together. Milliseconds: from the problem to the end of the search, of each koan."""

    name: str
    compiles: Share
    passed: Share
    passed_at_k: Share
    median_milliseconds: float
    rounds: float
    """Of questions to a model, on average."""
    tokens_in: int
    tokens_out: int


def share_of(count: int, total: int) -> Share:
    """A share with Wilson's score interval (Wilson 1927), which is right for few koans, too."""
    if total == 0:
        return Share(0, 0, 0.0, 1.0)
    part = count / total
    square = Z_95 * Z_95 / total
    middle = (part + square / 2) / (1 + square)
    half = Z_95 * math.sqrt(part * (1 - part) / total + square / (4 * total)) / (1 + square)
    return Share(count, total, max(0.0, middle - half), min(1.0, middle + half))


def score_of(name: str, results: Sequence[KoanResult]) -> Score:
    """The score of some koans."""

    def share(has: Callable[[KoanResult], bool]) -> Share:
        return share_of(sum(1 for one in results if has(one)), len(results))

    return Score(
        name=name,
        compiles=share(lambda one: one.compiles),
        passed=share(lambda one: one.passed),
        passed_at_k=share(lambda one: one.passed_at_k),
        median_milliseconds=statistics.median([one.milliseconds for one in results] or [0.0]),
        rounds=statistics.fmean([one.rounds for one in results] or [0.0]),
        tokens_in=sum(one.tokens_in for one in results),
        tokens_out=sum(one.tokens_out for one in results),
    )


def scores_of(results: Iterable[KoanResult]) -> list[Score]:
    """All, those that are frozen and those that are not, then each family; groups with nobody in them are left out."""
    found = list(results)
    groups = {"all": found}
    groups["not frozen"] = [one for one in found if not one.frozen]
    groups["frozen"] = [one for one in found if one.frozen]
    for one in found:
        groups.setdefault(one.family, []).append(one)
    return [score_of(name, members) for name, members in groups.items() if members]
