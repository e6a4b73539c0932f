"""`sleepy log`: recent runs, what was tried in them and what the compiler said."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sleepy_agent.cli.console import console_for
from sleepy_agent.cli.render import flag_names
from sleepy_agent.cli.store import opened_store, root_for
from sleepy_agent.cli.terminal import Terminal, terminal_of_process
from sleepy_agent.cli.values import SHORT_ID, counted
from sleepy_agent.domain import Episode, Outcome
from sleepy_agent.errors import EXIT_GREEN, BadUsage
from sleepy_agent.memory.episodes import EpisodeFilter, StoredEpisode, list_episodes
from sleepy_agent.memory.export import episode_as_json
from sleepy_agent.memory.runs import Run, list_runs

if TYPE_CHECKING:
    from rich.console import Console
    from sqlite_utils import Database

DEFAULT_LIMIT = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sleepy log`."""
    parser.epilog = (
        "Without --run: the runs of the project around PATH (all projects where there is none), newest first, and\n"
        "the attempts of the newest one. Rejected candidates are counted, and listed with --rejected."
    )
    parser.add_argument("path", nargs="?", metavar="PATH", help="a folder of a project (default: the current one)")
    parser.add_argument("--run", metavar="ID", help="show this run (the first letters of its id are enough)")
    parser.add_argument("--rejected", action="store_true", help="list rejected candidates, too")
    parser.add_argument(
        "--limit", type=int, default=DEFAULT_LIMIT, metavar="N", help=f"so many runs (default: {DEFAULT_LIMIT})"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def run(arguments: argparse.Namespace) -> int:
    """Show the user's store."""
    return run_with(arguments, terminal_of_process())


def run_with(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Read the store and print runs and attempts."""
    if arguments.limit < 1:
        raise BadUsage(f"--limit {arguments.limit} shows nothing.", "Give a number from 1.")
    with opened_store(terminal) as database:
        root = root_for(database, arguments.path)
        if arguments.run:
            runs: Sequence[Run] = [find_run(list_runs(database, root), arguments.run)]
        else:
            runs = list_runs(database, root, limit=arguments.limit)
        attempts = attempts_of(database, runs[0], rejected=arguments.rejected) if runs else []
    if arguments.json:
        shown = {"runs": [run_as_json(one) for one in runs], "attempts": [episode_as_json(one) for one in attempts]}
        terminal.output.write(json.dumps(shown) + "\n")
        return EXIT_GREEN
    console = console_for(terminal, terminal.output)
    if not runs:
        console.print("Nothing is recorded yet. `sleepy fix` in a cargo project records what it tries.")
        return EXIT_GREEN
    print_runs(console, runs, one_project=root is not None)
    console.print()
    print_attempts(console, runs[0], attempts, rejected=arguments.rejected)
    return EXIT_GREEN


def find_run(runs: Iterable[Run], beginning: str) -> Run:
    """The one run whose id begins so. Raises BadUsage for none and for several."""
    found = [one for one in runs if one.run_id.startswith(beginning.lower())]
    if len(found) != 1:
        raise BadUsage(
            f"{counted(len(found), 'run') if found else 'No run'} here begins with {beginning}.",
            "`sleepy log` lists the runs; give more letters of the one you mean.",
        )
    return found[0]


def attempts_of(database: Database, one: Run, *, rejected: bool) -> list[StoredEpisode]:
    """The attempts of a run in their order; without `rejected` those that passed."""
    which = EpisodeFilter(run_id=one.run_id, passed=None if rejected else True)
    return list(list_episodes(database, which))


def run_as_json(one: Run) -> dict[str, Any]:
    """A run as `sleepy log --json` prints it."""
    return asdict(one) | {"repository_root": str(one.repository_root)}


def print_runs(console: Console, runs: Sequence[Run], *, one_project: bool) -> None:
    """A line for each run: when, how it ended, what it did."""
    from rich.text import Text

    for one in runs:
        counts = one.counts
        state, style = _state_of(one)
        done = f"{counts.fixes_applied} of {counts.problems_before} fixed, {counted(counts.attempts, 'attempt')}"
        where = "" if one_project else f"   {one.repository_root}"
        console.print(
            Text.assemble(
                (one.run_id[:SHORT_ID], "cyan"), f"  {local_time(one.started)}  ", (f"{state:<12}", style), done, where
            )
        )


def _state_of(one: Run) -> tuple[str, str]:
    if one.undone:
        return "undone", "dim"
    if one.finished is None:
        return "cut off", "yellow"
    return ("green", "green") if one.green else ("errors left", "yellow")


def print_attempts(console: Console, one: Run, attempts: Sequence[StoredEpisode], *, rejected: bool) -> None:
    """A block for each change that was tried."""
    from rich.text import Text

    console.print(Text(f"Run {one.run_id[:SHORT_ID]}: {one.command}", "bold"))
    for _, same in groupby(latest_of_each(attempts), key=_change_of):
        together = [stored.episode for stored in same]
        print_attempt(console, _shown_for(together), len(together) - 1)
    hidden = one.counts.attempts - len(attempts)
    if not rejected and hidden > 0:
        console.print(Text(f"  {counted(hidden, 'rejected candidate')} not shown; --rejected lists them", "dim"))


def latest_of_each(attempts: Iterable[StoredEpisode]) -> list[StoredEpisode]:
    """Each change for each problem once, as it ended: a change that had to wait for another was verified again."""
    latest: dict[tuple[object, ...], StoredEpisode] = {}
    for stored in attempts:
        episode = stored.episode
        changed = tuple(line for line in episode.diff_unified.splitlines() if line.startswith(("+", "-")))
        key = (episode.signature, episode.message, episode.file, episode.title, episode.passed, changed)
        before = latest.get(key)
        if before is not None and before.episode.outcome is not Outcome.NONE and episode.outcome is Outcome.NONE:
            # What the user said to it weighs more than that it passed once more.
            continue
        # Taken out first, so that it stands where it ended.
        latest.pop(key, None)
        latest[key] = stored
    return list(latest.values())


def _change_of(stored: StoredEpisode) -> tuple[str, str, str, str, bool]:
    """What one compile tried: where it mends several problems, there is an attempt for each of them."""
    episode = stored.episode
    return (episode.source, episode.title, episode.diff_unified, episode.verdict, episode.passed)


def _shown_for(together: Sequence[Episode]) -> Episode:
    """The attempt that stands for the same change for several problems: the one that was offered."""
    return next((episode for episode in together if episode.outcome is not Outcome.NONE), together[0])


def print_attempt(console: Console, episode: Episode, others: int) -> None:
    """Problem, what was tried, verdict, outcome; `others`: how many further problems the same change was tried for."""
    from rich.text import Text

    mark, style = ("passed", "green") if episode.passed else ("rejected", "red")
    outcome = "" if episode.outcome is Outcome.NONE else f", {episode.outcome.value}"
    code = f"[{episode.code}]" if episode.code else ""
    message = episode.message.splitlines()[0] if episode.message else ""
    more = f" and {counted(others, 'other problem')}" if others else ""
    console.print(
        Text.assemble(
            (f"  {mark}{outcome}", style),
            f"  error{code} {message}{more}   ",
            (Path(episode.file).as_posix(), "cyan"),
            (f"   {episode.family}", "dim"),
        )
    )
    flags = f"; flags: {', '.join(flag_names(episode.flags))}" if episode.flags else ""
    verdict = f"   {episode.verdict.rstrip('.')}, {episode.wall_clock_milliseconds:.0f} ms{flags}"
    console.print(Text.assemble(f"    {episode.source}: {episode.title}", (verdict, "dim")))


def local_time(timestamp: str) -> str:
    """A stored moment as the user's clock showed it."""
    return f"{datetime.fromisoformat(timestamp).astimezone():%Y-%m-%d %H:%M}"
