"""What a model is shown of the code: numbered lines around the error, and the declarations it names.

A line is shown once and has one number, whatever file it is of: an answer names lines by their number and can
touch nothing that was not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tree_sitter import Node

from sleepy_agent.cargo.diagnostics import all_texts
from sleepy_agent.code.items import TYPE_KINDS, Item, ItemKind
from sleepy_agent.code.syntax import ancestors, node_at, parse_rust
from sleepy_agent.domain import Problem, Span
from sleepy_agent.fixes.sources.context import SourceContext
from sleepy_agent.fixes.templates.scene import ITEM_KINDS, spans_of

# Where there is no item around an error (broken syntax), so many lines on each side of it are shown.
LINES_AROUND = 10
LONGEST_DECLARATION = 14
MOST_DECLARATIONS = 8
MOST_MEMBERS = 8
MOST_IMPORTS = 30
NAMES_IN_QUOTES = re.compile(r"`([^`]*)`")
WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line. `number` is what the model calls it; `byte_start` is where it begins in its file, and `row` counts
    the lines of that file from 0. `distance`: rows to the nearest place the compiler speaks of."""

    number: int
    file: Path
    row: int
    byte_start: int
    text: str
    """Without the line's end."""
    is_exact: bool
    """Whether `text` is what stands in the file byte by byte (it is valid UTF-8)."""
    distance: int = 0

    @property
    def byte_end(self) -> int:
        return self.byte_start + len(self.text.encode())


@dataclass(frozen=True)
class CodeView:
    """The lines of the code around the error, and those of declarations that it names."""

    code: tuple[ShownLine, ...]
    declared: tuple[ShownLine, ...]
    item: tuple[Path, int, int] | None
    """File and bytes of the item around the error, where all of it is shown."""

    @property
    def lines(self) -> tuple[ShownLine, ...]:
        return (*self.code, *self.declared)

    @cached_property
    def by_number(self) -> dict[int, ShownLine]:
        return {line.number: line for line in self.lines}

    @cached_property
    def _by_row(self) -> dict[tuple[Path, int], ShownLine]:
        return {(line.file, line.row): line for line in self.lines}

    def line_at(self, file: Path, row: int) -> ShownLine | None:
        """The line of a file (rows from 0) where it is shown."""
        return self._by_row.get((file, row))


def view_of(
    problem: Problem,
    context: SourceContext,
    *,
    code_characters: int,
    declaration_characters: int,
    with_imports: bool = False,
) -> CodeView | None:
    """What to show of a problem; None where there is nothing that could be edited."""
    span = problem.span
    if span is None or span.file.suffix != ".rs" or not context.is_editable(span.file):
        return None
    text = context.read(span.file)
    if not text.strip():
        return None
    starts = line_starts(text)
    places = sorted(rows_of(problem, span.file))
    item = item_to_show(text, span, code_characters)
    if item is None:
        rows = set(range(span.line_start - 1 - LINES_AROUND, span.line_end + LINES_AROUND))
    else:
        rows = set(range(row_at(starts, item[0]), row_at(starts, max(item[0], item[1] - 1)) + 1))
    rows |= {row for place in places for row in (place - 1, place, place + 1)}
    rows &= set(range(len(starts)))
    kept = nearest_rows(text, starts, rows, places, code_characters)
    is_whole = item is not None and rows <= kept
    if with_imports:
        kept |= set(import_rows(context, span, starts))
    numbered: list[ShownLine] = []
    add_lines(numbered, span.file, text, starts, sorted(kept), places)
    count = len(numbered)
    for file, declared_rows in declarations(problem, context, declaration_characters):
        declared_text = context.read(file)
        add_lines(numbered, file, declared_text, line_starts(declared_text), declared_rows, ())
    whole = (span.file, *item) if item is not None and is_whole else None
    return CodeView(tuple(numbered[:count]), tuple(numbered[count:]), whole)


def line_starts(text: bytes) -> list[int]:
    """Where each line begins; the last one may be empty only if it is the only one."""
    starts = [0, *(match.end() for match in re.finditer(rb"\n", text))]
    return starts[:-1] if len(starts) > 1 and starts[-1] == len(text) else starts


def row_at(starts: list[int], position: int) -> int:
    """The row (from 0) that holds a byte."""
    low, high = 0, len(starts)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if starts[middle] <= position else (low, middle)
    return low


def rows_of(problem: Problem, file: Path) -> set[int]:
    """The rows (from 0) of a file that the compiler speaks of."""
    return {row - 1 for span in spans_of(problem.diagnostic) if span.file == file for row in ends_of(span)}


def ends_of(span: Span) -> tuple[int, int]:
    return span.line_start, span.line_end


