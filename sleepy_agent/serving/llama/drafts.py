"""Drafts by prompt lookup: an edit mostly copies, so what followed the same tokens before is a good guess of what
follows now. Guesses are verified by the model in one batch; they never change what comes out, only how soon.

Source: "Prompt Lookup Decoding" (A. Saxena, 2023); the same idea is in llama.cpp's `examples/lookup`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

DRAFT_LENGTHS = ((16, 31), (8, 15), (3, 3))
"""So many tokens in a row that were the same (first) are worth a draft of so many (second), the surest first.

One more than a draft's length goes through the model at once. llama.cpp's processor kernels work on 4 and 16 rows
(measured with a Q4_K_M of 1.5B parameters, in the time of one row: 4 rows 2.7, 8 rows 6, 16 rows 7, 32 rows 12), so
sizes in between cost as much as the next larger one.
"""
LONGEST_MATCH = DRAFT_LENGTHS[0][0]
EXPECTED_START_LENGTH = DRAFT_LENGTHS[1][1]
PLACES_LOOKED_AT = 16
MISSES_FORGIVEN = 2
"""After so many drafts in a row that were wrong from the start, only longer matches are trusted."""
NOTHING = -1
"""Stands between two texts that do not follow each other; no token has this number."""


class DraftSource(Protocol):
    """Guesses what comes next. Any guess is allowed: a wrong one costs time only."""

    def propose(self, limit: int) -> Sequence[int]:
        """At most `limit` tokens that may follow; none where there is no good guess."""
        ...

    def extend(self, tokens: Sequence[int], accepted: int, proposed: int) -> None:
        """Hear which tokens came, and how many of the last proposal were right."""
        ...

    def copy(self) -> DraftSource:
        """Another one that knows the same, for a text that goes on differently."""
        ...


class PromptLookup:
    """Looks for the last few tokens in the expected text, the prompt, and what was written so far.

    `expected`: text the answer is likely to follow from its beginning on (the lines to be edited).
    """

    def __init__(self, prompt: Sequence[int], expected: Sequence[int] = (), longest_draft: int = 31) -> None:
        self._longest_draft = longest_draft
        self._tokens: list[int] = []
        # Where the text goes on after each two tokens in a row.
        self._places: dict[tuple[int, ...], list[int]] = {}
        self._expected_tokens = len(expected)
        self._written = 0
        self._misses = 0
        self._append([*expected, NOTHING, *prompt])

    def propose(self, limit: int) -> Sequence[int]:
        limit = min(limit, self._longest_draft)
        if self._written <= 1 and self._expected_tokens and self._tokens[-1] == self._tokens[0]:
            return self._cut(1, min(limit, EXPECTED_START_LENGTH))
        matched, place = self._longest_match()
        if self._misses >= MISSES_FORGIVEN and matched <= self._misses + MISSES_FORGIVEN:
            return ()
        length = next((length for needed, length in DRAFT_LENGTHS if matched >= needed), 0)
        return self._cut(place, min(limit, length))

    def extend(self, tokens: Sequence[int], accepted: int, proposed: int) -> None:
        self._append(tokens)
        self._written += len(tokens)
        if proposed:
            self._misses = 0 if accepted else self._misses + 1

    def copy(self) -> PromptLookup:
        other = PromptLookup((), (), self._longest_draft)
        other._tokens = self._tokens.copy()
        other._places = {run: places.copy() for run, places in self._places.items()}
        other._expected_tokens, other._written, other._misses = self._expected_tokens, self._written, self._misses
        return other

    def _append(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            self._tokens.append(token)
            end = len(self._tokens)
            if end > 2:
                # Entered only now that something follows them.
                self._places.setdefault(tuple(self._tokens[end - 3 : end - 1]), []).append(end - 1)

    def _longest_match(self) -> tuple[int, int]:
        """How many of the last tokens stood in a row somewhere before, at most `LONGEST_MATCH`, and where that text
        goes on. Of equally long ones the expected text is preferred, then the latest."""
        tokens, end = self._tokens, len(self._tokens)
        best = (0, False, 0)
        for place in self._places.get(tuple(tokens[-2:]), ())[-PLACES_LOOKED_AT:]:
            length = 2
            while length < min(LONGEST_MATCH, place) and tokens[place - 1 - length] == tokens[end - 1 - length]:
                length += 1
            best = max(best, (length, place < self._expected_tokens, place))
        return best[0], best[2]

    def _cut(self, place: int, length: int) -> Sequence[int]:
        found = self._tokens[place : place + max(length, 0)]
        return found[: found.index(NOTHING)] if NOTHING in found else found
