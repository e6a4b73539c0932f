"""The command line of `sleepy lsp`, and what the server's process must not load."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from sleepy_agent.cli.main import main
from sleepy_lsp.command import LSP
from sleepy_lsp.lsp import add_arguments

HEAVY = ("tree_sitter", "rich", "sqlite3", "sqlite_utils", "watchdog", "psutil", "pathspec", "numpy", "torch")


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "wrapped"),
    [
        ([], None),
        (["--stdio"], None),
        (["--verbose", "--stdio"], None),
        (["--wrap", "rust-analyzer"], ["rust-analyzer"]),
        (
            ["--stdio", "--wrap", "rust-analyzer", "--log-file", "x", "--stdio"],
            ["rust-analyzer", "--log-file", "x", "--stdio"],
        ),
    ],
)
def test_everything_after_wrap_is_the_command_of_the_other_server(words: list[str], wrapped: list[str] | None) -> None:
    assert parsed(*words).wrap == wrapped


def test_a_wrap_without_a_program_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lsp", "--wrap"], [LSP]) == 2
    assert "sleepy lsp --wrap rust-analyzer" in capsys.readouterr().err


def test_what_answers_initialize_loads_nothing_heavy() -> None:
    code = (
        "import sys; from sleepy_agent.config import find_places;"
        "from sleepy_lsp.server.language_server import make_server;"
        f"make_server(find_places()); print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_the_commands_load_nothing_of_the_server() -> None:
    code = "import sys, sleepy_lsp.command; print([name for name in ('pygls', 'asyncio') if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
