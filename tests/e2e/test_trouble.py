"""What goes wrong in real life: a server that is killed, a second editor, a branch switch, an editor that dies."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from sleepy_agent.domain import Outcome

from .conftest import SETTINGS
from .editor import ANALYZER, WAYS, WRAPPED, open_editor, sleepy_data
from .processes import assert_none_left, find, marked
from .projects import ACCENTED_MUT, FORGOTTEN_MUT, MOVED_VALUE, green_project, many_modules

pytestmark = [pytest.mark.asyncio, pytest.mark.parametrize("way", WAYS)]


async def test_a_client_that_counts_in_utf_16(tmp_path: Path, environment: Mapping[str, str], way: str) -> None:
    root = green_project(tmp_path / "small")
    async with open_editor(root, way, environment, SETTINGS, encodings=["utf-16"]) as editor:
        path = await editor.open_analyzed(ACCENTED_MUT.file)
        green = editor.documents[path].text
        editor.type(path, ACCENTED_MUT.right, ACCENTED_MUT.wrong)
        editor.save(path)
        action = await editor.fix(path, ACCENTED_MUT)
        assert sleepy_data(action)["trigger"] == "rust-analyzer"
        await editor.apply(action)
        assert editor.documents[path].text == green


async def test_rust_analyzer_is_killed_in_the_midst(tmp_path: Path, environment: Mapping[str, str], way: str) -> None:
    root = green_project(tmp_path / "small")
    async with open_editor(root, way, environment, SETTINGS) as editor:
        path = await editor.open_analyzed(FORGOTTEN_MUT.file)
        editor.type(path, FORGOTTEN_MUT.right, FORGOTTEN_MUT.wrong)
        editor.save(path)
        await editor.fix(path, FORGOTTEN_MUT)
        since = len(editor.journal)
        for process in find(environment, lambda command: Path(command[0]).name == ANALYZER):
            process.kill()
        # What is known stays known.
        assert await editor.fixes(path, FORGOTTEN_MUT)
        if way == WRAPPED:
            # The proxy starts it anew, with the texts as they are, and it is heard again.
            await editor.journal.heard("experimental/serverStatus", lambda status: status["quiescent"], since=since)
            await editor.journal.heard(
                "textDocument/publishDiagnostics",
                lambda told: told["uri"] == path.as_uri() and bool(told["diagnostics"]),
                since=since,
            )
        else:
            editor.forget_analyzer()
        await editor.apply(await editor.fix(path, FORGOTTEN_MUT))
        assert editor.documents[path].text.count(FORGOTTEN_MUT.right) == 1
        other = editor.open(MOVED_VALUE.file)
        editor.type(other, MOVED_VALUE.right, MOVED_VALUE.wrong)
        if way == WRAPPED:
            editor.save(path)
            editor.save(other)
        action = await editor.fix(other, MOVED_VALUE)
        assert sleepy_data(action)["trigger"] == ("rust-analyzer" if way == WRAPPED else "own replay")


async def test_two_editors_on_one_workspace(tmp_path: Path, environment: Mapping[str, str], way: str) -> None:
    root = green_project(tmp_path / "small")
    async with (
        open_editor(root, way, environment, SETTINGS) as one,
        open_editor(root, way, environment, SETTINGS) as other,
    ):
        path = await one.open_analyzed(FORGOTTEN_MUT.file)
        await other.open_analyzed(FORGOTTEN_MUT.file)
        before = one.stored_count()
        one.type(path, FORGOTTEN_MUT.right, FORGOTTEN_MUT.wrong)
        one.save(path)
        other.reload([path])
        fixes = [await editor.fix(path, FORGOTTEN_MUT) for editor in (one, other)]
        # The same change of the same problem, whoever asks.
        assert sleepy_data(fixes[0])["offerId"] == sleepy_data(fixes[1])["offerId"]
        await other.apply(fixes[1])
        other.save(path)
        one.reload([path])
        await other.until_clean()
        # rust-analyzer checks only what its own editor saves, so that the first one still shows the old error.
        await one.until_nothing_is_offered()
        await other.episode(Outcome.SETTLED, FORGOTTEN_MUT.code, since=before)
        # Not even where the old error is still shown.
        assert not await one.fixes(path, FORGOTTEN_MUT)


async def test_switching_a_branch_with_fifty_files(tmp_path: Path, environment: Mapping[str, str], way: str) -> None:
    root, changed = many_modules(tmp_path / "many", FORGOTTEN_MUT, "let mut total = u32::MIN;", count=50)
    async with open_editor(root, way, environment, SETTINGS) as editor:
        path = await editor.open_analyzed(FORGOTTEN_MUT.file)
        await editor.fix(path, FORGOTTEN_MUT)
        since, before = len(editor.journal), editor.stored_count()
        for branch in ("green", "broken", "green"):
            subprocess.run(["git", "switch", "--quiet", branch], cwd=root, check=True)
            editor.reload([*changed, root / ".git" / "HEAD"])
        await editor.until_clean()
        own = await editor.episode(Outcome.SETTLED, FORGOTTEN_MUT.code, since=before, source="own")
        assert own.metadata["provenance"] == "branch_switch"
        # 150 files were written: a handful of checks, not one for each.
        states = [event.params["state"] for event in editor.journal.events("sleepy/status", since)]
        assert 0 < states.count("checking") <= 6, states
        assert states.count("recording") <= 1, states
        # Nor one message for each.
        assert len(list(editor.journal.events("sleepy/ready", since))) <= 10


@pytest.mark.parametrize("end", ["its pipe closes", "its server is killed"])
async def test_nothing_runs_on_when_the_editor_dies(
    tmp_path: Path, environment: Mapping[str, str], way: str, end: str
) -> None:
    root = green_project(tmp_path / "small")
    async with open_editor(root, way, environment, SETTINGS) as editor:
        path = await editor.open_analyzed(FORGOTTEN_MUT.file)
        editor.type(path, FORGOTTEN_MUT.right, FORGOTTEN_MUT.wrong)
        await editor.fix(path, FORGOTTEN_MUT)
        # More than the servers themselves: the worker, at least.
        assert len(marked(environment)) > len(editor.clients)
        for client in editor.clients:
            if end == "its pipe closes":
                assert client.process.stdin is not None
                client.process.stdin.close()
            else:
                client.process.kill()
        await asyncio.to_thread(assert_none_left, environment)
        for client in editor.clients:
            await client.process.wait()
