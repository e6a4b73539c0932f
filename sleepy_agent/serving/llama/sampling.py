"""How one sample chooses its next token from the logits: greedily or by chance, within a grammar or freely."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Protocol

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from sleepy_agent.errors import ModelError
from sleepy_agent.serving.llama.native import Logits, NativeModel, native_error, native_log

MOST_CANDIDATES = 40
"""Samples are drawn from the likeliest tokens only, as llama.cpp does by default (top-k)."""

BLOCK = 128
LONGEST_GRAMMAR = 64 * 1024

TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""`llama_token_data` (llama.h)."""


class Chooser(Protocol):
    """Decides what comes next."""

    def choose(self, logits: Logits) -> int | None:
        """The next token, which counts as written; None where the grammar has nothing that the vocabulary can spell."""
        ...

    def close(self) -> None: ...


class SampleChooser:
    """Chooses by the logits. Temperature 0 takes the likeliest token; else the likeliest few are drawn from."""

    def __init__(
        self, temperature: float, top_p: float, generator: np.random.Generator, grammar: Grammar | None = None
    ) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._generator = generator
        self._grammar = grammar

    def choose(self, logits: Logits) -> int | None:
        token = self._draw(logits)
        if self._grammar is not None:
            # Most tokens a model writes follow the grammar anyway, so the whole vocabulary is checked only if this
            # one does not. That does not change how often each allowed token is drawn.
            if not self._grammar.allows(token):
                allowed = self._grammar.restrict(logits)
                if np.isneginf(allowed.max()):
                    return None
                token = self._draw(allowed)
            self._grammar.accept(token)
        return token

    def close(self) -> None:
        if self._grammar is not None:
            self._grammar.close()

    def _draw(self, logits: Logits) -> int:
        if self._temperature <= 0:
            best = int(logits.argmax())
            if np.isnan(logits[best]):
                raise _damaged()
            return best
        if np.isnan(logits.max()):
            raise _damaged()
        candidates = likeliest(logits, MOST_CANDIDATES)
        scaled = logits[candidates].astype(np.float64)
        weights = np.exp((scaled - scaled[0]) / self._temperature)
        sums = np.cumsum(weights / weights.sum())
        # The fewest tokens whose probabilities add up to `top_p`, at least one.
        kept = int(np.searchsorted(sums, self._top_p)) + 1 if self._top_p < 1 else len(sums)
        kept = min(kept, len(sums))
        place = int(np.searchsorted(sums[:kept], self._generator.random() * sums[kept - 1], side="right"))
        return int(candidates[min(place, kept - 1)])


class RecordedChooser:
    """Writes a recorded text whatever the logits say, at the cost of choosing by them: for measurements.

    A model with random weights never copies; a recorded edit forced through a loop shows what the loop costs.
    """

    def __init__(self, recorded: Sequence[int], chooser: Chooser) -> None:
        self._recorded = iter(recorded)
        self._chooser = chooser

    def choose(self, logits: Logits) -> int | None:
        self._chooser.choose(logits)
        return next(self._recorded, None)

    def close(self) -> None:
        self._chooser.close()


def likeliest(logits: Logits, count: int) -> NDArray[np.int64]:
    """The `count` tokens with the highest logits, the highest first."""
    if len(logits) > count * BLOCK:
        # At least `count` tokens reach the count-th highest of the blocks' maxima, and few more do: sorting those is
        # a hundred times less work than sorting a vocabulary of 150,000.
        whole = len(logits) // BLOCK * BLOCK
        maxima = logits[:whole].reshape(-1, BLOCK).max(axis=1)
        least = np.partition(maxima, len(maxima) - count)[len(maxima) - count]
        found = np.flatnonzero(logits >= least)
    else:
        found = np.arange(len(logits))
    order = np.argsort(-logits[found], kind="stable")
    return found[order[:count]]


class Grammar:
    """Where a sample is in a GBNF grammar (llama.cpp's `grammars/README.md`)."""

    def __init__(self, model: NativeModel, text: str, root: str = "root") -> None:
        """Raises ModelError for what is no grammar."""
        native_log().forget()
        # The library's parser follows nested groups by calling itself, so what is absurdly long is not given to it.
        parsed = (
            llama_cpp.llama_sampler_init_grammar(model.vocabulary, text.encode("utf-8", "replace"), root.encode())
            if text.strip() and len(text) <= LONGEST_GRAMMAR and "\0" not in text
            else None
        )
        if not parsed:
            raise native_error("The grammar of the answer cannot be read", "Correct the GBNF that the request carries.")
        self._sampler: Any = parsed
        self._model = model
        self._one = np.zeros(1, TOKEN_DATA)
        self._all: NDArray[Any] | None = None

    def allows(self, token: int) -> bool:
        """Whether `token` may come next."""
        self._one["id"] = token
        self._one["logit"] = 0.0
        self._apply(self._one)
        return bool(np.isfinite(self._one["logit"][0]))

    def restrict(self, logits: Logits) -> Logits:
        """The logits with minus infinity for every token that may not come next."""
        if self._all is None:
            self._all = np.zeros(len(logits), TOKEN_DATA)
        self._all["id"] = np.arange(len(logits), dtype=np.int32)
        self._all["logit"] = logits
        self._apply(self._all)
        restricted: Logits = self._all["logit"].copy()
        return restricted

    def accept(self, token: int) -> None:
        """Go on with `token`, which must be allowed: the library ends the process for one that is not."""
        if not self._model.ends_generation(token):
            llama_cpp.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        if self._sampler:
            llama_cpp.llama_sampler_free(self._sampler)
            self._sampler = None

    def _apply(self, data: NDArray[Any]) -> None:
        array = llama_cpp.llama_token_data_array(
            data=data.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data)),
            size=len(data),
            selected=-1,
            sorted=False,
        )
        llama_cpp.llama_sampler_apply(self._sampler, ctypes.byref(array))


def _damaged() -> ModelError:
    return ModelError(
        "The model computes numbers that are none (NaN): its file or its adapter's is damaged.",
        "Fetch the model again (`sleepy model pull`); if an adapter is in use, go back to an earlier snapshot.",
    )
