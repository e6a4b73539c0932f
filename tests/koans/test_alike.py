"""Programs are compared with their names, literals and comments taken out."""

from __future__ import annotations

import pytest

from koans.small_koans import DOOR, FOUNTAIN
from sleepy_agent.code.name_abstraction import name_table
from sleepy_agent.koans.alike import KoanIndex, fingerprints, likeness
from sleepy_agent.koans.texts import code_of

CODE = code_of(DOOR.solution)
RENAMED = (
    CODE.replace("Door", "Turnstile")
    .replace("visitors", "people")
    .replace("more", "group")
    .replace("let_in", "turn")
    .replace("/// Counts who goes through a door.", "// Something else.")
)


def test_other_names_and_comments_make_no_other_program() -> None:
    assert "Turnstile" in RENAMED
    assert fingerprints(RENAMED) == fingerprints(CODE)
    assert likeness(fingerprints(RENAMED), fingerprints(CODE)) == 1.0


def test_a_program_whose_names_were_taken_out_already_is_still_found() -> None:
    text = code_of(FOUNTAIN.exercise)
    assert fingerprints(name_table([text]).abstracted(text)) == fingerprints(text)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ('fn a() -> &\'static str { "x" }', 'fn b() -> &\'static str { "yy" }', True),
        ("fn a<'a>(x: &'a u8) -> &'a u8 { x }", "fn a<'b>(y: &'b u8) -> &'b u8 { y }", True),
        ("fn a(x: u8, y: u8) -> u8 { x }", "fn a(x: u8, y: u8) -> u8 { y }", False),
        ("fn a(x: u8) -> u8 { x + 1 }", "fn a(x: u8) -> u8 { x - 1 }", False),
        ("fn a(x: u8) -> u8 { x }", "fn a(x: u16) -> u16 { x }", False),
    ],
)
def test_what_is_the_same(first: str, second: str, same: bool) -> None:
    assert (fingerprints(first) == fingerprints(second)) is same


def test_strangers_have_little_in_common() -> None:
    assert likeness(fingerprints(CODE), fingerprints(code_of(FOUNTAIN.solution))) < 0.1
    assert likeness(frozenset(), frozenset()) == 0.0
    assert fingerprints("") == fingerprints("// only a remark") == frozenset()


def test_a_koan_is_found_within_a_larger_program() -> None:
    index = KoanIndex([DOOR, FOUNTAIN])
    larger = f"use std::fmt;\n\n{RENAMED}\nfn more() -> u32 {{\n    41\n}}\n"
    found = index.nearest(larger)
    assert found is not None
    assert (found.koan, found.share) == ("museum_door", 1.0)


def test_a_program_of_its_own_is_no_koan() -> None:
    found = KoanIndex([DOOR, FOUNTAIN]).nearest("pub fn double(number: u64) -> u64 {\n    number * 2\n}\n")
    assert found is None or found.share < 0.2
