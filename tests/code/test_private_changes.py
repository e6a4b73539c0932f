"""Which changes no other crate can notice. When in doubt: others can."""

from __future__ import annotations

import pytest
from marked_edits import marked

from sleepy_agent.code.changes import is_private_change

PRIVATE = {
    "body of a function": "pub fn f() { let «→mut »x = 1; }",
    "body of a method": "impl S { pub fn f(&self) { g(«→&»x); } }",
    "end of a body": "pub fn f() -> u8 { g()«;→» }",
    "signature of a private function": "fn f(x: «u8→u16») {}",
    "private import": "use std::«→collections::»HashMap;\npub fn f() {}",
    "new private import": "«→use std::fmt;\n»pub fn f() {}",
    "new private import between items": "pub fn a() {}\n«→use std::fmt;\n»pub fn f() {}",
    "private struct": "struct S { x: «u8→u16» }",
    "derive on a private struct": "«→#[derive(Clone)]\n»struct S;",
    "derive on a private struct between items": "pub fn f() {}\n\n«→#[derive(Clone)]\n»/// Words.\nstruct S;",
    "one more derive on a private struct": "#[derive(Debug«→, Clone»)]\nstruct S;",
    "private import gone": "«use std::fmt;\n→»pub fn f() {}",
    "crate's own": "pub(crate) fn f(x: «u8→u16») {}",
    "two places": "pub fn a() { g(«→&»x); }\npub fn b() { g(«→&»y); }",
}

SEEN_BY_OTHERS = {
    "signature": "pub fn f(x: «u8→u16») {}",
    "return type": "pub fn f()«→ -> u8» { g() }",
    "bound of a public function": "pub fn f<T«→: Clone»>(x: T) {}",
    "public field": "pub struct S { pub x: «u8→u16» }",
    "private field of a public struct": "pub struct S { x: «u8→Rc<u8>» }",
    "variant": "pub enum E { A, «→B,» }",
    "derive on a public struct": "«→#[derive(Clone)]\n»pub struct S;",
    "one more derive on a public struct": "#[derive(Debug«→, Clone»)]\npub struct S;",
    "public import": "pub use a::«b→c»;",
    "new public import": "«→pub use a::b;\n»fn f() {}",
    "new public function": "«→pub fn g() {}\n»fn f() {}",
    "body of a const function": "pub const fn f() -> u8 { «1→2» }",
    "body of an async function": "pub async fn f() { g(«→&»x); }",
    "body behind impl Trait": "pub fn f() -> impl Iterator<Item = u8> { x«→.iter()» }",
    "method of a trait": "pub trait T { fn f(x: «u8→u16»); }",
    "method of an implementation of a trait": "impl T for S { fn f(x: «u8→u16») {} }",
    "head of an implementation": "impl<T«→: Clone»> S<T> {}",
    "new method": "impl S { «→pub fn g() {}\n» }",
    "macro": "macro_rules! m { () => { «1→2» } }",
    "module": "«→mod a;\n»fn f() {}",
    "attribute of the crate": "«→#![no_std]\n»fn f() {}",
    "private constant, which a public array may be as long as": "const LIMIT: u8 = «1→2»;",
    "private alias, which a public signature may name": "type A = «u8→u16»;",
    "import of the crate": "«→pub(crate) »use a::b;",
    "attribute of a public function": "«→#[inline]\n»pub fn f() {}",
    "several things at once": "«→use a::b;\npub fn g() {}\n»fn f() {}",
    "public constant": "pub const LIMIT: u8 = «1→2»;",
    "public static": "pub static LIMIT: u8 = «1→2»;",
    "type alias": "pub type A = «u8→u16»;",
    "function made public": "«→pub »fn f() {}",
    "one place of two": "pub fn a() { g(«→&»x); }\npub fn b(y: «u8→u16») {}",
    "import made public": "«→pub »use a::b;",
    "body of a public function in a macro": "make! { pub fn f() { g(«→&»x); } }",
    "array length in a signature": "pub fn f() -> [u8; «2→3»] { g() }",
}


@pytest.mark.parametrize("text", PRIVATE.values(), ids=PRIVATE)
def test_nobody_else_notices(text: str) -> None:
    edit = marked(text)
    assert is_private_change(edit.before, edit.after, edit.changes)


@pytest.mark.parametrize("text", SEEN_BY_OTHERS.values(), ids=SEEN_BY_OTHERS)
def test_others_may_notice(text: str) -> None:
    edit = marked(text)
    assert not is_private_change(edit.before, edit.after, edit.changes)
