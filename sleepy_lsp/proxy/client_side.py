"""What the client says, and who hears it: the wrapped server, Sleepy's, or both."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sleepy_lsp.proxy import answers
from sleepy_lsp.proxy.conversation import Asked, PendingActions, Phase
from sleepy_lsp.proxy.envelope import Envelope, Kind, envelope_of
from sleepy_lsp.proxy.framing import Frame, message_bytes, parsed
from sleepy_lsp.proxy.initialization import member
from sleepy_lsp.proxy.session import ClientRequest, Session, refuse, to_sleepy, to_wrapped
from sleepy_lsp.proxy.sleepy_side import SHUTDOWN, let_sleepy_run
from sleepy_lsp.proxy.wrapped_side import tell_failure

COPIED_PREFIXES = ("textDocument/did", "workspace/did")
COPIED = frozenset({"$/setTrace"})
"""Notifications that both servers hear."""


def from_client(session: Session, frame: Frame) -> None:
    """Route one message of the client."""
    envelope = envelope_of(frame.raw, frame.body_start)
    if envelope is None:
        to_wrapped(session, frame.raw)
    elif envelope.kind is Kind.RESPONSE:
        _answers(session, frame, envelope)
    elif (handle := HANDLERS.get(envelope.method)) is not None:
        handle(session, frame, envelope)
    elif envelope.method.startswith("sleepy/"):
        _for_sleepy_only(session, frame, envelope)
    else:
        _for_wrapped(session, frame, envelope)


def _for_wrapped(session: Session, frame: Frame, envelope: Envelope, uri: str | None = None) -> None:
    """The way of everything that Sleepy has nothing to do with; of documents both are told."""
    method, message_id = envelope.method, envelope.message_id
    if message_id is None:
        to_wrapped(session, frame.raw)
        if method.startswith(COPIED_PREFIXES) or method in COPIED:
            _tell_sleepy_too(session, frame, method)
    elif session.wrapped.phase is Phase.RUNNING or not session.was_answered:
        session.wrapped.asked[message_id] = Asked(method, uri)
        to_wrapped(session, frame.raw)
    else:
        refuse(session, message_id, f"{session.name} is being started again.")


def _tell_sleepy_too(session: Session, frame: Frame, method: str) -> None:
    body = frame.body or b""
    to_sleepy(session, frame.raw)
    session.log.heard(method, frame.raw, body)
    if method == "textDocument/didChange":
        session.ports.afterwards(partial(session.log.fold, body))


def _for_sleepy_only(session: Session, frame: Frame, envelope: Envelope) -> None:
    message_id = envelope.message_id
    if message_id is None:
        session.log.heard(envelope.method, frame.raw, frame.body or b"")
    elif session.sleepy.phase is not Phase.RUNNING:
        reason = "Sleepy's server is not running now. The log of the language server says why."
        session.ports.to_client(answers.error_answer(message_id, answers.REQUEST_FAILED, reason))
        return
    else:
        session.sleepy.asked[message_id] = Asked(envelope.method)
    to_sleepy(session, frame.raw)


def _initialize(session: Session, frame: Frame, envelope: Envelope) -> None:
    if envelope.message_id is not None and session.initialize is None:
        parameters = member(parsed(frame.body or b""), "params")
        parameters = parameters if isinstance(parameters, dict) else {}
        session.initialize = ClientRequest(frame, envelope.message_id, parameters)
        if session.failure is not None:
            tell_failure(session)
            return
    _for_wrapped(session, frame, envelope)


def _initialized(session: Session, frame: Frame, _envelope: Envelope) -> None:
    session.initialized = frame.raw
    to_wrapped(session, frame.raw)
    let_sleepy_run(session)


def _shutdown(session: Session, frame: Frame, envelope: Envelope) -> None:
    session.is_ending = True
    to_sleepy(session, answers.request(SHUTDOWN, "shutdown", None))
    if envelope.message_id is not None and session.was_answered and session.wrapped.phase is not Phase.RUNNING:
        # It is down, which is all that was asked for.
        session.ports.to_client(answers.result_answer(envelope.message_id, None))
    else:
        _for_wrapped(session, frame, envelope)


def _exit(session: Session, frame: Frame, _envelope: Envelope) -> None:
    session.is_ending = True
    to_wrapped(session, frame.raw)
    to_sleepy(session, frame.raw)
    session.ports.end(None)


def _cancel(session: Session, frame: Frame, _envelope: Envelope) -> None:
    message_id = member(parsed(frame.body or b""), "params", "id")
    is_known = isinstance(message_id, int | str)
    if is_known and message_id in session.sleepy.asked:
        to_sleepy(session, frame.raw)
        return
    if is_known and message_id in session.merges:
        to_sleepy(session, frame.raw)
    to_wrapped(session, frame.raw)


def _cancel_progress(session: Session, frame: Frame, _envelope: Envelope) -> None:
    token = member(parsed(frame.body or b""), "params", "token")
    is_ours = isinstance(token, int | str) and token in session.sleepy.tokens
    (to_sleepy if is_ours else to_wrapped)(session, frame.raw)


def _code_action(session: Session, frame: Frame, envelope: Envelope) -> None:
    message_id = envelope.message_id
    if message_id is None or not session.was_answered:
        _for_wrapped(session, frame, envelope)
        return
    they_answer = session.offers_actions and session.wrapped.phase is Phase.RUNNING
    we_answer = session.sleepy.phase is Phase.RUNNING
    if they_answer:
        if we_answer:
            session.merges[message_id] = PendingActions()
            to_sleepy(session, frame.raw)
        _for_wrapped(session, frame, envelope)
    elif we_answer:
        _for_sleepy_only(session, frame, envelope)
    else:
        # Editors ask at every move of the cursor, so that an error would be a nuisance.
        session.ports.to_client(answers.result_answer(message_id, []))


def _pull(session: Session, frame: Frame, envelope: Envelope) -> None:
    uri = member(parsed(frame.body or b""), "params", "textDocument", "uri")
    _for_wrapped(session, frame, envelope, uri if isinstance(uri, str) else None)


def _resolve(session: Session, frame: Frame, envelope: Envelope) -> None:
    body = frame.body or b""
    # Nothing is parsed that cannot be ours.
    is_ours = b'"sleepy"' in body and member(parsed(body), "params", "data", "sleepy") is not None
    if is_ours or envelope.message_id is None or session.resolves_actions:
        (_for_sleepy_only if is_ours else _for_wrapped)(session, frame, envelope)
    else:
        # Only because of ours the client resolves at all: the wrapped server's actions are complete.
        action = member(parsed(body), "params")
        session.ports.to_client(answers.result_answer(envelope.message_id, action))


def _execute_command(session: Session, frame: Frame, envelope: Envelope) -> None:
    body = frame.body or b""
    command = member(parsed(body), "params", "command") if b'"sleepy.' in body else None
    is_ours = isinstance(command, str) and command.startswith("sleepy.")
    (_for_sleepy_only if is_ours else _for_wrapped)(session, frame, envelope)


def _answers(session: Session, frame: Frame, envelope: Envelope) -> None:
    message_id = envelope.message_id
    if message_id is not None and message_id in session.relayed:
        original = session.relayed.pop(message_id)
        answer = parsed(frame.body or b"")
        if original is not None and isinstance(answer, dict):
            to_sleepy(session, message_bytes(answer | {"id": original}))
    elif message_id in session.stale:
        session.stale.discard(message_id)
    else:
        if message_id is not None:
            session.wrapped.asking.discard(message_id)
        to_wrapped(session, frame.raw)


HANDLERS: dict[str, Callable[[Session, Frame, Envelope], None]] = {
    "initialize": _initialize,
    "initialized": _initialized,
    "shutdown": _shutdown,
    "exit": _exit,
    "$/cancelRequest": _cancel,
    "window/workDoneProgress/cancel": _cancel_progress,
    "textDocument/codeAction": _code_action,
    "textDocument/diagnostic": _pull,
    "codeAction/resolve": _resolve,
    "workspace/executeCommand": _execute_command,
}
"""Messages that are not simply the wrapped server's."""
