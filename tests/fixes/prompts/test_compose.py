"""What a model is asked, on programs that rustc has judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.programs import context_of, problems_of
from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.fixes.prompts.answers import BadAnswer
from sleepy_agent.fixes.prompts.compose import TriedAnswer, compose, edits_as_answer
from sleepy_agent.fixes.prompts.profiles import profile_for
from sleepy_agent.serving.chat import Role

from .programs import SHELF, problem_with, prompt_for

RAW = """\
<code>
L1|pub fn f1(v1: &[u32]) -> u32 {
L2|    let v2 = 0;
L3|    for v3 in v1 {
L4|        v2 += *v3;
L5|    }
L6|    println!("{v2} of {}", v1.len());
L7|    v2
L8|}
<help>
consider making this binding mutable: L2 v2 <=> mut v2
<error>
E0384 cannot assign twice to immutable variable `v2`
L2 `v2`: first assignment to `v2`
L4 `v2 += *v3`: cannot assign twice to immutable variable
<edit>
"""
# Without the call that rustc resolves first, which hides what the borrow checker says.
BORROWS = SHELF.replace('shelf.remove("x")', "shelf.books.len()")


def test_the_question_to_a_small_model_word_for_word(tmp_path: Path) -> None:
    prompt = prompt_for(tmp_path, BORROWS, "E0384")
    assert prompt.text == RAW
    assert "".join(part.text for part in prompt.request().parts) == RAW
    assert prompt.request().messages == ()


def test_a_large_model_gets_an_instruction_a_hint_and_real_names(tmp_path: Path) -> None:
    request = prompt_for(tmp_path, BORROWS, "E0384", "qwen2.5-coder").request(adapter="borrow_checker", n=4)
    system, user = request.messages
    assert (system.role, user.role, request.adapter, request.n) == (Role.SYSTEM, Role.USER, "borrow_checker", 4)
    assert "<<<<<<< SEARCH" in system.content and system.parts == ()
    assert "    let paid = 0;\n" in user.content and "L1|" not in user.content
    assert user.content.index("<code>") < user.content.index("<hint>") < user.content.index("<error>")
    assert "`let mut paid = 0;`" in user.content
    assert "".join(part.text for part in user.parts) == user.content


def test_declarations_that_the_error_names_are_shown_with_numbers_of_their_own(tmp_path: Path) -> None:
    prompt = prompt_for(tmp_path, SHELF, "E0599")
    code = [line.text for line in prompt.view.code]
    declared = [line.text.strip() for line in prompt.view.declared]
    assert '    shelf.remove("x")' in code and "use std::collections::HashMap;" in code
    assert "fn add(&self, name: &str) -> usize {" in declared
    assert "struct Shelf {" in [line.text for line in prompt.view.lines]
    numbers = [line.number for line in prompt.view.lines]
    assert numbers == list(range(1, len(numbers) + 1))
    rows = [(line.file, line.row) for line in prompt.view.lines]
    assert len(set(rows)) == len(rows), "a line is shown twice"


def test_the_next_round_reads_only_what_is_new(tmp_path: Path) -> None:
    tried = TriedAnswer("L2 paid <=> amount", ("E0425 cannot find value `paid` in this scope",))
    first = prompt_for(tmp_path, BORROWS, "E0384").text
    second = prompt_for(tmp_path, BORROWS, "E0384", tried=(tried,)).text
    stable = first[: first.index("<error>")]
    assert second.startswith(stable)
    assert second.endswith(first[first.index("<error>") :]), "the error comes last in every round"
    between = second.removeprefix(stable).partition("<error>")[0]
    # The user's names are taken out here, too.
    assert between == "<tried>\nL2 v2 <=> amount\n<then>\nE0425 cannot find value `v2` in this scope\n"


def test_the_error_is_never_left_out_and_far_lines_are_first(tmp_path: Path) -> None:
    parts = prompt_for(tmp_path, BORROWS, "E0384").parts
    kept = [part.text for part in parts if part.importance is None]
    assert any(text.startswith("<error>\nE0384") for text in kept)
    lines = {part.text: part.importance for part in parts if part.text.startswith("L")}
    assert lines["L2|    let v2 = 0;\n"] is not None
    importance = {text[:2]: value for text, value in lines.items() if value is not None}
    assert importance["L4"] > importance["L5"] > importance["L6"] > importance["L8"]


def test_the_same_question_has_the_same_name_and_another_one_another(tmp_path: Path) -> None:
    one = prompt_for(tmp_path, BORROWS, "E0384")
    assert one.prompt_hash == prompt_for(tmp_path, BORROWS, "E0384").prompt_hash
    # What is elsewhere in the file does not matter to it.
    assert one.prompt_hash == prompt_for(tmp_path, f"// Shelves.\n\n{BORROWS}", "E0384").prompt_hash
    others = {
        prompt_for(tmp_path, BORROWS, "E0384", "qwen").prompt_hash,
        prompt_for(tmp_path, BORROWS, "E0596").prompt_hash,
    }
    assert len({one.prompt_hash, *others}) == 3


def test_an_answer_is_understood_in_the_users_names(tmp_path: Path) -> None:
    problem, context = problem_with(tmp_path, BORROWS, "E0384")
    prompt = compose(problem, context, profile_for("seed"))
    assert prompt is not None
    said, edits = prompt.understood("L2 v2 <=> mut v2", context.read)
    assert said == "L2 paid <=> mut paid"
    assert not isinstance(edits, BadAnswer)
    texts = apply_edits(edits, context.read)
    assert not isinstance(texts, EditConflict)
    assert "let mut paid = 0;" in next(iter(texts.values())).decode()
    assert prompt.understood("L2 v2 <=> v77", context.read)[1] == BadAnswer("it has a name that stands for nothing")


def test_what_rustc_suggests_can_be_said_as_an_answer(tmp_path: Path) -> None:
    count = 0
    for text in (SHELF, BORROWS, 'fn f() {\n    let x = 1\n    println!("{}", x);\n}\nfn main() { f() }\n'):
        context = context_of(tmp_path, text)
        for problem in problems_of(tmp_path, text):
            prompt = compose(problem, context, profile_for("seed"))
            assert prompt is not None and prompt.names is not None
            for suggestion in problem.diagnostic.suggestions:
                answer = edits_as_answer(suggestion.edits, prompt.view, context.read)
                assert answer is not None
                _, edits = prompt.understood(prompt.names.abstracted(answer), context.read)
                assert not isinstance(edits, BadAnswer), answer
                assert apply_edits(edits, context.read) == apply_edits(suggestion.edits, context.read)
                count += 1
    assert count >= 4


LONG = 'pub fn long() {{\n{}    let x: u32 = "one";\n    drop(x);\n{}}}\n'


def test_a_long_function_is_shown_around_the_error_with_its_head(tmp_path: Path) -> None:
    text = LONG.format("    drop(0);\n" * 200, "    drop(1);\n" * 200)
    prompt = prompt_for(tmp_path, text, "E0308")
    shown = [line.text.strip() for line in prompt.view.code]
    assert shown[0] == "pub fn long() {" and 'let x: u32 = "one";' in shown
    assert len("\n".join(line.text for line in prompt.view.code)) <= 1200
    assert prompt.view.item is None, "what is not shown as a whole cannot be written again as a whole"
    assert "..\n" in [part.text for part in prompt.parts]


@pytest.mark.parametrize("text", ["fn f( {\n", "}\n", 'fn f() {\n    let s = "open;\n}\n'])
def test_broken_syntax_is_shown_as_it_is(text: str, tmp_path: Path) -> None:
    found = [problem for problem in problems_of(tmp_path, text) if problem.span is not None]
    prompt = compose(found[0], context_of(tmp_path, text), profile_for("seed"))
    assert prompt is not None
    assert "<error>\n" in prompt.text


def test_nothing_is_asked_about_files_that_must_not_be_edited(tmp_path: Path) -> None:
    problem, context = problem_with(tmp_path, BORROWS, "E0384")
    assert compose(problem, replace(context, is_editable=lambda _path: False), profile_for("seed")) is None
