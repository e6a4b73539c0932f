"""Each kind of mistake, shown on a line of Rust that was made up for it."""

from __future__ import annotations

import pytest

from benchmarks.real_crates.mutation import Mutator, applied, source_file
from benchmarks.real_crates.mutators import MUTATORS, mutations_of, shuffled_places
from benchmarks.real_crates.mutators_names import camel_case, slips
from sleepy_agent.code.syntax import parse_rust

EXAMPLES = {
    "clone forgotten": ("fn f() { g(a.clone()); }", "fn f() { g(a); }"),
    "borrow forgotten": ("fn f() { g(&a); }", "fn f() { g(a); }"),
    "mutable borrow forgotten": ("fn f() { g(&mut a); }", "fn f() { g(&a); }"),
    "mutable parameter forgotten": ("fn f(&mut self) {}", "fn f(&self) {}"),
    "mut of a variable forgotten": ("fn f() { let mut a = 1; }", "fn f() { let a = 1; }"),
    "move forgotten": ("fn f() { g(move || a); }", "fn f() { g(|| a); }"),
    "wrong kind of iterator": ("fn f() { a.iter(); }", "fn f() { a.into_iter(); }"),
    "loop takes the collection": ("fn f() { for a in &b {} }", "fn f() { for a in b {} }"),
    "view forgotten": ("fn f() { a.as_ref().b(); }", "fn f() { a.b(); }"),
    "take or replace forgotten": ("fn f() { mem::take(&mut a.b); }", "fn f() { a.b; }"),
    "pattern without reference": ("fn f() { g(|&a| a); }", "fn f() { g(|a| a); }"),
    "used after being moved": ("fn f() { a.x(); g(a); }", "fn f() { g(a); a.x(); }"),
    "borrow begins too early": (
        "fn f() {\n    a.x();\n    let b = &a;\n    b.y();\n}",
        "fn f() {\n    let b = &a;\n    a.x();\n    b.y();\n}",
    ),
    "lifetime forgotten in a signature": ("fn f<'a>(b: &'a str) {}", "fn f<'a>(b: &str) {}"),
    "lifetime forgotten in a type": ("struct A<'a> { b: &'a str }", "struct A<'a> { b: &str }"),
    "lifetime not declared": ("fn f<'a, T>(b: &'a T) {}", "fn f<T>(b: &'a T) {}"),
    "derive forgotten": ("#[derive(Clone, Debug)] struct A;", "#[derive(Debug)] struct A;"),
    "bound forgotten": ("fn f<T: A + B>(b: T) {}", "fn f<T: B>(b: T) {}"),
    "type parameter not declared": ("impl<T> A<T> {}", "impl A<T> {}"),
    "item of a trait forgotten": (
        "impl A for B {\n    /// It is C.\n    #[inline]\n    fn c() -> u8 { 1 }\n}\n",
        "impl A for B {\n}\n",
    ),
    "cast forgotten": ("fn f() { a as usize; }", "fn f() { a; }"),
    "conversion forgotten": ("fn f() { a.to_string(); }", "fn f() { a; }"),
    "dereference forgotten": ("fn f() { *a = 1; }", "fn f() { a = 1; }"),
    "wrong integer type": ("fn f(a: usize) {}", "fn f(a: u32) {}"),
    "text types exchanged": ("fn f(a: &str) {}", "fn f(a: String) {}"),
    "wrapped type forgotten": ("fn f() -> Option<A> {}", "fn f() -> A {}"),
    "question mark forgotten": ("fn f() { g()?; }", "fn f() { g(); }"),
    "question mark too many": ("fn f() { let a = g(); }", "fn f() { let a = g()?; }"),
    "wrapping forgotten": ("fn f() { Ok(a) }", "fn f() { a }"),
    "error conversion forgotten": ("fn f() { a.ok_or(b); }", "fn f() { a; }"),
    "unwrapping forgotten": ("fn f() { a.unwrap(); }", "fn f() { a; }"),
    "await forgotten": ("async fn f() { g().await; }", "async fn f() { g(); }"),
    "type of a constant forgotten": ("const A: u8 = 1;", "const A = 1;"),
    "const written otherwise": ("const A: u8 = 1;", "let A: u8 = 1;"),
    "typo in a variable": ("fn f() { g(total); }", "fn f() { g(ttoal); }"),
    "typo in a field": ("fn f() { a.weight; }", "fn f() { a.wegiht; }"),
    "typo in a method": ("fn f() { a.weigh(); }", "fn f() { a.wiegh(); }"),
    "typo in a type": ("fn f(a: Part) {}", "fn f(a: Prat) {}"),
    "typo in a path": ("fn f() { Shape::Round; }", "fn f() { Shape::Ruond; }"),
    "singular for plural": ("fn f() { g(items); }", "fn f() { g(item); }"),
    "word of another language": ("fn f() { a.len(); }", "fn f() { a.length(); }"),
    "camel case": ("fn f() { a.is_ready(); }", "fn f() { a.isReady(); }"),
    "self forgotten": ("fn f(&self) { self.a; }", "fn f(&self) { a; }"),
    "import forgotten": ("use std::fmt;\nfn f() {}", "fn f() {}"),
    "own import forgotten": ("use crate::{a::B, c::D};", "use crate::{c::D};"),
    "import of a trait forgotten": ("use std::io::Write;\nfn f() {}", "fn f() {}"),
    "wrong path of an import": ("use std::collections::HashMap;", "use std::HashMap;"),
    "pub forgotten": ("pub fn f() {}", "fn f() {}"),
    "typo in an attribute": ("#[derive(Clone)] struct A;", "#[deirve(Clone)] struct A;"),
    "typo in a macro": ("fn f() { println!(); }", "fn f() { prnitln!(); }"),
    "macro without exclamation mark": ("fn f() { format!(a); }", "fn f() { format(a); }"),
    "argument forgotten": ("fn f() { g(a, b); }", "fn f() { g(b); }"),
    "arguments exchanged": ("fn f() { g(a, b); }", "fn f() { g(b, a); }"),
    "argument too many": ("fn f() { g(a); }", "fn f() { g(a, true); }"),
    "method without parentheses": ("fn f() { a.len(); }", "fn f() { a.len; }"),
    "field of a literal forgotten": ("fn f() { A { b: 1, c }; }", "fn f() { A { c }; }"),
    "arm forgotten": ("fn f() { match a {\n    B => 1,\n    _ => 2,\n} }", "fn f() { match a {\n    _ => 2,\n} }"),
    "pattern without rest": ("fn f() { let A { b, .. } = c; }", "fn f() { let A { b } = c; }"),
    "semicolon forgotten": ("fn f() { g(); }", "fn f() { g() }"),
    "closing bracket forgotten": ("fn f() { g(a); }", "fn f( { g(a); }"),
    "comma forgotten": ("fn f() { g(a, b); }", "fn f() { g(a b); }"),
    "assignment for comparison": ("fn f() { if a == b {} }", "fn f() { if a = b {} }"),
    "return type forgotten": ("fn f() -> u8 { 1 }", "fn f() { 1 }"),
    "keyword misspelt": ("fn f() {}", "func f() {}"),
    "let forgotten": ("fn f() { let a = 1; }", "fn f() { a = 1; }"),
    "let of a condition forgotten": ("fn f() { if let A = b {} }", "fn f() { if A = b {} }"),
    "operator of another language": ("fn f() { a += 1; }", "fn f() { a++; }"),
    "wrong arrow": ("fn f() -> u8 { 1 }", "fn f() => u8 { 1 }"),
    "dot for a path": ("fn f() { A::new(); }", "fn f() { A.new(); }"),
}

