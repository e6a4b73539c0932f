"""The records that making the seed model's data speaks in: programs, the same broken, lessons."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sleepy_agent.domain import Diagnostic

__all__ = ["FILE", "Broken", "Lesson", "Program", "Verified"]

FILE: Final = Path("src/lib.rs")
"""The file that a program is, wherever it was compiled."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that compiles without warnings that matter, in edition 2021.

    `source` is "template:NAME" or "crate:NAME-VERSION/path.rs::item": what the split goes by. `family` is what the
    program's mutations aim at, "" where that is any. `text` holds the items of one module, of std only, without
    `fn main`, of 6 to 60 lines laid out as rustfmt does. `behaviour` is the body of a `mod tests` that passes on
    the text, or "".
    """

    source: str
    family: str
    text: str
    behaviour: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A program with one mistake in it.

    `mutation` names the kind of mistake ("borrow_overlap.push_while_first"), `code` the error code that is meant,
    "" for a syntax error that has none.
    """

    program: Program
    mutation: str
    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A broken program and the one error that rustc reports of it, all places of which are in `FILE`; the program
    itself compiles, and its behaviour passes."""

    broken: Broken
    diagnostic: Diagnostic


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the seed model learns from: a verified pair of a question and its answer.

    `prompt` is what the seed profile asks and `answer` the line edits that mend it, both with names abstracted.
    `split` is "train", "tune", "gate" or "report". `shape` is the answer with the numbers of names and of lines
    taken out.
    """

    source: str
    mutation: str
    family: str
    code: str
    prompt: str
    answer: str
    split: str
    shape: str
