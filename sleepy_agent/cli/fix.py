"""`sleepy fix`: find the errors of a workspace and fix them, each fix proven by the compiler."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sleepy_agent.cli.console import console_for
from sleepy_agent.cli.deciding import ask_for_each, show_what_is_taken, take_preferred
from sleepy_agent.cli.fix_report import report_as_json
from sleepy_agent.cli.progress import Progress
from sleepy_agent.cli.render import ReportView, exit_code_of, print_report
from sleepy_agent.cli.terminal import Terminal, can_ask, can_move, terminal_of_process
from sleepy_agent.cli.values import display_root, existing_path, read_codes, read_duration, read_files, split_commas
from sleepy_agent.config import Places, Settings, find_places, load_settings
from sleepy_agent.domain import Proof
from sleepy_agent.errors import EXIT_INTERRUPTED, BadUsage, Interrupted
from sleepy_agent.fixes.events import Decide, Emit, FixReport
from sleepy_agent.process import CancelToken, InterruptSignals

if TYPE_CHECKING:
    from sleepy_agent.fixes.engine import FixOptions

EPILOG = """\
Without --apply, --dry-run or --json each fix is shown and asked about, in the manner of `git add -p`.
--apply takes the preferred fixes, those no flag speaks against; flagged ones are left for you.
--json alone reports what would be done and writes nothing; --json --apply writes.
Its object is described by docs/fix-report.schema.json.

Exit codes: 0 all green, 1 errors remain, 2 could not run, 130 interrupted."""


class Engine(Protocol):
    """`fixes.engine.fix_workspace`, or what stands in for it in tests."""

    def __call__(
        self,
        path: Path,
        options: FixOptions,
        *,
        places: Places,
        settings: Settings,
        decide: Decide,
        emit: Emit,
        cancel: CancelToken,
    ) -> FixReport: ...


@dataclass(frozen=True, slots=True)
class Mode:
    """How the fixes are decided and what becomes of them."""

    asks: bool
    writes: bool
    as_json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy fix`."""
    parser.epilog = EPILOG
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="a folder of the workspace (default: .)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--apply", action="store_true", help="write every preferred fix without asking")
    how.add_argument("--dry-run", action="store_true", help="show what --apply would do, write nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument(
        "--why", action="store_true", help="show how each offer came to stand first, and what came after it"
    )
    parser.add_argument(
        "--code",
        action="append",
        default=[],
        metavar="CODE",
        help="only problems with this code (may be repeated or hold commas)",
    )
    parser.add_argument(
        "--file", action="append", default=[], metavar="FILE", help="only problems in this file (may be repeated)"
    )
    parser.add_argument(
        "--sources",
        action="append",
        metavar="NAMES",
        help="exactly these sources, such as compiler,template (default: every source available here)",
    )
    parser.add_argument("--clippy", action="store_true", help="fix clippy's warnings, too")
    parser.add_argument(
        "--proof",
        choices=[proof.value for proof in Proof],
        default=Proof.CHECK.value,
        help="how deep the result is proven: check, clippy or test (default: check)",
    )
    parser.add_argument("--budget", metavar="TIME", help="stop looking after this time, such as 500ms, 30s or 2m")


def run(arguments: argparse.Namespace) -> int:
    """Run `sleepy fix` with the real engine on this process's terminal."""
    # The options are read first: a mistake in them is told before anything heavy is imported.
    mode = read_mode(arguments, terminal_of_process())
    from sleepy_agent.fixes.engine import fix_workspace

    return run_with(arguments, mode, terminal_of_process(), fix_workspace)


def read_mode(arguments: argparse.Namespace, terminal: Terminal) -> Mode:
    """What the combination of --apply, --dry-run, --json and the terminal means. Raises BadUsage."""
    asks = not (arguments.apply or arguments.dry_run or arguments.json)
    if asks and not can_ask(terminal):
        raise BadUsage(
            "`sleepy fix` asks about each fix, and the standard input is no terminal.",
            "Add --apply to write the preferred fixes, --dry-run to only see them, or --json for a program.",
        )
    return Mode(asks=asks, writes=asks or arguments.apply, as_json=arguments.json)


def read_options(arguments: argparse.Namespace, mode: Mode) -> FixOptions:
    """What the engine is asked to do. Raises BadUsage."""
    from sleepy_agent.fixes.engine import FixOptions

    return FixOptions(
        sources=None if arguments.sources is None else split_commas(arguments.sources),
        codes=read_codes(arguments.code),
        files=read_files(arguments.file),
        clippy=arguments.clippy,
        proof=Proof(arguments.proof),
        budget_seconds=None if arguments.budget is None else read_duration(arguments.budget, "--budget"),
        write=mode.writes,
        keep_unchecked=mode.asks,
        command=getattr(arguments, "command_line", "sleepy fix"),
    )


def run_with(arguments: argparse.Namespace, mode: Mode, terminal: Terminal, engine: Engine) -> int:
    """Run the engine, show what happens, and return the exit code."""
    options = read_options(arguments, mode)
    path = existing_path(arguments.path)
    places = find_places(terminal.environment)
    settings = load_settings(places)
    cancel = CancelToken()
    # With --json, standard output belongs to the object; a person watching still sees the work move on stderr.
    stream = terminal.errors if mode.as_json else terminal.output
    console = console_for(terminal, stream)
    moves = can_move(terminal, stream)
    root = display_root(path)
    with (
        InterruptSignals(cancel),
        Progress(console, root, animated=moves, silent=mode.as_json and not moves) as progress,
    ):
        decide: Decide = take_preferred
        emit: Emit = progress.show
        if mode.asks:
            decide = ask_for_each(terminal, console, root, cancel, progress.pause, why=arguments.why)
        elif not mode.as_json:
            decide, emit = show_what_is_taken(console, root, progress, why=arguments.why)
        try:
            report = engine(path, options, places=places, settings=settings, decide=decide, emit=emit, cancel=cancel)
        except Interrupted as stop:
            # The engine writes once, at the end, and does not stop between two files.
            raise Interrupted("Stopped before anything was written.", stop.remedy) from stop
    if mode.as_json:
        found = report_as_json(report, wrote=mode.writes, why=arguments.why)
        terminal.output.write(json.dumps(found, ensure_ascii=False) + "\n")
        terminal.output.flush()
    else:
        files = tuple(file.resolve() for file in options.files)
        view = ReportView(mode.writes, not mode.asks, options.codes, files, arguments.why)
        print_report(console, report, view)
    return EXIT_INTERRUPTED if cancel.cancelled else exit_code_of(report)
