"""The tree of errors: each says what happened and what to do about it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sleepy_agent import errors
from sleepy_agent.errors import CannotWrite, Interrupted, SleepyError, cannot_write

ALL_ERRORS = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, SleepyError)]


@pytest.mark.parametrize("kind", ALL_ERRORS)
def test_every_error_has_its_sentences_and_its_exit_code(kind: type[SleepyError]) -> None:
    error = kind("It broke.", "Mend it.")
    assert (str(error), error.message, error.remedy) == ("It broke.", "It broke.", "Mend it.")
    assert error.exit_code == (130 if kind is Interrupted else 2)
    assert kind.__doc__


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "write permission"),
        (errno.EPERM, "write permission"),
        (errno.EIO, "run the same command again"),
    ],
)
def test_why_something_could_not_be_written(code: int, remedy: str) -> None:
    error = cannot_write(Path("src/lib.rs"), OSError(code, os.strerror(code)))
    assert isinstance(error, CannotWrite)
    assert error.message == f"Could not write src/lib.rs: {os.strerror(code).lower()}."
    assert remedy in error.remedy


def test_an_error_without_a_number_still_says_something() -> None:
    error = cannot_write(Path("x"), OSError("Strange things"))
    assert error.message == "Could not write x: strange things."
    assert error.remedy