NOT_COMPILED = """
#[cfg(test)]
mod tests {
    fn f() { let mut total = 1; g(&mut total); }
}
macro_rules! m { () => { let mut total = 1; } }
// let mut total = 1;
"""


def test_every_kind_has_an_example_and_names_differ() -> None:
    assert sorted(EXAMPLES) == sorted(mutator.name for mutator in MUTATORS)


def test_five_kinds_of_five_topics_are_held_out() -> None:
    held_out = [mutator for mutator in MUTATORS if mutator.held_out]
    assert len(held_out) == 5
    assert len({mutator.topic for mutator in held_out}) == 5


@pytest.mark.parametrize("mutator", MUTATORS, ids=lambda mutator: str(mutator.name))
def test_example(mutator: Mutator) -> None:
    before, after = (text.encode() for text in EXAMPLES[mutator.name])
    mutations = mutations_of(mutator, source_file(before, parse_rust(before)))
    assert applied(before, mutations[0].changes).decode() == after.decode()
    assert all(0 <= mutation.start <= mutation.end <= len(before) for mutation in mutations)


@pytest.mark.parametrize("mutator", MUTATORS, ids=lambda mutator: str(mutator.name))
def test_code_that_is_not_compiled_is_left_alone(mutator: Mutator) -> None:
    text = NOT_COMPILED.encode()
    assert mutations_of(mutator, source_file(text, parse_rust(text))) == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("total", ("ttoal", "toal", "tottal")), ("book", ("boook",)), ("abcd", ("acbd", "abd", "abccd"))],
)
def test_slips(name: str, expected: tuple[str, ...]) -> None:
    assert set(expected) <= set(slips(name))
    assert name not in slips(name)


def test_camel_case() -> None:
    assert camel_case("is_ascii_digit") == "isAsciiDigit"


def test_places_depend_on_the_seed_alone() -> None:
    text = b"fn f() { g(total, value, other); }"
    mutator = next(mutator for mutator in MUTATORS if mutator.name == "typo in a variable")
    mutations = mutations_of(mutator, source_file(text, parse_rust(text)))
    once = shuffled_places({"a": mutations, "b": mutations}, "seed")
    again = shuffled_places({"a": mutations, "b": mutations}, "seed")
    assert once == again != shuffled_places({"a": mutations, "b": mutations}, "another")
    assert len(once) == 2 * len(mutations)
