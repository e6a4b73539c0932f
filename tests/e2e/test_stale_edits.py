"""Typing goes on while fixes are verified: what is handed out always belongs to the text that it names."""

from __future__ import annotations

import random

import pytest
from pygls.exceptions import JsonRpcException

from .editor import Editor, sleepy_data
from .projects import FORGOTTEN_MUT, compiles

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONTENT_MODIFIED = -32801
ROUNDS = 12


async def test_an_edit_that_is_handed_out_makes_the_very_text_compile(editor: Editor) -> None:
    bug, path = FORGOTTEN_MUT, editor.path(FORGOTTEN_MUT.file)
    editor.type(path, bug.right, bug.wrong)
    chosen = random.Random(7)
    handed_out = 0
    for number in range(ROUNDS):
        # Edit while it searches, when it has just found something, or at once, before it has even begun.
        moment = chosen.choice(("searching", "ready", "at once"))
        since = len(editor.journal)
        editor.replace(path, [(0, 0, f"// {number}\n")])
        if moment == "searching":
            await editor.journal.heard("sleepy/status", lambda status: status["state"] == "searching", since=since)
            editor.replace(path, [(0, 0, "// and again\n")])
        elif moment == "ready":
            await editor.journal.heard("sleepy/ready", lambda ready: ready["offers"] > 0, since=since)
        for action in await editor.fixes(path, bug):
            if chosen.random() < 0.5:
                editor.replace(path, [(0, 0, "// between asking and taking\n")])
            try:
                resolved = await editor.resolve(action)
            except JsonRpcException as error:
                assert error.code == CONTENT_MODIFIED
                continue
            assert resolved.edit is not None, sleepy_data(action)
            # Raises StaleEdit where the version is not the one of the text here.
            texts = editor.texts_after(resolved.edit)
            assert compiles(editor.root, texts), texts
            handed_out += 1
    texts = editor.texts_after((await editor.fix(path, bug)).edit)
    assert compiles(editor.root, texts)
    assert handed_out > 0, "no edit was handed out in any round, so nothing was tried"