def item_to_show(text: bytes, span: Span, most: int) -> tuple[int, int] | None:
    """The bytes of the largest item around a span that is not longer than `most`, else of the smallest one."""
    node = node_at(parse_rust(text), span.byte_start, span.byte_end)
    around = [one for one in ancestors(node) if one.type in ITEM_KINDS and one.type != "mod_item"]
    if not around:
        return None
    fitting = [one for one in around if one.end_byte - one.start_byte <= most]
    chosen = fitting[-1] if fitting else around[0]
    return with_attributes(chosen), chosen.end_byte


def with_attributes(item: Node) -> int:
    """Where an item begins, its attributes and doc comments counted in."""
    start, before = item.start_byte, item.prev_sibling
    while before is not None and (before.type == "attribute_item" or is_doc_comment(before)):
        start, before = before.start_byte, before.prev_sibling
    return start


def is_doc_comment(node: Node) -> bool:
    return node.type == "line_comment" and (node.text or b"").startswith(b"///")


def nearest_rows(text: bytes, starts: list[int], rows: set[int], places: Iterable[int], most: int) -> set[int]:
    """As many of the rows as fit into `most` characters, the first one and those nearest to `places` before others."""
    places = list(places)
    first = min(rows, default=0)
    ends = [*starts[1:], len(text)]
    order = sorted(rows, key=lambda row: (min((abs(row - place) for place in places), default=0), row))
    kept, used = set[int](), 0
    for row in [first, *(one for one in order if one != first)]:
        used += ends[row] - starts[row]
        if kept and used > most and row not in places:
            break
        kept.add(row)
    return kept


def import_rows(context: SourceContext, span: Span, starts: list[int]) -> Iterator[int]:
    """The rows of the imports that count at a place."""
    count = 0
    for one in context.index.imports_at(span.file, span.byte_start):
        for row in range(row_at(starts, one.byte_start), row_at(starts, max(one.byte_start, one.byte_end - 1)) + 1):
            count += 1
            if count > MOST_IMPORTS:
                return
            yield row


def add_lines(
    lines: list[ShownLine], file: Path, text: bytes, starts: list[int], rows: Iterable[int], places: Iterable[int]
) -> None:
    """Number these rows of a file, unless they are shown already."""
    places = list(places)
    known = {(line.file, line.row) for line in lines}
    ends = [*starts[1:], len(text)]
    for row in rows:
        if (file, row) in known:
            continue
        raw = text[starts[row] : ends[row]].rstrip(b"\r\n")
        if row == 0:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        start = starts[row] + (3 if row == 0 and text.startswith(b"\xef\xbb\xbf") else 0)
        shown = raw.decode(errors="replace")
        distance = min((abs(row - place) for place in places), default=0)
        lines.append(ShownLine(len(lines) + 1, file, row, start, shown, shown.encode() == raw, distance))


# ---- what an error names ----------------------------------------------------------------------------------


def declarations(problem: Problem, context: SourceContext, most: int) -> Iterator[tuple[Path, list[int]]]:
    """File and rows of the declarations that a problem names, the most telling first, within `most` characters."""
    left = most
    for item in named_items(problem, context)[:MOST_DECLARATIONS]:
        text = context.read(item.file)
        starts = line_starts(text)
        rows = rows_of_declaration(item, starts)
        if not context.is_editable(item.file) or not rows or rows[-1] >= len(starts):
            continue
        ends = [*starts[1:], len(text)]
        size = ends[rows[-1]] - starts[rows[0]]
        if size > left:
            continue
        left -= size
        yield item.file, rows


def rows_of_declaration(item: Item, starts: list[int]) -> list[int]:
    """The rows to show of an item: of a function its head, of another item the beginning."""
    end = item.byte_end
    if item.kind in {ItemKind.FUNCTION, ItemKind.METHOD} and item.body_start is not None:
        end = item.body_start + 1
    first, last = row_at(starts, item.byte_start), row_at(starts, max(item.byte_start, end - 1))
    return list(range(first, min(last, first + LONGEST_DECLARATION - 1) + 1))


def named_items(problem: Problem, context: SourceContext) -> list[Item]:
    """The workspace's items whose names the compiler's words or the code it points at have in them."""
    span = problem.span
    said = [name for text in all_texts(problem.diagnostic) for name in NAMES_IN_QUOTES.findall(text)]
    shown = [one.text for one in spans_of(problem.diagnostic)]
    names = dict.fromkeys(word for text in (*said, *shown) for word in WORD.findall(text))
    found: dict[tuple[Path, int], Item] = {}
    for name in names:
        for item in context.index.items_named(name):
            is_here = (
                span is not None and item.file == span.file and item.byte_start <= span.byte_start <= item.byte_end
            )
            if not is_here and not item.is_local and item.kind is not ItemKind.MODULE:
                found.setdefault(item.key, item)
    types = [item for item in found.values() if item.kind in TYPE_KINDS]
    members = [one for item in types for one in context.index.members_of(item.name)[:MOST_MEMBERS]]
    own = [*types, *(item for item in found.values() if item.kind not in TYPE_KINDS)]
    return [*own, *(one for one in members if one.key not in found)]
