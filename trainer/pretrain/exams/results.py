"""What became of items, and what that says of all of them: shares with their intervals."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sleepy_agent.koans.scores import Share, share_of
from trainer.pretrain.exams.items import Item

__all__ = ["FEWEST_OF_A_CODE", "ItemResult", "Score", "of_item", "percentile", "scores_of"]

FEWEST_OF_A_CODE: Final = 5
"""Codes with fewer items have no line of their own."""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One item after its repair.

    `is_reproduced`: whether the error that the item is about was there before. `greedy`: the model's first greedy
    answer was verified. `verified`: the repair ended with nothing broken. `behaves`: its behaviour test passes
    on the mended text; None where there is none, or nothing was mended. `is_original`: the mended text is the right one
    but for white space. `rounds`, `tokens_in`, `tokens_out`: of questions to the model. `milliseconds`: from the
    problem to the first verified fix, `model_milliseconds`: of them, waiting for the model's answers; None where
    nothing was verified. `all_milliseconds`: to the end of the search. `sources`: of what was taken.
    """

    id: str
    kind: str
    source: str
    mutation: str
    family: str
    code: str
    is_suggested: bool
    lines_changed: int
    house_rule: str
    is_reproduced: bool
    greedy: bool
    verified: bool
    behaves: bool | None
    is_original: bool
    rounds: int
    attempts: int
    sources: tuple[str, ...]
    milliseconds: float | None
    model_milliseconds: float | None
    all_milliseconds: float
    tokens_in: int
    tokens_out: int
    left: str

    @property
    def is_of_the_model(self) -> bool:
        """Whether the model mended it."""
        return self.verified and "model" in self.sources


def of_item(item: Item) -> ItemResult:
    """The result of an item that nothing was measured of yet."""
    return ItemResult(
        id=item.id,
        kind=item.kind,
        source=item.source,
        mutation=item.mutation,
        family=item.family,
        code=item.code,
        is_suggested=item.is_suggested,
        lines_changed=item.lines_changed,
        house_rule=item.house_rule,
        is_reproduced=False,
        greedy=False,
        verified=False,
        behaves=None,
        is_original=False,
        rounds=0,
        attempts=0,
        sources=(),
        milliseconds=None,
        model_milliseconds=None,
        all_milliseconds=0.0,
        tokens_in=0,
        tokens_out=0,
        left="",
    )


@dataclass(frozen=True, slots=True)
class Score:
    """Some items together. `behaves`: of those that are mended and have a test. Milliseconds: of fixes by the model,
    from the problem to the verified fix; None where there is none."""

    name: str
    greedy: Share
    verified: Share
    behaves: Share
    original: Share
    median_milliseconds: float | None
    late_milliseconds: float | None
    """The 95th percentile."""
    median_model_milliseconds: float | None
    late_model_milliseconds: float | None
    rounds: float
    tokens_in: int
    tokens_out: int


def score_of(name: str, results: Sequence[ItemResult]) -> Score:
    """The score of some items."""

    def share(has: Callable[[ItemResult], bool | None], among: Sequence[ItemResult] = results) -> Share:
        return share_of(sum(1 for one in among if has(one)), len(among))

    by_model = [one for one in results if one.is_of_the_model]
    waits = [one.milliseconds for one in by_model if one.milliseconds is not None]
    model_waits = [one.model_milliseconds for one in by_model if one.model_milliseconds is not None]
    return Score(
        name=name,
        greedy=share(lambda one: one.greedy),
        verified=share(lambda one: one.verified),
        behaves=share(lambda one: one.behaves, [one for one in results if one.behaves is not None]),
        original=share(lambda one: one.is_original),
        median_milliseconds=percentile(waits, 50),
        late_milliseconds=percentile(waits, 95),
        median_model_milliseconds=percentile(model_waits, 50),
        late_model_milliseconds=percentile(model_waits, 95),
        rounds=statistics.fmean([one.rounds for one in results] or [0.0]),
        tokens_in=sum(one.tokens_in for one in results),
        tokens_out=sum(one.tokens_out for one in results),
    )


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The value that so many percent are not above, between the two nearest ones."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def scores_of(results: Iterable[ItemResult]) -> list[Score]:
    """All, then by what an item is; groups with nobody in them are left out."""
    groups: dict[str, list[ItemResult]] = {}
    for one in results:
        for name in groups_of(one):
            groups.setdefault(name, []).append(one)
    order = sorted(groups, key=lambda name: (GROUP_ORDER.index(name.partition(":")[0]), -len(groups[name]), name))
    return [
        score_of(name, groups[name])
        for name in order
        if not name.startswith("code:") or len(groups[name]) >= FEWEST_OF_A_CODE
    ]


GROUP_ORDER: Final = ("all", "kind", "rustc", "answer", "house rules", "family", "code")


def groups_of(one: ItemResult) -> Iterator[str]:
    """The groups an item counts for."""
    yield "all"
    yield f"kind: {one.kind}"
    yield "rustc: offers something" if one.is_suggested else "rustc: offers nothing"
    yield "answer: one line" if one.lines_changed <= 1 else "answer: several lines"
    if one.house_rule:
        yield "house rules"
    yield f"family: {one.family}"
    yield f"code: {one.code or 'none'}"
