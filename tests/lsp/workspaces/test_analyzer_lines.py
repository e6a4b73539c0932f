"""Whether what rust-analyzer said belongs to the present text."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsp.offers import FILE, known_problem
from sleepy_lsp.workspaces.analyzer_lines import MOST_FILES, AnalyzerLines

LINE = 3
PROBLEMS = {"one": known_problem(FILE, b"\n" * LINE + b"total += 1;\n", "total")}
NOW, BEFORE = 7, 6


@pytest.mark.parametrize(
    ("said", "agrees"),
    [
        ([], False),
        ([(NOW, {LINE})], True),
        ([(None, {LINE})], True),
        ([(BEFORE, {LINE})], False),
        ([(NOW, {LINE + 1})], False),
        # What it was asked for (its own analysis) comes apart from what it publishes (cargo's), and names less.
        ([(NOW, {LINE}), (NOW, set())], True),
        ([(None, {LINE}), (NOW, {9})], True),
    ],
)
def test_it_agrees_where_it_named_the_line_of_a_problem(said: list[tuple[int | None, set[int]]], agrees: bool) -> None:
    lines = AnalyzerLines()
    for version, error_lines in said:
        lines.heard(FILE, version, frozenset(error_lines))
    assert lines.agrees(PROBLEMS, lambda _path: NOW) is agrees


def test_what_was_said_of_another_text_does_not_count() -> None:
    lines = AnalyzerLines()
    lines.heard(FILE, None, frozenset({LINE}))
    lines.text_changed([FILE])
    assert not lines.agrees(PROBLEMS, lambda _path: NOW)


def test_the_files_heard_of_last_are_remembered() -> None:
    lines = AnalyzerLines()
    lines.heard(FILE, None, frozenset({LINE}))
    for number in range(MOST_FILES):
        lines.heard(Path(f"/project/src/other{number}.rs"), None, frozenset())
    assert not lines.agrees(PROBLEMS, lambda _path: NOW)
