"""Behaviour tests that need no author: what a function gives is compared with what its untouched copy gives, for a few
arguments of each kind. Only where the arguments and the result are plain values, and nothing depends on chance."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from sleepy_agent.code.syntax import parse_once

__all__ = ["same_results"]

SAMPLES = {
    **dict.fromkeys(("u8", "u16", "u32", "u64", "usize", "u128"), ("7", "0", "31")),
    **dict.fromkeys(("i8", "i16", "i32", "i64", "isize", "i128"), ("-3", "12", "0")),
    **dict.fromkeys(("f32", "f64"), ("2.5", "-1.0", "16.0")),
    "bool": ("true", "false", "true"),
    "char": ("'a'", "'7'", "'-'"),
    "&str": ('"ab 12,c"', '"17"', '""'),
    "&'static str": ('"ab 12,c"', '"17"', '""'),
    "String": ('"k=v x".to_string()', '"8".to_string()', "String::new()"),
}
PLAIN = re.compile(
    r"(?:\b(?:[iu](?:8|16|32|64|128|size)|f32|f64|bool|char|str|String|Option|Result|Vec|static)\b|[<>(),&'\[\]; ])+"
)
# Sizes that grow beyond all bounds, orders that differ from run to run, and what is outside of the program.
UNFIT = re.compile(
    r"\brepeat\(|\bpow\(|vec!\[[^\]]*;|\b0\.\.|keys\(\)|values\(\)|HashSet|Instant|thread|std::fs|std::io|static mut"
    r"|unsafe"
)
ROWS = 3
TOLD = """fn told<T: std::fmt::Debug>(run: impl FnOnce() -> T + std::panic::UnwindSafe) -> String {
    std::panic::catch_unwind(run).map_or_else(|_| "a panic".to_string(), |value| format!("{value:?}"))
}
"""


def same_results(text: str) -> str:
    """The body of a `mod tests` that compares every suitable function of a program with its copy; "" without any."""
    if UNFIT.search(text):
        return ""
    tests = [test for node in parse_once(text.encode()).named_children for test in tests_of(node)]
    if not tests:
        return ""
    return "\n".join(["use super::*;\n", f"mod original {{\n{text}}}\n", TOLD, *tests])


def tests_of(node: Node) -> Iterator[str]:
    """The test of a function, where it is public, not generic, and of plain values alone."""
    if node.type != "function_item" or node.child_by_field_name("type_parameters") is not None:
        return
    result, parameters = said(node.child_by_field_name("return_type")), node.child_by_field_name("parameters")
    if not said(node).startswith("pub fn ") or parameters is None or not PLAIN.fullmatch(result):
        return
    given = [samples_of(said(one.child_by_field_name("type"))) for one in parameters.named_children]
    if not given or not all(given):
        return
    name = said(node.child_by_field_name("name"))
    lines = []
    for row in range(ROWS):
        arguments = ", ".join(samples[row] for samples in given)
        lines.append(
            f"    assert_eq!(\n        told(|| super::{name}({arguments})),\n"
            f"        told(|| original::{name}({arguments}))\n    );\n"
        )
    yield f"#[test]\nfn {name}_gives_the_same() {{\n{''.join(lines)}}}\n"


def said(node: Node | None) -> str:
    return "" if node is None or node.text is None else node.text.decode()


def samples_of(kind: str) -> tuple[str, ...]:
    """`ROWS` arguments of a type; none where it is not known."""
    kind = kind.strip()
    if kind in SAMPLES:
        return SAMPLES[kind]
    if kind.startswith("&[") and kind.endswith("]"):
        return lists_of(kind[2:-1], "&[{}]")
    if kind.startswith("&mut "):
        return ()
    if kind.startswith("&"):
        return tuple(f"&{one}" for one in samples_of(kind[1:]))
    outer, _, inside = kind.partition("<")
    if outer == "Vec" and inside.endswith(">"):
        return lists_of(inside[:-1], "vec![{}]")
    if outer == "Option" and inside.endswith(">"):
        first, second, _ = samples_of(inside[:-1]) or ("", "", "")
        return (f"Some({first})", "None", f"Some({second})") if first else ()
    if outer == "HashMap" and inside.endswith(">") and inside.count(",") == 1:
        keys, values = (samples_of(one) for one in inside[:-1].split(","))
        if keys and values:
            pairs = [f"({key}, {value})" for key, value in zip(keys, values, strict=True)]
            path = "std::collections::HashMap::from"
            return (f"{path}([{pairs[0]}, {pairs[1]}])", f"{path}([{pairs[2]}])", f"{path}([{', '.join(pairs)}])")
    return ()


def lists_of(kind: str, form: str) -> tuple[str, ...]:
    """Three lists: of two, of none, and of all samples of a kind."""
    one = samples_of(kind)
    if not one:
        return ()
    return form.format(f"{one[0]}, {one[1]}"), form.format(""), form.format(", ".join((*one, one[0])))
