"""One round of making lessons: some programs of every generator, broken, judged, put into words.

A round depends on its seed and number alone, so rounds may be made in any order, by any number of processes, and again.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from sleepy_agent.code.syntax import parse_rust
from sleepy_agent.koans.alike import fingerprints
from sleepy_agent.process import CancelToken
from trainer.pretrain.answers import MOST_EDITS
from trainer.pretrain.behaviour import behaving
from trainer.pretrain.judge import check, compiling
from trainer.pretrain.leaks import is_a_koan
from trainer.pretrain.lessons import NotALesson, lesson_of
from trainer.pretrain.mutations.mutant import mutated
from trainer.pretrain.records import Broken, Lesson, Program, Verified
from trainer.pretrain.registry import Generator, generators, mutators
from trainer.pretrain.tried import said_to, wrong_answer
from trainer.pretrain.weights import Weights, group_of, weights

__all__ = ["Mistake", "Round", "Told", "make_round", "mistakes_of", "sketch_of", "told_of"]

SKETCH: Final = 12
"""So many fingerprints of a program stand for it when likeness to others is estimated."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A program with something broken. `codes`: rustc must report one of them."""

    program: Program
    mutation: str
    text: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A lesson with what tells how alike its program is to others: the smallest of its fingerprints."""

    lesson: Lesson
    sketch: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Round:
    """What a round gave. `counts`: programs, mistakes and lessons, and what became of the rest."""

    told: tuple[Told, ...]
    counts: Counter[str]


def make_round(seed: str, number: int, folder: Path, cancel: CancelToken, size: int = 1000) -> Round:
    """All lessons of a round of `size` programs or so. `folder`: a place to work in; it is emptied before and after."""
    table, counts = weights(), Counter[str]()
    round_seed = f"{seed}:{number}"
    found: list[tuple[Generator, Program]] = []
    for generator in generators():
        programs = islice(generator.programs(round_seed), table.programs_of(generator.name, size))
        found += [(generator, program) for program in programs]
    counts["programs made"] = len(found)
    found = list({program.text: (generator, program) for generator, program in found}.values())
    found = [one for one in found if not is_a_koan(one[1].text)]
    counts["programs that are like a koan or another one"] = counts["programs made"] - len(found)
    good = working([program for _, program in found], folder, cancel)
    counts["programs that do not compile or fail their tests"] = good.count(False)
    found = [one for one, works in zip(found, good, strict=True) if works]
    counts["programs whose behaviour was checked"] = sum(bool(program.behaviour) for _, program in found)
    mistakes = [
        mistake for generator, program in found for mistake in mistakes_of(generator, program, round_seed, table)
    ]
    mistakes = list({mistake.text: mistake for mistake in mistakes}.values())
    verified = [*verified_of(mistakes, folder, cancel, counts)]
    told = [*told_of(verified, counts), *told_again(verified, round_seed, table, folder, cancel, counts)]
    return Round(tuple(told), counts)


def working(programs: Sequence[Program], folder: Path, cancel: CancelToken) -> list[bool]:
    """Which programs compile, and pass their tests where they have some."""
    tested = [number for number, program in enumerate(programs) if program.behaviour]
    plain = [number for number, program in enumerate(programs) if not program.behaviour]
    with_room(folder)
    passed = dict(zip(tested, behaving([programs[number] for number in tested], folder, cancel), strict=True))
    compiled = compiling([programs[number].text for number in plain], folder, cancel)
    with_room(folder)
    return [{**passed, **dict(zip(plain, compiled, strict=True))}[number] for number in range(len(programs))]


def mistakes_of(generator: Generator, program: Program, seed: str, table: Weights) -> Iterator[Mistake]:
    """Some mistakes of a program: first its generator's own, then such as may be made in any program, of as many kinds
    as there are."""
    chance = random.Random(f"{seed}:mistakes:{program.source}:{program.text}")
    left = table.mutants_of_a_program
    own = [Mistake(program, one.mutation, one.text, (one.code,)) for one in generator.mutations(program, seed)]
    chance.shuffle(own)
    text = program.text.encode()
    kinds: dict[str, list[Mistake]] = {}
    for mutator in mutators():
        for mutant in mutator(parse_rust(text), text):
            broken = mutated(text, mutant).decode(errors="replace")
            kinds.setdefault(mutant.mutation, []).append(Mistake(program, mutant.mutation, broken, mutant.codes))
    names = sorted(kinds)
    chance.shuffle(names)
    for mistake in [*own, *(chance.choice(kinds[name]) for name in names)]:
        if left == 0:
            return
        several = lines_between(mistake.text, program.text) > 1
        if chance.random() < table.probability(mistake.mutation, mistake.codes, several_lines=several):
            left -= 1
            yield mistake


def lines_between(broken: str, right: str) -> int:
    """In how many lines two texts differ, roughly: lines that only one of them has, the larger number of both."""
    first, second = Counter(broken.splitlines()), Counter(right.splitlines())
    return max((first - second).total(), (second - first).total())


def verified_of(
    mistakes: Sequence[Mistake], folder: Path, cancel: CancelToken, counts: Counter[str]
) -> Iterator[Verified]:
    """The mistakes of which rustc reports one error, and one that is meant."""
    counts["mistakes made"] = len(mistakes)
    said = check([mistake.text for mistake in mistakes], folder, cancel)
    for mistake, one in zip(mistakes, said, strict=True):
        codes = [error.code or "" for error in one.errors]
        if not codes:
            counts["mistakes that compile"] += 1
        elif len(codes) > 1:
            counts["mistakes with several errors"] += 1
        elif codes[0] not in mistake.codes:
            counts[f"mistakes with another error ({group_of(mistake.mutation)})"] += 1
        else:
            counts["mistakes verified"] += 1
            counts["mistakes verified in programs whose behaviour was checked"] += bool(mistake.program.behaviour)
            yield Verified(Broken(mistake.program, mistake.mutation, mistake.text, codes[0]), one.errors[0])


def told_of(verified: Sequence[Verified], counts: Counter[str]) -> Iterator[Told]:
    """The lessons of verified pairs."""
    sketches: dict[str, tuple[int, ...]] = {}
    for one in verified:
        lesson = lesson_of(one)
        if isinstance(lesson, NotALesson):
            counts[f"no lesson: {lesson}"] += 1
        else:
            yield Told(lesson, sketch_of(one.broken.program.text, sketches))
    counts["lessons"] = counts["mistakes verified"] - sum(n for name, n in counts.items() if name.startswith("no "))


def sketch_of(text: str, known: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The smallest fingerprints of a program; those that were asked for before are in `known`."""
    if text not in known:
        known[text] = tuple(sorted(fingerprints(text))[:SKETCH])
    return known[text]


def told_again(
    verified: Sequence[Verified],
    seed: str,
    table: Weights,
    folder: Path,
    cancel: CancelToken,
    counts: Counter[str],
) -> Iterator[Told]:
    """Lessons that also show an answer that failed."""
    chance = random.Random(f"{seed}:tried")
    chosen = [one for one in verified if chance.random() < table.tried]
    wrong = [
        made
        for number, one in enumerate(chosen)
        if (made := wrong_answer(one, f"{seed}:tried:{number}:{one.broken.mutation}")) is not None
    ]
    sketches: dict[str, tuple[int, ...]] = {}
    for made, said in zip(wrong, check([one.text for one in wrong], folder, cancel), strict=True):
        if not said.errors:
            counts["wrong answers that compile"] += 1
            continue
        lesson = lesson_of(made.verified, (said_to(made, said.errors),))
        if not isinstance(lesson, NotALesson) and lesson.answer.count("\n") < MOST_EDITS:
            counts["lessons with a wrong answer"] += 1
            yield Told(lesson, sketch_of(made.verified.broken.program.text, sketches))


def with_room(folder: Path) -> None:
    """Empty a folder to work in."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
