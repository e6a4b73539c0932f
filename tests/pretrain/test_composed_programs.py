"""Programs composed at random: they compile, no two are alike, and mutators find much to break in them."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

from sleepy_agent.code.syntax import parse_once
from sleepy_agent.koans.alike import KoanIndex, fingerprints
from sleepy_agent.koans.records import koans_folder, read_koans
from sleepy_agent.process import CancelToken
from trainer.pretrain.judge import check, compiling
from trainer.pretrain.mutations import names, results, traits, typing_errors
from trainer.pretrain.mutations.mutant import mutated
from trainer.pretrain.programs import composed
from trainer.pretrain.records import Program

MUTATORS = [mutator for file in (names, results, traits, typing_errors) for mutator in file.MUTATORS]


def first_programs(seed: str, count: int) -> list[Program]:
    return list(itertools.islice(composed.programs(seed), count))


def test_programs_are_the_same_for_the_same_seed_and_not_alike() -> None:
    assert first_programs("a", 20) == first_programs("a", 20)
    found = first_programs("b", 200)
    assert len({program.source for program in found}) > 150
    assert len({fingerprints(program.text) for program in found}) == 200


def test_no_program_resembles_a_koan() -> None:
    koans = KoanIndex(read_koans(koans_folder()).koans)
    for program in first_programs("koans", 100):
        nearest = koans.nearest(program.text)
        assert nearest is None or nearest.share < 0.25, (program.text, nearest)


def test_programs_compile_and_can_be_broken(tmp_path: Path) -> None:
    programs = first_programs("compiled", 120)
    good = compiling([program.text for program in programs], tmp_path, CancelToken())
    assert sum(good) >= 110
    chance, broken = random.Random("composed"), []
    for program in itertools.compress(programs, good):
        text = program.text.encode()
        mutant = chance.choice([one for mutator in MUTATORS for one in mutator(parse_once(text), text)])
        broken.append((mutant.codes, mutated(text, mutant).decode()))
    said = check([text for _, text in broken], tmp_path, CancelToken())
    kept = [
        len(answer.errors) == 1 and (answer.errors[0].code or "") in codes
        for (codes, _), answer in zip(broken, said, strict=True)
    ]
    assert sum(kept) >= len(broken) // 2
