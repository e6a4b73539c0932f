"""A lesson is the product's own question, and an answer that the product understands."""

from __future__ import annotations

import pytest

from pretrain.pairs import pair
from sleepy_agent.fixes.prompts.compose import TriedAnswer
from trainer.pretrain.lessons import NotALesson, lesson_of, shape_of
from trainer.pretrain.tried import changed_words, missing_edits, said_to, wrong_answer

RIGHT = "pub fn shout(word: &str) -> String {\n    let loud = word.to_uppercase();\n    loud\n}\n"
BROKEN = RIGHT.replace("    loud\n", "    word\n")


def test_a_lesson_shows_no_names_of_the_program() -> None:
    lesson = lesson_of(pair(BROKEN, RIGHT, "word\n}".removesuffix("\n}")))
    assert not isinstance(lesson, NotALesson)
    assert "shout" not in lesson.prompt and "loud" not in lesson.prompt
    assert lesson.prompt.endswith("<edit>\n")
    assert lesson.answer == "L3 v1 <=> v2"
    assert (lesson.code, lesson.family, lesson.shape) == ("E0308", "type_mismatch", "L v <=> v")


@pytest.mark.parametrize(
    ("code", "message"),
    [("E0004", "non-exhaustive patterns"), ("E0728", "`await` is only allowed inside `async` functions and blocks")],
)
def test_families_that_the_nights_learn_are_held_back(code: str, message: str) -> None:
    said = lesson_of(pair(BROKEN, RIGHT, "word.to", code, message))
    assert isinstance(said, NotALesson) and "held back" in said


def test_what_failed_before_is_shown() -> None:
    tried = TriedAnswer("L3 word <=> loud.len()", ("E0308 mismatched types",))
    lesson = lesson_of(pair(BROKEN, RIGHT, "word.to"), (tried,))
    assert not isinstance(lesson, NotALesson)
    assert "<tried>\nL3 v1 <=> v2.len()\n<then>\nE0308 mismatched types\n" in lesson.prompt


def test_a_shape_has_no_numbers_of_names_and_lines() -> None:
    assert shape_of("L12 v3 <=> &v3\nL2 T1 <=> f10(v2, 7)") == "L v <=> &v\nL T <=> f(v, 7)"


def test_wrong_answers_are_not_the_right_one() -> None:
    verified = pair(BROKEN, RIGHT, "word.to", suggested=(("    word\n", "    word.to_string()\n"),))
    for number in range(5):
        wrong = wrong_answer(verified, f"seed:{number}")
        assert wrong is not None and wrong.text != RIGHT
        assert said_to(wrong, [verified.diagnostic]).errors[0] == "The error is still there."


def test_how_answers_go_wrong() -> None:
    assert list(missing_edits("L1 a <=> b\nL2 c <=> d")) == ["L2 c <=> d", "L1 a <=> b"]
    assert not list(missing_edits("L1 a <=> b"))
    assert "L1 x <=> &mut x" in list(changed_words("L1 x <=> &x"))
    assert all(not answer.endswith("L3") for answer in changed_words("L3 f <=> g"))
