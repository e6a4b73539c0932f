"""What somebody does in an editor for half an hour, as a stream of steps: pure, from a seed and a project's texts.

Each episode begins and ends with the green text of one file: a function is written letter by letter and taken out
again; a mistake is made and mended by hand; a mistake is made, saved, and an offer for it is taken.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lsp_editor import difference
from benchmarks.lsp_projects import LaidMistake

SNIPPETS = Path(__file__).with_name("lsp_snippets.rs")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Keystroke:
    """The document has this text now. `rest`: seconds until the next key."""

    file: Path
    text: bytes
    rest: float


@dataclass(frozen=True, slots=True)
class Save:
    file: Path


@dataclass(frozen=True, slots=True)
class Pause:
    """Hands off the keyboard for some seconds, and until everything has come to rest."""

    seconds: float


@dataclass(frozen=True, slots=True)
class LookAtActions:
    """The editor asks by itself what there is to do in a line (from 0), and shows it."""

    file: Path
    line: int


@dataclass(frozen=True, slots=True)
class TakeOffer:
    """An offer for the line is waited for and accepted, or dismissed."""

    file: Path
    line: int
    dismiss: bool


@dataclass(frozen=True, slots=True)
class BackToGreen:
    """Whatever is there by now, the document gets this text again in one step, as with undo."""

    file: Path
    text: bytes


Step = Keystroke | Save | Pause | LookAtActions | TakeOffer | BackToGreen


def snippets() -> list[str]:
    """The functions that are typed."""
    _comment, *found = SNIPPETS.read_text(encoding="utf-8").split("\n\n")
    return [one.strip() + "\n" for one in found]


def steps(green: dict[Path, bytes], mistakes: Iterator[LaidMistake], seed: str) -> Iterator[Step]:
    """Steps without end, as long as there are mistakes. `green`: the texts of the files, by their paths."""
    chooser = random.Random(seed)
    functions = snippets()
    files = sorted(green)
    while True:
        file = chooser.choice(files)
        yield from writing(file, green[file], chooser.choice(functions), chooser)
        for by_hand in (True, False, True):
            mistake = next(mistakes, None)
            if mistake is None:
                return
            original = green[mistake.file]
            yield from (mended_by_hand if by_hand else mended_by_offer)(mistake, original, chooser)


def writing(file: Path, green: bytes, function: str, chooser: random.Random) -> Iterator[Step]:
    """Write a function at the end of a file, with slips, save it, look at it, and take it out again."""
    typed = "\n"
    lines = green.count(b"\n")
    for key in keys_of(function):
        if key.isalpha() and chooser.random() < 0.04:
            yield Keystroke(file, green + (typed + chooser.choice(LETTERS)).encode(), chooser.uniform(0.1, 0.3))
            yield Keystroke(file, green + typed.encode(), chooser.uniform(0.08, 0.2))
        typed += key
        rest = chooser.uniform(0.3, 0.9) if "\n" in key else chooser.uniform(0.04, 0.14)
        yield Keystroke(file, green + typed.encode(), rest)
        if "\n" in key and chooser.random() < 0.3:
            yield LookAtActions(file, lines + typed.count("\n") - 1)
    yield Save(file)
    yield Pause(chooser.uniform(1.0, 3.0))
    yield BackToGreen(file, green)
    yield Save(file)
    yield Pause(chooser.uniform(0.5, 1.5))


def keys_of(function: str) -> Iterator[str]:
    """What each key adds: a letter, or a line break with the indentation that the editor adds."""
    place = 0
    while place < len(function):
        end = place + 1
        if function[place] == "\n":
            while end < len(function) and function[end] == " ":
                end += 1
        yield function[place:end]
        place = end


def retyped(file: Path, old: bytes, new: bytes, chooser: random.Random) -> Iterator[Keystroke]:
    """From one text to another by hand: what differs is taken out letter by letter and the new typed in its place."""
    start, end, added = difference(old, new)
    taken = old[start:end].decode()
    head, tail = old[:start], old[end:]
    for left in range(len(taken) - 1, -1, -1):
        yield Keystroke(file, head + taken[:left].encode() + tail, chooser.uniform(0.03, 0.08))
    inserted = added.decode()
    for length in range(1, len(inserted) + 1):
        yield Keystroke(file, head + inserted[:length].encode() + tail, chooser.uniform(0.05, 0.15))


def mended_by_hand(mistake: LaidMistake, green: bytes, chooser: random.Random) -> Iterator[Step]:
    """Make a mistake, see what the editor says of it, and mend it without any help."""
    yield from retyped(mistake.file, green, mistake.text, chooser)
    if chooser.random() < 0.6:
        yield Save(mistake.file)
    yield Pause(chooser.uniform(0.5, 2.5))
    yield LookAtActions(mistake.file, mistake.line)
    yield from retyped(mistake.file, mistake.text, green, chooser)
    yield BackToGreen(mistake.file, green)
    yield Save(mistake.file)
    yield Pause(chooser.uniform(0.5, 1.5))


def mended_by_offer(mistake: LaidMistake, green: bytes, chooser: random.Random) -> Iterator[Step]:
    """Make a mistake, mostly save it, take what is offered or dismiss it, and go on from the green text."""
    yield from retyped(mistake.file, green, mistake.text, chooser)
    if chooser.random() < 0.75:
        yield Save(mistake.file)
    yield TakeOffer(mistake.file, mistake.line, dismiss=chooser.random() < 0.15)
    yield Save(mistake.file)
    yield Pause(chooser.uniform(1.0, 2.0))
    yield BackToGreen(mistake.file, green)
    yield Save(mistake.file)
    yield Pause(chooser.uniform(0.3, 1.0))


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line through samples: least squares. `start`: its value where the samples begin."""

    start: float
    slope: float

    def growth(self, duration: float) -> float:
        """By how many percent of its start it grows in this time."""
        return 100 * self.slope * duration / self.start if self.start else float("nan")


def line_through(samples: Sequence[tuple[float, float]]) -> Line:
    """The straight line nearest to (time, value) samples; the times need not begin at 0."""
    if len(samples) < 2:
        return Line(float("nan"), float("nan"))
    first = samples[0][0]
    times = [time - first for time, _ in samples]
    mean_time = sum(times) / len(times)
    mean = sum(value for _, value in samples) / len(samples)
    spread = sum((time - mean_time) ** 2 for time in times)
    together = sum((time - mean_time) * (value - mean) for time, (_, value) in zip(times, samples, strict=True))
    slope = together / spread if spread else 0.0
    return Line(mean - slope * mean_time, slope)
