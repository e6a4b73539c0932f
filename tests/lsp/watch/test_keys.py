"""Which keys a terminal means with the bytes it sends."""

from __future__ import annotations

import pytest

from sleepy_lsp.watch.keys import END_OF_INPUT, keys_of


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (b"a", ["a"]),
        (b"an?", ["a", "n", "?"]),
        (b"", [END_OF_INPUT]),
        (b"\x04", [END_OF_INPUT]),
        (b"\x1b[A", []),
        (b"\x1bOP", []),
        (b"\x1b[1;5Cq", ["q"]),
        (b"n\x1b[3~x", ["n", "x"]),
        (b"\x1b", []),
        ("é".encode(), ["é"]),
        (b"\xff", []),
    ],
)
def test_keys(typed: bytes, expected: list[str]) -> None:
    assert keys_of(typed) == expected
