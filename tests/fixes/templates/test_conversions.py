"""Numbers, text, collections, references, operators: more cases of the templates than their examples show."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.programs import errors_of
from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

MENDED = {
    "and ints": ("pub fn run(a: u32, b: u32) -> u32 { a «&¦&&» b }"),
    "assign tail": ("pub fn run(mut a: u32) -> u32 { a += 1«; a¦» }"),
    "bool and option": ("pub fn run(a: Option<u32>, b: bool) -> bool { a«.is_some()¦» && b }"),
    "bool or result": ("fn f() -> Result<(), ()> { Ok(()) }\npub fn run(b: bool) -> bool { b || f()«.is_ok()¦» }"),
    "bytes of str": (
        "fn hash(bytes: &[u8]) -> usize { bytes.len() }\n"
        "pub fn run(text: &str) -> usize { hash(«text.as_bytes()¦text») }"
    ),
    "char compare str": ("pub fn is_dash(c: char) -> bool { c == «'-'¦\"-\"» }"),
    "collect chars str": ("pub fn rev(text: &str) -> String { text.chars().rev()«.collect()¦» }"),
    "collect map": (
        "use std::collections::HashMap;\n"
        "pub fn run(v: &[(String, u32)]) -> HashMap<String, u32> { v.iter()«.cloned()¦».collect() }"
    ),
    "compare len u32": ("pub fn fits(data: &[u8], limit: u32) -> bool { data.len() < «limit as usize¦limit» }"),
    "const string": ('const NAME: «&str¦String» = "sleepy";\npub fn n() -> usize { NAME.len() }'),
    "cow": (
        "use std::borrow::Cow;\n"
        "pub fn clean(text: &str) -> Cow<'_, str> { if text.contains(' ') { «Cow::Owned(text.replace(' "
        '\', ""))¦text.replace(\' \', "")» } else { Cow::Borrowed(text) } }'
    ),
    "cow2": (
        "use std::borrow::Cow;\n"
        "pub fn clean(text: &str) -> Cow<'_, str> { if text.contains(' ') { Cow::Owned(text.replace(' ', "
        '"")) } else { «Cow::Borrowed(text)¦text» } }'
    ),
    "cow3": (
        "use std::borrow::Cow;\n"
        "pub fn clean(text: &str) -> String { String::from_utf8_lossy(text.as_bytes())«.into_owned()¦» }"
    ),
    "e0277 from str": (
        "pub fn run(v: &str) -> Result<i32, String> { Ok(v.parse::<i32>()«.map_err(|error| error.to_string())¦»?) }"
    ),
    "e0277 str idx": ("pub fn run(v: &str) -> char { «v.chars().next().unwrap()¦v[0]» }"),
    "e0593 two": ('fn foo<F: Fn(u32, u32)>(x: F) { x(1, 2) }\npub fn run() { foo(|a«, _¦»| { println!("{a}"); }); }'),
    "e0599 ref opt field": (
        "pub struct N { value: u32, next: Option<Box<N>> }\n"
        "pub fn run(n: &N) -> Option<u32> { Some(n.next«.as_ref()?¦».value) }"
    ),
    "e0631": ("fn foo<F: Fn(usize)>(f: F) { f(1) }\npub fn run() { foo(|_: «usize¦isize»| {}); }"),
    "for enumerate": (
        "pub fn run(v: &[u32]) -> u32 { let mut s = 0; for (i, x) in v«.iter().enumerate()¦» { s += x * i as u32; } s }"
    ),
    "for len": ("pub fn run(v: &[u32]) -> usize { let mut s = 0; for i in «0..v.len()¦v.len()» { s += i; } s }"),
    "for string": (
        "pub fn run(v: &str) -> usize { let mut s = 0; for c in v«.chars()¦» { if c == 'a' { s += 1; } } s }"
    ),
    "format add": ('pub fn full(first: &str, last: &str) -> String { «format!("{first} {last}")¦first + " " + last» }'),
    "i32 times f64": ("pub fn scale(count: i32, factor: f64) -> f64 { «f64::from(count)¦count» * factor }"),
    "if int": ('pub fn odd(n: u32) -> &\'static str { if «n % 2 != 0¦n % 2» { "odd" } else { "even" } }'),
    "index nonindexable": (
        "pub struct Bag { items: Vec<u32> }\nimpl Bag { pub fn at(&self, i: usize) -> u32 { self«.items¦»[i] } }"
    ),
    "index option": ("pub fn run(v: Option<Vec<u32>>) -> Option<u32> { Some(v«?¦»[0]) }"),
    "map index": ("use std::collections::HashMap;\npub fn run(m: &HashMap<String, u32>, k: &str) -> u32 { m[«k¦&k»] }"),
    "map on vec2": ("pub fn run(v: Vec<String>) -> Vec<usize> { v«.iter()¦».map(|x| x.len()).collect() }"),
    "match string": ('pub fn code(name: String) -> u8 { match «name.as_str()¦name» { "a" => 1, _ => 2 } }'),
    "match string field": (
        "pub struct User { name: String }\n"
        'impl User { pub fn code(&self) -> u8 { match «self.name.as_str()¦self.name» { "a" => 1, _ => 2 '
        "} } }"
    ),
    "max ref": (
        "pub fn largest(values: &[i32]) -> i32 { let mut best = 0; for v in values { best = best.max(«*v¦v»); } best }"
    ),
    "missing collect": (
        "pub fn evens(a: &[u32]) -> Vec<u32> { a.iter().filter(|n| *n % 2 == 0).copied()«.collect()¦» }"
    ),
    "missing collect let": (
        "pub fn evens(a: &[u32]) -> Vec<u32> { let v: Vec<u32> = a.iter().map(|n| n * 2)«.collect()¦»; v }"
    ),
    "missing copied": (
        "pub fn evens(a: &[u32]) -> Vec<u32> { a.iter().filter(|n| *n % 2 == 0)«.copied()¦».collect() }"
    ),
    "newtype unwrap": (
        "pub struct Id(u32);\nfn show(id: u32) -> u32 { id }\npub fn run(n: Id) -> u32 { show(«n.0¦n») }"
    ),
    "not int": ("pub fn run(a: &[u32]) -> bool { «a.is_empty()¦!a.len()» }"),
    "not option": ("pub fn run(a: Option<u32>) -> bool { «a.is_none()¦!a» }"),
    "osstr to string": (
        "use std::path::Path;\n"
        "pub fn run(path: &Path) -> Option<&str> { path.file_name()«.and_then(|name| name.to_str())¦» }"
    ),
    "path to pathbuf": (
        "use std::path::{Path, PathBuf};\npub fn run(path: &Path) -> PathBuf { «path.to_path_buf()¦path» }"
    ),
    "path to string": ("use std::path::Path;\npub fn run(path: &Path) -> String { «path.display().to_string()¦path» }"),
    "pathbuf str": (
        "use std::path::PathBuf;\n"
        "pub struct Config { path: PathBuf }\n"
        "pub fn run(name: &str) -> Config { Config { path: «PathBuf::from(name)¦name» } }"
    ),
    "powi": ("pub fn power(x: f64, n: i32) -> f64 { x.«powi¦powf»(n) }"),
    "ref compare": ("pub fn has(values: &[i32], n: i32) -> bool { values.iter().any(|v| «*v¦v» == n) }"),
    "ref compare le": (
        "pub fn below(values: &[i32], n: i32) -> usize { values.iter().filter(|v| «**v¦v» < n).count() }"
    ),
    "ref pattern": ("pub fn run(a: Vec<u32>) -> u32 { let mut s = 0; for «n¦&n» in a { s += n; } s }"),
    "return type integer": (
        "fn count(words: &[&str]) -> «usize¦u32» { words.len() }\n"
        "pub fn twice(words: &[&str]) -> usize { count(words) * 2 }"
    ),
    "str index": ("pub fn first(text: &str) -> char { «text.chars().next().unwrap()¦text[0]» }"),
    "str mul": ('pub fn run(n: usize) -> String { «"-".repeat(n)¦"-" * n» }'),
    "struct str field": (
        "pub struct Token { kind: «String¦&'static str» }\n"
        'pub fn t(n: u8) -> Token { Token { kind: format!("t{n}") } }'
    ),
    "sum len": ("pub fn total(parts: &[String]) -> u64 { parts.iter().map(|p| «p.len() as u64¦p.len()»).sum() }"),
    "tuple vs single": ("pub fn run(v: &[(u32, u32)]) -> u32 { v.iter().map(|«(a, b)¦a, b»| a * b).sum() }"),
    "u32 to u64 arg": (
        "fn seed(value: u64) -> u64 { value.wrapping_mul(31) }\n"
        "pub fn from_id(id: u32) -> u64 { seed(«u64::from(id)¦id») }"
    ),
    "u64 to usize": ("pub fn skip(data: &[u8], offset: u64) -> &[u8] { &data[«offset as usize¦offset»..] }"),
    "u8 to u32": (
        "pub fn total(bytes: &[u8]) -> u32 { let mut sum: u32 = 0; for &b in bytes { sum += «u32::from(b)¦b»; } sum }"
    ),
    "usize times f64": (
        "pub fn mean(values: &[f64]) -> f64 { values.iter().sum::<f64>() / «values.len() as f64¦values.len()» }"
    ),
    "vec add": ("pub fn run(a: Vec<u32>, b: Vec<u32>) -> Vec<u32> { «[a, b].concat()¦a + b» }"),
}


@pytest.mark.parametrize("text", MENDED.values(), ids=MENDED.keys())
def test_what_was_meant_is_proposed(text: str, tmp_path: Path) -> None:
    right, wrong = right_and_wrong(text)
    assert errors_of(tmp_path, right) == ()
    assert squeezed(right) in repaired_texts(tmp_path, wrong)


NEVER = {
    "a number is not cut to a byte to make a letter": (
        "pub fn f(n: u32) -> char { n as char }",
        "as u8 as char",
    ),
    "what is cast on purpose is not cast again": (
        "pub fn f(n: u64) -> i32 { n as u32 }",
        "as u32 as i32",
    ),
    "a value that is used is not thrown away": (
        "use std::cell::Cell;\npub struct S { up: Option<Box<S>>, n: Cell<i64> }\nimpl S { pub fn root(&self) "
        "{ match &self.up { Some(up) => up.root(), None => self.n.get() } } }",
        "{ self.n.get(); }",
    ),
    "what a loop changes is not changed in a copy": (
        "pub fn f(list: Vec<u32>) { for n in list { if *n > 2 { *n -= 1; } } }",
        "if n > 2",
    ),
    "the other side is not cut down": (
        "pub fn f(a: u64, b: u32) -> bool { b == a }",
        "a as u32 as",
    ),
}


@pytest.mark.parametrize("case", NEVER.values(), ids=NEVER.keys())
def test_what_is_never_proposed(case: tuple[str, str], tmp_path: Path) -> None:
    text, unwanted = case
    assert errors_of(tmp_path, text)
    assert not [found for found in repaired_texts(tmp_path, text) if squeezed(unwanted) in found]
