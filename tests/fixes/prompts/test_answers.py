"""Answers become exactly the edits they say, or a reason why they are none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.fixes.prompts.answers import BadAnswer, parse_answer, title_of
from sleepy_agent.fixes.prompts.profiles import EditForm
from sleepy_agent.fixes.prompts.view import CodeView

from .programs import plain_view

CODE = """\
fn main() {
    let total = 0;
    let letter = total;
    take(letter, "é", letter);
}
"""
LINES, BLOCKS, ITEM = EditForm.LINES, EditForm.BLOCKS, EditForm.ITEM


def text_after(answer: str, form: EditForm, code: str = CODE) -> str:
    """The program after an answer, or why it is none."""
    view, context = plain_view(code)
    edits = parse_answer(answer, form, view, context.read)
    if isinstance(edits, BadAnswer):
        return f"bad: {edits.reason}"
    texts = apply_edits(edits, context.read)
    assert not isinstance(texts, EditConflict)
    return next(iter(texts.values())).decode()


def changed(old: str, new: str, code: str = CODE) -> str:
    assert code.count(old) == 1, old
    return code.replace(old, new)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("L2 total <=> mut total", changed("let total", "let mut total")),
        # As a whole word: `let` also begins `letter`.
        ("L3 let <=> let mut", changed("let letter", "let mut letter")),
        ('L4 "é" <=> "è"', changed('"é"', '"è"')),
        ("L4 , letter) <=> )", changed(", letter)", ")")),
        ("L2 total = 0 <=> total = 1\nL3 total <=> &total", changed("= total", "= &total").replace("= 0", "= 1")),
        # Nothing is put in its place; the space behind the sign may be missing.
        ("L3 = total <=> ", changed("letter = total", "letter ")),
        ("L3 = total <=>", changed("letter = total", "letter ")),
        ("L2 ++ use_it(total);", changed("= 0;\n", "= 0;\n    use_it(total);\n")),
        ("L0 ++ use std::fmt;", f"use std::fmt;\n{CODE}"),
        ("```\nL2 total <=> mut total\n```", changed("let total", "let mut total")),
        ("```rust\r\nL2 total <=> mut total\r\n```\r\n", changed("let total", "let mut total")),
    ],
)
def test_line_edits(answer: str, expected: str) -> None:
    assert text_after(answer, LINES) == expected


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "it is empty"),
        ("   \n", "it is empty"),
        ("I think that you should write let mut.", "is no edit of a line"),
        ("L2 total <=> mut total\nThat is it.", "is no edit of a line"),
        ("L9 total <=> mut total", "there is no line L9"),
        ("L0 fn <=> pub fn", "there is no line L0"),
        ("L99999999 a <=> b", "is no edit of a line"),
        ("L2 price <=> mut price", "'price' stands 0 times in L2"),
        ("L4 letter <=> &letter", "'letter' stands 2 times in L4"),
        ("L2 total", "does not say what is replaced by what"),
        ("L2  <=> mut", "does not say what is replaced"),
        ("L2 total <=> a <=> b", "does not say what is replaced by what"),
        ("L2 ++  ", "does not say what is inserted"),
        ("L9 ++ x", "there is no line L9"),
        ("L2 total <=> total", "it changes nothing"),
        ("L2 total = 0 <=> a\nL2 total <=> b", "do not go together"),
        ("L2 total <=> \0", "null character"),
        ("src/main.rs L2 total <=> x", "is no edit of a line"),
        ("../L2 total <=> x", "is no edit of a line"),
        ("L2 total <=> x\n" * 13, "changes more than 12 places"),
        ("x" * 30_000, "it is too long"),
    ],
)
def test_what_is_no_line_edit(answer: str, reason: str) -> None:
    said = text_after(answer, LINES)
    assert said.startswith("bad: ") and reason in said, said


def block(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n".replace("\n\n>>>>", "\n>>>>")


TWICE = "fn a() {\n    go();\n}\n\nfn b() {\n    go();\n}\n"


@pytest.mark.parametrize(
    ("code", "answer", "expected"),
    [
        (CODE, block("    let total = 0;", "    let mut total = 0;"), changed("let total", "let mut total")),
        (
            CODE,
            block("    let total = 0;\n    let letter = total;", "    let letter = 0;"),
            changed("    let total = 0;\n    let letter = total;", "    let letter = 0;"),
        ),
        (CODE, block("    let letter = total;", ""), changed("    let letter = total;\n", "")),
        # White space at the ends of lines means nothing.
        (CODE, block("    let total = 0;  ", "    let total = 1;"), changed("= 0", "= 1")),
        (
            CODE,
            block("    let total = 0;", "    let total = 1;") + "\n" + block("fn main() {", "fn go() {"),
            changed("= 0", "= 1").replace("main", "go"),
        ),
        (
            TWICE,
            block("fn b() {\n    go();", "fn b() {\n    stop();"),
            "fn a() {\n    go();\n}\n\nfn b() {\n    stop();\n}\n",
        ),
        (CODE, "```rust\n" + block("fn main() {", "fn go() {") + "```", CODE.replace("main", "go")),
        # Line ends of the file stay what they are.
        (
            CODE.replace("\n", "\r\n"),
            block("    let total = 0;\n    let letter = total;", "    let a = 1;\n    let b = 2;"),
            changed("let total = 0;\n    let letter = total;", "let a = 1;\n    let b = 2;").replace("\n", "\r\n"),
        ),
    ],
)
def test_blocks(code: str, answer: str, expected: str) -> None:
    assert text_after(answer, BLOCKS, code) == expected


@pytest.mark.parametrize(
    ("code", "answer", "reason"),
    [
        (CODE, "let mut total = 0;", "it has no search and replace block"),
        (CODE, "Sure!\n" + block("fn main() {", "fn go() {"), "stands beside its edits"),
        (CODE, block("fn main() {", "fn go() {") + "Done.", "stands beside its edits"),
        (CODE, block("let total = 0;", "let mut total = 0;"), "stands 0 times in the code"),
        (CODE, block("    let nothing;", "    x"), "stands 0 times in the code"),
        (TWICE, block("    go();", "    stop();"), "stands 2 times in the code"),
        (CODE, block("", "x"), "does not say what is searched"),
        (CODE, "<<<<<<< SEARCH\nfn main() {\n=======\nfn go() {\n", "it has no search and replace block"),
    ],
)
def test_what_is_no_block(code: str, answer: str, reason: str) -> None:
    said = text_after(answer, BLOCKS, code)
    assert said.startswith("bad: ") and reason in said, said


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (changed("let total", "let mut total"), changed("let total", "let mut total")),
        ("```rust\n" + changed("= 0", "= 1") + "```", changed("= 0", "= 1")),
        ("Here it is:\n```rust\n" + changed("= 0", "= 1") + "```\nThat is all.", changed("= 0", "= 1")),
        ("fn other() {}", "bad: it is not the item that was asked for"),
        ("struct main {}", "bad: it is not the item that was asked for"),
        ("fn main() {}\nfn more() {}", "bad: it is not the item that was asked for"),
        ("```\nfn main() {}\n```\n```\nfn main() { 1 }\n```", "bad: it has several blocks of code"),
        (CODE, "bad: it changes nothing"),
    ],
)
def test_the_whole_item(answer: str, expected: str) -> None:
    assert text_after(answer, ITEM) == expected


@pytest.mark.parametrize(
    ("answer", "edit"),
    [
        # A word that is put in is what rustc would put in, so that both are known to be the same.
        ("L2 total <=> mut total", (20, 20, "mut ")),
        ("L2 let <=> let mut", (20, 20, "mut ")),
        ("L2 0 <=> 10", (28, 28, "1")),
        # No character is cut in two.
        ('L4 "é" <=> "è"', (73, 75, "è")),
    ],
)
def test_edits_are_as_small_as_can_be(answer: str, edit: tuple[int, int, str]) -> None:
    view, context = plain_view(CODE)
    found = parse_answer(answer, LINES, view, context.read)
    assert not isinstance(found, BadAnswer)
    assert [(one.byte_start, one.byte_end, one.replacement) for one in found] == [edit]


@given(
    st.text(max_size=200) | st.lists(st.sampled_from(["L", "1", "2", " ", "<=>", "++", "let", "\n", "é"])).map("".join)
)
def test_whatever_a_model_says_is_an_edit_of_shown_lines_or_a_reason(answer: str) -> None:
    view, context = plain_view(CODE)
    for form in EditForm:
        found = parse_answer(answer, form, view, context.read)
        if isinstance(found, BadAnswer):
            assert found.reason and not found.reason.endswith(".")
        else:
            assert {edit.file for edit in found} == {view.lines[0].file}
            assert not isinstance(apply_edits(found, context.read), EditConflict)


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("L2 total <=> mut total", "write `mut`"),
        ("L2 0 <=> 1", "write `1` instead of `0`"),
        ("L4 , letter) <=> )", "take `, letter` away"),
        ("L2 0 <=> 1\nL3 total <=> &total", "rewrite lines 2, 3"),
    ],
)
def test_titles_say_what_changes(answer: str, title: str) -> None:
    view, context = plain_view(CODE)
    found = parse_answer(answer, LINES, view, context.read)
    assert not isinstance(found, BadAnswer)
    assert title_of(found, context.read) == title


def test_a_line_that_is_not_valid_text_is_left_alone() -> None:
    view, _ = plain_view(CODE)
    broken = CODE.encode().replace("é".encode(), b"\xff")
    shown = CodeView(tuple(replace(line, is_exact=line.number != 4) for line in view.lines), (), None)
    assert parse_answer("L4 take <=> give", LINES, shown, lambda _path: broken) == BadAnswer(
        "line L4 is not valid UTF-8"
    )
