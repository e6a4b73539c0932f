"""Option, Result and `?`: more cases of the templates than their examples show."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.programs import errors_of
from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

MENDED = {
    "and then map": ("pub fn run(a: Option<&str>) -> Option<u32> { a.«and_then¦map»(|t| t.parse().ok()) }"),
    "collect results": (
        "pub fn run(a: &[&str]) -> Result<Vec<u32>, std::num::ParseIntError> { let n: «Result<Vec<u32>, "
        "_>¦Vec<u32>» = a.iter().map(|t| t.parse::<u32>()).collect(); n }"
    ),
    "dropped question field": (
        "pub struct P { x: i32 }\n"
        "fn p(a: i32) -> Option<P> { if a > 0 { Some(P { x: a }) } else { None } }\n"
        "pub fn run(a: i32) -> Option<i32> { Some(p(a)«?¦».x) }"
    ),
    "dropped question op": (
        "fn p(a: i32) -> Option<i32> { if a > 0 { Some(a) } else { None } }\n"
        "pub fn run(a: i32) -> Option<i32> { Some(p(a)«?¦» + 1) }"
    ),
    "error convert string": (
        "pub fn run(a: &str) -> Result<i32, String> { let n: i32 = a.parse::<i32>()«.map_err(|error| "
        "error.to_string())¦»?; Ok(n) }"
    ),
    "error convert tail": (
        "use std::num::ParseIntError;\n"
        "pub enum Fault { Number(ParseIntError), Empty }\n"
        "pub fn run(a: &str) -> Result<i32, Fault> { if a.is_empty() { return Err(Fault::Empty); } "
        "a.parse::<i32>()«.map_err(Fault::Number)¦» }"
    ),
    "error convert variant": (
        "use std::num::ParseIntError;\n"
        "pub enum Fault { Number(ParseIntError), Empty }\n"
        "pub fn run(a: &str) -> Result<i32, Fault> { if a.is_empty() { return Err(Fault::Empty); } let n "
        "= a.parse::<i32>()«.map_err(Fault::Number)¦»?; Ok(n) }"
    ),
    "extra some question": (
        "fn n(a: u32) -> Option<u32> { Some(a) }\npub fn run(a: u32) -> Option<u32> { «n(a)¦Some(n(a))» }"
    ),
    "for unit ok": (
        "pub fn run(texts: &[&str]) -> Result<(), std::num::ParseIntError> { for text in texts { let n: "
        'u32 = text.parse()?; println!("{n}"); } «Ok(())¦» }'
    ),
    "if let pat": ("pub fn show(a: Option<u32>) -> u32 { if let «Some(n)¦Ok(n)» = a { n } else { 0 } }"),
    "if let some": ("pub fn show(a: Option<u32>) -> u32 { match a { «Some(n)¦n» => n, None => 0 } }"),
    "if unit ok": (
        "pub fn run(text: &str) -> Result<(), std::num::ParseIntError> { let n: u32 = text.parse()?; if "
        'n > 3 { println!("{n}"); } «Ok(())¦» }'
    ),
    "map and then": ("pub fn run(a: Option<&str>) -> Option<usize> { a.«map¦and_then»(|t| t.len()) }"),
    "match arms all": (
        "#[derive(Debug)]\n"
        "pub enum Kind { A, B }\n"
        'pub fn of(text: &str) -> Result<Kind, String> { match text { "a" => «Ok(Kind::A)¦Kind::A», "b" '
        "=> «Ok(Kind::B)¦Kind::B», other => Err(other.to_string()) } }"
    ),
    "match pat ok some": (
        "pub fn show(a: Result<u32, String>) -> u32 { match a { «Ok(n)¦Some(n)» => n, «Err(_)¦None» => 0 } }"
    ),
    "mutex lock": ("use std::sync::Mutex;\npub fn put(t: &Mutex<Vec<u32>>) { t«.lock().unwrap()¦».push(1) }"),
    "opt result": (
        "pub fn run(a: Option<&str>) -> Result<Option<u32>, std::num::ParseIntError> { a.map(|t| "
        "t.parse::<u32>())«.transpose()¦» }"
    ),
    "option ref arg": (
        "fn name(a: Option<&String>) -> usize { a.map_or(0, |s| s.len()) }\n"
        "pub fn run(a: &Option<String>) -> usize { name(«a.as_ref()¦a») }"
    ),
    "option ref str": (
        "fn name(a: Option<&str>) -> usize { a.map_or(0, |s| s.len()) }\n"
        "pub fn run(a: &Option<String>) -> usize { name(«a.as_deref()¦a») }"
    ),
    "question on plain": (
        "fn n(a: u32) -> u32 { a }\npub fn run(a: u32) -> Result<u32, String> { let x = n(a)«¦?»; Ok(x) }"
    ),
    "rc new": (
        "use std::rc::Rc; use std::cell::RefCell;\n"
        "pub struct Tree { kids: Vec<Rc<RefCell<Tree>>> }\n"
        "pub fn add(t: &mut Tree, k: Tree) { t.kids.push(«Rc::new(RefCell::new(k))¦RefCell::new(k)»); }"
    ),
    "rc new2": (
        "use std::rc::Rc; use std::cell::RefCell;\n"
        "pub struct Tree { kids: Vec<Rc<RefCell<Tree>>> }\n"
        "pub fn add(t: &mut Tree, k: Tree) { t.kids.push(«Rc::new(RefCell::new(k))¦k»); }"
    ),
    "refcell borrow": ("use std::cell::RefCell;\npub fn size(t: &RefCell<Vec<u32>>) -> usize { t«.borrow()¦».len() }"),
    "refcell borrow mut": ("use std::cell::RefCell;\npub fn put(t: &RefCell<Vec<u32>>) { t«.borrow_mut()¦».push(1) }"),
    "result in if": (
        "fn check(a: u32) -> Result<u32, String> { Ok(a) }\npub fn is(a: u32) -> bool { check(a)«.is_ok()¦» }"
    ),
    "result question type": ("pub fn run(a: &str) -> Option<i32> { let n = a.parse::<i32>()«.ok()¦»?; Some(n) }"),
    "result to option": ("pub fn run(a: &str) -> Option<u32> { a.parse::<u32>()«.ok()¦» }"),
    "unit ok": (
        "pub fn run(text: &str) -> Result<(), std::num::ParseIntError> { let n: u32 = text.parse()?; "
        'println!("{n}"); «Ok(())¦» }'
    ),
    "unwrap on plain": ("fn n(a: u32) -> u32 { a }\npub fn run(a: u32) -> u32 { n(a)«¦.unwrap()» }"),
    "while let": (
        "pub fn run(mut a: Vec<u32>) -> u32 { let mut n = 0; while let «Some(x)¦x» = a.pop() { n += x; } n }"
    ),
}


@pytest.mark.parametrize("text", MENDED.values(), ids=MENDED.keys())
def test_what_was_meant_is_proposed(text: str, tmp_path: Path) -> None:
    right, wrong = right_and_wrong(text)
    assert errors_of(tmp_path, right) == ()
    assert squeezed(right) in repaired_texts(tmp_path, wrong)


NEVER = {
    "no value is made up where there is none": (
        "pub fn f(list: &[u32]) -> u32 { list.first().copied() }",
        "unwrap_or",
    ),
    "no message is made up for an error": (
        "pub fn f(list: &[u32]) -> Result<u32, String> { Ok(*list.first()?) }",
        "ok_or",
    ),
    "a variant for another error is not taken": (
        "use std::num::ParseIntError;\npub enum E { Number(ParseIntError), Io(std::io::Error) }\n"
        "pub fn f(t: &str) -> Result<f64, E> { Ok(t.parse::<f64>()?) }",
        "map_err",
    ),
    "an error is not lost where a function forgot its type": (
        "pub struct S;\nimpl S { fn go(&self) { if true { return; } } "
        "pub fn f(&self) -> Result<(), String> { self.go()?; Ok(()) } }",
        "self.go(); Ok(())",
    ),
    "a pattern of a plain value is not wrapped": (
        "pub enum K { A, B }\npub fn f(k: u32) -> bool { if let K::A = k { true } else { false } }",
        "Some(K::A)",
    ),
}


@pytest.mark.parametrize("case", NEVER.values(), ids=NEVER.keys())
def test_what_is_never_proposed(case: tuple[str, str], tmp_path: Path) -> None:
    text, unwanted = case
    assert errors_of(tmp_path, text)
    assert not [found for found in repaired_texts(tmp_path, text) if squeezed(unwanted) in found]
