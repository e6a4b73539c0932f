"""The engine's decisions, on a compiler of a dozen lines: what is asked, what is taken in, when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from sleepy_agent.cargo.side_by_side import OnDone, Question, tell_nobody
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.domain import Candidate, Edit, Outcome, Problem
from sleepy_agent.errors import Interrupted
from sleepy_agent.fixes.bookkeeping import Budget, RunBook, problem_key, start_budget
from sleepy_agent.fixes.engine import FixOptions, Run, check_proof, is_green, repair_for_good
from sleepy_agent.fixes.events import Decision, Event, FixAccepted, FixTakenBack, Offer, ProblemLeft
from sleepy_agent.fixes.sources import Source, SourceContext
from sleepy_agent.fixes.sources.compiler import CompilerSource
from sleepy_agent.process import CancelToken

from .toy_session import FILE, ROOT, Hints, ToySession, body, hint, toy

YES, NO, ALL, SKIP, QUIT = Decision.YES, Decision.NO, Decision.ALL, Decision.SKIP_FILE, Decision.QUIT
Answer = Callable[[Offer], Decision]


@dataclass
class Repair:
    """A run over a toy session, with all that was offered and told."""

    session: ToySession
    answer: Answer
    options: FixOptions = field(default_factory=lambda: FixOptions(keep_unchecked=True))
    budget: Budget = field(default_factory=lambda: start_budget(None))
    cancel: CancelToken = field(default_factory=CancelToken)
    offers: list[Offer] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    remaining: tuple[Problem, ...] = ()
    sources: Sequence[Source] = (CompilerSource(),)

    def decide(self, offer: Offer) -> Decision:
        self.offers.append(offer)
        return self.answer(offer)

    def __post_init__(self) -> None:
        self.book = RunBook("run", ROOT, self.session.read, self.events.append)
        self.run = Run(
            self.session.as_session,
            self.sources,
            self.options,
            self.decide,
            self.events.append,
            self.cancel,
            self.budget,
            self.book,
        )
        self.remaining = repair_for_good(self.run)

    @property
    def text(self) -> str:
        return self.session.read(FILE).decode()

    @property
    def offered(self) -> list[str]:
        return [offer.fix.problem.message.split("`")[1] for offer in self.offers]

    @property
    def left(self) -> dict[str, str]:
        """Why each problem that is left was left."""
        return {
            event.problem.message.split("`")[1]: event.reason for event in self.events if isinstance(event, ProblemLeft)
        }


def script(*answers: Decision) -> Answer:
    """One answer after the other; no more questions than answers."""
    rest = list(answers)
    return lambda _offer: rest.pop(0)


def take_preferred(offer: Offer) -> Decision:
    return YES if offer.fix.preferred else NO


THREE: Hints = {f"bad_{letter}": (hint(letter),) for letter in "abc"}
THREE_WORDS = ("bad_a", "bad_b", "bad_c")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((YES, YES, YES), ("a", "b", "c")),
        ((NO, YES, NO), ("bad_a", "b", "bad_c")),
        ((NO, NO, NO), THREE_WORDS),
        ((ALL,), ("a", "b", "c")),
        ((NO, ALL), ("bad_a", "b", "c")),
        ((SKIP,), THREE_WORDS),
        ((YES, SKIP), ("a", "bad_b", "bad_c")),
        ((QUIT,), THREE_WORDS),
        ((YES, QUIT), ("a", "bad_b", "bad_c")),
    ],
)
def test_answers(answers: Sequence[Decision], words: tuple[str, ...]) -> None:
    repair = Repair(toy(body(*THREE_WORDS), THREE), script(*answers))
    assert repair.text == body(*words)
    # Nobody is asked twice about a fix, whatever the answer was.
    assert len(repair.offers) == len(answers)
    assert {one.message.split("`")[1] for one in repair.remaining} == {word for word in words if "_" in word}
    assert is_green(repair.run, repair.remaining, ()) == (not repair.remaining)
    assert repair.run.stopped_because == ("you quit" if QUIT in answers else None)


def test_a_declined_fix_with_a_flag_is_not_offered_again() -> None:
    hints: Hints = {"bad_a": (hint("x.unwrap()"),), "bad_b": (hint("b"),)}
    repair = Repair(toy(body("bad_b", "bad_a"), hints), take_preferred)
    assert repair.offered == ["bad_b", "bad_a"]
    assert repair.text == body("b", "bad_a")


def test_all_still_asks_about_what_has_a_flag() -> None:
    hints: Hints = THREE | {"bad_b": (hint("b.unwrap()"),)}
    repair = Repair(toy(body(*THREE_WORDS), hints), script(ALL, NO))
    assert repair.text == body("a", "bad_b", "c")
    assert repair.offered == ["bad_a", "bad_b"]
    assert repair.offers[1].fix.verdict.flags == ("unwrap",)


def test_skip_leaves_only_that_file() -> None:
    other = ROOT / "src/other.rs"
    session = ToySession({FILE: body("bad_a", "bad_b").encode(), other: body("bad_c").encode()}, THREE)
    repair = Repair(
        session, lambda offer: SKIP if offer.fix.problem.span and offer.fix.problem.span.file == FILE else YES
    )
    assert repair.text == body("bad_a", "bad_b")
    assert session.read(other).decode() == body("c")
    assert repair.offered == ["bad_a", "bad_c"]


def test_offers_are_numbered_and_show_the_change() -> None:
    repair = Repair(toy(body(*THREE_WORDS), THREE), lambda _offer: YES)
    assert [(offer.index, offer.total) for offer in repair.offers] == [(1, 3), (2, 3), (3, 3)]
    assert "-    g(bad_a);\n+    g(a);" in repair.offers[0].diff
    assert "+    g(b);" not in repair.offers[0].diff
    assert repair.offers[0].why


def test_equal_alternatives_are_shown_and_not_taken_unasked() -> None:
    hints: Hints = {"bad_a": (hint("one", "two"),)}
    repair = Repair(toy(body("bad_a"), hints), take_preferred)
    assert repair.text == body("bad_a")
    assert len(repair.offers[0].alternatives) == 1 and not repair.offers[0].fix.preferred
    (report,) = repair.book.reports({problem_key(repair.remaining[0], repair.session.read)})
    assert len(report.alternatives) == 2 and report.fix is None and not report.is_gone
    assert report.reason == "A fix compiles, but you should decide whether it is right."


def test_fixes_that_do_not_go_together_are_taken_one_after_the_other() -> None:
    # Each is right alone; together they are not, so the second is tried again on the text with the first.
    hints: Hints = {"bad_a": (hint("left"),), "bad_b": (hint("right"), hint("b", message="the other"))}
    repair = Repair(toy(body("bad_a", "bad_b"), hints), lambda _offer: YES)
    assert repair.text == body("left", "b")
    assert not repair.remaining


def test_an_agreed_fix_is_not_asked_about_again() -> None:
    # The joint compile fails, so only the first is taken in; the second was agreed to and passes later.
    session = toy(body("bad_a", "bad_b"), {"bad_a": (hint("a"),), "bad_b": (hint("b"),)})
    compiles = [0]
    real = session.try_edits

    def failing_once(edits: Sequence[Edit], targets: Sequence[Problem]) -> object:
        compiles[0] += 1
        if compiles[0] == 2:
            # The second compile is the one of what is taken in.
            return real([], targets)
        return real(edits, targets)

    asked: list[str] = []

    def answer(offer: Offer) -> Decision:
        asked.append(offer.fix.problem.message)
        return YES

    def really(questions: Sequence[Question], _on_done: OnDone = tell_nobody) -> list[Trial]:
        return [real(*question) for question in questions]

    session.try_many = really  # type: ignore[assignment,method-assign]
    session.try_edits = failing_once  # type: ignore[assignment,method-assign]
    repair = Repair(session, answer)
    assert repair.text == body("a", "b")
    assert len(asked) == len(set(asked)) == 2
    told = [event for event in repair.events if isinstance(event, FixAccepted)]
    assert ["+    g(a);" in told[0].diff, "+    g(b);" in told[1].diff] == [True, True]
    assert all(event.why and event.ranking for event in told)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (FixOptions(codes=frozenset({"E0425"})), ("a", "b", "c")),
        (FixOptions(codes=frozenset({"E0001"})), THREE_WORDS),
        (FixOptions(files=(FILE,)), ("a", "b", "c")),
        (FixOptions(files=(ROOT / "src/other.rs",)), THREE_WORDS),
    ],
)
def test_filters(options: FixOptions, words: tuple[str, ...]) -> None:
    repair = Repair(toy(body(*THREE_WORDS), THREE), lambda _offer: YES, options=options)
    assert repair.text == body(*words)
    assert bool(repair.offers) == (words != THREE_WORDS)


def test_a_fix_brings_the_next_problem_to_light_and_that_is_mended_as_well() -> None:
    hints: Hints = {"bad_a": (hint("wrong_b"),), "wrong_b": (hint("b"),)}
    repair = Repair(toy(body("bad_a"), hints), lambda _offer: YES)
    assert repair.text == body("b") and not repair.remaining


def test_edits_that_lead_back_end() -> None:
    hints: Hints = {"bad_a": (hint("wrong_a"),), "wrong_a": (hint("bad_a"),)}
    repair = Repair(toy(body("bad_a"), hints), lambda _offer: YES)
    assert repair.remaining


def test_a_text_that_was_left_is_not_gone_back_to() -> None:
    repair = Repair(toy(body("bad_a", "x"), THREE), lambda _offer: YES)
    assert repair.text == body("a", "x")

    def candidate(old: str, new: str) -> Candidate:
        start = repair.text.index(f"g({old})") + 2
        return Candidate("compiler", "change it", (Edit(FILE, start, start + len(old), new),))

    assert repair.run.leads_back(candidate("a", "bad_a"))
    assert not repair.run.leads_back(candidate("a", "b"))
    assert not repair.run.leads_back(candidate("x", "bad_a"))


class Undoing:
    """A source that takes back what the compiler's fix did."""

    name = "undoing"

    def candidates(self, problem: Problem, context: SourceContext) -> Iterator[Candidate]:
        text = context.read(FILE)
        start = text.find(b"mended")
        if start >= 0:
            yield Candidate(self.name, "take it back", (Edit(FILE, start, start + 6, "bad_a"),), 0.0)


