"""What a client does with offers reaches the store, through a real server process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from lsp.fakes import Editor, cargo_project, changes_of, editor, offers_of, text_after
from sleepy_agent.config import find_places
from sleepy_agent.domain import Episode, Outcome
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import list_episodes

LONGEST_SECONDS = 60.0
BROKEN = "fn main() { broken_one }\n"
MENDED = "fn main() { mended_one }\n"
QUICK = {"settings": {"rest_milliseconds": 1, "debounce_milliseconds": 1, "settle_seconds": 0.5}}


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, LONGEST_SECONDS))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return cargo_project(tmp_path / "demo", lib=BROKEN)


def episodes() -> list[Episode]:
    store = find_places().store_file
    if not store.exists():
        return []
    with open_database(store) as database:
        return [stored.episode for stored in list_episodes(database)]


async def until(one: Editor, condition: Callable[[], bool]) -> None:
    """Nothing tells when the server has stored something, so it is looked for after each of its answers."""
    while not condition():
        await one.ask("sleepy/explain", {"problemId": "nobody's"})


async def take(one: Editor, uri: str) -> None:
    """As a client takes the first offer: the edit, then the command."""
    await one.wait_ready(offers=2)
    action = await one.client.code_action_resolve_async(offers_of(await one.actions(uri))[0])
    (change,) = changes_of(action)
    one.type(uri, text_after(BROKEN, change.edits))
    assert action.command is not None
    await one.command(action.command.command, *(action.command.arguments or []))


@pytest.mark.parametrize(("later", "outcome"), [(None, Outcome.SETTLED), (BROKEN, Outcome.UNDONE)])
def test_what_is_taken_is_followed(project: Path, later: str | None, outcome: Outcome) -> None:
    async def work() -> None:
        async with editor(project, options=QUICK) as one:
            uri = one.open(project / "src/lib.rs")
            await take(one, uri)
            if later is not None:
                one.type(uri, later)
            await until(one, lambda: outcome in [episode.outcome for episode in episodes()])
        (taken,) = [episode for episode in episodes() if episode.outcome == outcome]
        assert taken.metadata["taken_by"] == "command"
        assert taken.settled_text == (later or MENDED).strip()

    run(work())


def test_what_the_developer_types_is_an_own_fix(project: Path) -> None:
    async def work() -> None:
        async with editor(project, options=QUICK) as one:
            uri = one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)
            assert offers_of(await one.actions(uri))
            one.type(uri, "fn main() { my_own }\n")
            await one.wait_ready(problems=0)
            await until(one, lambda: "own" in [episode.source for episode in episodes()])
        (own,) = [episode for episode in episodes() if episode.source == "own"]
        assert (own.outcome, own.metadata["provenance"]) == (Outcome.SETTLED, "typing")
        assert own.settled_text == "fn main() { my_own }"
        assert len(own.metadata["offers_not_taken"].split()) >= 1

    run(work())
