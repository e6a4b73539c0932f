"""The types of names that patterns, loops and closures bind."""

from __future__ import annotations

from pathlib import Path

import pytest

from sleepy_agent.code.crate_items import CrateRoot
from sleepy_agent.code.index import build_index
from sleepy_agent.code.iterator_types import adaptor_result, closure_parameter, iterator_item, loop_item
from sleepy_agent.code.scopes import type_of_expression
from sleepy_agent.code.syntax import node_at, parse_rust

WORLD = """
struct Shelf<T> { name: String, books: Vec<T> }
struct Pair(u8, String);
enum Color { Red, Mixed(u8, String), Named { name: String } }
fn find() -> Option<Color> { None }
"""

# What stands in a function with the parameters below; the type of `it` where it is used at ‸.
BOUND = {
    "let (it, _) = pair; ‸it": "u8",
    "let (_, it) = pair; ‸it": "String",
    "let (.., it) = triple; ‸it": "char",
    "let (_, (it, _)) = nested; ‸it": "u16",
    "let Pair(it, _) = p; ‸it": "u8",
    "let Pair(_, it) = &p; ‸it": "&String",
    "let Shelf { name: it, .. } = shelf; ‸it": "&String",
    "let Shelf { books: it, .. } = own; ‸it": "Vec<u16>",
    "let ref it = list; ‸it": "&&Vec<u16>",
    "let &it = number; ‸it": "u32",
    "let [it, ..] = array; ‸it": "u8",
    "if let Some(it) = option { ‸it }": "String",
    "if let Some(it) = &option { ‸it }": "&String",
    "if let Some(it) = option.as_mut() { ‸it }": "&mut String",
    "if let Some(it) = list.first() { ‸it }": "&u16",
    "if let Some(it) = map.get(k) { ‸it }": "&u64",
    "if let Some(it) = unknown { ‸it }": None,
    "if let Some(Color::Mixed(it, _)) = find() { ‸it }": "u8",
    "if let Some(it @ Color::Red) = find() { ‸it }": "Color",
    "let Some(it) = option else { return }; ‸it": "String",
    "let Ok(it) = result else { return }; ‸it": "u8",
    "let Err(it) = result else { return }; ‸it": "String",
    "while let Some(it) = option { ‸it }": "String",
    "match color { Color::Mixed(it, _) => ‸it, _ => 1 }": "u8",
    "match color { Color::Named { name: it } => ‸it, _ => 1 }": "String",
    "match &color { Color::Named { name: it } => ‸it, _ => 1 }": "&String",
    "match pair { (1, it) | (2, it) => ‸it, _ => 1 }": "String",
    "match color { it => ‸it }": "Color",
    "for it in list { ‸it }": "&u16",
    "for it in list.iter() { ‸it }": "&u16",
    "for it in own.books { ‸it }": "u16",
    "for it in &own.books { ‸it }": "&u16",
    "for it in &mut own.books { ‸it }": "&mut u16",
    "for it in 0..count { ‸it }": "usize",
    "for (it, _) in list.iter().enumerate() { ‸it }": "usize",
    "for (_, it) in list.iter().enumerate() { ‸it }": "&u16",
    "for (it, _) in &map { ‸it }": "&String",
    "for (_, it) in map { ‸it }": "u64",
    "for (_, it) in &mut map { ‸it }": "&mut u64",
    "for it in text.chars().rev() { ‸it }": "char",
    "for it in map.values() { ‸it }": "&u64",
    "for it in unknown() { ‸it }": None,
    "list.iter().map(|it| ‸it)": "&u16",
    "list.iter().copied().map(|it| ‸it)": "u16",
    "list.iter().filter(|it| ‸it)": "&&u16",
    "list.iter().enumerate().map(|(_, it)| ‸it)": "&u16",
    "option.map(|it| ‸it)": "String",
    "result.map_err(|it| ‸it)": "String",
    "own.books.retain(|it| ‸it)": "&u16",
    "list.iter().fold(0, |it, x| ‸it)": None,
    "list.iter().map(|it: &u16| ‸it)": "&u16",
    "list.iter().filter(|&it| ‸it)": "&u16",
    "list.iter().max()": "Option<&u16>",
    "list.iter().copied().max()": "Option<u16>",
    "list.iter().count()": "usize",
    "text.chars().next()": "Option<char>",
    "0..count": "Range<usize>",
    "0..=count": "RangeInclusive<usize>",
}
FUNCTION = """
fn test(pair: (u8, String), triple: (u8, u16, char), nested: (u8, (u16, u32)), p: Pair, shelf: &Shelf<u16>, text: &str,
    own: Shelf<u16>, list: &Vec<u16>, number: &u32, array: [u8; 3], option: Option<String>, map: HashMap<String, u64>,
    result: Result<u8, String>, color: Color, count: usize) {
    CODE
}
"""


@pytest.mark.parametrize("code", BOUND)
def test_the_type_of_what_is_bound(code: str) -> None:
    marked = (WORLD + FUNCTION.replace("CODE", code)).encode()
    text = marked.replace("‸".encode(), b"")
    root, file = parse_rust(text), Path("src/lib.rs")
    index = build_index([CrateRoot("world", "2021", file, True)], {file: text}.__getitem__)
    if "‸" in code:
        position = marked.index("‸".encode())
        node = node_at(root, position, position + 2)
    else:
        position = text.index(code.encode())
        node = node_at(root, position, position + len(code))
    assert type_of_expression(index, root, text, node) == BOUND[code]


@pytest.mark.parametrize(
    ("type_text", "item", "in_loop"),
    [
        ("Vec<u8>", None, "u8"),
        ("&Vec<u8>", None, "&u8"),
        ("&mut HashMap<u8, u16>", None, "(&u8, &mut u16)"),
        ("Iter<'_, u8>", "&u8", "&u8"),
        ("impl Iterator<Item = (u8, Vec<u16>)>", "(u8, Vec<u16>)", "(u8, Vec<u16>)"),
        ("Box<dyn Iterator<Item = u8>>", "u8", "u8"),
        ("Vec<_>", None, None),
        ("Shelf", None, None),
        (None, None, None),
    ],
)
def test_what_an_iterator_and_a_loop_give(type_text: str | None, item: str | None, in_loop: str | None) -> None:
    assert iterator_item(type_text) == item
    assert loop_item(type_text) == in_loop


def test_methods_of_iterators_need_an_iterator() -> None:
    assert adaptor_result("Vec<u8>", "rev") is None
    assert adaptor_result("Vec<u8>", "into_iter") == "impl Iterator<Item = u8>"
    assert adaptor_result("Chars<'_>", "rev") == "impl Iterator<Item = char>"
    assert closure_parameter("Chars<'_>", "map") == "char"
    assert closure_parameter("Shelf", "map") is None
    assert closure_parameter(None, "map") is None
