"""What stands in a request to the server, checked, and what stands in its answers: OpenAI's shapes as records.

Source: OpenAI API reference, "Chat completions", "Completions", "Embeddings", "Models", "Errors". What goes beyond it
stands under the key `extra`, in requests and in answers; other servers ignore that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sleepy_agent.config import MOST_SAMPLES
from sleepy_agent.errors import SleepyError
from sleepy_agent.serving.chat import PromptPart
from sleepy_agent.serving.engine import Generated, Sample

MODEL_PREFIX: Final = "sleepy/"
BASE_MODEL: Final = "sleepy/base"
DEFAULT_MAX_TOKENS: Final = 512
MOST_MESSAGES: Final = 1000
MOST_PARTS: Final = 10_000
MOST_STOPS: Final = 16
LONGEST_STOP: Final = 200
MOST_TEXTS: Final = 256
LONGEST_DEADLINE_SECONDS: Final = 3600.0
ROLES: Final = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
NOT_OFFERED: Final = (
    "tools",
    "functions",
    "logprobs",
    "top_logprobs",
    "echo",
    "suffix",
    "best_of",
    "logit_bias",
    "audio",
)


class BadRequest(SleepyError):
    """A request that cannot be answered as it is. `status`: of HTTP; `code` and `param`: OpenAI's `error` object."""

    def __init__(
        self, message: str, remedy: str, *, param: str | None = None, code: str | None = None, status: int = 400
    ):
        super().__init__(message, remedy)
        self.param = param
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class WireMessage:
    """One message: its content in pieces that may be left out."""

    role: str
    parts: tuple[PromptPart, ...]

    @property
    def content(self) -> str:
        return "".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class WireRequest:
    """A request for completions: `messages` for the chat endpoint, else `prompt`. See `engine.GenerateRequest`.

    `falls_back`: where there is no adapter of that name the base answers, instead of an error.
    """

    model: str
    messages: tuple[WireMessage, ...]
    prompt: tuple[PromptPart, ...]
    n: int
    temperature: float
    top_p: float
    max_tokens: int
    stop: tuple[str, ...]
    seed: int | None
    stream: bool
    include_usage: bool
    grammar: str | None
    expected: str
    deadline_seconds: float | None
    falls_back: bool

    @property
    def adapter(self) -> str | None:
        """The name after `sleepy/`; None for the base under any of its names."""
        name = self.model.removeprefix(MODEL_PREFIX)
        return None if self.model in (name, BASE_MODEL) else name


@dataclass(frozen=True, slots=True)
class WireEmbeddings:
    """A request for embeddings."""

    model: str
    texts: tuple[str, ...]
    as_base64: bool


def parse_body(raw: bytes) -> Mapping[str, Any]:
    """The JSON object of a request. Raises BadRequest."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is no JSON ({type(error).__name__}).", "Send a JSON object.") from error
    if not isinstance(body, dict):
        raise BadRequest("The body is no JSON object.", "Send a JSON object.")
    return body


def parse_completion(body: Mapping[str, Any], *, chat: bool) -> WireRequest:
    """A request to /v1/chat/completions (`chat`) or /v1/completions. Unknown fields are ignored. Raises BadRequest."""
    for name in NOT_OFFERED:
        if body.get(name):
            raise BadRequest(
                f"`{name}` is not offered here.", "Leave it out.", param=name, code="unsupported_parameter"
            )
    extra = _object(body, "extra")
    options = _object(body, "stream_options")
    most = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    return WireRequest(
        model=_text(body, "model", BASE_MODEL),
        messages=_messages(body.get("messages")) if chat else (),
        prompt=() if chat else _prompt(body.get("prompt"), extra.get("parts")),
        n=_whole(body, "n", 1, 1, MOST_SAMPLES),
        temperature=_number(body, "temperature", 1.0, 0.0, 2.0),
        top_p=_number(body, "top_p", 1.0, 0.0, 1.0),
        max_tokens=_whole(body, most, DEFAULT_MAX_TOKENS, 1, 1 << 20),
        stop=_stops(body.get("stop")),
        seed=_whole(body, "seed", None, -(1 << 63), (1 << 63) - 1),
        stream=_flag(body, "stream"),
        include_usage=_flag(options, "include_usage"),
        grammar=_text(extra, "grammar", None),
        expected=_text(extra, "expected", ""),
        deadline_seconds=_number(extra, "deadline_seconds", None, 0.001, LONGEST_DEADLINE_SECONDS),
        falls_back=_flag(extra, "fallback"),
    )


def parse_embeddings(body: Mapping[str, Any]) -> WireEmbeddings:
    """A request to /v1/embeddings. Raises BadRequest."""
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise BadRequest(
            "`input` is neither a text nor a list of texts.", "Send text that is not empty.", param="input"
        )
    if len(texts) > MOST_TEXTS:
        raise BadRequest(f"`input` has {len(texts)} texts.", f"Send at most {MOST_TEXTS}.", param="input")
    encoding = _text(body, "encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise BadRequest(f"`encoding_format` is {encoding!r:.60}.", "Use float or base64.", param="encoding_format")
    return WireEmbeddings(_text(body, "model", BASE_MODEL), tuple(texts), encoding == "base64")


def cut_into_parts(rendered: str, messages: Sequence[WireMessage]) -> tuple[PromptPart, ...]:
    """The prompt that a chat template made of `messages`, cut where their parts stand in it.

    What the template adds is never left out, and neither is a message that the template has changed.
    """
    found: list[PromptPart] = []
    place = 0
    for message in messages:
        # Templates may trim a message. Its parts in the middle are there all the same.
        content = message.content.strip()
        start = rendered.find(content, place) if content else -1
        if start < 0:
            continue
        if all(part.importance is None for part in message.parts):
            continue
        found.append(PromptPart(rendered[place:start]))
        skipped = len(message.content) - len(message.content.lstrip())
        end = skipped + len(content)
        position = 0
        for part in message.parts:
            text = message.content[max(position, skipped) : min(position + len(part.text), end)]
            position += len(part.text)
            found.append(PromptPart(text, part.importance))
        place = start + len(content)
    found.append(PromptPart(rendered[place:]))
    return tuple(part for part in found if part.text)


def usage_of(generated: Generated) -> dict[str, Any]:
    """OpenAI's `usage` object."""
    written = sum(sample.tokens_out for sample in generated.samples)
    return {
        "prompt_tokens": generated.tokens_in,
        "completion_tokens": written,
        "total_tokens": generated.tokens_in + written,
        "prompt_tokens_details": {"cached_tokens": generated.tokens_cached},
    }


