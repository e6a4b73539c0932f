"""What is recorded is found again, whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from sleepy_agent.domain import Episode, Outcome
from sleepy_agent.errors import StoreError
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import (
    EpisodeFilter,
    count_episodes,
    list_episodes,
    record_episodes,
    set_outcome,
    stored_path,
    task_id_of,
    utc_timestamp,
)

from .examples import EPISODE


def at(hour: int) -> str:
    return f"2026-01-02T{hour:02}:00:00.000000+00:00"


VARIED = (
    EPISODE,
    replace(EPISODE, attempt_index=1, passed=False, verdict="The error is still there.", timestamp=at(4)),
    replace(EPISODE, attempt_index=2, family="serde", timestamp=at(5), settled_text="let q = p;", model_id="seed"),
    replace(EPISODE, run_id="another-run", attempt_index=0, source="template", timestamp=at(6), flags=()),
    replace(EPISODE, task_id="another-repository", signature="E0499:0", timestamp=at(7), prompt_hash="ab", tokens_in=3),
)


def test_an_episode_comes_back_as_it_was(database: Database) -> None:
    numbers = record_episodes(database, VARIED)
    stored = list_episodes(database)
    assert tuple(item.episode for item in stored) == VARIED
    assert tuple(item.episode_id for item in stored) == numbers == (1, 2, 3, 4, 5)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40), flags=st.lists(st.text(max_size=8), max_size=3))
def test_any_text_comes_back_as_it_was(database: Database, text: str, flags: list[str]) -> None:
    episode = replace(EPISODE, diff_unified=text, flags=tuple(flags), metadata={text: "value"})
    (number,) = record_episodes(database, [episode])
    assert list_episodes(database)[-1].episode_id == number
    assert list_episodes(database)[-1].episode == episode


def test_text_that_was_no_utf8_is_stored_readably(database: Database) -> None:
    odd = b"caf\xe9".decode("utf-8", "surrogateescape")
    (number,) = record_episodes(database, [replace(EPISODE, diff_unified=odd)])
    set_outcome(database, [number], Outcome.SETTLED, odd)
    stored = list_episodes(database)[0].episode
    assert (stored.diff_unified, stored.settled_text) == ("caf\\udce9", "caf\\udce9")


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (EpisodeFilter(), (1, 2, 3, 4, 5)),
        (EpisodeFilter(run_id="another-run"), (4,)),
        (EpisodeFilter(task_id="another-repository"), (5,)),
        (EpisodeFilter(family="serde"), (3,)),
        (EpisodeFilter(signature="E0499:0"), (5,)),
        (EpisodeFilter(passed=False), (2,)),
        (EpisodeFilter(passed=True), (1, 3, 4, 5)),
        (EpisodeFilter(since=datetime(2026, 1, 2, 6, tzinfo=UTC)), (4, 5)),
        (EpisodeFilter(since=datetime(2026, 1, 2, 8, tzinfo=timezone(timedelta(hours=2)))), (4, 5)),
        (EpisodeFilter(limit=2), (4, 5)),
        (EpisodeFilter(family="borrow_checker", passed=True, limit=1), (5,)),
        (EpisodeFilter(run_id="' OR 1 --"), ()),
    ],
)
def test_episodes_are_found_by_what_they_are(
    database: Database, which: EpisodeFilter, expected: tuple[int, ...]
) -> None:
    record_episodes(database, VARIED)
    assert tuple(item.episode_id for item in list_episodes(database, which)) == expected


def test_episodes_are_counted(database: Database) -> None:
    record_episodes(database, VARIED)
    counts = count_episodes(database)
    assert (counts.total, counts.passed) == (5, 4)
    assert counts.by_family == {"borrow_checker": 4, "serde": 1}
    assert counts.by_source == {"compiler": 4, "template": 1}
    assert counts.by_outcome == {"none": 5}
    assert count_episodes(database, EpisodeFilter(passed=False)).total == 1
    assert count_episodes(database, EpisodeFilter(run_id="nobody")).by_family == {}


def test_the_outcome_is_set_later(database: Database) -> None:
    first, second, third = record_episodes(database, VARIED[:3])
    assert set_outcome(database, [first, second], Outcome.ACCEPTED) == 2
    assert set_outcome(database, [third], Outcome.EDITED, 'let token = "abcdef1234567";') == 1
    assert set_outcome(database, [third], Outcome.SETTLED) == 1
    assert set_outcome(database, [999], Outcome.SHOWN) == 0
    stored = [item.episode for item in list_episodes(database)]
    assert [episode.outcome for episode in stored] == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.SETTLED]
    assert stored[2].settled_text == 'let token = "[redacted:assigned-secret]";'
    assert count_episodes(database).by_outcome == {"accepted": 2, "settled": 1}


def test_all_episodes_are_stored_or_none(database: Database) -> None:
    database.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON episodes WHEN new.attempt_index = 1 "
        "BEGIN SELECT raise(ABORT, 'refused'); END"
    )
    with pytest.raises(StoreError, match="refused"):
        record_episodes(database, VARIED)
    assert list_episodes(database) == ()


def test_nothing_secret_is_written(store_path: Path) -> None:
    secret = "ghp_" + "a1B2" * 9
    text = f"x {secret} y"
    episode = replace(
        EPISODE, diff_unified=text, settled_text=text, title=text, message=text, verdict=text, metadata={"note": text}
    )
    with open_database(store_path) as database:
        record_episodes(database, [episode])
        stored = list_episodes(database)[0].episode
        clean = "x [redacted:github-token] y"
        assert stored == replace(
            episode,
            diff_unified=clean,
            settled_text=clean,
            title=clean,
            message=clean,
            verdict=clean,
            metadata={"note": clean},
        )
        assert all(secret.encode() not in path.read_bytes() for path in store_path.parent.iterdir())


def test_a_timestamp_takes_one_form(database: Database) -> None:
    record_episodes(database, [replace(EPISODE, timestamp="2026-01-02T03:00:00Z")])
    assert list_episodes(database)[0].episode.timestamp == "2026-01-02T03:00:00.000000+00:00"
    assert utc_timestamp(datetime(2026, 1, 2, 3)) == "2026-01-02T03:00:00.000000+00:00"


def test_a_repository_is_known_by_its_real_path(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    assert task_id_of(tmp_path / "link") == task_id_of(tmp_path / "real")
    assert task_id_of(tmp_path / "real") != task_id_of(tmp_path)
    assert len(task_id_of(tmp_path)) == 16


def test_a_path_that_is_no_unicode_is_stored_as_bytes() -> None:
    assert stored_path(Path("src/lib.rs")) == "src/lib.rs"
    assert stored_path(Path("caf\udce9")) == b"caf\xe9"


def test_an_episode_has_the_columns_of_the_record(database: Database) -> None:
    columns = {column.name for column in database.table("episodes").columns}
    assert columns == {"id"} | set(Episode.__dataclass_fields__)
