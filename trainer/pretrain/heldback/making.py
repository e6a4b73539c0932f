"""Exam items of what is held back: made from a seed, and kept where rustc says exactly what is meant of the mistake,
and the right text compiles and does what its test says."""

from __future__ import annotations

import itertools
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sleepy_agent.code.syntax import parse_rust
from sleepy_agent.domain import Diagnostic
from sleepy_agent.families import family_of
from sleepy_agent.process import CancelToken
from trainer.pretrain.exams.items import Item, item_id
from trainer.pretrain.heldback.dependencies import Externs, built_externs, requirements_of
from trainer.pretrain.heldback.house_style import FAMILY, house_programs, house_templates
from trainer.pretrain.heldback.judging import check_with, working_with
from trainer.pretrain.heldback.pattern_mutations import MUTATORS
from trainer.pretrain.heldback.sides import side_of
from trainer.pretrain.heldback.templates import HeldBack, family_programs, family_templates
from trainer.pretrain.leaks import is_a_koan
from trainer.pretrain.lessons import family_rules
from trainer.pretrain.mutations.mutant import mutated
from trainer.pretrain.programs.marked import MarkedProgram, Mistake
from trainer.pretrain.records import Program
from trainer.pretrain.registry import generators
from trainer.pretrain.rounds import lines_between
from trainer.pretrain.split import origin_of

__all__ = ["PATTERNS", "Plan", "attempts_of_templates", "judged", "make_items", "pattern_mistakes", "templates_of"]

