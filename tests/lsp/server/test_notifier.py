"""When news goes out: the first at once, what follows closely gathered into one message."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sleepy_lsp.server.notifier import READY, FileNews, Notifier, TellingWays
from sleepy_lsp.workspaces.status import State, Status

FILE = Path("lib.rs")


class Line:
    """A client that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.heard = asyncio.Event()

    def notify(self, method: str, parameters: object) -> None:
        assert method == READY
        assert isinstance(parameters, dict)
        self.told.append(parameters["offers"])
        self.heard.set()

    async def request(self, method: str, parameters: object) -> object:
        raise AssertionError(f"{method} was asked")


class Stage:
    """A notifier with one file, whose number of offers is `offers`."""

    def __init__(self) -> None:
        self.offers = 0
        self.line = Line()
        ways = TellingWays(knows_sleepy=True)
        self.notifier = Notifier(self.line, ways, self.news, lambda _path: (), lambda: Status(State.IDLE))

    def news(self, _path: Path) -> FileNews:
        return FileNews("file:///lib.rs", 1, is_open=True, problems=1, offers=self.offers, mark=self.offers)

    def found(self, offers: int) -> None:
        self.offers = offers
        self.notifier.files_changed([FILE])

    async def hear(self) -> list[int]:
        """What was told since the last time, once there is something."""
        await asyncio.wait_for(self.line.heard.wait(), 10)
        self.line.heard.clear()
        told, self.line.told = self.line.told, []
        return told


async def one_turn() -> None:
    """Let the loop come round once."""
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await turned.wait()


@pytest.mark.asyncio
async def test_the_first_news_goes_out_at_once() -> None:
    stage = Stage()
    stage.found(1)
    # The timer is due, so that it fires when the loop comes round; no time passes here.
    for _ in range(3):
        await one_turn()
    assert stage.line.told == [1]


@pytest.mark.asyncio
async def test_what_follows_closely_is_one_message() -> None:
    stage = Stage()
    stage.found(1)
    assert await stage.hear() == [1]
    for offers in (2, 3, 4):
        stage.found(offers)
        await one_turn()
    assert stage.line.told == []
    assert await stage.hear() == [4]


@pytest.mark.asyncio
async def test_nothing_is_told_twice() -> None:
    stage = Stage()
    stage.found(1)
    assert await stage.hear() == [1]
    stage.found(1)
    stage.found(2)
    assert await stage.hear() == [2]
