"""What is offered for a place in a text, to which client, and what becomes of it when it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from lsprotocol import types as lsp

from lsp.asking import (
    BOARD,
    BOTH,
    EXPLAIN,
    FIX_COUNT,
    FIX_TOTAL,
    MUT_COUNT,
    MUT_TOTAL,
    NOT_COUNT,
    NOT_THIS,
    NOT_TOTAL,
    OTHER_TOTAL,
    PLAIN,
    RESOLVING,
    RESOLVING_ALL,
    SHADOW_TOTAL,
    TEXT,
    TEXTS,
    TOTAL,
    URI,
    ask,
    at,
    board_with,
    error_at,
    text_of,
    titles,
)
from lsp.client_edits import with_workspace_edit
from lsp.offers import (
    FILE,
    OTHER_FILE,
    fixes_found,
    known_problem,
    live_offer,
    replacing,
    sha256_of,
)
from sleepy_agent.live.messages import LiveOffer
from sleepy_lsp.actions import matching
from sleepy_lsp.actions.abilities import ClientAbilities, abilities_of
from sleepy_lsp.actions.code_actions import MOST_OFFERS, MOST_PROBLEMS, Stale, resolve_code_action
from sleepy_lsp.texts.convert import PlacedText, TextOf
from sleepy_lsp.texts.line_index import line_index
from sleepy_lsp.workspaces.board import Board, changed, found


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        # On the place itself, at its edges, and elsewhere on its line.
        (at(2, 6), [FIX_TOTAL, OTHER_TOTAL, NOT_TOTAL, EXPLAIN]),
        (at(2, 4), [FIX_TOTAL, OTHER_TOTAL, NOT_TOTAL, EXPLAIN]),
        (at(2, 14), [FIX_TOTAL, OTHER_TOTAL, NOT_TOTAL, EXPLAIN]),
        (at(2, 0), [FIX_TOTAL, OTHER_TOTAL, NOT_TOTAL, EXPLAIN]),
        (at(4, 999), [FIX_COUNT, NOT_THIS, EXPLAIN]),
        # A label alone is no place to offer at: no diagnostic of the request stands there.
        (at(1, 5), []),
        (at(3, 0), []),
        (at(99, 0), []),
        # A selection: what is nearest to its beginning comes first.
        (at(0, 0, 9, 0), [FIX_TOTAL, OTHER_TOTAL, FIX_COUNT, NOT_TOTAL, NOT_COUNT, EXPLAIN, EXPLAIN]),
        (at(4, 5, 2, 5), [FIX_TOTAL, OTHER_TOTAL, FIX_COUNT, NOT_TOTAL, NOT_COUNT, EXPLAIN, EXPLAIN]),
    ],
)
def test_what_is_offered_where(place: lsp.Range, expected: list[str]) -> None:
    assert titles(ask(place)) == expected


@pytest.mark.parametrize(
    ("diagnostic", "is_matched"),
    [
        (error_at(at(2, 4, 2, 14)), True),
        (error_at(at(2, 6, 2, 7)), True),
        # rust-analyzer's hint at what is only a label of ours.
        (error_at(at(1, 4, 1, 13)), True),
        (error_at(at(2, 4, 2, 14), code="E0382"), False),
        (error_at(at(2, 4, 2, 14), code=596), False),
        (error_at(at(2, 4, 2, 14), code=None), False),
        (error_at(at(0, 0, 0, 2)), False),
        (error_at(at(2, 4, 2, 14), source="sleepy"), True),
    ],
)
def test_diagnostics_of_the_request_are_matched_by_code_and_place(diagnostic: lsp.Diagnostic, is_matched: bool) -> None:
    actions = ask(at(0, 0), diagnostics=[diagnostic])
    assert titles(actions) == ([FIX_TOTAL, OTHER_TOTAL, NOT_TOTAL, EXPLAIN] if is_matched else [])
    assert all(action.diagnostics == [diagnostic] for action in actions)


def test_an_error_without_a_code_is_matched_too() -> None:
    known = known_problem(FILE, TEXT, "total += 1", code=None)
    offer = live_offer(known, TEXTS, replacing(FILE, TEXT, "total += 1", "0"))
    diagnostic = error_at(at(2, 4, 2, 5), code=None)
    actions = ask(at(0, 0), diagnostics=[diagnostic], board=board_with(offer))
    assert [action.diagnostics for action in actions] == [[diagnostic]] * 3
    assert actions[-1].title == "Sleepy: explain this error"


def test_each_action_says_what_it_is() -> None:
    first, second, dismiss, explain = ask(at(2, 4))
    assert first.data == {
        "sleepy": {
            "problemId": TOTAL.problem_id,
            "offerId": MUT_TOTAL.offer_id,
            "source": "compiler",
            "proof": "replay",
            "flags": [],
            "trigger": "rust-analyzer",
            "generation": 1,
        }
    }
    assert isinstance(second.data, dict)
    assert second.data["sleepy"]["flags"] == ["clone", "stub"]
    assert [action.kind for action in (first, second, dismiss, explain)] == ["quickfix"] * 4
    assert first.command == lsp.Command(FIX_TOTAL, "sleepy.applied", arguments=[MUT_TOTAL.offer_id])
    assert dismiss.command == lsp.Command(NOT_TOTAL, "sleepy.dismiss", arguments=[MUT_TOTAL.offer_id])
    assert explain.command == lsp.Command(EXPLAIN, "sleepy.explain", arguments=[TOTAL.problem_id])


def test_at_most_one_action_of_a_problem_is_preferred() -> None:
    also_preferred = replace(SHADOW_TOTAL, fix=replace(SHADOW_TOTAL.fix, preferred=True))
    actions = ask(at(0, 0, 9, 0), board=board_with(MUT_TOTAL, also_preferred, MUT_COUNT, bundles=(BOTH,)))
    assert [action.title for action in actions if action.is_preferred] == [FIX_TOTAL, FIX_COUNT]


@pytest.mark.parametrize(
    "offer",
    [replace(MUT_TOTAL, is_provisional=True), replace(MUT_TOTAL, fix=replace(MUT_TOTAL.fix, preferred=False))],
)
def test_what_may_not_be_applied_unasked_is_not_preferred(offer: LiveOffer) -> None:
    assert [action.is_preferred for action in ask(at(2, 4), board=board_with(offer))] == [None] * 3


def test_a_client_that_cannot_resolve_gets_the_edit_at_once() -> None:
    for abilities in (PLAIN, replace(RESOLVING, keeps_data=False), replace(RESOLVING, resolves=frozenset({"command"}))):
        (first, *_) = ask(at(2, 4), abilities=abilities)
        assert first.edit is not None
        after = with_workspace_edit(TEXTS, {FILE: 7}, first.edit, "utf-16")
        assert after == {FILE: TEXT.replace(b"let total", b"let mut total")}
        assert first.command is not None


def test_a_client_without_versions_gets_the_plain_map() -> None:
    (first, *_) = ask(at(2, 4), abilities=replace(PLAIN, takes_versions=False))
    assert first.edit is not None
    assert first.edit.document_changes is None
    assert list(first.edit.changes or ()) == [URI]


def test_the_edit_comes_when_the_action_is_chosen() -> None:
    (first, *_) = ask(at(2, 4), abilities=RESOLVING)
    assert first.edit is None
    assert first.command is not None
    resolved = resolve_code_action(BOARD, first, text_of, RESOLVING)
    assert isinstance(resolved, lsp.CodeAction)
    assert resolved.edit is not None
    assert with_workspace_edit(TEXTS, {FILE: 7}, resolved.edit, "utf-16")[FILE] != TEXT
    assert resolved.command == lsp.Command(FIX_TOTAL, "sleepy.applied", arguments=[MUT_TOTAL.offer_id])


def test_the_command_comes_with_the_edit_where_the_client_can_wait_for_it() -> None:
    """A client that is told that an action is stale may still run its command: "applied" would be a lie."""
    (first, _, dismiss, _) = ask(at(2, 4), abilities=RESOLVING_ALL)
    assert first.command is None
    resolved = resolve_code_action(BOARD, first, text_of, RESOLVING_ALL)
    assert isinstance(resolved, lsp.CodeAction)
    assert resolved.command == lsp.Command(FIX_TOTAL, "sleepy.applied", arguments=[MUT_TOTAL.offer_id])
    # What is only a command has it at once; Neovim resolves it nevertheless.
    assert resolve_code_action(BOARD, dismiss, text_of, RESOLVING_ALL) == dismiss
    assert dismiss.command is not None


def elsewhere(path: Path) -> PlacedText | None:
    """The texts after somebody changed the file, of which nobody told."""
    text = TEXT.replace(b"total", b"whole")
    return PlacedText(URI, 8, line_index(text), sha256_of(text)) if path == FILE else None


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        (lambda board: changed(board, [FILE]), text_of),
        (lambda board: board, elsewhere),
        (lambda board: board, lambda path: None),
        (lambda board: Board(), text_of),
        (lambda board: found(board, fixes_found(1, problem_ids=(TOTAL.problem_id,))), text_of),
    ],
    ids=["edited", "changed in silence", "deleted", "another server", "found to be none"],
)
@pytest.mark.parametrize("number", [0, 1, 2], ids=["fix", "alternative", "bundle"])
def test_a_stale_action_has_no_edit(change: Callable[[Board], Board], texts: TextOf, number: int) -> None:
    board = board_with(MUT_TOTAL, SHADOW_TOTAL, MUT_COUNT, bundles=(BOTH,))
    action = ask(at(2, 4), board=board, abilities=RESOLVING)[number]
    assert isinstance(resolve_code_action(board, action, text_of, RESOLVING), lsp.CodeAction)
    action.edit = None
    stale = resolve_code_action(change(board), action, texts, RESOLVING)
    assert isinstance(stale, Stale)
    assert "changed" in stale.message
    assert action.edit is None
    offered = [one for one in ask(at(2, 4), board=change(board), texts=texts) if one.edit is not None]
    assert offered == []


def test_a_fix_that_was_found_again_is_as_good_as_the_one_that_was_shown() -> None:
    (first, *_) = ask(at(2, 4), abilities=RESOLVING)
    board = found(changed(BOARD, [FILE]), fixes_found(2, MUT_TOTAL))
    assert isinstance(resolve_code_action(board, first, text_of, RESOLVING), lsp.CodeAction)


@pytest.mark.parametrize("data", [None, 5, "text", [], {}, {"sleepy": 5}, {"sleepy": {"offerId": 5}}, {"other": {}}])
def test_an_action_that_is_not_ours_stays_as_it_is(data: object) -> None:
    action = lsp.CodeAction("of somebody", data=data)
    assert resolve_code_action(BOARD, action, text_of, RESOLVING) == lsp.CodeAction("of somebody", data=data)


def test_clients_that_only_take_commands_get_nothing() -> None:
    assert ask(at(2, 4), abilities=ClientAbilities()) == []


def test_a_client_that_does_not_know_preferred_actions_is_not_told() -> None:
    assert ask(at(2, 4), abilities=replace(PLAIN, knows_preferred=False))[0].is_preferred is None
    assert ask(at(2, 4))[0].is_preferred


def test_a_file_of_which_nothing_is_known() -> None:
    assert ask(at(0, 0), path=OTHER_FILE) == []
    assert ask(at(0, 0), path=Path("/project/missing.rs")) == []


def test_one_change_that_mends_two_problems_is_offered_once() -> None:
    same = replace(MUT_COUNT, fix=replace(MUT_COUNT.fix, candidate=MUT_TOTAL.fix.candidate))
    diagnostics = [error_at(at(2, 4, 2, 14)), error_at(at(4, 4, 4, 14))]
    actions = ask(at(0, 0, 9, 0), board=board_with(MUT_TOTAL, same), diagnostics=diagnostics)
    assert titles(actions)[0] == "Sleepy: make `total` mutable: `let mut total = 0;` (rustc accepts it)"
    assert [action.diagnostics for action in actions if action.edit] == [diagnostics]


def test_an_answer_stays_small_and_cheap_where_there_are_a_thousand_problems() -> None:
    text = b"".join(b"let v%d = 0;\nv%d += 1;\n" % (number, number) for number in range(1000))
    texts = {FILE: text}
    offers = []
    for number in range(1000):
        known = known_problem(FILE, text, f"v{number} += 1")
        offers += [
            live_offer(
                known, texts, replacing(FILE, text, f"let v{number} ", f"{new} v{number} "), title=f"{new} `v{number}`"
            )
            for new in ("let mut", "static mut", "const", "a", "b", "c", "d", "e")[: 8 if number < 30 else 1]
        ]
    board = board_with(*offers)
    asked: list[Path] = []
    placed = PlacedText(URI, 1, line_index(text), sha256_of(text))

    def counting(path: Path) -> PlacedText | None:
        asked.append(path)
        return placed

    one_line = ask(at(1001, 2), board=board, texts=counting)
    assert titles(one_line) == ["Sleepy: let mut `v500` (rustc accepts it)", NOT_THIS, EXPLAIN]
    # The text itself, the hash of each offer, the edit of each action: nothing for the other 999.
    assert len(asked) <= 4
    asked.clear()
    all_lines = ask(at(0, 0, 5000, 0), board=board, texts=counting)
    assert sum(action.edit is not None for action in all_lines) == MOST_PROBLEMS * MOST_OFFERS
    assert len(asked) <= 1 + 2 * MOST_PROBLEMS * 8


def test_abilities_are_those_that_the_client_declared() -> None:
    literal = lsp.ClientCodeActionLiteralOptions(lsp.ClientCodeActionKindOptions(["quickfix"]))
    capabilities = lsp.ClientCapabilities(
        text_document=lsp.TextDocumentClientCapabilities(
            code_action=lsp.CodeActionClientCapabilities(
                code_action_literal_support=literal,
                is_preferred_support=True,
                data_support=True,
                resolve_support=lsp.ClientCodeActionResolveOptions(["edit", "command"]),
            )
        ),
        workspace=lsp.WorkspaceClientCapabilities(
            workspace_edit=lsp.WorkspaceEditClientCapabilities(document_changes=True)
        ),
    )
    abilities = abilities_of(capabilities, "utf-8")
    assert abilities == replace(RESOLVING_ALL, encoding="utf-8")
    assert (abilities.resolves_edits, abilities.resolves_commands) == (True, True)
    assert abilities_of(lsp.ClientCapabilities(), "utf-16") == ClientAbilities()
    assert not replace(abilities, resolves=frozenset({"command"})).resolves_commands


def test_thousands_of_diagnostics_are_not_compared_with_thousands_of_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"".join(b"v%d += 1;\n" % number for number in range(1000))
    known = [known_problem(FILE, text, f"v{number} += 1") for number in range(1000)]
    offers = [live_offer(one, {FILE: text}, replacing(FILE, text, f"v{at} ", "w ")) for at, one in enumerate(known)]
    diagnostics = [error_at(at(number, 0, number, 2)) for number in range(1000)]
    # One that is longer than all others: it must be found as well.
    diagnostics.append(error_at(at(0, 0, 999, 0)))
    index = line_index(text)
    compared = 0

    def counting(one: tuple[int, int], other: tuple[int, int]) -> bool:
        nonlocal compared
        compared += 1
        return one[0] <= other[1] and other[0] <= one[1]

    monkeypatch.setattr(matching, "touch", counting)
    asked = matching.asked_problems(board_with(*offers), FILE, index, at(0, 0, 1000, 0), diagnostics, "utf-16")
    assert len(asked) == 1000
    # Its own, the long one, and at the edges of lines the neighbours'.
    assert all(1 <= len(found_diagnostics) <= 4 for _, found_diagnostics in asked)
    assert all(diagnostics[-1] in found_diagnostics for _, found_diagnostics in asked[:-1])
    assert compared < 1000 * 70
