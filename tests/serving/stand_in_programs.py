"""Small Rust programs with one mistake each, and what mends it: what the stand-in model learns from and is asked.

Every program is a module of its own with one broken place; names, literals, and what stands around differ.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

VALUES = (
    "total", "items", "count", "names", "score", "line", "found", "list", "text", "width", "parts", "index", "prices",
    "queue", "sum", "label", "words", "rows", "seen", "level", "title", "shelf", "tasks", "result", "body", "notes",
)  # fmt: skip
FUNCTIONS = ("measure", "collect", "print_all", "describe", "compute", "render", "update", "visit", "gather", "check")
HELPERS = ("length_of", "shout", "read", "weight", "inspect", "sum_of", "show")
TYPES = ("Book", "Reader", "Point", "Account", "Task", "Parcel")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One kind of mistake. `crate`: which of the crates it goes into, as early errors hide later ones; `make`: the
    broken and the right text."""

    name: str
    family: str
    crate: str
    make: Callable[[Words], tuple[str, str]]


class Words:
    """Words for one program, none of them twice."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._values = self._shuffled(VALUES)
        self._functions = self._shuffled(FUNCTIONS)
        self._helpers = self._shuffled(HELPERS)
        self._types = self._shuffled(TYPES)

    def _shuffled(self, words: Sequence[str]) -> list[str]:
        return self._random.sample(words, len(words))

    def value(self) -> str:
        return self._values.pop()

    def function(self) -> str:
        return self._functions.pop()

    def helper(self) -> str:
        return self._helpers.pop()

    def type(self) -> str:
        return self._types.pop()

    def number(self) -> int:
        return self._random.randint(1, 99)

    def one_of(self, *choices: str) -> str:
        return self._random.choice(choices)

    def before(self) -> str:
        """Statements that have nothing to do with the mistake."""
        name, number, other = self.value(), self.number(), self.number()
        return self.one_of(
            "",
            "",
            f'    let {name} = {number};\n    println!("{{}}", {name});\n',
            f'    println!("{name}");\n',
            f"    let {name} = vec![{number}, {other}];\n    drop({name});\n",
        )


def both(text: str, broken: str, right: str) -> tuple[str, str]:
    """The text with `@` replaced by what is wrong and by what is right."""
    return text.replace("@", broken), text.replace("@", right)


def missing_mut(words: Words) -> tuple[str, str]:
    name, function, before = words.value(), words.function(), words.before()
    started, changed, seen = words.one_of(
        f"Vec::new()|{name}.push({words.number()});|{name}.len()",
        f"String::new()|{name}.push_str(\"{words.value()}\");|{name}.len()",
        f"vec![{words.number()}]|{name}.push({words.number()});|{name}.len()",
        f"String::from(\"{words.value()}\")|{name}.push('x');|{name}.len()",
    ).split("|")  # fmt: skip
    text = f"pub fn {function}() -> usize {{\n{before}    let @ = {started};\n    {changed}\n    {seen}\n}}\n"
    return both(text, name, f"mut {name}")


def changed_twice(words: Words) -> tuple[str, str]:
    name, function, parameter = words.value(), words.function(), words.value()
    sign = words.one_of("+=", "-=", "*=")
    text = (
        f"pub fn {function}({parameter}: u32) -> u32 {{\n    let @ = {words.number()};\n"
        f"    if {parameter} > {words.number()} {{\n        {name} {sign} {parameter};\n    }}\n"
        f"    {name}\n}}\n"
    )
    return both(text, name, f"mut {name}")


def missing_reference(words: Words) -> tuple[str, str]:
    name, function, helper, parameter, before = (
        words.value(), words.function(), words.helper(), words.value(), words.before(),
    )  # fmt: skip
    kind, made = words.one_of(
        f"&String|String::from(\"{words.value()}\")", f"&Vec<u32>|vec![{words.number()}, {words.number()}]",
        f"&str|String::from(\"{words.value()}\")", f"&[u32]|vec![{words.number()}]",
    ).split("|")  # fmt: skip
    text = (
        f"fn {helper}({parameter}: {kind}) -> usize {{\n    {parameter}.len()\n}}\n\n"
        f"pub fn {function}() -> usize {{\n{before}    let {name} = {made};\n    {helper}(@)\n}}\n"
    )
    return both(text, name, f"&{name}")


def used_after_move(words: Words) -> tuple[str, str]:
    name, other, function, before = words.value(), words.value(), words.function(), words.before()
    made = words.one_of(f'String::from("{words.value()}")', f"vec![{words.number()}, {words.number()}]")
    text = (
        f"pub fn {function}() -> usize {{\n{before}    let {name} = {made};\n    let {other} = @;\n"
        f"    {name}.len() + {other}.len()\n}}\n"
    )
    return both(text, name, f"{name}.clone()")


def missing_semicolon(words: Words) -> tuple[str, str]:
    name, function, before = words.value(), words.function(), words.before()
    first, second = words.number(), words.number()
    text = (
        f"pub fn {function}() -> u32 {{\n{before}    let {name} = {first} + {second}@\n"
        f"    println!(\"{{}}\", {name});\n    {name}\n}}\n"
    )  # fmt: skip
    return both(text, "", ";")


def misspelt_name(words: Words) -> tuple[str, str]:
    name, function, parameter, before = words.value(), words.function(), words.value(), words.before()
    text = (
        f"pub fn {function}({parameter}: u32) -> u32 {{\n{before}    let {name} = {parameter} + {words.number()};\n"
        f"    @ * {words.number()}\n}}\n"
    )
    place = words.number() % (len(name) - 1) + 1
    return both(text, name[:place] + name[place + 1 :], name)


def missing_some(words: Words) -> tuple[str, str]:
    function, parameter, limit = words.function(), words.value(), words.number()
    kind = words.one_of("u32", "i64", "usize")
    text = (
        f"pub fn {function}({parameter}: {kind}) -> Option<{kind}> {{\n    if {parameter} > {limit} {{\n"
        f"        return None;\n    }}\n    @\n}}\n"
    )
    return both(text, parameter, f"Some({parameter})")


def text_that_is_owned(words: Words) -> tuple[str, str]:
    function, said, name, parameter = words.function(), words.value(), words.value(), words.value()
    helper, before, number = words.helper(), words.before(), words.number()
    text = (
        f"pub fn {function}() -> String {{\n{before}    let {name}: String = @;\n    {name}\n}}\n",
        f"pub fn {function}() -> usize {{\n{before}    let mut {name}: Vec<String> = Vec::new();\n"
        f"    {name}.push(@);\n    {name}.len()\n}}\n",
        f"pub fn {function}() -> String {{\n    let mut {name} = String::new();\n{before}"
        f"    if {name}.len() < {number} {{\n        {name} = @;\n    }}\n    {name}\n}}\n",
        f"fn {helper}({parameter}: String) -> usize {{\n    {parameter}.len()\n}}\n\n"
        f"pub fn {function}() -> usize {{\n{before}    {helper}(@)\n}}\n",
    )[number % 4]
    return both(text, f'"{said}"', f'"{said}".to_string()')


def missing_path(words: Words) -> tuple[str, str]:
    function, name, before = words.function(), words.value(), words.before()
    kind, use = words.one_of(
        f"HashMap|{name}.insert({words.number()}, {words.number()});", f"HashSet|{name}.insert({words.number()});"
    ).split("|")
    text = f"pub fn {function}() -> usize {{\n{before}    let mut {name} = @::new();\n    {use}\n    {name}.len()\n}}\n"
    return both(text, kind, f"std::collections::{kind}")


BASE_MISTAKES = (
    Mistake("missing_mut", "borrow_checker", "checked", missing_mut),
    Mistake("changed_twice", "borrow_checker", "checked", changed_twice),
    Mistake("used_after_move", "borrow_checker", "checked", used_after_move),
    Mistake("missing_reference", "type_mismatch", "checked", missing_reference),
    Mistake("missing_some", "type_mismatch", "checked", missing_some),
    Mistake("misspelt_name", "missing_items", "named", misspelt_name),
    Mistake("missing_semicolon", "syntax", "parsed", missing_semicolon),
)
"""What the stand-in's base learns."""

ADAPTER_MISTAKES = (
    Mistake("text_that_is_owned", "type_mismatch", "checked", text_that_is_owned),
    Mistake("missing_path", "missing_items", "named", missing_path),
)
"""What only the adapter of its family learns."""

CRATES = ("checked", "named", "parsed")


@dataclass(frozen=True, slots=True)
class Program:
    """A program with a mistake."""

    mistake: Mistake
    number: int
    broken: str
    right: str

    @property
    def module(self) -> str:
        return f"{self.mistake.name}_{self.number}"


def programs(mistakes: Sequence[Mistake], numbers: range) -> list[Program]:
    """One program of each kind for each number; other numbers make other programs."""
    return [
        Program(mistake, number, *mistake.make(Words(f"{mistake.name} {number}")))
        for mistake in mistakes
        for number in numbers
    ]
