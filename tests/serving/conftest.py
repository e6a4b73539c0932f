"""Fixtures for what talks to a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.running_server import RunningServer, running
from serving.scripted_engine import ScriptedEngine
from sleepy_agent.config import Places, find_places


@pytest.fixture
def places(sleepy_home: Path) -> Places:
    return find_places({"SLEEPY_HOME": str(sleepy_home), "SLEEPY_SHIPPED_MODEL": ""})


@pytest.fixture
def server(places: Places) -> Iterator[RunningServer]:
    """A server that is ready."""
    with running(RunningServer(places, ScriptedEngine())) as started:
        started.wait_until_ready()
        yield started
