"""What the benchmark of the proxy counts, and the server it measures with."""

from __future__ import annotations

import json
import math

import pytest

from benchmarks.echo_server import answers
from benchmarks.proxy_latency import ECHO, KINDS, BothWays, Connection, bars, proxied
from benchmarks.results import value_text
from sleepy_lsp.proxy.framing import FrameReader


def test_extra_is_the_difference_of_percentiles() -> None:
    # One way had to wait once; that is in its last percentile and in no other.
    times = BothWays([1.0] * 100, [1.25] * 99 + [9.0])
    assert times.extra(50) == pytest.approx(0.25)
    assert times.extra(99) > 5
    assert [(figure.bar, figure.met) for figure in bars("x", times)] == [(1, True), (5, False)]


def test_too_few_values_meet_no_bar() -> None:
    assert math.isnan(BothWays([1.0], [1.0]).extra(50))
    assert bars("x", BothWays())[0].met is False


def test_the_ways_take_turns() -> None:
    direct, through = Connection(["direct"]), Connection(["through"])
    order: list[str] = []

    def act(connection: Connection) -> float:
        order.append(connection.command[0])
        return 1.0

    times = BothWays()
    for _ in range(2):
        times.ask(direct, through, act)
    assert order == ["through", "direct", "direct", "through"]
    assert (len(times.direct), len(times.through)) == (2, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_have_the_size_that_was_asked_for(kind: str) -> None:
    method, size, _ = KINDS[kind]
    message = {"method": method, "params": {"size": size}} | ({} if method.startswith("test/") else {"id": 3})
    (raw,) = answers(message)
    (frame,) = FrameReader().feed(raw)
    assert frame.body is not None
    json.loads(frame.body)
    assert 0.8 * size < len(raw) < 1.2 * size


def test_both_ways_answer_the_same() -> None:
    with Connection(ECHO) as direct, Connection(proxied(ECHO, is_busy=False)) as through:
        for connection in (direct, through):
            connection.begin({"capabilities": {}})
        ask = {"size": 2000}
        assert direct.ask("textDocument/hover", ask) == through.ask("textDocument/hover", ask)


@pytest.mark.parametrize(("value", "text"), [(0.314, "0.31 ms"), (-0.02, "-0.02 ms"), (38.4, "38 ms"), (5, "5 ms")])
def test_small_times_keep_their_digits(value: float, text: str) -> None:
    assert value_text(value, "ms") == text
