"""`sleepy undo`: take the last run back, exactly."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sleepy_agent.cli.terminal import Terminal, terminal_of_process
from sleepy_agent.cli.values import SHORT_ID, counted, display_root, existing_path
from sleepy_agent.config import Places, find_places
from sleepy_agent.errors import EXIT_GREEN

if TYPE_CHECKING:
    from sleepy_agent.fixes.undo import UndoReport


class Undo(Protocol):
    """`fixes.undo.undo_last_run`, or what stands in for it in tests."""

    def __call__(self, path: Path, *, places: Places) -> UndoReport: ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy undo`."""
    parser.epilog = (
        "Every file the last run wrote becomes what it was before, byte for byte. If one of them was changed since,\n"
        "nothing is touched. Saying it again takes the run before that back."
    )
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="a folder of the workspace (default: .)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Undo the last run in the workspace."""
    from sleepy_agent.fixes.undo import undo_last_run

    return run_with(arguments, terminal_of_process(), undo_last_run)


def run_with(arguments: argparse.Namespace, terminal: Terminal, undo: Undo) -> int:
    """Undo, and say what was restored."""
    path = existing_path(arguments.path)
    report = undo(path, places=find_places(terminal.environment))
    root = display_root(path).resolve()
    names = [one.relative_to(root).as_posix() if one.is_relative_to(root) else str(one) for one in report.restored]
    if arguments.json:
        terminal.output.write(json.dumps({"run_id": report.run_id, "restored": names}) + "\n")
        return EXIT_GREEN
    were = "it was" if len(names) == 1 else "they were"
    terminal.output.write(
        f"Restored {counted(len(names), 'file')} to what {were} before run {report.run_id[:SHORT_ID]}.\n"
    )
    terminal.output.writelines(f"  {name}\n" for name in names)
    return EXIT_GREEN
