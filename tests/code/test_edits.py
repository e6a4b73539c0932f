"""Edits on bytes: what they make of a text, how they combine, where positions go."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.code.edits import (
    EditConflict,
    Moves,
    apply_edits,
    compose,
    edit_between,
    line_edits,
    moves_of,
    unified_diff,
)
from sleepy_agent.domain import Edit

FILE = Path("src/lib.rs")
BYTE_ORDER_MARK = "\ufeff"


def applied(text: bytes, edits: list[Edit]) -> bytes:
    result = apply_edits(edits, lambda _path: text)
    assert not isinstance(result, EditConflict), result
    return result.get(FILE, text)


def edit(start: int, end: int, replacement: str) -> Edit:
    return Edit(FILE, start, end, replacement)


@pytest.mark.parametrize(
    ("before", "edits", "after"),
    [
        ("let x;", [edit(4, 4, "mut ")], "let mut x;"),
        ("abc", [edit(2, 3, "C"), edit(0, 1, "A")], "AbC"),
        ("ab", [edit(1, 1, "1"), edit(1, 1, "2")], "a12b"),
        ("ab", [edit(1, 1, "2"), edit(1, 1, "1")], "a21b"),
        ("abc", [edit(1, 2, "B"), edit(1, 1, "<"), edit(2, 2, ">")], "a<B>c"),
        ("abc", [edit(1, 2, "B"), edit(1, 2, "B")], "aBc"),
        ("abc", [edit(0, 3, "")], ""),
        ("", [edit(0, 0, "mod a;")], "mod a;"),
        ("grüße", [edit(2, 4, "u"), edit(4, 6, "ss")], "grusse"),
        (f"{BYTE_ORDER_MARK}fn f() {{}}", [edit(3, 3, "pub ")], f"{BYTE_ORDER_MARK}pub fn f() {{}}"),
        ("a\r\nb\r\n", [edit(3, 3, "x\ny\n")], "a\r\nx\r\ny\r\nb\r\n"),
        ("a\r\nb\r\n", [edit(3, 3, "x\r\n")], "a\r\nx\r\nb\r\n"),
        ("a\r\nb\n", [edit(3, 3, "x\n")], "a\r\nx\nb\n"),
        ("a\nb\n", [edit(2, 2, "x\n")], "a\nx\nb\n"),
    ],
)
def test_apply(before: str, edits: list[Edit], after: str) -> None:
    assert applied(before.encode(), edits) == after.encode()


@pytest.mark.parametrize(
    "edits",
    [
        [edit(0, 2, "x"), edit(1, 3, "y")],
        [edit(0, 3, "x"), edit(1, 1, "y")],
        [edit(0, 2, "x"), edit(0, 2, "y")],
        [edit(2, 9, "x")],
        [edit(9, 9, "x")],
        [edit(2, 1, "x")],
        [edit(-1, 1, "x")],
    ],
)
def test_what_cannot_be_applied_is_a_conflict(edits: list[Edit]) -> None:
    conflict = apply_edits(edits, lambda _path: b"abc")
    assert isinstance(conflict, EditConflict)
    assert "lib.rs" in conflict.reason


def test_files_do_not_disturb_each_other() -> None:
    other = Path("src/other.rs")
    result = apply_edits([edit(0, 1, "A"), Edit(other, 0, 1, "B")], {FILE: b"a", other: b"b"}.__getitem__)
    assert result == {FILE: b"A", other: b"B"}


# Text with characters of one, two, three and four bytes, on lines of one kind or of both.
characters = st.sampled_from(["a", "}", " ", "é", "—", "🦀", "\n", "\n"])
texts = st.one_of(
    st.text(characters, max_size=24),
    st.text(characters, max_size=24).map(lambda text: text.replace("\n", "\r\n")),
    st.lists(st.sampled_from(["a", "é", "\n", "\r\n"]), max_size=24).map("".join),
)


def cut_points(text: str) -> list[int]:
    """Byte offsets between characters, never inside a CR LF: where rustc's spans begin and end."""
    offsets = [0]
    for position, character in enumerate(text):
        offsets.append(offsets[-1] + len(character.encode()))
        if character == "\n" and text[position - 1 : position] == "\r":
            offsets.pop(-2)
    return offsets


@st.composite
def edits_of(draw: st.DrawFn, text: str) -> list[Edit]:
    """Edits that do not overlap, in any order."""
    points = cut_points(text)
    chosen = sorted(draw(st.lists(st.sampled_from(points), max_size=6)))
    pairs = list(zip(chosen[::2], chosen[1::2], strict=False))
    # A replacement never brings a lone LF into a file of CR LF lines: apply sees to that, whatever it is given.
    edits = [edit(start, end, draw(st.text(characters, max_size=5))) for start, end in pairs]
    return draw(st.permutations(edits))


@given(st.data(), texts)
def test_composed_edits_do_what_one_after_the_other_does(data: st.DataObject, text: str) -> None:
    first = data.draw(edits_of(text))
    middle = applied(text.encode(), first)
    second = data.draw(edits_of(middle.decode()))
    composed = compose(first, second, lambda _path: text.encode())
    assert not isinstance(composed, EditConflict)
    expected = applied(middle, second)
    if text.count("\n") == text.count("\r\n") > 0:
        # Also where the first edits took every line end away, so that the second could not know.
        expected = expected.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert applied(text.encode(), list(composed)) == expected


def test_composing_keeps_files_that_only_one_of_them_touches() -> None:
    other = Path("src/other.rs")
    files = {FILE: b"one\n", other: b"two\n"}
    composed = compose([edit(0, 3, "ONE")], [Edit(other, 0, 3, "TWO")], files.__getitem__)
    assert not isinstance(composed, EditConflict)
    assert apply_edits(composed, files.__getitem__) == {FILE: b"ONE\n", other: b"TWO\n"}


