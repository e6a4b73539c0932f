"""Code actions of both servers in one answer: when the wrapped server's are there, with ours if those are in time."""

from __future__ import annotations

from functools import partial
from typing import Any

from sleepy_lsp.proxy import answers
from sleepy_lsp.proxy.envelope import MessageId
from sleepy_lsp.proxy.framing import Frame, message_bytes, parsed
from sleepy_lsp.proxy.initialization import member
from sleepy_lsp.proxy.merging import merged_actions
from sleepy_lsp.proxy.session import Session, refuse

MISSES_IN_A_ROW = 3
"""After as many waits in vain nothing waits for ours any more, until ours answers again."""

SHORT_BYTES = 2_000


def theirs_arrived(session: Session, message_id: MessageId, frame: Frame | None) -> None:
    """The wrapped server answered (None: it never will)."""
    pending = session.merges[message_id]
    pending.theirs, pending.theirs_is_lost = frame, frame is None
    waits = session.misses < MISSES_IN_A_ROW and session.settings.merge_wait_seconds > 0
    if pending.ours is not None or not waits or (frame is not None and _is_cancelled(frame)):
        answer_actions(session, message_id)
    else:
        session.ports.later(session.settings.merge_wait_seconds, partial(_give_up_on_ours, session, message_id))


def ours_arrived(session: Session, message_id: MessageId, body: bytes) -> None:
    """Sleepy's server answered, perhaps too late."""
    session.misses = 0
    pending = session.merges.get(message_id)
    if pending is None:
        return
    result = member(parsed(body), "result")
    pending.ours = result if isinstance(result, list) else []
    if pending.theirs is not None or pending.theirs_is_lost:
        answer_actions(session, message_id)


def ours_never_arrive(session: Session) -> None:
    """Sleepy's server is gone."""
    for message_id, pending in list(session.merges.items()):
        pending.ours = pending.ours or []
        if pending.theirs is not None or pending.theirs_is_lost:
            answer_actions(session, message_id)


def _give_up_on_ours(session: Session, message_id: MessageId) -> None:
    if message_id in session.merges:
        session.misses += 1
        answer_actions(session, message_id)


def answer_actions(session: Session, message_id: MessageId) -> None:
    """Answer the client with what is there. Without anything of ours it gets the other's bytes as they are."""
    pending = session.merges.pop(message_id)
    ours, theirs = pending.ours or [], pending.theirs
    merged = _merged(theirs, ours) if ours else None
    if merged is not None:
        answer = {"jsonrpc": "2.0", "id": message_id, "result": merged}
        session.ports.to_client(message_bytes(answer))
    elif theirs is not None:
        session.ports.to_client(theirs.raw)
    else:
        refuse(session, message_id, f"{session.name} ended before it answered.")


def _is_cancelled(theirs: Frame) -> bool:
    """Whether the client does not want an answer any more. Only a list of actions is long, and it is no error."""
    is_short = len(theirs.raw) < SHORT_BYTES
    return is_short and member(parsed(theirs.body or b""), "error", "code") == answers.REQUEST_CANCELLED


def _merged(theirs: Frame | None, ours: list[Any]) -> list[Any] | None:
    """Both lists in one; None where the wrapped server's answer has to stay as it is."""
    answer = parsed(theirs.body or b"") if theirs is not None else {"result": None}
    if not isinstance(answer, dict) or (theirs is not None and _is_cancelled(theirs)):
        return None
    result = answer.get("result")
    if result is not None and not isinstance(result, list):
        return None
    return merged_actions(result or [], ours)
