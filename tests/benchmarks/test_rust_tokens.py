"""The benchmarks' lexer."""

from __future__ import annotations

import pytest

from benchmarks.rust_tokens import code_tokens, comments_of


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("let x = 1; // why", ("let", "x", "=", "1", ";")),
        ("a /* b /* c */ d */ e", ("a", "e")),
        ("&'a str", ("&", "'a", "str")),
        ("'a'", ("'a'",)),
        (r"'\''", (r"'\''",)),
        (r"b'\x41' '\u{1F600}'", (r"b'\x41'", r"'\u{1F600}'")),
        (r'"a \" // b" c', (r'"a \" // b"', "c")),
        ('r#"a " b"# c', ('r#"a " b"#', "c")),
        ("r#type", ("r#type",)),
        ("1..2", ("1", ".", ".", "2")),
        ("1.5e-3_f64", ("1.5e-3_f64",)),
        ("x.0", ("x", ".", "0")),
        ("Vec<Vec<T>>", ("Vec", "<", "Vec", "<", "T", ">", ">")),
        ("größe", ("größe",)),
        ('"unclosed', ('"', "unclosed")),
    ],
)
def test_tokens(source: str, expected: tuple[str, ...]) -> None:
    assert code_tokens(source) == expected


def test_comments() -> None:
    assert comments_of('a // one\n/* two */ "// three"') == ("// one", "/* two */")
