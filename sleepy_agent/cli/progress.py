"""What happens, while it happens: one moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.text import Text

from sleepy_agent.cli.render import place
from sleepy_agent.cli.values import counted
from sleepy_agent.fixes.events import (
    AttemptMade,
    Event,
    FixAccepted,
    FixTakenBack,
    ProblemLeft,
    ProblemsFound,
    ProofMade,
    SourceUnavailable,
    StageStarted,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status


def stage_text(event: Event, root: Path) -> str | None:
    """One line for an event that says where the work stands; None for those that are shown elsewhere."""
    match event:
        case StageStarted(text):
            return text
        case ProblemsFound(problems, blocked):
            found = (
                f"{counted(len(problems), 'problem')} in {counted(len({one.package for one in problems}), 'package')}"
            )
            waiting = f", {counted(len(blocked), 'package')} cannot be checked before that" if blocked else ""
            return f"{found}{waiting}" if problems else None
        case AttemptMade(problem, candidate, _):
            return f"{problem.code or 'error'} {place(problem, root)}: trying {candidate.source}: {candidate.title}"
        case FixTakenBack(problem, title):
            return f"taken back, another error keeps it from being checked to the end: {place(problem, root)}: {title}"
        case SourceUnavailable(source, reason, remedy):
            return f"The source {source} does not answer: {reason} {remedy}"
        case FixAccepted() | ProblemLeft() | ProofMade():
            return None


class Progress:
    """Shows events as they come. `animated`: one line redrawn in place, gone at the end; else a line a stage.

    A context manager because the moving line is drawn by a thread that has to end.
    """

    def __init__(self, console: Console, root: Path, *, animated: bool, silent: bool = False) -> None:
        self._console = console
        self._root = root
        self._animated = animated
        self._silent = silent
        self._last = ""
        self._status: Status | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.pause()

    def pause(self) -> None:
        """Clear the moving line, so that something can be printed or asked; the next event brings it back."""
        if self._status:
            self._status.stop()
            self._status = None

    def show(self, event: Event) -> None:
        """Take one event."""
        text = stage_text(event, self._root)
        if self._silent or text is None:
            return
        if isinstance(event, SourceUnavailable):
            # It says what to do, so it stays.
            self.pause()
            self._console.print(Text(text, "yellow"))
        elif self._animated:
            self._move(text)
        elif not isinstance(event, AttemptMade) and text != self._last:
            # A line for each candidate would drown what matters in a log.
            self._last = text
            self._console.print(Text(f"{text} ..." if isinstance(event, StageStarted) else text, "dim"))

    def _move(self, text: str) -> None:
        line = Text(text, style="dim", no_wrap=True, overflow="ellipsis")
        line.truncate(max(20, self._console.width - 4), overflow="ellipsis")
        if self._status is None:
            self._status = self._console.status(line, spinner="dots")
            self._status.start()
        else:
            self._status.update(line)
