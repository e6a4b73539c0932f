"""Imports: where a new one goes, by which path, and which of several."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

FIRST = {
    "into the list of its module": (
        "use std::collections::{BTreeMap, «HashMap, ¦»HashSet};\n"
        "pub fn f(a: BTreeMap<u8, u8>, b: HashMap<u8, u8>, c: HashSet<u8>) {}"
    ),
    "at the end of a list": ("use std::fmt::{Debug«, Display¦»};\npub fn f<T: Debug + Display>(t: T) {}"),
    "a list with a line each": (
        "use std::{\n    cell::Cell,\n    «rc::Rc,\n    ¦»time::Duration,\n};\n"
        "pub fn f(a: Cell<u8>, b: Rc<u8>, c: Duration) {}"
    ),
    "a line in the order of the lines": (
        "use std::cell::Cell;\n«use std::rc::Rc;\n¦»use std::time::Duration;\n"
        "pub fn f(a: Cell<u8>, b: Rc<u8>, c: Duration) {}"
    ),
    "the group of its crate": (
        "use std::cell::Cell;\n«use std::rc::Rc;\n¦»\nuse crate::store::Shelf;\n"
        "mod store { pub struct Shelf; }\npub fn f(a: Cell<u8>, b: Rc<u8>, c: Shelf) {}"
    ),
    "beside its only sibling, where lists are written": (
        "use std::fmt::«{Debug, Display}¦Debug»;\nuse std::io::{Read, Write};\n"
        "pub fn f<T: Debug + Display>(t: T, r: &dyn Read, w: &dyn Write) {}"
    ),
    "lines stay lines": (
        "use std::fmt::Debug;\n«use std::fmt::Display;\n¦»use std::fmt::Write;\n"
        "pub fn f<T: Debug + Display>(t: T, w: &dyn Write) {}"
    ),
    "core where core is imported": (
        "use core::cell::Cell;\n«use core::fmt;\n¦»use core::mem::take;\n"
        "pub fn f(a: Cell<u8>) -> fmt::Result { take(&mut 3); Ok(()) }"
    ),
    "the parent where the parent is imported": (
        "pub struct A;\npub struct B;\npub mod inner {\n    use super::«{A, B}¦A»;\n"
        "    use std::fmt::{Debug, Display};\n    pub fn f(a: A, b: B, c: &dyn Debug, d: &dyn Display) {}\n}"
    ),
    "the meaning that is used": (
        "«use std::sync::atomic::Ordering;\n¦»use std::sync::Mutex;\n"
        "pub fn f(m: Mutex<u8>) -> Ordering { Ordering::SeqCst }"
    ),
    "an item in another module": (
        "pub mod store { pub mod shelf { pub struct Book; } }\n"
        "pub mod reader { pub fn read(book: &crate::store::«shelf::¦»Book) {} }"
    ),
    "a misspelt module": (
        "use std::«collections¦colections»::{HashMap, HashSet};\npub fn f(a: HashMap<u8, HashSet<u8>>) {}"
    ),
    "a misspelt part inside of a macro": "pub fn f() -> Vec<u8> { vec![std::«cmp¦cm»::max(1, 2)] }",
    "a list whose module is missing": ("use std::«fmt::¦»{Debug, Display};\npub fn f<T: Debug + Display>(t: T) {}"),
    "the way the crate goes": (
        "mod inner { pub struct Shelf; pub struct Book; }\npub use inner::Shelf;\n"
        "mod a { use crate::inner::Book; use crate::inner::Shelf; pub fn f(b: Book, s: Shelf) {} }\n"
        "mod b { use crate::inner::Book;\n«use crate::inner::Shelf; ¦»pub fn f(b: Book, s: Shelf) {} }"
    ),
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST.keys())
def test_the_import_that_its_author_would_write(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)


def test_what_went_together_comes_back_together(tmp_path: Path) -> None:
    broken = (
        "use std::cell::Cell;\nmod hir { pub struct Tree; pub enum Kind { A } pub fn make() -> Tree { Tree } }\n"
        "mod user {\n    «use crate::hir::{self, Kind, Tree};\n¦»    use std::rc::Rc;\n"
        "    pub fn f(a: Rc<Tree>, b: Kind) -> Tree { hir::make() }\n}"
    )
    meant, text = right_and_wrong(broken)
    assert squeezed(meant) in repaired_texts(tmp_path, text)


def test_an_item_that_is_private_there_is_not_named(tmp_path: Path) -> None:
    text = "pub mod store { mod hall { pub struct Book; } }\npub fn f(book: &crate::store::Book) {}"
    assert repaired_texts(tmp_path, text) == []
