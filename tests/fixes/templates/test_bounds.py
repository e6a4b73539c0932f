"""Bounds stand where the parameter is declared, and are written as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

MAP = "use std::collections::HashMap;\nuse std::hash::Hash;\npub struct M<K, V> { m: HashMap<K, V> }\n"
FIRST = {
    "on the impl": (
        "pub struct C<T>(Vec<T>);\nimpl<T«: Clone¦»> C<T> { pub fn all(&self) -> Vec<T> { self.0.clone() } }"
    ),
    "two at once": (
        MAP + "impl<K«: Eq + Hash¦», V> M<K, V> { pub fn put(&mut self, k: K, v: V) { self.m.insert(k, v); } }"
    ),
    "beside others, in the usual order": (
        MAP + "impl<K: «Eq + ¦»Hash + Clone, V> M<K, V> { pub fn has(&self, k: &K) -> bool { self.m.contains_key(k) } }"
    ),
    "without a path": "pub fn f<T«: PartialOrd¦»>(x: &[T], y: &T) -> bool { x.iter().any(|one| one > y) }",
    "by an imported module": (
        "use std::fmt;\npub struct S<T>(T);\nimpl<T«: fmt::Display¦»> fmt::Display for S<T> {\n"
        '    fn fmt(&self, f: &mut fmt::Formatter<\'_>) -> fmt::Result { write!(f, "{}", self.0) }\n}'
    ),
    "in the where clause": (
        "use std::fmt::Debug;\npub fn f<T>(x: T) -> String\nwhere\n    T: Debug« + Clone¦»,\n"
        '{\n    format!("{:?}", x.clone())\n}'
    ),
    "what is copied": "fn f<T: PartialOrd« + Copy¦»>(x: &[T]) -> T { x[0] }",
    "of an associated type": "pub fn f<I«: Iterator¦»>(mut items: I) -> Option<I::Item> { items.next() }",
    "a function": "pub fn f<F«: Fn(u32) -> u32¦»>(change: F, x: u32) -> u32 { change(x) }",
    "not for trait objects": (
        "trait S { fn a(&self) -> u32; fn g(&self) -> Self« where Self: Sized¦»; }\nfn f(s: &dyn S) -> u32 { s.a() }"
    ),
    "the near associated type": "pub fn f<I: IntoIterator>(i: I) -> Vec<I::«Item¦Itm»> { i.into_iter().collect() }",
    "on the implementation": "pub struct P<A, B>(A, B);\nimpl«<A, B>¦» P<A, B> { pub fn a(&self) -> &A { &self.0 } }",
    "on the type": "pub enum T«<V>¦» { Leaf(V), Node(Vec<T<V>>) }",
    "sum": "pub fn f(v: &[f64]) -> f64 { v.iter().sum«::<f64>¦»() / v.len() as f64 }",
    "parsed and compared": "pub fn f(s: &str) -> bool { let x«: f64¦» = s.parse().unwrap(); x > 1.5 }",
    "collected and shown": ('pub fn f(s: &str) { let x«: String¦» = s.chars().rev().collect(); println!("{}", x); }'),
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST.keys())
def test_the_bound_comes_first(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)
