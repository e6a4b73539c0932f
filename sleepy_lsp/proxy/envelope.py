"""What a message is, read from its first bytes where they tell: nobody parses a completion list only to pass it on.

JSON-RPC 2.0 says nothing about the order of members. Where `result` or `params` come before `id` or `method`, the whole
message is parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from sleepy_lsp.proxy.framing import parsed

MessageId = int | str
"""An id as JSON-RPC allows it for requests; null only stands in answers to what could not be read."""


class Kind(Enum):
    REQUEST = "request"
    NOTIFICATION = "notification"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Envelope:
    """`method` is "" for a response; `message_id` is None for a notification, and for an answer without a usable id."""

    kind: Kind
    method: str
    message_id: MessageId | None


# A member with a short value, then a comma; or the first member with a long value, of which nothing is read.
MEMBER = re.compile(
    rb'\s*"(?:(?P<version>jsonrpc)"\s*:\s*"[^"\\]*"|id"\s*:\s*(?P<id>-?[0-9]{1,18}(?=[\s,}])|"(?:[^"\\]|\\.)*")'
    rb'|method"\s*:\s*"(?P<method>[^"\\]*)")\s*(?P<next>[,}])'
)
LONG_MEMBER = re.compile(rb'\s*"(?P<name>result|error|params)"\s*:')
LOOKED_AT_THE_END = 64
LAST_MEMBER_IS_LONG = re.compile(rb"[}\]]\s*\}\s*\Z")
OPENING = re.compile(rb"\s*\{")


def envelope_of(body: bytes, start: int | None = 0) -> Envelope | None:
    """What a message is that begins at `start`; None for what is no single JSON-RPC message (a batch, broken JSON)."""
    if start is None:
        return None
    opening = OPENING.match(body, start)
    if opening is None:
        return None
    position, identifier, method = opening.end(), None, None
    ended = False
    while not ended and (member := MEMBER.match(body, position)):
        identifier = member["id"] or identifier
        method = member["method"] if member["method"] is not None else method
        position, ended = member.end(), member["next"] == b"}"
    long_member = LONG_MEMBER.match(body, position)
    name = long_member["name"] if long_member else b""
    if method is not None:
        # The parameters may stand before the id, so that without one only the end says it is a notification.
        is_last = name == b"params" and LAST_MEMBER_IS_LONG.search(body, max(start, len(body) - LOOKED_AT_THE_END))
        is_known = identifier is not None or ended or is_last
    else:
        is_known = identifier is not None and name in (b"result", b"error")
    if not is_known:
        return _envelope_of_all(body[start:])
    return _envelope(_text(method), parsed(identifier) if identifier is not None else None)


def _envelope_of_all(body: bytes) -> Envelope | None:
    message = parsed(body)
    if not isinstance(message, dict):
        return None
    method, identifier = message.get("method"), message.get("id")
    if method is None and not message.keys() & {"result", "error"}:
        return None
    return _envelope(method if isinstance(method, str) else "", identifier)


def _text(method: bytes | None) -> str:
    return "" if method is None else method.decode("utf-8", errors="replace")


def _envelope(method: str, identifier: object) -> Envelope:
    usable = identifier if isinstance(identifier, int | str) and not isinstance(identifier, bool) else None
    if not method:
        return Envelope(Kind.RESPONSE, "", usable)
    return Envelope(Kind.NOTIFICATION if usable is None else Kind.REQUEST, method, usable)
