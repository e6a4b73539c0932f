"""`sleepy koans`: the small broken programs that measure the sources, checked and repaired."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from sleepy_agent.cli.console import console_for
from sleepy_agent.cli.koans_report import print_complaints, print_run, run_as_json
from sleepy_agent.cli.progress import Progress
from sleepy_agent.cli.terminal import Terminal, can_move, terminal_of_process
from sleepy_agent.cli.values import read_duration, split_commas
from sleepy_agent.config import find_places, load_settings, settings_from
from sleepy_agent.errors import EXIT_ERRORS_REMAIN, EXIT_GREEN, BadUsage
from sleepy_agent.fixes.events import StageStarted
from sleepy_agent.koans.records import Koan, KoanSet, koans_folder, read_koans
from sleepy_agent.process import CancelToken, InterruptSignals

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER_HELP: Final = "the folder with koans.toml (default: the koans that come with Sleepy)"


class Action(NamedTuple):
    """One word after `sleepy koans`."""

    name: str
    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Terminal, KoanSet], int]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions of `sleepy koans`, each with its options."""
    parser.epilog = (
        "A koan is a program of 10 to 40 lines with one mistake, and a test that tells a right repair from one that\n"
        "only compiles. The frozen ones never change, so that figures of different days can be compared."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    for action in ACTIONS:
        subparser = actions.add_parser(
            action.name,
            help=action.summary,
            description=f"{action.summary[:1].upper()}{action.summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        action.add_arguments(subparser)
        subparser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="NAMES",
            help="only these koans or families (may be repeated or hold commas)",
        )
        subparser.add_argument("--folder", metavar="FOLDER", help=FOLDER_HELP)
        subparser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        subparser.set_defaults(run_action=action.run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the action says."""
    return run_with(arguments, terminal_of_process())


def run_with(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Do what the action says, on this terminal."""
    folder = koans_folder() if arguments.folder is None else Path(arguments.folder).absolute()
    code: int = arguments.run_action(arguments, terminal, read_koans(folder))
    return code


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy koans check`."""
    parser.epilog = "Exit codes: 0 nothing is wrong, 1 something is, 2 could not run, 130 interrupted."
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="FILE",
        help="instead, look for koans in the programs of this file of JSON lines (may be repeated)",
    )


def check(arguments: argparse.Namespace, terminal: Terminal, koans: KoanSet) -> int:
    """Say what is wrong with the koans, or which programs of a file are koans."""
    from sleepy_agent.koans.check import check_koans, programs_against

    chosen = chosen_koans(koans, arguments.only)
    cancel = CancelToken()
    with shown_progress(terminal, cancel, as_json=arguments.json) as progress:
        if arguments.against:
            progress("looking for koans in other programs")
            looked_for = replace(koans, koans=tuple(chosen))
            complaints = [one for file in arguments.against for one in programs_against(looked_for, Path(file), cancel)]
        else:
            names = frozenset(koan.name for koan in chosen) if arguments.only else None
            complaints = check_koans(koans, cancel, progress, names)
    if arguments.json:
        found = {"koans": len(chosen), "complaints": [asdict(one) for one in complaints]}
        terminal.output.write(json.dumps(found, ensure_ascii=False) + "\n")
    else:
        print_complaints(console_for(terminal, terminal.output), complaints, len(chosen))
    return EXIT_ERRORS_REMAIN if complaints else EXIT_GREEN


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy koans run`."""
    parser.epilog = (
        "A koan passes when the repair that is offered first compiles and its test passes; pass@k: when one of the\n"
        "first k repairs that compile does. An edit of the tests is refused. No source sees the hints.\n\n"
        "Exit codes: 0 all pass, 1 some do not, 2 could not run, 130 interrupted."
    )
    parser.add_argument(
        "--sources",
        action="append",
        metavar="NAMES",
        help="exactly these sources, such as compiler,template (default: every source available here)",
    )
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="ask this model, in a server of its own: a name of `sleepy model list`, or a GGUF file",
    )
    parser.add_argument(
        "--samples", type=int, metavar="K", help="answers of the model to each question, the k of pass@k"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="so often the model sees what its last answer left")
    parser.add_argument("--budget", default="2m", metavar="TIME", help="the most for each koan (default: %(default)s)")
    parser.add_argument("--frozen", action="store_true", help="only the frozen koans")


def run_the_koans(arguments: argparse.Namespace, terminal: Terminal, koans: KoanSet) -> int:
    """Repair koans and say how many pass."""
    from sleepy_agent.koans.run import RunOptions, run_koans

    chosen = [koan for koan in chosen_koans(koans, arguments.only) if koan.frozen or not arguments.frozen]
    if not chosen:
        raise BadUsage("None of these koans is frozen.", "Leave out --frozen, or name others.")
    places = find_places(terminal.environment)
    said = {"model_samples": arguments.samples, "model_rounds": arguments.rounds}
    settings = settings_from(said, load_settings(places), "the options")
    model = None
    if arguments.model is not None:
        from sleepy_agent.cli.model import named_model

        model, _ = named_model(arguments.model, places, settings)
    options = RunOptions(
        sources=None if arguments.sources is None else split_commas(arguments.sources),
        model=model,
        seconds=read_duration(arguments.budget, "--budget"),
    )
    cancel = CancelToken()
    with shown_progress(terminal, cancel, as_json=arguments.json) as progress:
        done = run_koans(chosen, koans, options, places, settings, cancel, progress)
    if arguments.json:
        terminal.output.write(json.dumps(run_as_json(done), ensure_ascii=False) + "\n")
    else:
        print_run(console_for(terminal, terminal.output), done)
    return EXIT_GREEN if all(one.passed for one in done.results) else EXIT_ERRORS_REMAIN


def chosen_koans(koans: KoanSet, values: Sequence[str]) -> list[Koan]:
    """The koans of these names and families; all where none is named. Raises BadUsage for what is neither."""
    words = split_commas(values)
    for word in words:
        if not any(word in {koan.name, koan.family} for koan in koans.koans):
            raise BadUsage(
                f"--only {word}: there is no koan and no family of that name.",
                f"The families are: {', '.join(dict.fromkeys(koan.family for koan in koans.koans))}.",
            )
    return [koan for koan in koans.koans if not words or koan.name in words or koan.family in words]


@contextmanager
def shown_progress(terminal: Terminal, cancel: CancelToken, *, as_json: bool) -> Iterator[Callable[[str], None]]:
    """Say on the terminal what is being done; with --json on stderr, and only where somebody watches. Ctrl-C stops."""
    stream = terminal.errors if as_json else terminal.output
    moves = can_move(terminal, stream)
    with (
        InterruptSignals(cancel),
        Progress(console_for(terminal, stream), Path(), animated=moves, silent=as_json and not moves) as progress,
    ):
        yield lambda text: progress.show(StageStarted(text))


ACTIONS: Final = (
    Action(
        "check",
        "prove that the koans are what they must be, and say how to mend what is not",
        add_check_arguments,
        check,
    ),
    Action("run", "repair the koans and let their tests judge the repairs", add_run_arguments, run_the_koans),
)
