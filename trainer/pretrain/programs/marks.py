"""Places of a program where a mistake may be made, and how they stand in its text until it is decided."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Mark", "placeholder"]

FIRST_PLACEHOLDER = 0xE000


@dataclass(frozen=True, slots=True)
class Mark:
    """A place where a mistake may be made, its choices made."""

    label: str
    right: str
    wrong: tuple[str, ...]


def placeholder(number: int) -> str:
    """The sign (of Unicode's private area) that stands for a mark in a text."""
    return chr(FIRST_PLACEHOLDER + number)
