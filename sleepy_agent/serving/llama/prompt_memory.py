"""What a context has read: the prompt in its sequence 0, and the states of earlier prompts that wait beside it.

Prompts are read in pieces that begin at multiples of `PIECE_TOKENS`, and are kept from such a place on only. So every
piece goes through the model in the same batch whether its beginning was in memory or not: floating-point sums depend
on the batch, and a greedy answer must not depend on what was asked before.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from sleepy_agent.process import CancelToken
from sleepy_agent.serving.llama.native import Logits, NativeContext
from sleepy_agent.serving.llama.prefix_cache import PrefixCache, WeightsKey, common_prefix_length

PIECE_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """A prompt that was read. `logits`: those after its last token, None where reading was cancelled."""

    logits: Logits | None
    tokens_cached: int
    milliseconds: float


class PromptMemory:
    """The one owner of what is in a context between two requests."""

    def __init__(self, context: NativeContext, cache: PrefixCache, *, can_rewind: bool) -> None:
        self._context = context
        self._cache = cache
        self._can_rewind = can_rewind
        self._weights: WeightsKey | None = None
        self._tokens: tuple[int, ...] = ()

    def read(self, weights: WeightsKey, prompt: tuple[int, ...], cancel: CancelToken) -> Reading:
        """Let the context read `prompt` (at least one token) into sequence 0, with what it knows of it already.

        The adapter of `weights` has to be in use. After an exception everything is forgotten.
        """
        started = time.perf_counter()
        try:
            kept = self._recall(weights, prompt)
            logits: Logits | None = None
            for start in range(kept, len(prompt), PIECE_TOKENS):
                if cancel.cancelled:
                    break
                piece = prompt[start : start + PIECE_TOKENS]
                end = start + len(piece)
                is_last = end == len(prompt)
                outputs = [False] * (len(piece) - 1) + [is_last]
                self._context.decode(piece, range(start, end), 0, outputs)
                self._tokens = prompt[:end]
                if is_last:
                    logits = np.array(self._context.logits(len(piece) - 1))
        except BaseException:
            self.forget()
            raise
        return Reading(logits, kept, (time.perf_counter() - started) * 1000)

    def trim(self, sequences: int) -> None:
        """Remove the answers, which are in sequences 0 to `sequences` - 1, and leave the prompt."""
        if not self._can_rewind:
            self.forget()
            return
        self._context.forget_from(0, len(self._tokens))
        for sequence in range(1, sequences):
            self._context.forget_from(sequence, 0)

    def forget(self) -> None:
        """Empty the context."""
        self._context.clear()
        self._weights, self._tokens = None, ()

    def _recall(self, weights: WeightsKey, prompt: tuple[int, ...]) -> int:
        """Make the context hold the longest known beginning of `prompt`. Returns how many tokens that is."""
        if not self._can_rewind:
            self.forget()
            self._weights = weights
            return 0
        here = _whole_pieces(common_prefix_length(self._tokens, prompt), prompt) if self._weights == weights else 0
        stored = self._cache.longest(weights, prompt)
        there = _whole_pieces(stored.shared, prompt) if stored else 0
        if len(self._tokens) - max(here, 1) >= PIECE_TOKENS or there > here:
            self._put_aside()
        if stored is not None and there > here:
            self.forget()
            if not self._context.restore(0, stored.state):
                # A state that the library does not take back is no loss but time.
                self.forget()
                there = 0
            here = there
        self._weights, self._tokens = weights, prompt[:here]
        if here:
            self._context.forget_from(0, here)
        else:
            self._context.clear()
        return here

    def _put_aside(self) -> None:
        if self._weights is not None and self._tokens and not self._cache.covers(self._weights, self._tokens):
            self._cache.put(self._weights, self._tokens, self._context.save(0))


def _whole_pieces(shared: int, prompt: tuple[int, ...]) -> int:
    """How many tokens can be kept: whole pieces only, and never the last token, whose logits are wanted."""
    return min(shared, len(prompt) - 1) // PIECE_TOKENS * PIECE_TOKENS
