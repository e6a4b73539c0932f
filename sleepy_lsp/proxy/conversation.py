"""What is open between the client and one of the two servers behind the proxy."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from sleepy_lsp.proxy.envelope import MessageId
from sleepy_lsp.proxy.framing import Frame, parsed
from sleepy_lsp.proxy.initialization import member


class Phase(Enum):
    """How far a server is. OFF: there is no process, or it is of no use."""

    OFF = "off"
    STARTED = "started"
    INITIALIZING = "initializing"
    RUNNING = "running"


class Asked(NamedTuple):
    """A request of the client that a server has not answered. `uri`: of what document, where that matters."""

    method: str
    uri: str | None = None


@dataclass(slots=True)
class Conversation:
    """The state of one server; a new process begins a new one, `restarts` aside."""

    phase: Phase = Phase.OFF
    is_answered: bool = False
    """Whether it answered `initialize`."""
    asked: dict[MessageId, Asked] = field(default_factory=dict)
    asking: set[MessageId] = field(default_factory=set)
    """Ids of the server's own requests that the client has not answered; kept for the wrapped server only."""
    registrations: dict[str, str] = field(default_factory=dict)
    """What it registered with the client: id -> method."""
    tokens: set[MessageId] = field(default_factory=set)
    """Tokens on which it reports progress."""
    restarts: list[float] = field(default_factory=list)
    """When it was started again, on the monotonic clock."""


@dataclass(slots=True)
class PendingActions:
    """A request for code actions that both servers were asked. `theirs`, `ours`: None until the answer is there."""

    theirs: Frame | None = None
    ours: list[Any] | None = None
    theirs_is_lost: bool = False
    """The wrapped server died before it answered."""


def follow_request(conversation: Conversation, method: str, body: bytes) -> None:
    """Take in what a server's request to the client leaves behind: registrations and progress tokens."""
    if method not in ("client/registerCapability", "client/unregisterCapability", "window/workDoneProgress/create"):
        return
    parameters = member(parsed(body), "params")
    token = member(parameters, "token")
    if isinstance(token, int | str):
        conversation.tokens.add(token)
    for one in _listed(member(parameters, "registrations")):
        if isinstance(identifier := one.get("id"), str) and isinstance(of_method := one.get("method"), str):
            conversation.registrations[identifier] = of_method
    for one in _listed(member(parameters, "unregisterations")):
        conversation.registrations.pop(str(one.get("id")), None)


def follow_progress(conversation: Conversation, body: bytes) -> None:
    """Forget the token of a progress that ended."""
    if conversation.tokens and b'"end"' in body:
        parameters = member(parsed(body), "params")
        if member(parameters, "value", "kind") == "end":
            conversation.tokens.discard(member(parameters, "token"))


def _listed(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
