"""Recorded edits: mistakes in a real workspace, what rustc says of them, and the edit that takes each back.

A model with random weights copies nothing, so its speed on edits that copy is measured with these: the question is what
the product asks about the mistake, the answer what a model should have written.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.lsp_projects import LaidMistake, Project, mended_example, mistakes_of
from benchmarks.machine import places_below, scratch_directory
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.code.edits import line_edits
from sleepy_agent.config import Settings
from sleepy_agent.domain import Edit, Problem
from sleepy_agent.fixes.prompts.answers import BLOCK, BadAnswer, parse_answer
from sleepy_agent.fixes.prompts.compose import Prompt, TriedAnswer, compose, error_texts
from sleepy_agent.fixes.prompts.profiles import EditForm, profile_for
from sleepy_agent.fixes.prompts.view import CodeView, ShownLine
from sleepy_agent.fixes.sources.context import KnownItems, SourceContext, SteadyItems
from sleepy_agent.process import CancelToken

FULL_MODEL = "qwen2.5-coder-1.5b-instruct"
MOST_OF_A_KIND = 1
LONGEST_ANSWER = 1500


@dataclass(frozen=True, slots=True)
class RecordedEdit:
    """One edit: the question, and the right answer in the form that the question asks for. `second`: the question of a
    second round, after an answer that left an error."""

    kind: str
    form: EditForm
    prompt: Prompt
    answer: str
    second: Prompt


def recorded_edits(count: int, cancel: CancelToken) -> list[RecordedEdit]:
    """The first `count` mistakes in the mended example that rustc reports and an edit of what is shown takes back: each
    as search and replace, and as the whole item where all of it is shown."""
    found: list[RecordedEdit] = []
    kinds: Counter[str] = Counter()
    with scratch_directory("recorded") as directory:
        project = mended_example(directory / "lending_library", directory / "home", cancel)
        places = places_below(directory / "session")
        with CheckSession.open(project.root, places, Settings(), cancel) as session:
            session.check()
            for mistake in mistakes_of(project):
                if kinds[mistake.kind] < MOST_OF_A_KIND:
                    edits = list(edits_that_mend(mistake, project, session))
                    found += edits
                    kinds[mistake.kind] += bool(edits)
                if sum(kinds.values()) >= count:
                    break
    return found


def edits_that_mend(mistake: LaidMistake, project: Project, session: CheckSession) -> Iterator[RecordedEdit]:
    """The edit that takes a mistake back, in each form; nothing where rustc does not see it as one problem there."""
    path = session.workspace.root / mistake.file
    session.change_texts({path: mistake.text})
    problem = next((one for one in session.check() if one.span is not None and one.span.file == path), None)
    if problem is None:
        return
    context = SourceContext(session.workspace, session.read, session.is_editable, SteadyItems(KnownItems()))
    right = project.texts[mistake.file]
    for form in (EditForm.BLOCKS, EditForm.ITEM):
        recorded = recorded_edit(mistake.kind, form, problem, context, path, right)
        if recorded is not None:
            yield recorded


def recorded_edit(
    kind: str, form: EditForm, problem: Problem, context: SourceContext, path: Path, right: bytes
) -> RecordedEdit | None:
    profile = replace(profile_for(FULL_MODEL), edits=form)
    prompt = compose(problem, context, profile)
    if prompt is None:
        return None
    edits = line_edits(path, context.read(path), right)
    answer = (
        as_blocks(prompt.view, path, context.read(path), right)
        if form is EditForm.BLOCKS
        else as_item(prompt.view, path, edits, context.read(path))
    )
    if answer is None or len(answer) > LONGEST_ANSWER:
        return None
    meant = parse_answer(answer, form, prompt.view, context.read)
    if isinstance(meant, BadAnswer):
        return None
    # A second round shows an answer that was tried, and what is wrong now: here the same error again.
    tried = TriedAnswer(answer, error_texts([problem.diagnostic]))
    second = compose(problem, context, profile, (tried,))
    return RecordedEdit(kind, form, prompt, answer, second) if second is not None else None


def as_blocks(view: CodeView, path: Path, before: bytes, after: bytes) -> str | None:
    """An edit as search and replace: the lines that change, with one more around them where they alone would not be
    found again. None where a line of them is not shown."""
    old, new = before.decode().splitlines(), after.decode().splitlines()
    blocks = []
    for tag, first, last, new_first, new_last in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if tag == "equal":
            continue
        more = 0
        while True:
            rows = range(max(0, first - more), min(len(old), last + more))
            shown = [view.line_at(path, row) for row in rows]
            if any(line is None for line in shown) or more > 3:
                return None
            searched = [line.text for line in shown if line is not None]
            if searched and stands_once(searched, view.lines):
                break
            more += 1
        replaced = new[new_first - (first - rows.start) : new_last + (rows.stop - last)]
        lines = ["<<<<<<< SEARCH", *searched, "=======", *replaced, ">>>>>>> REPLACE"]
        blocks.append("\n".join(lines))
    text = "\n".join(blocks)
    return text if BLOCK.search(text) else None


def stands_once(searched: list[str], lines: tuple[ShownLine, ...]) -> bool:
    texts = [line.text for line in lines]
    places = range(len(texts) - len(searched) + 1)
    return sum(texts[place : place + len(searched)] == searched for place in places) == 1


def as_item(view: CodeView, path: Path, edits: list[Edit], before: bytes) -> str | None:
    """The whole item after the edits; None where it was not shown as a whole or they reach beyond it."""
    if view.item is None or view.item[0] != path:
        return None
    _, start, end = view.item
    if any(edit.byte_start < start or edit.byte_end > end for edit in edits):
        return None
    text = before[start:end]
    for edit in sorted(edits, key=lambda one: one.byte_start, reverse=True):
        text = text[: edit.byte_start - start] + edit.replacement.encode() + text[edit.byte_end - start :]
    return text.decode()
