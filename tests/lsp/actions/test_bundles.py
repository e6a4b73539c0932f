"""Several problems at once, and what is done at save."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lsp.asking import (
    BOTH,
    EXPLAIN,
    FIX_TOTAL,
    MUT_COUNT,
    MUT_TOTAL,
    NOT_THIS,
    OF_KIND,
    RESOLVING,
    SHADOW_TOTAL,
    TEXT,
    TEXTS,
    ask,
    at,
    board_with,
    text_of,
    titles,
)
from lsp.client_edits import with_workspace_edit
from lsp.offers import (
    FILE,
    bundle_of,
    known_problem,
    live_offer,
    replacing,
)
from sleepy_agent.live.messages import LiveOffer
from sleepy_lsp.actions.code_actions import Stale, is_asked_for, resolve_code_action


def test_a_bundle_whose_members_changed_is_stale() -> None:
    board = board_with(MUT_TOTAL, SHADOW_TOTAL, MUT_COUNT, bundles=(BOTH,))
    action = ask(at(2, 4), board=board, abilities=RESOLVING)[2]
    smaller = board_with(
        MUT_TOTAL, MUT_COUNT, bundles=(replace(bundle_of([MUT_TOTAL], TEXTS), bundle_id=BOTH.bundle_id),)
    )
    assert isinstance(resolve_code_action(smaller, action, text_of, RESOLVING), Stale)


IN_THE_FILE = "Sleepy: fix all 2 safe problems in this file (rustc accepts the whole)"
OF_THE_KIND = "Sleepy: fix all 2 E0596 problems in the workspace (rustc accepts the whole)"


def test_several_problems_at_once() -> None:
    board = board_with(MUT_TOTAL, MUT_COUNT, bundles=(BOTH, OF_KIND))
    actions = ask(at(2, 4), board=board)
    assert titles(actions) == [FIX_TOTAL, IN_THE_FILE, OF_THE_KIND, NOT_THIS, EXPLAIN]
    for action, bundle in zip(actions[1:3], (BOTH, OF_KIND), strict=True):
        assert action.edit is not None
        after = with_workspace_edit(TEXTS, {FILE: 7}, action.edit, "utf-16")
        assert after == {FILE: TEXT.replace(b"let ", b"let mut ")}
        assert (action.kind, action.is_preferred) == ("quickfix", None)
        assert action.command is not None
        assert action.command.arguments == [MUT_TOTAL.offer_id, MUT_COUNT.offer_id]
        assert action.data == {
            "sleepy": {
                "bundleId": bundle.bundle_id,
                "offerIds": [MUT_TOTAL.offer_id, MUT_COUNT.offer_id],
                "source": "compiler",
                "proof": "replay",
                "flags": [],
                "trigger": "rust-analyzer",
                "generation": 1,
            }
        }


def test_a_bundle_says_what_its_members_do() -> None:
    copying = replace(MUT_COUNT.fix.verdict, flags=("clone",), method="cargo")
    other = replace(MUT_COUNT.fix, verdict=copying, candidate=replace(MUT_COUNT.fix.candidate, source="template"))
    board = board_with(MUT_TOTAL, replace(MUT_COUNT, fix=other), bundles=(BOTH,))
    action = ask(at(2, 4), board=board)[1]
    assert action.title == (
        "Sleepy: fix all 2 safe problems in this file (cargo check accepts the whole; copies the value with `clone`)"
    )
    assert isinstance(action.data, dict)
    said = action.data["sleepy"]
    assert (said["source"], said["proof"], said["flags"]) == ("compiler+template", "cargo", ["clone"])


def test_a_bundle_stands_only_beside_a_problem_that_it_is_about() -> None:
    other = known_problem(FILE, TEXT, "fn main", code="E0601")
    offer = live_offer(other, TEXTS, replacing(FILE, TEXT, "main", "start"), title="rename `main`")
    board = board_with(offer, MUT_TOTAL, MUT_COUNT, bundles=(OF_KIND,))
    assert OF_THE_KIND not in titles(ask(at(0, 0), board=board))
    assert titles(ask(at(5, 0), board=board)) == []


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["quickfix"], [FIX_TOTAL, IN_THE_FILE, NOT_THIS, EXPLAIN]),
        ([""], [FIX_TOTAL, IN_THE_FILE, NOT_THIS, EXPLAIN, IN_THE_FILE]),
        (["source"], [IN_THE_FILE]),
        (["source.fixAll"], [IN_THE_FILE]),
        (["source.fixAll.sleepy"], [IN_THE_FILE]),
        (["source.fixAll.other"], []),
        (["source.organizeImports"], []),
        (["refactor", "refactor.extract"], []),
        (["quickfixes"], []),
        ([], []),
    ],
)
def test_only_the_kinds_that_are_asked_for(only: list[str], expected: list[str]) -> None:
    actions = ask(at(2, 4), board=board_with(MUT_TOTAL, MUT_COUNT, bundles=(BOTH,)), only=only)
    assert titles(actions) == expected
    assert all(is_asked_for(str(action.kind), only) for action in actions)


@pytest.mark.parametrize(
    ("offers", "expected"),
    [
        ((MUT_TOTAL,), [FIX_TOTAL]),
        ((MUT_TOTAL, SHADOW_TOTAL), [FIX_TOTAL]),
        # Nobody compiled both together, and one that is not safe is not applied at save.
        ((MUT_TOTAL, MUT_COUNT), []),
        ((SHADOW_TOTAL,), []),
    ],
)
def test_fix_all_without_a_bundle_is_the_only_safe_fix(offers: tuple[LiveOffer, ...], expected: list[str]) -> None:
    actions = ask(at(0, 0), board=board_with(*offers), only=["source.fixAll"])
    assert titles(actions) == expected
    assert [action.kind for action in actions] == ["source.fixAll.sleepy"] * len(expected)
    assert all(action.edit is not None for action in actions)
