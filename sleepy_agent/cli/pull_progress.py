"""How long work on a model goes on: a bar on a terminal, elsewhere a line for each tenth fetched or each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sleepy_agent.cli.console import console_for
from sleepy_agent.cli.model_report import size_text
from sleepy_agent.cli.terminal import Terminal, can_move
from sleepy_agent.serving.models.pull import OnProgress, PullProgress, PullStage

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

SAYS = {
    PullStage.FETCHING: "fetching",
    PullStage.WAITING: "the connection broke off, trying again",
    PullStage.CHECKING: "comparing the checksum",
}


@contextmanager
def shown_progress(terminal: Terminal, *, silent: bool) -> Iterator[OnProgress]:
    """What to tell of each step. Nothing of a bar is left at the end."""
    console = console_for(terminal, terminal.output)
    if silent:
        yield lambda _progress: None
    elif can_move(terminal, terminal.output):
        with _bar(console) as bar:
            task = bar.add_task("", total=None)
            yield lambda step: bar.update(
                task, description=SAYS[step.stage], total=step.total_bytes, completed=step.done_bytes
            )
    else:
        yield _Lines(console).show


@contextmanager
def shown_steps(terminal: Terminal, *, silent: bool) -> Iterator[Callable[[str, float], None]]:
    """What to tell of each step of something that is computed: its name, and the share of it that is done."""
    console = console_for(terminal, terminal.output)
    if silent:
        yield lambda _text, _share: None
    elif can_move(terminal, terminal.output):
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=1.0)
            yield lambda text, share: bar.update(task, description=text, completed=share)
    else:
        told: set[str] = set()

        def tell(text: str, _share: float) -> None:
            if text not in told:
                told.add(text)
                console.print(f"{text} ...")

        yield tell


def _bar(console: Console) -> Progress:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True)


class _Lines:
    """Owns what was said last, so that nothing is said twice."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: tuple[PullStage, int] | None = None

    def show(self, step: PullProgress) -> None:
        tenths = 10 * step.done_bytes // step.total_bytes if step.total_bytes else 10
        if (step.stage, tenths) == self._last:
            return
        self._last = (step.stage, tenths)
        amount = f": {10 * tenths} % of {size_text(step.total_bytes)}" if step.stage is PullStage.FETCHING else ""
        self._console.print(f"{SAYS[step.stage]}{amount}")
