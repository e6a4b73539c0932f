"""How near two names are: typing slips, other words, singular and plural. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")

# Below this two names have nothing to do with each other.
LEAST_SIMILARITY = 0.55


@lru_cache(maxsize=4096)
def edit_distance(first: str, second: str, limit: int = 1000) -> int:
    """The number of inserted, deleted, replaced and exchanged neighbouring letters that makes one of the other
    (Damerau and Levenshtein, without overlaps); `limit + 1` where it is more than the limit."""
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(second) + 1))
    for number, letter in enumerate(first, 1):
        last_but_one, before, row = before, row, [number]
        for column, other in enumerate(second, 1):
            cost = min(before[column] + 1, row[column - 1] + 1, before[column - 1] + (letter != other))
            if number > 1 and column > 1 and letter == second[column - 2] and first[number - 2] == other:
                cost = min(cost, last_but_one[column - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """`("http", "server", "2")` of `HttpServer2`, `http_server_2`, `HTTPServer2` and `HTTP_SERVER_2`."""
    return tuple(word.lower() for word in WORD.findall(name))


def singular(word: str) -> str:
    """A word without its plural ending."""
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith(("ses", "xes", "zes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith("ss") else word


@lru_cache(maxsize=8192)
def similarity(first: str, second: str) -> float:
    """From 0 (nothing in common) to 1 (the same name)."""
    if first == second:
        return 1.0
    if not first or not second:
        return 0.0
    return max(_by_letters(first, second), _by_words(words_of(first), words_of(second)))


def _by_letters(first: str, second: str) -> float:
    """Only the way of writing differs: 0.97; one slip in a name of eight letters: 0.89; a slip in a name of
    two or three letters means little."""
    low, other = first.lower(), second.lower()
    if low.replace("_", "") == other.replace("_", ""):
        return 0.97
    longest = max(len(low), len(other))
    distance = edit_distance(low, other, longest // 2 + 1)
    if longest <= 2:
        return 0.6 if distance == 1 else 0.0
    near = max(0.0, 1 - 0.9 * distance / longest)
    # People rarely miss the first letter.
    return near if low[0] == other[0] else near * 0.92


def _by_words(first: Sequence[str], second: Sequence[str]) -> float:
    if not first or not second:
        return 0.0
    stems, others = [singular(word) for word in first], [singular(word) for word in second]
    if stems == others:
        return 0.95
    if sorted(stems) == sorted(others):
        return 0.88
    common = sum(min(stems.count(word), others.count(word)) for word in set(stems))
    longest, shortest = max(len(stems), len(others)), min(len(stems), len(others))
    if common == shortest:
        # One name is the other with more words: `len` and `line_len`; the first word says most.
        return (0.66 if stems[0] == others[0] else 0.6) + 0.2 * shortest / longest
    joined, other_joined = "".join(stems), "".join(others)
    if min(len(joined), len(other_joined)) >= 3 and (
        joined.startswith(other_joined) or other_joined.startswith(joined)
    ):
        return 0.6 + 0.25 * min(len(joined), len(other_joined)) / max(len(joined), len(other_joined))
    slips = sum(max((_word_nearness(word, other) for other in others), default=0.0) for word in stems)
    return 0.9 * slips / longest if common else 0.0


def _word_nearness(word: str, other: str) -> float:
    if word == other:
        return 1.0
    longest = max(len(word), len(other))
    if min(len(word), len(other)) >= 3 and (word.startswith(other) or other.startswith(word)):
        return 0.85
    near = 1 - edit_distance(word, other, longest) / longest
    return near if near >= 0.6 else 0.0


def nearest(
    name: str, candidates: Iterable[str], most: int = 3, least: float = LEAST_SIMILARITY
) -> list[tuple[str, float]]:
    """The candidates that are near the name, the nearest first; the name itself is none of them."""
    rated = {one: similarity(name, one) for one in candidates if one and one != name}
    found = [(one, value) for one, value in rated.items() if value >= least]
    return sorted(found, key=lambda pair: (-pair[1], abs(len(pair[0]) - len(name)), pair[0]))[:most]
