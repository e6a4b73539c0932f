"""Lifetimes come back where they are missing: in returned types, types that borrow, implementations, parameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

READER = "pub struct Reader<'a> { text: &'a str, at: usize }\n"
FIRST = {
    "both branches": "pub fn f«<'a>¦»(x: &«'a ¦»str, y: &«'a ¦»str) -> &«'a ¦»str { if x.len() > 1 { x } else { y } }",
    "through a loop": (
        "pub fn f«<'a>¦»(x: &«'a ¦»str, y: &str) -> &«'a ¦»str {\n"
        '    let mut best = "";\n    for line in x.lines() { if line != y { best = line; } }\n    best\n}'
    ),
    "through a match": (
        "pub fn f«<'a>¦»(x: &«'a ¦»[String], y: &str) -> &«'a ¦»String {\n"
        "    match x.iter().find(|one| one.as_str() == y) { Some(one) => one, None => &x[0] }\n}"
    ),
    "inside of an option": (
        "pub fn f«<'a>¦»(x: &«'a ¦»[u8], y: &u8) -> Option<&«'a ¦»u8> { x.iter().find(|one| *one > y) }"
    ),
    "a type with a lifetime": (
        "pub struct V<'a>(&'a u8);\npub fn f«<'a>¦»(x: &«'a ¦»u8, _y: &u8) -> V«<'a>¦» { V(x) }"
    ),
    "the lifetime there is": ("pub fn f<'t>(x: &'t str, y: &str) -> &«'t ¦»str { x.strip_prefix(y).unwrap_or(x) }"),
    "beside generics": (
        "pub fn f<«'a, ¦»T: Ord>(x: &«'a ¦»[T], y: &T) -> Option<&«'a ¦»T> { x.iter().find(|one| *one > y) }"
    ),
    "not from self": (
        "pub struct C { w: usize }\nimpl C { fn cut«<'a>¦»(&self, x: &«'a ¦»str) -> &«'a ¦»str { &x[..self.w] } }"
    ),
    "a method that keeps less than it has": (
        READER + "impl<'a> Reader<'a> {\n    fn next(&mut self) -> &«'a ¦»str { self.at += 1; &self.text[self.at..] }\n"
        "    pub fn two(&mut self) -> usize { let one = self.next(); let two = self.next(); one.len() + two.len() }\n}"
    ),
    "implementation": (
        READER + "impl«<'a>¦» Reader«<'a>¦» { pub fn new(text: &'a str) -> Self { Reader { text, at: 0 } } }"
    ),
    "implementation, declared only": READER + "impl<'a> Reader«<'a>¦» { pub fn text(&self) -> &'a str { self.text } }",
    "type and constructor": (
        "struct P«<'a>¦» { t: &«'a ¦»str }\n"
        "impl«<'a>¦» P«<'a>¦» { pub fn new(t: &«'a ¦»str) -> Self { P { t } } pub fn t(&self) -> &str { self.t } }"
    ),
    "a type inside of another": (
        "struct T«<'a>¦» { t: &«'a ¦»str }\nstruct L«<'a>¦» { ts: Vec<T«<'a>¦»> }\n"
        "impl«<'a>¦» L«<'a>¦» { fn n(&self) -> usize { self.ts.iter().map(|t| t.t.len()).sum() } }"
    ),
    "only the declaration is gone": (
        "pub struct P«<'a>¦» { t: &'a str }\nimpl<'a> P<'a> { pub fn t(&self) -> &'a str { self.t } }"
    ),
    "what is stored": (
        "pub struct R<'a> { names: Vec<&'a str> }\n"
        "impl«<'a>¦» R<«'a¦'_»> { fn add(&mut self, name: &«'a ¦»str) { self.names.push(name); } }"
    ),
    "lives longer": "fn f<'a, 'b«: 'a¦»>(x: &'a str, y: &'b str) -> &'a str { if x.len() > 1 { x } else { y } }",
    "misspelt": (
        "pub struct P<'source> { t: &'source str }\n"
        "impl<'source> P<'source> { pub fn t(&self) -> &'«source¦sorce» str { self.t } }"
    ),
    "associated type": (
        "pub struct W<'a> { r: &'a str }\nimpl<'a> Iterator for W<'a> {\n    type Item = &«'a ¦»str;\n"
        '    fn next(&mut self) -> Option<Self::Item> { let r = self.r; self.r = ""; Some(r) }\n}'
    ),
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST.keys())
def test_the_lifetime_comes_first(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)
