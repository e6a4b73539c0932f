"""The figures of the real-crate benchmark, from outcomes made here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.error_index.judge import Change
from benchmarks.real_crates.crates import Crate, OpenedCrate
from benchmarks.real_crates.mutants import ErrorSeen, Mistake, Mutant, _entry_of, _mutant_of
from benchmarks.real_crates.peers import PEERS, mutant_key
from benchmarks.real_crates.report import EVERY_OFFER, UNASKED, Outcome, details_of, figures_of
from benchmarks.real_crates.run import _is_chosen
from benchmarks.real_crates.scoring import UNCHANGED, Score, UnitTests, entry_of, score_of

EQUAL = Score(True, (), True, UnitTests.SAME_PROGRAM, 0.5, changed=True)
WRONG = Score(True, (), False, UnitTests.FAIL, 2.0, changed=True)
CHEATING = Score(True, ("new unsafe",), False, UnitTests.PASS, 1.0, changed=True)


def mutant(kinds: tuple[str, ...], *, held_out_kind: bool = False) -> Mutant:
    mistakes = tuple(
        Mistake(kind, Path("src/lib.rs"), (Change(number, number + 1, "x"),), number)
        for number, kind in enumerate(kinds)
    )
    return Mutant("a mutant", "sample", mistakes, (ErrorSeen("E0001", "wrong", "src/lib.rs", 1),), held_out_kind)


def outcome(made: Mutant, unasked: Score, every_offer: Score, *, held_out: bool = False) -> Outcome:
    crate = Crate("sample", "1.0.0", "", held_out=held_out)
    scores = {UNASKED: unasked, EVERY_OFFER: every_offer} | dict.fromkeys(PEERS, UNCHANGED)
    return Outcome(made, OpenedCrate(crate, Path(), Path()), scores, None)


def test_figures_by_reading_and_group() -> None:
    outcomes = [
        outcome(mutant(("typo in a field",)), EQUAL, EQUAL),
        outcome(mutant(("typo in a field", "comma forgotten")), UNCHANGED, WRONG),
        outcome(mutant(("self forgotten",), held_out_kind=True), UNCHANGED, CHEATING),
        outcome(mutant(("comma forgotten",)), UNCHANGED, UNCHANGED, held_out=True),
    ]
    figures = {figure.name: figure for figure in figures_of(outcomes, {"sample 1.0.0": 6000}, with_peers=True)}

    def value(name: str) -> float:
        return figures[f"real crates{name}"].value

    assert value(": mutants") == 4
    assert value(": kinds of mistakes") == 3
    assert value(": crates of 5,000 lines and more") == 1
    assert value(f": {EVERY_OFFER}, compiles") == 75
    assert value(f": {EVERY_OFFER}, compiles without cheating") == 50
    assert value(f": {EVERY_OFFER}, equal to the original") == 25
    assert value(f": {EVERY_OFFER}, unit tests of what compiles pass") == pytest.approx(200 / 3)
    assert value(f": {EVERY_OFFER}, unit tests of what compiles without cheating pass") == 50
    assert value(f": {UNASKED}, compiles") == 25
    assert value(", two mistakes: clean") == 100
    assert value(", held-out kinds: clean") == 0
    assert value(", held-out crates: equal") == 0
    assert value(", development crates and kinds: clean") == 100
    assert all(value(f": {peer}, compiles") == 0 for peer in PEERS)
    assert figures[f"real crates: {EVERY_OFFER}, compiles without cheating"].met is False


def test_details_are_plain_and_count_single_mistakes_by_kind() -> None:
    outcomes = [outcome(mutant(("typo in a field",)), EQUAL, EQUAL), outcome(mutant(("a", "b")), WRONG, WRONG)]
    details = json.loads(json.dumps(details_of(outcomes)))
    assert details["kinds"]["typo in a field"]["equal"] == 1
    assert details["crates"]["sample 1.0.0"] == {"mutants": 2, "compile": 2, "clean": 2, "equal": 1}


def test_what_is_kept_comes_back_the_same() -> None:
    made = mutant(("a", "b"))
    assert _mutant_of(json.loads(json.dumps(_entry_of(made)))) == made
    for score in (EQUAL, WRONG, CHEATING, UNCHANGED):
        assert score_of(json.loads(json.dumps(entry_of(score)))) == score
    assert mutant_key(made) == "a mutant (src/lib.rs@0,src/lib.rs@1)"


def test_a_development_run_leaves_held_out_crates_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    held_out = Crate("sample", "1.0.0", "", held_out=True)
    assert not _is_chosen(held_out, quick=True)
    assert _is_chosen(held_out, quick=False)
    monkeypatch.setenv("SLEEPY_REAL_CRATES", "other,another")
    assert not _is_chosen(held_out, quick=False)
