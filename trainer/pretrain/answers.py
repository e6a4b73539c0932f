"""The answer to a question: what mends a program, as the line edits of the seed profile.

An answer says as little as possible: a line in which two places differ gets two edits. Where rustc's own suggestion
makes exactly the program, the answer is that suggestion as the prompt shows it, so that there is one way to say it.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sleepy_agent.code.edits import EditConflict, apply_edits, count_equal
from sleepy_agent.code.name_abstraction import tokens_of
from sleepy_agent.domain import Diagnostic, Edit
from sleepy_agent.fixes.prompts.answers import BETWEEN
from sleepy_agent.fixes.prompts.compose import line_edit_of
from sleepy_agent.fixes.prompts.view import CodeView, ShownLine
from trainer.pretrain.records import FILE

__all__ = ["MOST_EDITS", "answer_of", "same_code"]

Read = Callable[[Path], bytes]

MOST_EDITS: Final = 4
"""As many as the grammar lets a model write (`sleepy_agent.fixes.prompts.grammar`)."""
LONGEST_ANSWER: Final = 56
"""In tokens of Rust; a profile's answers end at 64 tokens of the model."""
TOO_NEAR: Final = 2
"""Places with at most so many equal tokens between them are one place."""

LineEdit = tuple[int, str, str]
"""Number of the line, what is replaced ("" for a new line behind it) and what comes there."""


def answer_of(diagnostic: Diagnostic, broken: str, right: str, view: CodeView) -> str | None:
    """The line edits that make `right` of `broken`, with the program's names; None where they cannot be said, or only
    at length."""
    read = {FILE: broken.encode()}.__getitem__
    found = suggested(diagnostic, right, view, read) or differing(broken, right, view, read)
    if found is None or not 0 < len(found) <= MOST_EDITS:
        return None
    answer = "\n".join(written(one) for one in found)
    return answer if sum(token.kind != "space" for token in tokens_of(answer)) <= LONGEST_ANSWER else None


def written(edit: LineEdit) -> str:
    number, old, new = edit
    return f"L{number} {old}{BETWEEN}{new}" if old else f"L{number} ++ {new}"


def same_code(first: str, second: str) -> bool:
    """Whether two texts are the same but for white space."""
    return words_of_code(first) == words_of_code(second)


def words_of_code(text: str) -> list[str]:
    return [token.text for token in tokens_of(text) if token.kind != "space"]


def suggested(diagnostic: Diagnostic, right: str, view: CodeView, read: Read) -> list[LineEdit] | None:
    """The suggestion of rustc that makes the program, as the prompt shows it."""
    for suggestion in diagnostic.suggestions:
        texts = apply_edits(suggestion.edits, read)
        if isinstance(texts, EditConflict) or not same_code(texts[FILE].decode(), right):
            continue
        edits = [line_edit_of(edit, view, read) for edit in suggestion.edits]
        shown = [edit for edit in edits if edit is not None]
        if len(shown) == len(edits):
            return shown
    return None


def differing(broken: str, right: str, view: CodeView, read: Read) -> list[LineEdit] | None:
    """What differs, line by line; None where a line that differs is not shown."""
    before, after = broken.splitlines(), right.splitlines()
    rows = {line.row: line for line in view.lines if line.file == FILE}
    found: list[LineEdit] = []
    for tag, first, last, new_first, new_last in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        if tag == "equal":
            continue
        old, new = before[first:last], [line for line in after[new_first:new_last] if line.strip()]
        pairs = paired(old, new)
        for offset, wanted in enumerate(pairs.replaced):
            line = rows.get(first + offset)
            if line is None:
                return None
            if old[offset].strip() != wanted.strip():
                edits = edits_in_line(line, wanted, view, read)
                if edits is None:
                    return None
                found += edits
        # New lines stand behind the line before them, which is none of those that are replaced later.
        for behind, code in pairs.inserted:
            row = first + behind - 1
            line = rows.get(max(0, row))
            if line is None:
                return None
            found.append((0 if row < 0 else line.number, "", code.strip()))
    return found


@dataclass(frozen=True, slots=True)
class Pairs:
    """How a stretch of lines becomes another one: `replaced` says for each old line what it becomes ("" where it
    goes), `inserted` which lines come in behind how many of the old ones."""

    replaced: list[str]
    inserted: list[tuple[int, str]]


