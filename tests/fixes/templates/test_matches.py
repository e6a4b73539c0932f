"""Arms that follow from the other arms, and ways out of a `let` that does not always fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

COLOURS = "pub enum Colour { Red, DarkBlue, Green }\n"
FIRST = {
    "nothing stays nothing": (
        "pub fn f(a: Option<u32>) -> Option<u32> { match a { Some(a) => Some(a + 1)«, None => None¦» } }"
    ),
    "an error stays one": (
        "pub fn f(a: Result<u32, u8>) -> Result<u32, u8> { match a { Ok(a) => Ok(a)«, Err(e) => Err(e)¦» } }"
    ),
    "name of the variant": COLOURS
    + 'pub fn f(c: &Colour) -> &str { match c { Colour::Red => "red", Colour::DarkBlue => "dark-blue"'
    + '«, Colour::Green => "green"¦» } }',
    "handed on": "pub enum N { A(u8), B(u16), C(u32) }\n"
    "pub fn f(n: N) -> u64 { match n { N::A(n) => u64::from(n), "
    "«N::B(n) => u64::from(n), ¦»N::C(n) => u64::from(n) } }",
    "out of the function": (
        "pub fn f(a: Option<u32>) -> Option<u32> { let Some(b) = a«else { return None }¦»; Some(b + 1) }"
    ),
    "on with the loop": (
        "pub fn f(v: &[Option<u32>]) -> u32 { let mut s = 0; for a in v { "
        "let Some(b) = a«else { continue }¦»; s += b; } s }"
    ),
    "handed on with the question mark": "pub fn f(a: &str) -> Result<u32, std::num::ParseIntError> "
    "{ let «n¦Ok(n)» = a.parse::<u32>()«?¦»; Ok(n) }",
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST.keys())
def test_what_follows_comes_first(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)


NOTHING = {
    "arms that have nothing in common": COLOURS
    + "pub fn f(c: &Colour) -> u32 { match c { Colour::Red => 1, Colour::DarkBlue => 4 } }",
    "a value instead of nothing": "pub fn f(a: Option<u32>) -> u32 { match a { Some(a) => a } }",
    "no way out": "pub fn f(a: Option<u32>) -> u32 { let Some(b) = a; b }",
}


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING.keys())
def test_nothing_is_made_up(text: str, tmp_path: Path) -> None:
    assert repaired_texts(tmp_path, text) == []


def test_the_value_beside_a_way_out_where_rustc_complains_of_its_use(tmp_path: Path) -> None:
    meant, broken = right_and_wrong(
        "pub fn f(n: u32) -> u32 { let m = match n.checked_sub(3) { None => return 0«, Some(m) => m¦» }; m + 1 }"
    )
    assert squeezed(meant) in repaired_texts(tmp_path, broken)


def test_an_arm_says_of_other_variants_only_what_it_asks_its_own(tmp_path: Path) -> None:
    text = (
        "pub enum Step { Push(u32), Drop(u32) }\n"
        "pub fn f(stack: &mut Vec<u32>, step: Step) { match step { Step::Push(n) => stack.push(n) } }"
    )
    assert not any("Drop(n)=>stack" in found for found in repaired_texts(tmp_path, text))
