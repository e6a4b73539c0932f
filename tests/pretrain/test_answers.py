"""Answers say what differs, in as little as possible, and lead back to the program."""

from __future__ import annotations

import pytest

from pretrain.pairs import pair
from trainer.pretrain.answers import answer_of, paired, places_between, same_code
from trainer.pretrain.lessons import problem_of, question_of, reader_of, understood

ONE = "pub fn one(a: i32, b: i32) -> i32 {\n    let c = a;\n    c + b\n}\n"

CASES = [
    ("a word", ONE.replace("c + b", "c + d"), ONE, "d", "L3 d <=> b"),
    ("a word that comes in", ONE, ONE.replace("let c", "let mut c"), "c = a", "L2 c <=> mut c"),
    ("two places in a line", ONE.replace("b: i32", "b: u8"), ONE.replace("one(a: i32", "one(a: u64"), "u8",
     "L1 i32, <=> u64,\nL1 u8 <=> i32"),
    ("a line that goes", ONE.replace("    c + b", "    drop(x);\n    c + b"), ONE, "x", "L3 drop(x); <=> "),
    ("a line that comes in", ONE.replace("    let c = a;\n", ""), ONE, "c + b", "L1 ++ let c = a;"),
    ("signature and tail", ONE.replace("-> i32 {", "-> &i32 {").replace("c + b", "&c"), ONE, "&i32",
     "L1 & <=> \nL3 &c <=> c + b"),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "right", "at", "answer"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_the_answer(broken: str, right: str, at: str, answer: str) -> None:
    verified = pair(broken, right, at)
    prompt = question_of(problem_of(verified), reader_of(broken))
    assert prompt is not None
    said = answer_of(verified.diagnostic, broken, right, prompt.view)
    assert said == answer
    assert prompt.names is not None
    made = understood(prompt, prompt.names.abstracted(said), reader_of(broken))
    assert made is not None and same_code(made, right)


def test_a_suggestion_that_mends_is_said_as_the_question_shows_it() -> None:
    broken = ONE.replace("c + b", "&c + &b")
    verified = pair(broken, ONE, "&c + &b", suggested=(("&c", "c"), ("&b", "b")))
    prompt = question_of(problem_of(verified), reader_of(broken))
    assert prompt is not None and prompt.names is not None
    said = answer_of(verified.diagnostic, broken, ONE, prompt.view)
    assert said is not None
    assert prompt.names.abstracted(said).replace("\n", " ; ") in prompt.text


def test_what_is_too_long_to_say_is_no_answer() -> None:
    many = "".join(f"    let x{number} = {number};\n" for number in range(6))
    verified = pair(ONE, ONE.replace("    let c = a;\n", many), "c = a")
    prompt = question_of(problem_of(verified), reader_of(ONE))
    assert prompt is not None
    assert answer_of(verified.diagnostic, ONE, ONE.replace("    let c = a;\n", many), prompt.view) is None


def test_lines_are_paired_with_those_most_like_them() -> None:
    pairs = paired(["let a = 1;", "let b = 2;"], ["let x = f();", "let b = 3;"])
    assert pairs.replaced[1] == "let b = 3;"
    assert paired(["a b c"], ["x y", "a b d"]).inserted == [(0, "x y")]


def test_near_differences_are_one() -> None:
    assert list(places_between("f(a + b)", "f(&a + &b)")) == [(2, 2, "&"), (6, 6, "&")]
    assert list(places_between("f(a.b)", "f(&a.&b)")) == [(2, 4, "&a.&")]
