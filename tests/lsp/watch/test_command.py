"""Which server is started, and what a session makes of keys that come at the wrong moment."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from lsp.watch.test_offers import A, B
from sleepy_agent.config import Settings, find_places
from sleepy_lsp.options import ReadOptions, Scope, ServerOptions, read_options
from sleepy_lsp.watch.command import find_rust_analyzer, server_command
from sleepy_lsp.watch.handshake import Assignment, initialize_parameters
from sleepy_lsp.watch.screen import LineScreen
from sleepy_lsp.watch.session import WatchSession


@pytest.mark.parametrize(
    ("script", "is_found"),
    [
        ("#!/bin/sh\necho rust-analyzer 0.0.0\n", True),
        ("#!/bin/sh\necho Unknown binary >&2; exit 1\n", False),
        ("", False),
    ],
)
def test_rust_analyzer_counts_where_it_starts(
    script: str, is_found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "rust-analyzer"
    if script:
        program.write_text(script, encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_rust_analyzer() == (str(program) if is_found else None)


def test_the_server_is_wrapped_around_rust_analyzer() -> None:
    assert server_command(None)[-2:] == ("sleepy_agent.cli", "lsp")
    assert server_command("/bin/rust-analyzer")[-3:] == ("lsp", "--wrap", "/bin/rust-analyzer")


@pytest.mark.parametrize("wraps", [True, False])
def test_each_server_finds_its_own_options(wraps: bool, tmp_path: Path) -> None:
    places = find_places({"SLEEPY_HOME": str(tmp_path / "home")})
    parameters = initialize_parameters(Assignment(tmp_path, ("x",), wraps, places))
    options: Any = parameters["initializationOptions"]
    ours = options["sleepy"] if wraps else options
    assert read_options(ours, places) == ReadOptions(
        ServerOptions(scope=Scope.WORKSPACE, hints=False, settings=Settings(rest_milliseconds=0))
    )
    assert not wraps or Path(options["cargo"]["targetDir"]).is_relative_to(places.cache)
    assert parameters["capabilities"]["experimental"] == {"sleepy": True}


class Told(LineScreen):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def show_selection(self, selection: Any) -> None:
        """Not of interest here."""

    def tell(self, text: str, *, is_trouble: bool = False) -> None:
        self.sentences.append(text)


def test_a_key_typed_when_another_offer_has_just_come_up_does_nothing(tmp_path: Path) -> None:
    async def act() -> list[str]:
        screen = Told()
        places = find_places({"SLEEPY_HOME": str(tmp_path)})
        session = WatchSession(Assignment(tmp_path, ("x",), False, places), screen)
        session._hear("sleepy/status", {"state": "idle"})
        session._offers_came([A, B])
        session._offers_came([B])
        session._key_typed("a")
        session._key_typed("x")
        return screen.sentences

    assert [sentence.split(".")[0] for sentence in asyncio.run(act())] == ["Another offer has just come up"] * 2
