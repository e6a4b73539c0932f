"""Drafts by prompt lookup: an edit mostly copies, so what followed the same tokens before is a good guess of what
follows now. Guesses are verified by the model in one batch; they never change what comes out, only how soon.

Source: "Prompt Lookup Decoding" (A. Saxena, 2023); the same idea is in llama.cpp's `examples/lookup`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

LONGEST_MATCH = 4
SHORTEST_MATCH = 2
"""Single tokens (a space, a brace) are followed by too many things to be worth a guess."""

SINGLE_TOKEN_WINDOW = 16
"""Except close to where the answer left the expected text: there a single token shows where it is back."""

FIRST_DRAFT_TOKENS = 4
FEWEST_DRAFT_TOKENS = 2


class DraftSource(Protocol):
    """Guesses what comes next. Any guess is allowed: a wrong one costs time only."""

    def propose(self, limit: int) -> Sequence[int]:
        """At most `limit` tokens that may follow; none where there is no good guess."""
        ...

    def extend(self, tokens: Sequence[int], accepted: int, proposed: int) -> None:
        """Hear which tokens came, and how many of the last proposal were right."""
        ...


class PromptLookup:
    """Looks for the last few tokens in the expected text, the prompt, and what was written so far.

    `expected`: text the answer is likely to follow from its beginning on (the lines to be edited). It is looked at
    first; where the answer departs from it, the answer is expected back a little further on.
    """

    def __init__(self, prompt: Sequence[int], expected: Sequence[int] = (), longest_draft: int = 16) -> None:
        self._longest_draft = longest_draft
        self._history: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}
        self._expected = tuple(expected)
        self._expected_place = 0
        self._follows_expected = bool(expected)
        self._written = 0
        self._draft_tokens = FIRST_DRAFT_TOKENS
        self._misses = 0
        self._append(prompt)

    def propose(self, limit: int) -> Sequence[int]:
        limit = min(limit, self._draft_tokens, self._longest_draft)
        if limit <= 0:
            return ()
        expected = self._expected[self._expected_place : self._expected_place + limit]
        return expected if self._follows_expected and expected else self._from_history(limit)

    def extend(self, tokens: Sequence[int], accepted: int, proposed: int) -> None:
        self._append(tokens)
        self._written += len(tokens)
        if self._expected and tokens:
            self._advance_in_expected(tuple(tokens))
        if proposed:
            is_full = accepted == proposed
            self._draft_tokens = (
                min(self._draft_tokens * 2, self._longest_draft) if is_full else max(FEWEST_DRAFT_TOKENS, accepted + 1)
            )
            self._misses = 0 if accepted else self._misses + 1

    def _append(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            self._history.append(token)
            end = len(self._history)
            # The place after each run of tokens, the latest one winning. A run at the very end has nothing after it
            # yet, so it is entered one token late, under the token that follows.
            for length in range(SHORTEST_MATCH, LONGEST_MATCH + 1):
                if end > length:
                    self._places[tuple(self._history[end - 1 - length : end - 1])] = end - 1

    def _from_history(self, limit: int) -> Sequence[int]:
        # Wrong guesses in a row ask for a longer match each time, so that text that is not copied costs little.
        shortest = min(LONGEST_MATCH, SHORTEST_MATCH + self._misses)
        for length in range(LONGEST_MATCH, shortest - 1, -1):
            place = self._places.get(tuple(self._history[-length:]))
            if place is not None:
                return self._history[place : place + limit]
        return ()

    def _advance_in_expected(self, tokens: tuple[int, ...]) -> None:
        end = self._expected_place + len(tokens)
        if self._follows_expected and self._expected[self._expected_place : end] == tokens:
            self._expected_place = end
            return
        recent = tuple(self._history[-min(LONGEST_MATCH, self._written) :])
        for length in range(len(recent), 0, -1):
            window = SINGLE_TOKEN_WINDOW if length < SHORTEST_MATCH else len(self._expected)
            place = _find(self._expected, recent[-length:], self._expected_place, window)
            if place is not None:
                self._expected_place = place + length
                self._follows_expected = True
                return
        self._follows_expected = False


def _find(tokens: tuple[int, ...], run: tuple[int, ...], start: int, window: int) -> int | None:
    """Where `run` first stands in `tokens`, beginning among the `window` places from `start` on."""
    last = min(len(tokens) - len(run), start + window - 1)
    return next((place for place in range(start, last + 1) if tokens[place : place + len(run)] == run), None)
