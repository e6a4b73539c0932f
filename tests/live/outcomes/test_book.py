"""What becomes of offers, played from the hand-out to the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from lsp.offers import known_problem, live_offer, replacing

from sleepy_agent.domain import Outcome
from sleepy_agent.live.outcomes.book import MOST_WAITING
from sleepy_agent.memory.pending import PendingKind

from .outcome_stage import (
    BOTH,
    CELL,
    FILE,
    MADE,
    MUT,
    OTHER,
    OTHER_TEXT,
    OTHERWISE,
    OWN,
    PROBLEM,
    SETTLE_SECONDS,
    TEXT,
    Stage,
    made_by,
)

Play = Callable[[Stage], None]

LATER = b"// later\n"


def kept(stage: Stage) -> None:
    stage.apply(MUT)


def kept_without_a_command(stage: Stage) -> None:
    stage.apply(MUT, command=False)


def kept_while_typing_elsewhere(stage: Stage) -> None:
    stage.apply(MUT)
    stage.type(LATER + MADE)


def undone_at_once(stage: Stage) -> None:
    stage.apply(MUT)
    stage.wait(1)
    stage.type(TEXT)


def undone_and_redone(stage: Stage) -> None:
    undone_at_once(stage)
    stage.type(MADE)


def undone_late(stage: Stage) -> None:
    stage.apply(MUT)
    stage.wait(9)
    stage.type(TEXT + LATER)


def edited(stage: Stage) -> None:
    stage.apply(MUT)
    stage.type(OTHERWISE)


def file_deleted(stage: Stage) -> None:
    stage.apply(MUT)
    del stage.texts[FILE]
    stage.write(None, FILE)


def told_twice(stage: Stage) -> None:
    stage.apply(MUT)
    stage.tell(MUT)


@pytest.mark.parametrize(
    ("play", "outcome", "settled_text"),
    [
        (kept, Outcome.SETTLED, "    let mut total = 0;"),
        (kept_without_a_command, Outcome.SETTLED, "    let mut total = 0;"),
        (kept_while_typing_elsewhere, Outcome.SETTLED, "    let mut total = 0;"),
        (undone_at_once, Outcome.UNDONE, "    let total = 0;"),
        (undone_and_redone, Outcome.SETTLED, "    let mut total = 0;"),
        (undone_late, Outcome.UNDONE, "    let total = 0;"),
        (edited, Outcome.EDITED, "    let sum: u32 = values.iter().sum();"),
        (file_deleted, Outcome.EDITED, ""),
        (told_twice, Outcome.SETTLED, "    let mut total = 0;"),
    ],
)
def test_an_offer_that_was_taken(play: Play, outcome: Outcome, settled_text: str) -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.show(MUT)
    play(stage)
    stage.wait()
    assert [(end.pending.subject, end.outcome, end.settled_text) for end in stage.ends] == [
        ("mut", outcome, settled_text)
    ]
    assert stage.book.deadline() is None


def test_ten_seconds_count_from_the_last_change_of_the_file() -> None:
    stage = Stage(open_files=(FILE, OTHER))
    stage.show(MUT)
    stage.apply(MUT)
    for _ in range(5):
        stage.wait(SETTLE_SECONDS - 1)
        stage.type(stage.texts[FILE] + LATER)
    # What happens in other files is no noise here.
    stage.wait(SETTLE_SECONDS - 1)
    stage.type(OTHER_TEXT + LATER, OTHER)
    assert stage.outcomes == []
    stage.wait(1)
    assert stage.outcomes == [("mut", Outcome.SETTLED)]


@pytest.mark.parametrize(
    ("other_at_last", "outcome"),
    [(b"pub fn help() {}\n", Outcome.SETTLED), (OTHER_TEXT, Outcome.EDITED), (None, Outcome.EDITED)],
)
@pytest.mark.parametrize("open_files", [(FILE, OTHER), (FILE,), (OTHER,)])
def test_a_fix_of_several_files(open_files: tuple, other_at_last: bytes | None, outcome: Outcome) -> None:  # type: ignore[type-arg]
    stage = Stage(open_files=open_files)
    stage.show(BOTH)
    stage.apply(BOTH)
    if other_at_last is None:
        stage.texts.pop(OTHER, None)
        stage.write(None, OTHER)
    elif OTHER in open_files:
        stage.type(other_at_last, OTHER)
    else:
        stage.write(other_at_last, OTHER)
    stage.wait()
    assert stage.outcomes == [("both", outcome)]


def test_the_offers_of_a_bundle_are_followed_each_by_itself() -> None:
    other = known_problem(OTHER, OTHER_TEXT, "help", code="E0603", message="function `help` is private")
    public = replace(BOTH, offer_id="public", problem_id=other.problem_id)
    public = replace(public, fix=replace(public.fix, problem=other.problem))
    public = replace(
        public,
        fix=replace(public.fix, candidate=replace(public.fix.candidate, edits=BOTH.fix.candidate.edits[1:])),
        texts={OTHER: BOTH.texts[OTHER]},
    )
    stage = Stage(open_files=(FILE, OTHER))
    stage.show(MUT, public)
    stage.apply(MUT, public)
    stage.type(OTHER_TEXT, OTHER)
    stage.wait()
    assert sorted(stage.outcomes) == [("mut", Outcome.SETTLED), ("public", Outcome.UNDONE)]


def test_a_bundle_is_only_known_by_its_command() -> None:
    public = replace(CELL, offer_id="other line")
    edit = replacing(FILE, TEXT, "total\n}", "total + 1\n}")
    public = replace(public, fix=replace(public.fix, candidate=replace(public.fix.candidate, edits=(edit,))))
    stage = Stage()
    stage.show(MUT, public)
    stage.type(made_by(MUT, public)[FILE])
    assert {one.kind for one in stage.book.waiting} == {PendingKind.SHOWN}
    stage.tell(MUT, public)
    stage.wait()
    assert sorted(stage.outcomes) == [("mut", Outcome.SETTLED), ("other line", Outcome.SETTLED)]


def test_a_command_about_offers_that_nobody_got_is_nothing() -> None:
    stage = Stage()
    stage.tell(MUT)
    assert stage.pending == {}


def test_an_offer_is_taken_again_after_undo() -> None:
    stage = Stage()
    stage.show(MUT)
    stage.apply(MUT)
    stage.type(TEXT)
    stage.wait()
    stage.show(MUT)
    stage.apply(MUT, command=False)
    stage.wait()
    assert stage.outcomes == [("mut", Outcome.UNDONE), ("mut", Outcome.SETTLED)]


def test_the_same_text_typed_letter_by_letter_is_not_taken() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.show(MUT)
    stage.type_slowly(MADE)
    assert [one.kind for one in stage.book.waiting] == [PendingKind.SHOWN]
    stage.check(vanished=(stage.gone(),))
    stage.wait()
    assert sorted(stage.outcomes) == [("mut", Outcome.IGNORED), (OWN, Outcome.SETTLED)]


def test_an_offer_whose_text_before_is_lost_is_still_seen_undone() -> None:
    for final, outcome in ((TEXT, Outcome.UNDONE), (MADE, Outcome.EDITED)):
        stage = Stage()
        stage.type(MADE)
        stage.show(MUT, asked=False)
        stage.tell(MUT)
        stage.type(final)
        stage.wait()
        assert stage.outcomes == [("mut", outcome)]


# ---- shown, dismissed, ignored ---------------------------------------------------------------------------


def test_each_offer_counts_as_shown_once() -> None:
    stage = Stage()
    stage.show(MUT, CELL)
    stage.show(MUT)
    stage.show(CELL, asked=False)
    assert stage.shown_ids == ["mut", "cell"]


def test_what_a_lightbulb_asked_for_counts_when_something_is_done_with_it() -> None:
    stage = Stage()
    stage.show(MUT, CELL, asked=False)
    assert stage.shown_ids == []
    stage.apply(MUT)
    assert stage.shown_ids == ["mut", "cell"]
    stage.check(vanished=(stage.gone(),))
    stage.wait()
    assert sorted(stage.outcomes) == [("cell", Outcome.IGNORED), ("mut", Outcome.SETTLED)]


@pytest.mark.parametrize("asked", [True, False])
def test_what_one_key_makes_is_taken_only_where_it_was_asked_for(asked: bool) -> None:
    edit = replacing(FILE, TEXT, "= 0", "= 10")
    one_key = live_offer(PROBLEM, {FILE: TEXT}, edit, offer_id="one key")
    stage = Stage()
    stage.show(one_key, asked=asked)
    stage.type(TEXT.replace(b"= 0", b"= 10"))
    stage.wait()
    assert stage.outcomes == ([("one key", Outcome.SETTLED)] if asked else [])
    stage.type(TEXT)
    stage.show(MUT, asked=False)
    stage.type(MADE)
    stage.wait()
    assert stage.outcomes[-1:] == [("mut", Outcome.SETTLED)]


def test_an_offer_that_was_dismissed_stays_so() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.show(MUT, CELL)
    stage.dismiss(MUT)
    assert stage.outcomes == [("mut", Outcome.DISMISSED)]
    # Who makes the same text afterwards has not taken it.
    stage.type(MADE)
    stage.check(vanished=(stage.gone(),))
    stage.wait()
    assert stage.outcomes[1:] == [("cell", Outcome.IGNORED), (OWN, Outcome.SETTLED)]


def test_an_offer_that_was_taken_cannot_be_dismissed() -> None:
    stage = Stage()
    stage.show(MUT)
    stage.apply(MUT)
    stage.dismiss(MUT)
    stage.wait()
    assert stage.outcomes == [("mut", Outcome.SETTLED)]


def test_ignored_means_that_the_problem_stays_away() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.show(MUT)
    stage.type(TEXT + LATER)
    stage.check(vanished=(stage.gone(new_errors=1),))
    stage.wait(SETTLE_SECONDS - 1)
    stage.check(PROBLEM)
    stage.wait(60)
    assert stage.outcomes == []
    stage.check(vanished=(stage.gone(new_errors=1),))
    stage.wait()
    assert stage.outcomes == [("mut", Outcome.IGNORED)]


def test_the_problem_is_known_again_when_its_line_was_edited() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.show(MUT)
    renamed = replace(PROBLEM, problem_id="the same in another line")
    stage.check(renamed)
    stage.check(vanished=(stage.gone(renamed, new_errors=1),))
    stage.wait()
    assert stage.outcomes == [("mut", Outcome.IGNORED)]


def test_a_problem_that_nobody_can_see_is_not_gone() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.show(MUT)
    stage.check(known_problem(FILE, TEXT, "for", code=None, message="expected `{`"))
    stage.wait(60)
    assert stage.outcomes == []


# ---- bounds ----------------------------------------------------------------------------------------------


def test_what_is_waited_for_is_bounded() -> None:
    stage = Stage()
    stage.show(MUT)
    stage.apply(MUT)
    for number in range(MOST_WAITING + 20):
        stage.show(replace(CELL, offer_id=f"offer {number}"))
    assert len(stage.book.waiting) == MOST_WAITING
    assert stage.outcomes == [(f"offer {number}", Outcome.IGNORED) for number in range(21)]
    stage.wait()
    assert stage.outcomes[-1] == ("mut", Outcome.SETTLED)
