"""The three streams a command talks to, and what can be done with them: moving lines, questions."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from sleepy_agent.errors import Interrupted
from sleepy_agent.process import CancelToken


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a command reads and writes; tests give one of their own."""

    input: TextIO
    output: TextIO
    errors: TextIO
    environment: Mapping[str, str]


def terminal_of_process() -> Terminal:
    """The streams this process was started with."""
    return Terminal(sys.stdin, sys.stdout, sys.stderr, os.environ)


def can_ask(terminal: Terminal) -> bool:
    """Whether somebody is there to answer."""
    return terminal.input.isatty()


def can_move(terminal: Terminal, stream: TextIO) -> bool:
    """Whether a line may be redrawn in place: a spinner in a file, a pipe or a dumb terminal is noise."""
    return stream.isatty() and terminal.environment.get("TERM") not in ("dumb", "unknown")


@contextmanager
def interrupts_end_reading(cancel: CancelToken) -> Iterator[None]:
    """While somebody is asked, make Ctrl-C end the waiting at once.

    Elsewhere signals only set `cancel` (`InterruptSignals`), and Python goes on reading after such a signal.
    Raises Interrupted, also for what arrived just before.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    previous: dict[signal.Signals, object] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM) if in_main_thread else ():
            previous[number] = signal.signal(number, signal.default_int_handler)
        cancel.raise_if_cancelled()
        yield
    except KeyboardInterrupt:
        cancel.cancel()
        raise Interrupted("Stopped.", "Run the same command again to go on.") from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


def ask(terminal: Terminal, question: str, cancel: CancelToken) -> str | None:
    """Print `question` and read one line; None where the input has ended."""
    with interrupts_end_reading(cancel):
        terminal.output.write(question)
        terminal.output.flush()
        line = terminal.input.readline()
    return line.strip() if line else None
