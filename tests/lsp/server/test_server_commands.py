"""What the commands do."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp

from lsp.fakes import cargo_project, editor, full_capabilities, offers_of, own_data
from lsp.protocol_page import examples, keys_of
from sleepy_agent.config import find_places
from sleepy_agent.domain import Outcome
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import list_episodes
from sleepy_lsp.texts.convert import path_of_uri

LONGEST_SECONDS = 60.0
BROKEN = "fn main() { broken_one }\n"
QUICK = {"settings": {"rest_milliseconds": 1, "debounce_milliseconds": 1}}


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, LONGEST_SECONDS))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return cargo_project(tmp_path / "demo", lib=BROKEN)


def test_not_this_fix_is_remembered_for_the_next_text(project: Path) -> None:
    async def work() -> None:
        async with editor(project, options=QUICK) as one:
            uri = one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)
            actions = await one.actions(uri)
            (dismissing,) = [action for action in actions if "not this fix" in action.title]
            assert dismissing.command is not None
            await one.command(dismissing.command.command, *(dismissing.command.arguments or []))
            await one.wait_ready(offers=1)
            (left,) = offers_of(await one.actions(uri))
            assert "other_one" in left.title
            version = one.type(uri, "\n" + BROKEN)
            while (await one.wait_ready(offers=1)).version != version:
                pass
            (left,) = offers_of(await one.actions(uri, line=1))
            assert "other_one" in left.title

    run(work())


def test_what_the_client_says_it_applied_is_in_the_store(project: Path) -> None:
    async def work() -> None:
        options = {"settings": {**QUICK["settings"], "settle_seconds": 0.0}}
        async with editor(project, options=options) as one:
            uri = one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)
            _, other = offers_of(await one.actions(uri))
            # The text is not what the offer makes of it, as where an editor formats at once: only the command tells.
            one.type(uri, "fn main() { other_one; }\n\n")
            await one.command("sleepy.applied", own_data(other)["offerId"])
            await one.wait_ready(problems=0)

    run(work())
    database = open_database(find_places().store_file)
    outcomes = {stored.episode.title: stored.episode.outcome for stored in list_episodes(database)}
    database.close()
    taken = {Outcome.ACCEPTED, Outcome.SETTLED, Outcome.EDITED}
    assert outcomes["use `other_one`"] in taken
    assert outcomes.get("use `mended_one`") not in taken


def test_a_pause_lasts_until_resume(project: Path, tmp_path: Path) -> None:
    async def work() -> None:
        journal = tmp_path / "journal"
        async with editor(project, options=QUICK, journal=journal) as one:
            uri = one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)
            await one.command("sleepy.pause")
            assert "sleepy.resume" in (await one.wait_status("paused")).reason
            heard = journal.read_text(encoding="utf-8")
            one.type(uri, "fn main() { broken_two }\n")
            assert await one.actions(uri) == []
            assert journal.read_text(encoding="utf-8") == heard
            await one.command("sleepy.resume")
            await one.wait_status("idle")
            assert "mended_two" in offers_of(await one.actions(uri))[0].title

    run(work())


def test_a_muted_family_is_quiet_also_in_another_editor(project: Path) -> None:
    async def work() -> None:
        async with editor(project, options=QUICK) as one, editor(project, options=QUICK) as two:
            uris = [each.open(project / "src/lib.rs") for each in (one, two)]
            for each in (one, two):
                await each.wait_ready(offers=2)
            await one.command("sleepy.muteFamily", "missing_items")
            await one.wait_ready(offers=0)
            assert await one.actions(uris[0]) == []
            assert await two.actions(uris[1]) == []
            assert await one.ask("sleepy/offers", {}) == []
            await one.command("sleepy.unmute", "missing_items")
            await one.wait_ready(offers=2)
            assert len(offers_of(await two.actions(uris[1]))) == 2

    run(work())


@pytest.mark.parametrize("by_name", [True, False], ids=["by name", "all"])
def test_a_muted_file_is_quiet(project: Path, by_name: bool) -> None:
    async def work() -> None:
        async with editor(project, options=QUICK) as one:
            uri = one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)
            await one.command("sleepy.muteFile", uri)
            await one.wait_ready(offers=0)
            assert await one.actions(uri) == []
            await one.command("sleepy.unmute", *([uri] if by_name else []))
            await one.wait_ready(offers=2)

    run(work())


def test_an_ignored_file_is_quiet_from_the_moment_on_that_it_is(project: Path) -> None:
    async def work() -> None:
        async with editor(project, options=QUICK) as one:
            uri = one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)
            (project / ".sleepyignore").write_text("lib.rs\n", encoding="utf-8")
            one.files_changed(project / ".sleepyignore")
            await one.wait_ready(offers=0)
            assert await one.actions(uri) == []

    run(work())


def test_an_explanation_in_three_ways(project: Path) -> None:
    async def work() -> None:
        capabilities = full_capabilities(sleepy=False)
        assert capabilities.window is not None
        capabilities.window.show_document = lsp.ShowDocumentClientCapabilities(support=True)
        async with editor(project, options=QUICK, capabilities=capabilities) as one:
            uri = one.open(project / "src/lib.rs")
            while not (actions := await one.actions(uri)):
                await one.refreshed.get()
            problem_id = own_data(actions[0])["problemId"]
            place = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 14}}
            at_place = await one.ask("sleepy/explain", place)
            by_id = await one.ask("sleepy/explain", {"problemId": problem_id})
            by_command = await one.command("sleepy.explain", problem_id)
            assert at_place.kind == by_id.kind == by_command["kind"] == "markdown"
            assert at_place.value == by_id.value == by_command["value"]
            assert "mended_one" in at_place.value
            while not one.client.shown_documents:
                # It is shown after the answer, on a way of its own.
                await one.ask("sleepy/offers", {})
            path = path_of_uri(one.client.shown_documents[0].uri)
            assert path is not None
            assert path.read_text(encoding="utf-8") == at_place.value
            assert await one.ask("sleepy/explain", {"problemId": "nobody's"}) is None
            assert await one.command("sleepy.explain", "nobody's") is None
            place["position"] = {"line": 99, "character": 0}
            assert await one.ask("sleepy/explain", place) is None

    run(work())


def test_an_explanation_is_shown_in_a_window_where_nothing_else_can(project: Path) -> None:
    async def work() -> None:
        capabilities = full_capabilities(sleepy=False)
        async with editor(project, options=QUICK, capabilities=capabilities) as one:
            uri = one.open(project / "src/lib.rs")
            while not (actions := await one.actions(uri)):
                await one.refreshed.get()
            await one.command("sleepy.explain", own_data(actions[0])["problemId"])
            assert "mended_one" in (await one.shown.get()).message

    run(work())


def test_late_commands_about_offers_that_are_gone_do_nothing(project: Path) -> None:
    async def work() -> None:
        async with editor(project, options=QUICK) as one:
            one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)
            for command in ("sleepy.applied", "sleepy.dismiss"):
                assert await one.command(command, "nobody's offer") is None
                # Some clients put the list of arguments into a list.
                assert await one.command(command, ["nobody's offer"]) is None

    run(work())


def test_everything_that_is_offered_as_a_list(project: Path) -> None:
    async def work() -> None:
        async with editor(project, options=QUICK) as one:
            uri = one.open(project / "src/lib.rs")
            news = await one.wait_ready(offers=2)
            assert list(news._fields) == list(examples("sleepy/ready")[0])
            (problem,) = await one.ask("sleepy/offers", {})
            _, (documented,) = examples("sleepy/offers")
            assert keys_of(problem | {"offers": []}) == keys_of(documented | {"offers": []})
            assert problem["offers"][0].keys() == documented["offers"][0].keys()
            assert problem["uri"] == uri
            assert problem["range"]["start"] == {"line": 0, "character": 12}
            assert (problem["code"], problem["family"]) == ("E0425", "missing_items")
            assert [offer["preferred"] for offer in problem["offers"]] == [True, False]
            assert problem["offers"][0]["title"].startswith("Sleepy: use `mended_one`")
            assert "+fn main() { mended_one }" in problem["offers"][0]["diff"]

    run(work())
