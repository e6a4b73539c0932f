"""What is known of a workspace: what comes in, what an edit takes away, what may be handed out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lsp.offers import (
    FILE,
    OTHER_FILE,
    bundle_of,
    fixes_found,
    known_problem,
    live_offer,
    replacing,
    search_ended,
    sha256_of,
    span_at,
    text_checked,
)
from sleepy_agent.domain import Diagnostic, Level
from sleepy_agent.live.messages import BundleKind
from sleepy_lsp.workspaces.board import (
    Board,
    bundle_of_id,
    changed,
    checked,
    dismissed,
    found,
    offer_of_id,
    placed_problems,
    valid_bundles,
    valid_offers,
    without,
)
from sleepy_lsp.workspaces.board import (
    search_ended as ended,
)

TEXT = b"fn main() {\n    let total = 0;\n    total += 1;\n    let count = 0;\n    count += 1;\n}\n"
OTHER_TEXT = b"pub fn other() {}\n"
TEXTS = {FILE: TEXT, OTHER_FILE: OTHER_TEXT}
TOTAL = known_problem(FILE, TEXT, "total += 1")
COUNT = known_problem(FILE, TEXT, "count += 1")
MUT_TOTAL = live_offer(TOTAL, TEXTS, replacing(FILE, TEXT, "let total", "let mut total"))
SHADOW_TOTAL = live_offer(
    TOTAL, TEXTS, replacing(FILE, TEXT, "total += 1", "let total = 1"), title="shadow `total`", preferred=False
)
MUT_COUNT = live_offer(
    COUNT,
    TEXTS,
    replacing(FILE, TEXT, "let count", "let mut count"),
    replacing(OTHER_FILE, OTHER_TEXT, "other", "another"),
    title="make `count` mutable",
)
BOTH = bundle_of([MUT_TOTAL, MUT_COUNT], TEXTS)


def hash_of(path: Path) -> str | None:
    return sha256_of(TEXTS[path]) if path in TEXTS else None


def searched(generation: int = 1) -> Board:
    """A board after a check and a search."""
    board = replace(Board(), generation=generation, last_changed={FILE: generation})
    board = checked(board, text_checked(generation, TOTAL, COUNT))
    return found(board, fixes_found(generation, MUT_TOTAL, SHADOW_TOTAL, MUT_COUNT, bundles=(BOTH,)))


def ids(board: Board, of_hashes: Callable[[Path], str | None] = hash_of) -> list[str]:
    """The offers of the file that may be handed out."""
    return [offer.offer_id for held in valid_offers(board, FILE, of_hashes) for offer in held.offers]


ALL = [MUT_TOTAL.offer_id, SHADOW_TOTAL.offer_id, MUT_COUNT.offer_id]


def test_what_was_found_may_be_handed_out() -> None:
    board = searched()
    assert ids(board) == ALL
    assert [held.bundle for held in valid_bundles(board, hash_of)] == [BOTH]
    assert bundle_of_id(board, BOTH.bundle_id, hash_of) is not None
    held = offer_of_id(board, SHADOW_TOTAL.offer_id, hash_of)
    assert held is not None
    assert (held[0].problem_id, held[1]) == (TOTAL.problem_id, SHADOW_TOTAL)
    assert placed_problems(board, FILE) == (TOTAL, COUNT)
    assert valid_offers(board, OTHER_FILE, hash_of) == ()
    assert offer_of_id(board, "unknown", hash_of) is None
    assert bundle_of_id(board, "unknown", hash_of) is None


@pytest.mark.parametrize(
    ("paths", "left"),
    [
        ([FILE], []),
        ([OTHER_FILE], [MUT_TOTAL.offer_id, SHADOW_TOTAL.offer_id]),
        ([Path("/project/src/unread.rs")], ALL),
        ([], ALL),
    ],
)
def test_a_change_takes_away_what_was_computed_from_the_file(paths: list[Path], left: list[str]) -> None:
    board = changed(searched(), paths)
    assert ids(board) == left
    assert board.generation == (2 if paths else 1)
    assert bool(valid_bundles(board, hash_of)) == (left == ALL)
    assert bool(placed_problems(board, FILE)) == (FILE not in paths)


@pytest.mark.parametrize(
    ("path", "left"),
    [(FILE, []), (OTHER_FILE, [MUT_TOTAL.offer_id, SHADOW_TOTAL.offer_id])],
)
@pytest.mark.parametrize("now", [None, "other"])
def test_an_edit_is_only_for_the_text_it_was_made_for(path: Path, left: list[str], now: str | None) -> None:
    """A file on the disk may have changed although nobody said so."""
    board = searched()
    assert ids(board, lambda one: now if one == path else hash_of(one)) == left
    assert valid_bundles(board, lambda one: now if one == path else hash_of(one)) == ()
    is_there = offer_of_id(board, MUT_COUNT.offer_id, lambda one: now if one == path else hash_of(one)) is not None
    assert not is_there


def test_what_was_found_on_an_older_text_is_dropped_when_it_arrives() -> None:
    board = changed(changed(Board(), [FILE]), [OTHER_FILE])
    board = found(board, fixes_found(1, MUT_TOTAL, MUT_COUNT, bundles=(BOTH,)))
    assert ids(board) == [MUT_TOTAL.offer_id]
    assert valid_bundles(board, hash_of) == ()
    assert not board.bundles
    assert ids(found(board, fixes_found(0, MUT_TOTAL))) == [MUT_TOTAL.offer_id]


def test_nothing_is_found_on_a_text_that_is_still_to_come() -> None:
    board = Board()
    assert found(board, fixes_found(1, MUT_TOTAL)) == board
    assert checked(board, text_checked(1, TOTAL)) == board
    assert ended(board, search_ended(1)) == board


def test_offers_of_a_problem_are_replaced_as_a_whole() -> None:
    board = found(searched(), fixes_found(1, SHADOW_TOTAL))
    assert ids(board) == [SHADOW_TOTAL.offer_id, MUT_COUNT.offer_id]
    board = found(board, fixes_found(1, problem_ids=(TOTAL.problem_id,)))
    assert ids(board) == [MUT_COUNT.offer_id]


def test_a_search_that_ends_late_does_not_take_the_place_of_a_later_one() -> None:
    unread = Path("/project/src/unread.rs")
    board = changed(searched(), [unread])
    board = found(board, fixes_found(2, SHADOW_TOTAL))
    board = found(board, fixes_found(1, MUT_TOTAL))
    assert ids(board) == [SHADOW_TOTAL.offer_id, MUT_COUNT.offer_id]


def test_a_check_decides_which_problems_there_are() -> None:
    board = changed(searched(), [Path("/project/src/unread.rs")])
    board = checked(board, text_checked(2, COUNT))
    assert ids(board) == [MUT_COUNT.offer_id]
    assert valid_bundles(board, hash_of) == ()
    # A search of the text before, which ends only now, does not bring the problem back.
    assert ids(found(board, fixes_found(1, MUT_TOTAL))) == [MUT_COUNT.offer_id]


def test_a_check_that_ends_late_says_nothing_new() -> None:
    board = changed(searched(), [Path("/project/src/unread.rs")])
    board = checked(checked(board, text_checked(2, TOTAL, COUNT)), text_checked(1))
    assert (board.checked_generation, ids(board)) == (2, ALL)


def test_a_check_of_an_older_text_leaves_what_came_after_it() -> None:
    board = replace(Board(), generation=3)
    board = checked(found(board, fixes_found(3, MUT_TOTAL)), text_checked(2))
    assert ids(board) == [MUT_TOTAL.offer_id]


def test_where_problems_stand_is_unknown_between_an_edit_and_the_next_check() -> None:
    board = changed(searched(), [FILE])
    assert placed_problems(board, FILE) == ()
    board = checked(board, text_checked(2, TOTAL))
    assert placed_problems(board, FILE) == (TOTAL,)
    assert placed_problems(Board(), FILE) == ()


def test_what_was_dismissed_stays_away() -> None:
    board = dismissed(searched(), MUT_TOTAL.offer_id)
    assert ids(board) == [SHADOW_TOTAL.offer_id, MUT_COUNT.offer_id]
    assert valid_bundles(board, hash_of) == ()
    board = found(board, fixes_found(1, MUT_TOTAL, SHADOW_TOTAL, bundles=(BOTH,)))
    assert ids(board) == [SHADOW_TOTAL.offer_id, MUT_COUNT.offer_id]
    assert valid_bundles(board, hash_of) == ()


def test_a_bundle_holds_only_while_each_of_its_fixes_may_be_applied_unasked() -> None:
    hesitant = replace(MUT_TOTAL, fix=replace(MUT_TOTAL.fix, preferred=False))
    for other in (hesitant, replace(MUT_TOTAL, is_provisional=True)):
        board = found(searched(), fixes_found(1, other))
        assert valid_bundles(board, hash_of) == ()
    assert valid_bundles(found(board, fixes_found(1, MUT_TOTAL)), hash_of) != ()


def test_of_two_bundles_of_one_subject_the_later_one_counts() -> None:
    of_kind = bundle_of([MUT_TOTAL, MUT_COUNT], TEXTS, BundleKind.KIND, "E0596")
    board = found(searched(), fixes_found(1, bundles=(of_kind, replace(BOTH, bundle_id="later"))))
    assert {held.bundle.bundle_id for held in valid_bundles(board, hash_of)} == {of_kind.bundle_id, "later"}
    later = replace(board, generation=2)
    later = found(later, fixes_found(2, bundles=(replace(BOTH, bundle_id="newest"),)))
    later = found(later, fixes_found(1, bundles=(BOTH,)))
    assert bundle_of_id(later, "newest", hash_of) is not None
    assert bundle_of_id(later, BOTH.bundle_id, hash_of) is None


def test_offers_can_be_taken_out_by_what_they_are() -> None:
    board = without(searched(), lambda offer: not offer.fix.preferred, lambda bundle: True)
    assert ids(board) == [MUT_TOTAL.offer_id, MUT_COUNT.offer_id]
    assert not board.bundles


def test_why_nothing_was_found_is_of_the_last_search() -> None:
    board = replace(Board(), generation=2)
    board = ended(board, search_ended(2, one="nothing compiled"))
    assert board.unsolved == {"one": "nothing compiled"}
    assert ended(board, search_ended(1, two="late")) == board


def test_a_problem_without_a_place_has_offers_as_well() -> None:
    known = known_problem(FILE, TEXT, "total += 1")
    nowhere = replace(known, problem=replace(known.problem, diagnostic=Diagnostic(Level.ERROR, None, "no `main`", ())))
    offer = live_offer(nowhere, TEXTS, replacing(FILE, TEXT, "total", "sum"))
    board = found(searched(), fixes_found(1, offer))
    assert [held.offers for held in valid_offers(board, None, hash_of)] == [(offer,)]


def test_places_are_those_of_the_problems_file_the_primary_one_first() -> None:
    others = (span_at(FILE, TEXT, "let total", is_primary=False), span_at(OTHER_FILE, OTHER_TEXT, "other"))
    below = Diagnostic(Level.HELP, None, "make it mutable", (span_at(FILE, TEXT, "fn main"),))
    known = known_problem(FILE, TEXT, "total += 1", others=others, children=(below,))
    board = found(searched(), fixes_found(1, live_offer(known, TEXTS, replacing(FILE, TEXT, "total", "sum"))))
    (held, *_) = valid_offers(board, FILE, hash_of)
    assert [TEXT[start:end] for start, end in held.places] == [b"total += 1", b"let total", b"fn main"]


def test_what_changed_long_ago_is_forgotten_by_nobody_but_takes_no_room() -> None:
    """Thousands of edits leave a board as small as one."""
    board = searched()
    for _ in range(5000):
        board = changed(board, [FILE])
    assert (board.generation, len(board.last_changed), board.offers, board.bundles) == (5001, 1, {}, {})
