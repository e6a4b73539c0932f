"""Programs of ownership, borrows and lifetimes: they compile, and their mistakes are the ones that are meant."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

from sleepy_agent.koans.alike import KoanIndex
from sleepy_agent.koans.records import koans_folder, read_koans
from sleepy_agent.process import CancelToken
from trainer.pretrain.judge import check, compiling
from trainer.pretrain.programs import ownership
from trainer.pretrain.programs.marked import MarkedProgram

AIM = 0.8
"""The share of mistakes that must give the code that is meant; the others cost time only."""

ALIKE = 0.25
"""So much of a koan's runs of tokens are in nobody's training data: what everybody writes alike is less."""


def first_programs(seed: str) -> list[MarkedProgram]:
    return list(itertools.islice(ownership.programs(seed), len(ownership.templates())))


def test_every_template_has_a_name_of_its_own_and_a_mistake() -> None:
    names = [template.name for _, template in ownership.templates()]
    assert len(set(names)) == len(names)
    for program in first_programs("names"):
        assert list(ownership.mutations(program, "names")), program.source


def test_programs_have_the_size_that_was_asked_for() -> None:
    for program in first_programs("size"):
        assert 3 <= len(program.text.strip().splitlines()) <= 64, program.source
        assert all(len(line) <= 120 for line in program.text.splitlines()), program.source


def test_no_program_resembles_a_koan() -> None:
    koans = KoanIndex(read_koans(koans_folder()).koans)
    for program in first_programs("koans"):
        for text in (program.text, *(one.text for one in program.mistakes)):
            nearest = koans.nearest(text)
            assert nearest is None or nearest.share < ALIKE, (program.source, nearest)


def test_programs_compile_and_mistakes_give_their_codes(tmp_path: Path) -> None:
    programs = first_programs("compiled")
    good = compiling([program.text for program in programs], tmp_path, CancelToken())
    broken_ones = [program.source for program, compiles in zip(programs, good, strict=True) if not compiles]
    assert len(broken_ones) <= len(programs) // 50, broken_ones
    broken = [
        one
        for program, compiles in zip(programs, good, strict=True)
        if compiles
        for one in itertools.islice(ownership.mutations(program, "compiled"), 1)
    ]
    said = check([one.text for one in broken], tmp_path, CancelToken())
    intended = [
        [error.code or "" for error in answer.errors] == [one.code] for one, answer in zip(broken, said, strict=True)
    ]
    missed = Counter(one.mutation for one, hit in zip(broken, intended, strict=True) if not hit)
    assert sum(intended) >= AIM * len(broken), missed
