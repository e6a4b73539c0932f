"""What developers clear themselves, and where it came from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lsp.offers import known_problem

from sleepy_agent.domain import Outcome
from sleepy_agent.live.outcomes.book import NOT_TAKEN, PROVENANCE
from sleepy_agent.memory.pending import PendingKind

from .outcome_stage import (
    CELL,
    FILE,
    MADE,
    MUT,
    OTHER,
    OTHER_TEXT,
    OTHERWISE,
    OWN,
    PROBLEM,
    ROOT,
    SETTLE_SECONDS,
    TEXT,
    Stage,
)

Play = Callable[[Stage], None]


def typed(stage: Stage) -> None:
    stage.type_slowly(MADE)


def written_by_another_tool(stage: Stage) -> None:
    stage.texts.pop(FILE)
    stage.write(MADE, FILE)


def taken_over_from_the_disk(stage: Stage) -> None:
    stage.type(MADE, from_disk=True)


def refactored(stage: Stage) -> None:
    stage.type(TEXT.replace(b"    let total = 0;\n", b"    let one = 1;\n    let two = 2;\n    let mut total = 0;\n"))


def branch_switched(stage: Stage) -> None:
    stage.texts.pop(FILE)
    stage.write(MADE, FILE, head_changed=True)


def fifty_files_written(stage: Stage) -> None:
    stage.texts.pop(FILE)
    stage.write(MADE, FILE, *(ROOT / f"src/f{number}.rs" for number in range(49)))


def taken_away(stage: Stage) -> None:
    stage.type(TEXT.replace(b"        total += value;\n", b""))


@pytest.mark.parametrize(
    ("play", "deleted", "provenance"),
    [
        (typed, False, "typing"),
        (written_by_another_tool, False, "other_tool"),
        (taken_over_from_the_disk, False, "other_tool"),
        (refactored, False, "other_tool"),
        (branch_switched, False, "branch_switch"),
        (fifty_files_written, False, "branch_switch"),
        (taken_away, True, "deletion"),
    ],
)
def test_an_own_fix_says_where_it_came_from(play: Play, deleted: bool, provenance: str) -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.wait(3)
    play(stage)
    stage.check(vanished=(stage.gone(deleted=deleted),))
    assert stage.outcomes == []
    stage.wait()
    (end,) = stage.ends
    assert (end.pending.subject, end.outcome, (end.metadata or {})[PROVENANCE]) == (OWN, Outcome.SETTLED, provenance)
    assert end.pending.episode is not None
    assert (end.pending.episode.source, end.pending.episode.passed) == ("own", True)
    assert end.pending.episode.diff_unified.startswith("--- a/src/lib.rs")
    assert end.pending.episode.metadata[PROVENANCE] == provenance


def test_a_head_that_is_heard_of_late_still_counts() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    written_by_another_tool(stage)
    stage.check(vanished=(stage.gone(),))
    stage.wait(1)
    stage.write(b"", head_changed=True)
    stage.wait()
    assert (stage.ends[0].metadata or {})[PROVENANCE] == "branch_switch"


def test_a_reload_that_looks_like_typing_came_with_the_switch() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.type(OTHERWISE.replace(b"sum: u32", b"total"))
    stage.check(vanished=(stage.gone(),))
    stage.wait(1)
    stage.write(b"", head_changed=True)
    stage.wait()
    assert (stage.ends[0].metadata or {})[PROVENANCE] == "branch_switch"


def test_a_branch_that_has_the_text_of_an_offer_took_nothing() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.show(MUT)
    stage.type(MADE)
    stage.wait(1)
    stage.write(b"", head_changed=True)
    stage.wait()
    assert stage.outcomes == [("mut", Outcome.IGNORED)]
    taken = Stage()
    taken.check(PROBLEM)
    taken.show(MUT)
    taken.apply(MUT)
    taken.wait(1)
    taken.write(b"", head_changed=True)
    taken.wait()
    assert taken.outcomes == [("mut", Outcome.SETTLED)]


def test_an_own_fix_names_the_offers_that_were_not_taken() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.show(MUT, CELL)
    stage.dismiss(CELL)
    stage.type(OTHERWISE)
    stage.check(vanished=(stage.gone(),))
    stage.wait()
    (own,) = [end for end in stage.ends if end.pending.kind == PendingKind.OWN]
    assert own.pending.episode is not None
    assert own.pending.episode.metadata[NOT_TAKEN].split() == ["mut", "cell"]
    assert own.settled_text == "    let sum: u32 = values.iter().sum();"


def test_an_own_fix_is_what_was_written_after_an_undo() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    stage.show(MUT)
    stage.apply(MUT)
    stage.check(vanished=(stage.gone(),))
    stage.type(TEXT)
    stage.check(PROBLEM)
    stage.type(TEXT.replace(b"total += value;", b"drop(value);"))
    stage.check(vanished=(stage.gone(),))
    stage.wait()
    assert stage.outcomes == [("mut", Outcome.UNDONE), (OWN, Outcome.SETTLED)]


@pytest.mark.parametrize("new_errors", [0, 1])
def test_what_is_no_own_fix(new_errors: int) -> None:
    stage = Stage()
    stage.check(PROBLEM)
    if new_errors:
        stage.type(OTHERWISE)
    # Otherwise nothing was written: then nobody knows what cleared it.
    stage.check(vanished=(stage.gone(new_errors=new_errors),))
    stage.wait()
    assert (stage.outcomes, stage.pending) == ([], {})


def test_what_an_accepted_offer_cleared_is_no_own_fix() -> None:
    other = known_problem(FILE, TEXT, "for", code="E0277", message="follows from the first")
    stage = Stage()
    stage.check(PROBLEM, other)
    stage.show(MUT)
    stage.apply(MUT)
    stage.check(vanished=(stage.gone(), stage.gone(other)))
    stage.wait()
    assert stage.outcomes == [("mut", Outcome.SETTLED)]


def test_a_check_of_the_text_before_says_nothing_about_the_offer() -> None:
    other = known_problem(OTHER, OTHER_TEXT, "help", code="E0277", message="another mistake")
    stage = Stage(open_files=(FILE, OTHER))
    stage.check(PROBLEM, other)
    stage.type_slowly(OTHER_TEXT.replace(b"()", b"(one: u8)"), OTHER)
    stage.show(MUT)
    stage.apply(MUT)
    # Heard of after the offer was taken, but made of the text before it.
    stage.check(PROBLEM, vanished=(stage.gone(other),))
    stage.check(vanished=(stage.gone(),))
    stage.wait()
    assert [end.pending.kind for end in stage.ends] == [PendingKind.ACCEPTED, PendingKind.OWN]


def test_an_own_fix_whose_problem_comes_back_was_none() -> None:
    stage = Stage()
    stage.check(PROBLEM)
    typed(stage)
    stage.check(vanished=(stage.gone(),))
    stage.wait(SETTLE_SECONDS - 1)
    stage.type(TEXT)
    stage.check(PROBLEM)
    stage.wait()
    assert (stage.outcomes, stage.pending) == ([], {})


def test_what_was_written_in_another_file_is_found() -> None:
    stage = Stage(open_files=(FILE, OTHER))
    stage.check(PROBLEM)
    stage.type(OTHER_TEXT + b"fn more() {}\n", OTHER)
    stage.check(vanished=(stage.gone(),))
    stage.wait()
    (end,) = stage.ends
    assert end.pending.episode is not None
    assert "+fn more() {}" in end.pending.episode.diff_unified
    assert end.settled_text == "fn more() {}"
