"""Single keys from a terminal, without Enter, while the event loop runs."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from sleepy_agent.process import POSIX

END_OF_INPUT = "\x04"
"""What Ctrl-D sends, and what the end of the input is told as."""
CONTROL_SEQUENCE = re.compile(r"\x1b(?:[\[O][0-?]*[ -/]*[@-~])?")


@contextmanager
def listening_to_keys(stream: TextIO, on_key: Callable[[str], None]) -> Iterator[None]:
    """Call `on_key` on the running loop for each key typed on the terminal `stream`.

    Keys are not echoed; Ctrl-C and Ctrl-Z do what they always do. The terminal is afterwards as it was.
    """
    if not POSIX:
        with listening_by_thread(on_key):
            yield
        return
    import termios
    import tty

    descriptor = stream.fileno()
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(descriptor)

    def read() -> None:
        try:
            typed = os.read(descriptor, 1024)
        except OSError:
            typed = b""
        if not typed:
            # The terminal is gone, and it would be readable for ever.
            loop.remove_reader(descriptor)
        for key in keys_of(typed):
            on_key(key)

    def take_over() -> None:
        with suppress(termios.error):
            tty.setcbreak(descriptor, termios.TCSADRAIN)

    take_over()
    # The shell gives the terminal its own mode back while the program is stopped with Ctrl-Z.
    loop.add_signal_handler(signal.SIGCONT, take_over)
    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        loop.remove_signal_handler(signal.SIGCONT)
        with suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def keys_of(typed: bytes) -> list[str]:
    """The keys in what a terminal sent at once. An arrow or a function key comes as several bytes that begin with an
    escape (ECMA-48, "Control sequences"), and means nothing here."""
    return list(CONTROL_SEQUENCE.sub("", typed.decode(errors="ignore"))) if typed else [END_OF_INPUT]


@contextmanager
def listening_by_thread(on_key: Callable[[str], None]) -> Iterator[None]:
    """The same on Windows, whose consoles cannot be waited for together with other things."""
    import msvcrt
    import threading

    loop = asyncio.get_running_loop()
    ended = threading.Event()
    key_is_there: Callable[[], bool] = getattr(msvcrt, "kbhit")  # noqa: B009 -- mypy looks at it as Linux has it
    read_key: Callable[[], str] = getattr(msvcrt, "getwch")  # noqa: B009

    def read() -> None:
        while not ended.wait(0.03):
            if key_is_there():
                key = read_key()
                with suppress(RuntimeError):
                    loop.call_soon_threadsafe(on_key, key)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
