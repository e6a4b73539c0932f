"""One HTTP request as a value: an answer or the reason why there is none. It ends when the asker loses patience."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import httpx

from sleepy_agent.process import CancelToken

CONNECT_SECONDS: Final = 5.0
LOOK_AT_CANCEL_SECONDS: Final = 0.02
LARGEST_ANSWER_BYTES: Final = 16 << 20


class CallFailure(StrEnum):
    """Why there is no answer."""

    UNREACHABLE = "unreachable"
    TOO_LATE = "too late"
    BROKEN_OFF = "broken off"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status and JSON body; `body` is None where it was no JSON. Header names are in lower case."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NoHttpAnswer:
    """`detail`: what the library says, for messages."""

    failure: CallFailure
    detail: str


def call(
    method: str,
    url: str,
    *,
    seconds: float,
    cancel: CancelToken,
    headers: Mapping[str, str] | None = None,
    body: object = None,
) -> HttpAnswer | NoHttpAnswer:
    """Ask once, with JSON. Blocks, at most `seconds`. Cancelling closes the connection, which tells the server.

    Raises Interrupted once `cancel` is cancelled.
    """
    cancel.raise_if_cancelled()
    found = asyncio.run(_watched(lambda: _call(method, url, headers or {}, body), seconds, cancel))
    cancel.raise_if_cancelled()
    return found


async def _watched(ask: Callable[[], Any], seconds: float, cancel: CancelToken) -> HttpAnswer | NoHttpAnswer:
    task: asyncio.Task[HttpAnswer | NoHttpAnswer] = asyncio.ensure_future(ask())
    deadline = asyncio.get_running_loop().time() + seconds
    while not task.done():
        left = deadline - asyncio.get_running_loop().time()
        if left <= 0 or cancel.cancelled:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            return NoHttpAnswer(CallFailure.TOO_LATE, f"no answer within {seconds:g} s")
        await asyncio.wait({task}, timeout=min(LOOK_AT_CANCEL_SECONDS, left))
    return task.result()


async def _call(method: str, url: str, headers: Mapping[str, str], body: object) -> HttpAnswer | NoHttpAnswer:
    is_encrypted = url.startswith("https:")
    is_here = (httpx.URL(url).host or "") in ("127.0.0.1", "localhost", "::1")
    try:
        async with (
            httpx.AsyncClient(
                timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
                # A proxy cannot reach this computer's own servers, and need not see what they are asked.
                trust_env=not is_here,
                # Reading all certificates takes longer than a short answer.
                verify=is_encrypted,
            ) as client,
            client.stream(method, url, headers=dict(headers), json=body) as response,
        ):
            raw = bytearray()
            async for chunk in response.aiter_bytes():
                raw += chunk
                if len(raw) > LARGEST_ANSWER_BYTES:
                    return NoHttpAnswer(
                        CallFailure.BROKEN_OFF, f"the answer is larger than {LARGEST_ANSWER_BYTES} bytes"
                    )
            lower = {name.lower(): value for name, value in response.headers.items()}
            return HttpAnswer(response.status_code, _json(raw), lower)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.ProxyError) as error:
        return NoHttpAnswer(CallFailure.UNREACHABLE, _words(error))
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, UnicodeError) as error:
        return NoHttpAnswer(CallFailure.BROKEN_OFF, _words(error))


def _json(raw: bytes | bytearray) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")