def test_what_leads_back_is_refused_and_said() -> None:
    hints: Hints = {"bad_a": (hint("mended"),), "bad_b": (hint("wrong_b"),)}
    session = toy(body("bad_a", "bad_b"), hints)
    repair = Repair(session, lambda _offer: YES, sources=(CompilerSource(), Undoing()))
    assert repair.text == body("mended", "bad_b")
    back = [one for one in repair.book.episodes if one.source == "undoing"]
    assert back and {one.verdict for one in back} == {"Refused: it leads back to a text that was left."}


def test_the_budget_ends_the_work_and_says_so() -> None:
    # Whoever repairs koans has a budget that the options know nothing of.
    options = FixOptions()
    repair = Repair(toy(body(*THREE_WORDS), THREE), lambda _offer: YES, options=options, budget=start_budget(0.0))
    assert repair.text == body(*THREE_WORDS) and not repair.session.tried
    assert repair.run.stopped_because == "the budget of 0 s is used up"
    assert set(repair.left.values()) == {"the budget of 0 s is used up"}


def test_a_stop_ends_the_work_with_an_exception() -> None:
    token = CancelToken()

    def stop(_offer: Offer) -> Decision:
        if token.cancelled:
            return NO
        token.cancel()
        return YES

    session = toy(body(*THREE_WORDS), THREE)
    session.before_try = token.raise_if_cancelled
    with pytest.raises(Interrupted):
        Repair(session, stop, cancel=token)
    assert session.read(FILE).decode() == body(*THREE_WORDS)


