"""OpenAI's JSON from the asking side: requests as bodies, bodies as answers.

Source: OpenAI API reference, "Chat completions" and "Completions"; `extra` is our own, see `wire.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sleepy_agent.serving.chat import Completion, CompletionAnswer, CompletionRequest, FinishReason, Message

MOST_STOPS: Final = 4
"""OpenAI's API takes no more; `cut_at_stops` cuts at the others."""
LONGEST_DETAIL: Final = 200


def served_body(request: CompletionRequest) -> tuple[str, dict[str, Any]]:
    """Path and body of a request to our own server; see `wire.py`."""
    extra: dict[str, Any] = {"fallback": True}
    if request.grammar is not None:
        extra["grammar"] = request.grammar
    if request.expected:
        extra["expected"] = request.expected
    if request.parts:
        extra["parts"] = [{"text": part.text, "importance": part.importance} for part in request.parts]
    model = f"sleepy/{request.adapter}" if request.adapter else "sleepy/base"
    path, body = _standard_body(request, model, _parts_of)
    return f"/v1{path}", {**body, "top_p": 0.95, "stop": list(request.stop), "extra": extra}


def endpoint_body(request: CompletionRequest, model: str) -> tuple[str, dict[str, Any]]:
    """Path and body of a request that any OpenAI-compatible server understands."""
    path, body = _standard_body(request, model, lambda message: message.content)
    if request.stop:
        body["stop"] = list(request.stop[:MOST_STOPS])
    return path, body


def _standard_body(
    request: CompletionRequest, model: str, content_of: Callable[[Message], object]
) -> tuple[str, dict[str, Any]]:
    body: dict[str, Any] = {
        "model": model,
        "n": request.n,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
    }
    if request.seed is not None:
        body["seed"] = request.seed
    if request.messages:
        messages = [{"role": one.role.value, "content": content_of(one)} for one in request.messages]
        return "/chat/completions", {**body, "messages": messages}
    prompt = "".join(part.text for part in request.parts) if request.parts else request.prompt or ""
    return "/completions", {**body, "prompt": prompt}


def _parts_of(message: Message) -> object:
    """A message's pieces as OpenAI's content parts, each with its importance."""
    if not message.parts:
        return message.content
    return [{"type": "text", "text": part.text, "importance": part.importance} for part in message.parts]


def completion_answer(body: Any, model_id: str, began: float) -> CompletionAnswer | None:
    """The answer in a body of OpenAI's shape, None where it has none. `began`: monotonic, when it was asked for."""
    try:
        completions = tuple(_completion(choice) for choice in body["choices"])
        usage = body.get("usage") or {}
        details = usage.get("prompt_tokens_details") or {}
        snapshot = (body.get("extra") or {}).get("snapshot")
        tokens_in = int(usage.get("prompt_tokens") or 0)
        if len(completions) == 1 and not completions[0].tokens_out:
            completions = (replace(completions[0], tokens_out=int(usage.get("completion_tokens") or 0)),)
        return CompletionAnswer(
            completions=completions,
            tokens_in=tokens_in,
            tokens_cached=int(details.get("cached_tokens") or 0),
            model_id=model_id,
            adapter_snapshot=None if snapshot is None else str(snapshot),
            milliseconds=(time.monotonic() - began) * 1000,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _completion(choice: Mapping[str, Any]) -> Completion:
    text = choice["message"]["content"] if "message" in choice else choice["text"]
    reasons = {"length": FinishReason.LENGTH, "cancelled": FinishReason.CANCELLED}
    tokens = (choice.get("extra") or {}).get("tokens_out") or 0
    if text is not None and not isinstance(text, str):
        raise TypeError("the text is none")
    return Completion(text or "", reasons.get(str(choice.get("finish_reason")), FinishReason.STOP), int(tokens))


def cut_at_stops(completion: Completion, stops: tuple[str, ...]) -> Completion:
    """The text before the first of `stops`."""
    places = [place for place in (completion.text.find(stop) for stop in stops) if place >= 0]
    if not places:
        return completion
    return replace(completion, text=completion.text[: min(places)], finish_reason=FinishReason.STOP)


def detail_of(body: Any) -> str:
    """What a server says of an error, in one line: OpenAI's shape, Ollama's, FastAPI's."""
    if not isinstance(body, dict):
        return ""
    said = body.get("error", body.get("detail", body.get("message", "")))
    if isinstance(said, dict):
        said = said.get("message", "")
    return " ".join(str(said or "").split())[:LONGEST_DETAIL].rstrip(".")
