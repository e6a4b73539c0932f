"""Records over a pipe: a length of four bytes (big end first), then the record as pickle writes it.

Pickle, because both ends are one program of one version, joined by a pipe that nobody else can write to.
"""

from __future__ import annotations

import pickle
import struct
from typing import IO

HEADER = struct.Struct(">I")


def packed(record: object) -> bytes:
    """A record with its length before it."""
    content = pickle.dumps(record, protocol=pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(content)) + content


def unpacked(content: bytes) -> object:
    """The record that `packed` was given, without the length."""
    return pickle.loads(content)  # noqa: S301 -- the other end is this program, see above.


def send(stream: IO[bytes], record: object) -> None:
    """Write one record. Raises OSError where the other end is gone."""
    stream.write(packed(record))
    stream.flush()


def receive(stream: IO[bytes]) -> object | None:
    """The next record, None at the end of the stream (also in the middle of a record: the other end died)."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    content = stream.read(length)
    return unpacked(content) if len(content) == length else None
