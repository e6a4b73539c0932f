"""What leaves the store follows the committed schema, and what is purged is gone."""

from __future__ import annotations

import json
import stat
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from sqlite_utils import Database

from sleepy_agent.domain import Episode, Outcome
from sleepy_agent.errors import BadUsage, CannotWrite
from sleepy_agent.families import FAMILIES
from sleepy_agent.memory.episodes import (
    EpisodeFilter,
    count_episodes,
    list_episodes,
    record_episodes,
    task_id_of,
    utc_timestamp,
)
from sleepy_agent.memory.export import Purged, export_lines, export_to_file, purge
from sleepy_agent.memory.runs import begin_run, last_undoable_run, list_runs, record_written_file

from .examples import EPISODE

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "episodes.schema.json"
FULL = replace(
    EPISODE,
    outcome=Outcome.SETTLED,
    settled_text='let q = &p; // ünïcödé \u2028 {"quoted"}\n',
    prompt_hash="ab",
    model_id="seed",
    adapter_snapshot="7",
    tokens_in=3,
    tokens_out=4,
)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_an_exported_line_follows_the_schema(database: Database, validator: jsonschema.Draft202012Validator) -> None:
    record_episodes(database, [EPISODE, FULL, *(replace(EPISODE, family=family) for family in FAMILIES)])
    lines = list(export_lines(database))
    assert len(lines) == 2 + len(FAMILIES)
    for line in lines:
        assert line.splitlines() == [line]
        validator.validate(json.loads(line))
    assert json.loads(lines[1])["settled_text"] == FULL.settled_text


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": "clicked"},
        {"passed": 1},
        {"flags": "unsafe"},
        {"timestamp": "yesterday"},
        {"schema_version": 2},
        {"settled_text": 3},
        {"surprise": True},
        {"family": "Serde!"},
    ],
)
def test_the_schema_refuses_what_is_no_episode(
    database: Database, validator: jsonschema.Draft202012Validator, change: dict[str, Any]
) -> None:
    record_episodes(database, [FULL])
    line = json.loads(next(export_lines(database)))
    assert validator.is_valid(line)
    assert not validator.is_valid(line | change)


def test_the_schema_describes_every_field_and_no_other() -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    expected = {"schema_version", "episode_id"} | {field.name for field in fields(Episode)}
    assert set(schema["properties"]) == set(schema["required"]) == expected
    assert set(schema["properties"]["outcome"]["enum"]) == {outcome.value for outcome in Outcome}
    assert all(description["description"] for description in schema["properties"].values())


def test_an_export_is_one_private_file_written_at_once(database: Database, tmp_path: Path) -> None:
    record_episodes(database, [EPISODE, replace(EPISODE, family="serde"), FULL])
    destination = tmp_path / "out" / "episodes.jsonl"
    destination.parent.mkdir()
    destination.write_text("what was there before")
    assert export_to_file(database, destination, EpisodeFilter(family="borrow_checker")) == 2
    lines = destination.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["episode_id"] for line in lines] == [1, 3]
    assert stat.S_IMODE(destination.stat().st_mode) == 0o600
    assert list(destination.parent.iterdir()) == [destination]


def test_an_export_that_cannot_be_written_says_why(database: Database, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="no such file"):
        export_to_file(database, tmp_path / "nowhere" / "episodes.jsonl")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CannotWrite, match="is a directory"):
        export_to_file(database, tmp_path / "folder")
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "state"}


def fill(database: Database, here: Path, elsewhere: Path) -> None:
    """Two repositories, each with an episode of now and one of ten days ago, and a run that wrote a file."""
    now = datetime.now(UTC)
    for root in (here, elsewhere):
        for days in (10, 0):
            timestamp = utc_timestamp(now - timedelta(days=days))
            record_episodes(database, [replace(EPISODE, task_id=task_id_of(root), timestamp=timestamp)])
        run = begin_run(database, root, "sleepy fix")
        record_written_file(
            database, run.run_id, root / "lib.rs", bytes_before=b"UNMISTAKABLE", bytes_after=b"b", file_mode=0o644
        )


def test_a_repository_is_purged(database: Database, tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    fill(database, here, elsewhere)
    assert purge(database, repository=here) == Purged(episodes=2, runs=1, files=1)
    assert {item.episode.task_id for item in list_episodes(database)} == {task_id_of(elsewhere)}
    assert last_undoable_run(database, here) is None
    assert last_undoable_run(database, elsewhere) is not None


def test_what_is_old_is_purged(database: Database, tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    fill(database, here, elsewhere)
    assert purge(database, repository=here, older_than_days=5) == Purged(episodes=1, runs=0, files=0)
    assert purge(database, older_than_days=5) == Purged(episodes=1, runs=0, files=0)
    assert purge(database, older_than_days=0) == Purged(episodes=2, runs=2, files=2)


def test_everything_is_purged_and_leaves_no_trace_in_the_files(
    database: Database, store_path: Path, tmp_path: Path
) -> None:
    fill(database, tmp_path / "here", tmp_path / "elsewhere")
    record_episodes(database, [replace(EPISODE, title="UNMISTAKABLE")])
    assert any(b"UNMISTAKABLE" in path.read_bytes() for path in store_path.parent.iterdir())
    assert purge(database, everything=True) == Purged(episodes=5, runs=2, files=2)
    assert (count_episodes(database).total, list_runs(database)) == (0, ())
    assert not any(b"UNMISTAKABLE" in path.read_bytes() for path in store_path.parent.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"everything": True, "older_than_days": 1},
        {"everything": True, "repository": Path("here")},
        {"older_than_days": -1},
    ],
)
def test_an_unclear_purge_deletes_nothing(database: Database, arguments: dict[str, Any]) -> None:
    record_episodes(database, [EPISODE])
    with pytest.raises(BadUsage) as caught:
        purge(database, **arguments)
    assert caught.value.remedy
    assert count_episodes(database).total == 1
