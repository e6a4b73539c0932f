"""What one file declares, read from real text: whole, odd and broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from sleepy_agent.code.items import FileItems, Item, ItemKind, items_of_file

FILE = Path("src/lib.rs")


def read(text: str) -> FileItems:
    return items_of_file(FILE, text.encode())


def only(text: str, name: str) -> Item:
    (found,) = [item for item in read(text).items if item.name == name]
    return found


# Text, the item's name, and what its fields have to be.
ITEMS: dict[str, tuple[str, str, dict[str, object]]] = {
    "function": (
        "pub async unsafe fn send<'a, T: Clone>(mut a: &'a T, (b, c): (u8, u8)) -> Result<(), E> where T: Copy {}",
        "send",
        {
            "kind": ItemKind.FUNCTION, "visibility": "pub", "is_async": True, "is_unsafe": True, "is_const": False,
            "generics": "<'a, T: Clone>", "where_clause": "where T: Copy", "returns": "Result<(), E>",
            "self_parameter": None,
        },
    ),
    "const function without a return": ("const fn f() {}", "f", {"is_const": True, "returns": None}),
    "struct": (
        "#[derive(Debug, std::clone::Clone)]\n#[derive(Hash)]\npub(crate) struct S { pub a: u8, b: Vec<u8> }",
        "S",
        {"kind": ItemKind.STRUCT, "visibility": "pub(crate)", "derives": ("Debug", "Clone", "Hash"), "is_tuple": False},
    ),
    "tuple struct": ("struct S(pub u8, String);", "S", {"is_tuple": True}),
    "unit struct": ("struct S;", "S", {"fields": (), "is_tuple": False, "body_start": None}),
    "union": ("union U { a: u8 }", "U", {"kind": ItemKind.UNION}),
    "trait": (
        "pub trait T: Clone + fmt::Debug + 'static {}", "T",
        {"kind": ItemKind.TRAIT, "supertraits": ("Clone", "fmt::Debug")},
    ),
    "trait's function": (
        "trait T { fn f(&self); }", "f", {"owner": "T", "is_in_trait": True, "has_default_body": False},
    ),
    "provided function": ("trait T { fn f(&self) {} }", "f", {"kind": ItemKind.METHOD, "has_default_body": True}),
    "trait's type": ("trait T { type A: Clone; }", "A", {"kind": ItemKind.ASSOCIATED_TYPE, "owner": "T"}),
    "trait's constant": ("trait T { const A: u8 = 1; }", "A", {"type": "u8", "has_default_body": True}),
    "type of an implementation": (
        "impl T for S { type A = u8; }", "A", {"kind": ItemKind.ASSOCIATED_TYPE, "type": "u8", "of_trait": "T"},
    ),
    "alias": ("type A<T> = Vec<T>;", "A", {"kind": ItemKind.TYPE_ALIAS, "type": "Vec<T>", "generics": "<T>"}),
    "constant": ("const A: &str = \"\";", "A", {"kind": ItemKind.CONST, "type": "&str"}),
    "static": ("static mut A: u8 = 1;", "A", {"kind": ItemKind.STATIC, "type": "u8"}),
    "macro": ("macro_rules! m { () => {} }", "m", {"kind": ItemKind.MACRO}),
    "raw name": ("fn r#type() {}", "type", {"kind": ItemKind.FUNCTION}),
    "method": ("impl<'a> a::S<'a> { fn f(&'a mut self) {} }", "f", {"owner": "S", "self_parameter": "&mut self"}),
    "typed self": ("impl S { fn f(self: Box<Self>) {} }", "f", {"self_parameter": "self: Box<Self>"}),
    "mut self": ("impl S { fn f(mut self) {} }", "f", {"self_parameter": "mut self"}),
    "associated function": ("impl S { fn f() {} }", "f", {"kind": ItemKind.METHOD, "self_parameter": None}),
    "method of a trait": ("impl fmt::Display for S<u8> { fn f(&self) {} }", "f", {"owner": "S", "of_trait": "Display"}),
    "foreign function": ('extern "C" { fn f(a: i32) -> i32; }', "f", {"kind": ItemKind.FUNCTION, "owner": None}),
    "in a function": ("fn f() { fn g() {} }", "g", {"is_local": True, "module": ()}),
    "in a module": ("mod a { pub mod b { fn g() {} } }", "g", {"module": ("a", "b"), "is_local": False}),
    "in a module's function": ("mod a { fn f() { struct S; } }", "S", {"module": ("a",), "is_local": True}),
    "method of a local type": ("fn f() { struct S; impl S { fn g(&self) {} } }", "g", {"owner": "S", "is_local": True}),
    "in the block of a constant": ("const _: () = { impl T for S { fn g(&self) {} } };", "g", {"of_trait": "T"}),
    "for tests": ("#[cfg(test)]\nmod tests { fn g() {} }", "g", {"is_test": True}),
    "test": ("#[test]\nfn g() {}", "g", {"is_test": True}),
    "asynchronous test": ("#[tokio::test]\nasync fn g() {}", "g", {"is_test": True}),
    "not for tests": ("#[cfg(not(test))]\nfn g() {}", "g", {"is_test": False}),
    "only sometimes there": ('#[cfg(feature = "a")]\nfn g() {}', "g", {"is_conditional": True}),
    "in a module that is only sometimes there": ("#[cfg(unix)]\nmod m { fn g() {} }", "g", {"is_conditional": True}),
    "always there": ("#[cfg(not(test))]\n#[inline]\nfn g() {}", "g", {"is_conditional": False}),
    "in a macro": ("bitflags! { pub struct Flags: u8 { const A = 1; } }", "Flags", {"is_in_macro": True}),
    "static in a macro": ("lazy_static! {\n  pub static ref A: u8 = 1;\n}", "A", {"kind": ItemKind.STATIC}),
    "in a branch of a macro": (
        "cfg_if! { if #[cfg(unix)] { fn f() {} } else { fn g() { fn h() {} } } }", "g",
        {"is_local": False, "is_in_macro": True},
    ),
    "in a macro without arguments": ("macro_rules! m { () => { fn g() {} } }\nm!();", "g", {"is_in_macro": True}),
}  # fmt: skip


@pytest.mark.parametrize("case", ITEMS)
def test_an_item_is_read_with_all_its_parts(case: str) -> None:
    text, name, expected = ITEMS[case]
    item = only(text, name)
    assert {key: getattr(item, key) for key in expected} == expected


def test_parameters_fields_and_variants_know_their_places() -> None:
    text = "fn f(&self, mut a: &'a T, (b, c): (u8, u8)) {}\nstruct S { pub a: u8, b: Vec<u8> }\n"
    text += "enum E { A, B(u8, pub u16), C { x: u8 } }"
    items = {item.name: item for item in read(text).items}
    assert [(one.name, one.type) for one in items["f"].parameters] == [("a", "&'a T"), ("(b, c)", "(u8, u8)")]
    assert [text[one.byte_start : one.byte_end] for one in items["f"].parameters] == [
        "mut a: &'a T",
        "(b, c): (u8, u8)",
    ]
    assert [(one.name, one.type, one.visibility) for one in items["S"].fields] == [
        ("a", "u8", "pub"),
        ("b", "Vec<u8>", ""),
    ]
    assert [text[one.byte_start : one.byte_end] for one in items["S"].fields] == ["pub a: u8", "b: Vec<u8>"]
    assert [(one.name, one.shape) for one in items["E"].variants] == [("A", "unit"), ("B", "tuple"), ("C", "struct")]
    assert [[field.name for field in one.fields] for one in items["E"].variants] == [[], ["0", "1"], ["x"]]


def test_the_ranges_of_an_item_lie_where_they_say() -> None:
    text = "/// Words.\n#[derive(Debug, Clone)]\n#[allow(x)]\npub struct S<T>(T);\npub fn f<T>(a: u8) -> u8 { 1 }"
    struct, function = only(text, "S"), only(text, "f")
    assert text[struct.attributes_start :].startswith("/// Words.")
    assert text[struct.byte_start :].startswith("pub struct")
    assert text[struct.name_start : struct.name_end] == "S"
    assert text[struct.derive_start : struct.derive_end] == "Debug, Clone"
    assert struct.attributes == ("#[derive(Debug, Clone)]", "#[allow(x)]")
    assert function.attributes_start == function.byte_start
    assert function.generics_range is not None
    assert text[slice(*function.generics_range)] == "<T>"
    assert function.parameters_range is not None
    assert text[slice(*function.parameters_range)] == "(a: u8)"
    assert function.returns_range is not None
    assert text[slice(*function.returns_range)] == "u8"
    assert text[function.body_start : function.body_end] == "{ 1 }"


IMPLEMENTATIONS = {
    "impl S {}": ("S", None, "S", False),
    "impl<'a, T: Clone> fmt::Display for &'a mut a::S<T> where T: Copy {}": ("S", "Display", "&'a mut a::S<T>", False),
    "impl<T> A for T {}": ("T", "A", "T", True),
    "unsafe impl !Send for S {}": ("S", "Send", "S", False),
    "impl A for [u8] {}": ("slice", "A", "[u8]", False),
    "impl A for (u8, u16) {}": ("tuple", "A", "(u8, u16)", False),
    "impl dyn A + 'static {}": ("A", None, "dyn A + 'static", False),
    "impl From<u8> for S {}": ("S", "From", "S", False),
}


@pytest.mark.parametrize("text", IMPLEMENTATIONS)
def test_an_implementation_knows_its_type_and_its_trait(text: str) -> None:
    (one,) = read(text).implementations
    assert (one.type_name, one.trait_name, one.type_text, one.is_blanket) == IMPLEMENTATIONS[text]


def test_an_implementation_has_its_members() -> None:
    (one,) = read(
        "impl<T> A<u8> for S<T> where T: Copy { type B = u8; const C: u8 = 1; fn d() { fn e() {} } }"
    ).implementations
    assert [item.name for item in one.items] == ["B", "C", "d"]
    assert (one.trait_text, one.generics, one.where_clause) == ("A<u8>", "<T>", "where T: Copy")


IMPORTS = {
    "use std::collections::HashMap;": [("std::collections::HashMap", "HashMap")],
    "use std::{io, fmt::{self, Write as _, Display}};": [
        ("std::io", "io"), ("std::fmt", "fmt"), ("std::fmt::Write", "_"), ("std::fmt::Display", "Display"),
    ],
    "use a::b as c;": [("a::b", "c")],
    "use a::*;": [("a", "*")],
    "use super::super::a;": [("super::super::a", "a")],
    "use {a::b, c};": [("a::b", "b"), ("c", "c")],
    "use ::a::b;": [("a::b", "b")],
    "use r#type::a;": [("type::a", "a")],
    "extern crate a as b;": [("a", "b")],
    "use a::{b::{c, d}": [("a::b::c", "c"), ("a::b::d", "d")],
    "use a::b\nfn f() {}": [("a::b", "b")],
}  # fmt: skip


@pytest.mark.parametrize("text", IMPORTS)
def test_use_trees_are_flattened(text: str) -> None:
    assert [("::".join(one.path), one.name) for one in read(text).imports] == IMPORTS[text]


def test_an_import_knows_its_own_part_and_its_scope() -> None:
    text = "pub use a::{b, c::*};\nfn f() { use d::e; }\nmod m { use g::h; }"
    imports = {one.path: one for one in read(text).imports}
    assert [text[one.leaf_start : one.leaf_end] for one in imports.values()] == ["b", "c::*", "d::e", "g::h"]
    assert text[imports["a", "b"].byte_start : imports["a", "b"].byte_end] == "pub use a::{b, c::*};"
    assert imports["a", "c"].is_glob
    assert imports["a", "b"].visibility == "pub"
    assert imports["a", "b"].scope is None
    assert text[slice(*(imports["d", "e"].scope or ()))] == "{ use d::e; }"
    assert imports["g", "h"].module == ("m",)


# Where a `use` is put: `‸` is the place, and the line that is expected there.
PLACES = {
    "behind the imports": "use a;\nuse b;\n‸\nfn f() {}\n",
    "behind the first run of imports": "use a;\n‸mod m;\nuse m::b;\n",
    "behind imports with a comment": "use a; // Words.\n‸fn f() {}\n",
    "behind an import that shares its line": "use a;‸ fn f() {}\n",
    "without imports": "//! Words.\n#![allow(x)]\n\n‸/// More.\n#[derive(A)]\nstruct S;\n",
    "with nothing in front": "‸fn f() {}\n",
    "in an empty file": "‸",
    "behind a licence": "// Mine.\n\n‸fn f() {}\n",
    "behind an attribute of an import": "#[cfg(x)]\nuse a;\n‸fn f() {}\n",
}


@pytest.mark.parametrize("case", PLACES)
def test_there_is_a_place_for_an_import(case: str) -> None:
    marked = PLACES[case]
    assert read(marked.replace("‸", "")).modules[0].import_place == marked.encode().index("‸".encode())


INNER_PLACES = {
    "behind the imports": ("mod m {\n    use a;\n‸    fn f() {}\n}\n", "    "),
    "without imports": ("mod m {\n‸    fn f() {}\n}\n", "    "),
    "in an empty module": ("mod m {\n‸}\n", "    "),
    "in a module of one line": ("mod m { ‸fn f() {} }\n", ""),
    "in a module in a module": ("mod a {\n  mod m {\n    use b;\n‸  }\n}\n", "    "),
}


@pytest.mark.parametrize("case", INNER_PLACES)
def test_a_module_has_its_own_place_for_an_import(case: str) -> None:
    marked, indentation = INNER_PLACES[case]
    module = next(one for one in read(marked.replace("‸", "")).modules if one.name == "m")
    assert (module.import_place, module.import_indentation) == (marked.encode().index("‸".encode()), indentation)


# Broken text, and what must still be found: name, owner.
BROKEN: dict[str, tuple[str, set[tuple[str, str | None]]]] = {
    "parameters": ("struct A;\nfn f( -> u32 {\n  1\n}\nfn g() {}\n", {("A", None), ("f", None), ("g", None)}),
    "generics": ("fn f<T: Clone(x: T) {}\nfn g() {}\n", {("f", None), ("g", None)}),
    "brace of an implementation opens nowhere": (
        "struct A;\nimpl A\n  fn f(&self) {}\n}\nfn g() {}\n", {("A", None), ("f", "A"), ("g", None)},
    ),
    "brace of a struct": (
        "struct A {\n  a: u32,\n\nimpl A {\n  fn f(&self) {}\n}\nfn g() {}\n", {("A", None), ("f", "A"), ("g", None)},
    ),
    "brace of an enum": (
        "enum A {\n  B,\n  C,\n\nfn f() {}\n\nimpl A {\n  fn g(&self) {}\n}\n", {("A", None), ("f", None), ("g", "A")},
    ),
    "brace of a method": (
        "impl A {\n  fn f(&self) {\n    if x {\n    1\n  }\n  fn g(&self) {}\n  fn h() {}\n}\n\nfn k() {}\nstruct Z;\n",
        {("f", "A"), ("g", "A"), ("h", "A"), ("k", None), ("Z", None)},
    ),
    "brace of a function": (
        "fn f() {\n  if x {\n  g();\n}\n\nfn g(a: u8) {}\nimpl S {\n    fn m(&self) {}\n}\n",
        {("f", None), ("g", None), ("m", "S")},
    ),
    "brace of a match": (
        "impl S {\n  fn f(&self) {\n    match self {\n      A => 1,\n    }\n\n  fn g(&self) {}\n}\n\nfn h() {}\n",
        {("f", "S"), ("g", "S"), ("h", None)},
    ),
    "brace of a trait's function": (
        "trait T {\n    fn g(&self) {\n        1\n\n    fn h(&self) {}\n}\n\nstruct S;\n",
        {("T", None), ("g", "T"), ("h", "T"), ("S", None)},
    ),
    "one brace too many": (
        "impl A {\n  fn f(&self) {\n   }}\n  }\n  fn g(&self) {}\n}\n\npub fn k() {}\n",
        {("f", "A"), ("g", "A"), ("k", None)},
    ),
    "arguments": ("fn f() {\n  foo(1, 2;\n}\nfn g() {}\n", {("f", None), ("g", None)}),
    "arrow": ("fn f(a: u32) u32 {\n  1\n}\nfn g() {}\n", {("f", None), ("g", None)}),
    "comma of a field": ("struct S {\n  a: u32\n  b: u32,\n}\nfn g() {}\n", {("S", None), ("g", None)}),
    "derive": ("#[derive(Debug, Clone]\nstruct S;\nfn g() {}\n", {("S", None), ("g", None)}),
    "words that are no Rust": ("blah blah\nfn g() {}\nstruct S;\n", {("g", None), ("S", None)}),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_stands_around_an_error_is_kept(case: str) -> None:
    text, expected = BROKEN[case]
    found = read(text).items
    assert {(item.name, item.owner) for item in found} == expected
    assert not any(item.is_local for item in found)


def test_text_in_strings_comments_and_macros_is_no_item() -> None:
    text = (
        'fn f( {}\n/*\nfn a() {}\n*/\nconst T: &str = r#"\nfn b() {}\n"#;\nmacro_rules! m { () => {\nfn c() {}\n} }\n'
    )
    assert {"a", "b", "c"}.isdisjoint({item.name for item in read(text).items})


def test_every_item_of_a_whole_file_is_whole() -> None:
    assert all(item.is_whole for item in read("fn f() {}\nstruct S;").items)
    assert not only("fn f<T: Clone(x: T) {}\nfn g() {}\n", "f").is_whole


def test_the_innermost_item_is_found_by_position() -> None:
    text = "/// Words.\nimpl S { fn f() { fn g() { 1 } } }\nfn h() {}"
    items = read(text)
    around = items.item_around(text.index("1"))
    assert around is not None and around.name == "g"
    implementation = items.implementation_around(text.index("1"))
    assert implementation is not None and implementation.type_name == "S"
    assert items.item_around(text.index("impl")) is None
    assert items.implementation_around(text.index("h()")) is None
