"""How much of one program another one has: token sequences with the names taken out, so that renaming hides nothing.

Whoever makes training data proves with it that no koan is in there.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sleepy_agent.code.name_abstraction import name_table, tokens_of
from sleepy_agent.koans.records import Koan
from sleepy_agent.koans.texts import code_of

RUN_LENGTH = 12
"""Tokens in a row that are compared: about a line and a half, so that what everybody writes alike counts little."""
_LITERALS = {"string": '""', "char": "''", "number": "0"}
_SAME_EVERYWHERE = ("'static", "'_")


def fingerprints(program: str) -> frozenset[int]:
    """Hashes (64 bits) of all runs of tokens of a program, names numbered anew in each, literals and comments
    taken out. A program shorter than one run has one."""
    words = shape_of(program)
    starts = range(max(1, len(words) - RUN_LENGTH + 1)) if words else range(0)
    return frozenset(hash_of(words[start : start + RUN_LENGTH]) for start in starts)


def shape_of(program: str) -> list[tuple[str, str]]:
    """The tokens of a program: the kind of name and the name where it may be another one, else "" and the token."""
    table = name_table([program]).abstract_of
    words = []
    for token in tokens_of(program):
        if token.kind in {"space", "comment"}:
            continue
        if token.kind in _LITERALS:
            words.append(("", _LITERALS[token.kind]))
        elif token.kind == "lifetime" and token.text not in _SAME_EVERYWHERE:
            words.append(("'", token.text))
        elif token.kind == "word" and token.text in table:
            words.append((table[token.text][0], token.text))
        else:
            words.append(("", token.text))
    return words


def hash_of(words: Iterable[tuple[str, str]]) -> int:
    """One run of tokens, its names numbered as they come."""
    numbers: dict[tuple[str, str], int] = {}
    written = [f"{word[0]}{numbers.setdefault(word, len(numbers))}" if word[0] else word[1] for word in words]
    return int.from_bytes(hashlib.blake2b(" ".join(written).encode(), digest_size=8).digest(), "big")


def likeness(first: frozenset[int], second: frozenset[int]) -> float:
    """Jaccard's index of two sets of fingerprints: 1.0 for the same program, 0.0 for strangers."""
    both = len(first | second)
    return len(first & second) / both if both else 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """How much of a koan a program has. `share`: of the koan's fingerprints, from 0 to 1."""

    koan: str
    share: float


class KoanIndex:
    """Finds koans in other programs: the code of exercises and solutions alike, without their tests."""

    def __init__(self, koans: Iterable[Koan]) -> None:
        self._sizes: dict[tuple[str, int], int] = {}
        self._holders: dict[int, list[tuple[str, int]]] = {}
        for koan in koans:
            for number, text in enumerate((koan.exercise, koan.solution)):
                found = fingerprints(code_of(text))
                self._sizes[koan.name, number] = len(found)
                for one in found:
                    self._holders.setdefault(one, []).append((koan.name, number))

    def nearest(self, program: str) -> Found | None:
        """The koan of which a program has most; None where it has nothing of any."""
        shared = Counter(holder for one in fingerprints(program) for holder in self._holders.get(one, ()))
        shares: Mapping[tuple[str, int], float] = {one: count / self._sizes[one] for one, count in shared.items()}
        if not shares:
            return None
        best = max(sorted(shares), key=lambda one: shares[one])
        return Found(best[0], shares[best])
