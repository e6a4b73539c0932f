"""A program for test_ctrl_c: `sleepy fix` with a scripted engine, on the terminal it is started on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cli.fakes import ScriptedEngine, make_fix, make_problem, parse
from sleepy_agent.cli.fix import read_mode, run_with
from sleepy_agent.cli.terminal import terminal_of_process
from sleepy_agent.errors import SleepyError


def main(project: Path) -> int:
    """Ask about one fix; exit as `sleepy` would."""
    arguments = parse("fix", str(project))
    terminal = terminal_of_process()
    try:
        return run_with(
            arguments, read_mode(arguments, terminal), terminal, ScriptedEngine((make_fix(make_problem(project)),))
        )
    except SleepyError as error:
        sys.stderr.write(f"sleepy: {error.message}\n")
        return error.exit_code


if __name__ == "__main__":
    # A session of its own, on this terminal: only so does typing Ctrl-C become a signal.
    os.login_tty(0)
    sys.exit(main(Path(sys.argv[1])))
