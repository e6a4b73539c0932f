"""Templates for what compiles in two ways: they propose the one that keeps what was written already."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

OPERANDS = {
    "a fraction": "pub fn f(a: u32, b: u32) -> f64 { «f64::from(a) / f64::from(b)¦a / b» }",
    "a sum of bytes": "pub fn f(a: u8, b: u8) -> u16 { let c: u16 = «u16::from(a) + u16::from(b)¦a + b»; c }",
    "a part of a larger one": "pub struct S { a: u32 }\npub fn f(s: &S, t: u64) -> u64 "
    "{ t - «u64::from(s.a) * 60¦s.a * 60» }",
    "a number written out": "pub fn f(a: i32) -> f64 { «f64::from(a) / 2.0¦a / 2» }",
}
MEMBER = "#[derive(Clone)]\npub struct M { id: u32, name: String }\n"
KEYS = "pub fn f(all: Vec<M>) -> std::collections::HashSet<M> { all.into_iter().collect() }"
HEAD = "impl std::hash::Hash for M { fn hash<H: std::hash::Hasher>(&self, state: &mut H) { "
EQUAL = "impl PartialEq for M { fn eq(&self, other: &Self) -> bool { "
HASHES = {
    "one field": f"{MEMBER}{EQUAL}self.id == other.id }} }}"
    f"«{HEAD}std::hash::Hash::hash(&self.id, state); }} }}¦»\nimpl Eq for M {{}}\n{KEYS}",
    "what is made of a field": f"{MEMBER}{EQUAL}self.name.trim() == other.name.trim() }} }}"
    f"«{HEAD}std::hash::Hash::hash(&self.name.trim(), state); }} }}¦»\nimpl Eq for M {{}}\n{KEYS}",
    "with what it builds on": f"{MEMBER}{EQUAL}self.id == other.id }} }}"
    f"«impl Eq for M {{}}{HEAD}std::hash::Hash::hash(&self.id, state); }} }}¦»\n{KEYS}",
}
DEFAULT = "«impl Default for T { fn default() -> Self { Self::new() } }¦»"
DEFAULTS = {
    "for unwrap_or_default": "pub struct T(u8);\nimpl T { pub fn new() -> T { T(7) } }"
    f"{DEFAULT}\npub fn f(t: Option<T>) -> T {{ t.unwrap_or_default() }}",
    "called by name": "pub struct T { a: Vec<u8> }\nimpl T { fn new() -> Self { T { a: vec![1] } } }"
    f"{DEFAULT}\npub fn f() -> T {{ T::default() }}",
    "for mem::take": "pub struct T(u8);\nimpl T { pub fn g(&self) -> u8 { self.0 } pub fn new() -> T { T(7) } }"
    f"{DEFAULT}\npub fn f(t: &mut T) -> T {{ std::mem::take(t) }}",
}
ORDER = "impl PartialOrd for J { fn partial_cmp(&self, o: &Self) -> Option<std::cmp::Ordering> { "
ORDERS = {
    "a number": "#[derive(PartialEq, Eq)]\npub struct J { p: u32 }\n" + ORDER + "self.p.partial_cmp(&o.p) } }"
    "«impl Ord for J { fn cmp(&self, o: &Self) -> std::cmp::Ordering { self.p.cmp(&o.p) } }¦»\n"
    "pub fn f(j: &mut [J]) { j.sort(); }",
    "the other way round": "#[derive(PartialEq, Eq)]\npub struct J { p: String }\n"
    + ORDER
    + "o.p.partial_cmp(&self.p) } }"
    "«impl Ord for J { fn cmp(&self, o: &Self) -> std::cmp::Ordering { o.p.cmp(&self.p) } }¦»\n"
    "pub fn f(j: Vec<J>) -> Option<J> { j.into_iter().max() }",
}
ADDED = " { type Output = Self; fn add(self, o: Self) -> Self { "
SUMS = {
    "a number": f"pub struct C(u64);\nimpl std::ops::Add for C{ADDED}C(self.0 + o.0) }} }}"
    "«impl std::iter::Sum for C { fn sum<I: Iterator<Item = Self>>(items: I) -> Self "
    "{ items.fold(Self(0), |total, item| total + item) } }¦»\npub fn f(all: Vec<C>) -> C { all.into_iter().sum() }",
    "mapped": f"pub struct C(f32, u8);\nimpl std::ops::Add for C{ADDED}C(self.0 + o.0, self.1 + o.1) }} }}"
    "«impl std::iter::Sum for C { fn sum<I: Iterator<Item = Self>>(items: I) -> Self "
    "{ items.fold(Self(0.0, 0), |total, item| total + item) } }¦»\n"
    "pub fn f(n: u8) -> C { (0..n).map(|k| C(f32::from(k), k)).sum::<C>() }",
}
ERROR = "std::num::ParseIntError"
CALLERS = {
    "a method": "pub struct T(Vec<u8>);\nimpl T { fn a(&mut self, t: &str)« -> Result<(), " + ERROR + ">¦» "
    "{ self.0.push(t.parse()?); «Ok(())¦»} pub fn b(&mut self) -> Result<usize, " + ERROR + "> "
    '{ self.a("1")«?¦»; self.a("2")«?¦»; Ok(self.0.len()) } }',
    "an option": "fn a(v: &mut Vec<char>, t: &str)« -> Option<()>¦» { v.push(t.chars().next()?); «Some(())¦»}\n"
    "pub fn b(t: &str) -> Option<Vec<char>> { let mut v = Vec::new(); a(&mut v, t)«?¦»; Some(v) }",
    "a way out in between": "fn a(n: &mut u8, t: &str)« -> Result<(), " + ERROR + ">¦» "
    "{ if *n > 9 { return« Ok(())¦»; } *n = t.parse()?; «Ok(())¦»}\n"
    "pub fn b(n: &mut u8) -> Result<(), " + ERROR + '> { a(n, "3")«?¦»; Ok(()) }',
}
JUMPS = {
    "out of a for loop": "pub fn f(v: &[u8]) -> Option<u8> "
    "{ for a in v { if *a > 3 { «return¦break» Some(*a); } } None }",
    "out of a while loop": "pub fn f(mut n: u8) -> bool "
    "{ while n > 0 { if n == 7 { «return¦break» true; } n -= 1; } false }",
    "out of a method": "pub struct S(Vec<u8>);\nimpl S { pub fn f(&self) -> Result<u8, String> "
    '{ for a in &self.0 { if *a > 3 { «return¦break» Ok(*a); } } Err("none".to_string()) } }',
}
PAIR = "pub struct P<'k, 'v>(pub &'k str, pub &'v str);\n"
LIFETIMES = {
    "of the same names": PAIR + "pub fn f<'k, 'v>(v: &'v str, k: &'k str) -> P<'k«, 'v¦»> { P(k, v) }",
    "as many of other names": PAIR + "pub fn f<'a, 'b>(k: &'a str, v: &'b str) -> P<'a«, 'b¦»> { P(k, v) }",
    "of the implementation": PAIR + "pub struct T<'k>(&'k str);\n"
    "impl<'k> T<'k> { pub fn f<'v>(&self, v: &'v str) -> P<'k«, 'v¦»> { P(self.0, v) } }",
}
LENT = "pub struct G(Vec<u8>);\nimpl G { pub fn at(&self, n: usize) -> u8 { self.0[n] }\n"
PLACES = {
    "named like it": LENT + "pub fn at_mut(&mut self, n: usize) -> &mut u8 { &mut self.0[n] }\n"
    "pub fn f(&mut self) { «*self.at_mut¦self.at»(1) = 2; } }",
    "the only one": LENT + "pub fn cell(&mut self, n: usize) -> &mut u8 { &mut self.0[n] } }\n"
    "pub fn f(g: &mut G) { «*g.cell¦g.at»(1) = 2; }",
    "added to": LENT + "pub fn cell(&mut self, n: usize) -> &mut u8 { &mut self.0[n] } }\n"
    "pub fn f(g: &mut G) { «*g.cell¦g.at»(1) += 2; }",
}
TABLES = {
    "operands": OPERANDS,
    "hash": HASHES,
    "default": DEFAULTS,
    "order": ORDERS,
    "sum": SUMS,
    "callers": CALLERS,
    "jump": JUMPS,
    "lifetimes": LIFETIMES,
    "place": PLACES,
}
EVERY = [pytest.param(text, id=f"{topic}: {name}") for topic, table in TABLES.items() for name, text in table.items()]


@pytest.mark.parametrize("text", EVERY)
def test_the_reading_that_keeps_what_is_written_is_proposed(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert squeezed(meant) in repaired_texts(tmp_path, broken)


ASKED = {
    "a short pattern": "pub fn f(a: &[u8; 3]) -> u8 { let [«b, c, ..¦b, c»] = a; b + c }",
    "the other end of it": "pub fn f(a: &[u8; 3]) -> u8 { let [«.., b, c¦b, c»] = a; b + c }",
    "a list or a set": "pub fn f(a: &str) -> usize "
    "{ let b«: Vec<_>¦» = a.chars().map(|c| c as u32).collect(); b.len() }",
    "a field in another place": "pub enum E { A(u8, u8) }\npub fn f(e: E) -> u8 { let E::A(«_, b¦b») = e; b }",
}


@pytest.mark.parametrize("text", ASKED.values(), ids=ASKED.keys())
def test_the_other_reading_is_proposed_too(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert squeezed(meant) in repaired_texts(tmp_path, broken)