def paired(old: Sequence[str], new: Sequence[str]) -> Pairs:
    """Each old line with the new line that is most like it, in their order; what is left comes in or goes."""
    likeness = [[difflib.SequenceMatcher(None, a.split(), b.split(), False).ratio() for b in new] for a in old]
    # The best sum over all ways to pair lines in their order, as in an alignment.
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, j in itertools.product(reversed(range(len(old))), reversed(range(len(new)))):
        best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + likeness[i][j] + 0.01)
    replaced, inserted, j = [""] * len(old), list[tuple[int, str]](), 0
    for i in range(len(old)):
        while j < len(new) and best[i][j] == best[i][j + 1]:
            inserted.append((i, new[j]))
            j += 1
        if j < len(new) and best[i][j] == best[i + 1][j + 1] + likeness[i][j] + 0.01 and best[i][j] > best[i + 1][j]:
            replaced[i] = new[j]
            j += 1
    inserted += [(len(old), line) for line in new[j:]]
    return Pairs(replaced, inserted)


def edits_in_line(line: ShownLine, wanted: str, view: CodeView, read: Read) -> list[LineEdit] | None:
    """The edits of one line; a single one where several would touch each other."""
    if not wanted.strip():
        return [(line.number, line.text.strip(), "")] if is_said(line, line.text.strip()) else None
    places = list(places_between(line.text.strip(), wanted.strip()))
    indentation = len(line.text) - len(line.text.lstrip())
    edits = [edit_at(line, indentation + start, indentation + end, new, view, read) for start, end, new in places]
    shown = [edit for edit in edits if edit is not None]
    if len(shown) == len(places) and (len(shown) == 1 or are_apart(line.text, shown, wanted)):
        return shown
    start, end, new = whole_place(line.text.strip(), wanted.strip())
    one = edit_at(line, indentation + start, indentation + end, new, view, read)
    return [one] if one is not None else None


def is_said(line: ShownLine, old: str) -> bool:
    return line.is_exact and bool(old) and line.text.count(old) == 1


def places_between(old: str, new: str) -> Iterator[tuple[int, int, str]]:
    """The stretches of characters that differ, each as start, end and what comes there, in whole tokens."""
    before, after = ([token.text for token in tokens_of(text)] for text in (old, new))
    starts = [0, *itertools.accumulate(len(token) for token in before)]
    pending: tuple[int, int, int, int] | None = None
    for tag, first, last, new_first, new_last in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        if tag == "equal":
            continue
        if pending is not None and first - pending[1] <= TOO_NEAR:
            pending = (pending[0], last, pending[2], new_last)
            continue
        if pending is not None:
            yield starts[pending[0]], starts[pending[1]], "".join(after[pending[2] : pending[3]])
        pending = (first, last, new_first, new_last)
    if pending is not None:
        yield starts[pending[0]], starts[pending[1]], "".join(after[pending[2] : pending[3]])


def whole_place(old: str, new: str) -> tuple[int, int, str]:
    """The one stretch from the first to the last difference, in whole tokens."""
    before, after = ([token.text for token in tokens_of(text)] for text in (old, new))
    head = count_equal(before, after)
    tail = count_equal(before[head:][::-1], after[head:][::-1])
    start = sum(map(len, before[:head]))
    end = len(old) - sum(map(len, before[len(before) - tail :])) if tail else len(old)
    return start, end, "".join(after[head : len(after) - tail])


def edit_at(line: ShownLine, start: int, end: int, new: str, view: CodeView, read: Read) -> LineEdit | None:
    """The edit of a stretch of a line (in characters), in a form that is unique in the line."""
    if not line.is_exact:
        return None
    first = line.byte_start + len(line.text[:start].encode())
    last = line.byte_start + len(line.text[:end].encode())
    # A word that comes in stands in front of the white space that was there, as rustc's suggestions have it.
    text = read(FILE)
    while first == last and new[:1] == " " and new.strip() and text[last : last + 1] == b" ":
        new, first, last = f"{new[1:]} ", first + 1, last + 1
    return line_edit_of(Edit(FILE, first, last, new), view, read)


def are_apart(text: str, edits: Sequence[LineEdit], wanted: str) -> bool:
    """Whether several edits of one line, each found by its old text, together make the line that is wanted."""
    places = sorted((text.find(old), old, new) for _, old, new in edits)
    made, position = "", 0
    for start, old, new in places:
        if start < position:
            return False
        made += text[position:start] + new
        position = start + len(old)
    return same_code(made + text[position:], wanted)
