"""Ownership, borrows, mutability and lifetimes: programs of marked templates (`templates/`), and their mistakes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import files

from trainer.pretrain.programs.marked import (
    MarkedProgram,
    Template,
    marked_mutations,
    marked_program,
    read_tables,
    read_templates,
)
from trainer.pretrain.programs.sameness import same_results

__all__ = ["GROUP", "mutations", "programs", "templates"]

GROUP = "ownership"
LIFETIMES = "lifetimes"


@cache
def templates() -> tuple[tuple[str, Template], ...]:
    """All templates with the family that each of them aims at, in the order of their files."""
    folder = files(__name__) / "templates"
    tables = read_tables((folder / "tables.txt").read_text(encoding="utf-8"))
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".template"))
    return tuple(
        (LIFETIMES if name.startswith(LIFETIMES) else "borrow_checker", template)
        for name in names
        for template in read_templates((folder / name).read_text(encoding="utf-8"), tables)
    )


def programs(seed: str) -> Iterator[MarkedProgram]:
    """Programs without end: every template once, in an order of the seed, then all of them again with other choices."""
    for turn in itertools.count():
        order = list(templates())
        random.Random(f"{seed}:{GROUP}:{turn}").shuffle(order)
        for family, template in order:
            program = marked_program(template, f"{seed}:{turn}", family, GROUP)
            yield program if program.behaviour else replace(program, behaviour=same_results(program.text))


mutations = marked_mutations
"""All mistakes of a program of this package."""
