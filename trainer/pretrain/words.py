"""`whole_words.toml`: what is one token wherever it stands. Needs no tokenizer."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["numbered_words", "whole_words"]


@cache
def whole_words() -> tuple[str, ...]:
    """The words of `whole_words.toml`, in a fixed order."""
    table = word_table()
    *names, labels = numbered_words().values()
    spaced = table["spaced"].split()
    return (
        *table["alone"],
        *table["codes"].split(),
        *(form for forms in labels for form in forms),
        *(form for rows in names for forms in rows for form in forms),
        *(form for word in spaced for form in (word, f" {word}")),
    )


def numbered_words() -> dict[str, list[tuple[str, str]]]:
    """The forms of each numbered word, in the order of its numbers: by the letters of names, then that of lines."""
    table = word_table()
    found = {
        letter: [(f"{letter}{number}", f" {letter}{number}") for number in range(1, count + 1)]
        for letter, count in table["numbered"].items()
    }
    line = table["labelled"]["letter"]
    return found | {line: [(f"{line}{number}", f"{line}{number}|") for number in range(table["labelled"]["count"])]}


def word_table() -> dict[str, Any]:
    """The file of whole words."""
    return tomllib.loads(files(__package__).joinpath("whole_words.toml").read_text(encoding="utf-8"))
