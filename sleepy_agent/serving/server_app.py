"""The server's routes: OpenAI's API, answered by the engine behind the queue."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import struct
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sleepy_agent import __version__
from sleepy_agent.errors import ModelError, SleepyError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.engine import Generated, GenerateRequest, OnText
from sleepy_agent.serving.engine_runner import EngineRunner, Loaded, Refusal, RefusalKind, snapshot_name
from sleepy_agent.serving.guard import Guard
from sleepy_agent.serving.serve_folder import proof_of
from sleepy_agent.serving.wire import (
    BASE_MODEL,
    MODEL_PREFIX,
    BadRequest,
    WireRequest,
    choice_of,
    cut_into_parts,
    error_object,
    extra_of,
    parse_body,
    parse_completion,
    parse_embeddings,
    piece_of,
    usage_of,
)

LARGEST_BODY_BYTES: Final = 4 << 20
CLIENT_HEADER: Final = "x-sleepy-client"
LONGEST_CLIENT_NAME: Final = 64
LONGEST_CHALLENGE: Final = 128
CLIENT_GONE_STATUS: Final = 499
"""Nobody reads it; the number is the one nginx logs for the same."""

Result = TypeVar("Result")
logger = logging.getLogger("sleepy.serve")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was generated, and by whom: the model's name on the wire, the snapshot where an adapter answered."""

    model: str
    snapshot: str | None
    generated: Generated


