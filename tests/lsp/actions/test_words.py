"""How offers are called."""

from __future__ import annotations

from lsp.asking import TEXT, TEXTS, TOTAL, ask, at, board_with, titles
from lsp.offers import (
    FILE,
    live_offer,
    replacing,
)
from sleepy_agent.domain import Diagnostic, Level


def test_words_of_rustc_that_name_nothing_get_the_line_that_comes_in() -> None:
    imports = [
        live_offer(
            TOTAL,
            TEXTS,
            replacing(FILE, TEXT, "fn main", f"use {path};\nfn main"),
            title="consider importing this",
            offer_id=path,
        )
        for path in ("std::fmt::Result", "std::io::Result")
    ]
    assert titles(ask(at(2, 4), board=board_with(*imports)))[:2] == [
        "Sleepy: consider importing this: `use std::fmt::Result;` (rustc accepts it)",
        "Sleepy: consider importing this: `use std::io::Result;` (rustc accepts it)",
    ]


def test_equal_words_side_by_side_are_told_apart_by_the_line_that_comes_in() -> None:
    choices = [
        live_offer(
            TOTAL, TEXTS, replacing(FILE, TEXT, "1;", f"{number};"), title="try another `1`", offer_id=str(number)
        )
        for number in (2, 3)
    ]
    assert titles(ask(at(2, 4), board=board_with(*choices)))[:2] == [
        "Sleepy: try another `1`: `total += 2;` (rustc accepts it)",
        "Sleepy: try another `1`: `total += 3;` (rustc accepts it)",
    ]


def test_titles_are_one_line_and_say_what_came_to_light() -> None:
    hidden = Diagnostic(Level.ERROR, "E0382", "use of moved value", ())
    offer = live_offer(
        TOTAL, TEXTS, replacing(FILE, TEXT, "1;", "2;"), title="first\nsecond " + "x" * 200, unmasked=(hidden,)
    )
    (first, *_) = titles(ask(at(2, 4), board=board_with(offer)))
    assert "\n" not in first
    assert first.startswith("Sleepy: first second xxx")
    assert first.endswith("(rustc accepts it; brings 1 error to light that it hid)")
    assert "…" in first
    assert len(first) < 250
