"""Programs of ownership, borrows and lifetimes: they compile, and their mistakes are the ones that are meant."""

from __future__ import annotations

import itertools
from pathlib import Path

from pretrain.marked_programs import assert_mistakes_give_their_codes, assert_none_resembles_a_koan
from trainer.pretrain.programs import ownership
from trainer.pretrain.programs.marked import MarkedProgram

AIM = 0.8
"""The share of mistakes that must give the code that is meant; the others cost time only."""


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
    assert_none_resembles_a_koan(first_programs("koans"))


def test_programs_compile_and_mistakes_give_their_codes(tmp_path: Path) -> None:
    assert_mistakes_give_their_codes(first_programs("compiled"), ownership.mutations, AIM, tmp_path)
