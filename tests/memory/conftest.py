"""A store in a folder of the test, and an episode to vary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlite_utils import Database

from sleepy_agent.memory.database import open_database


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "sleepy" / "store.db"


@pytest.fixture
def database(store_path: Path) -> Iterator[Database]:
    with open_database(store_path) as opened:
        yield opened
