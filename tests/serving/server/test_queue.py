"""Fairness between clients, and the limit."""

from __future__ import annotations

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.serving.server.request_queue import FairQueue


def drained(queue: FairQueue[str]) -> list[str]:
    found = []
    while (item := queue.take()) is not None:
        found.append(item)
    return found


def test_clients_take_turns() -> None:
    queue: FairQueue[str] = FairQueue(10)
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        assert queue.put(item[0], item)
    assert drained(queue) == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert len(queue) == 0


def test_who_was_just_served_comes_after_who_waits() -> None:
    queue: FairQueue[str] = FairQueue(10)
    queue.put("a", "a1")
    queue.put("a", "a2")
    queue.put("b", "b1")
    assert queue.take() == "a1"
    queue.put("a", "a3")
    assert drained(queue) == ["b1", "a2", "a3"]


def test_a_full_queue_refuses_and_keeps_what_it_has() -> None:
    queue: FairQueue[str] = FairQueue(2)
    assert [queue.put("a", item) for item in ("1", "2", "3")] == [True, True, False]
    assert drained(queue) == ["1", "2"]
    assert queue.put("a", "4")


def test_what_was_removed_is_not_served() -> None:
    queue: FairQueue[str] = FairQueue(3)
    for item in ("1", "2", "3"):
        queue.put("a", item)
    assert queue.remove("a", "2")
    assert not queue.remove("a", "2")
    assert not queue.remove("b", "1")
    assert queue.put("b", "4"), "there is room again"
    assert drained(queue) == ["1", "4", "3"]


@given(st.lists(st.sampled_from("abcd"), max_size=40))
def test_nobody_is_lost_and_nobody_is_served_twice_before_another_who_waits(clients: list[str]) -> None:
    queue: FairQueue[str] = FairQueue(100)
    numbered: Counter[str] = Counter()
    for client in clients:
        queue.put(client, f"{client}{numbered[client]}")
        numbered[client] += 1
    served = drained(queue)
    assert len(served) == len(clients)
    for client, count in numbered.items():
        mine = [item for item in served if item[0] == client]
        assert mine == [f"{client}{number}" for number in range(count)]
        places = [place for place, item in enumerate(served) if item[0] == client]
        assert all(later - earlier <= len(numbered) for earlier, later in itertools.pairwise(places))
