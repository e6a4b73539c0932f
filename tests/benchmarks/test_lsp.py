"""The pure parts of the language server's benchmarks: edits, the typist, the fit, whose process is whose."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest

from benchmarks.lsp_editor import difference, is_at_rest, place_of, position_of
from benchmarks.lsp_latency import Timed
from benchmarks.lsp_line import Arrival, Journal
from benchmarks.lsp_processes import Role, role_of
from benchmarks.lsp_projects import LaidMistake, Replays
from benchmarks.lsp_typing import hidden_errors
from benchmarks.lsp_typist import BackToGreen, Keystroke, Save, TakeOffer, keys_of, line_through, snippets, steps
from sleepy_agent.process import CancelToken

FILE = Path("src/lib.rs")
GREEN = "pub fn größe() -> usize {\n    1\n}\n".encode()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"abc", b"abc", (3, 3, b"")),
        (b"abc", b"axc", (1, 2, b"x")),
        (b"aa", b"aaa", (2, 2, b"a")),
        (b"aaa", b"aa", (2, 3, b"")),
        (b"", b"new", (0, 0, b"new")),
        # é and è share their first byte, é and ũ their last one.
        ("é".encode(), "è".encode(), (0, 2, "è".encode())),
        ("xé".encode(), "xũ".encode(), (1, 3, "ũ".encode())),
    ],
)
def test_the_stretch_that_differs(old: bytes, new: bytes, expected: tuple[int, int, bytes]) -> None:
    start, end, added = difference(old, new)
    assert (start, end, added) == expected
    assert old[:start] + added + old[end:] == new


def test_places_are_positions_and_back() -> None:
    for place in range(len(GREEN) + 1):
        assert place_of(GREEN, position_of(GREEN, place)) == place
    assert position_of(GREEN, GREEN.index(b"1")) == {"line": 1, "character": 4}
    assert place_of(GREEN, {"line": 99, "character": 0}) == len(GREEN)


def test_keys_add_up_to_what_is_typed() -> None:
    for function in snippets():
        keys = list(keys_of(function))
        assert "".join(keys) == function
        assert all(len(key) == 1 or key.lstrip("\n ") == "" for key in keys)


def test_the_typist_changes_a_little_at_a_time_and_comes_back_to_the_green_text() -> None:
    broken = GREEN.replace(b"usize", b"usiz")
    mistakes = (LaidMistake("typo", FILE, broken, 0) for _ in range(6))
    text, taken, saves = GREEN, 0, 0
    ends = []
    for step in steps({FILE: GREEN}, mistakes, "seed"):
        match step:
            case Keystroke(_, new, rest):
                start, end, added = difference(text, new)
                assert end - start <= 1, (text[start:end], added)
                assert 0 < rest < 1
                text = new
            case BackToGreen(_, new):
                ends.append(new)
                text = new
            case TakeOffer():
                taken += 1
                assert text == broken
            case Save():
                saves += 1
    assert text == GREEN
    assert set(ends) == {GREEN}
    assert (taken, saves > 8) == (2, True)


def test_the_typist_is_the_same_for_the_same_seed() -> None:
    first, again, other = (
        list(itertools.islice(steps({FILE: GREEN}, iter(()), seed), 300)) for seed in ("one", "one", "other")
    )
    assert first == again
    assert first != other


def test_a_straight_line_through_samples() -> None:
    line = line_through([(600.0, 100.0), (1200.0, 102.0), (1800.0, 104.0)])
    assert line.start == pytest.approx(100)
    assert line.slope == pytest.approx(2 / 600)
    assert line.growth(1200) == pytest.approx(4)
    assert line_through([(0, 5.0), (1, 5.0)]).growth(100) == 0
    assert math.isnan(line_through([(0, 5.0)]).growth(1))


def test_what_a_title_admits_is_read() -> None:
    assert hidden_errors("Sleepy: add a type (rustc accepts it; brings 2 errors to light that it hid)") == 2
    assert hidden_errors("Sleepy: add a type (rustc accepts it; brings 1 error to light that it hid)") == 1
    assert hidden_errors("Sleepy: add a type (rustc accepts it)") == 0


WORKER = ["python3", "-m", "sleepy_agent.live.worker"]
SERVER = ["/venv/bin/python", "/venv/bin/sleepy", "lsp"]
PROXY = [*SERVER, "--wrap", "/bin/rust-analyzer"]


@pytest.mark.parametrize(
    ("command", "ancestors", "role"),
    [
        (PROXY, [["bash"]], Role.PROXY),
        (["python3", "-m", "sleepy_agent.cli", "lsp"], [PROXY], Role.SERVER),
        (SERVER, [["python", "-m", "benchmarks"]], Role.SERVER),
        (WORKER, [SERVER], Role.WORKER),
        (WORKER, [WORKER, SERVER], Role.OTHER),
        (["/toolchain/rustc", "--crate-name", "a"], [WORKER, SERVER], Role.COMPILER),
        (["cargo", "check"], [WORKER], Role.COMPILER),
        (["/bin/rust-analyzer"], [PROXY], Role.ANALYZER),
        (["rustc", "-"], [["cargo", "check"], ["/bin/rust-analyzer"], PROXY], Role.ANALYZER),
        ([], [], Role.OTHER),
    ],
)
def test_what_a_process_is_there_for(command: list[str], ancestors: list[list[str]], role: Role) -> None:
    assert role_of(command, ancestors) is role


def test_the_wait_is_counted_from_the_check_and_never_negative() -> None:
    def timed(rustc: float | None, ready: float | None) -> Timed:
        return Timed("typo", "a.rs", Replays(50, 100), 10.0, rustc, 60.0, ready, 500.0)

    assert (timed(400, 550).wait, timed(400, 550).ratio) == (150, 1.5)
    assert (timed(400, 300).wait, timed(400, 300).ratio) == (0, 0)
    assert (timed(None, 300).wait, timed(400, None).ratio) == (None, None)


def status(state: str) -> Arrival:
    return Arrival(0.0, "sleepy", "sleepy/status", {"state": state})


def check(kind: str) -> Arrival:
    return Arrival(0.0, "rust-analyzer", "$/progress", {"token": "flycheck/0", "value": {"kind": kind}})


@pytest.mark.parametrize(
    ("told", "rests"),
    [
        ([], True),
        ([status("checking")], False),
        ([status("checking"), status("idle")], True),
        ([status("idle"), check("begin")], False),
        ([check("begin"), status("idle"), check("end")], True),
    ],
)
def test_everybody_rests_when_nobody_said_otherwise(told: list[Arrival], rests: bool) -> None:
    assert is_at_rest(told) is rests


def test_a_journal_gives_what_came_since_a_mark() -> None:
    journal = Journal(CancelToken())
    journal.add(status("idle"))
    mark = journal.mark()
    assert journal.since(mark) == []
    journal.add(status("checking"))
    journal.add(status("searching"))
    assert [one.content["state"] for one in journal.since(mark)] == ["checking", "searching"]
    found = journal.until(mark, lambda one: one.content["state"] == "searching", 1.0)
    assert found == status("searching")
    assert journal.until(mark, lambda one: False, 0.0) is None
