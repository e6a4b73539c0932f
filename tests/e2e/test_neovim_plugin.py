"""The Lua client of editor/nvim: read by a checker, and tried against two servers that play their parts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from e2e.neovim import CHECKOUT, neovim_environment, neovim_program, run_lua


def check_lua(*folders: Path) -> subprocess.CompletedProcess[str]:
    command = [neovim_program(), "--clean", "-l", str(CHECKOUT / "tools" / "check_lua.lua"), *map(str, folders)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_every_lua_file_passes_the_checker() -> None:
    outcome = check_lua(CHECKOUT / "editor", CHECKOUT / "tests" / "e2e", CHECKOUT / "tools")
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("local x = = 1\n", "unexpected symbol"),
        (
            "local function inner()\n  return function()\n    return vmi.api\n  end\nend\nreturn inner\n",
            ":3: the global `vmi`",
        ),
        ("count = 1\n", ":1: the global `count` is written"),
        ("local x = 1 \nreturn x\n", "spaces at the end"),
        ("return '" + "x" * 120 + "'\n", "longer than 120"),
    ],
)
def test_the_checker_finds(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "wrong.lua").write_text(text, encoding="utf-8")
    outcome = check_lua(tmp_path)
    assert outcome.returncode == 1
    assert complaint in outcome.stderr


def test_a_folder_without_lua_is_said_and_fails(tmp_path: Path) -> None:
    outcome = check_lua(tmp_path)
    assert outcome.returncode == 1
    assert "No Lua file" in outcome.stderr


def test_the_client_passes_on_shows_and_explains(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    outcome = run_lua("plugin.lua", work, neovim_environment(tmp_path / "home"))
    assert outcome.returncode == 0, outcome.stderr
