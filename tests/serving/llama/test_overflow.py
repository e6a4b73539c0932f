from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.serving.engine import PromptPart
from sleepy_agent.serving.llama.overflow import fit_parts

PARTS = (
    PromptPart("The error. "),
    PromptPart("far ", 0.1),
    PromptPart("near ", 0.9),
    PromptPart("far too ", 0.1),
    PromptPart("Fix it."),
)


@pytest.mark.parametrize(
    ("most", "text"),
    [
        (100, "The error. far near far too Fix it."),
        (30, "The error. far near Fix it."),
        (26, "The error. near Fix it."),
        (20, "The error. Fix it."),
        (18, "The error. Fix it."),
        (17, None),
    ],
)
def test_the_least_important_parts_go_first_and_the_needed_ones_never(most: int, text: str | None) -> None:
    assert fit_parts(PARTS, most, len) == text


def test_what_fits_is_counted_once() -> None:
    counted: list[str] = []

    def count(text: str) -> int:
        counted.append(text)
        return len(text)

    fit_parts(PARTS, 100, count)
    assert len(counted) == 1


@pytest.mark.parametrize(
    ("most", "text"), [(27, "The error. far near Fix it."), (26, "The error. near Fix it."), (22, "The error. Fix it.")]
)
def test_parts_that_take_less_together_than_alone_are_not_left_out_for_nothing(most: int, text: str) -> None:
    def count(part: str) -> int:
        # Each text takes one more than its letters, unless it is long.
        return len(part) + (1 if len(part) < 20 else 0)

    assert fit_parts(PARTS, most, count) == text


@given(
    st.lists(st.builds(PromptPart, st.text("ab", max_size=6), st.none() | st.floats(0, 1)), max_size=12),
    st.integers(0, 40),
)
def test_the_needed_parts_stay_in_order_and_the_text_fits(parts: list[PromptPart], most: int) -> None:
    needed = "".join(part.text for part in parts if part.importance is None)
    text = fit_parts(parts, most, len)
    if text is None:
        assert len(needed) > most
        return
    assert len(text) <= most
    # Letters of the needed parts appear in their order among what was kept.
    letters = iter(text)
    assert all(letter in letters for letter in needed)
