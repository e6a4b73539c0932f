"""A replay says what cargo says, about the user's paths, and stays warm."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixture_projects import FIXTURES, materialise

from cargo.projects import SETTINGS, places_in, replace_text, single_package
from sleepy_agent.cargo.problems import error_key, judged_diagnostics
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.units import parse_dependency_file
from sleepy_agent.process import CancelToken

# The fixtures with registry dependencies are covered by the repair of all fixtures; 2,000 errors take long.
QUICK = sorted({*FIXTURES} - {"derive_macro", "manifest_missing_feature", "two_thousand_errors", "no_cargo_lock"})


@pytest.mark.parametrize("name", QUICK)
def test_replays_and_cargo_agree_on_each_error_and_its_place(name: str, tmp_path: Path) -> None:
    root = materialise(name, tmp_path)
    with CheckSession.open(root, places_in(tmp_path / "places"), SETTINGS, CancelToken()) as session:
        problems = session.check()
        answer = session.ask_cargo()
        said = {
            error_key(found)
            for diagnostics in answer.diagnostics.values()
            for found in judged_diagnostics(diagnostics, with_clippy=False)
            if found.primary_span is None or found.primary_span.file.is_relative_to(root.parent)
        }
        own = {error_key(problem.diagnostic) for problem in problems if problem.span is not None}
    own = {key for key in own if key[2] is None or key[2].is_relative_to(root.parent)}
    assert own == said
    assert own or name == "generated_file", "its error stands in a file that each build writes elsewhere"


def test_red_tries_leave_a_slot_warm(tmp_path: Path) -> None:
    """rustc keeps the last green state: after red tries the incremental folder still has it."""
    root = single_package(tmp_path / "one", "pub fn right() -> u32 {\n    1\n}\n")
    with CheckSession.open(root, places_in(tmp_path / "places"), SETTINGS, CancelToken()) as session:
        assert session.check() == ()
        path = root / "src/lib.rs"
        states = tmp_path / "places/cache/workspaces"
        green = {state.read_bytes() for state in states.glob("*/seats/0/slot-*/incremental/*/*/*/query-cache.bin")}
        for number in range(4):
            trial = session.try_edits([replace_text(path, "    1\n", f'    "{number}"\n')], [])
            assert not trial.is_clean
        after = {state.read_bytes() for state in states.glob("*/seats/0/slot-*/incremental/*/*/*/query-cache.bin")}
        assert green and green <= after


def test_a_file_the_user_edits_meanwhile_is_never_mixed_up(tmp_path: Path) -> None:
    """The session goes on judging the text it read; `original` is what a write is checked against."""
    root = single_package(tmp_path / "one", "pub fn wrong() -> u32 {\n    1u8\n}\n")
    path = root / "src/lib.rs"
    with CheckSession.open(root, places_in(tmp_path / "places"), SETTINGS, CancelToken()) as session:
        problems = session.check()
        read = session.read(path)
        path.write_text("// a line of the user's\n" + path.read_text())
        trial = session.try_edits([replace_text(path, "1u8", "1", text=read)], problems)
        assert trial.is_clean
        session.commit(trial)
        assert session.original(path) == read != path.read_bytes()


@pytest.mark.parametrize(
    ("text", "files", "variables"),
    [
        ("out.rmeta: src/lib.rs src/a.rs\n\nsrc/lib.rs:\nsrc/a.rs:\n", ["src/lib.rs", "src/a.rs"], []),
        ("o: a\\ b.rs\n\na\\ b.rs:\n", ["a b.rs"], []),
        ("o: a.rs\n\na.rs:\n\n# env-dep:HOME=/root\n# env-dep:UNSET\n", ["a.rs"], ["HOME", "UNSET"]),
        ("", [], []),
    ],
    ids=["two files", "a space", "variables", "empty"],
)
def test_dependency_files(text: str, files: list[str], variables: list[str]) -> None:
    assert parse_dependency_file(text) == (files, variables)