@pytest.mark.parametrize(
    ("first", "second"), [([edit(0, 9, "")], []), ([], [edit(0, 9, "")]), ([edit(0, 3, "")], [edit(2, 3, "x")])]
)
def test_what_cannot_be_composed_is_a_conflict(first: list[Edit], second: list[Edit]) -> None:
    assert isinstance(compose(first, second, lambda _path: b"abc"), EditConflict)


@given(texts, texts)
def test_line_edits_and_one_edit_lead_to_the_text_that_was_meant(before: str, after: str) -> None:
    if before.count("\n") == before.count("\r\n") > 0:
        # Nothing can bring a lone LF into a file of CR LF lines.
        after = after.replace("\r\n", "\n").replace("\n", "\r\n")
    old, new = before.encode(), after.encode()
    assert applied(old, line_edits(FILE, old, new)) == new
    single = edit_between(FILE, old, new)
    assert applied(old, [single]) == new
    # Never splits a character.
    old[: single.byte_start].decode()
    old[single.byte_end :].decode()


def test_line_edits_are_small() -> None:
    before = b"fn a() {}\nfn b() {}\nfn c() {}\n"
    after = b"pub fn a() {}\nfn b() {}\nfn c(x: u8) {}\n"
    assert line_edits(FILE, before, after) == [edit(0, 0, "pub "), edit(25, 25, "x: u8")]


def test_line_edits_of_a_long_file_of_equal_lines_are_quick() -> None:
    # Without cutting off what is equal, comparing 20,000 equal lines takes hours.
    lines = [b"}\n"] * 20_000
    after = [*lines[:10_000], b"fn f() {}\n", *lines[10_000:]]
    edits = line_edits(FILE, b"".join(lines), b"".join(after))
    assert [one.replacement for one in edits] == ["fn f() {}\n"]


def moves_by_character(text: str, edits: list[Edit], start: int, end: int) -> tuple[int, int]:
    """The reference: a place begins with the first byte after it that is kept or put in the place of such a
    byte, and ends with the last."""
    windows_lines = text.count("\n") == text.count("\r\n") > 0
    kept: list[tuple[int, int]] = []  # for each byte of the new text, the stretch of the old one it stands for
    position = 0
    for one in sorted(edits, key=lambda one: (one.byte_start, one.byte_end)):
        kept += [(offset, offset + 1) for offset in range(position, one.byte_start)]
        replacement = one.replacement.replace("\n", "\r\n") if windows_lines else one.replacement
        kept += [(one.byte_start, one.byte_end)] * len(replacement.encode())
        position = one.byte_end
    kept += [(offset, offset + 1) for offset in range(position, len(text.encode()))]
    first = sum(1 for old_start, old_end in kept if old_end <= start and old_start <= start)
    last = len(kept) - sum(1 for old_start, _ in kept if old_start >= end)
    return min(first, last), max(first, last)


@given(st.data(), texts)
def test_moves_agree_with_a_reference(data: st.DataObject, text: str) -> None:
    edits = list(dict.fromkeys(data.draw(edits_of(text))))
    points = cut_points(text)
    start, end = sorted((data.draw(st.sampled_from(points)), data.draw(st.sampled_from(points))))
    moves = moves_of(edits, lambda _path: text.encode())
    assert moves.range(FILE, start, end) == moves_by_character(text, edits, start, end)


@given(st.data(), texts)
def test_places_without_a_change_keep_their_text(data: st.DataObject, text: str) -> None:
    edits = data.draw(edits_of(text))
    points = cut_points(text)
    start, end = sorted((data.draw(st.sampled_from(points)), data.draw(st.sampled_from(points))))
    moves = moves_of(edits, lambda _path: text.encode())
    if not moves.touches(FILE, start, end):
        first, last = moves.range(FILE, start, end)
        assert applied(text.encode(), edits)[first:last] == text.encode()[start:end]


@pytest.mark.parametrize(
    ("place", "moved"),
    [((0, 2), (0, 2)), ((3, 5), (3, 6)), ((4, 8), (3, 9)), ((8, 9), (9, 10)), ((3, 3), (3, 3)), ((9, 9), (10, 12))],
)
def test_moves(place: tuple[int, int], moved: tuple[int, int]) -> None:
    moves = Moves({FILE: ((3, 5, 3), (9, 9, 2))})
    assert moves.range(FILE, *place) == moved
    assert moves.range(Path("src/other.rs"), *place) == place


@pytest.mark.parametrize(
    ("place", "touched"), [((0, 2), False), ((0, 3), True), ((4, 4), True), ((5, 7), True), ((6, 8), False)]
)
def test_touches(place: tuple[int, int], touched: bool) -> None:
    assert Moves({FILE: ((3, 5, 0),)}).touches(FILE, *place) is touched


def test_moves_count_the_line_ends_of_the_file() -> None:
    text = b"a\r\nb\r\n"
    for replacement in ("x\ny\n", "x\r\ny\r\n"):
        moves = moves_of([edit(3, 3, replacement)], lambda _path: text)
        assert moves.range(FILE, 3, 4) == (9, 10)


def test_unified_diff() -> None:
    root = Path("home")
    before = {root / "src/lib.rs": b"a\nb\x0cstill b\nc\n", Path("elsewhere.rs"): b"x\n"}
    after = {root / "src/lib.rs": b"a\nB\xe2\x80\xa8still B\nc\n", Path("elsewhere.rs"): b"x\n"}
    assert unified_diff(before, after, root) == (
        "--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -1,3 +1,3 @@\n a\n-b\x0cstill b\n+B\u2028still B\n c"
    )
