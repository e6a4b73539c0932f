"""Every byte comes out as it came in, however the stream is cut, and messages are found in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_lsp.proxy.envelope import Envelope, Kind, envelope_of
from sleepy_lsp.proxy.framing import LONGEST_HEADER, BodyTooLong, FrameReader, message_bytes, parsed

FRAMES = {
    "plain": (b"Content-Length: 2\r\n\r\n{}", b"{}"),
    "lower case": (b"content-length: 2\r\n\r\n{}", b"{}"),
    "without a space": (b"Content-Length:2\r\n\r\n{}", b"{}"),
    "spaces around": (b" Content-Length : 2 \r\n\r\n{}", b"{}"),
    "type first": (
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
        b"{}",
    ),
    "type last": (b"Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc\r\n\r\n{}", b"{}"),
    "lines end with a line feed only": (b"Content-Length: 2\n\n{}", b"{}"),
    "a line of log before it": (b"warning: something\nContent-Length: 2\r\n\r\n{}", b"{}"),
    "not utf-8": (b"Content-Length: 4\r\n\r\n\xff\xfe\x00\x01", b"\xff\xfe\x00\x01"),
    "empty": (b"Content-Length: 0\r\n\r\n", b""),
    "a batch": (b'Content-Length: 14\r\n\r\n[{"id":1},2,3]', b'[{"id":1},2,3]'),
    "empty lines in the body": (b"Content-Length: 8\r\n\r\n\r\n\r\n{}\r\n", b"\r\n\r\n{}\r\n"),
    "no length": (b"Content-Type: text/plain\r\n\r\n", None),
    "a length that is none": (b"Content-Length: two\r\n\r\n", None),
    "a negative length": (b"Content-Length: -2\r\n\r\n", None),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_message_is_found_behind_any_header(name: str) -> None:
    raw, body = FRAMES[name]
    frames = list(FrameReader().feed(raw + FRAMES["plain"][0]))
    assert [(frame.raw, frame.body) for frame in frames] == [(raw, body), FRAMES["plain"]]


@given(st.lists(st.sampled_from(sorted(FRAMES)), max_size=6), st.lists(st.integers(1, 40), min_size=1))
def test_the_cuts_of_the_stream_do_not_matter(names: list[str], cuts: list[int]) -> None:
    stream = b"".join(FRAMES[name][0] for name in names)
    reader, found, position = FrameReader(), [], 0
    while position < len(stream):
        for cut in cuts:
            found += list(reader.feed(stream[position : position + cut]))
            position += cut
    assert [(frame.raw, frame.body) for frame in found] == [FRAMES[name] for name in names]
    assert reader.rest() == b""


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_no_byte_is_lost_or_changed(parts: list[bytes]) -> None:
    reader = FrameReader()
    out = b"".join(frame.raw for part in parts for frame in reader.feed(part))
    assert out + reader.rest() == b"".join(parts)


def test_a_large_message_in_small_parts() -> None:
    body = json.dumps({"result": "x" * 3_000_000}).encode()
    raw = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    reader = FrameReader()
    found = [frame for start in range(0, len(raw), 4096) for frame in reader.feed(raw[start : start + 4096])]
    assert [frame.raw for frame in found] == [raw]


def test_noise_without_any_empty_line_does_not_pile_up() -> None:
    reader = FrameReader()
    found = [frame for _ in range(40) for frame in reader.feed(b"noise " * 1000)]
    assert found
    assert all(frame.body is None for frame in found)
    assert len(reader.rest()) <= LONGEST_HEADER


def test_the_end_of_the_stream_in_the_middle_of_a_message() -> None:
    reader = FrameReader()
    assert list(reader.feed(b"Content-Length: 10\r\n\r\n{")) == []
    assert reader.rest() == b"Content-Length: 10\r\n\r\n{"
    assert [frame.body for frame in reader.feed(FRAMES["plain"][0])] == [b"{}"]


def test_a_limit_holds_before_the_body_is_there() -> None:
    with pytest.raises(BodyTooLong):
        list(FrameReader(longest_body=100).feed(b"Content-Length: 101\r\n\r\n"))


def test_what_is_said_can_be_read_whatever_it_holds() -> None:
    (frame,) = FrameReader().feed(message_bytes({"text": "é \ud800 \U0001f980"}))
    assert frame.body is not None
    assert json.loads(frame.body) == {"text": "é \ud800 \U0001f980"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000], ids=["empty", "open", "not utf-8", "deep"])
def test_what_is_no_json_is_none(body: bytes) -> None:
    assert parsed(body) is None


REQUEST, NOTIFICATION, RESPONSE = Kind.REQUEST, Kind.NOTIFICATION, Kind.RESPONSE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"jsonrpc":"2.0","id":1,"method":"a/b","params":{}}', Envelope(REQUEST, "a/b", 1)),
        ('{"method":"a/b","id":"x","jsonrpc":"2.0","params":[]}', Envelope(REQUEST, "a/b", "x")),
        ('{"method":"a/b","params":{"id":7},"id":1,"jsonrpc":"2.0"}', Envelope(REQUEST, "a/b", 1)),
        ('{"method":"a/b","jsonrpc":"2.0","params":{"id":7} , "id": 1 }', Envelope(REQUEST, "a/b", 1)),
        ('{"params":{"method":"c","id":7},"method":"a/b","id":1}', Envelope(REQUEST, "a/b", 1)),
        ('{"jsonrpc":"2.0","id":1,"method":"shutdown"}', Envelope(REQUEST, "shutdown", 1)),
        (' { "jsonrpc" : "2.0" , "id" : 1 , "method" : "a" } ', Envelope(REQUEST, "a", 1)),
        ('{"jsonrpc":"2.0","method":"a/b","params":{"id":7}}', Envelope(NOTIFICATION, "a/b", None)),
        ('{"jsonrpc":"2.0","method":"a/b","params":[1]}\n', Envelope(NOTIFICATION, "a/b", None)),
        ('{"jsonrpc":"2.0","method":"exit"}', Envelope(NOTIFICATION, "exit", None)),
        ('{"jsonrpc":"2.0","method":"exit","params":null}', Envelope(NOTIFICATION, "exit", None)),
        ('{"params":{"id":7},"method":"a"}', Envelope(NOTIFICATION, "a", None)),
        ('{"jsonrpc":"2.0","id":5,"result":{"method":"no","id":6}}', Envelope(RESPONSE, "", 5)),
        ('{"jsonrpc":"2.0","id":"a\\"b\\u0041","result":null}', Envelope(RESPONSE, "", 'a"bA')),
        ('{"jsonrpc":"2.0","result":[{"id":6}],"id":5}', Envelope(RESPONSE, "", 5)),
        ('{"error":{"code":-1,"message":"m"},"id":5}', Envelope(RESPONSE, "", 5)),
        ('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}', Envelope(RESPONSE, "", None)),
        ('{"jsonrpc":"2.0","id":-3,"result":1}', Envelope(RESPONSE, "", -3)),
        ('{"jsonrpc":"2.0","id":true,"result":1}', Envelope(RESPONSE, "", None)),
        ('[{"jsonrpc":"2.0","id":1,"method":"a"}]', None),
        ('{"jsonrpc":"2.0","id":1', None),
        ('{"jsonrpc":"2.0"}', None),
        ('"text"', None),
        ("", None),
    ],
)
def test_what_a_message_is(text: str, expected: Envelope | None) -> None:
    assert envelope_of(text.encode()) == expected


@given(
    st.permutations(["jsonrpc", "id", "method", "params"]),
    st.one_of(st.none(), st.integers(-(2**40), 2**40), st.text(max_size=8)),
    st.recursive(st.one_of(st.text(max_size=8), st.integers(), st.none()), lambda inner: st.lists(inner, max_size=3)),
    st.booleans(),
)
def test_any_order_of_members_says_the_same(order: list[str], identifier: object, value: object, spaced: bool) -> None:
    members = {"jsonrpc": "2.0", "id": identifier, "method": "a/b", "params": {"id": value, "method": value}}
    listed = {name: members[name] for name in order if not (name == "id" and identifier is None)}
    text = json.dumps(listed, indent=1 if spaced else None)
    expected = Envelope(NOTIFICATION if identifier is None else REQUEST, "a/b", identifier)  # type: ignore[arg-type]
    assert envelope_of(text.encode()) == expected
