"""A koan's file: the code that is worked on, and the test module at its end that nobody may change."""

from __future__ import annotations

TESTS_BEGIN = "\n#[cfg(test)]\nmod tests {\n"


def code_of(text: str) -> str:
    """The code without its test module."""
    return text[: tests_start(text)]


def tests_of(text: str) -> str:
    """The test module, with its attribute; empty where there is none."""
    return text[tests_start(text) :]


def tests_start(text: str) -> int:
    """Where the test module begins; the end of the text where there is none."""
    found = text.rfind(TESTS_BEGIN)
    return len(text) if found < 0 else found + 1


def line_count(code: str) -> int:
    """Lines of code, the empty ones at its end apart."""
    return len(code.rstrip().splitlines())
