"""Macros, attributes and format strings."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

SQUARE = "macro_rules! square_of { ($x:expr) => { $x * $x } }\n"
FIRST = {
    "a macro of the crate": SQUARE + "pub fn f(n: u32) -> u32 { «square_of¦squre_of»!(n) }",
    "a macro of std in another case": "pub fn f() { «assert_eq¦assertEq»!(1, 1) }",
    "a derive": "#[derive(«Debug¦Debgu»)]\npub struct S;",
    "an attribute": "#[«cfg_attr¦cfgattr»(all(), inline)]\npub fn f() {}",
    "a word of a list": "#[repr(«u32¦u23»)]\npub enum E { A }",
    "an argument without a place": 'pub fn f(n: u32) -> String { format!("n: «{}¦»", n) }',
    "in front of the last mark": 'pub fn f(n: u32) { println!("It is «{}¦»!\\n", n) }',
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST.keys())
def test_what_was_meant_comes_first(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)


def test_two_arguments_without_a_place_are_left_alone(tmp_path: Path) -> None:
    assert repaired_texts(tmp_path, 'pub fn f(a: u32, b: u32) -> String { format!("both:", a, b) }') == []
