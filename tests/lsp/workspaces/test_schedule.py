"""When a text is checked and when fixes are searched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sleepy_agent.live.messages import Trigger
from sleepy_lsp.workspaces.schedule import (
    Plan,
    Schedule,
    Step,
    Timing,
    Word,
    analyzer_heard,
    check_began,
    check_ended,
    edited,
    given_up,
    plan,
    resumed,
    saved,
    search_began,
    search_ended,
    stopped,
    word,
    worker_lost,
)

TIMING = Timing(debounce=0.1, rest=0.5, grace=1.5)


def checked(schedule: Schedule) -> Schedule:
    return check_ended(check_began(schedule), schedule.generation)


EDITED = edited(Schedule(), 10.0, 1)
CHECKED = checked(EDITED)
SAVED = checked(saved(EDITED, 10.2))
WITH_ANALYZER = checked(saved(edited(analyzer_heard(Schedule(), agrees=False), 10.0, 1), 10.2))
SEARCH = Plan(Step.SEARCH)


@pytest.mark.parametrize(
    ("schedule", "now", "something", "expected"),
    [
        pytest.param(Schedule(), 0.0, False, Plan(Step.CHECK), id="the first text is checked at once"),
        pytest.param(EDITED, 10.0, False, Plan(look_again_at=10.1), id="an edit waits for more edits"),
        pytest.param(EDITED, 10.1, False, Plan(Step.CHECK), id="then it is checked"),
        pytest.param(edited(EDITED, 10.09, 2), 10.1, False, Plan(look_again_at=10.19), id="another edit waits anew"),
        pytest.param(saved(EDITED, 10.02), 10.02, False, Plan(Step.CHECK), id="a save is checked at once"),
        pytest.param(check_began(EDITED), 99.0, True, Plan(), id="a running check is waited for"),
        pytest.param(CHECKED, 99.0, False, Plan(), id="nothing is searched where nothing is broken"),
        pytest.param(CHECKED, 10.3, True, Plan(look_again_at=10.5), id="problems wait until typing rests"),
        pytest.param(CHECKED, 10.5, True, SEARCH, id="then fixes are searched"),
        pytest.param(SAVED, 10.3, True, SEARCH, id="without rust-analyzer a save is searched at once"),
        pytest.param(WITH_ANALYZER, 10.3, True, SEARCH, id="nor does it wait for rust-analyzer"),
        pytest.param(search_began(SAVED), 99.0, True, Plan(), id="one search at a time"),
        pytest.param(search_ended(search_began(SAVED), 1), 99.0, True, SEARCH, id="what came up meanwhile follows"),
        pytest.param(search_ended(search_began(SAVED), 0), 99.0, True, Plan(), id="an older search's end is no end"),
        pytest.param(check_ended(check_began(EDITED), 0), 99.0, True, Plan(), id="an older check's end is no end"),
        pytest.param(stopped(EDITED), 99.0, True, Plan(), id="a pause is a pause"),
        pytest.param(resumed(stopped(EDITED)), 99.0, True, Plan(Step.CHECK), id="after it work goes on"),
        pytest.param(resumed(stopped(check_began(EDITED))), 99.0, True, Plan(Step.CHECK), id="from where it was"),
        pytest.param(resumed(stopped(search_began(SAVED))), 99.0, True, SEARCH, id="or with the search"),
        pytest.param(worker_lost(search_began(SAVED)), 99.0, True, Plan(Step.CHECK), id="a new worker begins anew"),
    ],
)
def test_plan(schedule: Schedule, now: float, something: bool, expected: Plan) -> None:
    assert plan(schedule, now, TIMING, something) == expected


AGREED = analyzer_heard(WITH_ANALYZER, agrees=True)


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        pytest.param(CHECKED, 10.3, Word(Trigger.OWN_REPLAY), id="without a save what is found is shown"),
        pytest.param(SAVED, 10.3, Word(Trigger.OWN_REPLAY), id="and where there is no rust-analyzer"),
        pytest.param(WITH_ANALYZER, 10.9, Word(None, 11.7), id="after a save rust-analyzer has the word"),
        pytest.param(WITH_ANALYZER, 11.7, Word(Trigger.OWN_REPLAY), id="but not for ever"),
        pytest.param(AGREED, 10.3, Word(Trigger.RUST_ANALYZER), id="its diagnostics let fixes be shown"),
        pytest.param(analyzer_heard(WITH_ANALYZER, agrees=False), 10.3, Word(None, 11.7), id="unless they are older"),
        pytest.param(
            checked(saved(edited(AGREED, 20.0, 2), 20.0)), 20.1, Word(None, 21.5), id="a new text asks it again"
        ),
    ],
)
def test_who_has_the_word(schedule: Schedule, now: float, expected: Word) -> None:
    assert word(schedule, now, TIMING) == expected


@pytest.mark.parametrize("event", [lambda s: edited(s, 30.0, 9), worker_lost, lambda s: s])
def test_looking_again_at_the_time_said_always_leads_to_a_step(event: Callable[[Schedule], Schedule]) -> None:
    """No plan may ask to be looked at for ever."""
    for schedule in (Schedule(), EDITED, CHECKED, SAVED, WITH_ANALYZER):
        first = plan(event(schedule), 30.0, TIMING, something_to_search=True)
        if first.look_again_at is not None:
            assert first.look_again_at > 30.0
            assert plan(event(schedule), first.look_again_at, TIMING, something_to_search=True).step is not None


def test_a_second_save_of_the_same_text_does_not_begin_the_wait_anew() -> None:
    assert saved(saved(EDITED, 11.0), 12.0).saved_at == 11.0


def test_no_answer_is_waited_for_where_none_comes() -> None:
    failed = given_up(check_began(EDITED))
    assert plan(failed, 99.0, TIMING, something_to_search=False) == Plan()
    assert plan(edited(failed, 99.0, 2), 99.2, TIMING, something_to_search=False) == Plan(Step.CHECK)
