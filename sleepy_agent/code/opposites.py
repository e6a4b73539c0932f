"""Words in names that say the opposite of each other (opposites.toml): `first` is never a slip for `last`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from sleepy_agent.code.names import words_of


@cache
def opposite_words() -> Mapping[str, frozenset[str]]:
    """For each word those that say the opposite."""
    found: dict[str, frozenset[str]] = {}
    text = files("sleepy_agent.code").joinpath("opposites.toml").read_text(encoding="utf-8")
    for line in tomllib.loads(text)["words"].strip().splitlines():
        one, other = line.split()
        found[one] = found.get(one, frozenset()) | {other}
        found[other] = found.get(other, frozenset()) | {one}
    return found


def say_the_opposite(name: str, other: str) -> bool:
    """Whether two names differ in a word and its opposite."""
    words, others = (frozenset(word.lower() for word in words_of(one)) for one in (name, other))
    opposites = opposite_words()
    return any(opposites.get(word, frozenset()) & (others - words) for word in words - others)