@dataclass(frozen=True, slots=True)
class Begun:
    """A request's turn has come."""

    model: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of one sample."""

    index: int
    text: str


OnBegin = Callable[[str], None]


def make_app(
    runner: EngineRunner, token: str, lifespan: Callable[[Any], AbstractAsyncContextManager[None]] | None = None
) -> Starlette:
    """The application around a runner, which somebody else runs."""
    app = Starlette(
        routes=[
            Route("/health", health),
            Route("/v1/models", models),
            Route("/v1/chat/completions", chat_completions, methods=["POST"]),
            Route("/v1/completions", completions, methods=["POST"]),
            Route("/v1/embeddings", embeddings, methods=["POST"]),
        ],
        middleware=[
            Middleware(Guard, token=token),
            Middleware(RequestBodyLimitMiddleware, max_body_size=LARGEST_BODY_BYTES),
        ],
        exception_handlers={
            SleepyError: _tell_error,
            HTTPException: _tell_http_error,
            ClientDisconnect: _tell_nobody,
            MemoryError: _tell_error,
            Exception: _tell_error,
        },
        lifespan=lifespan,
    )
    app.state.runner = runner
    app.state.token = token
    return app


async def health(request: Request) -> Response:
    """Who this is and where it stands; with `?challenge=` a proof that it knows the token."""
    runner: EngineRunner = request.app.state.runner
    challenge = request.query_params.get("challenge", "")[:LONGEST_CHALLENGE]
    loaded, failure = runner.loaded, runner.failure
    return JSONResponse(
        {
            "server": "sleepy",
            "version": __version__,
            "pid": os.getpid(),
            "state": runner.state.value,
            "loaded_share": round(runner.loaded_share, 3),
            "seconds": round(runner.seconds_since_start, 3),
            "model": loaded.engine.info.name if loaded else None,
            "snapshot": loaded.snapshot.snapshot_id if loaded and loaded.snapshot else None,
            "queued": runner.queued,
            "running": runner.running,
            "failure": {"message": failure.message, "remedy": failure.remedy} if failure else None,
            "proof": proof_of(request.app.state.token, challenge) if challenge else None,
        }
    )


async def models(request: Request) -> Response:
    """The base and its adapters as models."""
    runner: EngineRunner = request.app.state.runner
    runner.note_activity()
    loaded = runner.loaded
    return JSONResponse(
        {
            "object": "list",
            "data": _model_objects(loaded) if loaded else [],
            "extra": {
                "state": runner.state.value,
                "snapshot": loaded.snapshot.snapshot_id if loaded and loaded.snapshot else None,
                "snapshot_problem": loaded.problem if loaded else None,
            },
        }
    )


async def chat_completions(request: Request) -> Response:
    """POST /v1/chat/completions."""
    return await _complete(request, chat=True)


async def completions(request: Request) -> Response:
    """POST /v1/completions."""
    return await _complete(request, chat=False)


async def embeddings(request: Request) -> Response:
    """POST /v1/embeddings."""
    wire = parse_embeddings(parse_body(await request.body()))

    def work(loaded: Loaded, cancel: CancelToken) -> tuple[str, list[list[float]]]:
        if wire.model not in (BASE_MODEL, loaded.engine.info.name):
            raise _unknown_model(wire.model, loaded)
        return loaded.engine.info.name, loaded.engine.embed(wire.texts, cancel)

    runner: EngineRunner = request.app.state.runner
    found = await while_connected(request, runner.submit(client_of(request), work))
    if isinstance(found, Refusal):
        return _refused(found)
    vectors = [_as_base64(vector) if wire.as_base64 else vector for vector in found[1]]
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    # The engine does not say how many tokens the texts were.
    usage = {"prompt_tokens": 0, "total_tokens": 0}
    return JSONResponse({"object": "list", "data": data, "model": found[0], "usage": usage})


async def _complete(request: Request, *, chat: bool) -> Response:
    wire = parse_completion(parse_body(await request.body()), chat=chat)
    runner: EngineRunner = request.app.state.runner
    client = client_of(request)
    if wire.stream:
        return await _stream(request, runner, client, wire, chat=chat)
    work = partial(generate, wire)
    answer = await while_connected(request, runner.submit(client, work, wire.deadline_seconds))
    if isinstance(answer, Refusal):
        return _refused(answer)
    return JSONResponse(
        {
            **_head(answer.model, "chat.completion" if chat else "text_completion", chat=chat),
            "choices": [choice_of(index, one, chat=chat) for index, one in enumerate(answer.generated.samples)],
            "usage": usage_of(answer.generated),
            "extra": extra_of(answer.generated, answer.snapshot),
        }
    )


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
        raise _unknown_model(wire.model, loaded)
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


async def _stream(request: Request, runner: EngineRunner, client: str, wire: WireRequest, *, chat: bool) -> Response:
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[Begun | Piece | None] = asyncio.Queue()

    def tell(event: Begun | Piece) -> None:
        # In the engine's thread; the loop may be closed already when the server ends.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(events.put_nowait, event)

    work = partial(
        generate,
        wire,
        on_begin=lambda model: tell(Begun(model)),
        on_text=lambda index, text: tell(Piece(index, text)),
    )
    task = asyncio.create_task(runner.submit(client, work, wire.deadline_seconds))
    task.add_done_callback(lambda _task: events.put_nowait(None))
    try:
        # Until its turn has come, a request may still be refused with a status of its own.
        first = await while_connected(request, events.get())
    except BaseException:
        task.cancel()
        raise
    if not isinstance(first, Begun):
        early = await task
        assert isinstance(early, Refusal), "whatever is generated begins with its turn"
        return _refused(early)
    pieces = _pieces(wire, first.model, events, task, chat=chat)
    return StreamingResponse(pieces, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _pieces(
    wire: WireRequest,
    model: str,
    events: asyncio.Queue[Begun | Piece | None],
    task: asyncio.Task[Answer | Refusal],
    *,
    chat: bool,
) -> AsyncIterator[bytes]:
    """The answer as server-sent events (WHATWG HTML, "Server-sent events"), each one a JSON object."""
    head = _head(model, "chat.completion.chunk" if chat else "text_completion", chat=chat)
    sent = [""] * wire.n
    try:
        if chat:
            for index in range(wire.n):
                yield _event(head | {"choices": [piece_of(index, "", None, chat=chat, first=True)]})
        while (event := await events.get()) is not None:
            if isinstance(event, Piece):
                sent[event.index] += event.text
                yield _event(head | {"choices": [piece_of(event.index, event.text, None, chat=chat)]})
        try:
            answer = await task
        except Exception as error:
            # The status is sent already, so the error is one more event.
            yield _event(_error_of(error)[1])
            return
        if isinstance(answer, Refusal):
            yield _event(error_object(answer.message, answer.remedy, "server_error", answer.kind.value))
            return
        for index, sample in enumerate(answer.generated.samples):
            rest = sample.text[len(sent[index]) :] if sample.text.startswith(sent[index]) else ""
            last = piece_of(index, rest or None, sample.finish_reason.value, chat=chat)
            yield _event(head | {"choices": [last], "extra": extra_of(answer.generated, answer.snapshot)})
        if wire.include_usage:
            yield _event(head | {"choices": [], "usage": usage_of(answer.generated)})
        yield b"data: [DONE]\n\n"
    finally:
        # Also where the client is gone in the middle: this generator is closed then.
        task.cancel()


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


def client_of(request: Request) -> str:
    """Whose turn a request is part of: what the client calls itself, else its connection."""
    name = request.headers.get(CLIENT_HEADER, "")[:LONGEST_CLIENT_NAME]
    return name or (f"{request.client.host}:{request.client.port}" if request.client else "unknown")


def _head(model: str, kind: str, *, chat: bool) -> dict[str, Any]:
    name = f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}"
    return {"id": name, "object": kind, "created": int(time.time()), "model": model}


def _event(record: Mapping[str, Any]) -> bytes:
    # JSON without line breaks is one `data:` line.
    return b"data: " + json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode() + b"\n\n"


def _model_objects(loaded: Loaded) -> list[dict[str, Any]]:
    info, snapshot = loaded.engine.info, loaded.snapshot
    shared = {"object": "model", "created": 0, "owned_by": "sleepy"}
    base = {"name": info.name, "sha256": info.sha256, "context_tokens": info.context_tokens, "bytes": info.file_bytes}
    found = [{"id": BASE_MODEL, **shared, "extra": base}]
    for one in snapshot.adapters if snapshot else ():
        extra = {"families": list(one.families), "sha256": one.sha256, "rank": one.rank, "repository": one.repository}
        found.append({"id": f"{MODEL_PREFIX}{one.name}", **shared, "parent": BASE_MODEL, "extra": extra})
    return found


def _unknown_model(name: str, loaded: Loaded) -> BadRequest:
    return BadRequest(
        f"There is no model {name!r:.120} here; the snapshot is {snapshot_name(loaded.snapshot)}.",
        f"GET /v1/models lists them; {BASE_MODEL} is always there.",
        param="model",
        code="model_not_found",
        status=404,
    )


def _as_base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _refused(refusal: Refusal) -> Response:
    status = {RefusalKind.BUSY: 429, RefusalKind.EXPIRED: 504, RefusalKind.NO_MODEL: 503}[refusal.kind]
    return JSONResponse(
        error_object(refusal.message, refusal.remedy, "server_error", refusal.kind.value),
        status,
        headers={"Retry-After": str(refusal.retry_seconds)},
    )


def _error_of(error: Exception) -> tuple[int, dict[str, Any]]:
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


async def _tell_error(_request: Request, error: Exception) -> Response:
    status, body = _error_of(error)
    return JSONResponse(body, status)


async def _tell_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    remedies = {
        404: "The paths are /v1/chat/completions, /v1/completions, /v1/embeddings and /v1/models.",
        405: "Completions and embeddings are asked for with POST, the rest with GET.",
        413: f"Send at most {LARGEST_BODY_BYTES} bytes.",
    }
    body = error_object(f"{error.detail}.", remedies.get(error.status_code, ""), "invalid_request_error")
    return JSONResponse(body, error.status_code, headers=error.headers)


async def _tell_nobody(_request: Request, _error: Exception) -> Response:
    return Response(status_code=CLIENT_GONE_STATUS)
