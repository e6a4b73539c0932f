"""A bug is typed, our verified fix appears and is taken, and what became of it is remembered, both ways."""

from __future__ import annotations

import pytest

from sleepy_agent.domain import Outcome

from .editor import Editor, sleepy_data
from .projects import ACCENTED_MUT, FORGOTTEN_MUT, MOVED_VALUE, SHARED_REFERENCE, Bug

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUST_ANALYZER, OWN_REPLAY = "rust-analyzer", "own replay"


async def test_after_a_save_the_diagnostics_of_rust_analyzer_bring_the_fix(editor: Editor) -> None:
    bug, path, before = FORGOTTEN_MUT, editor.path(FORGOTTEN_MUT.file), editor.stored_count()
    editor.type(path, bug.right, bug.wrong)
    editor.save(path)
    action = await editor.fix(path, bug)
    assert sleepy_data(action)["trigger"] == RUST_ANALYZER
    assert "let mut total" in action.title
    assert "rustc" in action.title

    async def named() -> bool:
        return any({one.code for one in fix.diagnostics or []} == {bug.code} for fix in await editor.fixes(path, bug))

    # rust-analyzer's diagnostic is named, so that an editor shows the fix at its squiggle. What it finds by itself,
    # under a name of its own, may come before what rustc says.
    await editor.journal.until("a fix that names the diagnostic", named)

    await editor.apply(action)
    assert bug.right in editor.documents[path].text
    editor.save(path)
    await editor.until_clean()
    episode = await editor.episode(Outcome.SETTLED, bug.code, since=before)
    assert episode.passed
    assert "let mut total" in (episode.settled_text or "")


async def test_without_a_save_our_own_replay_brings_the_fix_once_typing_rests(editor: Editor) -> None:
    bug, path, before = MOVED_VALUE, editor.path(MOVED_VALUE.file), editor.stored_count()
    on_disk = path.read_bytes()
    editor.type(path, bug.right, bug.wrong)
    action = await editor.fix(path, bug)
    assert sleepy_data(action)["trigger"] == OWN_REPLAY
    assert path.read_bytes() == on_disk

    await editor.apply(action)
    await editor.until_clean()
    await editor.episode(Outcome.SETTLED, bug.code, since=before)


async def test_a_fix_that_is_undone_at_once_is_remembered_as_undone(editor: Editor) -> None:
    bug, path, before = SHARED_REFERENCE, editor.path(SHARED_REFERENCE.file), editor.stored_count()
    editor.type(path, bug.right, bug.wrong)
    broken = editor.documents[path].text
    await editor.apply(await editor.fix(path, bug))
    assert editor.documents[path].text != broken
    editor.undo(path)
    assert editor.documents[path].text == broken
    await editor.episode(Outcome.UNDONE, bug.code, since=before)
    # The problem is there again, and so is the fix.
    await editor.fix(path, bug)


@pytest.mark.parametrize("bug", [ACCENTED_MUT], ids=["utf-8"])
async def test_columns_behind_letters_of_several_bytes(editor: Editor, bug: Bug) -> None:
    path = editor.path(bug.file)
    on_disk = path.read_bytes()
    editor.type(path, bug.right, bug.wrong)
    editor.save(path)
    await editor.apply(await editor.fix(path, bug))
    assert editor.documents[path].text.encode() == on_disk
    editor.save(path)
    await editor.until_clean()
