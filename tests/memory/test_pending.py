"""What is waited for survives, goes to one owner, and ends once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlite_utils import Database

from sleepy_agent.domain import Outcome
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import list_episodes, record_episodes, task_id_of, utc_timestamp
from sleepy_agent.memory.export import purge
from sleepy_agent.memory.pending import (
    FollowedFile,
    FollowedRegion,
    PendingKind,
    PendingOutcome,
    adopt_pending,
    drop_pending,
    finish_pending,
    forget_finished,
    is_accounted_for,
    put_pending,
    waiting_owners,
)

from .examples import EPISODE

NOW = datetime(2026, 1, 2, 3, tzinfo=UTC)
OFFER = PendingOutcome(
    task_id="a-repository",
    subject="an-offer",
    kind=PendingKind.SHOWN,
    owner="first",
    problem_id="a-problem",
    mistake="demo\0006\0E0382\0/project/src/lib.rs",
    since=utc_timestamp(NOW),
    files=(
        FollowedFile(
            Path("/project/src/lib.rs"),
            "ab",
            "cd",
            b"\0\1\2\3" * 2,
            (FollowedRegion(1, 2, "let q = &p;", "let q = p;"),),
        ),
    ),
    episode=EPISODE,
    metadata={"offer_id": "an-offer"},
)
OWN = replace(
    OFFER,
    subject="own:a-problem",
    kind=PendingKind.OWN,
    episode=replace(EPISODE, source="own"),
    metadata={"provenance": "typing"},
)


def outcomes(database: Database) -> list[tuple[str, str, str | None]]:
    return [
        (stored.episode.source, stored.episode.outcome.value, stored.episode.settled_text)
        for stored in list_episodes(database)
    ]


def test_an_offer_is_shown_then_accepted_then_settled_in_one_episode(database: Database) -> None:
    (number,) = record_episodes(database, [EPISODE])
    offer = replace(OFFER, episode_id=number, episode=None)
    assert put_pending(database, offer)
    assert outcomes(database) == [("compiler", "shown", None)]
    assert put_pending(database, replace(offer, kind=PendingKind.ACCEPTED))
    assert outcomes(database) == [("compiler", "accepted", None)]
    assert finish_pending(database, offer, Outcome.SETTLED, "let q = &p;")
    assert outcomes(database) == [("compiler", "settled", "let q = &p;")]
    (stored,) = list_episodes(database)
    assert stored.episode.metadata == {"slot": "2", "offer_id": "an-offer"}


@pytest.mark.parametrize("stored_before", ["shown", "accepted", "settled"])
def test_an_attempt_that_is_stored_later_than_it_is_shown_is_found(database: Database, stored_before: str) -> None:
    for step in ("shown", "accepted", "settled"):
        if step == stored_before:
            record_episodes(database, [EPISODE])
        if step == "settled":
            assert finish_pending(database, OFFER, Outcome.SETTLED)
        else:
            put_pending(database, replace(OFFER, kind=PendingKind(step)))
    assert outcomes(database) == [("compiler", "settled", None)]


def test_an_attempt_that_nobody_stores_is_one_in_the_end(database: Database) -> None:
    another = replace(EPISODE, diff_unified="another change")
    record_episodes(database, [another, replace(EPISODE, passed=False), replace(EPISODE, outcome=Outcome.UNDONE)])
    put_pending(database, OFFER)
    put_pending(database, replace(OFFER, kind=PendingKind.ACCEPTED))
    assert len(outcomes(database)) == 3
    finish_pending(database, OFFER, Outcome.EDITED, "let q = r;")
    assert outcomes(database)[3:] == [("compiler", "edited", "let q = r;")]
    assert list_episodes(database)[3].episode.metadata == {"slot": "2", "offer_id": "an-offer"}


def test_showing_an_offer_again_takes_nothing_back(database: Database) -> None:
    (number,) = record_episodes(database, [replace(EPISODE, outcome=Outcome.UNDONE)])
    stored = replace(OFFER, episode_id=number, episode=None)
    put_pending(database, stored)
    assert outcomes(database) == [("compiler", "undone", None)]
    put_pending(database, replace(stored, kind=PendingKind.ACCEPTED))
    assert outcomes(database) == [("compiler", "accepted", None)]


def test_an_own_fix_is_an_episode_only_when_it_has_settled(database: Database) -> None:
    assert put_pending(database, OWN)
    assert outcomes(database) == []
    assert finish_pending(database, OWN, Outcome.SETTLED, "let q = &p;", {"provenance": "branch_switch"})
    assert outcomes(database) == [("own", "settled", "let q = &p;")]
    assert list_episodes(database)[0].episode.metadata == {"slot": "2", "provenance": "branch_switch"}


def test_an_own_fix_whose_problem_is_back_leaves_nothing(database: Database) -> None:
    put_pending(database, OWN)
    assert drop_pending(database, OWN)
    assert not finish_pending(database, OWN, Outcome.SETTLED)
    assert outcomes(database) == []
    assert waiting_owners(database, OWN.task_id) == frozenset()


def test_another_owner_only_comes_further_or_waits_for_its_turn(database: Database) -> None:
    second = replace(OFFER, owner="second")
    assert put_pending(database, OFFER)
    assert not put_pending(database, second)
    assert not finish_pending(database, second, Outcome.IGNORED)
    assert not drop_pending(database, second)
    # Who takes an offer that another has only shown follows it from then on.
    assert put_pending(database, replace(second, kind=PendingKind.ACCEPTED))
    assert not put_pending(database, replace(OFFER, kind=PendingKind.ACCEPTED))
    assert not finish_pending(database, OFFER, Outcome.IGNORED)
    assert finish_pending(database, second, Outcome.SETTLED)
    # What is done can begin again, and what another did is still known.
    assert put_pending(database, OFFER)
    assert is_accounted_for(database, OFFER.task_id, "a-problem", "first", NOW)


def test_what_a_dead_process_left_comes_back_whole(database: Database) -> None:
    put_pending(database, OFFER)
    put_pending(database, replace(OWN, since=utc_timestamp(NOW + timedelta(seconds=1))))
    put_pending(database, replace(OFFER, task_id="elsewhere"))
    put_pending(database, replace(OFFER, subject="of a living one", owner="second"))
    assert waiting_owners(database, OFFER.task_id) == {"first", "second"}
    adopted = adopt_pending(database, OFFER.task_id, "third", ["first", "nobody"])
    assert adopted == (
        replace(OFFER, owner="third"),
        replace(OWN, owner="third", since=utc_timestamp(NOW + timedelta(seconds=1))),
    )
    assert adopt_pending(database, OFFER.task_id, "fourth", ["first"]) == ()
    assert finish_pending(database, adopted[0], Outcome.IGNORED)
    assert not finish_pending(database, OFFER, Outcome.SETTLED)


def test_what_an_owner_waits_for_itself_it_does_not_adopt(database: Database) -> None:
    put_pending(database, OWN)
    put_pending(database, replace(OWN, subject="own:another"))
    # Two servers that were started in the same moment.
    database.execute("UPDATE pending_outcomes SET owner = 'dead' WHERE subject = 'own:a-problem'")
    database.execute(
        "INSERT INTO pending_outcomes (task_id, subject, state, owner) SELECT task_id, subject, state, 'first'"
        " FROM pending_outcomes WHERE owner = 'dead'"
    )
    assert adopt_pending(database, OWN.task_id, "first", ["dead"]) == ()
    assert waiting_owners(database, OWN.task_id) == {"first"}


def test_of_many_at_once_one_adopts_and_one_settles(store_path: Path, database: Database) -> None:
    put_pending(database, OWN)
    barrier = Barrier(4)
    settled: list[bool] = []

    def next_process(owner: str) -> None:
        with open_database(store_path) as own_connection:
            barrier.wait()
            for pending in adopt_pending(own_connection, OWN.task_id, owner, ["first"]):
                settled.append(finish_pending(own_connection, pending, Outcome.SETTLED))

    threads = [Thread(target=next_process, args=(f"next {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert settled == [True]
    assert outcomes(database) == [("own", "settled", None)]


@pytest.mark.parametrize(
    ("pending", "owner", "since", "expected"),
    [
        (replace(OFFER, kind=PendingKind.ACCEPTED), "second", NOW, True),
        (OWN, "second", NOW, True),
        (OFFER, "second", NOW, False),
        (OWN, "first", NOW, False),
        (OWN, "second", NOW + timedelta(seconds=1), False),
    ],
)
def test_who_cleared_a_problem_is_known_to_others(
    database: Database, pending: PendingOutcome, owner: str, since: datetime, expected: bool
) -> None:
    put_pending(database, pending)
    assert is_accounted_for(database, pending.task_id, "a-problem", owner, since) is expected
    assert not is_accounted_for(database, pending.task_id, "another-problem", owner, since)


def test_what_is_done_tells_others_for_a_while_and_keeps_no_text(database: Database) -> None:
    put_pending(database, OWN)
    finish_pending(database, OWN, Outcome.SETTLED)
    (row,) = database.table("pending_outcomes").rows
    assert row["content"] == "{}"
    assert is_accounted_for(database, OWN.task_id, "a-problem", "second", NOW)
    assert forget_finished(database, datetime.now(UTC) - timedelta(hours=1)) == 0
    assert forget_finished(database, datetime.now(UTC) + timedelta(hours=1)) == 1
    assert not is_accounted_for(database, OWN.task_id, "a-problem", "second", NOW)


def test_no_secret_is_in_the_store_while_it_is_waited_for(store_path: Path, database: Database) -> None:
    secret = "hunter2" + "hunter2"
    code = f'let password = "{secret}";'
    region = FollowedRegion(0, 1, code, code.replace("let", "let mut"))
    pending = replace(
        OWN,
        files=(FollowedFile(Path("/project/src/lib.rs"), "ab", "cd", b"", (region,)),),
        episode=replace(EPISODE, diff_unified=code, message=code),
        metadata={"note": code},
    )
    put_pending(database, pending)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert secret.encode() not in store_path.read_bytes()
    finish_pending(database, pending, Outcome.SETTLED, code, {"note": code})
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert secret.encode() not in store_path.read_bytes()


def test_odd_paths_and_texts_come_back(database: Database) -> None:
    odd = Path(b"/project/caf\xe9.rs".decode("utf-8", "surrogateescape"))
    region = FollowedRegion(0, 1, "ü \u2028 \ufffd", "")
    put_pending(database, replace(OWN, files=(FollowedFile(odd, "", "", b"\xff" * 4, (region,)),)))
    (adopted,) = adopt_pending(database, OWN.task_id, "second", ["first"])
    assert adopted.files == (FollowedFile(odd, "", "", b"\xff" * 4, (region,)),)


def test_purging_takes_what_is_waited_for_along(database: Database, tmp_path: Path) -> None:
    put_pending(database, replace(OWN, task_id=task_id_of(tmp_path)))
    put_pending(database, OWN)
    purge(database, repository=tmp_path)
    assert waiting_owners(database, task_id_of(tmp_path)) == frozenset()
    assert waiting_owners(database, OWN.task_id) == {"first"}
    purge(database, older_than_days=0)
    assert waiting_owners(database, OWN.task_id) == frozenset()
