"""What the wrapped server says, and what happens when it dies."""

from __future__ import annotations

import time
from functools import partial

from sleepy_lsp.proxy import answers
from sleepy_lsp.proxy.conversation import Asked, Conversation, Phase, follow_progress, follow_request
from sleepy_lsp.proxy.envelope import Envelope, Kind, MessageId, envelope_of
from sleepy_lsp.proxy.framing import Frame, message_bytes, parsed
from sleepy_lsp.proxy.initialization import extended_result, member, position_encoding
from sleepy_lsp.proxy.joined_actions import theirs_arrived
from sleepy_lsp.proxy.session import Session, refuse, take_back, to_sleepy
from sleepy_lsp.proxy.sleepy_side import initialize_sleepy

REMEMBERED_RESTARTS = 20


def from_wrapped(session: Session, frame: Frame) -> None:
    """Route one message of the wrapped server."""
    envelope = envelope_of(frame.raw, frame.body_start)
    if envelope is not None and envelope.kind is Kind.RESPONSE:
        _wrapped_answers(session, frame, envelope)
        return
    session.ports.to_client(frame.raw)
    if envelope is not None:
        _look_at(session, frame, envelope)


def _look_at(session: Session, frame: Frame, envelope: Envelope) -> None:
    if envelope.message_id is not None:
        session.wrapped.asking.add(envelope.message_id)
        follow_request(session.wrapped, envelope.method, frame.body or b"")
    elif envelope.method == "textDocument/publishDiagnostics":
        session.ports.afterwards(partial(_tell_diagnostics, session, frame))
    elif envelope.method == "$/progress":
        follow_progress(session.wrapped, frame.body or b"")


def _tell_diagnostics(session: Session, frame: Frame) -> None:
    body = frame.body or b""
    heard = answers.heard_diagnostics(body)
    session.log.has_published(body, heard)
    to_sleepy(session, heard)


def _tell_pulled(session: Session, uri: str, frame: Frame) -> None:
    for message in answers.pulled_diagnostics(uri, parsed(frame.body or b"")):
        session.log.has_published(message, message)
        to_sleepy(session, message)


def _wrapped_answers(session: Session, frame: Frame, envelope: Envelope) -> None:
    message_id = envelope.message_id
    asked = session.wrapped.asked.pop(message_id, None) if message_id is not None else None
    if asked is None or message_id is None:
        session.ports.to_client(frame.raw)
    elif message_id in session.merges:
        theirs_arrived(session, message_id, frame)
    elif asked.method == "initialize":
        _wrapped_is_initialized(session, frame, message_id)
    else:
        session.ports.to_client(frame.raw)
        if asked.uri is not None:
            session.ports.afterwards(partial(_tell_pulled, session, asked.uri, frame))


def _wrapped_is_initialized(session: Session, frame: Frame, message_id: MessageId) -> None:
    if session.was_answered:
        _wrapped_is_back(session)
        return
    answer = parsed(frame.body or b"")
    result = member(answer, "result")
    if session.initialize is None or not isinstance(result, dict):
        # It refused; what the client does then is between those two.
        session.initialize = None
        session.ports.to_client(frame.raw)
        return
    session.was_answered = True
    session.offers_actions = bool(member(result, "capabilities", "codeActionProvider"))
    session.resolves_actions = bool(member(result, "capabilities", "codeActionProvider", "resolveProvider"))
    session.wrapped.phase = Phase.RUNNING
    session.log.encoding = position_encoding(result)
    extended = answer | {"id": message_id, "result": extended_result(result, session.initialize.parameters)}
    session.ports.to_client(message_bytes(extended))
    initialize_sleepy(session)


def wrapped_ended(session: Session, how: str) -> None:
    """Its process is gone. `how`: "ended with exit code 1", "was killed by signal 9"."""
    if session.is_ending:
        for message_id, asked in session.wrapped.asked.items():
            if asked.method == "shutdown":
                session.ports.to_client(answers.result_answer(message_id, None))
        return
    if not session.was_answered:
        fail(session, f"{session.name} {how} before it was ready.")
        return
    gone, session.wrapped = session.wrapped, Conversation(restarts=session.wrapped.restarts)
    session.stale |= gone.asking
    session.log.forget_diagnostics()
    take_back(session, gone)
    for message_id, asked in gone.asked.items():
        if message_id in session.merges:
            theirs_arrived(session, message_id, None)
        elif asked.method != "initialize":
            refuse(session, message_id, f"{session.name} {how}.")
    now = time.monotonic()
    delay = session.settings.wrapped_policy.delay(session.wrapped.restarts, now) or 0.0
    if not session.wrapped.restarts or gone.phase is Phase.RUNNING:
        text = f"{session.name} {how}. Sleepy starts it again."
        session.ports.to_client(answers.shown_message(answers.WARNING_MESSAGE, text))
    session.wrapped.restarts.append(now + delay)
    del session.wrapped.restarts[:-REMEMBERED_RESTARTS]
    session.ports.say(f"{session.name} {how}; it is started again in {delay:g} s.")
    session.ports.later(delay, lambda: None if session.is_ending else session.ports.start_wrapped())


def wrapped_started(session: Session) -> None:
    """A new process is there instead of one that died; it hears what that one heard."""
    if session.initialize is not None:
        session.wrapped.phase = Phase.INITIALIZING
        session.wrapped.asked[session.initialize.message_id] = Asked("initialize")
        session.ports.to_wrapped(session.initialize.frame.raw)


def _wrapped_is_back(session: Session) -> None:
    session.wrapped.phase = Phase.RUNNING
    if session.initialized is not None:
        session.ports.to_wrapped(session.initialized)
    for message in session.log.replay(for_sleepy=False):
        session.ports.to_wrapped(message)


def fail(session: Session, reason: str) -> None:
    """The wrapped server cannot be had at all: say so once, in words the user can act on."""
    if session.failure is not None:
        return
    session.failure = f"{reason} {session.remedy}"
    session.ports.say(session.failure)
    session.ports.stop_sleepy()
    tell_failure(session)
    # A client that never asks is not waited for.
    session.ports.later(session.settings.ending_seconds, partial(session.ports.end, 2))


def tell_failure(session: Session) -> None:
    """Answer the client's `initialize` with the failure, once both are there."""
    if session.initialize is not None and session.failure is not None:
        session.ports.to_client(answers.shown_message(answers.ERROR_MESSAGE, session.failure))
        answer = answers.error_answer(session.initialize.message_id, answers.REQUEST_FAILED, session.failure)
        session.ports.to_client(answer)
        session.ports.end(2)
