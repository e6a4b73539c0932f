"""A program for the tests of `sleepy watch`: the command with a scripted language server, on the terminal it is on.

`python -m lsp.watch.watching_program JOURNAL PATH OPTION...`, with `tests` on PYTHONPATH. `--server NAME` in front of
the options starts the module of that name instead.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sleepy_agent.cli.command import Command
from sleepy_agent.cli.main import main
from sleepy_agent.cli.terminal import terminal_of_process
from sleepy_lsp.watch.command import add_arguments, run_with

__all__ = ["add_arguments", "run"]

JOURNAL_VARIABLE = "SCRIPTED_SERVER_JOURNAL"


def run(arguments: object) -> int:
    """The command of `sleepy watch` with another server."""
    journal = os.environ[JOURNAL_VARIABLE]
    server = (sys.executable, "-m", "lsp.watch.scripted_server", journal)
    return run_with(arguments, terminal_of_process(), lambda _: server)  # type: ignore[arg-type]


if __name__ == "__main__":
    os.environ[JOURNAL_VARIABLE] = sys.argv[1]
    if os.isatty(0):
        # A session of its own, on this terminal: only so does typing Ctrl-C become a signal.
        os.login_tty(0)
    command = Command("watch", "watch", Path(__file__).stem if __package__ is None else __spec__.name)
    sys.exit(main(["watch", *sys.argv[2:]], [command]))
