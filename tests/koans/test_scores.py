"""Shares and their intervals."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sleepy_agent.koans.scores import KoanResult, scores_of, share_of

RESULT = KoanResult("a", "serde", "E0277", frozen=False, compiles=True, passed=True, passed_at_k=True, reason="")


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    # Computed by hand from Wilson's formula; statsmodels' proportion_confint says the same.
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (24, 30, 0.6269, 0.9049), (0, 0, 0.0, 1.0)],
)
def test_wilsons_interval(count: int, total: int, low: float, high: float) -> None:
    share = share_of(count, total)
    assert (share.count, share.total) == (count, total)
    assert share.low == pytest.approx(low, abs=1e-4)
    assert share.high == pytest.approx(high, abs=1e-4)


def test_the_groups_and_what_they_add_up() -> None:
    results = [
        replace(RESULT, milliseconds=10.0, tokens_in=5, tokens_out=1, rounds=1),
        replace(RESULT, milliseconds=30.0, passed=False, rounds=3),
        replace(RESULT, milliseconds=20.0, family="lifetimes", frozen=True, passed=False, compiles=False),
    ]
    scores = {score.name: score for score in scores_of(results)}
    assert list(scores) == ["all", "not frozen", "frozen", "serde", "lifetimes"]
    everything = scores["all"]
    assert (everything.passed.count, everything.compiles.count, everything.passed_at_k.count) == (1, 2, 3)
    assert (everything.median_milliseconds, everything.tokens_in, everything.tokens_out) == (20.0, 5, 1)
    assert scores["serde"].rounds == 2.0
    assert scores["frozen"].passed.total == 1


def test_a_group_with_nobody_in_it_is_left_out() -> None:
    assert [score.name for score in scores_of([RESULT])] == ["all", "not frozen", "serde"]
