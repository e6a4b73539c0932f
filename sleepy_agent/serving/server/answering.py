"""One request answered: by the engine, in its thread; and what becomes of errors on the way to the client."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from sleepy_agent.errors import ModelError, SleepyError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.engine import Generated, GenerateRequest, OnText
from sleepy_agent.serving.server.engine_runner import Loaded, Refusal, RefusalKind, snapshot_name
from sleepy_agent.serving.server.wire import (
    BASE_MODEL,
    MODEL_PREFIX,
    BadRequest,
    WireRequest,
    cut_into_parts,
    error_object,
)

Result = TypeVar("Result")
OnBegin = Callable[[str], None]
"""Told, in the engine's thread, that a request's turn has come, and which model answers it."""

logger = logging.getLogger("sleepy.serve")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was generated, and by whom: the model's name on the wire, the snapshot where an adapter answered."""

    model: str
    snapshot: str | None
    generated: Generated


def generate(
    wire: WireRequest,
    loaded: Loaded,
    cancel: CancelToken,
    on_begin: OnBegin | None = None,
    on_text: OnText | None = None,
) -> Answer:
    """Answer one request, in the engine's thread. Raises BadRequest for a model that is not there, ModelError."""
    engine, snapshot = loaded.engine, loaded.snapshot
    adapter = snapshot.adapter_for(wire.adapter) if snapshot and wire.adapter else None
    is_base = wire.model in (BASE_MODEL, engine.info.name) or (wire.falls_back and wire.adapter is not None)
    if adapter is None and not is_base:
        raise unknown_model(wire.model, loaded)
    model = f"{MODEL_PREFIX}{adapter.name}" if adapter else engine.info.name
    if on_begin is not None:
        on_begin(model)
    parts = wire.prompt
    if wire.messages:
        rendered = engine.apply_chat_template([(message.role, message.content) for message in wire.messages])
        parts = cut_into_parts(rendered, wire.messages)
    generated = engine.generate(
        GenerateRequest(
            parts=parts,
            adapter=adapter.name if adapter else None,
            n=wire.n,
            temperature=wire.temperature,
            top_p=wire.top_p,
            # Programs ask for more than there is room for; half of it is for the prompt.
            max_tokens=min(wire.max_tokens, max(1, engine.info.context_tokens // 2)),
            grammar=wire.grammar,
            stop=wire.stop,
            expected=wire.expected,
            seed=wire.seed,
        ),
        cancel,
        on_text,
    )
    return Answer(model, snapshot.snapshot_id if adapter and snapshot else None, generated)


def unknown_model(name: str, loaded: Loaded) -> BadRequest:
    return BadRequest(
        f"There is no model {name!r:.120} here; the snapshot is {snapshot_name(loaded.snapshot)}.",
        f"GET /v1/models lists them; {BASE_MODEL} is always there.",
        param="model",
        code="model_not_found",
        status=404,
    )


def head_of(model: str, kind: str, *, chat: bool) -> dict[str, Any]:
    name = f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}"
    return {"id": name, "object": kind, "created": int(time.time()), "model": model}


async def while_connected(request: Request, awaitable: Awaitable[Result]) -> Result:
    """Wait for something as long as the client does. Raises ClientDisconnect, with the waiting cancelled."""
    task = asyncio.ensure_future(awaitable)
    watcher = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        watcher.cancel()
        task.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def refused(refusal: Refusal) -> Response:
    status = {RefusalKind.BUSY: 429, RefusalKind.EXPIRED: 504, RefusalKind.NO_MODEL: 503}[refusal.kind]
    return JSONResponse(
        error_object(refusal.message, refusal.remedy, "server_error", refusal.kind.value),
        status,
        headers={"Retry-After": str(refusal.retry_seconds)},
    )


def error_of(error: Exception) -> tuple[int, dict[str, Any]]:
    """Status and body for what went wrong."""
    if isinstance(error, BadRequest):
        kind = "invalid_request_error"
        return error.status, error_object(error.message, error.remedy, kind, error.code, error.param)
    if isinstance(error, ModelError):
        return 400, error_object(error.message, error.remedy, "invalid_request_error", "model_error")
    if isinstance(error, SleepyError):
        return 500, error_object(error.message, error.remedy, "server_error")
    if isinstance(error, MemoryError):
        remedy = "Close other programs, ask for fewer samples, or set context_tokens lower."
        return 503, error_object(
            "There is not enough memory for this request.", remedy, "server_error", "out_of_memory"
        )
    logger.error("a request failed", exc_info=error)
    what = f"The model server made a mistake of its own ({type(error).__name__})."
    return 500, error_object(what, "Its log has the details; please report it with them.", "server_error")
