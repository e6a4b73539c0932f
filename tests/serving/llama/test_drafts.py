from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.serving.llama.drafts import NOTHING, PromptLookup


def replay(prompt: Sequence[int], expected: Sequence[int], written: Sequence[int]) -> tuple[int, int]:
    """Write `written` with drafts, as the engine's loop does. Returns how many batches it took and how many drafted
    tokens were right."""
    drafts = PromptLookup(prompt, expected)
    drafts.extend(written[:1], 0, 0)
    place, batches, right = 1, 0, 0
    while place < len(written):
        proposal = list(drafts.propose(len(written) - place))
        accepted = 0
        while accepted < len(proposal) and proposal[accepted] == written[place + accepted]:
            accepted += 1
        came = written[place : place + accepted + 1]
        drafts.extend(came, accepted, len(proposal))
        place, batches, right = place + len(came), batches + 1, right + accepted
    return batches, right


TEXT = tuple(range(100, 140))
EDITED = (*TEXT[:15], 7, *TEXT[15:])


@pytest.mark.parametrize(
    ("prompt", "expected", "written", "most_batches"),
    [
        pytest.param((), TEXT, TEXT, 3, id="copies what is expected"),
        pytest.param((1, 2, *TEXT, 3, 4), (), TEXT, 7, id="copies from the prompt"),
        pytest.param((), TEXT, EDITED, 9, id="one token put in: back in the expected text after four more"),
        pytest.param((), TEXT, (*TEXT[:15], *TEXT[18:]), 8, id="three tokens left out"),
        pytest.param((), TEXT, (*TEXT[:15], 7, 8, 9, *TEXT[16:]), 11, id="a token replaced by three"),
        pytest.param((), (), (5, 6, 7, 8) * 6, 11, id="repeats itself"),
    ],
)
def test_copied_text_takes_few_batches(
    prompt: Sequence[int], expected: Sequence[int], written: Sequence[int], most_batches: int
) -> None:
    batches, right = replay(prompt, expected, written)
    assert batches <= most_batches
    assert right >= len(written) - 1 - batches


def test_text_that_is_not_copied_costs_few_wrong_guesses() -> None:
    prompt = tuple(place % 7 for place in range(100))
    written = tuple(1000 + place for place in range(50))
    assert replay(prompt, (), written) == (49, 0)
    assert list(PromptLookup(prompt, ()).propose(0)) == []


def test_wrong_guesses_in_a_row_ask_for_longer_matches() -> None:
    run = (1, 2, 3, 4)
    drafts = PromptLookup((*run, 5, 6, 7, 8, *run))
    assert list(drafts.propose(8)) == [5, 6, 7]
    for token in (50, 51):
        drafts.extend((token, *run), 0, 3)
    assert list(drafts.propose(8)) == [], "four tokens in a row are not trusted any more"
    drafts.extend((5, 6), 1, 3)
    assert list(drafts.propose(8)) == [7, 8, 1]


@pytest.mark.parametrize(
    ("same", "length"), [(1, 0), (2, 0), (3, 3), (4, 3), (7, 3), (8, 15), (15, 15), (16, 31), (30, 31)]
)
def test_the_more_was_the_same_the_longer_is_the_draft(same: int, length: int) -> None:
    prompt = (*TEXT[:5], *range(200, 200 + same), *range(300, 340), 1)
    drafts = PromptLookup((*prompt, *range(200, 200 + same)))
    assert list(drafts.propose(100)) == list(range(300, 300 + length))


def test_the_expected_text_is_preferred_to_the_prompt() -> None:
    assert list(PromptLookup((1, 2, 3, 4, 8, 9, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5, 6, 7)).propose(3)) == [5, 6, 7]


def test_a_proposal_is_never_longer_than_asked() -> None:
    drafts = PromptLookup((), TEXT, longest_draft=3)
    drafts.extend(TEXT[:1], 0, 0)
    assert list(drafts.propose(100)) == list(TEXT[1:4])
    assert list(drafts.propose(2)) == list(TEXT[1:3])
    assert list(drafts.propose(-1)) == []


SMALL = st.lists(st.integers(0, 2), max_size=30)


@given(SMALL, SMALL, st.lists(st.integers(0, 2), min_size=1, max_size=60))
def test_whatever_comes_proposals_are_tokens_that_were_there(
    prompt: list[int], expected: list[int], written: list[int]
) -> None:
    drafts = PromptLookup(prompt, expected)
    for place, token in enumerate(written):
        proposal = list(drafts.propose(5))
        assert len(proposal) <= 5
        assert NOTHING not in proposal
        assert set(proposal) <= {*prompt, *expected, *written[:place]}
        drafts.extend([token], int(proposal[:1] == [token]), len(proposal))
    assert replay(prompt, expected, written)[1] <= len(written)
