"""Ownership and borrows: more cases of the templates than their examples show, and what they must not propose."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.programs import errors_of
from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

STORE = (
    "pub struct Item { pub name: String, pub count: u32 }\n"
    "pub struct Store { pub items: Vec<Item>, pub best: Option<Item>, pub total: u32 }\n"
)
LINKS = "pub struct Link { value: i32, next: Option<Box<Link>> }\npub struct List { head: Option<Box<Link>> }\n"

MENDED = {
    # What must be borrowed mutably from its origin on.
    "behind enumerate": STORE
    + "impl Store { pub fn f(&mut self) { for (i, item) in self.items.«iter_mut¦iter»().enumerate() "
    "{ item.count = i as u32; } } }",
    "found by an iterator": STORE
    + "impl Store { pub fn f(&mut self) { let item = self.items.«iter_mut¦iter»().find(|item| item.count > 1); "
    "item.unwrap().count = 2; } }",
    "matched by reference": STORE
    + "impl Store { pub fn f(&mut self) { match &«mut ¦»self.best { Some(item) => item.count += 1, None => {} } } }",
    "through two references": STORE
    + "impl Store { pub fn f(&mut self) { let items = &«mut ¦»self.items; let first = &«mut ¦»items[0]; "
    "first.name.push('a'); } }",
    "own accessor with a mutable sibling": STORE
    + "impl Store { fn at(&self, i: usize) -> Option<&Item> { self.items.get(i) }\n"
    "fn at_mut(&mut self, i: usize) -> Option<&mut Item> { self.items.get_mut(i) }\n"
    "pub fn f(&mut self) { if let Some(item) = self.«at_mut¦at»(1) { item.count = 3; } } }",
    "the guard of a cell": "use std::cell::RefCell;\npub fn f(list: &RefCell<Vec<u32>>) "
    "{ let «mut ¦»list = list.«borrow_mut¦borrow»(); list.push(1); }",
    "the guard of a lock": "use std::sync::RwLock;\npub fn f(list: &RwLock<Vec<u32>>) "
    "{ list.«write¦read»().unwrap().push(1); }",
    "a closure of a trait object": "fn each(visit: &«mut ¦»dyn Fn«Mut¦»(u32)) { visit(1); }\n"
    "pub fn f() -> u32 { let mut sum = 0; each(&«mut ¦»|n| sum += n); sum }",
    # Order.
    "a change of what is gone": "pub fn f(mut list: Vec<u32>, all: &mut Vec<Vec<u32>>) {\n    «list.sort();\n    ¦»"
    "all.push(list);«¦\n    list.sort();»\n}",
    "a mutable borrow begins later": "pub fn f(list: &mut Vec<u32>) -> usize {\n    «let count = list.len();\n    ¦»"
    "let whole = &mut *list;«¦\n    let count = list.len();»\n    whole.clear();\n    count\n}",
    "a closure is made later": "pub fn f(sum: &mut u32) -> u32 {\n    «let before = *sum;\n    ¦»"
    "let mut add = || *sum += 1;«¦\n    let before = *sum;»\n    add();\n    before\n}",
    "declared further down": "pub fn f(line: &str) -> usize {\n    «let words = line.split(' ');\n    ¦»"
    "let count = words.count();«¦\n    let words = line.split(' ');»\n    count\n}",
    "dropped in the wrong order": "pub struct Keeper<'a>(Vec<&'a String>);\n"
    "impl Drop for Keeper<'_> { fn drop(&mut self) {} }\n"
    "pub fn f() -> usize {\n    «let text = String::new();\n    ¦»let mut keeper = Keeper(Vec::new());"
    "«¦\n    let text = String::new();»\n    keeper.0.push(&text);\n    keeper.0.len()\n}",
    # Moves.
    "consumed where it may only be looked at": LINKS
    + "impl List { pub fn peek(&mut self) -> Option<&mut i32> { self.head«.as_mut()¦».map(|link| &mut link.value) } }",
    "taken, because it gets another value": LINKS
    + "impl List { pub fn pop(&mut self) -> Option<i32> { let link = self.head«.take()¦»?; self.head = link.next; "
    "Some(link.value) } }",
    "replaced by what nothing uses yet": STORE + "impl Store { pub fn f(&mut self, fresh: Vec<Item>) -> Vec<Item> "
    "{ let old = «std::mem::replace(&mut ¦»self.items«, fresh)¦»; self.total = 0; old } }",
    "emptied behind the move": "pub fn f(words: &[&str]) -> Vec<String> { let mut all = vec![]; "
    "let mut line = String::new(); for word in words { line.push_str(word); "
    "all.push(«std::mem::take(&mut ¦»line«)¦»); line.clear(); } all }",
    "a part that is needed again": "pub fn f(item: (String, u32), names: &mut Vec<String>, "
    "all: &mut Vec<(String, u32)>) "
    "{ names.push(item.0«.clone()¦»); all.push(item); }",
    "told before the move": "pub fn f(name: String, all: &mut Vec<String>) -> usize "
    "{\n    «let len = name.len();\n    ¦»all.push(name);\n    «len¦name.len()»\n}",
    "an iterator in a field": "pub struct L<'a> { chars: std::str::Chars<'a> }\n"
    "impl L<'_> { pub fn f(&mut self) -> u32 "
    "{ let mut n = 0; for c in self.chars«.by_ref()¦» { if c == 'x' { break; } n += 1; } n } }",
    "a mutable reference in an option": "pub fn f(mut log: Option<&mut Vec<u32>>) "
    "{ if let Some(log) = log«.as_deref_mut()¦» { log.push(1); } if let Some(log) = log { log.push(2); } }",
    "a lent argument of a method": "struct S;\nimpl S { fn eat(&self, text: «&str¦String») -> usize { text.len() } }\n"
    "pub fn f(text: String) -> String { let s = S; s.eat(«&¦»text); text }",
    # Borrows that meet.
    "computed before the loop": STORE + "impl Store { fn limit(&self) -> u32 { self.total }\n"
    "pub fn f(&mut self) {\n    «let limit = self.limit();\n    ¦»"
    "for item in &mut self.items { if item.count > «limit¦self.limit()» { item.count = 0; } }\n} }",
    "computed before the closure": STORE + "impl Store { fn limit(&self) -> u32 { self.total }\n"
    "pub fn f(&mut self) {\n    «let limit = self.limit();\n    ¦»"
    "self.items.retain(|item| item.count > «limit¦self.limit()»);\n} }",
    "a method with one argument, written out": STORE
    + "impl Store { fn at(&mut self, i: usize) -> &mut Item { &mut self.items[i] }\npub fn f(&mut self, i: usize) "
    "{ let item = «&mut self.items[i]¦self.at(i)»; self.total += 1; item.count += 1; } }",
    "indices in a nested loop": "pub fn f(list: &mut Vec<u32>) { for «i in 0..list.len()¦n in list.iter()» "
    "{ if «list[i]¦*n» > 3 { list.push(«list[i]¦*n»); } } }",
    "the keys of a map": "use std::collections::HashMap;\npub fn f(map: &mut HashMap<String, u32>) "
    "{ for key in map.keys()«.cloned().collect::<Vec<_>>()¦» { map.insert(key.clone(), 0); } }",
    # Values that end too early.
    "every branch is owned": 'fn f(n: u32) -> «String¦&\'static str» { if n == 0 { return "none"«.to_string()¦»; } '
    'let text = n.to_string(); match n { 1 => "one"«.to_string()¦», _ => «¦&»text } }\n'
    "pub fn g() -> usize { f(3).len() }",
    "words of a local text": "fn f(text: &str) -> Vec<«String¦&str»> { let low = text.to_lowercase(); "
    "low.split(' ')«.map(str::to_string)¦».collect() }\npub fn g() -> usize { f(\"a\").len() }",
    "an iterator over a local": "fn f() -> impl Iterator<Item = u32> { let list = vec![1, 2]; "
    "list.«into_iter¦iter»().map(|n| n + 1) }\npub fn g() -> u32 { f().sum() }",
    "a reference into a cell": "use std::cell::RefCell;\npub struct S(RefCell<Vec<u32>>);\n"
    "impl S { fn list(&self) -> «std::cell::Ref<'_, Vec<u32>>¦&Vec<u32>» { «¦&»self.0.borrow() }\n"
    "pub fn f(&self) -> usize { self.list().len() } }",
    "kept beyond the turn of a loop": "use std::collections::HashMap;\npub fn f(lines: &[String]) -> usize "
    "{ let mut seen = HashMap::new(); for line in lines { let key = line.to_lowercase(); "
    "*seen.entry(key«¦.as_str()»).or_insert(0) += 1; } seen.len() }",
    "the fields a thread needs": "pub struct S { name: String }\n"
    "impl S { pub fn f(&self) {\n    «let name = self.name.clone();\n    ¦»"
    'std::thread::spawn(move || println!("{}", «¦self.»name));\n} }',
}


@pytest.mark.parametrize("text", MENDED.values(), ids=MENDED.keys())
def test_what_was_meant_is_proposed(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert errors_of(tmp_path, meant) == ()
    assert squeezed(meant) in repaired_texts(tmp_path, broken)


NEVER = {
    "a statement that may return goes behind no change": (
        "use std::collections::HashMap;\npub fn f(map: &mut HashMap<u32, String>, key: u32) -> &String "
        "{ if let Some(found) = map.get(&key) { return found; } map.insert(key, String::new()); &map[&key] }",
        "map.insert(key, String::new()); if let Some(found)",
    ),
    "two effects keep their order": (
        "pub fn f() -> Vec<u32> { let mut list = vec![]; let mut add = |n| list.push(n); add(1); "
        'println!("{}", list.len()); add(2); list }',
        "add(2);println!",
    ),
    "nothing is emptied before it is given away": (
        'pub fn f(all: &mut Vec<String>) { let mut line = String::from("a"); all.push(line); line.clear(); }',
        "line.clear();all.push(line)",
    ),
    "what grows on every turn is not emptied": (
        "pub fn f(words: &[&str]) -> Vec<String> { let mut all = vec![]; let mut path = String::new(); "
        "for word in words { path.push_str(word); all.push(path); } all }",
        "take(&mut path)",
    ),
    "a map is not gone over by index": (
        "use std::collections::HashMap;\npub struct S { map: HashMap<u32, u32>, n: u32 }\n"
        "impl S { fn add(&mut self) { self.n += 1; }\n"
        "pub fn f(&mut self) { for n in self.map.iter() { drop(n); self.add(); } } }",
        "0..self.map.len()",
    ),
    "what changes is not computed before a loop": (
        "pub struct S { list: Vec<u32>, n: u32 }\nimpl S { fn next(&mut self) -> u32 { self.n += 1; self.n }\n"
        "pub fn f(&mut self) { for n in &mut self.list { *n = self.next(); } } }",
        "let next = self.next(); for",
    ),
    "nothing is taken from what is only looked at": (
        "pub struct S { list: Vec<String> }\nimpl S { pub fn f(&self) -> Vec<String> { self.list } }",
        "take(",
    ),
    "what the loop changes is not computed before it": (
        "pub struct S { list: Vec<u32> }\nimpl S { fn sum(&self) -> u32 { self.list.iter().sum() }\n"
        "pub fn f(&mut self) { for n in &mut self.list { *n = self.sum(); } } }",
        "let sum = self.sum(); for",
    ),
    "a thread keeps its move": (
        'pub fn f(text: String) -> String { std::thread::spawn(move || println!("{text}")); text }',
        "spawn(|| println",
    ),
    "the signature of a trait stays": (
        "pub trait T { fn f(&self) -> &str; }\npub struct S;\n"
        "impl T for S { fn f(&self) -> &str { let s = String::new(); &s } }",
        "-> String",
    ),
}


@pytest.mark.parametrize("case", NEVER.values(), ids=NEVER.keys())
def test_what_is_never_proposed(case: tuple[str, str], tmp_path: Path) -> None:
    text, unwanted = case
    assert errors_of(tmp_path, text)
    assert not [found for found in repaired_texts(tmp_path, text) if squeezed(unwanted) in found]
