"""What the editor shows, after anything that an editor may send."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types as lsp
from pygls.workspace import PositionCodec, TextDocument

from sleepy_lsp.texts.content_changes import apply_content_changes
from sleepy_lsp.texts.convert import uri_of_path
from sleepy_lsp.texts.documents import Documents
from sleepy_lsp.texts.line_index import BYTE_ORDER_MARK

URI = "file:///project/src/lib.rs"
PATH = Path("/project/src/lib.rs")


def change(start: tuple[int, int], end: tuple[int, int], text: str) -> dict[str, object]:
    """A content change as JSON has it."""
    ends = {name: {"line": line, "character": at} for name, (line, at) in (("start", start), ("end", end))}
    return {"range": ends, "text": text}


@pytest.mark.parametrize(
    ("text", "changes", "after"),
    [
        ("abc\ndef\n", [change((0, 1), (1, 1), "X")], "aXef\n"),
        ("abc", [change((0, 1), (0, 2), ""), change((0, 1), (0, 1), "é"), change((0, 2), (0, 2), "!")], "aé!c"),
        ("a\r\nb\r\n", [change((1, 0), (1, 1), "c\r\nd")], "a\r\nc\r\nd\r\n"),
        ("old", [{"text": "new\n"}, change((1, 0), (1, 0), "x")], "new\nx"),
        ("abc", [change((0, 9), (9, 9), "!")], "abc!"),
        ("abc", [change((-5, 0), (0, 1), "!")], "!bc"),
        ("abc", [change((0, 2), (0, 1), "!")], "a!c"),
        ("", [change((0, 0), (0, 0), "x")], "x"),
        ("a\N{CRAB}b", [change((0, 3), (0, 4), "")], "a\N{CRAB}"),
        ("a", [{"text": "\ud83d"}], "\N{REPLACEMENT CHARACTER}"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}a", [change((0, 1), (0, 2), "b")], "\N{ZERO WIDTH NO-BREAK SPACE}b"),
        ("a\n", [change((0, 1), (0, 1), "\r")], "a\r\n"),
    ],
)
def test_changes_are_made_one_after_the_other(text: str, changes: list[object], after: str) -> None:
    assert apply_content_changes(text, changes, "utf-16") == after


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        7,
        "text",
        [],
        {},
        {"text": 5},
        {"text": None},
        {"text": "x", "range": 3},
        {"text": "x", "range": {}},
        {"text": "x", "range": {"start": {"line": 0, "character": 0}}},
        {"text": "x", "range": {"start": {"line": "0", "character": 0}, "end": {"line": 0, "character": 0}}},
        {"text": "x", "range": {"start": {"line": 0.5, "character": 0}, "end": {"line": 0, "character": 0}}},
        {"text": "x", "range": {"start": [], "end": None}},
    ],
)
def test_a_change_that_is_none_is_left_out(nonsense: object) -> None:
    assert apply_content_changes("abc", [nonsense, change((0, 0), (0, 1), "X")], "utf-16") == "Xbc"


POSITIONS = st.tuples(st.integers(0, 4), st.integers(0, 6))


@given(
    st.text(st.sampled_from("ab\N{CRAB}é\n"), max_size=20),
    st.lists(st.tuples(POSITIONS, POSITIONS, st.text(st.sampled_from("xé\N{CRAB}\n"), max_size=4)), max_size=4),
    st.sampled_from(["utf-8", "utf-16", "utf-32"]),
)
def test_changes_are_made_as_pygls_makes_them(
    text: str, changes: list[tuple[tuple[int, int], tuple[int, int], str]], encoding: str
) -> None:
    """Only where the positions lie in the text and on characters: elsewhere pygls decides otherwise."""
    theirs = TextDocument(URI, text, position_codec=PositionCodec(lsp.PositionEncodingKind(encoding)))
    ours = text
    for one, other, new in changes:
        lines = ours.split("\n")
        start, end = sorted((min(line, len(lines) - 1), character) for line, character in (one, other))
        start, end = sorted(
            (line, len(units(lines[line][: min(character, len(lines[line]))], encoding)))
            for line, character in (start, end)
        )
        ours = apply_content_changes(ours, [change(start, end, new)], encoding)
        theirs.apply_change(
            lsp.TextDocumentContentChangePartial(lsp.Range(lsp.Position(*start), lsp.Position(*end)), new)
        )
        assert ours == theirs.source


def units(text: str, encoding: str) -> list[bytes]:
    """The units of a text in an encoding."""
    name, width = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding]
    content = text.encode(name)
    return [content[at : at + width] for at in range(0, len(content), width)]


def test_a_document_from_open_to_close() -> None:
    documents = Documents("utf-8")
    opened = documents.open(URI, "rust", 1, "é\n")
    assert (opened.path, opened.version, opened.content, opened.text) == (PATH, 1, "é\n".encode(), "é\n")
    changed = documents.change(URI, 2, [change((0, 0), (0, 2), "e")])
    assert changed is not None
    assert (changed.version, changed.content) == (2, b"e\n")
    assert changed.sha256 == hashlib.sha256(b"e\n").hexdigest()
    assert documents.get(URI) == documents.at(PATH) == changed
    assert documents.all() == (changed,)
    assert documents.close(URI) == changed
    assert documents.get(URI) is documents.at(PATH) is documents.close(URI) is None
    assert documents.all() == ()


def test_a_change_of_a_document_that_is_not_open_is_nothing() -> None:
    documents = Documents()
    assert documents.change(URI, 1, [{"text": "x"}]) is None
    assert documents.save(URI, b"x") is None
    assert documents.all() == ()


@pytest.mark.parametrize("version", [None, 1, 5])
def test_a_version_may_be_missing_or_go_backwards(version: int | None) -> None:
    documents = Documents()
    documents.open(URI, "rust", 5, "a")
    changed = documents.change(URI, version, [{"text": "b"}])
    assert changed is not None
    assert (changed.version, changed.text) == (version, "b")


def test_the_same_file_may_be_spelled_in_two_ways() -> None:
    documents = Documents()
    documents.open("file:///project/src/lib%2Ers", "rust", 1, "a")
    assert documents.change(URI, 2, [{"text": "b"}]) is not None
    kept = documents.get("file:///project/src/lib%2Ers")
    assert kept is not None
    # The client's own spelling goes back to it.
    assert (kept.uri, kept.text) == ("file:///project/src/lib%2Ers", "b")


def test_a_document_that_is_no_file_is_kept_by_its_name() -> None:
    documents = Documents()
    assert documents.open("untitled:1", "rust", 1, "a").path is None
    changed = documents.change("untitled:1", 2, [{"text": "b"}])
    assert changed is not None
    assert changed.text == "b"
    assert documents.close("untitled:1") is not None


def test_a_byte_order_mark_that_the_editor_hides_is_written() -> None:
    documents = Documents("utf-16")
    opened = documents.open(URI, "rust", 1, "abc", on_disk=BYTE_ORDER_MARK + b"old")
    assert (opened.content, opened.text) == (BYTE_ORDER_MARK + b"abc", "abc")
    for sent, after in ((change((0, 0), (0, 1), "X"), "Xbc"), ({"text": "whole"}, "whole")):
        changed = documents.change(URI, 2, [sent])
        assert changed is not None
        assert (changed.content, changed.text) == (BYTE_ORDER_MARK + after.encode(), after)
    saved = documents.save(URI, b"whole")
    assert saved is not None
    assert (saved.content, saved.sha256) == (b"whole", hashlib.sha256(b"whole").hexdigest())


def test_a_byte_order_mark_that_the_editor_shows_counts() -> None:
    documents = Documents("utf-16")
    marked = "\N{ZERO WIDTH NO-BREAK SPACE}abc"
    assert documents.open(URI, "rust", 1, marked, on_disk=marked.encode()).content == marked.encode()
    changed = documents.change(URI, 2, [change((0, 1), (0, 2), "X")])
    assert changed is not None
    assert changed.content == BYTE_ORDER_MARK + b"Xbc"


def test_texts_are_those_of_the_editor_before_those_of_the_disk(tmp_path: Path) -> None:
    opened, closed = tmp_path / "opened.rs", tmp_path / "closed.rs"
    opened.write_bytes(b"on disk")
    closed.write_bytes(b"on disk")
    documents = Documents()
    documents.open(uri_of_path(opened), "rust", 3, "shown")
    text_of = documents.texts()
    shown, read, missing = text_of(opened), text_of(closed), text_of(tmp_path / "missing.rs")
    assert shown is not None
    assert (shown.index.text, shown.version, shown.uri) == (b"shown", 3, uri_of_path(opened))
    assert read is not None
    assert (read.index.text, read.version, read.sha256) == (b"on disk", None, hashlib.sha256(b"on disk").hexdigest())
    assert missing is None
    assert text_of(tmp_path) is None


def test_a_file_is_read_once_for_a_request() -> None:
    reads: list[Path] = []

    def read(path: Path) -> bytes:
        reads.append(path)
        return b"x"

    text_of = Documents().texts(read)
    assert text_of(PATH) == text_of(PATH)
    assert reads == [PATH]
