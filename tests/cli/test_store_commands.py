"""`sleepy log`, `sleepy export`, `sleepy forget` and `sleepy undo` over a real store."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cli.fakes import FakeTerminal, make_terminal, parse
from sleepy_agent.cli import export, forget, log, undo
from sleepy_agent.config import Places, find_places
from sleepy_agent.domain import Episode, Outcome
from sleepy_agent.errors import BadUsage, FileChanged
from sleepy_agent.fixes.undo import UndoReport
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import count_episodes, record_episodes, task_id_of
from sleepy_agent.memory.runs import RunCounts, begin_run, finish_run, mark_undone


def make_episode(root: Path, run_id: str) -> Episode:
    return Episode(
        task_id=task_id_of(root),
        run_id=run_id,
        attempt_index=0,
        family="borrow_checker",
        signature="0123456789abcdef",
        code="E0382",
        message="borrow of moved value: `x`",
        source="compiler",
        title="clone it",
        diff_unified="-x\n+x.clone()\n",
        verdict="The error is gone.",
        passed=True,
        flags=("clone",),
        file="src/lib.rs",
        timestamp="2020-01-01T10:00:00.000000+00:00",
        wall_clock_milliseconds=140.0,
        steps_to_green=1,
        outcome=Outcome.ACCEPTED,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two runs: one cut off, then a finished one with a fix, the same for another file, and a
    rejected candidate."""
    root = tmp_path / "shop"
    (root / "src").mkdir(parents=True)
    with open_database(find_places().store_file) as database:
        begin_run(database, root, "sleepy fix --apply --clippy")
        run = begin_run(database, root, "sleepy fix --apply")
        episode = make_episode(root, run.run_id)
        rejected = replace(episode, passed=False, title="borrow it", verdict="Still there.", outcome=Outcome.NONE)
        record_episodes(database, [episode, replace(episode, file="src/b.rs", outcome=Outcome.NONE), rejected])
        finish_run(database, run.run_id, True, RunCounts(1, 0, 1, 3))
    return root


def run_log(*words: str) -> FakeTerminal:
    terminal = make_terminal()
    assert log.run_with(parse("log", *words), terminal.as_terminal) == 0
    return terminal


def test_an_empty_store_says_how_to_fill_it() -> None:
    assert "Nothing is recorded yet" in run_log().output.getvalue()


def test_log_shows_runs_newest_first_and_the_newest_ones_attempts(project: Path) -> None:
    shown = run_log(str(project / "src")).output.getvalue()
    assert shown.index("green") < shown.index("cut off")
    for expected in (
        "1 of 1 fixed, 3 attempts",
        "sleepy fix --apply",
        "passed, accepted",
        "error[E0382] borrow of moved value: `x` and 1 other problem   src/lib.rs   borrow_checker",
        "compiler: clone it",
        "flags: clone",
        "1 rejected candidate not shown",
    ):
        assert expected in shown
    assert "borrow it" not in shown


def test_rejected_candidates_on_request(project: Path) -> None:
    assert "rejected  error[E0382]" in run_log(str(project), "--rejected").output.getvalue()


def test_limit_and_run(project: Path) -> None:
    first, second = json.loads(run_log(str(project), "--json").output.getvalue())["runs"]
    assert len(json.loads(run_log(str(project), "--json", "--limit", "1").output.getvalue())["runs"]) == 1
    shown = json.loads(run_log(str(project), "--json", "--run", second["run_id"][:10]).output.getvalue())
    assert [run["run_id"] for run in shown["runs"]] == [second["run_id"]]
    assert shown["attempts"] == []
    assert first["counts"]["attempts"] == 3


def test_a_run_that_was_undone_says_so(project: Path) -> None:
    run_id = json.loads(run_log(str(project), "--json").output.getvalue())["runs"][0]["run_id"]
    with open_database(find_places().store_file) as database:
        mark_undone(database, run_id)
    assert "undone" in run_log(str(project)).output.getvalue()


def test_export_to_a_file_and_to_the_output(project: Path, tmp_path: Path) -> None:
    terminal = make_terminal()
    assert export.run_with(parse("export", str(project)), terminal.as_terminal) == 0
    lines = terminal.output.getvalue().splitlines()
    assert [json.loads(line)["title"] for line in lines] == ["clone it", "clone it", "borrow it"]
    target = tmp_path / "out.jsonl"
    assert export.run_with(parse("export", "--output", str(target)), terminal.as_terminal) == 0
    assert target.read_text(encoding="utf-8").splitlines() == lines
    assert "3 attempts written" in terminal.errors.getvalue()


@pytest.mark.parametrize(
    ("words", "answers", "left"),
    [
        (("--all",), "y\n", 0),
        (("--all",), "n\n", 3),
        (("--all",), "", 3),
        (("--all", "--yes"), "", 0),
        (("--older-than", "36500d", "--yes"), "", 3),
        (("--older-than", "1ms", "--yes"), "", 0),
        (("PROJECT", "--yes"), "", 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else repr(value),
)
def test_forget(words: tuple[str, ...], answers: str, left: int, project: Path) -> None:
    given = [str(project) if word == "PROJECT" else word for word in words]
    terminal = make_terminal(answers, interactive=True)
    assert forget.run_with(parse("forget", *given), terminal.as_terminal) == 0
    with open_database(find_places().store_file) as database:
        assert count_episodes(database).total == left
    assert ("Nothing was forgotten" if answers != "y\n" and "--yes" not in words else "Forgot") in (
        terminal.output.getvalue()
    )


def test_forgetting_a_project_nobody_knows(project: Path, tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="Nothing is recorded of"):
        forget.run_with(parse("forget", str(tmp_path / "other"), "--yes"), make_terminal().as_terminal)


def test_undo_says_what_it_restored(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").touch()

    def restore(path: Path, *, places: Places) -> UndoReport:
        return UndoReport("ab" * 16, (path / "src" / "lib.rs",))

    terminal = make_terminal()
    assert undo.run_with(parse("undo", str(tmp_path)), terminal.as_terminal, restore) == 0
    assert terminal.output.getvalue() == "Restored 1 file to what it was before run abababab.\n  src/lib.rs\n"
    terminal = make_terminal()
    undo.run_with(parse("undo", str(tmp_path), "--json"), terminal.as_terminal, restore)
    assert json.loads(terminal.output.getvalue()) == {"run_id": "ab" * 16, "restored": ["src/lib.rs"]}


def test_an_undo_that_refuses_is_an_error(tmp_path: Path) -> None:
    def refuse(path: Path, *, places: Places) -> UndoReport:
        raise FileChanged("src/lib.rs has changed.", "Look at it.")

    with pytest.raises(FileChanged):
        undo.run_with(parse("undo", str(tmp_path)), make_terminal().as_terminal, refuse)
