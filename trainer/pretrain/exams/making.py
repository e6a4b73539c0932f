"""Exam items: the same programs, mistakes and caps as the lessons', of origins that are on one side only, and never the
train side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from sleepy_agent.process import CancelToken
from trainer.pretrain.crates.listed import ListedCrate, listed_crates
from trainer.pretrain.exams.crate_mistakes import CrateMistake, crate_mistakes, heard_alone
from trainer.pretrain.exams.items import BreakingEdit, Item, item_id
from trainer.pretrain.leaks import is_a_koan
from trainer.pretrain.lessons import NotALesson, lesson_of
from trainer.pretrain.mixing import Mixture
from trainer.pretrain.records import Verified
from trainer.pretrain.registry import generators
from trainer.pretrain.rounds import Told, lines_between, mistakes_of, sketch_of, verified_of, with_room, working
from trainer.pretrain.split import SHARES, split_of
from trainer.pretrain.weights import weights

__all__ = ["ExamPlan", "make_items", "side_crates"]

Progress = Callable[[str], None]

LEAST_PROGRAMS: Final = 60
MOST_PROGRAMS: Final = 1500
"""Of each generator in a round, before the other sides' are left out."""
TOLD_EVERY: Final = 25
MOST_STALE: Final = 4
"""After so many rounds that gave nothing new there is nothing more to be had."""


@dataclass(frozen=True, slots=True)
class ExamPlan:
    """What is wanted: so many items of a side. What is held back from training has a command of its own."""

    seed: str
    side: str
    count: int
    with_crates: bool = True


class Exam:
    """The items that were taken so far, and the mixture that says which are."""

    def __init__(self, plan: ExamPlan, counts: Counter[str]) -> None:
        share = dict(SHARES)[plan.side]
        # A mixture fills all of its sides in proportion; here only one is ever offered to.
        self._mixture = Mixture(round(plan.count / share), weights())
        self._plan = plan
        self._counts = counts
        self.items: dict[str, Item] = {}

    @property
    def is_full(self) -> bool:
        # Some that the mixture took may have been no items after all.
        return len(self._mixture.taken) >= self._plan.count

    def offer(self, pair: Verified, made: Callable[[], Item | None]) -> bool:
        """Take the item of a pair in, or say no and count why. `made` is asked last: it may take its time."""
        if self.is_full:
            return False
        lesson = lesson_of(pair)
        if isinstance(lesson, NotALesson):
            self._counts[f"no item: {lesson}"] += 1
            return False
        if not self._mixture.offer(Told(lesson, sketch_of(pair.broken.program.text, {}))):
            return False
        item = made()
        if item is None:
            self._counts["no item: alone it is another error"] += 1
            return False
        self.items[item.id] = replace(item, family=lesson.family)
        return True

    @property
    def refused(self) -> Counter[str]:
        return self._mixture.refused


def make_items(
    plan: ExamPlan, folder: Path, cancel: CancelToken, progress: Progress, counts: Counter[str]
) -> tuple[Item, ...]:
    """So many items as are wanted, or as there are; in an order that says nothing of them, so that the first ones stand
    for all. `folder`: a place to work in. Raises CannotFetch."""
    exam = Exam(plan, counts)
    most_of_crates = int(plan.count * weights().most_of_crates)
    if plan.with_crates:
        for count in taken_of_crates(exam, plan, most_of_crates, cancel, counts):
            progress(f"{count} items, of crates")
    number = stale = 0
    while not exam.is_full and stale < MOST_STALE:
        before = len(exam.items)
        for pair in made_pairs(plan, number, folder, cancel, counts):
            exam.offer(pair, partial(template_item, plan, pair))
        number += 1
        stale = stale + 1 if len(exam.items) == before else 0
        progress(f"round {number}: {len(exam.items)} of {plan.count} items")
    counts.update({f"refused: {why}": count for why, count in exam.refused.items()})
    return tuple(exam.items[key] for key in sorted(exam.items))


# ---- made programs ----------------------------------------------------------------------------------------


def made_pairs(
    plan: ExamPlan, number: int, folder: Path, cancel: CancelToken, counts: Counter[str]
) -> Iterator[Verified]:
    """The verified mistakes of a round of made programs whose origin is on the side."""
    seed, table = f"exam:{plan.seed}:{number}", weights()
    size = min(MOST_PROGRAMS, max(LEAST_PROGRAMS, plan.count))
    found = []
    for generator in generators():
        for program in islice(generator.programs(seed), size):
            if split_of(program.source) == plan.side and not is_a_koan(program.text):
                found.append((generator, program))
    found = list({program.text: (generator, program) for generator, program in found}.values())
    good = working([program for _, program in found], folder, cancel)
    mistakes = [
        mistake
        for (generator, program), works in zip(found, good, strict=True)
        if works
        for mistake in mistakes_of(generator, program, seed, table)
    ]
    mistakes = list({mistake.text: mistake for mistake in mistakes}.values())
    with_room(folder)
    yield from verified_of(mistakes, folder, cancel, counts)


def template_item(plan: ExamPlan, pair: Verified) -> Item:
    broken, program = pair.broken, pair.broken.program
    return Item(
        id=item_id(program.source, broken.mutation, broken.text),
        kind="template",
        source=program.source,
        mutation=broken.mutation,
        family="",
        code=broken.code,
        side=plan.side,
        is_suggested=bool(pair.diagnostic.suggestions),
        lines_changed=lines_between(broken.text, program.text),
        broken=broken.text,
        right=program.text,
        behaviour=program.behaviour,
    )


# ---- crates -----------------------------------------------------------------------------------------------


def side_crates(side: str) -> tuple[ListedCrate, ...]:
    """The crates that are on a side."""
    return tuple(crate for crate in listed_crates() if split_of(f"crate:{crate.label}/") == side)


def taken_of_crates(exam: Exam, plan: ExamPlan, most: int, cancel: CancelToken, counts: Counter[str]) -> Iterator[int]:
    """Take in items of the side's crates until there are so many; yields their number now and then."""
    found = crate_mistakes(side_crates(plan.side), f"exam:{plan.seed}", cancel)
    for one in found:
        counts["mistakes verified in crates"] += 1
        if is_a_koan(one.pair.broken.program.text):
            continue
        if exam.offer(one.pair, partial(crate_item, plan, one, cancel)) and len(exam.items) % TOLD_EVERY == 0:
            yield len(exam.items)
        if len(exam.items) >= most:
            return


def crate_item(plan: ExamPlan, one: CrateMistake, cancel: CancelToken) -> Item | None:
    """The item, if the mistake is heard alone as it was among others."""
    said = heard_alone(one, cancel)
    if said is None:
        return None
    broken, program = one.pair.broken, one.pair.broken.program
    edits = tuple(BreakingEdit(edit.start, edit.end, edit.replacement.decode()) for edit in one.mistake.edits)
    return Item(
        id=item_id(program.source, broken.mutation, repr(edits)),
        kind="crate",
        source=program.source,
        mutation=broken.mutation,
        family="",
        code=broken.code,
        side=plan.side,
        is_suggested=bool(said.suggestions),
        lines_changed=lines_between(broken.text, program.text),
        crate=one.crate.opened.listed.label,
        file=one.mistake.target.file.as_posix(),
        edits=edits,
    )