def test_outcomes_are_kept_with_the_attempts() -> None:
    hints: Hints = THREE | {"bad_c": (hint("wrong_c"),)}
    repair = Repair(toy(body(*THREE_WORDS), hints), script(YES, NO))
    outcomes = {(one.message.split("`")[1], one.passed): one.outcome for one in repair.book.episodes}
    assert outcomes[("bad_a", True)] == Outcome.ACCEPTED
    assert outcomes[("bad_b", True)] == Outcome.DISMISSED
    assert outcomes[("bad_c", False)] == Outcome.NONE
    accepted = next(one for one in repair.book.episodes if one.outcome == Outcome.ACCEPTED)
    assert accepted.settled_text == accepted.diff_unified and "+    g(a);" in accepted.diff_unified
    assert accepted.file == "src/lib.rs" and accepted.task_id and accepted.steps_to_green == 1


def test_reports_say_what_became_of_every_problem() -> None:
    hints: Hints = THREE | {"bad_c": (hint("wrong_c"),)}
    repair = Repair(toy(body(*THREE_WORDS), hints), script(YES, NO))
    still_open = {problem_key(problem, repair.session.read) for problem in repair.remaining}
    reports = {one.problem.message.split("`")[1]: one for one in repair.book.reports(still_open)}
    assert reports["bad_a"].fix is not None and reports["bad_a"].is_gone
    assert (reports["bad_b"].fix, reports["bad_b"].reason) == (None, "You declined its fix.")
    assert reports["bad_c"].reason == "The error is gone, but a new one appears: mismatched types: `wrong_c`."
    assert [event.fix.problem.message for event in repair.events if isinstance(event, FixAccepted)] == [
        "cannot find value `bad_a` in this scope"
    ]
    assert set(repair.left) == {"bad_b", "bad_c"}


