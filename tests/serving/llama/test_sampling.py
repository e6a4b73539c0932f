from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.errors import ModelError
from sleepy_agent.serving.llama.sampling import RecordedChooser, SampleChooser, likeliest


def chooser(temperature: float, top_p: float = 1.0, seed: int = 0) -> SampleChooser:
    return SampleChooser(temperature, top_p, np.random.default_rng(seed))


@given(st.integers(1, 20_000), st.integers(1, 60), st.integers(0, 1000), st.sampled_from([1, 5, 1000]))
def test_the_likeliest_are_found_in_vocabularies_of_any_size(size: int, count: int, seed: int, steps: int) -> None:
    # Few different values make many ties, which the earlier token wins.
    logits = np.random.default_rng(seed).integers(0, steps, size).astype(np.float32)
    found = likeliest(logits, count)
    assert len(found) == min(count, size)
    assert logits[found].tolist() == sorted(logits.tolist(), reverse=True)[:count]
    assert len(set(found.tolist())) == len(found)


def test_without_temperature_the_likeliest_token_is_taken() -> None:
    logits = np.array([0.0, 3.0, 1.0], np.float32)
    assert {chooser(0.0, seed=seed).choose(logits) for seed in range(20)} == {1}


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    probabilities = np.array([0.5, 0.3, 0.15, 0.05])
    logits = np.log(probabilities).astype(np.float32)
    one = chooser(1.0)
    drawn = Counter(one.choose(logits) for _ in range(20_000))
    assert [drawn[token] / 20_000 for token in range(4)] == pytest.approx(probabilities.tolist(), abs=0.02)
    # Half the temperature squares the weights.
    one = chooser(0.5)
    drawn = Counter(one.choose(logits) for _ in range(20_000))
    squared = probabilities**2 / (probabilities**2).sum()
    assert [drawn[token] / 20_000 for token in range(4)] == pytest.approx(squared.tolist(), abs=0.02)


@pytest.mark.parametrize(
    ("top_p", "possible"), [(0.0, {0}), (0.4, {0}), (0.6, {0, 1}), (0.9, {0, 1, 2}), (1.0, {0, 1, 2, 3})]
)
def test_only_the_fewest_tokens_that_reach_top_p_are_drawn_from(top_p: float, possible: set[int]) -> None:
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05])).astype(np.float32)
    one = chooser(1.0, top_p)
    assert {one.choose(logits) for _ in range(500)} == possible


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_numbers_that_are_none_are_told(temperature: float) -> None:
    with pytest.raises(ModelError, match="NaN"):
        chooser(temperature).choose(np.array([0.0, np.nan, 1.0], np.float32))


def test_a_recorded_text_is_written_whatever_the_logits_say() -> None:
    logits = np.array([0.0, 3.0, 1.0], np.float32)
    one = RecordedChooser([2, 0], chooser(0.0))
    assert [one.choose(logits) for _ in range(3)] == [2, 0, None]
    one.close()
