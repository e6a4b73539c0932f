from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.serving.llama.text_stream import TextStream


def write(pieces: list[bytes], stops: tuple[str, ...]) -> tuple[str, list[str]]:
    """The whole text, and what was released after each piece and at the end."""
    stream = TextStream(stops)
    released = []
    for piece in pieces:
        released.append(stream.push(piece))
        if stream.is_stopped:
            break
    released.append(stream.finish())
    return stream.text, released


@pytest.mark.parametrize(
    ("pieces", "stops", "text", "released"),
    [
        pytest.param([b"ab", b"c"], (), "abc", ["ab", "c", ""], id="no stops"),
        pytest.param([b"a;", b"b"], (";",), "a", ["a", ""], id="within a token"),
        pytest.param([b"a<", b"en", b"d>b"], ("<end>",), "a", ["a", "", "", ""], id="across tokens"),
        pytest.param([b"a<", b"en", b"x"], ("<end>",), "a<enx", ["a", "", "<enx", ""], id="held back, then not a stop"),
        pytest.param([b"a<", b"en"], ("<end>",), "a<en", ["a", "", "<en"], id="held back until the end"),
        pytest.param([b"xaab"], ("ab", "aab"), "x", ["x", ""], id="the earliest of two"),
        pytest.param([b"\xc3", b"\xa9!"], ("!",), "é", ["", "é", ""], id="a character of two tokens"),
        pytest.param([b"a\xc3"], (), "a\N{REPLACEMENT CHARACTER}", ["a", "\N{REPLACEMENT CHARACTER}"], id="half"),
        pytest.param([b"ab"], ("",), "ab", ["ab", ""], id="an empty stop stops nothing"),
    ],
)
def test_stop_strings(pieces: list[bytes], stops: tuple[str, ...], text: str, released: list[str]) -> None:
    assert write(pieces, stops) == (text, released)


@given(
    st.text("ab<é", max_size=20), st.lists(st.integers(0, 20)), st.sampled_from([(), ("<",), ("ab<",), ("aa", "ba")])
)
def test_however_the_bytes_are_cut_the_text_is_the_same(text: str, cuts: list[int], stops: tuple[str, ...]) -> None:
    data = text.encode()
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[start:end] for start, end in pairwise(places)]
    found = [text.index(stop) for stop in stops if stop in text]
    written, released = write(pieces, stops)
    assert written == (text[: min(found)] if found else text)
    assert "".join(released) == written
