"""`sleepy watch`: offers as problems appear, in a terminal beside any editor."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sleepy_agent.cli.terminal import Terminal, can_ask, can_move, terminal_of_process
from sleepy_agent.cli.values import existing_path
from sleepy_agent.config import find_places, load_settings
from sleepy_agent.process import own_command

if TYPE_CHECKING:
    from sleepy_lsp.watch.screen import Screen

Server = Callable[[str | None], Sequence[str]]
"""The command of a language server, around the program given."""
RUST_ANALYZER = "rust-analyzer"
ANSWER_SECONDS = 20.0
EPILOG = """\
Keys: a apply the shown fix, A apply all preferred fixes, n next problem, o another fix of it, x not this fix,
e explain, p pause or go on, q quit, ? help. `sleepy undo` takes the last applied fix back.
Where standard input or output is no terminal, offers are printed as they appear, and nothing is written.

--json prints one object a line; its `event` says what it is: "offer" (with file, line, code, message, title,
diff, proof, flags, preferred and the ids), "gone" (an offer that does not hold any more), "status" (state:
recording, checking, searching, idle, paused or off; problems: how many are known), "note" and "trouble".

Exit codes: 0 quit, 2 could not run, 130 interrupted."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy watch`."""
    parser.epilog = EPILOG
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="a folder of the workspace (default: .)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line and nothing else")
    parser.add_argument(
        "--no-rust-analyzer",
        action="store_true",
        help="let Sleepy's own check find the problems, even where rust-analyzer is there",
    )


def run(arguments: argparse.Namespace) -> int:
    """Watch with the real language server, on this process's terminal."""
    return run_with(arguments, terminal_of_process(), server_command)


def server_command(rust_analyzer: str | None) -> tuple[str, ...]:
    """The language server, around rust-analyzer (a program's path) where there is one."""
    own = own_command("sleepy_agent.cli", "lsp")
    return own if rust_analyzer is None else (*own, "--wrap", rust_analyzer)


def find_rust_analyzer() -> str | None:
    """rust-analyzer, where it is on PATH and can be started: rustup has a placeholder for one that is not there."""
    program = shutil.which(RUST_ANALYZER)
    if program is None:
        return None
    try:
        asked = subprocess.run([program, "--version"], capture_output=True, timeout=ANSWER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return program if asked.returncode == 0 else None


def run_with(
    arguments: argparse.Namespace,
    terminal: Terminal,
    server: Server,
) -> int:
    """Find the workspace, choose the screen, and watch until the user quits. Raises SleepyError."""
    from sleepy_agent.cargo.workspace import find_workspace_root
    from sleepy_lsp.watch.handshake import Assignment
    from sleepy_lsp.watch.session import WatchSession

    path = existing_path(arguments.path)
    places = find_places(terminal.environment)
    # The server would only complain of them, in a place where nobody looks.
    load_settings(places)
    root = find_workspace_root(path if path.is_dir() else path.parent).resolve()
    rust_analyzer = None if arguments.no_rust_analyzer else find_rust_analyzer()
    has_keys = not arguments.json and can_ask(terminal) and terminal.output.isatty()
    assignment = Assignment(
        root=root,
        server=tuple(server(rust_analyzer)),
        wraps_rust_analyzer=rust_analyzer is not None,
        places=places,
        keys=terminal.input if has_keys else None,
    )
    screen = choose_screen(arguments, terminal, root, has_keys=has_keys)
    heard = "rust-analyzer and Sleepy's own check" if rust_analyzer else "Sleepy's own check"
    screen.tell(f"Watching {root} with {heard}.")

    async def watch() -> int:
        return await WatchSession(assignment, screen).run()

    return asyncio.run(watch())


def choose_screen(arguments: argparse.Namespace, terminal: Terminal, root: Path, *, has_keys: bool) -> Screen:
    """JSON where it was asked for, a moving line where somebody can type keys, else plain lines."""
    from sleepy_agent.cli.console import console_for
    from sleepy_lsp.watch.screen import JsonScreen, LineScreen, TerminalScreen

    if arguments.json:
        return JsonScreen(terminal.output, root)
    console = console_for(terminal, terminal.output)
    if has_keys:
        return TerminalScreen(console, root, moves=can_move(terminal, terminal.output))
    return LineScreen(console, root)
