"""What every test gets: a folder of its own for all that Sleepy keeps. HOME stays, so cargo finds its caches."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no defect of a test: nothing here is judged by how long it took.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def sleepy_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """SLEEPY_HOME, new and empty; not below `tmp_path`, which a test may fill and list as its own."""
    home = tmp_path_factory.mktemp("sleepy-home")
    monkeypatch.setenv("SLEEPY_HOME", str(home))
    # What is tested without a model is so wherever the tests run; a test of the shipped one names it.
    monkeypatch.setenv("SLEEPY_SHIPPED_MODEL", "")
    # A test never downloads a toolchain, and output looks the same wherever the tests run.
    monkeypatch.setenv("RUSTUP_AUTO_INSTALL", "0")
    for name in ("FORCE_COLOR", "NO_COLOR", "SLEEPY_TRACEBACK"):
        monkeypatch.delenv(name, raising=False)
    return home
