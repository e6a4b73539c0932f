"""The entry point of `sleepy`: choose the command, run it, and turn whatever goes wrong into a sentence."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from sleepy_agent import __version__
from sleepy_agent.cli.command import Command, every_command, import_command
from sleepy_agent.errors import EXIT_COULD_NOT_RUN, EXIT_INTERRUPTED, BadUsage, Interrupted, SleepyError

EXIT_BROKEN_PIPE = 141
"""What a shell reports for a program that its reader left (128 + SIGPIPE)."""
TRACEBACK_VARIABLE = "SLEEPY_TRACEBACK"

EPILOG = """\
Exit codes: 0 all green, 1 errors remain, 2 could not run, 130 interrupted.
`sleepy COMMAND --help` explains a command. SLEEPY_HOME moves everything Sleepy keeps into one folder,
SLEEPY_TRACEBACK=1 shows where an error was raised, NO_COLOR=1 prints without colours."""


class Parser(argparse.ArgumentParser):
    """argparse whose complaints are `BadUsage`, so that they look and exit as every other error does."""

    def error(self, message: str) -> NoReturn:
        raise BadUsage(f"{message[:1].upper()}{message[1:].rstrip('.')}.", f"`{self.prog} --help` lists the options.")


def make_parser(chosen: str | None, commands: Sequence[Command]) -> argparse.ArgumentParser:
    """The parser of the whole command line; only the `chosen` command's module is imported for its options."""
    parser = Parser(
        prog="sleepy",
        description="Fixes for Rust that the compiler has already accepted, with a memory that sleeps on them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"sleepy {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for command in commands:
        subparser = subparsers.add_parser(
            command.name,
            help=command.summary,
            description=f"{command.summary[:1].upper()}{command.summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if command.name == chosen:
            module = import_command(command)
            module.add_arguments(subparser)
            subparser.set_defaults(run_command=module.run, command_parser=subparser)
    return parser


def main(argv: Sequence[str] | None = None, commands: Sequence[Command] | None = None) -> int:
    """Run one command line and return its exit code. Prints errors; raises nothing that was foreseen."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    try:
        try:
            code = _dispatch(words, every_command() if commands is None else commands)
        except SystemExit as stop:
            # argparse leaves this way after --help and --version.
            code = stop.code if isinstance(stop.code, int) else EXIT_COULD_NOT_RUN
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read our output (head, less) has seen enough. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        report_error(Interrupted("Stopped.", "Run the same command again to go on."), as_json)
        return EXIT_INTERRUPTED
    except SleepyError as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        report_error(error, as_json)
        return error.exit_code
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        report_error(as_own_mistake(error), as_json)
        return EXIT_COULD_NOT_RUN


def _dispatch(words: list[str], commands: Sequence[Command]) -> int:
    # The top level has no option that takes a value, so the first word without a dash is the command.
    chosen = next((word for word in words if not word.startswith("-")), None)
    if chosen is not None and chosen not in {command.name for command in commands}:
        import difflib

        names = [command.name for command in commands]
        close = difflib.get_close_matches(chosen, names, n=1)
        hint = f"Did you mean `sleepy {close[0]}`?" if close else f"The commands are: {', '.join(names)}."
        raise BadUsage(f"There is no command `{chosen}`.", hint)
    parser = make_parser(chosen, commands)
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        # Told by the command's own parser: argparse would send the user to the help of the whole program.
        getattr(arguments, "command_parser", parser).error(f"unknown arguments: {' '.join(unknown)}")
    if arguments.command is None:
        parser.print_help()
        return EXIT_COULD_NOT_RUN
    import shlex

    arguments.command_line = shlex.join(["sleepy", *words])
    code: int = arguments.run_command(arguments)
    return code


def report_error(error: SleepyError, as_json: bool) -> None:
    """What happened and what to do: two sentences on stderr, or one JSON object on stdout."""
    if as_json:
        import json

        sys.stdout.write(json.dumps({"error": {"message": error.message, "remedy": error.remedy}}) + "\n")
        sys.stdout.flush()
        return
    sys.stderr.write(f"sleepy: {error.message}\n{error.remedy}\n")


def as_own_mistake(error: Exception) -> SleepyError:
    """A mistake in Sleepy itself as an error like any other, its traceback put where the user can find it."""
    import traceback

    what = f"Sleepy made a mistake of its own ({type(error).__name__}: {str(error).strip() or 'no message'})"
    text = "".join(traceback.format_exception(error))
    try:
        file = write_traceback(text)
    except (OSError, SleepyError):
        sys.stderr.write(text)
        return SleepyError(f"{what}; the traceback is above.", "Please report it with that text.")
    return SleepyError(f"{what}; the traceback is in {file}.", "Please report it with that file.")


def write_traceback(text: str) -> Path:
    """Keep `text` below the state directory, and return the file."""
    from datetime import UTC, datetime

    from sleepy_agent.config import find_places

    folder = find_places().state / "tracebacks"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.txt"
    file.write_text(text, encoding="utf-8")
    return file
