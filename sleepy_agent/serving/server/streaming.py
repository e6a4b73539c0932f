"""Answers as they are written: server-sent events, each one a JSON object (WHATWG HTML, "Server-sent events")."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from sleepy_agent.serving.server.answering import Answer, error_of, generate, head_of, refused, while_connected
from sleepy_agent.serving.server.engine_runner import EngineRunner, Refusal
from sleepy_agent.serving.server.wire import WireRequest, error_object, extra_of, piece_of, usage_of


@dataclass(frozen=True, slots=True)
class Begun:
    """A request's turn has come."""

    model: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text of one sample."""

    index: int
    text: str


async def stream(request: Request, runner: EngineRunner, client: str, wire: WireRequest, *, chat: bool) -> Response:
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
        return refused(early)
    return StreamedAnswer(_pieces(wire, first.model, events, task, chat=chat), task)


class StreamedAnswer(StreamingResponse):
    """Ends the work together with the response, however that ends, and even where nothing of it was sent yet."""

    def __init__(self, pieces: AsyncIterator[bytes], task: asyncio.Task[Answer | Refusal]) -> None:
        super().__init__(pieces, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._task = task

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._task.cancel()


async def _pieces(
    wire: WireRequest,
    model: str,
    events: asyncio.Queue[Begun | Piece | None],
    task: asyncio.Task[Answer | Refusal],
    *,
    chat: bool,
) -> AsyncIterator[bytes]:
    """The events of one answer."""
    head = head_of(model, "chat.completion.chunk" if chat else "text_completion", chat=chat)
    sent = [""] * wire.n
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
        yield _event(error_of(error)[1])
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


def _event(record: Mapping[str, Any]) -> bytes:
    # JSON without line breaks is one `data:` line.
    return b"data: " + json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode() + b"\n\n"
