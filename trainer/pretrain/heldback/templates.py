"""Held-back programs of marked templates (`trainer.pretrain.programs.marked`), and what they mean to do.

A file `templates/FAMILY-SIDE.template` is on that side as a whole. In a template's test a line `= EXPRESSION` compares
what the expression gives with what it gives in an untouched copy of the program; `= await EXPRESSION` the same of a
future. Every other line is Rust.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Final

from trainer.pretrain.heldback.sides import SIDES
from trainer.pretrain.programs.marked import MarkedProgram, Template, marked_program, read_templates

__all__ = ["GROUP", "HeldBack", "family_programs", "family_templates", "with_comparisons", "without_needless_imports"]

GROUP: Final = "heldback"
ENDING: Final = ".template"
COMPARED: Final = re.compile(r"^= (await )?(.+)$", re.MULTILINE)
FRAME: Final = """use super::*;

mod intended {{
{right}
}}
{helpers}
#[test]
fn does_what_was_meant() {{
{lines}}}
"""
NEEDLESS: Final = "use std::fmt::Debug;\n"
LINE: Final = """    let given = {{ use super::*; {wrapped} }};
    let meant = {{ use self::intended::*; {wrapped} }};
    assert_eq!(given, meant);
"""
EXECUTOR: Final = """
fn block_on<F: std::future::Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
"""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A held-back program with its mistakes. `side`: one of `SIDES`; `dependencies`: names of crates; `house_rule`: the
    rule of the house that it keeps to, or ""; `codes`: what its mistakes may give, where each may give one of several.
    """

    program: MarkedProgram
    side: str
    dependencies: tuple[str, ...] = ()
    house_rule: str = ""
    codes: tuple[str, ...] = ()


@cache
def family_templates(side: str) -> tuple[tuple[str, Template], ...]:
    """All templates of a side, each with its family, in the order of their files."""
    if side not in SIDES:
        raise ValueError(f"there is no side {side}")
    folder = files(__package__) / "templates"
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(f"-{side}{ENDING}"))
    return tuple(
        (name.partition("-")[0], template)
        for name in names
        for template in read_templates((folder / name).read_text(encoding="utf-8"))
    )


def family_programs(side: str, seed: str) -> Iterator[HeldBack]:
    """Programs without end: every template once, in an order of the seed, then all of them again with other choices."""
    for turn in itertools.count():
        order = list(family_templates(side))
        random.Random(f"{seed}:{GROUP}:{side}:{turn}").shuffle(order)
        for family, template in order:
            program = marked_program(template, f"{seed}:{turn}", family, f"{GROUP}_{family}")
            program = without_needless_imports(program)
            yield HeldBack(with_comparisons(program), side, crates_of(program.text))


def crates_of(text: str) -> tuple[str, ...]:
    """The crates of the registry that a program or its test uses: both of serde's or none."""
    return ("serde", "serde_json") if re.search(r"\bserde(?:_json)?::", text) else ()


def without_needless_imports(program: MarkedProgram) -> MarkedProgram:
    """The program and its mistakes without the trait `Debug`, where that is only derived."""
    bare = re.sub(r"#\[derive\([^)]*\)\]", "", program.text).replace(NEEDLESS, "")
    if re.search(r"\bDebug\b", bare):
        return program
    mistakes = tuple(replace(one, text=without_line(one.text)) for one in program.mistakes)
    return replace(program, text=without_line(program.text), mistakes=mistakes)


def without_line(text: str) -> str:
    """A text without the import; an empty line that then begins it goes as well."""
    return text.replace(NEEDLESS, "", 1).lstrip("\n")


def with_comparisons(program: MarkedProgram) -> MarkedProgram:
    """The program with its test written out, where that compares."""
    asked = [(bool(match.group(1)), match.group(2)) for match in COMPARED.finditer(program.behaviour)]
    if not asked:
        return program
    lines = "".join(
        LINE.format(wrapped=f'format!("{{:?}}", {f"block_on({said})" if is_future else said})')
        for is_future, said in asked
    )
    helpers = COMPARED.sub("", program.behaviour).replace("use super::*;", "").strip()
    helpers += EXECUTOR if any(is_future for is_future, _ in asked) else ""
    right = "".join(f"    {line}\n" if line else "\n" for line in program.text.splitlines())
    return replace(program, behaviour=FRAME.format(right=right.rstrip(), helpers=helpers, lines=lines))
