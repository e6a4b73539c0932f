"""`sleepy doctor`: what is missing on this machine, and the one command that mends it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sleepy_agent.cli.checks import Check, Machine, State, every_check, this_machine
from sleepy_agent.cli.console import console_for
from sleepy_agent.cli.terminal import Terminal, terminal_of_process
from sleepy_agent.config import find_places
from sleepy_agent.errors import EXIT_COULD_NOT_RUN, EXIT_GREEN

if TYPE_CHECKING:
    from rich.console import Console

MARKS = {State.OK: ("ok     ", "green"), State.WARNING: ("warning", "yellow"), State.MISSING: ("missing", "bold red")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy doctor`."""
    parser.epilog = "Exit codes: 0 nothing essential is missing, 2 something is."
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Look at this machine."""
    terminal = terminal_of_process()
    machine = this_machine(find_places(terminal.environment), terminal.environment, Path.cwd())
    return run_with(arguments, terminal, machine)


def run_with(arguments: argparse.Namespace, terminal: Terminal, machine: Machine) -> int:
    """Run every check on `machine` and show them."""
    checks = every_check(machine)
    if arguments.json:
        shown = [
            {
                "name": check.name,
                "state": check.state.value,
                "found": check.found,
                "mend": check.mend or None,
                "essential": check.essential,
            }
            for check in checks
        ]
        terminal.output.write(json.dumps({"ready": is_ready(checks), "checks": shown}) + "\n")
    else:
        print_checks(console_for(terminal, terminal.output), checks)
    return EXIT_GREEN if is_ready(checks) else EXIT_COULD_NOT_RUN


def is_ready(checks: Sequence[Check]) -> bool:
    """Whether nothing essential is missing."""
    return not any(check.state is State.MISSING for check in checks)


def print_checks(console: Console, checks: Sequence[Check]) -> None:
    """A line for each check, what mends it below, and how it stands."""
    from rich.text import Text

    width = max(len(check.name) for check in checks)
    for check in checks:
        console.print(Text.assemble(MARKS[check.state], f"  {check.name:<{width}}  ", (check.found, "dim")))
        if check.mend:
            console.print(Text.assemble(" " * (width + 11), ("mend: ", "bold"), check.mend))
    ready = is_ready(checks)
    text = "Ready: `sleepy fix` can work here." if ready else "Not ready: mend what is missing first."
    console.print(Text(text, "bold green" if ready else "bold red"))
