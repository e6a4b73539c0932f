"""Members and implementations whose code follows from the type, and members that must fit their trait."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

SHOW = "fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result"
OFFERED = {
    "deref to a field": (
        "use std::ops::Deref;\npub struct W { v: Vec<u8> }\nimpl Deref for W {\n    type Target = Vec<u8>;\n"
        "    «fn deref(&self) -> &Self::Target { &self.v }¦»\n}"
    ),
    "from what it holds": "pub struct W(u8);\nimpl From<u8> for W { «fn from(value: u8) -> Self { Self(value) }¦» }",
    "from what a variant holds": (
        "pub enum E { A(u8), B }\nimpl From<u8> for E { «fn from(value: u8) -> Self { Self::A(value) }¦» }"
    ),
    "default by new": (
        "pub struct W(u8);\nimpl W { pub fn new() -> Self { W(1) } }\n"
        "impl Default for W { «fn default() -> Self { Self::new() }¦» }"
    ),
    "the order that is written": (
        "#[derive(PartialEq, Eq)]\npub struct W(u8);\n"
        "impl Ord for W { fn cmp(&self, o: &Self) -> std::cmp::Ordering { o.0.cmp(&self.0) } }\n"
        "impl PartialOrd for W {\n«    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> "
        "{ Some(self.cmp(other)) }¦»\n}"
    ),
    "associated type from a method": (
        "pub struct C(u8);\nimpl Iterator for C {\n    «type Item = u8;\n\n¦»"
        "    fn next(&mut self) -> Option<u8> { None }\n}"
    ),
    "own associated type from a method": (
        "pub trait S { type U; fn u(&self) -> Option<Self::U>; }\npub struct C(u8);\n"
        "impl S for C {\n    «type U = u8;\n\n¦»    fn u(&self) -> Option<u8> { Some(self.0) }\n}"
    ),
    "negation of fields": (
        "pub struct V { x: f64 }\n«impl std::ops::Neg for V { type Output = Self; fn neg(self) -> Self::Output "
        "{ Self { x: -self.x } } }¦»\npub fn f(v: V) -> V { -v }"
    ),
    "times a number": (
        "pub struct V { x: f64 }\n«impl std::ops::Mul<f64> for V { type Output = Self; "
        "fn mul(self, other: f64) -> Self::Output { Self { x: self.x * other } } }¦»\npub fn f(v: V) -> V { v * 2.0 }"
    ),
    "shown by its field": (
        f'pub struct N(String);\n«impl std::fmt::Display for N {{ {SHOW} {{ write!(f, "{{}}", self.0) }} }}¦»\n'
        "pub fn f(n: &N) -> String { n.to_string() }"
    ),
    "signature of the trait": (
        "pub trait H { fn h(&self, n: &str) -> u8; }\npub struct C;\n"
        "impl H for C { fn h(«&self, n: &str¦n: &str») -> u8 { n.len() as u8 } }"
    ),
    "lifetimes of the trait": (
        "pub trait S { fn g<'a>(&self, k: &'a str) -> &'a str; }\npub struct C;\n"
        "impl S for C { fn g«<'a>¦»(&self, k: &«'a ¦»str) -> &«'a ¦»str { k } }"
    ),
    "parameter of std's trait": (
        "pub struct C(u8);\nimpl PartialEq for C { fn eq(&self, other: «&Self¦C») -> bool { self.0 == other.0 } }"
    ),
    "name of the only missing member": (
        "pub trait S { type Unit; fn area(&self) -> u8; }\npub struct C;\n"
        "impl S for C { type «Unit¦Kind» = u8; fn area(&self) -> u8 { 1 } }"
    ),
    "helper at the end": (
        "pub trait S { fn a(&self) -> u8; }\npub struct C(u8);\n"
        "impl S for C {\n    fn a(&self) -> u8 { self.b() }\n«}\n\nimpl C {¦»\n    fn b(&self) -> u8 { self.0 }\n}"
    ),
    "boxed": ("pub enum L { Item(u8, «Box<L>¦L»), End }\npub fn f() -> L { L::Item(1, «Box::new(L::End)¦L::End») }"),
}


@pytest.mark.parametrize("text", OFFERED.values(), ids=OFFERED.keys())
def test_what_follows_is_offered(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert squeezed(meant) in repaired_texts(tmp_path, broken)[:2]


def test_what_an_iterator_gives_is_never_made_up(tmp_path: Path) -> None:
    text = "pub struct C(u8);\nimpl Iterator for C { type Item = u8; }"
    assert repaired_texts(tmp_path, text) == []


def test_fields_that_are_no_numbers_are_not_added(tmp_path: Path) -> None:
    text = "pub struct C { n: String }\npub fn f(a: C, b: C) -> C { a + b }"
    assert not [found for found in repaired_texts(tmp_path, text) if "std::ops::Add" in found]
