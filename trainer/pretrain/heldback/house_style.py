"""The style of an invented house: its rules (`style/rules.toml`) in contexts of their kind (`style/*.contexts`).

A context is a marked template (`trainer.pretrain.programs.marked`) in which the one mark is left open, as `⟦⟧`: the
rule says what is right and what is wrong there. Every rule is on all sides; a context is on the side that its file is
named after.
"""

from __future__ import annotations

import itertools
import random
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Final

from trainer.pretrain.heldback.dependencies import INVENTED
from trainer.pretrain.heldback.sides import SIDES
from trainer.pretrain.heldback.templates import GROUP, HeldBack, with_comparisons, without_needless_imports
from trainer.pretrain.programs.marked import MarkedProgram, Template, marked_program, read_templates

__all__ = ["FAMILY", "Rule", "house_programs", "house_rules", "house_templates"]

FAMILY: Final = "house"
OPEN: Final = "⟦⟧"
_KEYS: Final = frozenset({"name", "kind", "says", "codes", "right", "wrong", "words"})
_PUBLIC: Final = re.compile(r"^pub (?:struct|enum|trait|fn) (\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the house, as `style/rules.toml` has it."""

    name: str
    kind: str
    says: str
    codes: tuple[str, ...]
    right: str
    wrong: tuple[str, ...]
    words: Mapping[str, str]


@cache
def house_rules() -> tuple[Rule, ...]:
    """All rules in their order."""
    document = tomllib.loads((files(__package__) / "style" / "rules.toml").read_text(encoding="utf-8"))
    return tuple(rule_of(entry) for entry in document["rule"])


def rule_of(entry: Mapping[str, Any]) -> Rule:
    if unknown := set(entry) - _KEYS:
        raise ValueError(f"the rule {entry.get('name')} has the unknown key {min(unknown)}")
    return Rule(
        entry["name"],
        entry["kind"],
        entry["says"],
        tuple(entry["codes"]),
        entry["right"],
        tuple(entry["wrong"]),
        entry.get("words", {}),
    )


@cache
def house_templates(side: str) -> tuple[tuple[Rule, Template], ...]:
    """Every rule in every context of its kind that is on this side."""
    if side not in SIDES:
        raise ValueError(f"there is no side {side}")
    return tuple((rule, in_context(rule, context)) for rule in house_rules() for context in contexts(rule.kind, side))


@cache
def contexts(kind: str, side: str) -> tuple[Template, ...]:
    """The contexts of a kind, with their marks open."""
    return tuple(read_templates((files(__package__) / "style" / f"{kind}-{side}.contexts").read_text(encoding="utf-8")))


def in_context(rule: Rule, context: Template) -> Template:
    """The context with the rule in it."""
    mark = f"⟦{'¦'.join((rule.right, *rule.wrong))}⟧"

    def said(text: str) -> str:
        text = text.replace(OPEN, mark)
        for word, meaning in rule.words.items():
            text = text.replace(f"${word}", meaning)
        return text

    return Template(
        f"{rule.name}.{context.name}", {"": rule.codes[0]}, context.tables, said(context.text), said(context.test)
    )


def house_programs(side: str, seed: str) -> Iterator[HeldBack]:
    """Programs without end: every rule in every context, in an order of the seed, then again with other choices."""
    for turn in itertools.count():
        order = list(house_templates(side))
        random.Random(f"{seed}:{GROUP}:{FAMILY}:{side}:{turn}").shuffle(order)
        for rule, template in order:
            program = marked_program(template, f"{seed}:{turn}", "", f"{GROUP}_{FAMILY}")
            program = without_needless_imports(program)
            names = {name: names_of(program.text, name) for name in INVENTED}
            head = "".join(import_of(name, used) for name, used in names.items() if used)
            used_crates = tuple(name for name in INVENTED if names[name] or f"{name}::" in program.behaviour)
            yield HeldBack(with_comparisons(with_head(program, head)), side, used_crates, rule.name, rule.codes)


def with_head(program: MarkedProgram, head: str) -> MarkedProgram:
    """The program and all that is wrong with it behind some imports."""
    separated = head if program.text.startswith("use ") else f"{head}\n"
    mistakes = tuple(replace(one, text=separated + one.text) for one in program.mistakes)
    return replace(program, text=separated + program.text, mistakes=mistakes)


def import_of(name: str, used: list[str]) -> str:
    return f"use {name}::{used[0]};\n" if len(used) == 1 else f"use {name}::{{{', '.join(used)}}};\n"


def names_of(text: str, crate: str) -> list[str]:
    """What a program uses of an invented crate, in the order that rustfmt puts imports in."""
    code = re.sub(r'"(?:\\.|[^"\\])*"', '""', text)
    own = set(re.findall(r"\b(?:struct|enum|trait|type|fn) (\w+)", code))
    found = [
        name
        for name in public_names(crate)
        if name not in own and re.search(rf"(?<![\w:.]){name}\b" + ("" if name[0].isupper() else r"\("), code)
    ]
    return sorted(found, key=lambda name: (name[0].isupper(), name))


@cache
def public_names(crate: str) -> tuple[str, ...]:
    """The names at the top of an invented crate."""
    return tuple(_PUBLIC.findall((files(__package__) / crate / "src" / "lib.rs").read_text(encoding="utf-8")))
