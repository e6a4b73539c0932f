"""Editors with real servers. One of each way is shared by all tests that leave the project as they found it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from .editor import WAYS, Editor, open_editor
from .processes import assert_none_left, new_mark
from .projects import green_project

# Only rust-analyzer can begin a search after a save: its diagnostics are waited for a minute.
# Where nothing is saved, typing rests for a moment and our own replay does.
SETTINGS: Mapping[str, Any] = {
    "rust_analyzer_grace_milliseconds": 60_000,
    "rest_milliseconds": 300,
    "settle_seconds": 3.0,
}


def environment_in(home: Path) -> dict[str, str]:
    """The environment of the servers: a home for Sleepy, and a mark to find every process again."""
    return {**os.environ, "SLEEPY_HOME": str(home), "RUSTUP_AUTO_INSTALL": "0", **new_mark()}


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of one test; none of the processes that got it may be left at the end."""
    made = environment_in(tmp_path / "sleepy-home")
    yield made
    assert_none_left(made)


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=WAYS)
async def shared_editor(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Editor]:
    """An editor on a project that compiles, with all its files open and known to rust-analyzer."""
    folder = tmp_path_factory.mktemp(f"shared-{request.param}")
    made = environment_in(folder / "home")
    async with open_editor(green_project(folder / "small"), request.param, made, SETTINGS) as opened:
        for name in ("src/lib.rs", "src/words.rs", "src/accents.rs"):
            await opened.open_analyzed(name)
        yield opened
    assert_none_left(made)


@pytest_asyncio.fixture(loop_scope="session")
async def editor(shared_editor: Editor) -> AsyncIterator[Editor]:
    """The shared editor. Whatever a test did to the texts is taken back, so that the next one begins as this did."""
    texts = {path: document.text for path, document in shared_editor.documents.items()}
    yield shared_editor
    for path, text in texts.items():
        if shared_editor.documents[path].text != text or path.read_text(encoding="utf-8") != text:
            shared_editor.replace_all(path, text)
            shared_editor.save(path)
    await shared_editor.until_clean()
