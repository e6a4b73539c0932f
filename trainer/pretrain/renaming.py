"""Another numbering of the names and lines of a lesson, each time it is shown.

Which number a name has says nothing, and neither does the one a line begins with: a model that sees them change has to
look up what stands in the question, where one that always sees the same learns the answer by heart.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trainer.pretrain.words import numbered_words

__all__ = ["Numbering", "numbering_of", "renumbered"]

LEFT_ALONE: Final = 0.25
"""So many lessons are shown as the product asks: names in the order in which they come, lines from 1 on."""


@dataclass(frozen=True)
class Numbering:
    """The tokens of numbered words. `names`: for each letter the forms of each number, (numbers, forms); `lines`: those
    of the lines from 0 on."""

    size: int
    names: tuple[NDArray[np.int64], ...]
    lines: NDArray[np.int64]


def numbering_of(tokenizer: Mapping[str, Any]) -> Numbering:
    """Where numbered words stand in the vocabulary of a `tokenizer.json`."""
    vocabulary = {**tokenizer["model"]["vocab"], **{one["content"]: one["id"] for one in tokenizer["added_tokens"]}}
    words = numbered_words()
    tables = [np.array([[vocabulary[form] for form in forms] for forms in rows], np.int64) for rows in words.values()]
    return Numbering(len(vocabulary), tuple(tables[:-1]), tables[-1])


def renumbered(tokens: NDArray[np.uint16], numbering: Numbering, chance: random.Random) -> NDArray[np.uint16]:
    """The tokens of a lesson with its names numbered anew, and its lines from another one on. A line 0, behind which
    something comes in at the very start, is none that could be moved."""
    if chance.random() < LEFT_ALONE:
        return tokens
    table = np.arange(numbering.size, dtype=np.uint16)
    present = np.zeros(numbering.size, bool)
    present[tokens] = True
    for names in numbering.names:
        used = np.flatnonzero(present[names].any(1))
        if len(used) > 1:
            table[names[used]] = names[chance.sample(used.tolist(), len(used))]
    used = np.flatnonzero(present[numbering.lines].any(1))
    if len(used) and used[0] > 0:
        by = chance.randrange(len(numbering.lines) - int(used[-1]))
        table[numbering.lines[used]] = numbering.lines[used + by]
    return table[tokens]
