"""The console everything coloured is printed on."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console

from sleepy_agent.cli.terminal import Terminal


class QuietlyBrokenConsole(Console):
    """rich ends the program with exit code 1 when its reader leaves; here that is decided in one place, `main`."""

    def on_broken_pipe(self) -> None:
        """Called by rich while it handles the BrokenPipeError, which goes on from here."""
        raise  # noqa: PLE0704 -- the exception that is being handled.


def console_for(terminal: Terminal, stream: TextIO) -> Console:
    """A console on `stream` that prints text as it is. rich itself heeds NO_COLOR, FORCE_COLOR and TERM=dumb."""
    return QuietlyBrokenConsole(
        file=stream,
        # Compiler messages hold brackets, colons and numbers, which rich would take for markup.
        markup=False,
        emoji=False,
        highlight=False,
        # Lines are broken by the terminal or not at all: a piped diff must stay a diff.
        soft_wrap=True,
        _environ=terminal.environment,
    )
