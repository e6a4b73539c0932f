"""Arguments and fields that are missing: what is at hand under that name and type, and nothing made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

EMIT = (
    "pub struct Style { pub indent: usize }\n"
    "fn emit(style: &Style, text: &str, depth: usize) -> usi"
    "ze { style.indent + text.len() + depth }\n"
)
FIRST = {
    "first argument, a field": EMIT
    + "pub struct W<'a> { style: &'a Style }\n"
    + "impl W<'_> { pub fn f(&self, t: &str) -> usize { emit(«self.style, ¦»t, 1) } }",
    "argument in the middle": EMIT + "pub fn f(style: &Style, text: &str) -> usize { emit(style, «text, ¦»3) }",
    "last argument": EMIT + 'pub fn f(style: &Style, depth: usize) -> usize { emit(style, "x"«, depth¦») }',
    "lent": EMIT + 'pub fn f(style: Style, depth: usize) -> usize { emit(«&style, ¦»"x", depth) }',
    "lent text": EMIT + "pub fn f(style: &Style, text: String) -> usize { emit(style, «&text, ¦»2) }",
    "the only one of that type": EMIT + 'pub fn f(look: &Style) -> usize { emit(«look, ¦»"x", 2) }',
    "field of that name": "pub struct P { a: u32, b: u32 }\npub fn f(a: u32, b: u32) -> P { P { a«, b¦» } }",
    "field converted": (
        "pub struct P { a: u32, b: String }\npub fn f(a: u32, b: &str) -> P { P { a«, b: b.to_string()¦» } }"
    ),
    "the only one that nothing uses": (
        "pub fn f(g: impl Fn(u32, u32) -> u32, first: u32, second: u32) -> u32 { g(first«, second¦») }"
    ),
    "what nothing uses, of any type": (
        "use std::collections::HashMap;\n"
        "pub fn f(names: &HashMap<String, u32>, name: &str) -> Option<u32> { names.get(«name¦»).copied() }"
    ),
    "generic, of a trait": (
        "pub trait V { fn text(self, text: &str) -> usize; }\n"
        "pub fn f<A: V>(found: Option<&str>, v: A) -> Option<usize> { found.map(|found| v.text(«found¦»)) }"
    ),
    "generic parameter": (
        "fn g<A: Copy>(a: A) -> A { a }\npub fn f<A: Copy>(first: A, n: u8) -> u8 { g(«first¦»); n }"
    ),
    "not where rustc thinks, by the names": (
        "fn check(short: &str, long: &str) -> bool { short < long }\n"
        "pub fn f(short: &str, long: &str) -> usize { check(«short, ¦»long); short.len() + long.len() }"
    ),
    "not where rustc thinks, as nothing uses it": (
        "fn g(name: &str, text: &str, end: &str) -> usize { name.len() + text.len() + end.len() }\n"
        "pub fn f(name: &str, text: &str, end: &str) -> usize { g(«name, ¦»text, end) }"
    ),
    "a generic parameter before a number": (
        "fn show<T: ToString>(item: T, depth: usize) -> String { item.to_string().repeat(depth) }\n"
        "pub fn f<T: ToString>(item: T, depth: usize) -> String { show(«item, ¦»depth * 2) }"
    ),
    "field wrapped": (
        "use std::cell::RefCell;\npub struct P { a: u32, b: RefCell<u32> }\n"
        "pub fn f(a: u32, b: u32) -> P { P { a«, b: RefCell::new(b)¦» } }"
    ),
    "field that holds nothing": (
        "use std::marker::PhantomData;\npub struct P<T> { a: u32, kind: PhantomData<T> }\n"
        "pub fn f<T>(a: u32) -> P<T> { P { a«, kind: PhantomData¦» } }"
    ),
    "field of self": "pub struct P { a: u32, b: u32 }\nimpl P { pub fn f(&self) -> P { P { a: 1«, b: self.b¦» } } }",
    "exchanged with a closure": (
        "pub fn f(name: Option<&String>) -> bool {\n"
        "    name.map_or(«true¦|name| name.is_empty()», «|name| name.is_empty()¦true»)\n}"
    ),
    "exchanged, where only one is wrong": (
        "pub struct B { data: Vec<u8> }\nimpl B { fn writable(&mut self) -> &mut [u8] { &mut self.data } }\n"
        "fn quote(input: &[u8], output: &mut [u8], mark: u8) { output[0] = input[0] + mark; }\n"
        "pub fn f(b: &mut B, field: &[u8]) { quote(«field¦b.writable()», «b.writable()¦field», 3) }"
    ),
    "exchanged, where one is taken for too many": (
        "fn mark(output: &mut Vec<u8>, length: usize, name: Option<&[u8]>) { output.push(name.map_or(0, |_| 1)); }\n"
        'pub fn f(output: &mut Vec<u8>, n: usize) { mark(output, «n¦Some(b"ours")», «Some(b"ours")¦n») }'
    ),
    "element of a vector": "pub fn f(v: &Vec<u32>, i: usize) -> u32 { v«[i]¦(i)» }",
    "product": "pub fn f(a: u32, b: u32) -> u32 { a«*¦»(b + 1) }",
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST.keys())
def test_what_is_at_hand_comes_first(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)


NOTHING = {
    "no value of that type": EMIT + 'pub fn f(style: &Style) -> usize { emit(style, "x") }',
    "two values of a common type": EMIT
    + 'pub fn f(style: &Style, a: usize, b: usize) -> usize { emit(style, "x") + a + b }',
    "a call of itself": "pub fn f(n: u32, sum: u32) -> u32 { if n == 0 { sum } else { f(n - 1) } }",
}


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING.keys())
def test_no_value_is_made_up(text: str, tmp_path: Path) -> None:
    assert repaired_texts(tmp_path, text) == []


def test_a_part_of_something_else_is_no_field(tmp_path: Path) -> None:
    types = "pub struct C { pub depth: usize }\npub struct P { a: u32, depth: usize }\n"
    text = types + "pub fn f(a: u32, c: &C) -> P { P { a } }"
    assert not any("c.depth" in found for found in repaired_texts(tmp_path, text))


def test_arguments_are_exchanged_where_only_one_type_is_known(tmp_path: Path) -> None:
    meant, broken = right_and_wrong(
        "fn broken<I: IntoIterator<Item = u8>>(words: I, width: usize) -> usize { words.into_iter().count() * width }\n"
        "fn split(n: u8) -> impl Iterator<Item = u8> { 0..n }\n"
        "pub fn f(widths: &[usize]) -> usize { let words = split(3); broken(«words¦widths[1]», «widths[1]¦words») }"
    )
    assert squeezed(meant) in repaired_texts(tmp_path, broken)
