"""What is done about the errors that a candidate leaves or uncovers: every source is asked, in the changed text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cargo.projects import open_session, places_in, single_package

from sleepy_agent.code.edits import Moves, apply_edits
from sleepy_agent.domain import Applicability, Candidate, Diagnostic, Edit, Level, Problem, Span
from sleepy_agent.fixes.follow_ups import is_unchanged, joined, less_sure
from sleepy_agent.fixes.search import MOST_FOLLOW_UPS, Search
from sleepy_agent.fixes.sources import SourceContext
from sleepy_agent.fixes.sources.compiler import CompilerSource

from .toy_session import Answer, Hints, ScriptedSource, body, hint, search_with, text_of, toy

FILE = Path("/shop/src/lib.rs")


def test_the_next_error_is_put_before_every_source() -> None:
    # The compiler has the first step, the second only the other source, the third only the compiler again.
    hints: Hints = {"bad_a": (hint("wrong_b"),), "missing_c": (hint("good"),)}
    session = toy(body("x", "bad_a"), hints)
    search, _, _ = search_with(session, CompilerSource(), ScriptedSource({"wrong_b": (Answer("missing_c"),)}))
    assert text_of(session, search, 0) == body("x", "good")
    candidate = search.found[0].tried.attempt.ranked.candidate
    assert (candidate.steps, candidate.title) == (
        3,
        "a similar name exists; then write missing_c; then a similar name exists",
    )
    assert candidate.source == "compiler+scripted+compiler"
    assert candidate.applicability == Applicability.MAYBE_INCORRECT


def test_the_answer_may_lie_elsewhere_in_the_changed_text() -> None:
    answers = {"bad_a": (Answer("longer_than_before + wrong_b"),), "wrong_b": (Answer("", at_start="import_b;\n"),)}
    session = toy(body("x", "bad_a"))
    search, _, _ = search_with(session, ScriptedSource(answers))
    assert text_of(session, search, 0) == "import_b;\n" + body("x", "longer_than_before + wrong_b")


@pytest.mark.parametrize(
    ("following", "preferred", "tied"),
    [
        ((Answer("good", 0.1),), True, 0),
        ((Answer("good", 0.1, question="q"), Answer("fine", 0.2, question="q")), False, 1),
        ((Answer("good", 0.1, question="q"), Answer("missing_z", 0.2, question="q")), True, 0),
        ((Answer("good.unwrap()", 0.1),), False, 0),
    ],
)
def test_what_follows_decides_about_the_whole(following: tuple[Answer, ...], preferred: bool, tied: int) -> None:
    session = toy(body("bad_a"))
    search, _, _ = search_with(session, ScriptedSource({"bad_a": (Answer("wrong_b"),), "wrong_b": following}))
    assert (search.found[0].is_preferred, len(search.found[0].tied)) == (preferred, tied)


def test_the_likeliest_is_carried_on_first() -> None:
    answers = {
        "bad_a": (Answer("wrong_far", 0.4), Answer("wrong_near", 0.1)),
        "wrong_near": (Answer("missing_x", 0.9), Answer("good", 0.1)),
        "wrong_far": (Answer("fine", 0.5),),
    }
    session = toy(body("bad_a"))
    search, _, _ = search_with(session, ScriptedSource(answers))
    assert text_of(session, search, 0) == body("good")
    # The first fails, then as many side by side as there are slots: what costs more waits.
    assert len(session.tried) == 3


def test_what_costs_more_than_to_carry_on_is_tried_when_that_leads_nowhere() -> None:
    answers = {
        "bad_a": (Answer("wrong_near", 0.1), Answer("missing_b", 0.3), Answer("wrong_far", 0.5)),
        "wrong_near": (Answer("missing_x", 0.1),),
        "wrong_far": (Answer("good", 0.1),),
    }
    session = toy(body("bad_a"))
    search, reported, _ = search_with(session, ScriptedSource(answers))
    assert text_of(session, search, 0) == body("good")
    assert [candidate.title for _, candidate, _ in reported] == [
        "write wrong_near",
        "write missing_b",
        "write wrong_near; then write missing_x",
        "write wrong_far",
        "write wrong_far; then write good",
    ]


def test_no_text_is_compiled_twice() -> None:
    # Every way leads to the same few texts.
    ring = ["bad_a", "wrong_b", "missing_c", "bad_d"]
    answers = {word: tuple(Answer(other) for other in ring if other != word) for word in ring}
    session = toy(body("bad_a"))
    search, _, _ = search_with(session, ScriptedSource(answers))
    texts = [next(iter(text.values())) for text in session.tried]
    assert not search.found
    assert len(texts) == len(set(texts)) == 3
    assert body("bad_a") not in texts


def test_at_most_so_many_are_tried() -> None:
    answers: dict[str, tuple[Answer, ...]] = {"bad_a": (Answer("wrong_0"),)}
    answers |= {f"wrong_{n}": tuple(Answer(f"wrong_{m}") for m in range(100)) for n in range(100)}
    session = toy(body("bad_a"))
    search_with(session, ScriptedSource(answers))
    assert len(session.tried) <= 1 + MOST_FOLLOW_UPS


def test_a_slow_crate_gets_fewer() -> None:
    kinds = {"bad": "wrong", "wrong": "missing", "missing": "bad"}
    answers = {
        f"{kind}_{n}": tuple(Answer(f"{following}_{10 * n + m}") for m in range(1, 5))
        for kind, following in kinds.items()
        for n in range(5000)
    }
    tried = []
    for milliseconds in (1.0, 6000.0):
        session = toy(body("bad_1"))
        session.milliseconds = milliseconds
        search_with(session, ScriptedSource(answers))
        tried.append(len(session.tried))
    assert tried[0] == 4 + MOST_FOLLOW_UPS
    assert 4 < tried[1] < 4 + MOST_FOLLOW_UPS


def diagnostic(
    message: str = "mismatched types", start: int = 10, end: int = 20, label: str = "expected u8"
) -> Diagnostic:
    return Diagnostic(Level.ERROR, "E0308", message, (Span(FILE, start, end, 1, 1, 1, 2, label=label),))


@pytest.mark.parametrize(
    ("after", "unchanged"),
    [
        (diagnostic(start=13, end=24), True),
        (diagnostic(start=13, end=24, label="expected u16"), False),
        (diagnostic(start=13, end=18), False),
        (diagnostic("other words", start=13, end=24), False),
    ],
)
def test_a_mistake_made_twice_is_one_that_says_something_else_afterwards(after: Diagnostic, unchanged: bool) -> None:
    # Three bytes more in front of it, one more inside.
    moves = Moves({FILE: ((0, 0, 3), (15, 15, 1))})
    assert is_unchanged(diagnostic(), after, moves) is unchanged


@pytest.mark.parametrize(
    ("first", "second", "less"),
    [
        (None, None, None),
        (Applicability.MACHINE_APPLICABLE, None, Applicability.MACHINE_APPLICABLE),
        (Applicability.MACHINE_APPLICABLE, Applicability.UNSPECIFIED, Applicability.UNSPECIFIED),
        (Applicability.HAS_PLACEHOLDERS, Applicability.MAYBE_INCORRECT, Applicability.HAS_PLACEHOLDERS),
    ],
)
def test_the_less_sure_of_two(
    first: Applicability | None, second: Applicability | None, less: Applicability | None
) -> None:
    assert less_sure(first, second) == less


def test_what_two_candidates_are_together() -> None:
    first = Candidate("template", "borrow it", (), 0.1, template="borrow", keeps_behaviour=True)
    second = Candidate("template", "add `mut`", (), 0.2, template="mut", keeps_behaviour=True, question="which")
    both = joined(first, second)
    assert (both.source, both.template, both.keeps_behaviour, both.question) == (
        "template",
        "borrow+mut",
        True,
        "which",
    )
    assert both.cost == pytest.approx(0.3) and both.steps == 2
    assert not joined(first, replace(second, keeps_behaviour=False)).keeps_behaviour
    several = replace(first, is_one_of_several=True)
    assert joined(several, replace(second, question=None)).question == "borrow it"


@dataclass(frozen=True)
class BorrowOne:
    """A source that borrows one argument at a time: the first that the compiler says should be a `&str`."""

    name: str = "template"

    def candidates(self, problem: Problem, context: SourceContext) -> Iterator[Candidate]:
        text = {span.file: context.read(span.file) for span in problem.diagnostic.spans}
        for span in sorted(problem.diagnostic.spans, key=lambda span: span.byte_start):
            if span.label is not None and "found `String`" in span.label:
                assert text[span.file][span.byte_start : span.byte_end] in {b"first", b"second"}
                edit = Edit(span.file, span.byte_start, span.byte_start, "&")
                yield Candidate(self.name, "borrow it", (edit,), 0.1, template="borrow", keeps_behaviour=True)
                return


TWICE = """\
fn joined(first: &str, second: &str) -> String {
    format!("{first}{second}")
}

pub fn twice(first: String, second: String) -> String {
    joined(first, second)
}
"""


def test_a_mistake_made_twice_in_one_error_is_mended_in_two_steps(tmp_path: Path) -> None:
    root = single_package(tmp_path / "one", TWICE)
    with open_session(root, places_in(tmp_path / "places")) as session:
        problems = session.check()
        context = SourceContext(session.workspace, session.read, session.is_editable)
        search = Search(session, (BorrowOne(),), context, lambda *_: None, lambda: True)
        search.run(problems)
        assert len(problems) == 1
        found = search.found[0]
        texts = apply_edits(found.tried.attempt.ranked.candidate.edits, session.read)
    assert texts == {
        root / "src/lib.rs": TWICE.replace("joined(first, second)\n}", "joined(&first, &second)\n}").encode()
    }
    assert found.is_preferred
    assert found.tried.attempt.ranked.candidate.template == "borrow+borrow"
