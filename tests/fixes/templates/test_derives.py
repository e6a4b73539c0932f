"""Derives: what the compiler misses comes back at its usual place, with what it builds on and what fields need."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

FIRST = {
    "behind Clone": "#[derive(Clone«, Copy¦», Debug)]\npub struct P(u8);\npub fn f(p: P) -> (P, P) { (p, p) }",
    "where the file's other lists have it": (
        "#[derive(PartialEq, Clone)]\npub struct A;\n#[derive(PartialEq, Clone)]\npub struct B;\n"
        "#[derive(PartialEq«, Clone¦»)]\npub struct P(u8);\npub fn f(p: &[P]) -> Vec<P> { p.to_vec() }"
    ),
    "with what it builds on": (
        "#[derive(Debug«, PartialEq, Eq, PartialOrd, Ord¦»)]\npub struct P(u8);\npub fn f(p: &mut [P]) { p.sort(); }"
    ),
    "no list yet": "«#[derive(Default)]\n¦»pub struct P(u8);\npub fn f() -> P { P::default() }",
    "behind doc comments": (
        "/// A part.\n«#[derive(Clone)]\n¦»pub struct P(u8);\npub fn f(p: &[P]) -> Vec<P> { p.to_vec() }"
    ),
    "the field's type too": (
        "#[derive(Debug«, PartialEq¦»)]\npub enum K { A }\n#[derive(Debug«, PartialEq¦»)]\npub struct P(K);\n"
        "pub fn f(p: &P, q: &P) -> bool { p == q }"
    ),
    "all that the type around derives": (
        "«#[derive(Debug, Clone)]\n¦»pub enum K { A }\n#[derive(Debug, Clone)]\npub struct P(K);"
    ),
    "inside of a list": (
        "#[derive(Debug«, PartialEq¦»)]\npub enum K { A }\npub fn f(p: &Vec<Option<K>>) -> bool { p.contains(&None) }"
    ),
    "a constant in a pattern": (
        "#[derive(Debug«, PartialEq¦»)]\npub struct P(u8);\npub const O: P = P(0);\n"
        "pub fn f(p: P) -> bool { matches!(p, O) }"
    ),
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST.keys())
def test_the_derive_comes_first(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)


NEVER = {
    "a float has no order": (
        "pub struct P(f64);\npub fn f(p: Vec<P>) -> std::collections::BTreeSet<P> { p.into_iter().collect() }",
        "#[derive",
    ),
    "text is not copied without a word": (
        "#[derive(Clone)]\npub struct P(String);\npub fn f(p: P) -> (P, P) { (p, p) }",
        "Copy",
    ),
    "a derived order beside a written one": (
        "#[derive(PartialEq, Eq)]\npub struct P(u8);\n"
        "impl Ord for P { fn cmp(&self, o: &Self) -> std::cmp::Ordering { o.0.cmp(&self.0) } }",
        "Eq,PartialOrd)]",
    ),
    "a type with a destructor": (
        "#[derive(Clone)]\npub struct P(u8);\nimpl Drop for P { fn drop(&mut self) {} }\n"
        "pub fn f(p: P) -> (P, P) { (p, p) }",
        "Copy",
    ),
}


@pytest.mark.parametrize(("text", "unwanted"), NEVER.values(), ids=NEVER.keys())
def test_what_a_type_cannot_or_should_not_have_is_not_derived(text: str, unwanted: str, tmp_path: Path) -> None:
    assert not [found for found in repaired_texts(tmp_path, text) if unwanted in found]
