"""What the parser stops at: the text that was meant is what the templates make of it, most often at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixes.templates.marked_programs import repaired_texts, right_and_wrong, squeezed

SHELF = """
use std::collections::HashMap;

pub struct Shelf {{
    books: Vec<String>,
    counts: HashMap<String, usize>,
}}

impl Shelf {{
    pub fn add(&mut self, title: &str) {open}
        let key = title.trim().to_lowercase();
        self.books.push(key.clone());
        *self.counts.entry(key).or_insert(0) += 1;
    {close}

    pub fn total(&self) -> usize {{
        for book in &self.books {inner_open}
            if book.is_empty() {{
                return 0;
            {inner_close}
        }}
        self.counts
            .values()
            .map(|count| count * 2{bracket}
            .sum::<usize>()
    }}
}}

pub fn pick(value: Option<u32>) -> u32 {{
    match value {arms_open}
        Some(value) => value,
        None => {{
            let nothing = 0;
            nothing
        {arm_close}
    }}
}}
"""
WHOLE = {
    "open": "{",
    "close": "}",
    "inner_open": "{",
    "inner_close": "}",
    "bracket": ")",
    "arms_open": "{",
    "arm_close": "}",
}


@pytest.mark.parametrize("missing", sorted(WHOLE))
def test_a_missing_bracket_comes_back_first(missing: str, tmp_path: Path) -> None:
    meant = SHELF.format_map(WHOLE)
    broken = SHELF.format_map(WHOLE | {missing: ""})
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)


FIRST = {
    "else that reads as a struct": "pub fn f(n: u32) -> u32 { if n > 2 { 1 } «else¦esle» { 2 } }",
    "if behind else": "pub fn f(n: u32) -> u32 { if n > 2 { 1 } else «if¦fi» n > 1 { 2 } else { 3 } }",
    "let of a condition": "pub fn f(n: Option<u32>) -> u32 { if «let¦lte» Some(m) = n { m } else { 3 } }",
    "loop that reads as a struct": "pub fn f() -> u32 { «loop¦lop» { break 3; } }",
    "move in front of a closure": "pub fn f(v: Vec<u32>) -> impl Fn(u32) -> bool { («move¦mvoe» |n| v.contains(&n)) }",
    "arrow of the result": "pub fn f(a: u32) «->¦» u32 { a }",
    "colon of a parameter": "pub fn f(a«:¦» u32) -> u32 { a }",
    "colon in front of a reference": "pub fn f(a«:¦» &str) -> usize { a.len() }",
    "equals sign of a let": "pub fn f() -> u32 { let a «=¦» 3; a }",
    "comma of generics": "pub fn f(a: Result<u32«,¦» String>) -> bool { a.is_ok() }",
    "angle bracket in an expression": "pub fn f() -> usize { std::mem::size_of::<u32«>¦»() }",
    "angle bracket of a parameter": "pub fn f(a: Option<Vec<u32>«>¦», b: u32) -> u32 { a.map_or(b, |a| a[0]) }",
    "arrow of an arm": "pub fn f(a: u32) -> u32 { match a { 1 «=>¦» 2, _ => 3 } }",
    "colon for the arrow of an arm": "pub fn f(a: u32) -> u32 { match a { 1 => 2, _ «=>¦:» 3 } }",
    "separator of an enum": "pub enum E { A«,¦;» B(u32)«,¦;» C }",
    "closing quote": 'pub fn f() -> String { "some words«"¦».to_string() }',
    "bar in front of a parameter": "pub fn f(a: &[u32]) -> Vec<u32> { a.iter().map(«|¦»b| b + 1).collect() }",
    "bar in front of a reference": "pub fn f(a: &[u32]) -> bool { a.iter().any(«|¦»&b| b + 1 != 3) }",
    "bar in front of two parameters": "pub fn f(a: &[u32]) -> u32 { a.iter().fold(0, «|¦»b, c| b + c) }",
    "bar behind a parameter": "pub fn f(a: &[u32]) -> Vec<u32> { a.iter().map(|b«|¦» b + 1).collect() }",
    "bar in front of a parameter that changes": (
        "pub fn f(a: Option<u32>) -> Option<u32> { a.map(«|¦»mut b| { b += 1; b }) }"
    ),
    "mark of a macro": "pub fn f() -> Vec<u32> { vec«!¦»[1, 2] }",
    "keyword of an item": "pub «struct¦strcut» S { pub a: u32 }",
    "keyword of another language": "pub «fn¦func» f() {}",
    "other branch": "pub fn f(a: u32) -> u32 { if a > 3 { 1 } «else if¦elif» a > 2 { 2 } else { 3 } }",
    "conditional operator": "pub fn f(a: u32) -> u32 { let b = «if a > 3 { 1 } else { 2 }¦a > 3 ? 1 : 2»; b }",
    "mut behind the name": "pub fn f() -> Vec<u32> { let «mut a¦a mut» = Vec::new(); a.push(1); a }",
    "type in front of the name": "pub struct S { «a: u32¦u32 a» }",
    "attribute of another language": "«#[derive(Debug)]¦@derive(Debug)»\npub struct S;",
    "derive without brackets": "«#[derive(Debug)]¦#[derive Debug]»\npub struct S;",
    "receiver": "pub struct S(u32); impl S { pub fn f(«&self¦self&») -> u32 { self.0 } }",
    "brackets of a call": "pub fn f(a: &mut Vec<u32>) { a.push«(1)¦ 1»; }",
    "remainder": "pub fn f(a: u32) -> u32 { a «%¦mod» 2 }",
    "imports": "use std::«{fmt, io}¦fmt, io»;\npub fn f(_: io::Error) -> fmt::Result { Ok(()) }",
    "generics behind the parameters": "pub fn f«<T: Clone>¦»(a: &T)«¦<T: Clone>» -> T { a.clone() }",
    "name that is a keyword": "pub fn f(«r#type¦type»: u32) -> u32 { «r#type¦type» }",
    "equals sign in front of a body": "pub struct S «¦= »{ pub a: u32 }",
}


@pytest.mark.parametrize("text", FIRST.values(), ids=FIRST.keys())
def test_what_was_meant_comes_first(text: str, tmp_path: Path) -> None:
    meant, broken = right_and_wrong(text)
    assert repaired_texts(tmp_path, broken)[0] == squeezed(meant)


def test_where_a_text_ends_is_left_to_the_compiler(tmp_path: Path) -> None:
    meant, broken = right_and_wrong('pub fn f(a: u32) -> String { format!("is {}«"¦», a) }')
    assert squeezed(meant) in repaired_texts(tmp_path, broken)


NEVER = {
    "digits parted by a comma are not two statements": ("pub fn f() -> u32 { let a = 1,000; a }", "1;000"),
    "an operator without operand stays": ("pub fn f(a: u32) -> u32 { a + }", "{a}"),
}


@pytest.mark.parametrize(("text", "result"), NEVER.values(), ids=NEVER.keys())
def test_what_nobody_meant_is_not_proposed(text: str, result: str, tmp_path: Path) -> None:
    assert not any(result in found for found in repaired_texts(tmp_path, text))
