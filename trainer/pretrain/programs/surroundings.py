"""What stands around a mistake: imports, statements that have nothing to do with it, an `impl` around a function."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from trainer.pretrain.programs.marks import Mark, placeholder

__all__ = ["imports_of", "with_other_statements", "wrapped_in_impl"]

IMPORTS = {
    "Borrow": "std::borrow::Borrow",
    "BTreeMap": "std::collections::BTreeMap",
    "BTreeSet": "std::collections::BTreeSet",
    "BinaryHeap": "std::collections::BinaryHeap",
    "Cell": "std::cell::Cell",
    "Chars": "std::str::Chars",
    "Cow": "std::borrow::Cow",
    "Debug": "std::fmt::Debug",
    "Display": "std::fmt::Display",
    "Entry": "std::collections::hash_map::Entry",
    "HashMap": "std::collections::HashMap",
    "HashSet": "std::collections::HashSet",
    "Mutex": "std::sync::Mutex",
    "Rc": "std::rc::Rc",
    "Arc": "std::sync::Arc",
    "RefCell": "std::cell::RefCell",
    "RwLock": "std::sync::RwLock",
    "VecDeque": "std::collections::VecDeque",
    "fmt": "std::fmt",
    "mem": "std::mem",
    "mpsc": "std::sync::mpsc",
    "thread": "std::thread",
}
FREE_FUNCTION = re.compile(r"^pub fn (\w+)[(<].*?^}$", re.MULTILINE | re.DOTALL)
STATEMENT_THAT_STAYS = re.compile(r"\s*(?:use|pub|fn|type|const|static|return|break|continue|panic)\b")
FUNCTION_HEAD = re.compile(r"\s*(?:pub )?fn \w.*\{$")
NAMES_OF_OTHERS = ("spare", "trace", "stage", "margin", "round", "marker", "budget", "pace")
OTHER_STATEMENTS = (
    ("let {a} = {n} * {m};", 'println!("{{{a}}}");'),
    ('println!("step {n}");',),
    ('println!("so far so good");',),
    ("let {a} = {n};", "assert!({a} < {big});"),
    ("for {a} in 0..{n} {{", '    println!("{{{a}}}");', "}}"),
    ("let mut {a} = {n};", "{a} += {m};", 'println!("now {{}}", {a});'),
    ("let {a} = [{n}, {m}];", 'println!("{{}}", {a}.len());'),
    ('let {a} = String::from("note");', 'println!("{{{a}}}");'),
    ("let {a} = vec![{n}, {m}];", 'println!("{{:?}}", {a}.first());'),
    ("if cfg!(debug_assertions) {{", '    println!("checked");', "}}"),
    ("let {a} = {n} > {m};", 'println!("{{}}", if {a} {{ "up" }} else {{ "down" }});'),
    ("let {a} = \"a b c\".split(' ').count();", 'println!("{{}}", {a});'),
    ("let {a}: u32 = (1..{n}).sum();", 'println!("{{}}", {a});'),
    ("let _{a} = {n};",),
)
HOLDERS = ("Depot", "Ledger", "Toolkit", "Workshop", "Planner", "Archive")
OTHER_METHODS = (
    ("pub fn limit() -> usize {{", "    {n}", "}}"),
    ("pub fn title() -> &'static str {{", '    "{w}"', "}}"),
    ("pub fn is_open(hour: u32) -> bool {{", "    hour > {n}", "}}"),
    ("pub fn doubled(amount: i64) -> i64 {{", "    amount * 2", "}}"),
)


def imports_of(text: str) -> str:
    """`use` lines for std's everyday names that a text uses without a path and without an import of its own."""
    own = set(re.findall(r"^\s*use .*?(\w+);$", text, re.MULTILINE)) | set(
        re.findall(r"\b(?:struct|enum|trait|type) (\w+)", text)
    )
    code = re.sub(r'"(?:\\.|[^"\\])*"', '""', text)
    used = {
        path
        for name, path in IMPORTS.items()
        if name not in own
        and re.search(rf"(?<![:\w.]){name}\b(?=::)" if name.islower() else rf"(?<![:\w]){name}\b", code)
    }
    # `Borrow` and the like are traits whose methods alone are used; they are imported where they are named.
    lines = "".join(f"use {path};\n" for path in sorted(used))
    return f"{lines}\n" if lines else ""


def with_other_statements(text: str, chosen_by: random.Random) -> str:
    """The text with none to two statements put between others, where that changes nothing."""
    lines = text.split("\n")
    places = [place for place in range(len(lines) - 1) if may_follow(lines[place], lines[place + 1])]
    count = min(len(places), chosen_by.choices((0, 1, 2), (45, 38, 17))[0])
    names = chosen_by.sample(NAMES_OF_OTHERS, 2)
    for place, name in zip(sorted(chosen_by.sample(places, count), reverse=True), names, strict=False):
        indent = indent_of(lines[place + 1])
        statement = chosen_by.choice(OTHER_STATEMENTS)
        n, m = chosen_by.randint(2, 30), chosen_by.randint(2, 30)
        lines[place + 1 : place + 1] = [indent + line.format(a=name, n=n, m=m, big=n + m) for line in statement]
    return "\n".join(lines)


def may_follow(line: str, following: str) -> bool:
    """Whether a statement may stand between two lines."""
    if not following.strip() or following.strip()[0] in ".})]" or following.strip().startswith(("else", "&&", "||")):
        return False
    if FUNCTION_HEAD.match(line):
        return len(indent_of(following)) == len(indent_of(line)) + 4
    return (
        line.startswith("    ")
        and line.endswith(";")
        and indent_of(line) == indent_of(following)
        and not STATEMENT_THAT_STAYS.match(line)
        and not following.strip().startswith(("fn ", "pub fn ", "type ", "const "))
    )


def indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" "))]


def wrapped_in_impl(
    text: str, marks: Sequence[Mark], test: str, chosen_by: random.Random
) -> tuple[str, list[Mark], str]:
    """Now and then: a free function that no other one calls, as an associated function of a new type."""
    found = [one for one in FREE_FUNCTION.finditer(text) if len(re.findall(rf"\b{one.group(1)}\b", text)) == 1]
    if not found or chosen_by.random() > 0.25:
        return text, list(marks), test
    function = chosen_by.choice(found)
    holder = chosen_by.choice([one for one in HOLDERS if one not in text])
    others = [
        [line.format(n=chosen_by.randint(2, 30), w="plan") for line in one]
        for one in chosen_by.sample(OTHER_METHODS, chosen_by.choice((0, 0, 1)))
    ]
    before = "".join("".join(f"    {line}\n" for line in one) + "\n" for one in others)
    inside = indented(function.group())
    whole = f"pub struct {holder};\n\nimpl {holder} {{\n{before}    {inside}\n}}"
    held = {number for number in range(len(marks)) if placeholder(number) in function.group()}
    moved = [
        replace(mark, right=indented(mark.right), wrong=tuple(indented(one) for one in mark.wrong))
        if number in held
        else mark
        for number, mark in enumerate(marks)
    ]
    test = re.sub(rf"\b{function.group(1)}(?=\()", f"{holder}::{function.group(1)}", test)
    return text[: function.start()] + whole + text[function.end() :], moved, test


def indented(text: str) -> str:
    """Four more blanks before each line but the first."""
    return re.sub(r"\n(?=[^\n])", "\n    ", text)
