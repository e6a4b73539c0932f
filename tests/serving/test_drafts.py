from __future__ import annotations

from collections.abc import Sequence

import pytest

from sleepy_agent.serving.drafts import PromptLookup


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
        pytest.param((), TEXT, TEXT, 6, id="copies what is expected"),
        pytest.param((1, 2, *TEXT, 3, 4), (), TEXT, 7, id="copies from the prompt"),
        pytest.param((), TEXT, EDITED, 11, id="one token put in: back in the expected text after one more"),
        pytest.param((), TEXT, (*TEXT[:15], *TEXT[18:]), 10, id="three tokens left out"),
        pytest.param((), TEXT, (*TEXT[:15], 7, 8, 9, *TEXT[16:]), 13, id="a token replaced by three"),
        pytest.param((), (), (5, 6, 7, 8) * 6, 12, id="repeats itself"),
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
    drafts = PromptLookup((1, 2, 3, 4, 9, 1, 2), ())
    assert list(drafts.propose(8)) == [3, 4, 9, 1]
    for token in (50, 51, 52):
        drafts.extend((token, 1, 2), 0, 2)
    assert list(drafts.propose(8)) == [], "`1 2` alone is not trusted any more"


def test_a_proposal_is_never_longer_than_asked() -> None:
    drafts = PromptLookup((), TEXT, longest_draft=3)
    assert list(drafts.propose(100)) == list(TEXT[:3])
    assert list(drafts.propose(2)) == list(TEXT[:2])


def test_right_guesses_make_the_next_ones_longer() -> None:
    drafts = PromptLookup((), TEXT)
    assert len(drafts.propose(100)) == 4
    drafts.extend(TEXT[:5], 4, 4)
    assert list(drafts.propose(100)) == list(TEXT[5:13])
    drafts.extend((999,), 0, 8)
    assert len(drafts.propose(100)) <= 2
