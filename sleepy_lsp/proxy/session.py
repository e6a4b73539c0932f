"""The state of a proxied session and what can be done with it. Its messages are routed by `client_side.py`,
`wrapped_side.py` and `sleepy_side.py`; none of those does input or output, so that a test can play all three parts.

Whatever is not Sleepy's goes where it would go without the proxy, as the bytes it came in. Who calls them sees to it
that only one thread at a time has the session (`main.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sleepy_lsp.proxy import answers
from sleepy_lsp.proxy.conversation import Conversation, PendingActions, Phase
from sleepy_lsp.proxy.document_log import DocumentLog
from sleepy_lsp.proxy.envelope import MessageId
from sleepy_lsp.proxy.framing import Frame
from sleepy_lsp.proxy.restarts import SLEEPY_POLICY, WRAPPED_POLICY, RestartPolicy


@dataclass(frozen=True, slots=True)
class Ports:
    """What a session can do. Nothing of it waits, and none of it calls the session back at once."""

    to_client: Callable[[bytes], None]
    to_wrapped: Callable[[bytes], None]
    to_sleepy: Callable[[bytes], None]
    start_wrapped: Callable[[], None]
    start_sleepy: Callable[[], None]
    stop_sleepy: Callable[[], None]
    later: Callable[[float, Callable[[], None]], None]
    """Do something after some seconds."""
    afterwards: Callable[[Callable[[], None]], None]
    """Do something as soon as what was said is on its way."""
    say: Callable[[str], None]
    """Write a line to the log (stderr)."""
    end: Callable[[int | None], None]
    """The session is over. With an exit code: because of a failure."""


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """What a test may want otherwise."""

    merge_wait_seconds: float = 0.06
    """How long the wrapped server's code actions wait for ours."""
    wrapped_policy: RestartPolicy = WRAPPED_POLICY
    sleepy_policy: RestartPolicy = SLEEPY_POLICY
    ending_seconds: float = 3.0
    """How long the wrapped server may take to end by itself."""
    sleepy_queue_bytes: int = 16_000_000
    """What may wait for Sleepy's server; one that is further behind is started again."""


class ClientRequest(NamedTuple):
    """The client's `initialize`."""

    frame: Frame
    message_id: MessageId
    parameters: dict[str, Any]


@dataclass(slots=True)
class Session:
    """All that changes. `name`: of the wrapped program, for messages; `remedy`: what to do when it cannot be had."""

    ports: Ports
    settings: ProxySettings
    name: str
    remedy: str
    wrapped: Conversation = field(default_factory=lambda: Conversation(Phase.STARTED))
    sleepy: Conversation = field(default_factory=Conversation)
    log: DocumentLog = field(default_factory=DocumentLog)
    initialize: ClientRequest | None = None
    initialized: bytes | None = None
    """The client's notification `initialized`, once it came."""
    was_answered: bool = False
    """Whether the client has the wrapped server's answer to `initialize`."""
    offers_actions: bool = True
    resolves_actions: bool = True
    """Whether the wrapped server itself announced code actions, and that it resolves them."""
    failure: str | None = None
    """Why the wrapped server cannot be had at all."""
    is_ending: bool = False
    merges: dict[MessageId, PendingActions] = field(default_factory=dict)
    misses: int = 0
    """How often in a row code actions waited for ours in vain."""
    relayed: dict[MessageId, MessageId | None] = field(default_factory=dict)
    """Requests to the client that are not the wrapped server's: our id -> the id that Sleepy's server gave it; None for
    what the proxy asks by itself, and where the process that asked is gone."""
    relay_count: int = 0
    stale: set[MessageId] = field(default_factory=set)
    """Requests of a wrapped server that is gone; a new one may use the same ids."""


def to_wrapped(session: Session, raw: bytes) -> None:
    """Say something to the wrapped server; one that is being started again hears it from the log."""
    if session.wrapped.phase is Phase.RUNNING or not session.was_answered:
        session.ports.to_wrapped(raw)


def to_sleepy(session: Session, raw: bytes) -> None:
    """Say something to Sleepy's server; before it runs nothing is said, afterwards it hears the log."""
    if session.sleepy.phase is Phase.RUNNING:
        session.ports.to_sleepy(raw)


def refuse(session: Session, message_id: MessageId, reason: str) -> None:
    """Answer a request that nobody can answer now, with the code that clients do not bother the user with."""
    session.ports.to_client(answers.error_answer(message_id, answers.CONTENT_MODIFIED, reason))


def relayed_id(session: Session, original: MessageId | None) -> MessageId:
    """A new id for a request to the client, which no wrapped server uses."""
    session.relay_count += 1
    message_id = f"sleepy:{session.relay_count}"
    session.relayed[message_id] = original
    return message_id


def take_back(session: Session, gone: Conversation) -> None:
    """Tell the client that what a dead server began is over: its progress, and what it registered."""
    for message in answers.ended_progress(gone.tokens):
        session.ports.to_client(message)
    if gone.registrations:
        asked = answers.unregistration(relayed_id(session, None), gone.registrations.items())
        session.ports.to_client(asked)
