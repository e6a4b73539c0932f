"""Messages out of a stream of bytes (LSP 3.17, "Base Protocol"), each with the very bytes it came in.

A header is anything up to an empty line that names a Content-Length, in whatever order, case and company. What is no
message is kept too (`body` is None), so that whoever passes it on changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CONTENT_LENGTH = re.compile(rb"^[ \t]*content-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
HEADER_END = re.compile(rb"\r?\n\r?\n")
LONGEST_HEADER = 65_536
"""Bytes without an empty line after which they are no header any more."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: `raw` is header and body as they came.

    `body_start`: where in it the body begins; None where it is no message.
    """

    raw: bytes
    body_start: int | None

    @property
    def body(self) -> bytes | None:
        """The JSON text; a copy, which what only passes does without."""
        return None if self.body_start is None else self.raw[self.body_start :]


class BodyTooLong(ValueError):
    """A header announces more bytes than the reader was told to accept."""


class FrameReader:
    """Takes bytes as they come and gives the complete messages in them. Every byte fed comes out again, in order."""

    def __init__(self, longest_body: int | None = None) -> None:
        self._buffer = bytearray()
        self._needed = 0
        """Length of the message that begins the buffer, header included; 0 while its header is not complete."""
        self._body_start = 0
        self._searched = 0
        """Where the search for the end of the header goes on, so that no byte is looked at over and over."""
        self._longest_body = longest_body

    def feed(self, content: bytes) -> Iterator[Frame]:
        """The messages that `content` completes. Raises BodyTooLong where a limit was given and is exceeded."""
        self._buffer += content
        while (frame := self._next()) is not None:
            yield frame

    def rest(self) -> bytes:
        """What stands behind the last complete message; the reader is empty afterwards."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._needed = self._body_start = self._searched = 0
        return rest

    def _next(self) -> Frame | None:
        if not self._needed:
            found = HEADER_END.search(self._buffer, self._searched)
            if found is None:
                if len(self._buffer) > LONGEST_HEADER:
                    return Frame(self.rest(), None)
                # The empty line may begin in the last three bytes that are there.
                self._searched = max(0, len(self._buffer) - 3)
                return None
            header_end = found.end()
            self._searched = 0
            length = CONTENT_LENGTH.search(self._buffer, 0, found.start())
            if length is None:
                return Frame(self._take(header_end), None)
            body_length = int(length[1])
            if self._longest_body is not None and body_length > self._longest_body:
                raise BodyTooLong(f"a message of {body_length} bytes")
            self._body_start, self._needed = header_end, header_end + body_length
        if len(self._buffer) < self._needed:
            return None
        raw = self._take(self._needed)
        self._needed = 0
        return Frame(raw, self._body_start)

    def _take(self, length: int) -> bytes:
        if length == len(self._buffer):
            taken, self._buffer = bytes(self._buffer), bytearray()
            return taken
        taken = bytes(memoryview(self._buffer)[:length])
        del self._buffer[:length]
        return taken


def framed(body: bytes) -> bytes:
    """A body with the header that the protocol asks for."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def message_bytes(message: Any) -> bytes:
    """A message, given as plain JSON values, as it goes over the wire.

    Everything beyond ASCII is escaped: half a surrogate pair, which JSON may carry, has no UTF-8.
    """
    return framed(json.dumps(message, separators=(",", ":")).encode("ascii"))


def parsed(body: bytes) -> Any:
    """The JSON value of a body; None where it is none (also where it nests too deeply to be read)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
