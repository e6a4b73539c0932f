"""What a repairer made of a mutant: compiles, clean, equal to the original, unit tests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from benchmarks.error_index.cheats import cheats_of, same_program
from benchmarks.real_crates.judging import JudgedCopy, Texts, judge_crate, tests_pass
from sleepy_agent.code.edits import common_prefix_length, common_suffix_length
from sleepy_agent.process import CancelToken


class UnitTests(StrEnum):
    """What the crate's unit tests say of a text."""

    SAME_PROGRAM = "same program"
    """Not run: a program that is token-equal to the original passes what the original passed."""
    PASS = "pass"
    FAIL = "fail"
    NOT_RUN = "not run"
    """The library does not compile."""


@dataclass(frozen=True, slots=True)
class Score:
    """The end of one mutant under one repairer. `changed`: whether anything was changed at all."""

    compiles: bool
    cheats: tuple[str, ...]
    equal: bool
    tests: UnitTests
    seconds: float
    changed: bool

    @property
    def clean(self) -> bool:
        return self.compiles and not self.cheats

    @property
    def passes_tests(self) -> bool:
        return self.tests in {UnitTests.SAME_PROGRAM, UnitTests.PASS}


UNCHANGED = Score(compiles=False, cheats=(), equal=False, tests=UnitTests.NOT_RUN, seconds=0.0, changed=False)


def score_texts(copy: JudgedCopy, broken: Texts, after: Texts, seconds: float, cancel: CancelToken) -> Score:
    """Score `after`, which a repairer made of `broken`; files it does not name are as in `broken`."""
    whole = {**broken, **after}
    if whole == dict(broken):
        return Score(False, (), False, UnitTests.NOT_RUN, seconds, changed=False)
    originals = {file: copy.opened.original(file) for file in whole}
    if all(same_program(decoded(text), decoded(originals[file])) for file, text in whole.items()):
        return Score(True, (), True, UnitTests.SAME_PROGRAM, seconds, changed=True)
    compiles = judge_crate(copy, whole, cancel).compiles
    cheats = {
        cheat
        for file, text in whole.items()
        for cheat in cheats_of(*differing_stretches(broken.get(file, originals[file]), text, originals[file]))
    }
    tests = UnitTests.NOT_RUN
    if compiles:
        tests = UnitTests.PASS if tests_pass(copy, whole, cancel) else UnitTests.FAIL
    return Score(compiles, tuple(sorted(cheats)), False, tests, seconds, changed=True)


def differing_stretches(before: bytes, after: bytes, original: bytes) -> tuple[str, str, str]:
    """The same stretch of the three texts, made of whole outermost items, outside of which they are equal.

    Comparing whole files would take minutes, because it takes quadratic time.
    """
    texts = (before, after, original)
    start = min(common_prefix_length(before, other) for other in texts[1:])
    most = min(len(text) for text in texts) - start
    end = min(common_suffix_length(before, other, most) for other in texts[1:])
    start = _beginning_of_item(before, start)
    end = _end_of_item(before, end)
    before_part, after_part, original_part = (decoded(text[start : len(text) - end]) for text in texts)
    return before_part, after_part, original_part


_OUTERMOST = re.compile(rb"^(?=[a-zA-Z#])", re.MULTILINE)
"""A line that begins an outermost item: everything inside of one is indented."""


def _beginning_of_item(text: bytes, position: int) -> int:
    beginnings = [match.start() for match in _OUTERMOST.finditer(text, 0, position)]
    return beginnings[-1] if beginnings else 0


def _end_of_item(text: bytes, from_the_end: int) -> int:
    """How many bytes at the end of the text stand behind the item that the changes end in."""
    next_one = _OUTERMOST.search(text, len(text) - from_the_end)
    return len(text) - next_one.start() if next_one else 0


def decoded(text: bytes) -> str:
    return text.decode(errors="replace")


def share(scores: Sequence[Score], what: str) -> float:
    """Per cent of the mutants for which the named property holds."""
    return 100.0 * sum(bool(getattr(score, what)) for score in scores) / len(scores) if scores else float("nan")


def entry_of(score: Score) -> dict[str, Any]:
    return asdict(score)


def score_of(entry: Mapping[str, Any]) -> Score:
    values = dict(entry)
    return Score(**{**values, "cheats": tuple(values["cheats"]), "tests": UnitTests(values["tests"])})


def relative_texts(texts: Mapping[Path, bytes], root: Path) -> dict[Path, bytes]:
    """Texts by path relative to `root`; others are left out."""
    return {path.relative_to(root): text for path, text in texts.items() if path.is_relative_to(root)}
