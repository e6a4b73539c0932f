"""Each thing that only the compiler can say against a koan; all of them in one workspace, compiled once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from koans.small_koans import DOOR, FOUNTAIN, changed
from sleepy_agent.families import load_family_rules
from sleepy_agent.koans.compile_checks import compile_complaints
from sleepy_agent.koans.packages import lay_packages, reachable
from sleepy_agent.koans.records import Koan
from sleepy_agent.process import CancelToken

UNFORMATTED = ("self.visitors += more;", "self.visitors+=more;")
CASES: dict[str, tuple[Koan, list[str]]] = {
    "good": (DOOR, []),
    "compiles": (replace(DOOR, exercise=DOOR.solution), ["the exercise compiles: break it so that rustc says E0594"]),
    "other_code": (replace(DOOR, code="E0596"), ["rustc says E0594 (cannot assign to `self.visitors`"]),
    "two_codes": (
        changed(DOOR, exercise=("visitors: u32,", "visitors: u32,\n    pub name: Sign,")),
        ["rustc says E0425 (cannot find type `Sign`"],
    ),
    "other_family": (replace(DOOR, family="lifetimes"), ["belongs to the family borrow_checker: name that one"]),
    "only_tests": (
        replace(
            DOOR,
            exercise=DOOR.solution.replace("Door::default()", "Gate::default()"),
            code="E0433",
            family="missing_items",
        ),
        ["only its tests do not compile: put the mistake into the code above them"],
    ),
    "warns": (
        changed(DOOR, exercise=("/// Counts", "pub fn one() -> u8 {\n    let mut one = 1;\n    one\n}\n\n/// Counts")),
        ["rustc warns of the exercise (variable does not need to be mutable)"],
    ),
    "unformatted": (changed(DOOR, both=UNFORMATTED), ["would change the exercise", "would change the solution"]),
    "wrong_solution": (
        replace(DOOR, solution=DOOR.solution.replace("+= more", "= more")),
        ["the solution fails, tests::every_visit_counts fails: mend the solution"],
    ),
    "broken_solution": (
        replace(DOOR, solution=DOOR.exercise),
        ["the solution fails, it does not compile: cannot assign to `self.visitors`"],
    ),
    "endless": (
        replace(DOOR, solution=DOOR.solution.replace("        self.visitors += more;", "        loop {}")),
        ["clippy warns", "the solution fails, its tests did not end within 1 s"],
    ),
    "clippy": (
        replace(FOUNTAIN, solution=FOUNTAIN.solution.replace("is_none_or(|most|", "map_or(true, |most|")),
        ["clippy warns of the solution, this `map_or` can be simplified [clippy::unnecessary_map_or]"],
    ),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What is said of each case."""
    koans = [replace(koan, name=name) for name, (koan, _) in CASES.items()]
    packages = lay_packages(tmp_path_factory.mktemp("koans"), koans, {}, {})
    stages: list[str] = []
    found: dict[str, list[str]] = defaultdict(list)
    for one in compile_complaints(
        packages, koans, load_family_rules(), CancelToken(), stages.append, longest_test_seconds=1.0
    ):
        found[one.koan].append(one.text)
    assert [stage.split()[0] for stage in stages] == ["compiling", "compiling", "asking"]
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_the_compiler_says_against_it(said: dict[str, list[str]], name: str) -> None:
    texts = said.get(name, [])
    wanted = CASES[name][1]
    assert all(any(part in text for text in texts) for part in wanted), texts
    if not wanted:
        assert texts == []


def test_a_koan_whose_crate_is_nowhere_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    far = replace(DOOR, name="far", dependencies=("crate-that-nobody-has",))
    requirements = {"crate-that-nobody-has": {"version": "9"}}
    there, why = reachable(tmp_path, [DOOR, far], requirements, CancelToken())
    assert there == [DOOR]
    assert why is not None
    assert "crate-that-nobody-has" in why
