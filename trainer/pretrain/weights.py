"""`weights.toml`: how likely mistakes are made, and how much of the data may be alike."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Weights", "group_of", "weights"]


@dataclass(frozen=True, slots=True)
class Weights:
    """The file, which says what the fields mean."""

    other: float
    several_lines: float
    mutants_of_a_program: int
    tried: float
    most_of_a_shape: float
    most_of_an_origin: float
    most_of_a_mutation: float
    most_of_a_code: float
    most_of_typos: float
    most_of_tried: float
    most_of_crates: float
    code: Mapping[str, float]
    group: Mapping[str, float]
    programs: Mapping[str, int]

    def probability(self, mutation: str, codes: Iterable[str], *, several_lines: bool) -> float:
        """How likely this mistake is made where it can be. A group that has an entry is the last word where it is
        lower than `other`: it is there to be rare."""
        own = self.group.get(group_of(mutation))
        if own is not None and own < self.other:
            return own
        found = [self.code[code] for code in codes if code in self.code]
        if own is not None:
            found.append(own)
        if several_lines:
            found.append(self.several_lines)
        return max(found, default=self.other)

    def programs_of(self, generator: str, size: int) -> int:
        """How many programs of a generator go into a round of `size` thousandths."""
        return max(1, round(self.programs.get(generator, self.programs["other"]) * size / 1000))


def group_of(mutation: str) -> str:
    """The part of a mutation's name before the dot."""
    return mutation.partition(".")[0]


@cache
def weights() -> Weights:
    """The file, read once."""
    return Weights(**tomllib.loads(files(__package__).joinpath("weights.toml").read_text(encoding="utf-8")))
