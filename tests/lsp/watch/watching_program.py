"""A program for the tests of `sleepy watch`: the command on the terminal it is started on.

`python -m lsp.watch.watching_program SERVER JOURNAL PATH OPTION...`, with `tests` on PYTHONPATH. SERVER: `scripted` or
`real`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping

from sleepy_agent.cli.command import Command
from sleepy_agent.cli.main import main
from sleepy_agent.cli.terminal import terminal_of_process
from sleepy_lsp.watch.command import Server, add_arguments, run_with, server_command

__all__ = ["add_arguments", "run"]


def run(arguments: argparse.Namespace) -> int:
    """The command of `sleepy watch` with the server that was asked for."""
    _, server, journal, *_ = sys.argv
    scripted = (sys.executable, "-m", "lsp.watch.scripted_server", journal)
    servers: Mapping[str, Server] = {"scripted": lambda _: scripted, "real": server_command}
    return run_with(arguments, terminal_of_process(), servers[server])


if __name__ == "__main__":
    if os.isatty(0):
        # A session of its own, on this terminal: only so does typing Ctrl-C become a signal.
        os.login_tty(0)
    sys.exit(main(["watch", *sys.argv[3:]], [Command("watch", "watch", "lsp.watch.watching_program")]))
