"""Hints stand where a fix is ready, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lsprotocol import types as lsp

from lsp.offers import FILE, OTHER_FILE, fixes_found, known_problem, live_offer, replacing, sha256_of, text_checked
from sleepy_lsp.actions.hints import hint_diagnostics
from sleepy_lsp.texts.convert import PlacedText
from sleepy_lsp.texts.line_index import line_index
from sleepy_lsp.workspaces.board import Board, changed, checked, found

TEXT = "fn main() {\n    let é = 0; é += 1;\n    let count = 0;\n    count += 1;\n}\n".encode()
TEXTS = {FILE: TEXT}
FIRST = known_problem(FILE, TEXT, "é += 1", message="cannot assign twice to `é`\nand more of it", code="E0384")
SECOND = known_problem(FILE, TEXT, "count += 1", code=None, message="expected `;`")
BEST = live_offer(FIRST, TEXTS, replacing(FILE, TEXT, "let é", "let mut é"), title="make `é` mutable")
NEXT = live_offer(FIRST, TEXTS, replacing(FILE, TEXT, "é += 1", ""), title="do not count `é`")
MEND = live_offer(SECOND, TEXTS, replacing(FILE, TEXT, "let count", "let mut count"), title="make `count` mutable")


def text_of(path: Path) -> PlacedText | None:
    text = TEXTS.get(path)
    return None if text is None else PlacedText(path.as_uri(), 1, line_index(text), sha256_of(text))


def board() -> Board:
    start = checked(replace(Board(), generation=1), text_checked(1, FIRST, SECOND))
    # What is found last stands first in the text.
    return found(found(start, fixes_found(1, MEND)), fixes_found(1, BEST, NEXT))


def test_a_hint_says_the_error_in_short_and_what_the_best_fix_does() -> None:
    first, second = hint_diagnostics(board(), FILE, text_of, "utf-16")
    assert first == lsp.Diagnostic(
        range=lsp.Range(lsp.Position(1, 15), lsp.Position(1, 21)),
        severity=lsp.DiagnosticSeverity.Hint,
        code="E0384",
        source="sleepy",
        message="cannot assign twice to `é`\nSleepy: make `é` mutable (rustc accepts it)",
        data={"sleepy": {"problemId": FIRST.problem_id, "offerId": BEST.offer_id}},
    )
    assert (second.range.start, second.code) == (lsp.Position(3, 4), None)
    assert second.message == "expected `;`\nSleepy: make `count` mutable (rustc accepts it)"


def test_places_are_counted_in_the_units_of_the_client() -> None:
    (first, _) = hint_diagnostics(board(), FILE, text_of, "utf-8")
    assert first.range == lsp.Range(lsp.Position(1, 16), lsp.Position(1, 23))


def test_there_is_no_hint_without_a_fix_that_holds() -> None:
    assert hint_diagnostics(changed(board(), [FILE]), FILE, text_of, "utf-16") == []
    assert hint_diagnostics(board(), OTHER_FILE, text_of, "utf-16") == []
    assert hint_diagnostics(board(), FILE, lambda path: None, "utf-16") == []
    only_problems = checked(replace(Board(), generation=1), text_checked(1, FIRST, SECOND))
    assert hint_diagnostics(only_problems, FILE, text_of, "utf-16") == []


def test_a_hint_follows_what_comes_to_be_the_best() -> None:
    (first, _) = hint_diagnostics(found(board(), fixes_found(1, NEXT)), FILE, text_of, "utf-16")
    assert "do not count `é`" in first.message
