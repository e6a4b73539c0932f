"""The search's strategy, on a compiler of a dozen lines: what is compiled, together with what, and in which order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sleepy_agent.domain import Applicability, Candidate, Problem
from sleepy_agent.errors import Interrupted
from sleepy_agent.fixes.pursuits import MOST_CANDIDATES_OF_A_PROBLEM
from sleepy_agent.fixes.search import MOST_FOLLOW_UPS, Search
from sleepy_agent.fixes.sources import SourceContext
from sleepy_agent.fixes.sources.compiler import CompilerSource
from sleepy_agent.process import CancelToken

from .toy_session import (
    FILE,
    Answer,
    Hint,
    Hints,
    Reported,
    ScriptedSource,
    ToySession,
    body,
    hint,
    search_with,
    text_of,
    toy,
)


def search_on(
    session: ToySession, may_go_on: Callable[[], bool] = lambda: True
) -> tuple[Search, Reported, tuple[Problem, ...]]:
    return search_with(session, CompilerSource(), may_go_on=may_go_on)


def test_all_best_candidates_share_one_compile() -> None:
    words = [f"bad_{letter}" for letter in "abcdefgh"]
    session = toy(body(*words), {word: (hint(word.replace("bad", "good")),) for word in words})
    search, reported, problems = search_on(session)
    assert len(session.tried) == 1 and len(problems) == 8
    assert set(search.found) == set(range(8))
    assert all(verdict.passed and verdict.milliseconds == pytest.approx(1 / 8) for _, _, verdict in reported)
    assert all(fix.is_preferred for fix in search.found.values())


def test_the_blamed_one_is_set_apart_and_the_rest_goes_together() -> None:
    words = [f"bad_{letter}" for letter in "abcdefgh"]
    hints: Hints = {word: (hint(word.replace("bad", "good")),) for word in words}
    hints["bad_d"] = (hint("wrong_d"),)
    session = toy(body(*words), hints)
    search, reported, _ = search_on(session)
    assert set(search.found) == {0, 1, 2, 4, 5, 6, 7}
    # All, then those that nothing speaks against, beside the one that is blamed.
    assert session.batches[:2] == [1, 2] and len(session.tried) == 3
    failed = [verdict for _, _, verdict in reported if not verdict.passed]
    assert len(failed) == 1 and "mismatched types: `wrong_d`" in failed[0].reason


def test_halves_where_the_compiler_blames_nobody() -> None:
    # The error shows far from both edits that make it: `right` and `left` are only wrong together.
    hints: Hints = {"bad_a": (hint("left"),), "bad_b": (hint("b"),), "bad_c": (hint("c"),)}
    session = toy(body("bad_a", "bad_b", "bad_c", "x", "x", "right"), hints)
    search, _, _ = search_on(session)
    assert set(search.found) == {1, 2}
    assert len(session.tried[0][FILE].split("left")) == 2


def test_of_the_same_idea_for_the_same_message_one_is_asked_first() -> None:
    session = toy(body(*["bad_a"] * 16, "bad_b"), {"bad_a": (hint("wrong_a"),), "bad_b": (hint("b"),)})
    search, _, _ = search_on(session)
    assert set(search.found) == {16}
    # All, then one of the sixteen beside the other; nothing is compiled for the fifteen.
    assert len(session.tried) == 3


def test_where_the_first_of_many_passes_the_others_follow_together() -> None:
    words = [*["bad_a"] * 6, "bad_b"]
    session = toy(body(*words), {"bad_a": (hint("a"),), "bad_b": (hint("wrong_b"),)})
    search, _, _ = search_on(session)
    assert set(search.found) == set(range(6))
    assert len(session.tried) <= 4


def test_edits_that_meet_are_compiled_apart() -> None:
    text = "fn f() {\n    g(bad_a,bad_b);\n}\n"
    session = toy(text.replace(",", "+"), {"bad_a": (hint("a"),), "bad_b": (hint("b"),)})
    search, _, _ = search_on(session)
    assert set(search.found) == {0, 1}
    adjacent = toy("fn f() { g(bad_a); }", {"bad_a": (hint("a"), hint("b", message="another one"))})
    search_on(adjacent)
    assert all("a" in tried[FILE] or "b" in tried[FILE] for tried in adjacent.tried)


def test_one_edit_mends_many_problems() -> None:
    # Each of the words is mended by the same edit of the first line.
    session = toy(body("bad_a", "bad_a"), {"bad_a": (hint("a"),)})
    problems = session.check()
    same = problems[0].diagnostic.suggestions

    class OneEdit:
        name = "one"

        def candidates(self, problem: Problem, context: SourceContext) -> list[Candidate]:
            edits = same[0].edits + problems[1].diagnostic.suggestions[0].edits
            return [Candidate(self.name, "both", edits, applicability=Applicability.MAYBE_INCORRECT)]

    search, reported, _ = search_with(session, OneEdit())  # type: ignore[arg-type]
    assert len(session.tried) == 1
    assert search.found[0].tried is search.found[1].tried
    assert [verdict.passed for _, _, verdict in reported] == [True, True]


def test_of_equal_alternatives_none_is_preferred() -> None:
    session = toy(body("bad_a"), {"bad_a": (hint("one", "two", "three"),)})
    search, _, _ = search_on(session)
    assert len(session.tried) == 3
    assert len(search.found[0].tied) == 2
    assert not search.found[0].is_preferred


def test_an_alternative_that_passes_alone_decides() -> None:
    session = toy(body("bad_a"), {"bad_a": (hint("bad_b", "two", "bad_c"),)})
    search, _, _ = search_on(session)
    assert text_of(session, search, 0) == body("two")
    assert search.found[0].tied == () and search.found[0].is_preferred


def test_a_chain_of_errors_is_followed_and_judged_against_the_beginning() -> None:
    hints: Hints = {"bad_a": (hint("wrong_b"),), "wrong_b": (hint("missing_c"),), "missing_c": (hint("good"),)}
    session = toy(body("bad_a"), hints)
    search, _, _ = search_on(session)
    assert text_of(session, search, 0) == body("good")
    candidate = search.found[0].tried.attempt.ranked.candidate
    assert candidate.steps == 3
    assert candidate.title.count("; then ") == 2
    assert search.found[0].verdict.errors_before == 1 and search.found[0].verdict.errors_after == 0


def test_a_chain_that_leads_in_a_circle_ends() -> None:
    session = toy(
        body("bad_a"),
        {"bad_a": (hint("wrong_b"),), "wrong_b": (hint("bad_a", "missing_c"),), "missing_c": (hint("wrong_b"),)},
    )
    search, _, _ = search_on(session)
    assert not search.found and search.given_up == {0}
    assert len(session.tried) < 10


def test_following_has_an_end() -> None:
    kinds = {"bad": "wrong", "wrong": "missing", "missing": "bad"}
    every = {
        f"{kind}_{number}": (Hint("more", tuple(f"{following}_{number}{n}" for n in range(4))),)
        for kind, following in kinds.items()
        for number in range(2000)
    }
    session = toy(body("bad_1"), every)
    search, _, _ = search_on(session)
    assert not search.found
    assert MOST_FOLLOW_UPS < len(session.tried) <= MOST_CANDIDATES_OF_A_PROBLEM + MOST_FOLLOW_UPS


def test_no_more_than_so_many_candidates_of_a_problem_are_tried() -> None:
    hints = tuple(hint(f"bad_{n}", message=f"try {n}") for n in range(40))
    session = toy(body("bad_x"), {"bad_x": hints})
    search_on(session)
    assert len(session.tried) == MOST_CANDIDATES_OF_A_PROBLEM


def test_a_refused_candidate_is_reported_and_never_compiled() -> None:
    session = toy("fn f() {\n    a();\n    bad_a\n}\n", {"bad_a": (hint("// a"), hint("", message="remove it"))})
    search, reported, _ = search_on(session)
    assert session.tried == [] and not search.found
    assert reported and all(verdict.method == "text" and not verdict.passed for _, _, verdict in reported)
    assert all(verdict.reason.startswith("Refused: it ") for _, _, verdict in reported)


def test_what_is_flagged_is_found_but_not_preferred() -> None:
    session = toy(body("bad_a"), {"bad_a": (hint("x.unwrap()"),)})
    search, _, _ = search_on(session)
    assert not search.found[0].is_preferred
    assert search.found[0].verdict.flags == ("unwrap",)


def test_what_is_not_flagged_comes_before_what_is() -> None:
    hints: Hints = {"bad_a": (hint("x.unwrap()"), hint("good", message="the other"))}
    session = toy(body("bad_a"), hints)
    search, _, _ = search_on(session)
    assert text_of(session, search, 0) == body("good") and search.found[0].is_preferred


def test_nothing_begins_when_the_budget_is_used_up() -> None:
    session = toy(body("bad_a"), {"bad_a": (hint("good"),)})
    search, _, _ = search_on(session, may_go_on=lambda: False)
    assert session.tried == [] and not search.found


def test_the_budget_stops_between_compiles() -> None:
    words = [f"bad_{letter}" for letter in "abcd"]
    session = toy(body(*words), {word: (hint(f"{word}_2"),) for word in words})
    left = [2]

    def may_go_on() -> bool:
        left[0] -= 1
        return left[0] >= 0

    search_on(session, may_go_on)
    assert len(session.batches) == 2


def test_cancelling_ends_the_search_at_once() -> None:
    token = CancelToken()
    session = toy(body("bad_a", "bad_b"), {"bad_a": (hint("a"),), "bad_b": (hint("b"),)})
    token.cancel()
    session.before_try = token.raise_if_cancelled
    with pytest.raises(Interrupted):
        search_on(session)
    assert session.tried == []


@pytest.mark.parametrize(("count", "refused"), [(3, 21), (12, 0)])
def test_of_many_candidates_only_those_are_read_that_may_come_first(count: int, refused: int) -> None:
    words = [f"bad_{number}" for number in range(count)]
    # What is refused is refused when its text is read.
    answers = {
        word: (Answer(f"good{word[4:]}", 0.1), *(Answer("x" * n + " // ", 0.8) for n in range(1, 8))) for word in words
    }
    session = toy("fn f() {\n" + "".join(f"    g({word}); h();\n\n\n\n\n" for word in words) + "}\n")
    search, reported, _ = search_with(session, ScriptedSource(answers))
    assert set(search.found) == set(range(count)) and len(session.tried) == 1
    assert sum(verdict.method == "text" for _, _, verdict in reported) == refused
