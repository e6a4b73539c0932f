"""Which locals there are at a place, what they mean, where they are used, and what type an expression has."""

from __future__ import annotations

from pathlib import Path

import pytest
from tree_sitter import Node

from sleepy_agent.code.crate_items import CrateRoot
from sleepy_agent.code.index import build_index
from sleepy_agent.code.scopes import (
    Local,
    declaration_of,
    enclosing_block,
    enclosing_function,
    enclosing_statement,
    format_uses_of,
    lifetimes_at,
    locals_at,
    type_of_expression,
    type_parameters_at,
    uses_of,
)
from sleepy_agent.code.syntax import ancestors, node_at, parse_rust


def marked(text: str) -> tuple[bytes, int]:
    """The text without its mark `‸`, and where it was."""
    raw = text.encode()
    return raw.replace("‸".encode(), b""), raw.index("‸".encode())


# Text with a place; the names that can be used there, innermost first.
LOCALS = {
    "parameters": ("fn f(a: u8, (b, mut c): (u8, u8), _: u8) { ‸ }", "a b c"),
    "self": ("impl S { fn f(&mut self, a: u8) { ‸ } }", "self a"),
    "let": ("fn f() { let a = 1; let mut b: u8 = 2; ‸ let c = 3; }", "b a"),
    "not in its own value": ("fn f() { let a = 1; let b = ‸a; }", "a"),
    "let of a block around": ("fn f() { let a = 1; { let b = 2; ‸ } let c = 3; }", "b a"),
    "not of a closed block": ("fn f() { let a = 1; { let b = 2; } ‸ }", "a"),
    "shadowed": ("fn f(a: u8) { let a = 1; let a = 2; ‸ }", "a"),
    "destructured": ("fn f() { let S { a, b: (c, [d, .., e]), .. } = s; let T(ref g, &h) = t; ‸ }", "h g e d c a"),
    "whole and part": ("fn f() { let a @ Some(b) = x else { return }; ‸ }", "b a"),
    "not in the else of a let": ("fn f() { let Some(a) = x else { ‸ return }; }", ""),
    "constants in patterns": ("fn f() { let (None, MAX, a) = x; ‸ }", "a"),
    "if let": ("fn f() { if let Some(a) = x { ‸ } else { } }", "a"),
    "not in the else": ("fn f() { if let Some(a) = x { } else { ‸ } }", ""),
    "chain of if let": ("fn f() { if let Some(a) = x && let Some(b) = a { ‸ } }", "b a"),
    "inside of the chain": ("fn f() { if let Some(a) = x && ‸a > 1 { } }", "a"),
    "while let": ("fn f() { while let Some(a) = x.next() { ‸ } }", "a"),
    "for": ("fn f() { for (a, b) in ‸list { } }", ""),
    "body of for": ("fn f() { for (a, b) in list { ‸ } }", "b a"),
    "arm": ("fn f() { match x { A(a) | B(a) => 1, C { b } => ‸2, c => 3 } }", "b"),
    "guard": ("fn f() { match x { A(a) if ‸a > 1 => 1 } }", "a"),
    "closure": ("fn f(a: u8) { let c = |b, &(d, e): &(u8, u8)| { ‸ }; }", "e d b a"),
    "item in a function sees nothing": ("fn f(a: u8) { let b = 1; fn g(c: u8) { ‸ } }", "c"),
    "constant in a function sees nothing": ("fn f(a: u8) { const C: u8 = ‸1; }", ""),
    "arguments of a macro": ("fn f(a: u8) { println!(\"{}\", ‸a); }", "a"),
    "unfinished statement": ("fn f(a: u8) { let b = 1; let c = ; ‸ }", "c b a"),
    "unfinished call": ("fn f(a: u8) { let b = 1; foo(b, ‸; }", "b a"),
    "missing brace": ("fn f(a: u8) { let b = 1; if b { ‸\n\nfn g() {}\n", "b a"),
}  # fmt: skip


@pytest.mark.parametrize("case", LOCALS)
def test_the_locals_of_a_place(case: str) -> None:
    text, position = marked(LOCALS[case][0])
    found = [local.name for local in locals_at(parse_rust(text), text, position)]
    expected = LOCALS[case][1].split()
    assert sorted(found) == sorted(expected)
    if case not in {"parameters", "self", "destructured", "whole and part", "body of for", "closure"}:
        assert found == expected


