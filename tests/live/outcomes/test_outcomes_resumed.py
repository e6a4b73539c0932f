"""Another process goes on with what one that is no more has left."""

from __future__ import annotations

import pytest

from sleepy_agent.domain import Outcome
from sleepy_agent.live.outcomes.book import PROVENANCE

from .outcome_stage import (
    FILE,
    MADE,
    MUT,
    OTHERWISE,
    OWN,
    PROBLEM,
    TEXT,
    Stage,
)


@pytest.mark.parametrize(
    ("later", "outcome"),
    [(MADE, Outcome.SETTLED), (TEXT, Outcome.UNDONE), (OTHERWISE, Outcome.EDITED)],
)
def test_a_crash_loses_nothing_that_was_taken(later: bytes, outcome: Outcome) -> None:
    stage = Stage()
    stage.show(MUT)
    stage.apply(MUT)
    stage.wait(1)
    stage.type(later)
    stage.crash_and_resume()
    stage.wait()
    assert stage.outcomes == [("mut", outcome)]


def test_an_offer_that_was_taken_in_the_moment_of_the_crash() -> None:
    stage = Stage()
    stage.show(MUT)
    stage.texts[FILE] = MADE
    stage.crash_and_resume()
    assert stage.outcomes == [("mut", Outcome.SETTLED)]


@pytest.mark.parametrize(
    ("is_there", "blocked", "outcomes"),
    [
        (True, (), []),
        (False, ("demo",), []),
        (False, (), [("mut", Outcome.IGNORED), (OWN, Outcome.SETTLED)]),
    ],
)
def test_the_first_check_of_the_next_process_decides(is_there: bool, blocked: tuple[str, ...], outcomes: list) -> None:  # type: ignore[type-arg]
    stage = Stage()
    stage.check(PROBLEM)
    stage.show(MUT)
    stage.type(OTHERWISE)
    stage.check(vanished=(stage.gone(),))
    stage.crash_and_resume(FILE)
    stage.wait(60)
    assert stage.outcomes == []
    stage.check(*([PROBLEM] if is_there else []), blocked=blocked)
    stage.wait(60)
    assert sorted(stage.outcomes) == outcomes


def test_what_a_new_process_has_not_seen_keeps_its_provenance() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.type_slowly(MADE)
    stage.check(vanished=(stage.gone(),))
    stage.crash_and_resume()
    stage.check()
    stage.wait()
    (end,) = stage.ends
    assert end.pending.episode is not None
    assert (end.metadata, end.pending.episode.metadata[PROVENANCE]) == ({}, "typing")
