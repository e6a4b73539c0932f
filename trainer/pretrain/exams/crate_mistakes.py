"""Mistakes in published crates for an exam: each with the bytes that it changes in its file, and what is heard of it
alone in the whole crate."""

from __future__ import annotations

import random
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.domain import Diagnostic
from sleepy_agent.process import CancelToken
from trainer.pretrain.crates.breaking import (
    BrokenCrate,
    Kind,
    all_mutators,
    mistakes_of,
    proven_heads,
    proven_inside,
    proven_syntax,
    rounds,
    source_of,
)
from trainer.pretrain.crates.fetching import crates_folder, fetched_crates
from trainer.pretrain.crates.listed import ListedCrate
from trainer.pretrain.crates.opened import errors_of, open_crate
from trainer.pretrain.crates.targets import targets_of
from trainer.pretrain.crates.together import Mistake
from trainer.pretrain.mutations.mutant import Mutator, mutated
from trainer.pretrain.records import Verified

__all__ = ["CrateMistake", "crate_mistakes", "heard_alone"]


@dataclass(frozen=True, slots=True)
class CrateMistake:
    """A verified pair as lessons are made of, and the mistake in its file."""

    pair: Verified
    crate: BrokenCrate
    mistake: Mistake


def crate_mistakes(
    crates: Sequence[ListedCrate],
    seed: str,
    cancel: CancelToken,
    *,
    mutators: Sequence[Mutator] | None = None,
    folder: Path | None = None,
) -> Iterator[CrateMistake]:
    """Mistakes of these crates by turns, one after the other of each. Raises CannotFetch."""
    kinds = all_mutators() if mutators is None else tuple(mutators)
    fetched = fetched_crates(crates, folder or crates_folder(), cancel)
    with tempfile.TemporaryDirectory(prefix="sleepy-crates-") as scratch:
        waiting: deque[Iterator[CrateMistake]] = deque()
        for one in fetched:
            opened = open_crate(one, Path(scratch), cancel)
            if opened is not None:
                targets = targets_of(opened.sources)
                crate = BrokenCrate(opened, targets, tuple(mistakes_of(opened, targets, kinds, seed)))
                waiting.append(mistakes_in(crate, seed, Path(scratch), cancel))
        while waiting:
            turns = waiting.popleft()
            found = next(turns, None)
            if found is not None:
                yield found
                waiting.append(turns)


def mistakes_in(crate: BrokenCrate, seed: str, scratch: Path, cancel: CancelToken) -> Iterator[CrateMistake]:
    """The mistakes of one crate."""
    folder = scratch / f"{crate.opened.listed.label}-parsed"
    folder.mkdir()
    order = random.Random(f"{seed}:exam:{crate.opened.listed.label}")
    for kind, mistakes in rounds(crate):
        if kind is Kind.SYNTAX:
            pairs = list(proven_syntax(crate, mistakes, seed, folder, cancel))
        else:
            prove = proven_inside if kind is Kind.INSIDE else proven_heads
            pairs = list(prove(crate, mistakes, seed, cancel))
        order.shuffle(pairs)
        for pair in pairs:
            mistake = mistake_of(crate, pair, mistakes)
            if mistake is not None:
                yield CrateMistake(pair, crate, mistake)


def mistake_of(crate: BrokenCrate, pair: Verified, mistakes: Sequence[Mistake]) -> Mistake | None:
    """Which of a round's mistakes a pair was made of; None where two functions of the same name had the same one."""
    wanted = (pair.broken.program.source, pair.broken.mutation)
    found = [one for one in mistakes if (source_of(crate, one), one.mutant.mutation) == wanted]
    return found[0] if len(found) == 1 else None


def heard_alone(one: CrateMistake, cancel: CancelToken) -> Diagnostic | None:
    """What rustc says of the crate with nothing else wrong in it; None where that is not one error in the same file
    with the code of the pair. Many mistakes were heard at once before, and the parser heard an excerpt."""
    file, opened = one.mistake.target.file, one.crate.opened
    errors = errors_of(opened, {file: mutated(opened.sources[file], one.mistake.mutant)}, cancel)
    if errors is None or len(errors) != 1:
        return None
    primary = errors[0].primary_span
    is_it = primary is not None and primary.file == file and (errors[0].code or "") == one.pair.broken.code
    return errors[0] if is_it else None
