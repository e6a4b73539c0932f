"""`sleepy forget`: delete what was recorded."""

from __future__ import annotations

import argparse

from sleepy_agent.cli.store import opened_store, root_for
from sleepy_agent.cli.terminal import Terminal, ask, can_ask, terminal_of_process
from sleepy_agent.cli.values import counted, read_duration
from sleepy_agent.errors import EXIT_GREEN, BadUsage
from sleepy_agent.memory.export import purge
from sleepy_agent.process import CancelToken

SECONDS_PER_DAY = 86400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy forget`."""
    parser.epilog = "What is forgotten is gone: its runs cannot be undone any more, and nothing is learned from it."
    parser.add_argument("path", nargs="?", metavar="PATH", help="forget this project")
    parser.add_argument("--all", action="store_true", help="forget everything")
    parser.add_argument("--older-than", metavar="TIME", help="forget what is older than this, such as 90d")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    """Forget in the user's store."""
    return run_with(arguments, terminal_of_process())


def run_with(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Say what will be deleted, ask, delete."""
    narrowed = arguments.path is not None or arguments.older_than is not None
    if arguments.all == narrowed:
        raise BadUsage(
            "What to forget is not clear." if narrowed else "Nothing says what to forget.",
            "Give a PATH, --older-than 90d or both of them, or else --all.",
        )
    seconds = None if arguments.older_than is None else read_duration(arguments.older_than, "--older-than")
    with opened_store(terminal) as database:
        root = root_for(database, arguments.path) if arguments.path else None
        meant = f"what was recorded of {root}" if root else "everything that was recorded"
        older = f", older than {arguments.older_than}" if arguments.older_than else ""
        if not arguments.yes and not _confirmed(terminal, f"Forget {meant}{older}, for good [y,n]? "):
            terminal.output.write("Nothing was forgotten.\n")
            return EXIT_GREEN
        gone = purge(
            database,
            repository=root,
            older_than_days=None if seconds is None else seconds / SECONDS_PER_DAY,
            everything=arguments.all,
        )
    terminal.output.write(
        f"Forgot {counted(gone.episodes, 'attempt')}, {counted(gone.runs, 'run')}"
        f" and {counted(gone.files, 'undo copy', 'undo copies')}.\n"
    )
    return EXIT_GREEN


def _confirmed(terminal: Terminal, question: str) -> bool:
    if not can_ask(terminal):
        raise BadUsage("Forgetting asks first, and the standard input is no terminal.", "Add --yes.")
    answer = ask(terminal, question, CancelToken())
    return (answer or "").lower() in ("y", "yes")
