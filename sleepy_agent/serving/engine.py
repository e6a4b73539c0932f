"""What the server needs of a model that runs in its process. `llama/` has the real one, tests have a scripted one.

An engine is called from one thread at a time (the server's queue sees to that); `cancel` may be called from any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import FinishReason, PromptPart

__all__ = [
    "AdapterFile",
    "Engine",
    "EngineInfo",
    "GenerateRequest",
    "Generated",
    "OnText",
    "PromptPart",
    "Sample",
]


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What is known of a loaded base. `context_tokens`: the most a prompt and its answers may have together."""

    name: str
    sha256: str
    context_tokens: int
    embedding_length: int
    chat_template: str | None
    file_bytes: int


@dataclass(frozen=True, slots=True)
class AdapterFile:
    """One LoRA adapter in GGUF. `scale` multiplies its own alpha/rank."""

    name: str
    file: Path
    sha256: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Text in, `n` samples out, all from one prefill. See `chat.CompletionRequest` for the other fields.

    `parts`: the prompt cut into pieces that may be left out when it does not fit, each with its importance; the whole
    prompt is their concatenation. Pieces with importance None are never left out (the error itself).
    """

    parts: tuple[PromptPart, ...]
    adapter: str | None = None
    n: int = 1
    temperature: float = 0.0
    top_p: float = 0.95
    max_tokens: int = 256
    grammar: str | None = None
    stop: tuple[str, ...] = ()
    expected: str = ""
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished sample."""

    text: str
    finish_reason: FinishReason
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Generated:
    """All samples. `tokens_drafted`/`tokens_accepted`: what prompt lookup proposed, and what of it was right."""

    samples: tuple[Sample, ...]
    tokens_in: int
    tokens_cached: int
    tokens_drafted: int
    tokens_accepted: int
    prefill_milliseconds: float
    decode_milliseconds: float


OnText = Callable[[int, str], None]
"""Told of each piece of text as it is decoded: number of the sample, text."""


class Engine(Protocol):
    """A loaded base with its adapters."""

    @property
    def info(self) -> EngineInfo: ...

    def set_adapters(self, adapters: Sequence[AdapterFile]) -> None:
        """Load these and forget the others. Raises ModelError for a file that does not fit the base; the adapters
        before it stay in use then."""
        ...

    def apply_chat_template(self, messages: Sequence[tuple[str, str]]) -> str:
        """Role and content of each message as the text this model was trained on, the answer's beginning included."""
        ...

    def generate(self, request: GenerateRequest, cancel: CancelToken, on_text: OnText | None = None) -> Generated:
        """Answer. Stops between two tokens once `cancel` is cancelled: samples then end as CANCELLED.

        Raises ModelError where the prompt does not fit even without its optional parts, the adapter is not loaded, the
        grammar cannot be read, or the native library fails.
        """
        ...

    def embed(self, texts: Sequence[str], cancel: CancelToken) -> list[list[float]]:
        """One vector of `embedding_length` for each text, normalised to length 1."""
        ...

    def close(self) -> None: ...