KINDS = {
    "fn f(mut a: &'x str) { ‸ }": ("parameter", "&'x str", True, None),
    "fn f() { let a: u8 = g(1); ‸ }": ("let", "u8", False, "g(1)"),
    "fn f() { let mut a = 1; ‸ }": ("let", None, True, "1"),
    "fn f() { let (mut a, b) = x; ‸ }": ("let", None, True, None),
    "fn f() { let S { mut a, .. } = x; ‸ }": ("let", None, True, None),
    "fn f() { for a in x { ‸ } }": ("for", None, False, None),
    "fn f() { if let Some(a) = x { ‸ } }": ("pattern", None, False, None),
    "fn f() { x.map(|a: u8| ‸1) }": ("closure_parameter", "u8", False, None),
    "fn f() { x.map(|a| ‸1) }": ("closure_parameter", None, False, None),
}


@pytest.mark.parametrize("text", KINDS)
def test_a_local_knows_how_it_came(text: str) -> None:
    raw, position = marked(text)
    local = declaration_of(parse_rust(raw), raw, position, "a")
    assert local is not None
    assert (local.kind, local.type, local.is_mutable, local.initializer) == KINDS[text]
    assert raw[local.byte_start : local.byte_end] == b"a"


@pytest.mark.parametrize(
    ("written", "type_text", "is_mutable"),
    [
        ("&self", "&Self", False),
        ("&'a mut self", "&'a mut Self", False),
        ("mut self", "Self", True),
        ("self", "Self", False),
        ("self: Box<Self>", "Box<Self>", False),
    ],
)
def test_self_is_a_local(written: str, type_text: str, is_mutable: bool) -> None:
    raw, position = marked(f"impl S {{ fn f({written}) {{ ‸ }} }}")
    local = declaration_of(parse_rust(raw), raw, position, "self")
    assert local is not None
    assert (local.kind, local.type, local.is_mutable) == ("self", type_text, is_mutable)


# `a` is bound at ‸; its uses are marked with ⟦⟧ (and those in format strings with ⟪⟫).
USES = {
    "plain": "fn f() { let ‸a = 1; g(⟦a⟧); ⟦a⟧ + 1 }",
    "shadowed": "fn f() { let ‸a = 1; let a = ⟦a⟧ + 1; a }",
    "the second": "fn f() { let a = 1; let ‸a = a + 1; ⟦a⟧ }",
    "shadowed in a block": "fn f() { let ‸a = 1; { let a = 2; a; } ⟦a⟧ }",
    "not a field, a method, a path": "fn f() { let ‸a = 1; x.a; x.a(); a::b(); S { a: ⟦a⟧ } }",
    "short field": "fn f() { let ‸a = 1; S { ⟦a⟧ } }",
    "not a label, not a lifetime": "fn f() { let ‸a = 1; 'a: loop { break 'a; } }",
    "closure": "fn f() { let ‸a = 1; x.map(|b| b + ⟦a⟧); x.map(|a| a) }",
    "macro": 'fn f() { let ‸a = 1; println!("{}", ⟦a⟧, x.a, a::b); }',
    "format string": 'fn f() { let ‸a = 1; println!("{⟪a⟫} {⟪a⟫:>3} {b} a {{a}}"); }',
    "parameter": "fn f(‸a: u8) -> u8 { ⟦a⟧ }\nfn g() { a }",
    "not in an inner function": "fn f(‸a: u8) { fn g(a: u8) { a } ⟦a⟧ }",
    "arm": "fn f() { match x { A(‸a) if ⟦a⟧ > 1 => ⟦a⟧, B(a) => a, a => a } }",
    "if let": "fn f() { if let Some(‸a) = a { ⟦a⟧ } else { a } }",
    "self": "impl S { fn f(&‸self) { ⟦self⟧.x; g(⟦self⟧) } }",
    "longer names": "fn f() { let ‸a = 1; ab + b_a }",
    "assigned": "fn f() { let mut ‸a = 1; ⟦a⟧ = 2; ⟦a⟧ += 1; }",
}


@pytest.mark.parametrize("case", USES)
def test_the_uses_of_a_local(case: str) -> None:
    text = USES[case]
    plain = ""
    expected: list[int] = []
    in_format: list[int] = []
    position = 0
    for character in text:
        if character == "‸":
            position = len(plain)
        elif character == "⟦":
            expected.append(len(plain))
        elif character == "⟪":
            in_format.append(len(plain))
        elif character not in "⟧⟫":
            plain += character
    raw = plain.encode()
    root = parse_rust(raw)
    name = "self" if case == "self" else "a"
    last = [local for local in every_local(root, raw, name) if local.byte_start == position]
    assert last
    assert [node.start_byte for node in uses_of(root, raw, last[0])] == expected
    assert [start for start, _ in format_uses_of(root, raw, last[0])] == in_format


