"""When a fix may be applied without asking, and what is compiled to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from sleepy_agent.domain import Candidate, Edit
from sleepy_agent.fixes.pursuits import FoundFix
from sleepy_agent.fixes.rank import RankedCandidate
from sleepy_agent.fixes.search import MOST_RIVALS
from sleepy_agent.fixes.ties import same_code

from .toy_session import Answer, ScriptedSource, body, search_with, text_of, toy

Q = "which one is meant"


def search_for(*answers: Answer, word: str = "bad_a") -> tuple[FoundFix, list[str]]:
    """What is found for one word with these answers, and the words that were compiled, in order."""
    session = toy(body(word))
    search, reported, _ = search_with(session, ScriptedSource({word: answers}))
    compiled = [candidate.edits[0].replacement for _, candidate, _ in reported]
    assert len(session.tried) == len(compiled)
    return search.found[0], compiled


def replacements(*tried: RankedCandidate) -> list[str]:
    return [one.candidate.edits[0].replacement for one in tried]


@pytest.mark.parametrize(
    ("answers", "compiled", "preferred", "tied"),
    [
        pytest.param([Answer("a", 0.1), Answer("b", 0.3)], ["a"], True, [], id="a gap in cost: the rest is left"),
        pytest.param([Answer("a", 0.1), Answer("b", 0.12)], ["a", "b"], False, ["b"], id="nearly the same cost"),
        pytest.param(
            [Answer("a", 0.1, keeps_behaviour=True), Answer("b", 0.12)], ["a"], True, [], id="the first keeps behaviour"
        ),
        pytest.param(
            [Answer("a", 0.1, keeps_behaviour=True), Answer("b", 0.06)],
            ["a", "b"],
            False,
            ["b"],
            id="it keeps behaviour, but hardly costs less",
        ),
        pytest.param(
            [Answer("a", 0.1, keeps_behaviour=True), Answer("b", 0.1, keeps_behaviour=True)],
            ["a"],
            True,
            [],
            id="both keep behaviour: either is right",
        ),
        pytest.param(
            [Answer("a", 0.1, question=Q), Answer("b", 0.5, question=Q)],
            ["a", "b"],
            False,
            ["b"],
            id="one question, whatever the cost",
        ),
        pytest.param(
            [Answer("a", 0.1, question=Q), Answer("wrong_b", 0.5, question=Q)],
            ["a", "wrong_b"],
            True,
            [],
            id="the other answer does not compile",
        ),
        pytest.param(
            [Answer("a", 0.1, question=Q), Answer("b", 0.5, question="another")],
            ["a"],
            True,
            [],
            id="two questions, two costs",
        ),
        pytest.param(
            [Answer("wrong_a", 0.1, question=Q), Answer("b", 0.2, question=Q), Answer("c", 0.3, question=Q)],
            ["wrong_a", "b", "c"],
            False,
            ["c"],
            id="the first answer fails and two are left",
        ),
        pytest.param(
            [Answer("a", 0.1, question=Q), Answer("a  ", 0.2, question=Q)],
            ["a", "a  "],
            True,
            [],
            id="the same tokens are one answer",
        ),
        pytest.param(
            [Answer("a.unwrap()", 0.1), Answer("b", 0.4)],
            ["b"],
            True,
            [],
            id="a flagged one is no rival of one without",
        ),
        pytest.param(
            [Answer("a.clone()", 0.1), Answer("&a", 0.1)], ["&a"], True, [], id="a clone is last among equals"
        ),
    ],
)
def test_what_is_preferred(answers: list[Answer], compiled: list[str], preferred: bool, tied: list[str]) -> None:
    fix, words = search_for(*answers)
    assert words == compiled
    assert (fix.is_preferred, replacements(*(other.attempt.ranked for other in fix.tied))) == (preferred, tied)


@pytest.mark.parametrize(
    ("answer", "preferred"),
    [
        (Answer("a", 0.4), True),
        (Answer("a", 0.6), False),
        (Answer("a", 0.6, keeps_behaviour=True), True),
    ],
)
def test_too_far_a_guess_is_offered_and_not_preferred(answer: Answer, preferred: bool) -> None:
    fix, _ = search_for(answer)
    assert fix.is_preferred is preferred


def test_two_doubtful_steps_are_too_far_and_two_good_ones_are_not() -> None:
    found = []
    for cost in (0.3, 0.1):
        session = toy(body("bad_a"))
        answers = {"bad_a": (Answer("wrong_b", cost),), "wrong_b": (Answer("good", cost),)}
        search, _, _ = search_with(session, ScriptedSource(answers))
        found.append(search.found[0].is_preferred)
    assert found == [False, True]


def test_rivals_have_an_end() -> None:
    answers = [Answer(f"x{number}", 0.1 + number / 100, question=Q) for number in range(20)]
    fix, words = search_for(*answers)
    assert len(words) == 1 + MOST_RIVALS == 1 + len(fix.tied)
    assert not fix.is_preferred


def test_the_alternatives_are_offered_best_first() -> None:
    fix, _ = search_for(Answer("c", 0.3, question=Q), Answer("a", 0.1, question=Q), Answer("b", 0.2, question=Q))
    assert replacements(fix.tried.attempt.ranked) == ["a"]
    assert replacements(*(other.attempt.ranked for other in fix.tied)) == ["b", "c"]


def test_rivals_of_many_problems_share_compiles() -> None:
    words = [f"bad_{letter}" for letter in "abcdefgh"]
    answers = {
        word: tuple(Answer(f"{word[4:]}{number}", number / 10, question=Q) for number in range(6)) for word in words
    }
    session = toy(body(*words))
    search, _, _ = search_with(session, ScriptedSource(answers))
    # One other answer is enough to know that nothing decides.
    assert len(session.tried) == 2
    assert len(search.found) == 8 and not any(fix.is_preferred for fix in search.found.values())


def test_of_many_problems_each_rival_is_still_tried_until_one_passes() -> None:
    words = [f"bad_{letter}" for letter in "abcd"]
    answers: dict[str, tuple[Answer, ...]] = {
        word: (
            Answer(word[4:], question=Q),
            Answer(f"{word[4:]} ", 0.15, question=Q),
            Answer("wrong_x", 0.2, question=Q),
            Answer(f"{word[4:]}2", 0.3, question=Q),
        )
        for word in words
    }
    answers["bad_d"] = (Answer("d", question=Q), Answer("d ", 0.15, question=Q), Answer("wrong_x", 0.2, question=Q))
    session = toy(body(*words))
    search, _, _ = search_with(session, ScriptedSource(answers))
    assert [search.found[position].is_preferred for position in range(4)] == [False, False, False, True]


def test_two_sources_that_propose_one_text_know_together_what_each_knows() -> None:
    session = toy(body("bad_a"))
    unsure = ScriptedSource({"bad_a": (Answer("a", 0.1), Answer("b", 0.12))}, "one")
    sure = ScriptedSource({"bad_a": (Answer("a", 0.2, keeps_behaviour=True),)}, "two")
    search, _, _ = search_with(session, unsure, sure)
    assert search.found[0].is_preferred and len(session.tried) == 1
    assert search.found[0].tried.attempt.ranked.candidate.source == "one"


def test_the_order_that_is_told_holds_what_was_not_compiled_as_well() -> None:
    session = toy(body("bad_a"))
    answers = (Answer("wrong_a", 0.1), Answer("b", 0.3), Answer("d", 0.9))
    search, _, _ = search_with(session, ScriptedSource({"bad_a": answers}))
    told = [(one.ranked.candidate.title, one.verdict and one.verdict.passed) for one in search.considered[0]]
    assert told == [("write wrong_a", False), ("write b", True), ("write d", None)]
    assert text_of(session, search, 0) == body("b")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("f(a,b)", "f(a, b)", True),
        ("f(a)\n", "f(\n    a\n)\n", True),
        ("f(a b)", "f(ab)", False),
        ("f(a)", "f(&a)", False),
        ('f("a b")', 'f("a  b")', False),
        ("let x = 1;", "let x = 1;", True),
    ],
)
def test_which_texts_are_the_same_tokens(first: str, second: str, same: bool) -> None:
    around = "\n".join(f"fn f{number}() {{}}" for number in range(100))
    texts = [f"{around}\n{text}\n{around}".encode() for text in (first, second)]
    assert same_code(*texts) is same


def test_an_edit_that_only_borrows_is_known_to_keep_what_the_program_does() -> None:
    fix, _ = search_for(Answer("a"))
    assert not fix.tried.attempt.ranked.candidate.keeps_behaviour


@pytest.mark.parametrize(
    ("inserted", "keeps"),
    [
        ("&", True),
        ("&mut ", True),
        ("mut ", True),
        ("'a ", True),
        ("#[derive(Clone, Debug)]\n", True),
        ("*", False),
        (".clone()", False),
        ("&x", False),
        ("#[allow(dead_code)]\n", False),
    ],
)
def test_which_insertions_keep_behaviour_by_their_form(inserted: str, keeps: bool) -> None:
    from sleepy_agent.fixes.rank import only_allows

    path = Path("/toy/src/lib.rs")
    assert only_allows([Edit(path, 5, 5, inserted)]) is keeps
    assert not only_allows([Edit(path, 5, 6, inserted)])
    assert not only_allows(Candidate("x", "x", (Edit(path, 1, 1, "&"), Edit(path, 9, 9, "x"))).edits)