def test_nothing_proposed_is_said() -> None:
    repair = Repair(toy(body("bad_a")), lambda _offer: YES)
    assert repair.left == {"bad_a": "No source proposes anything for it."}


def test_a_blocked_package_is_not_green() -> None:
    session = toy(body("bad_a"), THREE)
    session.blocked = ("app",)
    repair = Repair(session, lambda _offer: YES)
    assert not repair.remaining and not is_green(repair.run, (), ())
    proof = check_proof(repair.run, ())
    assert not proof.passed and proof.summary == "0 errors left; not checked: app"


def test_a_problem_is_known_again_when_the_text_around_it_moves() -> None:
    session = toy(body("bad_a"))
    (before,) = session.check()
    key = problem_key(before, session.read)
    session.texts[FILE] = b"// one more line\n" + session.texts[FILE]
    (after,) = session.check()
    assert before.span != after.span and problem_key(after, session.read) == key


def test_the_same_word_on_another_line_is_another_problem() -> None:
    session = toy("fn f() {\n    g(bad_a);\n    h(bad_a);\n}\n")
    first, second = session.check()
    assert problem_key(first, session.read) != problem_key(second, session.read)


@pytest.mark.parametrize(("seconds", "used_up"), [(None, False), (0.0, True), (3600.0, False)])
def test_budget(seconds: float | None, used_up: bool) -> None:
    assert start_budget(seconds).is_used_up is used_up


def test_what_an_error_beside_it_hides_from_the_compiler_is_taken_back() -> None:
    # Nobody can check the borrows of a crate whose names do not resolve.
    hints: Hints = {"bad_a": (hint("x.unwrap()"),), "bad_b": (hint("b"),)}
    repair = Repair(toy(body("bad_a", "bad_b"), hints), take_preferred, options=FixOptions())
    assert repair.text == body("bad_a", "bad_b")
    taken_back = [event.problem.message for event in repair.events if isinstance(event, FixTakenBack)]
    assert taken_back == ["cannot find value `bad_b` in this scope"]
    still_open = {problem_key(problem, repair.session.read) for problem in repair.remaining}
    reports = {one.problem.message.split("`")[1]: one for one in repair.book.reports(still_open)}
    assert "unchecked_to_the_end" in reports["bad_b"].alternatives[0].verdict.flags
    assert reports["bad_b"].fix is None


def test_where_somebody_accepted_it_it_stays() -> None:
    hints: Hints = {"bad_a": (hint("x.unwrap()"),), "bad_b": (hint("b"),)}
    repair = Repair(toy(body("bad_a", "bad_b"), hints), take_preferred)
    assert repair.text == body("bad_a", "b")
