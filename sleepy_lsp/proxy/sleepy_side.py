"""What Sleepy's own server says, and how it begins and ends. Nothing of it can hold the wrapped server up."""

from __future__ import annotations

import time

from sleepy_lsp.proxy import answers
from sleepy_lsp.proxy.conversation import Conversation, Phase, follow_progress, follow_request
from sleepy_lsp.proxy.envelope import Envelope, Kind, envelope_of
from sleepy_lsp.proxy.framing import Frame, message_bytes, parsed
from sleepy_lsp.proxy.initialization import member, sleepy_parameters
from sleepy_lsp.proxy.joined_actions import ours_arrived, ours_never_arrive
from sleepy_lsp.proxy.session import Session, relayed_id, take_back

INITIALIZE = "sleepy:initialize"
SHUTDOWN = "sleepy:shutdown"


def sleepy_started(session: Session) -> None:
    """Its process is there."""
    session.sleepy.phase = Phase.STARTED
    initialize_sleepy(session)


def initialize_sleepy(session: Session) -> None:
    """Begin the handshake, which needs to know what the wrapped server chose."""
    if session.sleepy.phase is Phase.STARTED and session.was_answered and session.initialize is not None:
        session.sleepy.phase = Phase.INITIALIZING
        parameters = sleepy_parameters(session.initialize.parameters, session.log.encoding)
        session.ports.to_sleepy(answers.request(INITIALIZE, "initialize", parameters))


def let_sleepy_run(session: Session) -> None:
    """End the handshake once both sides are ready; tell it what was said so far."""
    if session.sleepy.phase is not Phase.INITIALIZING or not session.sleepy.is_answered or session.initialized is None:
        return
    session.sleepy.phase = Phase.RUNNING
    session.ports.to_sleepy(session.initialized)
    for message in session.log.replay(for_sleepy=True):
        session.ports.to_sleepy(message)
    for message in session.log.diagnostics():
        session.ports.to_sleepy(message)


def from_sleepy(session: Session, frame: Frame) -> None:
    """Route one message of Sleepy's server. What is none is left out."""
    envelope, body = envelope_of(frame.raw, frame.body_start), frame.body
    if envelope is None or body is None:
        return
    if envelope.kind is Kind.RESPONSE:
        _sleepy_answers(session, frame, body, envelope)
    elif envelope.kind is Kind.REQUEST:
        message = parsed(body)
        if isinstance(message, dict) and envelope.message_id is not None:
            follow_request(session.sleepy, envelope.method, body)
            message_id = relayed_id(session, envelope.message_id)
            session.ports.to_client(message_bytes(message | {"id": message_id}))
    elif envelope.method not in ("textDocument/publishDiagnostics", "$/cancelRequest"):
        # Diagnostics of ours would replace the wrapped server's; ids of ours mean nothing to the client.
        if envelope.method == "$/progress":
            follow_progress(session.sleepy, body)
        session.ports.to_client(frame.raw)


def _sleepy_answers(session: Session, frame: Frame, body: bytes, envelope: Envelope) -> None:
    message_id = envelope.message_id
    if message_id == INITIALIZE:
        if member(parsed(body), "result") is None:
            session.ports.say("Sleepy's server refused to begin; going on without it.")
            session.ports.stop_sleepy()
            return
        session.sleepy.is_answered = True
        let_sleepy_run(session)
    elif message_id is not None and session.sleepy.asked.pop(message_id, None) is not None:
        session.ports.to_client(frame.raw)
    elif message_id is not None and message_id != SHUTDOWN:
        ours_arrived(session, message_id, body)


def sleepy_ended(session: Session, how: str) -> None:
    """Its process is gone: the wrapped server goes on alone, and ours is started again a few times."""
    gone, session.sleepy = session.sleepy, Conversation(restarts=session.sleepy.restarts)
    for message_id, original in session.relayed.items():
        if original is not None:
            session.relayed[message_id] = None
    for message_id in gone.asked:
        reason = f"Sleepy's server {how}."
        session.ports.to_client(answers.error_answer(message_id, answers.REQUEST_FAILED, reason))
    ours_never_arrive(session)
    if session.is_ending or session.failure is not None:
        return
    take_back(session, gone)
    now = time.monotonic()
    delay = session.settings.sleepy_policy.delay(session.sleepy.restarts, now)
    if delay is None:
        session.ports.say(f"Sleepy's server {how} again and stays off; {session.name} goes on without it.")
        if member(session.initialize.parameters if session.initialize else None, *HEARS_STATUS) is True:
            status = {"state": "off", "reason": f"Sleepy's server {how}."}
            session.ports.to_client(answers.notification("sleepy/status", status))
        return
    session.sleepy.restarts.append(now + delay)
    session.ports.say(f"Sleepy's server {how}; it is started again in {delay:g} s.")
    session.ports.later(delay, lambda: None if session.is_ending else session.ports.start_sleepy())


HEARS_STATUS = ("capabilities", "experimental", "sleepy")
"""Where a client says that it knows `sleepy/status`."""
