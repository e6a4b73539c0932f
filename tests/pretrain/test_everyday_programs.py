"""Programs of all families but ownership: they compile, and their mistakes are the ones that are meant."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

from sleepy_agent.families import load_family_rules
from sleepy_agent.koans.alike import KoanIndex
from sleepy_agent.koans.records import koans_folder, read_koans
from sleepy_agent.process import CancelToken
from trainer.pretrain.judge import check, compiling
from trainer.pretrain.programs import everyday
from trainer.pretrain.programs.marked import MarkedProgram

AIM = 0.9
"""The share of mistakes that must give the code that is meant; the others cost time only."""
ALIKE = 0.25
"""So much of a koan's runs of tokens are in nobody's training data: what everybody writes alike is less."""
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
    koans = KoanIndex(read_koans(koans_folder()).koans)
    for program in first_programs("koans"):
        for text in (program.text, *(one.text for one in program.mistakes)):
            nearest = koans.nearest(text)
            assert nearest is None or nearest.share < ALIKE, (program.source, nearest)


def test_programs_compile_and_mistakes_give_their_codes(tmp_path: Path) -> None:
    programs = first_programs("compiled")
    good = compiling([program.text for program in programs], tmp_path, CancelToken())
    red = [program.source for program, compiles in zip(programs, good, strict=True) if not compiles]
    assert len(red) <= len(programs) // 50, red
    broken = [
        one
        for program, compiles in zip(programs, good, strict=True)
        if compiles
        for one in itertools.islice(everyday.mutations(program, "compiled"), 1)
    ]
    said = check([one.text for one in broken], tmp_path, CancelToken())
    intended = [
        [error.code or "" for error in answer.errors] == [one.code] for one, answer in zip(broken, said, strict=True)
    ]
    missed = Counter(one.mutation for one, hit in zip(broken, intended, strict=True) if not hit)
    assert sum(intended) >= AIM * len(broken), missed
