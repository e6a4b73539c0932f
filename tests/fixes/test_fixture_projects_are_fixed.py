"""`fix_workspace` on every fixture project: what it finds, what it makes of it, and what it leaves alone."""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from fixture_projects import FIXTURES, Fixture, ReportedProblem, load_fixture, materialise

from sleepy_agent.cargo.toolchain import cargo_environment
from sleepy_agent.config import Places, Settings
from sleepy_agent.domain import Problem
from sleepy_agent.errors import BadUsage
from sleepy_agent.fixes.engine import FixOptions, fix_workspace
from sleepy_agent.fixes.events import Decision, FixReport, Offer, ProblemsFound
from sleepy_agent.fixes.undo import undo_last_run
from sleepy_agent.process import CancelToken


def take_preferred(offer: Offer) -> Decision:
    """A developer who says yes to every fix that may be applied without asking, and no to the rest."""
    return Decision.YES if offer.fix.preferred else Decision.NO


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Bytes, mode and time of change of everything below a folder; where links lead."""

    files: dict[Path, tuple[bytes, int, int]]
    links: dict[Path, str]
    folders: frozenset[Path]


def snapshot_of(folder: Path) -> Snapshot:
    paths = list(folder.rglob("*"))
    return Snapshot(
        files={
            path: (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns) for path in paths if path.is_file()
        },
        links={path: str(path.readlink()) for path in paths if path.is_symlink()},
        folders=frozenset(path for path in paths if path.is_dir()),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """A fixture that was repaired, as far as it may be."""

    fixture: Fixture
    root: Path
    before: Snapshot
    after: Snapshot
    first_problems: tuple[Problem, ...]
    report: FixReport
    places: Places


@pytest.fixture(scope="module", params=FIXTURES)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """One run for all questions about a fixture."""
    fixture = load_fixture(request.param)
    folder = tmp_path_factory.mktemp("fixture")
    home = tmp_path_factory.mktemp("places")
    places = Places(cache=home / "cache", state=home / "state", config=home / "config")
    root = materialise(fixture.name, folder)
    checks: list[tuple[Problem, ...]] = []
    before = snapshot_of(folder)
    report = fix_workspace(
        root,
        FixOptions(),
        places=places,
        settings=Settings(),
        decide=take_preferred,
        emit=lambda event: checks.append(event.problems) if isinstance(event, ProblemsFound) else None,
        cancel=CancelToken(),
    )
    after = snapshot_of(folder)
    return Outcome(fixture, root, before, after, checks[0], report, places)


def shown(problem: Problem, root: Path) -> ReportedProblem:
    """A problem as fixture.toml writes it."""
    assert problem.span is not None
    file = problem.span.file
    name = str(file.relative_to(root)) if file.is_relative_to(root) else f"$OUT_DIR/{file.name}"
    return ReportedProblem(name, problem.span.line_start, problem.code or "")


def manifest_meaning(text: bytes) -> object:
    return tomllib.loads(text.decode())


def test_it_finds_what_rustc_reports(outcome: Outcome) -> None:
    assert {shown(problem, outcome.root) for problem in outcome.first_problems} == set(outcome.fixture.problems)


def test_it_is_green_exactly_where_it_may_be(outcome: Outcome) -> None:
    assert outcome.report.green == outcome.fixture.green
    assert outcome.report.blocked == ()


def test_a_fix_for_a_read_only_file_is_shown_with_the_remedy(outcome: Outcome) -> None:
    """Everywhere else nothing speaks of it."""
    hindered = [problem for problem in outcome.report.problems if "is read-only" in problem.reason]
    assert [problem.alternatives != () for problem in hindered] == [True] * len(hindered)
    assert len(hindered) == (outcome.fixture.name == "read_only_file")
    assert all("chmod u+w" in problem.reason for problem in hindered)


def test_the_texts_are_the_expected_ones(outcome: Outcome) -> None:
    """Manifests by what they mean, everything else byte for byte."""
    for file, expected in outcome.fixture.expected.items():
        written = outcome.after.files[outcome.root / file][0]
        if file.endswith("Cargo.toml"):
            assert manifest_meaning(written) == manifest_meaning(expected)
        else:
            assert written == expected


def test_nothing_else_in_the_users_tree_is_touched(outcome: Outcome) -> None:
    """No lock file, no target folder, no byte, mode or time of change, no link made a file."""
    changed = {path for path, state in outcome.before.files.items() if outcome.after.files.get(path) != state}
    expected = {outcome.root / file for file in outcome.fixture.expected}
    if any(path.name == "Cargo.toml" for path in expected):
        # A new dependency belongs into the lock file that the user has; nothing else may want it changed.
        changed -= {outcome.root / "Cargo.lock"}
    assert changed == expected
    assert outcome.after.files.keys() == outcome.before.files.keys()
    assert outcome.after.links == outcome.before.links
    assert outcome.after.folders == outcome.before.folders
    for path in changed:
        assert outcome.after.files[path][1] == outcome.before.files[path][1], "the mode is kept"


def test_a_lock_file_that_was_written_is_the_one_cargo_wants(outcome: Outcome) -> None:
    lock = outcome.root / "Cargo.lock"
    command = ["cargo", "metadata", "--locked", "--offline", "--format-version", "1"]
    if lock in outcome.before.files:
        ran = subprocess.run(command, cwd=outcome.root, env=cargo_environment(), capture_output=True, check=False)
        assert ran.returncode == 0, ran.stderr.decode()


def test_undo_restores_every_byte(outcome: Outcome) -> None:
    """Runs last for its fixture: it takes the run back."""
    if outcome.report.written_files:
        undo_last_run(outcome.root, places=outcome.places)
    else:
        with pytest.raises(BadUsage):
            undo_last_run(outcome.root, places=outcome.places)
    restored = snapshot_of(outcome.root.parent)
    assert {path: state[:2] for path, state in restored.files.items()} == {
        path: state[:2] for path, state in outcome.before.files.items()
    }
    assert restored.links == outcome.before.links
