"""A developer's session in headless Neovim, with its own LSP client, our thin plugin and the real rust-analyzer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from sleepy_agent.config import find_places

from .conftest import SETTINGS
from .editor import ANALYZER_SETTINGS, WAYS
from .neovim import neovim_environment, run_lua
from .projects import ACCENTED_MUT, FORGOTTEN_MUT, green_project
from .store import stored_episodes

SESSION_SECONDS = 300


@pytest.mark.parametrize("way", WAYS)
def test_bugs_are_fixed_in_neovim(tmp_path: Path, environment: Mapping[str, str], way: str) -> None:
    root = green_project(tmp_path / "small")
    state = find_places(environment).state
    state.mkdir(parents=True)
    given = {
        "way": way,
        "saved": asdict(FORGOTTEN_MUT),
        "unsaved": asdict(ACCENTED_MUT),
        # Between a fix and its :undo a busy machine lets some time pass, which must not settle the fix.
        "sleepy": {"settings": {**SETTINGS, "settle_seconds": 8.0}},
        "analyzer": dict(ANALYZER_SETTINGS),
        "state_folder": str(state),
    }
    surroundings = neovim_environment(tmp_path / "home", {**environment, "SLEEPY_TEST": json.dumps(given)})
    outcome = run_lua("session.lua", root, surroundings, timeout_seconds=SESSION_SECONDS)
    stored = [(one.code, one.source, str(one.outcome)) for one in stored_episodes(find_places(environment))]
    assert outcome.returncode == 0, f"{outcome.stderr}\nstored: {stored}"
