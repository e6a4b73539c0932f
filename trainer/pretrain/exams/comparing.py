"""Two evaluations of the same items side by side: who solved what the other did not, and whether that can be chance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sleepy_agent.errors import BadUsage
from sleepy_agent.koans.scores import Share, share_of

__all__ = ["Comparison", "compare", "mcnemar"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`count` items with both results. `gained`: solved with and not without, `lost`: the other way round; `points`:
    the difference of the shares in percentage points; `chance`: the probability of a split as uneven as this one or
    more, if neither were better (McNemar's test, exact, two-sided); `of_unsolved`: the share gained of what is
    unsolved without."""

    count: int
    with_it: Share
    without: Share
    gained: int
    lost: int
    points: float
    chance: float
    of_unsolved: Share


def compare(with_it: Mapping[str, bool], without: Mapping[str, bool]) -> Comparison:
    """Compare results by the items' ids. Raises BadUsage where they are not of the same items."""
    if with_it.keys() != without.keys():
        missing = len(with_it.keys() ^ without.keys())
        raise BadUsage(
            f"The two results are not of the same items: {missing} are in one of them only.",
            "Evaluate the same file of items with the same --only-family and --first.",
        )
    count = len(with_it)
    solved, solved_without = sum(with_it.values()), sum(without.values())
    gained = sum(with_it[one] and not without[one] for one in with_it)
    lost = sum(without[one] and not with_it[one] for one in with_it)
    return Comparison(
        count=count,
        with_it=share_of(solved, count),
        without=share_of(solved_without, count),
        gained=gained,
        lost=lost,
        points=100 * (solved - solved_without) / count if count else 0.0,
        chance=mcnemar(gained, lost),
        of_unsolved=share_of(gained, count - solved_without),
    )


def mcnemar(gained: int, lost: int) -> float:
    """McNemar's test in its exact form: twice the lower tail of the binomial distribution with n = gained + lost and
    p = 1/2, at most 1 (McNemar 1947; the exact form is the sign test)."""
    both = gained + lost
    tail = sum(math.comb(both, number) for number in range(min(gained, lost) + 1))
    return min(1.0, tail / 2 ** (both - 1)) if both else 1.0
