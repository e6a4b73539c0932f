"""Who may speak to the server: programs of this user, and no web page.

A page in the user's browser can reach any port of this computer. It cannot know the token, it cannot choose the Host
header (its own name stands there, even where DNS points that name at 127.0.0.1), and it cannot leave Origin out.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from sleepy_agent.serving.server.wire import error_object

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN_PATHS: Final = frozenset({"/health"})
"""Answered without the token: a client asks there for a proof that the server knows it, before it sends it."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why somebody is not heard."""

    status: int
    message: str
    remedy: str


class Guard:
    """ASGI middleware that lets only requests through that `rejection_of` has nothing against."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            # No websockets here; closing before accepting is a refusal (ASGI specification, "WebSocket").
            await send({"type": "websocket.close", "code": 1008})
            return
        rejection = rejection_of(scope["path"], Headers(scope=scope), self._token)
        if rejection is None:
            await self._app(scope, receive, send)
            return
        response = JSONResponse(
            error_object(rejection.message, rejection.remedy, "authentication_error", "not_allowed"),
            rejection.status,
            headers={"WWW-Authenticate": "Bearer"} if rejection.status == 401 else None,
        )
        await response(scope, receive, send)


def rejection_of(path: str, headers: Headers, token: str) -> Rejection | None:
    """Why a request is not answered, None for one that is."""
    host = headers.get("host", "")
    if len(headers.getlist("host")) != 1 or host_name(host) not in LOOPBACK_NAMES:
        return Rejection(403, "The Host header is not this computer.", "Use http://127.0.0.1 and the server's port.")
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host}".lower():
        return Rejection(403, "Web pages may not use this server.", "Ask from a program, without an Origin header.")
    if path in OPEN_PATHS:
        return None
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        return Rejection(
            401, "The bearer token is missing or wrong.", "`sleepy serve --status` says in which file it stands."
        )
    return None


def host_name(host: str) -> str | None:
    """The name in a Host header, without the port; None where it is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None
