"""Hint diagnostics: here a fix is ready. For editors that ask for actions only where a diagnostic stands, or not at all
until something tells them to.

Source: LSP 3.17, `Diagnostic`, `DiagnosticSeverity.Hint`: shown without a squiggle, so that rust-analyzer's error
beside it stays what the eye sees.
"""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types as lsp

from sleepy_lsp.actions.code_actions import hashes
from sleepy_lsp.actions.words import offer_title, one_line
from sleepy_lsp.texts.convert import TextOf, lsp_range
from sleepy_lsp.texts.line_index import LineIndex
from sleepy_lsp.workspaces.board import Board, HeldOffers, valid_offers

SOURCE = "sleepy"


def hint_diagnostics(board: Board, path: Path, text_of: TextOf, encoding: str) -> list[lsp.Diagnostic]:
    """One hint for each problem of a file that has a fix now, in the order of the text."""
    text = text_of(path)
    if text is None:
        return []
    return [hint_of(held, text.index, encoding) for held in valid_offers(board, path, hashes(text_of))]


def hint_of(held: HeldOffers, index: LineIndex, encoding: str) -> lsp.Diagnostic:
    """The error in short, and what the best offer does about it."""
    best = held.offers[0]
    return lsp.Diagnostic(
        range=lsp_range(index, *held.places[0], encoding),
        severity=lsp.DiagnosticSeverity.Hint,
        code=held.problem.code,
        source=SOURCE,
        message=f"{first_line(held.problem.message)}\n{offer_title(best)}",
        data={"sleepy": {"problemId": held.problem_id, "offerId": best.offer_id}},
    )


def first_line(message: str) -> str:
    """The first line of a compiler's message."""
    return one_line(message.strip().partition("\n")[0])
