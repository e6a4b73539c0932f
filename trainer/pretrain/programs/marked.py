"""Programs from marked templates: Rust text with choices, and with places where a mistake may be made.

A file of templates holds blocks. `//// NAME CODE` begins one: the mistake with no label gives that code;
`a=CODE` declares a labelled one. Then come tables, then the text, then after a line `////test` the body of its
`mod tests`. In tables and text

    ⟨one¦two⟩               one of these is chosen; they nest, and may be empty
    ⟦right¦wrong¦worse⟧     a mistake: each wrong text is a mistake of its own; `⟦a›right¦wrong⟧` has the label `a`,
                            and all places with one label go wrong together
    :: A ¦ B                the head of a table; a row `: x ¦ y` of it is chosen, and `$A` stands for x
    :: use NAME             a shared table (`==== NAME` in the file of tables); `:: use NAME 2` calls its columns
                            `$A2`, `$B2`
    §  §1                   a small number: another one each time, or the same one wherever `§1` stands
    …  …1                   a word, likewise; it stands inside a string

Lines that become empty by a choice vanish. Imports of std's everyday names are added; statements that have nothing
to do with the mistake are put between others; a function may become an associated one.
"""  # noqa: RUF002 (the signs are meant)

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from trainer.pretrain.programs.marks import Mark, placeholder
from trainer.pretrain.programs.surroundings import imports_of, with_other_statements, wrapped_in_impl
from trainer.pretrain.records import Broken, Program

__all__ = [
    "MarkedProgram",
    "Mistake",
    "Template",
    "marked_mutations",
    "marked_program",
    "read_tables",
    "read_templates",
]