def every_local(root: Node, raw: bytes, name: str) -> list[Local]:
    """Every local of that name that can be seen from anywhere."""
    found: dict[int, Local] = {}
    for position in range(len(raw)):
        local = declaration_of(root, raw, position, name)
        if local is not None:
            found[local.byte_start] = local
    return list(found.values())


def test_what_stands_around_a_node() -> None:
    text, position = marked("impl<'a, T> S<'a, T> { fn f<const N: usize, U>() { if x { let y = g(‸1); } } }")
    root = parse_rust(text)
    node = node_at(root, position, position + 1)
    function, block, statement = enclosing_function(node), enclosing_block(node), enclosing_statement(node)
    assert function is not None and text[function.start_byte :].startswith(b"fn f")
    assert block is not None and text[block.start_byte : block.end_byte] == b"{ let y = g(1); }"
    assert statement is not None and text[statement.start_byte : statement.end_byte] == b"let y = g(1);"
    assert type_parameters_at(node, text) == ("N", "U", "T")
    assert lifetimes_at(node, text) == ("'a",)
    assert enclosing_function(root) is None
    assert enclosing_block(root) is None
    assert enclosing_statement(root) is None


def test_an_inner_function_has_its_own_parameters() -> None:
    text, position = marked("fn f<T>() { fn g<U>() { ‸1 } }")
    assert type_parameters_at(node_at(parse_rust(text), position, position + 1), text) == ("U",)


WORLD = """
pub struct Shelf<T> { pub name: String, books: Vec<T>, inner: Box<Inner> }
pub struct Inner { depth: u32 }
pub struct Id(u32);
pub struct Unit;
pub enum Color { Red, Mixed(u8), Named { name: String } }
pub const LIMIT: usize = 3;
impl<T> Shelf<T> {
    pub const MOST: u16 = 1;
    pub fn new() -> Self { todo!() }
    pub fn open(path: &str) -> Result<Self, String> { todo!() }
    pub fn len(&self) -> usize { 1 }
    pub fn first(&self) -> Option<&T> { None }
    pub fn name(&self) -> &str { "" }
}
pub struct Table<K, V> { rows: Vec<(K, V)> }
impl<A, B> Table<A, B> {
    pub fn empty() -> Table<A, B> { todo!() }
    pub fn row(&self) -> Option<(A, B)> { None }
    pub fn split(self) -> Result<Self, B> { todo!() }
    pub fn key(&self) -> A { todo!() }
}
impl Table<u8, char> { pub fn fixed() -> Table<u8, char> { todo!() } }
impl Inner { fn new(depth: u32) -> Inner { todo!() } async fn load(&self) -> u8 { 1 } }
fn count() -> u32 { 1 }
fn any<T>() -> T { todo!() }
fn iter() -> impl Iterator<Item = u8> { todo!() }
async fn fetch() -> String { todo!() }
"""

