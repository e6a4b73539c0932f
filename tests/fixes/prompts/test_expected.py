"""The answer that is likely, given to the model's loop as a draft."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sleepy_agent.fixes.prompts.compose import Prompt, compose
from sleepy_agent.fixes.prompts.expected import expected_answer
from sleepy_agent.fixes.prompts.profiles import EditForm, profile_for
from sleepy_agent.fixes.sources.context import SourceContext

from .programs import SHELF, problem_with

BORROWS = SHELF.replace('shelf.remove("x")', "shelf.books.len()")
MUTABLE = """\
<<<<<<< SEARCH
    let paid = 0;
=======
    let mut paid = 0;
>>>>>>> REPLACE"""
AS_IT_STANDS = """\
<<<<<<< SEARCH
    shelf.remove("x")
=======
    shelf.remove("x")
>>>>>>> REPLACE"""


def prompt_in(folder: Path, text: str, code: str, form: EditForm) -> tuple[Prompt, SourceContext]:
    problem, context = problem_with(folder, text, code)
    prompt = compose(problem, context, replace(profile_for("qwen2.5-coder"), edits=form))
    assert prompt is not None
    return prompt, context


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        pytest.param(BORROWS, "E0384", MUTABLE, id="the lines as rustc would have them"),
        pytest.param(SHELF, "E0599", AS_IT_STANDS, id="no suggestion: the lines as they stand"),
    ],
)
def test_search_and_replace(tmp_path: Path, text: str, code: str, expected: str) -> None:
    prompt, context = prompt_in(tmp_path, text, code, EditForm.BLOCKS)
    assert prompt.expected == expected == prompt.request().expected
    assert (prompt.understood(expected, context.read)[1] != ()) is True


def test_a_whole_item_as_rustc_would_have_it(tmp_path: Path) -> None:
    prompt, context = prompt_in(tmp_path, BORROWS, "E0384", EditForm.ITEM)
    start = BORROWS.index("pub fn total")
    item = BORROWS[start : BORROWS.index("}\n\npub fn fill") + 1]
    assert prompt.expected == item.replace("let paid", "let mut paid")
    answer, edits = prompt.understood(prompt.expected, context.read)
    assert answer and isinstance(edits, tuple)


def test_line_edits_are_too_short_for_a_guess(tmp_path: Path) -> None:
    assert prompt_in(tmp_path, BORROWS, "E0384", EditForm.LINES)[0].expected == ""


def test_lines_that_are_not_shown_are_not_expected(tmp_path: Path) -> None:
    problem, context = problem_with(tmp_path, BORROWS, "E0384")
    prompt, _ = prompt_in(tmp_path, BORROWS, "E0384", EditForm.BLOCKS)
    nothing = replace(prompt.view, code=(), declared=(), item=None)
    for form in EditForm:
        assert expected_answer(problem, nothing, form, context.read) == ""


def test_line_ends_of_windows_do_not_move_the_lines(tmp_path: Path) -> None:
    prompt, _ = prompt_in(tmp_path, BORROWS.replace("\n", "\r\n"), "E0384", EditForm.BLOCKS)
    assert prompt.expected == MUTABLE
