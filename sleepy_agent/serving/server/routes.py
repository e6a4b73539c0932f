"""The server's routes: OpenAI's API, answered by the engine behind the queue."""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sleepy_agent import __version__
from sleepy_agent.errors import SleepyError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.manifest import model_id_of
from sleepy_agent.serving.serve_folder import proof_of
from sleepy_agent.serving.server.answering import error_of, generate, head_of, refused, unknown_model, while_connected
from sleepy_agent.serving.server.engine_runner import EngineRunner, Loaded, Refusal
from sleepy_agent.serving.server.guard import Guard
from sleepy_agent.serving.server.streaming import stream
from sleepy_agent.serving.server.wire import (
    BASE_MODEL,
    MODEL_PREFIX,
    choice_of,
    error_object,
    extra_of,
    parse_body,
    parse_completion,
    parse_embeddings,
    usage_of,
)

LARGEST_BODY_BYTES: Final = 4 << 20
CLIENT_HEADER: Final = "x-sleepy-client"
LONGEST_CLIENT_NAME: Final = 64
LONGEST_CHALLENGE: Final = 128
CLIENT_GONE_STATUS: Final = 499
"""Nobody reads it; the number is the one nginx logs for the same."""


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
            "model_id": model_id_of(loaded.engine.info.name, loaded.engine.info.sha256) if loaded else None,
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
            raise unknown_model(wire.model, loaded)
        return loaded.engine.info.name, loaded.engine.embed(wire.texts, cancel)

    runner: EngineRunner = request.app.state.runner
    found = await while_connected(request, runner.submit(client_of(request), work))
    if isinstance(found, Refusal):
        return refused(found)
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
        return await stream(request, runner, client, wire, chat=chat)
    work = partial(generate, wire)
    answer = await while_connected(request, runner.submit(client, work, wire.deadline_seconds))
    if isinstance(answer, Refusal):
        return refused(answer)
    return JSONResponse(
        {
            **head_of(answer.model, "chat.completion" if chat else "text_completion", chat=chat),
            "choices": [choice_of(index, one, chat=chat) for index, one in enumerate(answer.generated.samples)],
            "usage": usage_of(answer.generated),
            "extra": extra_of(answer.generated, answer.snapshot),
        }
    )


def client_of(request: Request) -> str:
    """Whose turn a request is part of: what the client calls itself, else its connection."""
    name = request.headers.get(CLIENT_HEADER, "")[:LONGEST_CLIENT_NAME]
    return name or (f"{request.client.host}:{request.client.port}" if request.client else "unknown")


def _model_objects(loaded: Loaded) -> list[dict[str, Any]]:
    info, snapshot = loaded.engine.info, loaded.snapshot
    shared = {"object": "model", "created": 0, "owned_by": "sleepy"}
    base = {"name": info.name, "sha256": info.sha256, "context_tokens": info.context_tokens, "bytes": info.file_bytes}
    found = [{"id": BASE_MODEL, **shared, "extra": base}]
    for one in snapshot.adapters if snapshot else ():
        extra = {"families": list(one.families), "sha256": one.sha256, "rank": one.rank, "repository": one.repository}
        found.append({"id": f"{MODEL_PREFIX}{one.name}", **shared, "parent": BASE_MODEL, "extra": extra})
    return found


def _as_base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


async def _tell_error(_request: Request, error: Exception) -> Response:
    status, body = error_of(error)
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
