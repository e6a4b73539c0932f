"""What holds of the programs of every set of marked templates."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sleepy_agent.koans.alike import KoanIndex
from sleepy_agent.koans.records import koans_folder, read_koans
from sleepy_agent.process import CancelToken
from trainer.pretrain.judge import check, compiling
from trainer.pretrain.programs.marked import MarkedProgram
from trainer.pretrain.records import Broken, Program

ALIKE = 0.25
"""So much of a koan's runs of tokens are in nobody's training data: what everybody writes alike is less."""


def assert_none_resembles_a_koan(programs: Sequence[MarkedProgram]) -> None:
    """Neither as they are nor broken."""
    koans = KoanIndex(read_koans(koans_folder()).koans)
    for program in programs:
        for text in (program.text, *(one.text for one in program.mistakes)):
            nearest = koans.nearest(text)
            assert nearest is None or nearest.share < ALIKE, (program.source, nearest)


def assert_mistakes_give_their_codes(
    programs: Sequence[MarkedProgram],
    mutations: Callable[[Program, str], Iterator[Broken]],
    aim: float,
    folder: Path,
) -> None:
    """The programs compile but for one in fifty; of one mistake of each at least the share `aim` gives the error that
    is meant, and no other."""
    good = compiling([program.text for program in programs], folder, CancelToken())
    red = [program.source for program, compiles in zip(programs, good, strict=True) if not compiles]
    assert len(red) <= len(programs) // 50, red
    broken = [
        one
        for program, compiles in zip(programs, good, strict=True)
        if compiles
        for one in itertools.islice(mutations(program, "compiled"), 1)
    ]
    said = check([one.text for one in broken], folder, CancelToken())
    intended = [
        [error.code or "" for error in answer.errors] == [one.code] for one, answer in zip(broken, said, strict=True)
    ]
    missed = Counter(one.mutation for one, hit in zip(broken, intended, strict=True) if not hit)
    assert sum(intended) >= aim * len(broken), missed
