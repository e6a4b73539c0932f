"""What an answer is likely to look like, for drafts: most of an edit is code as it stands, or as rustc would have it.

A guess costs nothing when it is wrong: the model says what it wants, a right guess only makes it come sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.domain import Edit, Problem
from sleepy_agent.fixes.prompts.profiles import EditForm
from sleepy_agent.fixes.prompts.view import CodeView, line_starts, row_at

Read = Callable[[Path], bytes]

MOST_LINES = 6
"""More lines than this are not what an answer repeats."""


def expected_answer(problem: Problem, view: CodeView, form: EditForm, read: Read) -> str:
    """A likely answer; empty where there is no good guess, or answers are so short that none is worth it."""
    edits = next((one.edits for one in problem.diagnostic.suggestions if is_shown(one.edits, view, read)), ())
    if form is EditForm.BLOCKS:
        return expected_block(problem, view, edits, read)
    if form is EditForm.ITEM:
        return expected_item(view, edits, read)
    return ""


def is_shown(edits: Sequence[Edit], view: CodeView, read: Read) -> bool:
    """Whether a suggestion changes a few neighbouring lines that are all shown."""
    rows = rows_of(edits, read)
    file = edits[0].file if edits else None
    return (
        0 < len(rows) <= MOST_LINES
        and all(edit.file == file for edit in edits)
        and all(view.line_at(edit.file, row) is not None for edit in edits for row in rows)
    )


def rows_of(edits: Sequence[Edit], read: Read) -> range:
    """The rows (from 0) that edits of one file touch, with those between them."""
    if not edits:
        return range(0)
    starts = line_starts(read(edits[0].file))
    touched = [row_at(starts, place) for edit in edits for place in (edit.byte_start, edit.byte_end)]
    return range(min(touched), max(touched) + 1)


def expected_block(problem: Problem, view: CodeView, edits: Sequence[Edit], read: Read) -> str:
    """Search and replace of the lines that rustc would change, else of those it complains about as they are."""
    span = problem.span
    if edits:
        file, rows = edits[0].file, rows_of(edits, read)
    elif span is not None and span.line_end - span.line_start < MOST_LINES:
        file, rows = span.file, range(span.line_start - 1, span.line_end)
    else:
        return ""
    shown = [view.line_at(file, row) for row in rows]
    if any(line is None for line in shown):
        return ""
    searched = [line.text for line in shown if line is not None]
    replaced = lines_after(edits, rows, read) if edits else searched
    return "\n".join(["<<<<<<< SEARCH", *searched, "=======", *replaced, ">>>>>>> REPLACE"])


def expected_item(view: CodeView, edits: Sequence[Edit], read: Read) -> str:
    """The item as rustc would have it, or as it is."""
    if view.item is None:
        return ""
    file, start, end = view.item
    inside = all(edit.file == file and start <= edit.byte_start and edit.byte_end <= end for edit in edits)
    changed = edits if inside else ()
    texts = apply_edits(changed, read)
    if isinstance(texts, EditConflict):
        texts = {}
    before, after = read(file), texts.get(file, read(file))
    return after[start : end + len(after) - len(before)].decode(errors="replace")


def lines_after(edits: Sequence[Edit], rows: range, read: Read) -> list[str]:
    """What stands in some rows after edits that touch no others."""
    texts = apply_edits(edits, read)
    file = edits[0].file
    before = read(file)
    after = texts[file] if not isinstance(texts, EditConflict) else before
    starts = [*line_starts(before), len(before)]
    end = starts[rows.stop] + len(after) - len(before)
    return after[starts[rows.start] : end].decode(errors="replace").splitlines()
