"""A text kept as lines changes exactly as the whole text does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_lsp.proxy.folding import change_lines, lines_of
from sleepy_lsp.texts.content_changes import apply_content_changes

TEXTS = st.text(alphabet=st.sampled_from("ab\r\n\u2028é🦀"), max_size=12)
POSITIONS = st.fixed_dictionaries({"line": st.integers(0, 8), "character": st.integers(0, 6)})
CHANGES = st.one_of(
    st.fixed_dictionaries({"text": TEXTS}),
    st.fixed_dictionaries({"text": TEXTS, "range": st.fixed_dictionaries({"start": POSITIONS, "end": POSITIONS})}),
)
ODD_CHANGES: list[Any] = [
    None,
    5,
    {},
    {"text": 5},
    {"text": "x", "range": 5},
    {"text": "x", "range": {"start": {"line": 0, "character": 0}}},
    {"text": "x", "range": {"start": {"line": -1, "character": 0}, "end": {"line": 0, "character": 0}}},
    {"text": "x", "range": {"start": {"line": 0, "character": 0}, "end": {"line": "0", "character": 0}}},
    {"text": "x", "range": {"start": {"line": 1}, "end": {"line": 1, "character": 0}}},
    {"text": "x", "range": {"start": {"line": 0, "character": -1}, "end": {"line": 10**12, "character": 10**12}}},
]


@given(TEXTS, st.lists(CHANGES, max_size=6), st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_lines_change_as_the_text_does(text: str, changes: list[Any], encoding: str) -> None:
    lines = lines_of(text)
    for change in changes:
        change_lines(lines, change, encoding)
    whole = apply_content_changes(text, changes, encoding)
    assert "".join(lines) == whole
    assert lines == lines_of(whole), "the lines are not where they seem to be"


@pytest.mark.parametrize("change", ODD_CHANGES, ids=str)
def test_odd_changes_do_what_they_do_to_the_whole_text(change: Any) -> None:
    text = "one\ntwo\r\nthree"
    lines = lines_of(text)
    change_lines(lines, change, "utf-16")
    assert "".join(lines) == apply_content_changes(text, [change], "utf-16")


def test_a_change_looks_only_at_the_lines_it_touches(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def noting(text: str, changes: Any, encoding: str) -> str:
        seen.append(text)
        return apply_content_changes(text, changes, encoding)

    monkeypatch.setattr("sleepy_lsp.proxy.folding.apply_content_changes", noting)
    lines = [f"line {number}\n" for number in range(10_000)] + [""]
    places = {"start": {"line": 5000, "character": 0}, "end": {"line": 5001, "character": 2}}
    change_lines(lines, {"range": places, "text": "x"}, "utf-8")
    assert seen == ["line 5000\nline 5001\n"]
    assert lines[4999:5002] == ["line 4999\n", "xne 5001\n", "line 5002\n"]
