"""The arguments of macro calls as expressions."""

from __future__ import annotations

import pytest

from sleepy_agent.code.macro_calls import parse_with_open_macros
from sleepy_agent.code.scopes import locals_at
from sleepy_agent.code.syntax import node_at

# Text with a place (`‸`), and the kind of the node there.
OPENED = {
    "argument": ("fn f() { assert_eq!(shelf.‸len(), 3); }", "field_identifier"),
    "argument of a path": ('fn f() { std::println!("{}", ‸a.b); }', "identifier"),
    "list": ("fn f() { let a = vec![b.‸c, d]; }", "field_identifier"),
    "repeated": ("fn f() { let a = vec![b.‸c; 3]; }", "field_identifier"),
    "braces": ("fn f() { thing! { a.‸b } }", "field_identifier"),
    "two deep": ('fn f() { println!("{}", format!("{}", a.‸b)); }', "field_identifier"),
    "broken somewhere else": ('fn f() { let x = ; println!("{}", a.‸b); }', "field_identifier"),
    "several lines": ("fn f() {\n    assert!\n    (\n        a.‸b\n    );\n}", "field_identifier"),
}


@pytest.mark.parametrize("case", OPENED)
def test_arguments_are_read_as_expressions(case: str) -> None:
    raw = OPENED[case][0].encode()
    position = raw.index("‸".encode())
    text = raw.replace("‸".encode(), b"")
    root = parse_with_open_macros(text, position)
    assert root.end_byte == len(text)
    assert node_at(root, position, position + 1).type == OPENED[case][1]


CLOSED = {
    "no expressions": "fn f() { thing!(a => ‸b, c => d); }",
    "tokens": "fn f() { quote!(a.‸b); }",
    "a definition": "macro_rules! m { ($a:expr) => { g(‸$a) } }",
    "the name": "fn f() { asse‸rt!(a); }",
}


@pytest.mark.parametrize("case", CLOSED)
def test_what_is_no_expression_stays_as_it_is(case: str) -> None:
    raw = CLOSED[case].encode()
    position = raw.index("‸".encode())
    root = parse_with_open_macros(raw.replace("‸".encode(), b""), position)
    assert "macro" in str(root)
    assert not root.has_error


def test_closures_in_arguments_have_their_locals() -> None:
    text = b"fn f(a: u8) { assert!(list.iter().all(|b| b > &a)); }"
    position = text.index(b"> &a")
    root = parse_with_open_macros(text, position)
    assert [local.name for local in locals_at(root, text, position)] == ["b", "a"]


def test_without_a_macro_the_tree_is_the_usual_one() -> None:
    text = b"fn f() { a.b; }"
    assert str(parse_with_open_macros(text, 11)) == str(parse_with_open_macros(text, 0))
