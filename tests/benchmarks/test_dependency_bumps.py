"""What cases.toml promises, how members are made of cases, and how ends are counted."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from benchmarks.dependency_bumps.cases import HERE, LIBRARY, BrokenCase, Case, case_of, known_cases, mended_text
from benchmarks.dependency_bumps.ends import end_of
from benchmarks.dependency_bumps.peers import peer_scores
from benchmarks.dependency_bumps.report import Outcome, figures_of
from benchmarks.dependency_bumps.workspaces import (
    BumpedWorkspace,
    checked_errors,
    errors_by_member,
    manifest_of_crate,
    manifest_of_program,
)
from benchmarks.real_crates.crates import Crate
from benchmarks.real_crates.judging import CrateError, judged_copy
from benchmarks.real_crates.peers import CARGO_FIX, PLAIN_SEARCH
from benchmarks.real_crates.report import EVERY_OFFER, UNASKED
from benchmarks.real_crates.scoring import Score, UnitTests
from sleepy_agent.process import CancelToken

PLAIN = {"name": "sample", "dependency": "other", "from": "1.0.0", "to": "2.0.0", "kind": "renamed"}


def test_enough_cases_over_enough_dependencies() -> None:
    cases = known_cases()
    assert len(cases) >= 34
    assert len({case.dependency for case in cases}) >= 20
    assert len({case.name for case in cases}) == len(cases)
    assert sum(case.held_out for case in cases) == 5
    assert sum(case.crate is not None for case in cases) >= 5


@pytest.mark.parametrize("case", known_cases(), ids=lambda case: case.name)
def test_case_is_whole(case: Case) -> None:
    assert case.kind
    assert case.mended
    for bump in case.bumps:
        assert bump.before != bump.after
        assert bump.before.count(".") == bump.after.count(".") == 2
    if case.crate is None:
        source = case.program.read_text(encoding="utf-8")
        assert "#[test]" in source
        assert mended_text(case, LIBRARY, source) != source
    else:
        assert case.crate_version.count(".") == 2


def test_every_program_is_a_case() -> None:
    named = {case.program for case in known_cases() if case.crate is None}
    assert set((HERE / "programs").glob("*.rs")) == named


def test_mended_text_replaces_everywhere_and_only_in_its_file() -> None:
    case = case_of({**PLAIN, "mended": [["one", "two"], ["src/a.rs", "three", "four"]]})
    assert mended_text(case, LIBRARY, "one one three") == "two two three"
    assert mended_text(case, Path("src/a.rs"), "one three") == "one four"
    assert case.changed_files == (LIBRARY, Path("src/a.rs"))
    with pytest.raises(BrokenCase, match=r"src/lib\.rs does not contain 'one'"):
        mended_text(case, LIBRARY, "three")


def test_manifest_of_a_program() -> None:
    also = [{"dependency": "macros", "from": "1.0.1", "to": "2.0.1"}]
    case = case_of({**PLAIN, "mended": [], "also": also, "others": {"serde": "1"}, "to_features": ["std"]})
    before = tomllib.loads(manifest_of_program(case, is_after=False))
    assert before["dependencies"] == {"serde": "1", "other": {"version": "=1.0.0"}, "macros": {"version": "=1.0.1"}}
    after = tomllib.loads(manifest_of_program(case, is_after=True))
    assert after["dependencies"]["other"] == {"version": "=2.0.0", "features": ["std"]}
    assert after["dependencies"]["macros"] == {"version": "=2.0.1"}


def test_manifest_of_a_crate_keeps_what_its_dependency_had() -> None:
    published = {
        "package": {"name": "sample", "version": "0.1.0"},
        "dependencies": {"other": {"version": "1", "default-features": False}, "third": "3"},
        "features": {"default": ["std"], "std": []},
    }
    case = case_of({**PLAIN, "crate": "sample", "crate_version": "0.1.0", "features": [], "mended": []})
    manifest = tomllib.loads(manifest_of_crate(case, published, is_after=True))
    assert manifest["dependencies"] == {"other": {"version": "=2.0.0", "default-features": False}, "third": "3"}
    assert manifest["features"]["default"] == []
    assert "workspace" not in manifest


def test_broken_text_is_that_of_the_earlier_version(tmp_path: Path) -> None:
    case = case_of({**PLAIN, "mended": [["one", "two"]]})
    for root, text in (("before", "one"), ("after", "two")):
        (tmp_path / root / "sample" / "src").mkdir(parents=True)
        (tmp_path / root / "sample" / LIBRARY).write_text(text, encoding="utf-8")
    workspace = BumpedWorkspace(Crate("after", "0.0.0", ""), tmp_path / "after", tmp_path, tmp_path / "before")
    file = Path("sample") / LIBRARY
    assert workspace.broken(case) == {file: b"one"}
    assert workspace.sources == (file,)
    assert workspace.original(file) == b"two"


@pytest.fixture
def bumped(tmp_path: Path) -> BumpedWorkspace:
    """A dependency made here, whose function got another name."""
    for root, name in (("before", "total"), ("after", "totals")):
        write(tmp_path / root / "Cargo.toml", '[workspace]\nresolver = "2"\nmembers = ["sample", "other"]\n')
        write(tmp_path / root / "other" / "Cargo.toml", '[package]\nname = "other"\nversion = "1.0.0"\n')
        write(tmp_path / root / "other" / LIBRARY, f"pub fn {name}() -> u32 {{\n    3\n}}\n")
        manifest = '[package]\nname = "sample"\nversion = "0.0.0"\n\n[dependencies]\nother.path = "../other"\n'
        write(tmp_path / root / "sample" / "Cargo.toml", manifest)
        library = f"pub fn sum() -> u32 {{\n    other::{name}()\n}}\n"
        test = (
            "#[cfg(test)]\nmod tests {\n    #[test]\n    fn three() {\n        assert_eq!(super::sum(), 3);\n    }\n}\n"
        )
        write(tmp_path / root / "sample" / LIBRARY, library + test)
    return BumpedWorkspace(Crate("after", "0.0.0", ""), tmp_path / "after", tmp_path / "built", tmp_path / "before")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_case_is_green_before_and_red_after_and_green_once_mended(bumped: BumpedWorkspace) -> None:
    case = case_of({**PLAIN, "crate": "sample", "crate_version": "0.0.0", "mended": [["total", "totals"]]})
    errors = checked_errors(bumped, [case], CancelToken())
    assert [(error.code, error.line) for error in errors["sample"]] == [("E0425", 2)]
    assert checked_errors(bumped, [case], CancelToken()) == errors


def test_a_case_that_nothing_breaks_is_none(bumped: BumpedWorkspace) -> None:
    write(bumped.root / "other" / LIBRARY, "pub fn totals() -> u32 {\n    3\n}\npub use totals as total;\n")
    case = case_of({**PLAIN, "crate": "sample", "crate_version": "0.0.0", "mended": [["total", "totals"]]})
    with pytest.raises(BrokenCase, match="breaks nothing in sample"):
        checked_errors(bumped, [case], CancelToken())


def test_peers_work_on_one_member_at_a_time(bumped: BumpedWorkspace) -> None:
    case = case_of({**PLAIN, "crate": "sample", "crate_version": "0.0.0", "mended": [["total", "totals"]]})
    copy = judged_copy(bumped)
    said: list[str] = []
    scores = peer_scores(bumped, copy, [case], said.append, CancelToken())["sample"]
    assert {peer: end_of(score) for peer, score in scores.items()} == {CARGO_FIX: "open", PLAIN_SEARCH: "equal"}
    assert peer_scores(bumped, copy, [case], said.append, CancelToken())["sample"] == scores
    assert len(said) == 1


def test_errors_by_member() -> None:
    inside = CrateError("E0001", "wrong", Path("sample/src/lib.rs"), 3, ())
    outside = CrateError("E0002", "elsewhere", Path("/rust/lib.rs"), 1, ())
    nowhere = CrateError("E0003", "no place", None, 0, ())
    assert errors_by_member([inside, outside, nowhere]) == {"sample": [inside]}


def score(compiles: bool, tests: UnitTests, *cheats: str) -> Score:
    return Score(compiles, cheats, False, tests, 1.0, changed=True)


@pytest.mark.parametrize(
    ("made", "end"),
    [
        (score(False, UnitTests.NOT_RUN), "open"),
        (score(True, UnitTests.PASS), "clean"),
        (score(True, UnitTests.FAIL), "tests fail"),
        (score(True, UnitTests.PASS, "new unsafe"), "cheats"),
        (Score(True, (), True, UnitTests.SAME_PROGRAM, 1.0, changed=True), "equal"),
    ],
)
def test_end_of_a_case(made: Score, end: str) -> None:
    assert end_of(made) == end


def test_mended_means_clean_with_passing_tests() -> None:
    case = case_of({**PLAIN, "mended": []})
    ends = [
        score(True, UnitTests.PASS),
        score(True, UnitTests.FAIL),
        score(True, UnitTests.PASS, "new unsafe"),
        score(False, UnitTests.NOT_RUN),
    ]
    outcomes = [Outcome(case, (), {UNASKED: end, EVERY_OFFER: end}, None) for end in ends]
    figures = {figure.name: figure.value for figure in figures_of(outcomes)}
    name = f"dependency bumps: {EVERY_OFFER}, compiles"
    assert figures[name] == 75.0
    assert figures[f"{name} without cheating"] == 50.0
    assert figures[f"{name} without cheating and tests pass"] == 25.0
    assert figures["dependency bumps, development cases: mended"] == 25.0
    assert figures["dependency bumps: breakages that Sleepy failed at"] == 4
