"""What a language model is to everything here: a question with limits, and an answer or the reason why there is none.

Implementations: the client of our own server and of any OpenAI-compatible endpoint (`clients/`), a script in tests
(`scripted.py`). All block; whoever wants several answers at once asks from several threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sleepy_agent.process import CancelToken


class Role(StrEnum):
    """Who says a message (OpenAI's chat completions API, `messages[].role`)."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class PromptPart:
    """A piece of a prompt. Where the whole does not fit, those of least importance are left out, those without an
    importance never (the error itself)."""

    text: str
    importance: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. `parts`: `content` cut into pieces; none: it is one that is never left out."""

    role: Role
    content: str
    parts: tuple[PromptPart, ...] = ()


def message_of(role: Role, parts: Sequence[PromptPart]) -> Message:
    """A message whose content is the pieces in a row."""
    return Message(role, "".join(part.text for part in parts), tuple(parts))


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A question to a model: either `messages` (the model's chat template is put around them) or a raw `prompt`,
    which may come in `parts` instead.

    `adapter`: a family's name, or None for the base. `temperature` 0 is greedy: one sample, the same each time.
    `grammar`: GBNF that the answer must follow. `expected`: text that the answer is likely to copy from, beside the
    prompt itself (drafts are looked up in it). `deadline_seconds`: what is not answered by then is not wanted any more.
    """

    messages: tuple[Message, ...] = ()
    prompt: str | None = None
    parts: tuple[PromptPart, ...] = ()
    adapter: str | None = None
    n: int = 1
    temperature: float = 0.0
    max_tokens: int = 256
    grammar: str | None = None
    stop: tuple[str, ...] = ()
    expected: str = ""
    seed: int | None = None
    deadline_seconds: float | None = None


class FinishReason(StrEnum):
    """Why a completion ends (OpenAI's `choices[].finish_reason`, and our own `cancelled`)."""

    STOP = "stop"
    LENGTH = "length"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Completion:
    """One sample."""

    text: str
    finish_reason: FinishReason
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class CompletionAnswer:
    """All samples of a request. `tokens_in`: of the prompt, `tokens_cached` of them did not have to be read again."""

    completions: tuple[Completion, ...]
    tokens_in: int
    tokens_cached: int
    model_id: str
    adapter_snapshot: str | None
    milliseconds: float


@dataclass(frozen=True, slots=True)
class ModelUnavailable:
    """Why there is no answer, as a value: the other sources go on. `is_lasting`: asking again soon is no use."""

    reason: str
    remedy: str
    is_lasting: bool = False


class ChatModel(Protocol):
    """Something that answers."""

    @property
    def model_id(self) -> str:
        """What episodes call it: name and a short hash of its file, or the endpoint's own name for it."""
        ...

    def complete(self, request: CompletionRequest, cancel: CancelToken) -> CompletionAnswer | ModelUnavailable:
        """Answer, or say why not. Raises Interrupted once `cancel` is cancelled."""
        ...
