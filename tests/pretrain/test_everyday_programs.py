"""Programs of all families but ownership: they compile, and their mistakes are the ones that are meant."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

from pretrain.marked_programs import assert_mistakes_give_their_codes, assert_none_resembles_a_koan
from sleepy_agent.families import load_family_rules
from trainer.pretrain.programs import everyday
from trainer.pretrain.programs.marked import MarkedProgram

AIM = 0.9
"""The share of mistakes that must give the code that is meant; the others cost time only."""
HELD_BACK = {"async_runtime", "serde", "patterns"}


def first_programs(seed: str) -> list[MarkedProgram]:
    return list(itertools.islice(everyday.programs(seed), len(everyday.templates())))


def test_every_template_has_a_name_of_its_own() -> None:
    names = [template.name for _, template in everyday.templates()]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_families_exist_and_none_is_held_back() -> None:
    families = {family for family, _ in everyday.templates()}
    assert families <= set(load_family_rules().families) - HELD_BACK


def test_programs_are_the_same_for_the_same_seed() -> None:
    assert first_programs("a") == first_programs("a")
    assert first_programs("a") != first_programs("b")


def test_no_program_resembles_a_koan() -> None:
    assert_none_resembles_a_koan(first_programs("koans"))


def test_programs_compile_and_mistakes_give_their_codes(tmp_path: Path) -> None:
    assert_mistakes_give_their_codes(first_programs("compiled"), everyday.mutations, AIM, tmp_path)
