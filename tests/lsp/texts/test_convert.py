"""Positions, URIs and edits between the protocol and our bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import converters
from lsprotocol import types as lsp
from pygls.workspace import PositionCodec

from lsp.client_edits import with_text_edits
from lsp.offers import FILE, OTHER_FILE, replacing
from sleepy_agent.checksums import sha256_of_text
from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.domain import Edit
from sleepy_lsp.texts.convert import (
    PlacedText,
    byte_range,
    lsp_range,
    path_of_uri,
    text_edits,
    uri_of_path,
    workspace_edit,
)
from sleepy_lsp.texts.line_index import BYTE_ORDER_MARK, line_index

ENCODINGS = ("utf-8", "utf-16", "utf-32")
TEXTS = st.text(st.sampled_from("ab;é\N{CRAB}\n\r\N{ZERO WIDTH NO-BREAK SPACE}\N{LINE SEPARATOR}"), max_size=30)


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("", (0,)),
        ("a", (0,)),
        ("a\n", (0, 2)),
        ("a\r\nb\rc\nd", (0, 3, 5, 7)),
        ("\r\r\n\n", (0, 1, 3, 4)),
        # What Python calls a line end, too, and the protocol does not.
        ("a\x0bb\x0cc\x1cd\x85e\u2028f", (0,)),
    ],
)
def test_lines_end_as_the_protocol_says(text: str, starts: tuple[int, ...]) -> None:
    assert line_index(text.encode()).starts == starts


CRAB = "let é = '\N{CRAB}';\nx\n"


@pytest.mark.parametrize(
    ("encoding", "characters"),
    # Of `let`, of `=`, of the crab, of the quotation mark after it, and of the end of the line.
    [("utf-8", (0, 7, 10, 14, 16)), ("utf-16", (0, 6, 9, 11, 13)), ("utf-32", (0, 6, 9, 10, 12))],
)
def test_characters_are_counted_in_the_units_that_were_agreed_on(encoding: str, characters: Sequence[int]) -> None:
    index = line_index(CRAB.encode())
    offsets = [CRAB.encode().index(words.encode()) for words in ("let", "=", "\N{CRAB}", "';", "\n")]
    assert [index.position(offset, encoding) for offset in offsets] == [(0, character) for character in characters]
    assert [index.offset(0, character, encoding) for character in characters] == offsets


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("line", "character", "offset"),
    [
        (-1, 5, 0),
        (0, -1, 0),
        (0, 999, 16),
        (1, 1, 18),
        (1, 2, 18),
        (2, 0, 19),
        (2, 9, 19),
        (99, 0, 19),
        (0, 10**12, 16),
    ],
)
def test_a_position_outside_moves_into_the_text(encoding: str, line: int, character: int, offset: int) -> None:
    assert line_index(CRAB.encode()).offset(line, character, encoding) == offset


@pytest.mark.parametrize(("encoding", "character"), [("utf-8", 11), ("utf-8", 13), ("utf-16", 10)])
def test_a_position_inside_a_character_is_its_beginning(encoding: str, character: int) -> None:
    assert line_index(CRAB.encode()).offset(0, character, encoding) == CRAB.encode().index("\N{CRAB}".encode())


@given(TEXTS, st.sampled_from(ENCODINGS))
def test_positions_and_offsets_are_each_others_inverse(text: str, encoding: str) -> None:
    content = text.encode()
    index = line_index(content, hidden=0)
    for characters in range(len(text) + 1):
        offset = len(text[:characters].encode())
        if text[characters - 1 : characters + 1] != "\r\n":
            assert index.offset(*index.position(offset, encoding), encoding) == offset


@given(TEXTS, st.sampled_from(ENCODINGS), st.integers(0, 5), st.integers(0, 12))
def test_positions_are_those_of_pygls(text: str, encoding: str, line: int, character: int) -> None:
    lines = text.replace("\N{LINE SEPARATOR}", "").splitlines(keepends=True)
    if line < len(lines):
        codec = PositionCodec(lsp.PositionEncodingKind(encoding))
        whole = codec.position_to_client_units(
            lines, lsp.Position(line, min(character, len(lines[line].rstrip("\r\n"))))
        )
        content = "".join(lines).encode()
        before = len("".join(lines[:line]).encode())
        offset = before + len(lines[line].rstrip("\r\n")[:character].encode())
        assert line_index(content, hidden=0).position(offset, encoding) == (whole.line, whole.character)


def test_a_byte_order_mark_is_not_shown() -> None:
    index = line_index(BYTE_ORDER_MARK + b"fn a() {}\nfn b() {}\n")
    assert index.position(3, "utf-16") == (0, 0)
    assert index.position(0, "utf-16") == (0, 0)
    assert index.offset(0, 3, "utf-16") == 6
    assert index.offset(-3, 0, "utf-16") == 3
    assert index.position(13, "utf-8") == (1, 0)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b.rs", "/a/b.rs"),
        ("file://localhost/a/b.rs", "/a/b.rs"),
        ("FILE:/a/b.rs", "/a/b.rs"),
        ("file:///with%20space/%C3%A9%23.rs", "/with space/é#.rs"),
        ("file:///a/./b.rs", "/a/b.rs"),
        ("file://server/share/b.rs", None),
        ("file:relative.rs", None),
        ("file:///a%00b", None),
        ("untitled:Untitled-1", None),
        ("/a/b.rs", None),
        ("", None),
        ("http://[", None),
        ("git:/a/b.rs?ref=HEAD", None),
    ],
)
def test_uris_of_files(uri: str, path: str | None) -> None:
    assert path_of_uri(uri, windows=False) == (Path(path) if path else None)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///c%3A/a%20b.rs", "C:/a b.rs"),
        ("file:///C:/a.rs", "C:/a.rs"),
        ("file://server/share/a.rs", "\\\\server\\share\\a.rs"),
        ("file:///a.rs", None),
    ],
)
def test_uris_of_windows(uri: str, path: str | None) -> None:
    assert path_of_uri(uri, windows=True) == (Path(path) if path else None)


@given(
    st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1).filter(
        lambda name: name != "."
    )
)
def test_a_path_comes_back_from_its_uri(name: str) -> None:
    path = Path("/a") / name
    assert path_of_uri(uri_of_path(path), windows=False) == path
    assert uri_of_path(path).isascii()


def test_a_path_that_is_no_text_comes_back_from_its_uri() -> None:
    path = Path("/a/\udcff.rs")
    assert uri_of_path(path) == "file:///a/%FF.rs"
    assert path_of_uri("file:///a/%FF.rs", windows=False) == path


def test_ranges_both_ways() -> None:
    index = line_index(CRAB.encode())
    place = lsp.Range(lsp.Position(0, 4), lsp.Position(1, 0))
    assert byte_range(index, place, "utf-16") == (4, 17)
    assert byte_range(index, lsp.Range(place.end, place.start), "utf-16") == (4, 17)
    assert lsp_range(index, 4, 17, "utf-16") == place


@given(
    TEXTS,
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.sampled_from(["", "x", "\n", "é\ny"])), max_size=3),
)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("mark", [b"", BYTE_ORDER_MARK])
def test_a_client_makes_of_our_edits_what_was_compiled(
    mark: bytes, encoding: str, text: str, places: list[tuple[int, int, str]]
) -> None:
    text = text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")
    content = mark + text.encode()
    edits = tuple(
        Edit(FILE, len(mark) + len(text[:start].encode()), len(mark) + len(text[: start + length].encode()), new)
        for start, length, new in places
    )
    after = apply_edits(edits, lambda _: content)
    meets_a_line_end = any(
        content[edit - 1 : edit + 1] == b"\r\n" for one in edits for edit in (one.byte_start, one.byte_end)
    )
    if not isinstance(after, EditConflict) and not (meets_a_line_end and len(edits) > 1):
        assert with_text_edits(content, text_edits(edits, line_index(content), encoding), encoding) == after.get(
            FILE, content
        )


def test_line_ends_of_an_edit_follow_the_file() -> None:
    text = b"a\r\nb\r\n"
    (edit,) = text_edits([replacing(FILE, text, "b", "c\nd")], line_index(text), "utf-16")
    assert edit.new_text == "c\r\nd"


def test_an_edit_that_ends_inside_a_line_end_takes_it_whole() -> None:
    text = b"a b\r\nc\n"
    (edit,) = text_edits([Edit(FILE, 1, 4, "")], line_index(text), "utf-16")
    assert edit == lsp.TextEdit(lsp.Range(lsp.Position(0, 1), lsp.Position(1, 0)), "\n")


TEXT = b"fn a() {}\n"
PLACED = {
    FILE: PlacedText("file:///project/src/lib%2Ers", 7, line_index(TEXT), sha256_of_text(TEXT)),
    OTHER_FILE: PlacedText(uri_of_path(OTHER_FILE), None, line_index(TEXT), sha256_of_text(TEXT)),
}
EDITS = (replacing(FILE, TEXT, "a", "b"), replacing(OTHER_FILE, TEXT, "a", "c"))


def test_edits_carry_the_version_and_the_name_that_the_client_knows() -> None:
    edit = workspace_edit(EDITS, PLACED.get, "utf-16", with_versions=True)
    sent = converters.get_converter().unstructure(edit)
    place = {"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 4}}
    assert sent == {
        "documentChanges": [
            {
                "textDocument": {"uri": "file:///project/src/lib%2Ers", "version": 7},
                "edits": [{"range": place, "newText": "b"}],
            },
            {
                "textDocument": {"uri": "file:///project/src/other.rs", "version": None},
                "edits": [{"range": place, "newText": "c"}],
            },
        ]
    }


def test_clients_without_versions_get_the_plain_map() -> None:
    edit = workspace_edit(EDITS, PLACED.get, "utf-16", with_versions=False)
    assert edit is not None
    assert edit.document_changes is None
    assert edit.changes is not None
    assert list(edit.changes) == ["file:///project/src/lib%2Ers", "file:///project/src/other.rs"]


def test_there_is_no_edit_of_a_file_that_cannot_be_read() -> None:
    assert workspace_edit(EDITS, {FILE: PLACED[FILE]}.get, "utf-16", with_versions=True) is None
