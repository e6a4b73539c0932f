"""What is private where it is used becomes as visible as its neighbours, and what a type offers is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

FIRST = {
    "as its siblings": (
        "mod a { pub(super) fn one() {}\n pub(super) fn two() {}\n «pub(super) ¦»fn three() {} }\n"
        "pub fn f() { a::one(); a::two(); a::three(); }"
    ),
    "in the crate": (
        "pub mod a { pub(crate) struct S;\n «pub(crate) ¦»fn go() -> u8 { let _ = S; 3 } }\n"
        "pub fn f() -> u8 { a::go() }"
    ),
    "in a private module of a crate that only says pub": "mod a { «pub ¦»fn go() {} }\npub fn f() { a::go() }",
    "a method": (
        "mod a { pub struct S; impl S { pub fn x(&self) {}\n pub fn y(&self) {}\n «pub ¦»fn z(&self) {} } }\n"
        "pub fn f(s: &a::S) { s.x(); s.y(); s.z(); }"
    ),
    "a field as its siblings": (
        "mod a { #[derive(Default)] pub struct S { pub x: u8, pub y: u8, «pub ¦»z: u8 } }\n"
        "pub fn f() -> u8 { a::S::default().z }"
    ),
    "a getter in front of a wider field": (
        "pub mod a { pub struct S { size: u8 } impl S { pub fn get_size(&self) -> u8 { self.size } } }\n"
        'pub fn f(s: &a::S) -> String { format!("{}", s.«get_size()¦size») }'
    ),
    "a function that makes it": (
        "pub mod a { pub struct S(u8); impl S { pub fn of(n: u8) -> S { S(n) } } }\n"
        "pub fn f() -> a::S { a::S«::of¦»(3) }"
    ),
    "a re-export": "mod a { «pub ¦pub(crate) »fn go() {} }\npub use a::go;",
    "a public way to it": (
        "pub mod a { mod inner { pub struct S; } pub use inner::S; }\npub fn f(s: &«crate::a::S¦a::inner::S») {}"
    ),
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST.keys())
def test_just_wide_enough(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)


def test_what_is_not_ours_stays_private(tmp_path: Path) -> None:
    assert repaired_texts(tmp_path, "pub fn f(text: &String) -> usize { text.vec.len() }") == []
