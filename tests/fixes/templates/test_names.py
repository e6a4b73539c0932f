"""Names that nobody knows: the nearest known one comes first, and what only looks near is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.programs import context_of, problems_of
from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed
from sleepy_agent.code.names import similarity
from sleepy_agent.fixes.sources.template import TemplateSource
from sleepy_agent.fixes.templates.names_near import KnownName, case_of, nearness_of, rated_names

SHELF = (
    "pub struct Shelf { pub books: Vec<String>, pub line_width: u32 }\n"
    "impl Shelf {\n"
    "    pub const LIMIT: usize = 3;\n"
    "    pub fn count_books(&self) -> usize { self.books.len() }\n"
    "    pub fn add(&mut self, name: &str) { self.books.push(name.to_string()); }\n"
    "    pub fn with_capacity(size: usize) -> Self { Shelf { books: Vec::with_capacity(size), line_width: 0 } }\n"
    "}\n"
)
FIRST = {
    "words in another order": SHELF + "pub fn f(s: &Shelf) -> usize { s.«count_books¦book_count»() }",
    "a slip inside of a macro": SHELF
    + 'pub fn f(s: &Shelf) -> String { format!("{}", s.«count_books¦cuont_books»()) }',
    "words that mean the same": SHELF + "pub fn f() -> Shelf { Shelf::«with_capacity¦with_capcity»(3) }",
    "a field of nearly that name": SHELF + "pub fn f(s: &Shelf) -> u32 { s.«line_width¦width» }",
    "a field in a literal": SHELF + "pub fn f() -> Shelf { Shelf { books: vec![], «line_width¦linewidth»: 3 } }",
    "a constant of the type": SHELF + "pub fn f() -> usize { Shelf::«LIMIT¦LIMTI» }",
    "a set has elements, a map has keys": (
        "use std::collections::HashSet;\npub fn f(s: &HashSet<u32>) -> bool { s.«contains¦has_key»(&3) }"
    ),
    "a queue has two ends": (
        "use std::collections::VecDeque;\npub fn f(s: &mut VecDeque<u32>) { s.«push_back¦enqueue»(3) }"
    ),
    "a copy of what derives it": "#[derive(Clone)]\npub struct A;\npub fn f(a: &A) -> A { a.«clone¦dup»() }",
    "an iterator's word": "pub fn f(v: &[u32]) -> u32 { v.iter().«fold¦inject»(0, |a, b| a + b) }",
    "a method behind a pointer": (
        "use std::rc::Rc;\n" + SHELF + "pub fn f(s: Rc<Shelf>) -> usize { s.«count_books¦books_count»() }"
    ),
    "a local that has the method": (
        "pub fn f(word: &str, wards: u32) -> usize { wards as usize + «word¦wrod».trim().len() }"
    ),
    "a field without self": SHELF + "impl Shelf { pub fn w(&self) -> u32 { «self.line_width¦line_widht» } }",
    "a function of the type": SHELF
    + "impl Shelf { fn inner(n: u32) -> u32 { n }\n pub fn w(&self) -> u32 { «Self::inner¦inner»(3) } }",
    "a method of a trait of std": (
        "#[derive(Clone)]\npub struct A;\nimpl A { pub fn twin(&self) -> A { «self.clone¦clone»() } }"
    ),
    "a variant with fields": (
        "pub enum E { One(u32), Other { n: u32 } }\npub fn f() -> E { «E::Other¦Other» { n: 3 } }"
    ),
    "a variant in a pattern": (
        "pub enum Dir { Up, Down(u32) }\n"
        "pub fn f(d: &Dir) -> u32 { match d { Dir::Up => 1, «Dir::Down¦Down»(n) => *n } }"
    ),
    "the declaration is misspelt": (
        "pub fn f(«values¦vlaues»: &[u32]) -> usize { values.len() + values.iter().count() }"
    ),
    "a misspelt field": (
        "pub struct P { «height¦hieght»: u32 }\nimpl P { pub fn a(&self) -> u32 { self.height + self.height } }"
    ),
    "a receiver that changes a field": SHELF + "impl Shelf { pub fn wipe(«&mut self¦») { self.books.clear(); } }",
    "a receiver that only looks": SHELF + "impl Shelf { pub fn empty(«&self¦») -> bool { self.books.is_empty() } }",
    "a forgotten let": "pub fn f() -> u32 { «let ¦»x = 5; x + 1 }",
    "a forgotten let mut": "pub fn f(v: &[u32]) -> u32 { «let mut ¦»sum = 0; for n in v { sum += n; } sum }",
    "a let in each branch": ("pub fn f(a: bool) -> u32 { «let n; ¦»if a { «¦let »n = 1; } else { «¦let »n = 2; } n }"),
    "a variant written like a function": (
        "pub enum E { Size { width: u32, name: String } }\n"
        "pub fn f(n: String) -> E { E::Size«{ width: 3, name: n }¦(3, n)» }"
    ),
    "a type of another language": "pub fn f() -> «Vec¦ArrayList»<u32> { vec![] }",
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST.keys())
def test_the_nearest_name_comes_first(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)


NEVER = {
    "the opposite": (
        "pub struct A;\nimpl A { pub fn to_upper_name(&self) -> u32 { 1 } }\n"
        "pub fn f(a: &A) -> u32 { a.to_lower_name() }"
    ),
    "another number of a thing": "pub struct Utf8Parts;\npub struct Utf16;\npub fn f(x: &Shape32) {}",
    "nothing near": "pub struct P { pub x: f64 }\npub fn f(p: &P) -> f64 { p.temperature }",
    "an unknown function": "pub fn f(n: u32) -> u32 { frobnicate(n) }",
    "a local of another function": "pub fn g() { let count = 3; }\npub fn f() -> u32 { countt }",
}


@pytest.mark.parametrize("text", NEVER.values(), ids=NEVER.keys())
def test_what_is_not_near_is_left_alone(text: str, tmp_path: Path) -> None:
    assert repaired_texts(tmp_path, text) == []


def test_two_names_that_are_equally_near_are_one_question(tmp_path: Path) -> None:
    text = "pub fn f(value_a: u32, value_b: u32) -> u32 { value_a + value_b + value }"
    (problem,) = problems_of(tmp_path, text)
    found = list(TemplateSource(is_strict=True).candidates(problem, context_of(tmp_path, text)))
    assert len(found) == 2
    assert {candidate.question for candidate in found} == {"which name is meant by `value`"}


@pytest.mark.parametrize(
    ("name", "case"),
    [("count", "value"), ("_count", "value"), ("Shelf", "type"), ("MAX_SIZE", "constant"), ("T", "type")],
)
def test_how_a_name_is_written_says_what_it_stands_for(name: str, case: str) -> None:
    assert case_of(name) == case


@pytest.mark.parametrize(
    ("wanted", "known", "best"),
    [
        ("fetch_all", ["get_all", "set_all"], "get_all"),
        ("first_name", ["last_name", "first_names"], "first_names"),
        ("stdn", ["Stdin", "stdin"], "stdin"),
        ("utf8_len", ["utf16_len", "utf8_length"], "utf8_length"),
    ],
)
def test_meaning_counts_beside_letters(wanted: str, known: list[str], best: str) -> None:
    rated = rated_names(wanted, [KnownName(name) for name in known])
    assert rated[0][0].name == best


def test_words_that_mean_the_same_bring_names_together() -> None:
    assert nearness_of("remove_item", "delete_element") > similarity("remove_item", "delete_element")