COLUMN = re.compile(r"\$([A-Z]+\d?)")
NUMBER = re.compile(r"§(\d?)")
WORD = re.compile(r"…(\d?)")
EMPTY = "\x00"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts that belong together."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Template:
    """One template as it stands in its file. `codes`: label -> error code."""

    name: str
    codes: Mapping[str, str]
    tables: tuple[Table, ...]
    text: str
    test: str = ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake of a program: its name, the code that is meant, the text that has it."""

    name: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class MarkedProgram(Program):
    """A program that knows its mistakes."""

    mistakes: tuple[Mistake, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[tuple[Piece, ...], ...]
    label: str | None = None
    """None for a choice; a mark has its label, which may be empty. Its first option is the right text."""


Piece = str | Choice


# ---- reading ----------------------------------------------------------------------------------------------


def read_tables(text: str) -> dict[str, Table]:
    """The shared tables of a file."""
    found = {}
    for block in re.split(r"^==== ", text, flags=re.MULTILINE)[1:]:
        name, _, rest = block.partition("\n")
        lines = [line for line in rest.splitlines() if line.strip()]
        found[name.strip()] = Table(cells(lines[0]), tuple(cells(line) for line in lines[1:]))
    return found


def read_templates(text: str, shared: Mapping[str, Table] | None = None) -> list[Template]:
    """The templates of a file in its order."""
    blocks = re.split(r"^//// ", text, flags=re.MULTILINE)[1:]
    return [template_of(block, shared or {}) for block in blocks]


def template_of(block: str, shared: Mapping[str, Table]) -> Template:
    head, _, rest = block.partition("\n")
    name, *declared = head.split()
    codes = {label: code for label, _, code in (f"={one}".rpartition("=") for one in declared)}
    codes = {label.removeprefix("="): code for label, code in codes.items()}
    tables: list[Table] = []
    lines: list[str] = []
    for line in rest.splitlines():
        if line.startswith(":: use "):
            used, *suffix = line.removeprefix(":: use ").split()
            tables.append(with_suffix(shared[used], "".join(suffix)))
        elif line.startswith("::"):
            tables.append(Table(cells(line[2:]), ()))
        elif line.startswith(":"):
            tables[-1] = replace(tables[-1], rows=(*tables[-1].rows, cells(line[1:])))
        else:
            lines.append(line)
    body, _, test = "\n".join(lines).partition("\n////test\n")
    for table in tables:
        if any(len(row) != len(table.columns) for row in table.rows):
            raise ValueError(f"template {name}: a row of a table has too few or too many cells")
    return Template(name, codes, tuple(tables), body.strip("\n") + "\n", test.strip("\n"))


def cells(line: str) -> tuple[str, ...]:
    """The cells of a row; a sign inside of a choice or a mark separates none."""
    found, depth = [""], 0
    for sign in line:
        depth += (sign in "⟨⟦") - (sign in "⟩⟧")
        if sign == "¦" and depth == 0:
            found.append("")
        else:
            found[-1] += sign
    return tuple(one.strip() for one in found)


def with_suffix(table: Table, suffix: str) -> Table:
    if not suffix:
        return table
    columns = tuple(column + suffix for column in table.columns)
    own = re.compile(r"\$(" + "|".join(table.columns) + r")\b")
    rows = tuple(tuple(own.sub(lambda match: match.group() + suffix, cell) for cell in row) for row in table.rows)
    return Table(columns, rows)


def pieces_of(text: str) -> tuple[Piece, ...]:
    """The text as a tree of choices and marks."""
    pieces, end = sequence(text, 0, "")
    if end != len(text):
        raise ValueError(f"an end without a beginning: {text[end : end + 40]!r}")
    return pieces


def sequence(text: str, at: int, closing: str) -> tuple[tuple[Piece, ...], int]:
    pieces: list[Piece] = []
    begin = at
    while at < len(text) and not (text[at] in "⟩⟧" or (closing and text[at] == "¦")):
        if text[at] in "⟨⟦":
            pieces.append(text[begin:at])
            choice, at = choice_at(text, at)
            pieces.append(choice)
            begin = at
        else:
            at += 1
    return (*pieces, text[begin:at]), at


def choice_at(text: str, at: int) -> tuple[Choice, int]:
    is_mark = text[at] == "⟦"
    closing = "⟧" if is_mark else "⟩"
    label = None
    at += 1
    if is_mark:
        named = re.compile(r"(\w*)›").match(text, at)  # noqa: RUF001 (the sign is meant)
        label = named.group(1) if named else ""
        at = named.end() if named else at
    options = []
    while True:
        option, at = sequence(text, at, closing)
        options.append(option)
        if at >= len(text):
            raise ValueError("a choice or a mark has no end")
        at += 1
        if text[at - 1] == closing:
            return Choice(tuple(options), label), at
        if text[at - 1] != "¦":
            raise ValueError(f"ends where it should not: {text[at - 20 : at + 20]!r}")


# ---- choosing ---------------------------------------------------------------------------------------------


class Chooser:
    """Makes all choices of one program: the same ones for the same seed."""

    def __init__(self, seed: str, tables: Sequence[Table]) -> None:
        self._random = random.Random(seed)
        self._words = self._random.sample(words(), len(words()))
        self._kept_words = self._random.sample(words(), len(words()))
        self._kept_numbers = self._random.sample(range(2, 40), 10)
        self._columns = {
            column: cell
            for table in tables
            for column, cell in zip(table.columns, self._random.choice(table.rows), strict=True)
        }
        self.marks: list[Mark] = []

    def text(self, text: str) -> str:
        """The text with its choices made, and a placeholder (see `marks`) for each mark."""
        for _ in range(6):
            text = COLUMN.sub(lambda match: self._columns[match.group(1)], text)
        return self._joined(pieces_of(text))

    def _joined(self, pieces: Sequence[Piece]) -> str:
        return "".join(self._filled(piece) if isinstance(piece, str) else self._chosen(piece) for piece in pieces)

    def _chosen(self, choice: Choice) -> str:
        if choice.label is None:
            return self._joined(self._random.choice(choice.options)) or EMPTY
        # The same numbers and words in the right text and the wrong one: what differs is the mistake alone.
        state, words = self._random.getstate(), list(self._words)
        texts = []
        for option in choice.options:
            self._random.setstate(state)
            self._words = list(words)
            texts.append(self._joined(option) or EMPTY)
        self.marks.append(Mark(choice.label, texts[0], tuple(texts[1:])))
        return placeholder(len(self.marks) - 1)

    def _filled(self, text: str) -> str:
        text = NUMBER.sub(lambda match: self._number(match.group(1)), text)
        return WORD.sub(lambda match: self._word(match.group(1)), text)

    def _number(self, name: str) -> str:
        return str(self._kept_numbers[int(name)] if name else self._random.randint(2, 60))

    def _word(self, name: str) -> str:
        return self._kept_words[int(name)] if name else self._words.pop()


def rendered(text: str, marks: Sequence[Mark], label: str | None = None, variant: int = 0) -> str:
    """The text without placeholders: right, but for the marks with a label."""
    for number, mark in enumerate(marks):
        wrong = mark.label == label
        chosen = mark.wrong[min(variant, len(mark.wrong) - 1)] if wrong else mark.right
        text = text.replace(placeholder(number), chosen)
    return without_empty_lines(text)


def without_empty_lines(text: str) -> str:
    """The text without the lines that a choice left empty."""
    lines = [line for line in text.split("\n") if EMPTY not in line or line.replace(EMPTY, "").strip()]
    return "\n".join(line.replace(EMPTY, "").rstrip() for line in lines)


@cache
def words() -> tuple[str, ...]:
    """Words that strings are made of."""
    return tuple((files(__package__) / "words.txt").read_text(encoding="utf-8").split())


# ---- programs ---------------------------------------------------------------------------------------------


def marked_program(template: Template, seed: str, family: str, group: str) -> MarkedProgram:
    """One program of a template. Its source is the template, whatever was chosen."""
    chooser = Chooser(f"{seed}:{template.name}", template.tables)
    text = chooser.text(template.text)
    test = without_empty_lines(chooser.text(template.test))
    around = random.Random(f"{seed}:{template.name}:around")
    text, marks, test = wrapped_in_impl(text, chooser.marks, test, around)
    text = with_other_statements(text, around)
    right = rendered(text, marks)
    mistakes = []
    for label, code in template.codes.items():
        most = max((len(mark.wrong) for mark in marks if mark.label == label), default=0)
        for variant in range(most):
            wrong = rendered(text, marks, label, variant)
            name = "_".join(one for one in (template.name, label, str(variant) if variant else "") if one)
            mistakes.append(Mistake(f"{group}.{name}", code, imports_of(right) + wrong))
    return MarkedProgram(
        source=f"template:{group}.{template.name}",
        family=family,
        text=imports_of(right) + right,
        behaviour=f"use super::*;\n\n{test}\n" if test else "",
        mistakes=tuple(mistakes),
    )


def marked_mutations(program: Program, seed: str) -> Iterator[Broken]:
    """The mistakes that a marked program knows, in an order of the seed; nothing for other programs."""
    if isinstance(program, MarkedProgram):
        mistakes = list(program.mistakes)
        random.Random(f"{seed}:{program.source}:mistakes").shuffle(mistakes)
        for mistake in mistakes:
            if mistake.text != program.text:
                yield Broken(program, mistake.name, mistake.text, mistake.code)