PATTERNS: Final = "patterns"
MORE_TURNS: Final = 1
"""So many more mistakes of a template are tried than are wanted."""
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made. `of_template`: items of one template at most; `of_generators`: programs of each generator
    that patterns are broken in, and `of_kind`: items of one kind of pattern mistake in them at most."""

    seed: str
    side: str
    of_template: int = 3
    of_generators: int = 150
    of_kind: int = 25


@dataclass(frozen=True, slots=True)
class Attempt:
    """A mistake in a held-back program, not judged yet. `codes`: rustc must report one of them; `limit`: what it counts
    for, and how often that may come."""

    held: HeldBack
    mistake: Mistake
    codes: tuple[str, ...]
    limit: tuple[str, int]


def make_items(
    plan: Plan, folder: Path, crates: Path, cancel: CancelToken, progress: Progress, families: Sequence[str] = ()
) -> list[Item]:
    """All items of a side, those of some families alone where some are named ("house" is one here). `folder`: a place
    to work in; `crates`: where crates are built and kept. Raises CannotBuild or Interrupted."""
    attempts = list(attempts_of(plan, families))
    made: list[Item] = []
    for names in dict.fromkeys(one.held.dependencies for one in attempts):
        externs = built_externs(names, crates, cancel)
        group = [one for one in attempts if one.held.dependencies == names]
        made += judged(group, externs, plan.side, folder, cancel)
        progress(f"{len(made)} items; {len(group)} mistakes tried with {', '.join(names) or 'std alone'}")
    # An order in which the first few stand for all.
    return sorted(made, key=lambda one: one.id)


def attempts_of(plan: Plan, families: Sequence[str]) -> Iterator[Attempt]:
    """Everything that is tried for some families, or for all where none is named, each text once."""
    of_generators = attempts_of_generators(plan) if not families or PATTERNS in families else ()
    known: set[str] = set()
    for one in itertools.chain(attempts_of_templates(plan), of_generators):
        family = FAMILY if one.held.house_rule else one.held.program.family
        is_asked_for = not families or family in families
        if is_asked_for and one.mistake.text not in known and not is_a_koan(one.held.program.text):
            known.add(one.mistake.text)
            yield one


def attempts_of_templates(plan: Plan) -> Iterator[Attempt]:
    """The mistakes of all templates, in several variants."""
    sources = (
        (family_programs(plan.side, plan.seed), len(family_templates(plan.side))),
        (house_programs(plan.side, plan.seed), len(house_templates(plan.side))),
    )
    for programs, count in sources:
        turns = plan.of_template + MORE_TURNS
        for number, held in enumerate(itertools.islice(programs, count * turns)):
            # A different one of its mistakes in each turn, as far as it has several.
            mistake = held.program.mistakes[number // count % len(held.program.mistakes)]
            codes = held.codes or (mistake.code,)
            yield Attempt(held, mistake, codes, (held.program.source, plan.of_template))


def attempts_of_generators(plan: Plan) -> Iterator[Attempt]:
    """Mistakes of patterns in programs of the generators that are on this side."""
    for generator in generators():
        found = (one for one in generator.programs(f"{plan.seed}:held back") if side_of(one.source) == plan.side)
        for program in itertools.islice(found, plan.of_generators):
            yield from pattern_mistakes(program, plan)


def pattern_mistakes(program: Program, plan: Plan) -> Iterator[Attempt]:
    """One mistake of each kind that the program has a place for."""
    text = program.text.encode()
    chance = random.Random(f"{plan.seed}:patterns:{program.source}:{program.text}")
    kinds: dict[str, list[Attempt]] = {}
    marked = MarkedProgram(program.source, PATTERNS, program.text, program.behaviour)
    for mutator in MUTATORS:
        for mutant in mutator(parse_rust(text), text):
            mistake = Mistake(mutant.mutation, mutant.codes[0], mutated(text, mutant).decode())
            attempt = Attempt(HeldBack(marked, plan.side), mistake, mutant.codes, (mutant.mutation, plan.of_kind))
            kinds.setdefault(mutant.mutation, []).append(attempt)
    for name in sorted(kinds):
        yield chance.choice(kinds[name])


# ---- judging ----------------------------------------------------------------------------------------------


def judged(
    attempts: Sequence[Attempt], externs: Externs, side: str, folder: Path, cancel: CancelToken
) -> Iterator[Item]:
    """The items of those attempts that are what they are meant to be, as many of each kind as the limits allow."""
    programs = list(dict.fromkeys(one.held.program for one in attempts))
    works = working_with(programs, externs, emptied(folder), cancel)
    good = {program for program, well in zip(programs, works, strict=True) if well}
    left = [one for one in attempts if one.held.program in good]
    said = check_with([one.mistake.text for one in left], externs, emptied(folder), cancel)
    counts = Counter[tuple[str, int]]()
    for attempt, errors in zip(left, (one.errors for one in said), strict=True):
        if said_once(errors) and is_meant(attempt, errors[0]) and counts[attempt.limit] < attempt.limit[1]:
            counts[attempt.limit] += 1
            yield item_of(attempt, errors[0], side)


def said_once(errors: Sequence[Diagnostic]) -> bool:
    """Whether there is one mistake: derived code says the same of one field several times."""
    return len({(error.code, error.message) for error in errors}) == 1


def is_meant(attempt: Attempt, error: Diagnostic) -> bool:
    """Whether the error is one that the mistake is made for: its code, and of families the family."""
    family = attempt.held.program.family
    return (error.code or "") in attempt.codes and family in {"", family_of(error, family_rules())}


def item_of(attempt: Attempt, error: Diagnostic, side: str) -> Item:
    program, mistake = attempt.held.program, attempt.mistake
    return Item(
        id=item_id(program.source, mistake.name, mistake.text),
        kind="template",
        source=program.source,
        mutation=mistake.name,
        family=family_of(error, family_rules()),
        code=error.code or "",
        side=side,
        is_suggested=bool(error.suggestions),
        lines_changed=lines_between(mistake.text, program.text),
        broken=mistake.text,
        right=program.text,
        behaviour=program.behaviour,
        dependencies=requirements_of(attempt.held.dependencies),
        house_rule=attempt.held.house_rule,
    )


def emptied(folder: Path) -> Path:
    """An empty folder to work in."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def templates_of(items: Iterable[Item]) -> dict[str, int]:
    """How many templates, or other origins, the items of each family come from."""
    found: dict[str, set[str]] = {}
    for one in items:
        found.setdefault(FAMILY if one.house_rule else one.family, set()).add(origin_of(one.source))
    return {family: len(origins) for family, origins in sorted(found.items())}
