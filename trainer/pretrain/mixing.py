"""What of the lessons goes into the data: each question once, nothing too often, nothing on two sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from trainer.pretrain.records import Lesson
from trainer.pretrain.rounds import Told
from trainer.pretrain.split import SHARES, origin_of
from trainer.pretrain.weights import Weights, group_of

__all__ = ["Mixture", "is_tried"]

TOO_ALIKE: Final = 0.7
"""The share of equal fingerprints in two sketches from which on two programs count as one."""
FEWEST: Final = 2
"""So often anything may be there, however little the data."""


class Mixture:
    """Takes in lessons one by one as long as they keep to the weights; `count` of them make it full. Its sides are
    filled in proportion, whatever order lessons come in, so that taking in the same lessons gives the same data."""

    def __init__(self, count: int, table: Weights) -> None:
        self._count = count
        self._table = table
        self._room = {name: round(share * count) for name, share in SHARES}
        self._room["train"] += count - sum(self._room.values())
        self._prompts: set[str] = set()
        self._used: Counter[tuple[str, str, str]] = Counter()
        self._holders: dict[int, set[int]] = {}
        self._sides: list[tuple[str, int]] = []
        self._known: dict[tuple[int, ...], int] = {}
        self.taken: list[Lesson] = []
        self.refused: Counter[str] = Counter()

    @property
    def is_full(self) -> bool:
        return all(room == 0 for room in self._room.values())

    def offer(self, told: Told) -> bool:
        """Take a lesson in, or say no and count why."""
        lesson = told.lesson
        why = self._refusal(told)
        if why is not None:
            self.refused[why] += 1
            return False
        self._prompts.add(lesson.prompt)
        self._room[lesson.split] -= 1
        for kind, value, _ in self._limits(lesson):
            self._used[lesson.split, kind, value] += 1
        self._remember(told)
        self.taken.append(lesson)
        return True

    def _refusal(self, told: Told) -> str | None:
        lesson = told.lesson
        if self._room[lesson.split] == 0:
            return f"enough for {lesson.split}"
        if lesson.prompt in self._prompts:
            return "asked already"
        share = dict(SHARES)[lesson.split]
        for kind, value, most in self._limits(lesson):
            # Rounded down, so that the sides together keep to it as well.
            if self._used[lesson.split, kind, value] >= max(FEWEST, int(most * share * self._count)):
                return f"too many of one {kind}"
        return "the same program is on another side" if self._is_elsewhere(told) else None

    def _limits(self, lesson: Lesson) -> Iterator[tuple[str, str, float]]:
        """What a lesson counts for, with the share of a side that may be so."""
        table = self._table
        yield "shape", lesson.shape, table.most_of_a_shape
        yield "mutation", lesson.mutation, table.most_of_a_mutation
        yield "code", lesson.code, table.most_of_a_code
        if group_of(lesson.mutation) == "typo":
            yield "group of typos", "", table.most_of_typos
        if is_tried(lesson):
            yield "wrong answer before", "", table.most_of_tried
        if lesson.source.startswith("crate:"):
            yield "kind of source", "crate", table.most_of_crates
        else:
            yield "origin", origin_of(lesson.source), table.most_of_an_origin

    def _is_elsewhere(self, told: Told) -> bool:
        """Whether a program much like this one is on another side."""
        split = told.lesson.split
        shared: Counter[int] = Counter(number for one in told.sketch for number in self._holders.get(one, ()))
        return any(
            side != split and count / (size + len(told.sketch) - count) > TOO_ALIKE
            for number, count in shared.items()
            for side, size in [self._sides[number]]
        )

    def _remember(self, told: Told) -> None:
        if told.sketch in self._known:
            return
        number = self._known[told.sketch] = len(self._sides)
        self._sides.append((told.lesson.split, len(told.sketch)))
        for one in told.sketch:
            self._holders.setdefault(one, set()).add(number)


def is_tried(lesson: Lesson) -> bool:
    """Whether the question shows an answer that failed."""
    return "\n<tried>\n" in lesson.prompt
