"""No koan and no crate of the benchmark is learnt from."""

from __future__ import annotations

import itertools
import re

from benchmarks.real_crates.crates import known_crates
from sleepy_agent.koans.records import koans_folder, read_koans
from sleepy_agent.koans.texts import code_of
from trainer.pretrain.leaks import MOST_SHARE, is_a_koan, koan_index, leaking
from trainer.pretrain.records import Program
from trainer.pretrain.registry import generators


def test_koans_are_found_whatever_their_names() -> None:
    for koan in read_koans(koans_folder()).koans[::10]:
        assert is_a_koan(re.sub(r"\b([a-z])_", r"\1other_", code_of(koan.solution)))


def test_made_programs_are_no_koans() -> None:
    for generator in generators():
        for program in itertools.islice(generator.programs("leaks"), 40):
            found = koan_index().nearest(program.text)
            assert found is None or found.share <= MOST_SHARE, f"{program.source} is like {found}"


def test_crates_of_the_benchmark_are_named() -> None:
    banned = [crate.name for crate in known_crates()]
    assert banned
    programs = [
        Program("crate:num_rational-0.4.2/src/lib.rs::f", "", "pub fn f() {}\n"),
        Program("crate:something-else-1.0.0/src/lib.rs::f", "", "pub fn f() {}\n"),
        Program("template:num_rational", "", "pub fn f() {}\n"),
    ]
    assert [program.source for program, _ in leaking(programs, banned)] == [programs[0].source]