# An expression in a function with the parameters below, and its type.
TYPES = {
    "Table::empty()": "Table<_, _>",
    "Table::<u8, u16>::empty()": "Table<u8, u16>",
    "Table::<u8, u16>::empty().row()": "Option<(u8, u16)>",
    "Table::<u8, u16>::empty().split()": "Result<Table<u8, u16>, u16>",
    "Table::<u8, u16>::empty().key()": "u8",
    "Table::empty().key()": None,
    "Table::empty().row()": "Option<(_, _)>",
    "Table::<u8, u16>::empty().rows": "Vec<(u8, u16)>",
    "Table::fixed()": "Table<u8, char>",
    "1": None,
    "1u8": "u8",
    "1.5f32": "f32",
    '"a"': "&str",
    'b"a"': "&[u8]",
    "'a'": "char",
    "b'a'": "u8",
    "true": "bool",
    "()": "()",
    "a": "u8",
    "b": "&String",
    "shelf": "&Shelf<Id>",
    "unknown": None,
    "LIMIT": "usize",
    "Unit": "Unit",
    "Color::Red": "Color",
    "Color::Mixed(1)": "Color",
    "Color::Named { name: x }": "Color",
    "Id(1)": "Id",
    "Inner { depth: 1 }": "Inner",
    "Inner::new(1)": "Inner",
    "Shelf::<Id>::new()": "Shelf<Id>",
    "Shelf::new()": "Shelf<_>",
    "Shelf::<Id>::open(p)": "Result<Shelf<Id>, String>",
    "Shelf::<Id>::open(p)?": "Shelf<Id>",
    "Shelf::<Id>::MOST": "u16",
    "count()": "u32",
    "any()": None,
    "iter()": None,
    "fetch()": None,
    "fetch().await": "String",
    "shelf.name": "String",
    "shelf.books": "Vec<Id>",
    "shelf.inner.depth": "u32",
    "shelf.len()": "usize",
    "shelf.first()": "Option<&Id>",
    "shelf.first()?": "&Id",
    "shelf.name()": "&str",
    "shelf.nothing()": None,
    "&a": "&u8",
    "&mut a": "&mut u8",
    "*b": "String",
    "!flag": "bool",
    "-a": "u8",
    "(a)": "u8",
    "a as u64": "u64",
    "a == 1": "bool",
    "a + 1": "u8",
    "a + LIMIT": None,
    "flag && flag": "bool",
    "b.clone()": "String",
    "b.to_string()": "String",
    "b.len()": "usize",
    "b.trim()": "&str",
    "list[0]": "u16",
    "&list[1..]": "&[u16]",
    "list.pop()": "Option<u16>",
    "list.iter()": "Iter<'_, u16>",
    "pair.0": "u8",
    "pair.1": "String",
    "pair.2": None,
    "(a, 1u16)": "(u8, u16)",
    "[a; 3]": "[u8; 3]",
    "[a, a]": "[u8; 2]",
    "Some(a)": "Option<u8>",
    "Ok(a)": "Result<u8, _>",
    "String::new()": "String",
    'String::from("a")': "String",
    "Vec::<u8>::new()": "Vec<u8>",
    "Vec::new()": "Vec<_>",
    "HashMap::<u8, u16>::new()": "HashMap<u8, u16>",
    "Rc::new(a)": "Rc<u8>",
    "Box::new(shelf)": "Box<&Shelf<Id>>",
    'format!("a")': "String",
    "matches!(a, 1)": "bool",
    "vec![1]": "Vec<_>",
    "list.iter().collect::<Vec<_>>()": "Vec<_>",
    '"1".parse::<u8>()': "Result<u8, _>",
    "if flag { a } else { 1 }": "u8",
    "if flag { a }": None,
    "match a { 1 => a, _ => 2 }": "u8",
    "{ let z = 1; a }": "u8",
    "{ a; }": None,
    "unsafe { a }": "u8",
    "a = 1": "()",
    'map["a"]': "u32",
    "map.get(k)": "Option<&u32>",
    "let_typed": "i64",
    "let_known": "Inner",
    "from_pattern": "u8",
    "u8::MAX": "u8",
    "closure": None,
    "|x| x": None,
    "shelf.name.len()": "usize",
    "self_like.depth": "u32",
}

FUNCTION = """
fn test(a: u8, b: &String, flag: bool, list: &mut Vec<u16>, pair: (u8, String), shelf: &Shelf<Id>,
    map: &HashMap<String, u32>, self_like: Rc<Inner>) {
    let let_typed: i64 = 1;
    let let_known = Inner::new(1);
    let (from_pattern, _) = pair;
    let closure = |x: u8| x;
    let result = EXPRESSION;
}
"""


@pytest.mark.parametrize("expression", TYPES)
def test_the_type_of_an_expression(expression: str) -> None:
    text = (WORLD + FUNCTION.replace("EXPRESSION", expression)).encode()
    file = Path("src/lib.rs")
    index = build_index([CrateRoot("world", "2021", file, True)], {file: text}.__getitem__)
    root = parse_rust(text)
    start = text.index(b"let result = ") + len(b"let result = ")
    node = node_at(root, start, start + len(expression.encode()))
    statement = next(one for one in ancestors(node) if one.type == "let_declaration")
    value = statement.child_by_field_name("value")
    assert value is not None
    assert type_of_expression(index, root, text, value) == TYPES[expression]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("self", "&Inner"), ("self.depth", "u32"), ("Self::new(1)", "Inner"), ("Self { depth: 1 }", "Inner"),
        ("self.load()", None), ("self.load().await", "u8"), ("other", "Inner"),
    ],
)  # fmt: skip
def test_self_has_the_type_of_the_implementation(expression: str, expected: str | None) -> None:
    text = f"{WORLD}impl Inner {{ fn test(&self, other: Self) {{ {expression} }} }}".encode()
    file = Path("src/lib.rs")
    index = build_index([CrateRoot("world", "2021", file, True)], {file: text}.__getitem__)
    start = text.rindex(b"{ " + expression.encode()) + 2
    node = node_at(parse_rust(text), start, start + len(expression.encode()))
    assert type_of_expression(index, parse_rust(text), text, node) == expected
