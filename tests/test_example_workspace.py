"""The bundled example is broken in the ways EXPECTED.toml tells, and right once the expected diff is applied."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from fixture_projects import reported_problems

from sleepy_agent.families import load_family_rules

EXAMPLES: Final = Path(__file__).parent.parent / "examples"
EXAMPLE: Final = EXAMPLES / "lending_library"
EXPECTED_DIFF: Final = EXAMPLES / "lending_library.expected.diff"
PROBLEMS: Final[list[dict[str, Any]]] = tomllib.loads((EXAMPLE / "EXPECTED.toml").read_text(encoding="utf-8"))[
    "problem"
]


@pytest.fixture(scope="module")
def target_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("example-target")


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with the expected diff applied."""
    root = _copy_example(tmp_path_factory.mktemp("mended") / "lending_library")
    # The copy lies in no repository, where git applies a diff to plain files.
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)}
    subprocess.run(["git", "apply", str(EXPECTED_DIFF)], cwd=root, env=environment, check=True)
    return root


def test_errors_of_every_family_are_spread_over_all_crates() -> None:
    assert len(PROBLEMS) >= 13
    assert {problem["family"] for problem in PROBLEMS} == set(load_family_rules().families)
    assert {problem["file"].split("/")[1] for problem in PROBLEMS} == {"catalog", "lending", "desk"}


def test_the_upstream_crate_hides_its_dependents(tmp_path: Path, target_directory: Path) -> None:
    """At first, exactly the problems that nothing hides are reported."""
    reported = reported_problems(_copy_example(tmp_path / "lending_library"), target_directory)
    visible = [problem for problem in PROBLEMS if "hidden_by" not in problem]
    hidden = [problem for problem in PROBLEMS if "hidden_by" in problem]
    places = {(problem.file, problem.code) for problem in reported}
    assert {(problem["file"], problem["code"]) for problem in visible} <= places
    assert not {(problem["file"], problem["code"]) for problem in hidden} & places


def test_the_expected_diff_makes_the_listed_changes(mended: Path) -> None:
    for edit_file in {_edit_file(problem) for problem in PROBLEMS}:
        text = (EXAMPLE / edit_file).read_text(encoding="utf-8")
        for problem in PROBLEMS:
            if _edit_file(problem) == edit_file:
                assert text.count(problem["broken"]) == 1, problem
                text = text.replace(problem["broken"], problem["mended"])
        assert (mended / edit_file).read_text(encoding="utf-8") == text


def test_the_mended_example_passes_its_tests(mended: Path, target_directory: Path) -> None:
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target_directory)}
    result = subprocess.run(
        ["cargo", "test", "--workspace", "--offline", "--locked"],
        cwd=mended,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "an_evening_at_the_desk ... ok" in result.stdout


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: f"{problem['code']}-{Path(problem['file']).stem}")
def test_each_mistake_alone_is_reported_as_listed(
    problem: Mapping[str, Any], mended: Path, tmp_path: Path, target_directory: Path
) -> None:
    """Put back into the mended example, a mistake is reported where, and by the code, that EXPECTED.toml says."""
    root = tmp_path / "lending_library"
    shutil.copytree(mended, root)
    path = root / _edit_file(problem)
    text = path.read_text(encoding="utf-8")
    assert text.count(problem["mended"]) == 1
    path.write_text(text.replace(problem["mended"], problem["broken"]), encoding="utf-8")
    reported = reported_problems(root, target_directory, arguments=())
    assert (problem["file"], problem["code"]) in {(found.file, found.code) for found in reported}
    assert {found.file.split("/")[1] for found in reported} == {problem["file"].split("/")[1]}


def _edit_file(problem: Mapping[str, Any]) -> str:
    """The file that the mistake is made in, which need not be the one that it is reported in."""
    return str(problem.get("edit_file", problem["file"]))


def _copy_example(destination: Path) -> Path:
    # Not copy2: cargo tells by a file's age whether the target directory that the copies share is up to date.
    shutil.copytree(EXAMPLE, destination, ignore=shutil.ignore_patterns("target"), copy_function=shutil.copy)
    return destination
