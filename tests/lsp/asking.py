"""A board with two problems, and a client that asks for actions: what the tests of code actions share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from lsprotocol import types as lsp

from lsp.offers import (
    FILE,
    OTHER_FILE,
    bundle_of,
    fixes_found,
    known_problem,
    live_offer,
    replacing,
    sha256_of,
    span_at,
)
from sleepy_agent.live.messages import BundleKind, FixBundle, LiveOffer, Trigger
from sleepy_lsp.actions.abilities import ClientAbilities
from sleepy_lsp.actions.code_actions import code_actions
from sleepy_lsp.texts.convert import PlacedText, TextOf
from sleepy_lsp.texts.line_index import line_index
from sleepy_lsp.workspaces.board import Board, found

TEXT = b"fn main() {\n    let total = 0;\n    total += 1;\n    let count = 0;\n    count += 1;\n}\n"
OTHER_TEXT = b"pub fn other() {}\n"
TEXTS = {FILE: TEXT, OTHER_FILE: OTHER_TEXT}
URI = "file:///project/src/lib.rs"
TOTAL = known_problem(
    FILE, TEXT, "total += 1", others=(span_at(FILE, TEXT, "let total", "not mutable", is_primary=False),)
)
COUNT = known_problem(FILE, TEXT, "count += 1", message="cannot borrow `count` as mutable")
MUT_TOTAL = live_offer(TOTAL, TEXTS, replacing(FILE, TEXT, "let total", "let mut total"))
SHADOW_TOTAL = live_offer(
    TOTAL,
    TEXTS,
    replacing(FILE, TEXT, "total += 1", "let total = total + 1"),
    title="shadow `total`",
    preferred=False,
    source="template",
    flags=("clone", "stub"),
    method="cargo",
)
MUT_COUNT = live_offer(COUNT, TEXTS, replacing(FILE, TEXT, "let count", "let mut count"), title="make `count` mutable")
BOTH = bundle_of([MUT_TOTAL, MUT_COUNT], TEXTS)
OF_KIND = bundle_of([MUT_TOTAL, MUT_COUNT], TEXTS, BundleKind.KIND, "E0596")

PLAIN = ClientAbilities(takes_code_actions=True, knows_preferred=True, takes_versions=True)
RESOLVING = replace(PLAIN, keeps_data=True, resolves=frozenset({"edit"}))
RESOLVING_ALL = replace(RESOLVING, resolves=frozenset({"edit", "command"}))
NOT_THIS = "Sleepy: not this fix"
EXPLAIN = "Sleepy: explain E0596"


def board_with(*offers: LiveOffer, bundles: tuple[FixBundle, ...] = ()) -> Board:
    board = replace(Board(), generation=1)
    return found(board, fixes_found(1, *offers, bundles=bundles, trigger=Trigger.RUST_ANALYZER))


BOARD = board_with(MUT_TOTAL, SHADOW_TOTAL, MUT_COUNT)


def text_of(path: Path) -> PlacedText | None:
    version = 7 if path == FILE else None
    uri = f"file://{path}"
    return PlacedText(uri, version, line_index(TEXTS[path]), sha256_of(TEXTS[path])) if path in TEXTS else None


def at(line: int, character: int, end_line: int | None = None, end_character: int | None = None) -> lsp.Range:
    """A cursor, or a selection."""
    last = line if end_line is None else end_line
    return lsp.Range(
        lsp.Position(line, character), lsp.Position(last, character if end_character is None else end_character)
    )


def error_at(place: lsp.Range, code: str | int | None = "E0596", source: str = "rustc") -> lsp.Diagnostic:
    return lsp.Diagnostic(place, "said by rust-analyzer", code=code, source=source)


def ask(
    place: lsp.Range,
    *,
    diagnostics: Iterable[lsp.Diagnostic] = (),
    only: list[str] | None = None,
    board: Board = BOARD,
    abilities: ClientAbilities = PLAIN,
    path: Path = FILE,
    texts: TextOf = text_of,
) -> list[lsp.CodeAction]:
    return code_actions(board, path, place, lsp.CodeActionContext(list(diagnostics), only=only), texts, abilities)


def titles(actions: Iterable[lsp.CodeAction]) -> list[str]:
    return [action.title for action in actions]


FIX_TOTAL = "Sleepy: make `total` mutable (rustc accepts it)"
FIX_COUNT = "Sleepy: make `count` mutable (rustc accepts it)"
OTHER_TOTAL = (
    "Sleepy: shadow `total` (cargo check accepts it; copies the value with `clone`; "
    "leaves a stub that panics when it is reached)"
)
NOT_TOTAL = "Sleepy: not this fix (make `total` mutable)"
NOT_COUNT = "Sleepy: not this fix (make `count` mutable)"
