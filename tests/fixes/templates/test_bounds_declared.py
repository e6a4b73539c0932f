"""Bounds, lifetimes and visibilities that other code already says are taken from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

SINK = (
    "pub trait Sink { fn all<F>(&mut self, f: F) where F: FnMut(&str) -> bool; "
    "fn put<S: AsRef<str>>(&mut self, s: S); }\n"
)
FIRST = {
    "std's trait": (
        "pub struct B<T>(Vec<T>);\nimpl<T> FromIterator<T> for B<T> {\n"
        "    fn from_iter<I«: IntoIterator<Item = T>¦»>(items: I) -> Self { let mut b = B(Vec::new()); "
        "for one in items { b.0.push(one); } b }\n}"
    ),
    "the own trait, in its where clause": (
        SINK + "pub struct L(Vec<String>);\nimpl Sink for L {\n"
        "    fn all<F«: FnMut(&str) -> bool¦»>(&mut self, mut f: F) { self.0.retain(|l| f(l)); }\n"
        "    fn put<S: AsRef<str>>(&mut self, s: S) { self.0.push(s.as_ref().to_string()); }\n}"
    ),
    "the own trait, in the names used here": (
        "pub trait Add<X> { fn add<I: IntoIterator<Item = X>>(&mut self, items: I); }\npub struct L(Vec<String>);\n"
        "impl Add<String> for L { fn add<J«: IntoIterator<Item = String>¦»>(&mut self, items: J) "
        "{ for one in items { self.0.push(one); } } }"
    ),
    "a neighbour": (
        "pub fn once<F: Fn(u32) -> u32>(n: u32, f: F) -> u32 { f(n) }\n"
        "pub fn twice<F«: Fn(u32) -> u32¦»>(n: u32, f: F) -> u32 { let a = f(n); f(a) }"
    ),
    "what an own method takes": (
        "pub trait Kind { type Item; }\npub struct B<A: Kind>(Vec<A::Item>);\nimpl<A: Kind> B<A> {\n"
        "    pub fn push(&mut self, one: A::Item) { self.0.push(one) }\n"
        "    pub fn more<I«: IntoIterator<Item = A::Item>¦»>(&mut self, items: I) "
        "{ for one in items { self.push(one); } }\n}"
    ),
    "what a field is extended with": (
        "pub struct B { names: Vec<String> }\nimpl B {\n"
        "    pub fn more<I«: IntoIterator<Item = String>¦»>(&mut self, items: I) "
        "{ self.names.extend(items.into_iter()); }\n}"
    ),
    "an imported trait by its name": (
        "mod kinds { pub trait Shape { fn area(&self) -> u32; } pub fn total<T: Shape>(x: &T) -> u32 { x.area() } }\n"
        "use kinds::{total, Shape};\npub fn f<T«: Shape¦»>(x: &T) -> u32 { total(x) }\n"
        "pub fn g(x: &dyn Shape) -> u32 { x.area() }"
    ),
    "the lifetime that the trait has": (
        "pub trait Read<'s> { fn read(&mut self, text: &'s str); }\npub struct T<'a, 's>(&'a str, &'s str);\n"
        "impl<'a, 's> T<'a, 's> {\n    pub fn one(&self, r: &mut dyn Read<'s>) { r.read(self.1) }\n"
        "    pub fn two<R: Read«<'s>¦»>(&self, r: &mut R) { r.read(self.1) }\n}"
    ),
    "a method among public ones": (
        "mod m {\n    pub struct S(pub u32);\n    impl S {\n        pub fn a(&self) -> u32 { self.0 }\n"
        "        pub fn b(&self) -> u32 { self.0 }\n        «pub ¦»fn c(&self) -> u32 { self.0 }\n    }\n}\n"
        "pub fn f(s: &m::S) -> u32 { s.c() }"
    ),
    "a type among public ones": (
        "mod m {\n    pub struct S;\n    pub trait T {}\n    «pub ¦»enum E { A }\n    fn hidden() {}\n"
        "    pub fn f() { hidden() }\n}\npub fn f() -> m::E { m::E::A }"
    ),
    "an import in the function": (
        "pub fn f(x: f64) -> f64 {\n    use std::f64::{INFINITY, MAX_EXP«, RADIX¦»};\n"
        "    if RADIX == 2 && x > MAX_EXP as f64 { INFINITY } else { x }\n}"
    ),
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST.keys())
def test_what_others_say_comes_first(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)


def test_a_bound_that_nobody_misses_is_not_taken(tmp_path: Path) -> None:
    text = "pub fn g<T: Ord + std::fmt::Debug>(x: T) -> T { x }\npub fn f<T>(x: Vec<T>) -> T { x.into_iter().sum() }"
    assert all("T:Ord+std::fmt::Debug>(x:Vec<T>)" not in one for one in repaired_texts(tmp_path, text))
