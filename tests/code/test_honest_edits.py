"""Edits that a careful reviewer takes without a word: nothing may hold them back."""

from __future__ import annotations

import pytest
from marked_edits import marked

from sleepy_agent.code.changes import all_flags

HONEST = {
    "mut": "fn f() { let «→mut »v = vec![1]; v.push(2); }",
    "reference": "fn f(s: String) { g(«→&»s); g(&s); }",
    "mutable reference": "fn f() { let mut v = vec![1]; g(&«→mut »v); }",
    "no reference": "fn f(s: &str) { g(«&→»s); }",
    "dereference": "fn f(n: &u32) -> u32 { «→*»n + 1 }",
    "clone": "fn f(s: String) { g(s«→.clone()»); g(s); }",
    "clone before a loop": "fn f(v: Vec<u8>) { for x in v«→.clone()» { g(x); } g(v); }",
    "no clone": "fn f(s: String) { g(s«.clone()→»); }",
    "import": "«→use std::collections::HashMap;\n\n»fn f() -> HashMap<u8, u8> { HashMap::new() }",
    "import with inner attribute before": "#![no_std]\n«→use core::fmt;\n»fn f() {}",
    "derive on a private struct": "«→#[derive(Clone)]\n»struct Point { x: u8 }\nfn f(p: &Point) -> Point { p.clone() }",
    "one more derive": "#[derive(Debug«→, Clone»)]\nstruct Point { x: u8 }",
    "lifetime, the signature was the complaint": "pub fn f«→<'a>»(a: &«→'a »str, b: &«→'a »str) -> ⟦&⟧«→'a »str { a }",
    "lifetime of a private function": "fn f«→<'a>»(a: &«→'a »str, b: &str) -> &«→'a »str { a }",
    "question mark": "fn f() -> Result<u8, E> { let x = g()«→?»; Ok(x) }",
    "semicolon": "fn f() { let x = 1«→;»\n g(x); }",
    "semicolon removed": "fn f() -> u8 { g()«;→» }",
    "doubled semicolon": "fn f() { g();«;→» }",
    "wrapped in Some": "fn f(x: u8) -> Option<u8> { «→Some(»x«→)» }",
    "call wrapped in Ok": "fn f() -> Result<u8, E> { «→Ok(»g()«→)» }",
    "Ok at the end": "fn f() -> Result<(), E> { g()?;«→\n Ok(())» }",
    "unwrapped from Some": "fn f(x: Option<u8>) -> Option<u8> { «Some(→»x«)→» }",
    "await": "async fn f() { let x = g()«→.await»; h(x); }",
    "inclusive range without an end": "fn f(v: &[u8]) -> &[u8] { &v[1..«=→»] }",
    "turbofish": "fn f(t: &str) { let n = t.parse«→::<u32>»(); g(n); }",
    "type of a let": "fn f() { let v«→: Vec<u32>» = it.collect(); }",
    "misspelled function": "fn f() { «lenght→length»(); }",
    "misspelled method": "fn f(s: &str) -> usize { s.«lenght→len»() }",
    "misspelled variable": "fn f(count: u32) -> u32 { g(«cuont→count») }",
    "misspelled macro": 'fn f() { «printn→println»!("{}", g()); }',
    "misspelled method in a macro": 'fn f(s: &str) { println!("{}", s.«lenght→len»()); }',
    "misspelled field": "fn f(p: Point) -> u8 { p.«widht→width» }",
    "misspelled type": "fn f(s: «Strng→String») {}",
    "unused import": "«use std::fmt;\n→»fn f() {}",
    "one name of an import": "use std::collections::{BTreeMap, «HashMap, →»HashSet};\nfn f() {}",
    "unneeded mut": "fn f() { let «mut →»v = vec![1]; g(v); }",
    "unneeded parentheses": "fn f() { if «(→»g()«)→» { h(); } }",
    "unneeded parentheses around a value": "fn f(a: u8) { let x = «(→»a + 1«)→»; g(x); }",
    "call moved into a let": "fn f() { «→let text = make();\n let x = »«make()→text».trim(); g(x); }",
    "path of a type": "fn f() -> «HashMap→std::collections::HashMap»<u8, u8> { g() }",
    "path of a function": "fn f() { «swap→std::mem::swap»(&mut a, &mut b); }",
    "shorter path": "fn f() { «std::fmt::→»swap(&mut a, &mut b); }",
    "string made": 'fn f() -> String { "a"«→.to_string()» }',
    "conversion": "fn f(x: u8) -> u32 { x«→.into()» }",
    "borrowed from": "fn f(s: &Option<String>) { if let Some(x) = s«→.as_ref()» { g(x); } }",
    "move": "fn f(s: String) { spawn(«→move »|| g(&s)); }",
    "braces": "fn f() { if a { g(); «→}» }",
    "comma": "fn f() { g(a«→,» b); }",
    "bracket of an attribute": "#[derive(Debug, Clone«→)»]\npub struct Point { x: u8 }\nfn f() { g(); }",
    "bracket of a public signature": "pub fn f(x: u8«→)» -> u8 { g(x) }",
    "colon in a struct literal": "fn f() -> Point { Point { x « =→:» 1.0 } }",
    "let of a new name": "fn f() { «→let »x = g(); h(x); }",
    "import keyword": "«import→use» std::collections::HashMap;\nfn f() { g(); }",
    "let in a struct": "struct Point { «let →»x: u8 }",
    "colons": "fn f() { Vec«:→::»new(); }",
    "suffix of a number": "fn f() -> f64 { 2«→.0» * x }",
    "character for a string": "fn f() { g(«\"a\"→'a'»); }",
    "debug format": 'fn f() { println!("«{}→{:?}»", x); }',
    "debug format as one literal": 'fn f() { println!(«"{} is {}"→"{:?} is {}"», x, y); }',
    "bound of a private function": "fn f<T«→: Clone»>(x: &T) -> T { x.clone() }",
    "bound where the bound was missing": "pub fn f<T«→: Clone»>(x: ⟦T⟧) {}",
    "two equals signs": "fn f(a: u8) { if a «=→==» 1 { g(); } }",
    "field of a struct expression": "fn f() -> Point { Point { x: 1«→, y: x» } }",
    "binding of a pattern": "fn f(p: Point) { let Point { x«→, y» } = p; g(x, y); }",
    "scope around a borrow": "fn f() { «→{ »let r = &mut x; r.push(1);«→ }» g(&x); }",
    "statements exchanged": "fn f() { «let x = g();\n let y = h();→let y = h();\n let x = g();» k(x, y); }",
    "constructor's parentheses": "fn f() -> Option<u8> { None«()→» }",
    "return type": "fn f() «→-> u8 »{ g() }",
    "keyword": "«func→fn» f() { g(); }",
    "a constant that was complained of": 'pub const LIMIT: u32 = «"12"→12»;',
    "dyn": "fn f(x: Box<«→dyn »Shape>) {}",
    "unneeded comma": "fn f() { g(a,«,→» b); }",
    "raw identifier": "fn f(«→r#»type: u8) {}",
    "arm's comma": "fn f() { match x { 1 => g()«→,» 2 => h(), _ => k() } }",
    "array for a vector": "fn f() { g(«&[a, b]→vec![a, b]»); }",
}


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST)
def test_nothing_holds_back_an_honest_edit(text: str) -> None:
    table = all_flags()
    blocking = {name for name in marked(text).flags if table[name].blocks_preference or table[name].refused}
    assert not blocking