def extra_of(generated: Generated, snapshot: str | None) -> dict[str, Any]:
    """What we tell beyond OpenAI's shape. `snapshot`: of the adapter that answered, None where the base did."""
    return {
        "snapshot": snapshot,
        "tokens_drafted": generated.tokens_drafted,
        "tokens_accepted": generated.tokens_accepted,
        "prefill_milliseconds": round(generated.prefill_milliseconds, 3),
        "decode_milliseconds": round(generated.decode_milliseconds, 3),
    }


def choice_of(index: int, sample: Sample, *, chat: bool) -> dict[str, Any]:
    """One finished answer."""
    said = {"message": {"role": "assistant", "content": sample.text}} if chat else {"text": sample.text}
    return {
        "index": index,
        **said,
        "finish_reason": sample.finish_reason.value,
        "logprobs": None,
        "extra": {"tokens_out": sample.tokens_out},
    }


def piece_of(
    index: int, text: str | None, finish_reason: str | None, *, chat: bool, first: bool = False
) -> dict[str, Any]:
    """One piece of a streamed answer."""
    if chat:
        delta: dict[str, str] = {"role": "assistant"} if first else {}
        if text is not None:
            delta["content"] = text
        return {"index": index, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    return {"index": index, "text": text or "", "finish_reason": finish_reason, "logprobs": None}


def error_object(
    message: str, remedy: str, kind: str, code: str | None = None, param: str | None = None
) -> dict[str, Any]:
    """OpenAI's `error` object, with the remedy beside the message."""
    return {
        "error": {
            "message": f"{message} {remedy}",
            "type": kind,
            "param": param,
            "code": code,
            "extra": {"message": message, "remedy": remedy},
        }
    }


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(name, "an object")
    return value


def _text(body: Mapping[str, Any], name: str, default: Any) -> Any:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise _wrong(name, "a text")
    return value


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise _wrong(name, "true or false")
    return value


def _number(body: Mapping[str, Any], name: str, default: Any, low: float, high: float) -> Any:
    value = body.get(name)
    if value is None:
        return default
    # Compared so that NaN passes nothing.
    if type(value) not in (int, float) or not low <= value <= high or not math.isfinite(value):
        raise _wrong(name, f"a number from {low:g} to {high:g}")
    return float(value)


def _whole(body: Mapping[str, Any], name: str, default: Any, low: int, high: int) -> Any:
    value = body.get(name)
    if value is None:
        return default
    if type(value) is not int or not low <= value <= high:
        raise _wrong(name, f"a whole number from {low} to {high}")
    return value


def _stops(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    if (
        not isinstance(stops, list)
        or len(stops) > MOST_STOPS
        or not all(isinstance(stop, str) and 0 < len(stop) <= LONGEST_STOP for stop in stops)
    ):
        raise _wrong("stop", f"a text or at most {MOST_STOPS} texts, each of at most {LONGEST_STOP} characters")
    return tuple(stops)


def _prompt(value: Any, parts: Any) -> tuple[PromptPart, ...]:
    if parts is not None:
        return _parts(parts, "extra.parts")
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        raise _wrong("prompt", "one text; several prompts are several requests")
    return (PromptPart(value),)


def _messages(value: Any) -> tuple[WireMessage, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_MESSAGES:
        raise _wrong("messages", f"a list of 1 to {MOST_MESSAGES} messages")
    return tuple(_message(one, f"messages[{number}]") for number, one in enumerate(value))


def _message(value: Any, name: str) -> WireMessage:
    if not isinstance(value, dict):
        raise _wrong(name, "an object")
    role = value.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise _wrong(f"{name}.role", " or ".join(ROLES))
    content = value.get("content")
    parts = (PromptPart(content),) if isinstance(content, str) else _parts(content, f"{name}.content")
    return WireMessage(ROLES[role], parts)


def _parts(value: Any, name: str) -> tuple[PromptPart, ...]:
    """Pieces of text: OpenAI's content parts of type `text`, each with an importance where it has one."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST_PARTS:
        raise _wrong(name, "a text or a list of parts of type `text`")
    found = []
    for part in value:
        if not isinstance(part, dict) or part.get("type", "text") != "text" or not isinstance(part.get("text"), str):
            raise _wrong(name, "a text or a list of parts of type `text`")
        found.append(PromptPart(part["text"], _number(part, "importance", None, -1e9, 1e9)))
    return tuple(found)


def _wrong(name: str, wanted: str) -> BadRequest:
    return BadRequest(f"`{name}` has a value that means nothing here.", f"Send {wanted}.", param=name)
