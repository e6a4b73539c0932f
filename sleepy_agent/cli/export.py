"""`sleepy export`: everything that was recorded, as JSON lines."""

from __future__ import annotations

import argparse
from pathlib import Path

from sleepy_agent.cli.store import opened_store, root_for
from sleepy_agent.cli.terminal import Terminal, terminal_of_process
from sleepy_agent.cli.values import counted
from sleepy_agent.errors import EXIT_GREEN
from sleepy_agent.memory.episodes import EpisodeFilter, task_id_of
from sleepy_agent.memory.export import export_lines, export_to_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy export`."""
    parser.epilog = "Each line is one attempt, described by docs/episodes.schema.json. Secrets were taken out before."
    parser.add_argument("path", nargs="?", metavar="PATH", help="only this project (default: all of them)")
    parser.add_argument("--output", metavar="FILE", help="write to this file (default: standard output)")


def run(arguments: argparse.Namespace) -> int:
    """Export from the user's store."""
    return run_with(arguments, terminal_of_process())


def run_with(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Write the lines to the file or to the terminal's output."""
    with opened_store(terminal) as database:
        root = root_for(database, arguments.path) if arguments.path else None
        which = EpisodeFilter(task_id=task_id_of(root) if root else None)
        if arguments.output is None:
            terminal.output.writelines(f"{line}\n" for line in export_lines(database, which))
            return EXIT_GREEN
        number = export_to_file(database, Path(arguments.output).absolute(), which)
    terminal.errors.write(f"{counted(number, 'attempt')} written to {arguments.output}.\n")
    return EXIT_GREEN
