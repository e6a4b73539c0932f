"""Options, Results and views that are missing where a value begins or a function returns."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.programs import errors_of
from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

ERROR = (
    "pub struct Error;\nimpl From<std::num::ParseIntError> for Error { fn from(_: std::num::ParseIntError) -> Self "
    "{ Error } }\nfn word(t: &[String]) -> Result<&String, Error> { t.first().ok_or(Error) }\n"
)
HEADER = (
    "pub struct Header { length: usize }\nimpl Header { pub fn grow(&mut self) { self.length += 1; } "
    "pub fn size(&self) -> usize { self.length } }\n"
)
ARRAY = "pub trait Array { type Item; fn pointer(&self) -> *const Self::Item; }\n"

MENDED = {
    "the first branch is plain": (
        "pub fn run(a: bool, o: Option<u8>) -> Option<u8> { let x = if a { «Some(1)¦1» } else { None }; o.or(x) }"
    ),
    "the first arms are plain": (
        'pub fn run(a: u8) -> usize { let x = match a { 0 => «Some("no")¦"no"», 1 => «Some("one")¦"one"», '
        "_ => None }; x.map_or(0, str::len) }"
    ),
    "the success is plain": (
        'pub fn run(a: bool) -> Result<u8, String> { let x = if a { «Ok(1)¦1» } else { Err(String::from("no")) }; '
        "x.and(Ok(2)) }"
    ),
    "the return type lost its Result": (
        ERROR + "pub fn run(t: &[String]) -> «Result<i64, Error>¦i64» { let n = word(t)?.parse::<i64>()?; "
        "if n < 0 { return Err(Error); } Ok(n) }"
    ),
    "the return type lost its Result of nothing": (
        ERROR + "pub fn run(t: &[String]) -> «Result<(), Error>¦()» { word(t)?; word(t)?; Ok(()) }"
    ),
    "the return type lost its Option": (
        "pub struct M { list: Vec<(u8, u8)> }\nimpl M { pub fn last(&self) -> Option<&(u8, u8)> { self.list.last() }\n"
        "pub fn first(&self) -> «Option<&(u8, u8)>¦&(u8, u8)» { self.list.first() } }"
    ),
    "the callers ask for an Option": (
        "pub fn first(list: &[u8]) -> «Option<&u8>¦&u8» { list.first() }\n"
        "pub fn run(list: &[u8]) -> bool { first(list).is_some() }"
    ),
    "a range computed in another type": (
        "pub fn run(s: usize, k: isize, l: &[u8]) -> usize { let mut y = (s as isize - k)« as usize¦»; "
        "y += l[y..].len(); y }"
    ),
    "a pointer of a reference that may change": (
        "#[repr(transparent)]\npub struct Names([String]);\npub fn run(l: &mut [String]) -> *mut Names "
        "{ l« as *mut [String]¦» as *mut Names }"
    ),
    "the return type is nothing": "pub struct T(String);\nimpl T { pub fn len(&self) -> «usize¦()» { self.0.len() } }",
    "a slice in an unsafe block": (
        ARRAY
        + "pub struct S<T: Array> { a: T, n: usize }\nimpl<T: Array> S<T> { pub fn as_slice(&self)«-> &[T::Item]¦» "
        "{ unsafe { std::slice::from_raw_parts(self.a.pointer(), self.n) } } }"
    ),
    "an imported iterator": (
        "use std::slice::Iter;\npub struct S<T> { list: Vec<T> }\nimpl<T> S<T> { pub fn iter(&self)«-> Iter<'_, T>¦» "
        "{ self.list.iter() } }"
    ),
    "a pointer that is never null": (
        HEADER + "pub struct D { h: std::ptr::NonNull<Header> }\nimpl D { pub unsafe fn run(&mut self) -> usize { "
        "unsafe { let h = «self.h.as_mut()¦self.h»; h.grow(); h.size() } } }"
    ),
    "a cell that is read": (
        HEADER + "pub fn run(shared: &std::cell::RefCell<Header>) -> usize { let h = «shared.borrow()¦shared»; "
        "h.size() + h.length }"
    ),
    "an iterator of a list": (
        "pub fn run(list: &Vec<u8>) -> Option<&u8> { let «mut items = list.iter()¦items = list»; items.next() }"
    ),
    "a view of the own type": (
        "pub struct B { bytes: Vec<u8> }\nimpl B { pub fn as_slice(&self) -> &[u8] { &self.bytes } }\n"
        "pub fn run(b: &B) -> usize { let v = «b.as_slice()¦b»; v.len() + v.iter().count() }"
    ),
    "a pointer to anything": ("pub fn run<T>(list: &mut Vec<T>) -> *mut u8 { list.as_mut_ptr()« as *mut u8¦» }"),
    "items to change behind a count": (
        "pub fn run(mut list: Vec<u8>) -> Vec<u8> { for (i, x) in list.«iter_mut¦into_iter»().enumerate() "
        "{ *x = i as u8; } list }"
    ),
    "pairs to change": (
        "pub fn run(mut list: Vec<(u8, u8)>) -> Vec<(u8, u8)> { for (k, v) in «&mut ¦»list { if *k > 1 { *v += 1; } } "
        "list }"
    ),
    "items cast in the closure": (
        "pub fn sum(list: &[f64]) -> f64 { list.iter().sum() }\npub fn run(list: &[u64]) -> f64 { let l: Vec<_> = "
        "list.iter().map(|n| «*n as f64¦*n»).collect(); sum(&l) }"
    ),
}


@pytest.mark.parametrize("text", MENDED.values(), ids=MENDED.keys())
def test_what_was_meant_is_proposed(text: str, tmp_path: Path) -> None:
    right, wrong = right_and_wrong(text)
    assert errors_of(tmp_path, right) == ()
    assert squeezed(right) in repaired_texts(tmp_path, wrong)


NEVER = {
    "no question mark behind None": (
        "pub fn f(a: bool) -> Option<u8> { let x = if a { 1 } else { None }; Some(x) }",
        "None?",
    ),
    "what is done for its effect gives no return type": (
        "pub struct S { t: String }\nimpl S { pub fn cut(&mut self) { self.t.pop() } }",
        "->Option<char>",
    ),
    "the number of an enumeration is not borrowed": (
        "pub fn f(list: Vec<u8>) -> usize { let mut n = 0; for (i, _) in list.into_iter().enumerate() { n += *i; } n }",
        ".iter()",
    ),
}


@pytest.mark.parametrize("case", NEVER.values(), ids=NEVER.keys())
def test_what_is_never_proposed(case: tuple[str, str], tmp_path: Path) -> None:
    text, unwanted = case
    assert errors_of(tmp_path, text)
    assert not [found for found in repaired_texts(tmp_path, text) if squeezed(unwanted) in found]
