from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.serving.llama.prefix_cache import PrefixCache, WeightsKey, common_prefix_length

BASE = WeightsKey("base")
ADAPTER = WeightsKey("base", "adapter")


def test_the_longest_beginning_is_found() -> None:
    cache = PrefixCache(10_000)
    cache.put(BASE, (1, 2, 3, 9), bytearray(b"short"))
    cache.put(BASE, (1, 2, 3, 4, 5, 9), bytearray(b"long"))
    found = cache.longest(BASE, (1, 2, 3, 4, 5, 6))
    assert found is not None
    assert (found.state, found.shared) == (bytearray(b"long"), 5)
    assert cache.longest(BASE, (2, 3)) is None


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(ADAPTER, id="an adapter"),
        pytest.param(WeightsKey("another base"), id="another base"),
        pytest.param(WeightsKey("base", "adapter", 0.5), id="another scale"),
    ],
)
def test_states_of_other_weights_are_never_given(other: WeightsKey) -> None:
    cache = PrefixCache(10_000)
    cache.put(WeightsKey("base", "adapter") if other.adapter_scale != 1 else BASE, (1, 2, 3), bytearray(b"state"))
    assert cache.longest(other, (1, 2, 3)) is None
    assert not cache.covers(other, (1, 2, 3))


def test_the_least_recently_used_state_goes_first() -> None:
    cache = PrefixCache(3 * (100 + 8))
    for token in (1, 2, 3):
        cache.put(BASE, (token,), bytearray(100))
    assert cache.longest(BASE, (1, 7)) is not None
    cache.put(BASE, (4,), bytearray(100))
    assert [cache.longest(BASE, (token,)) is not None for token in (1, 2, 3, 4)] == [True, False, True, True]


def test_a_state_of_a_beginning_is_replaced_by_the_longer_one() -> None:
    cache = PrefixCache(10_000)
    cache.put(BASE, (1, 2), bytearray(10))
    cache.put(ADAPTER, (1, 2), bytearray(10))
    cache.put(BASE, (1, 2, 3), bytearray(10))
    assert len(cache) == 2
    assert cache.covers(BASE, (1, 2))
    assert cache.covers(ADAPTER, (1, 2)) and not cache.covers(ADAPTER, (1, 2, 3))


def test_what_is_larger_than_the_whole_cache_is_not_kept() -> None:
    cache = PrefixCache(50)
    cache.put(BASE, (1,), bytearray(20))
    cache.put(BASE, (2,), bytearray(100))
    assert cache.longest(BASE, (1,)) is not None
    assert cache.longest(BASE, (2,)) is None


def test_states_of_adapters_that_are_gone_are_forgotten() -> None:
    cache = PrefixCache(10_000)
    cache.put(BASE, (1,), bytearray(20))
    cache.put(ADAPTER, (1,), bytearray(20))
    cache.keep_only({BASE})
    assert len(cache) == 1
    assert cache.longest(ADAPTER, (1,)) is None
    cache.clear()
    assert (len(cache), cache.stored_bytes) == (0, 0)


TOKENS = st.lists(st.integers(0, 3), max_size=12)


@given(TOKENS, TOKENS)
def test_the_common_beginning_is_as_long_as_a_loop_finds_it(left: list[int], right: list[int]) -> None:
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    assert common_prefix_length(left, right) == length


@given(st.lists(st.tuples(st.sampled_from([BASE, ADAPTER]), TOKENS, st.integers(0, 120)), max_size=40))
def test_the_bytes_are_counted_and_never_more_than_allowed(puts: list[tuple[WeightsKey, list[int], int]]) -> None:
    cache = PrefixCache(300)
    for weights, tokens, size in puts:
        cache.put(weights, tokens, bytearray(size))
        kept = [cache.longest(key, tokens) for key in (BASE, ADAPTER)]
        assert cache.stored_bytes <= 300
        assert all(found is None or found.shared == common_prefix_length(found.tokens, tokens) for found in kept)
    cache.keep_only(())
    assert cache.stored_bytes == 0
