"""States of prompts that were read before, kept in memory so that a prompt that begins the same is not read again.

A state is only valid for the base, the adapters with their scales, and the tokens that made it: all are its key.
What a state is made of is llama.cpp's own business (`llama_state_seq_get_data`); here it is bytes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

BYTES_PER_TOKEN_ID = 8


@dataclass(frozen=True, slots=True)
class WeightsKey:
    """The weights that computed a state. `adapter_sha256` is None for the base alone."""

    base_sha256: str
    adapter_sha256: str | None = None
    adapter_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class StoredState:
    """A state and the tokens that it is of. `shared`: how many of them the prompt that was asked for begins with."""

    tokens: tuple[int, ...]
    state: bytearray
    shared: int


class PrefixCache:
    """The states, the least recently used forgotten first once they take more than `capacity_bytes`."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self._states: OrderedDict[tuple[WeightsKey, tuple[int, ...]], bytearray] = OrderedDict()
        self._stored_bytes = 0

    @property
    def stored_bytes(self) -> int:
        return self._stored_bytes

    def __len__(self) -> int:
        return len(self._states)

    def longest(self, weights: WeightsKey, prompt: Sequence[int]) -> StoredState | None:
        """The state that shares the most tokens with the beginning of `prompt`, or None where none shares any."""
        best: tuple[WeightsKey, tuple[int, ...]] | None = None
        shared = 0
        for key in self._states:
            if key[0] == weights:
                length = common_prefix_length(key[1], prompt)
                if length > shared:
                    best, shared = key, length
        if best is None:
            return None
        self._states.move_to_end(best)
        return StoredState(best[1], self._states[best], shared)

    def covers(self, weights: WeightsKey, prompt: Sequence[int]) -> bool:
        """Whether a state of the whole of `prompt`, or of one that begins with it, is kept already."""
        return any(key[0] == weights and common_prefix_length(key[1], prompt) == len(prompt) for key in self._states)

    def put(self, weights: WeightsKey, tokens: Sequence[int], state: bytearray) -> None:
        """Keep the state of `tokens`. States of a beginning of them are of no more use and go."""
        key = (weights, tuple(tokens))
        if not tokens or _cost(key[1], state) > self._capacity_bytes:
            return
        for other in list(self._states):
            if other[0] == weights and key[1][: len(other[1])] == other[1]:
                self._remove(other)
        self._states[key] = state
        self._stored_bytes += _cost(key[1], state)
        while self._stored_bytes > self._capacity_bytes:
            self._remove(next(iter(self._states)))

    def keep_only(self, weights: Collection[WeightsKey]) -> None:
        """Forget the states of weights that are not loaded any more."""
        for key in list(self._states):
            if key[0] not in weights:
                self._remove(key)

    def clear(self) -> None:
        self._states.clear()
        self._stored_bytes = 0

    def _remove(self, key: tuple[WeightsKey, tuple[int, ...]]) -> None:
        self._stored_bytes -= _cost(key[1], self._states.pop(key))


def common_prefix_length(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens both begin with."""
    low, high = 0, min(len(left), len(right))
    # Slices are compared by the interpreter itself, so halving is quicker than a loop over the tokens.
    while low < high:
        middle = (low + high + 1) // 2
        if tuple(left[low:middle]) == tuple(right[low:middle]):
            low = middle
        else:
            high = middle - 1
    return low


def _cost(tokens: tuple[int, ...], state: bytearray) -> int:
    return len(state) + BYTES_PER_TOKEN_ID * len(tokens)
