"""What the speed benchmarks do with an engine: load it, make prompts of a known length, time loops side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.machine import median
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import PromptPart
from sleepy_agent.serving.engine import Generated, GenerateRequest
from sleepy_agent.serving.llama.llama_engine import EngineSettings, LlamaEngine, load_engine

WORDS = (
    *("time", "name", "file", "line", "type", "code", "text", "data", "list", "item", "node", "path", "part", "form"),
    *("case", "rule", "user", "test", "size", "view", "link", "date", "right", "left", "next", "last", "first", "open"),
    *("close", "read", "write", "send", "count", "index", "value", "state"),
)
"""Each of them is one token of the Qwen2 vocabulary where a space stands before it."""


@contextmanager
def opened_engine(file: Path, *, cache_bytes: int = 256 * 1024 * 1024) -> Iterator[LlamaEngine]:
    """The engine as the server has it, in this process. `cache_bytes`: for prompts of earlier requests."""
    engine = load_engine(EngineSettings(file, sha256=file.name, cache_bytes=cache_bytes))
    try:
        yield engine
    finally:
        engine.close()


def prompt_of(tokens: int, number: int) -> tuple[PromptPart, ...]:
    """A prompt of so many tokens, another one for each `number`, so that none is in memory already."""
    chosen = np.random.default_rng(number).choice(WORDS, tokens)
    return (PromptPart("".join(f" {word}" for word in chosen)),)


def written(engine: LlamaEngine, request: GenerateRequest, cancel: CancelToken) -> tuple[Generated, float]:
    """The answer to a request, and the milliseconds it took. Raises Interrupted."""
    started = time.perf_counter()
    found = engine.generate(request, cancel)
    milliseconds = (time.perf_counter() - started) * 1000
    cancel.raise_if_cancelled()
    return found, milliseconds


def recorded_milliseconds(
    engine: LlamaEngine, request: GenerateRequest, text: str, cancel: CancelToken, *, with_drafts: bool
) -> tuple[float, Generated]:
    """How long it takes to write a recorded text after the prompt was read."""
    found = engine.generate_recorded(request, text, cancel, with_drafts=with_drafts)
    cancel.raise_if_cancelled()
    return found.decode_milliseconds, found


def decoding_speed(
    engine: LlamaEngine, tokens: int, number: int, cancel: CancelToken, adapter: str | None = None
) -> float:
    """Tokens a second, one after the other, behind a prompt of one piece."""
    text = prompt_of(tokens, number + 1)[0].text
    request = GenerateRequest(parts=prompt_of(8, number), adapter=adapter)
    milliseconds, found = recorded_milliseconds(engine, request, text, cancel, with_drafts=False)
    # The first token is chosen from what reading the prompt has left.
    return (found.samples[0].tokens_out - 1) / milliseconds * 1000


def alternated(rounds: int, *timed: Callable[[int], float]) -> tuple[list[float], ...]:
    """Each in turn, `rounds` times, so that a busy moment of the machine concerns all of them."""
    found: tuple[list[float], ...] = tuple([] for _ in timed)
    for number in range(rounds):
        for values, one in zip(found, timed, strict=True):
            values.append(one(number))
    return found


def ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """The median of the ratios within each round."""
    return median([first / second for first, second in zip(one, other, strict=True)])
