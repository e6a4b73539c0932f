"""What is on offer, and which of it stands before the user."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sleepy_lsp.watch.offers import (
    Item,
    Offer,
    Selection,
    changed_lines,
    next_offer,
    next_problem,
    read_items,
    together,
    with_items,
    without_offer,
    without_taken,
)

PLACE = {"start": {"line": 3, "character": 8}, "end": {"line": 3, "character": 13}}


def item(name: str, *offers: str) -> Item:
    made = tuple(
        Offer(offer, f"Sleepy: {offer} (rustc accepts it)", "compiler", "replay", (), True, f"+{offer}", "own replay")
        for offer in offers or (f"fix {name}",)
    )
    return Item(name, f"file:///{name}.rs", Path(f"/{name}.rs"), PLACE, "E0425", "wrong", "missing_items", made)


def shown(selection: Selection) -> tuple[str | None, str | None, int]:
    """Problem, offer and number."""
    return (
        selection.item.problem_id if selection.item else None,
        selection.offer.offer_id if selection.offer else None,
        selection.number,
    )


A, B, C = item("a"), item("b", "first", "second"), item("c")
NOTHING = (None, None, 0)


def test_the_first_comes_up_and_stays_while_others_come() -> None:
    selection = with_items(Selection(), [B])
    assert shown(selection) == ("b", "first", 1)
    assert shown(with_items(selection, [A, B, C])) == ("b", "first", 2)


@pytest.mark.parametrize(
    ("present", "left", "expected"),
    [
        ("b", [A, C], ("c", "fix c", 2)),
        ("c", [A, B], ("b", "first", 2)),
        ("a", [B, C], ("b", "first", 1)),
        ("a", [], NOTHING),
    ],
)
def test_what_stands_in_its_place_comes_up(present: str, left: list[Item], expected: tuple[Any, ...]) -> None:
    selection = replace(with_items(Selection(), [A, B, C]), current=present)
    assert shown(with_items(selection, left)) == expected


def test_going_round() -> None:
    selection = with_items(Selection(), [A, B])
    places = []
    for _ in range(3):
        selection = next_problem(selection)
        places.append(shown(selection)[0])
    assert places == ["b", "a", "b"]
    assert shown(next_offer(selection)) == ("b", "second", 2)
    assert shown(next_offer(next_offer(selection))) == ("b", "first", 2)
    assert shown(next_problem(Selection())) == shown(next_offer(Selection())) == NOTHING


def test_an_offer_that_is_not_wanted() -> None:
    selection = next_problem(with_items(Selection(), [A, B]))
    assert shown(without_offer(selection, "first")) == ("b", "second", 2)
    rest = without_offer(without_offer(selection, "first"), "second")
    assert shown(rest) == ("a", "fix a", 1)
    assert shown(without_offer(rest, "fix a")) == NOTHING


def test_problems_that_one_change_mends_stand_together() -> None:
    first, second = item("z", "import"), item("y", "import")
    found = together([first, A, second])
    assert [(one.problem_id, [other.problem_id for other in one.companions]) for one in found] == [
        ("a", []),
        ("y", ["z"]),
    ]


RAW_OFFER = {"offerId": "1", "title": "Sleepy: x (rustc accepts it)", "diff": "+x", "preferred": True}
RAW_ITEM = {"uri": "file:///a%20b.rs", "range": PLACE, "problemId": "p", "message": "m", "offers": [RAW_OFFER]}


def test_the_servers_answer_is_read() -> None:
    (read,) = read_items([RAW_ITEM])
    assert (read.path, read.line, read.column, read.code) == (Path("/a b.rs"), 4, 9, None)
    assert read.offers[0].preferred


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        [None],
        ["x"],
        [{}],
        [RAW_ITEM | {"uri": "untitled:1"}],
        [RAW_ITEM | {"uri": None}],
        [RAW_ITEM | {"range": {}}],
        [RAW_ITEM | {"range": {"start": {"line": "x"}}}],
        [RAW_ITEM | {"offers": []}],
        [RAW_ITEM | {"offers": [{}]}],
        [RAW_ITEM | {"offers": None}],
    ],
)
def test_what_is_malformed_is_left_out(answer: object) -> None:
    assert read_items(answer) == ()


def test_only_lines_that_go_and_come_are_agreed_to() -> None:
    diff = "--- a/x.rs\n+++ b/x.rs\n@@ -1,2 +1,2 @@\n-old\n+new\n same\n"
    assert changed_lines(diff) == ("-old", "+new")
    assert changed_lines(diff) == changed_lines(diff.replace("@@ -1,2 +1,2 @@", "@@ -9,2 +9,2 @@"))


def test_what_was_taken_goes_with_all_that_it_mends() -> None:
    with_companion = replace(A, companions=(item("d", "for d"),))
    selection = with_items(Selection(), [with_companion, B, C])
    assert shown(without_taken(selection, ["for d"])) == ("b", "first", 1)
    assert [one.problem_id for one in without_taken(selection, ["fix a", "second"]).items] == ["c"]
    assert without_taken(selection, ["of somebody else"]) == selection
