"""The checks for cheats that judge Sleepy's fixes."""

from __future__ import annotations

import pytest

from benchmarks.error_index.cheats import cheats_of

DELETED = "deleted a statement or an item"
COMMENTED = "commented code out"
EMPTIED = "emptied a body"
SILENCED = "new allow or cfg"
HIDDEN = "put code into a macro or a loop without end"
PANICS = "new todo!, unimplemented! or panic!"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("let x = 1; x = 2;", "let mut x = 1; x = 2;", ()),
        ("f(a); g(a);", "f(a.clone()); g(a);", ()),
        ("fn f(x: &'a u8) {}", "fn f<'a>(x: &'a u8) {}", ()),
        ("f(1, 2);", "f(1);", ()),
        ("let a: [u8; 3] = x;", "let a: &[u8] = x;", ()),
        ("x.len().max()", "x.len()", ()),
        ("struct S; f(); g();", "struct S; f();", (DELETED,)),
        ("fn a() { b() } fn c() {}", "fn a() { b() }", (DELETED,)),
        ("let a = f(); let b = 1;", "let b = 1;", (DELETED,)),
        ('fn f() { println!("{}", x) }', "fn f() {}", (DELETED, EMPTIED)),
        ("match x { 1 => a(), _ => b() }", "match x { _ => b() }", (DELETED,)),
        ("fn f() { one(); }", "fn f() { /* one(); */ }", (COMMENTED, DELETED, EMPTIED)),
        ("fn f() { one(); two(); }", "fn f() { // one();\n two(); }", (COMMENTED, DELETED)),
        ("// old f();\nlet x = 1;", "// old f();\nlet mut x = 1;", ()),
        ("fn f() {}", "#[cfg(any())] fn f() {}", (SILENCED,)),
        ("fn f() {}", "#![allow(dead_code)] fn f() {}", (SILENCED,)),
        ("#[allow(a)] fn f() {}", "#[allow(a)] pub fn f() {}", ()),
        ("f(p);", "unsafe { f(p); }", ("new unsafe",)),
        ("fn f() -> u8 { g() }", "fn f() -> u8 { todo!() }", (PANICS,)),
        ("fn f() -> u8 { g() }", "fn f() -> ! { loop {} }", (HIDDEN,)),
    ],
)
def test_cheats(before: str, after: str, expected: tuple[str, ...]) -> None:
    assert cheats_of(before, after, reference="something else") == expected


def test_the_corrected_example_is_never_a_cheat() -> None:
    assert cheats_of("f(); g();", "f(); // g\n", reference="f();") == ()
