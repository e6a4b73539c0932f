"""Names go out of code and come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.code.name_abstraction import name_table, tokens_of

KINDS = [
    ("let total = 0;", "let v1 = 0;"),
    ("fn shelve(shelf: &mut Shelf) {}", "fn f1(v1: &mut T1) {}"),
    # What std has keeps its name, whoever declares it.
    ("fn push(shelf: Shelf) {}", "fn push(v1: T1) {}"),
    # A call or a declaration says what a name is, wherever it stands.
    ("let f = measure; measure(1)", "let v1 = f1; f1(1)"),
    ("shelf.books.push(name.to_string())", "v1.v2.push(v3.to_string())"),
    ("impl<T: Display> Loud for Vec<T> {}", "impl<T1: Display> T2 for Vec<T1> {}"),
    ("const MOST_BOOKS: usize = 3;", "const v1: usize = 3;"),
    ('my_vec![1]; println!("{}", vec![1].len())', 'm1![1]; println!("{}", vec![1].len())'),
    ("assert!(a != b)", "assert!(v1 != v2)"),
    # Names in a text that is formatted are names; what is written there is not.
    ('println!("total {total:?} {{total}} {}", total)', 'println!("total {v1:?} {{total}} {}", v1)'),
    ("let c = 't'; // total", "let v1 = 't'; // total"),
    ("fn f<'a>(x: &'a str, c: char) -> &'a str { 'x' }", "fn f1<'a>(v1: &'a str, v2: char) -> &'a str { 'x' }"),
    ("let n = 10u32 + 0xff_u8 + 1.5e3;", "let v1 = 10u32 + 0xff_u8 + 1.5e3;"),
    ('let r#type = r#"total"#;', 'let v1 = r#"total"#;'),
    ("use std::collections::HashMap; use crate::shelf::Shelf;", "use std::collections::HashMap; use crate::v1::T1;"),
    # What looks like an abstract name is a name like any other.
    ("let v2 = v1;", "let v1 = v2;"),
    ("let größe = 1;", "let v1 = 1;"),
    ("let x = 1\nlet", "let v1 = 1\nlet"),
]


@pytest.mark.parametrize(("code", "expected"), KINDS)
def test_names_by_their_kind(code: str, expected: str) -> None:
    table = name_table([code])
    assert table.abstracted(code) == expected
    assert table.restored(expected) == code


def test_one_name_for_one_thing_in_all_pieces() -> None:
    table = name_table(["fn shelve(total: u32) {", "total", "Shelf::shelve"])
    assert table.abstract_of == {"shelve": "f1", "total": "v1", "Shelf": "T1"}
    assert table.abstracted_prose("no method named `shelve` found for struct `Shelf`, total") == (
        "no method named `f1` found for struct `T1`, total"
    )


def test_an_answer_may_bring_new_words_but_no_unknown_numbers() -> None:
    table = name_table(["let total = 0;"])
    assert table.restored("let mut v1 = fresh;") == "let mut total = fresh;"
    assert table.restored("let v2 = v1;") is None
    assert table.restored('println!("{v9}")') is None
    assert table.restored("// v9") == "// v9"


@given(
    st.text(max_size=120)
    | st.lists(st.sampled_from(["fn ", "v1", "T", '"', "'", "a", "{a}", "//", "\n", "r#", "é", "(", "!"])).map("".join)
)
def test_what_was_taken_out_comes_back(code: str) -> None:
    assert "".join(token.text for token in tokens_of(code)) == code
    table = name_table([code])
    assert len(set(table.abstract_of.values())) == len(table.abstract_of)
    assert table.restored(table.abstracted(code)) == code
