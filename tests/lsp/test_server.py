"""The server as an editor sees it: a real process, asked through pipes, with a worker that plays the compiler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp

from lsp.fakes import Editor, cargo_project, editor, full_capabilities, plain_capabilities, text_after

LONGEST_SECONDS = 12.0

Check = Callable[[Editor, Path], Coroutine[Any, Any, None]]


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, LONGEST_SECONDS))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return cargo_project(tmp_path / "demo", lib="fn main() { broken_one }\n", other="fn other() {}\n")


def offers_of(actions: list[lsp.CodeAction]) -> list[lsp.CodeAction]:
    """Those actions that change the text."""
    return [action for action in actions if "offerId" in own(action)]


def own(action: lsp.CodeAction) -> dict[str, Any]:
    assert isinstance(action.data, dict)
    return dict(action.data["sleepy"])


def test_a_fix_is_ready_and_is_taken(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one:
            uri = one.open(project / "src/lib.rs")
            news = await one.wait_ready(problems=1, offers=2)
            assert (news.uri, news.version) == (uri, 1)
            best, other = offers_of(await one.actions(uri))
            assert best.title.startswith("Sleepy: use `mended_one`")
            assert best.is_preferred
            assert not other.is_preferred
            assert own(best)["trigger"] == "own replay"
            assert best.edit is None
            resolved = await one.client.code_action_resolve_async(best)
            assert resolved.edit is not None
            assert resolved.edit.document_changes is not None
            change = resolved.edit.document_changes[0]
            assert isinstance(change, lsp.TextDocumentEdit)
            assert (change.text_document.uri, change.text_document.version) == (uri, 1)
            text = text_after("fn main() { broken_one }\n", change.edits)
            assert text == "fn main() { mended_one }\n"
            assert resolved.command is not None
            one.type(uri, text)
            await one.command(resolved.command.command, *(resolved.command.arguments or []))
            await one.wait_ready(problems=0, offers=0)
            assert await one.actions(uri) == []

    run(work())


def test_typing_makes_what_was_shown_stale_at_once(project: Path) -> None:
    async def work() -> None:
        async with editor(project) as one:
            uri = one.open(project / "src/lib.rs")
            await one.wait_ready(offers=2)
            best = offers_of(await one.actions(uri))[0]
            one.type(uri, "// more\nfn main() { broken_one }\n")
            # In the very next moment, before anything was checked.
            assert await one.actions(uri, line=1) == []
            with pytest.raises(Exception, match="changed since"):
                await one.client.code_action_resolve_async(best)
            await one.wait_ready(offers=2)
            # What was found again for the new text is the same fix at its new place.
            resolved = await one.client.code_action_resolve_async(best)
            assert resolved.edit is not None
            assert resolved.edit.document_changes is not None
            change = resolved.edit.document_changes[0]
            assert isinstance(change, lsp.TextDocumentEdit)
            assert change.text_document.version == 2
            assert change.edits[0].range.start.line == 1

    run(work())
