"""A model as a source: when it is asked, what becomes of its answers, and that nothing waits for it in vain.

The compiler is the toy one; the model replays a script. Its name makes it answer with line edits and abstract names: of
`fn f() { g(bad_a); }` it sees `f1`, `f2` and `v1`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sleepy_agent.domain import Candidate, Problem, Verdict
from sleepy_agent.errors import Interrupted
from sleepy_agent.fixes.bookkeeping import RunBook
from sleepy_agent.fixes.consulting import Consultation
from sleepy_agent.fixes.prompts.compose import compose
from sleepy_agent.fixes.prompts.profiles import profile_for
from sleepy_agent.fixes.search import Search
from sleepy_agent.fixes.sources import Source, SourceContext
from sleepy_agent.fixes.sources.model import ModelSource, heard_answers
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import (
    ChatModel,
    Completion,
    CompletionAnswer,
    CompletionRequest,
    FinishReason,
    ModelUnavailable,
)
from sleepy_agent.serving.scripted import ScriptedAnswer, ScriptedModel, text_of

from .toy_session import ROOT, Answer, ScriptedSource, ToySession, body, toy
from .toy_session import text_of as text_found

NAME = "stand-in"
BUSY = ModelUnavailable("The model server is busy.", "Ask later.")
GONE = ModelUnavailable("There is no model.", "Fetch one.", is_lasting=True)


def scripted(*answers: ScriptedAnswer) -> ScriptedModel:
    return ScriptedModel(answers, NAME)


def says(*texts: str, to: str = "", adapter: str = "") -> ScriptedAnswer:
    return ScriptedAnswer(texts, contains=to, adapter=adapter)


@dataclass
class Repair:
    """A search on a toy session with models among its sources."""

    session: ToySession
    sources: tuple[Source, ...]
    may_go_on: Callable[[], bool] = lambda: True
    hears_models: bool = True
    cancel: CancelToken = field(default_factory=CancelToken)
    told: list[tuple[str, ModelUnavailable]] = field(default_factory=list)
    reported: list[tuple[Problem, Candidate, Verdict]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.consultation = Consultation(
            [one for one in self.sources if isinstance(one, ModelSource)],
            self.cancel,
            lambda source, why: self.told.append((source, why)),
        )
        self.book = RunBook("run", ROOT, self.session.read, lambda _event: None)

    def report(self, problem: Problem, candidate: Candidate, verdict: Verdict) -> None:
        self.reported.append((problem, candidate, verdict))
        self.book.attempt(problem, candidate, verdict)

    def search(self) -> Search:
        """One search; the consultation stays open."""
        search = Search(
            self.session.as_session,
            self.sources,
            SourceContext(self.session.workspace, self.session.read, self.session.is_editable),
            self.report,
            self.may_go_on,
            consultation=self.consultation,
            hears_models=self.hears_models,
        )
        search.run(self.session.check())
        return search

    def run(self) -> Search:
        try:
            return self.search()
        finally:
            self.consultation.close()


def model_source(model: ChatModel, samples: int = 1, rounds: int = 3, seconds: float = 8.0) -> ModelSource:
    return ModelSource("model", model, samples, rounds, seconds)


def repaired(
    model: ChatModel, *others: Source, words: Iterable[str] = ("bad_a",), samples: int = 1, rounds: int = 3
) -> tuple[Repair, Search]:
    repair = Repair(toy(body(*words)), (*others, model_source(model, samples, rounds)))
    return repair, repair.run()


def test_an_answer_becomes_a_fix_with_all_that_is_known_of_it() -> None:
    model = scripted(ScriptedAnswer(("L2 v1 <=> good",), tokens_in=77, snapshot="night-3"))
    repair, search = repaired(model)
    assert text_found(repair.session, search, 0) == body("good")
    episode = repair.book.episodes[0]
    assert (episode.source, episode.passed, episode.title) == ("model", True, "write `good` instead of `bad_a`")
    assert (episode.model_id, episode.adapter_snapshot, episode.tokens_in) == (NAME, "night-3", 77)
    assert episode.tokens_out == 4
    problem = repair.session.check()[0]
    context = SourceContext(repair.session.workspace, repair.session.read, repair.session.is_editable)
    prompt = compose(problem, context, profile_for(NAME))
    assert prompt is not None and episode.prompt_hash == prompt.prompt_hash and len(episode.prompt_hash) == 64
    assert episode.metadata == {"answer": "L2 bad_a <=> good", "round": "1"}


def test_the_first_answer_is_greedy_and_from_the_adapter_of_the_family() -> None:
    model = scripted(says("L2 v1 <=> good"))
    repaired(model, samples=8)
    request = model.asked[0]
    assert (request.n, request.temperature, request.adapter) == (1, 0.0, "missing_items")
    assert request.grammar is not None and request.deadline_seconds is not None
    assert 0 < request.deadline_seconds <= 8.0


SURE = Answer("good", cost=0.1, keeps_behaviour=True)
FAR = Answer("far", cost=0.9)


@pytest.mark.parametrize(
    ("answers", "is_asked", "result"),
    [
        ((SURE,), False, "good"),
        # What compiles and is too far a guess may be beaten by a model.
        ((FAR,), True, "model"),
        ((), True, "model"),
        ((Answer("bad_b"),), True, "model"),
    ],
)
def test_a_model_is_asked_only_where_cheaper_sources_are_unlikely_to_win(
    answers: tuple[Answer, ...], is_asked: bool, result: str
) -> None:
    model = scripted(says("L2 v1 <=> model"))
    repair, search = repaired(model, ScriptedSource({"bad_a": answers}))
    assert bool(model.asked) == is_asked
    assert text_found(repair.session, search, 0) == body(result)


def test_nobody_asks_before_the_first_compile() -> None:
    model = scripted(says("L2 v1 <=> model"))
    session = toy(body("bad_a"))
    asked: list[int] = []
    session.before_try = lambda: asked.append(len(model.asked))
    Repair(session, (ScriptedSource({"bad_a": (Answer("bad_b"),)}), model_source(model))).run()
    assert asked[0] == 0 and len(model.asked) == 1


def test_the_next_round_shows_what_the_last_answer_has_left() -> None:
    model = scripted(says("L2 v1 <=> wrong_b"), says("L2 v1 <=> good"))
    repair, search = repaired(model)
    first, second = map(text_of, model.asked)
    assert "<tried>" not in first
    assert "<tried>\nL2 v1 <=> wrong_b\n<then>\nE0308 mismatched types: `wrong_b`" in second
    assert second.startswith(first[: first.index("<error>")])
    assert text_found(repair.session, search, 0) == body("good")
    assert [episode.metadata["round"] for episode in repair.book.episodes] == ["1", "2"]


@pytest.mark.parametrize(
    ("answer", "adapter"),
    [
        # The target is gone, so the adapter is on the way.
        ("L2 v1 <=> wrong_b", "missing_items"),
        ("L2 v1 <=> bad_b", None),
        ("Hello.", None),
    ],
)
def test_where_the_adapter_does_not_help_the_base_is_asked(answer: str, adapter: str | None) -> None:
    model = scripted(says(answer), says("L2 v1 <=> good"))
    repaired(model)
    assert [request.adapter for request in model.asked] == ["missing_items", adapter]


def test_there_are_so_many_rounds_and_no_more() -> None:
    model = scripted(*(says(f"L2 v1 <=> bad_{number}") for number in range(9)))
    _, search = repaired(model, rounds=3)
    assert len(model.asked) == 3 and search.found == {}
    assert search.given_up == {0}


def test_a_bad_answer_is_kept_with_the_reason_and_told_to_the_model() -> None:
    model = scripted(says("Just write it right."), says("L2 v1 <=> good"))
    repair, _ = repaired(model)
    bad = repair.book.episodes[0]
    assert (bad.passed, bad.title, bad.diff_unified) == (False, "no edit", "")
    assert bad.verdict == "The answer is no edit: 'Just write it right.' is no edit of a line."
    assert bad.metadata["answer"] == "Just write it right."
    assert "That is no edit: 'Just write it right.' is no edit of a line." in text_of(model.asked[1])
    # Nothing was compiled for it.
    assert len(repair.session.tried) == 1


def test_equal_samples_are_compiled_once_and_agreement_counts() -> None:
    samples = ("L2 v1 <=> wrong_b", "L2 v1 <=> good", "L2 v1 <=> good", "L2 v1 <=> good")
    model = scripted(says("L2 v1 <=> bad_b"), says(*samples))
    repair, search = repaired(model, samples=5)
    assert [request.n for request in model.asked] == [1, 4]
    assert model.asked[1].temperature > 0
    compiled = [text for texts in repair.session.tried for text in texts.values()]
    assert compiled == [body("bad_b"), body("good"), body("wrong_b")]
    assert text_found(repair.session, search, 0) == body("good")
    costs = {candidate.title: candidate.cost for _, candidate, _ in repair.reported}
    assert costs["write `good` instead of `bad_a`"] < costs["write `wrong_b` instead of `bad_a`"]


def test_what_was_compiled_for_another_source_is_not_compiled_again() -> None:
    model = scripted(says("L2 v1 <=> bad_b"))
    repair, _ = repaired(model, ScriptedSource({"bad_a": (Answer("bad_b"),)}), rounds=2)
    assert len(repair.session.tried) == 1
    assert "The error is still there." in text_of(model.asked[1])


def test_a_lone_sample_is_offered_and_never_applied_without_asking() -> None:
    model = scripted(says("L2 v1 <=> bad_b"), says("L2 v1 <=> good", "no", "not", "never"))
    _, search = repaired(model, samples=5)
    assert not search.found[0].is_preferred


@pytest.mark.parametrize(("why", "questions"), [(GONE, 1), (BUSY, 2)])
def test_a_model_that_does_not_answer_is_said_once_and_soon_left_alone(why: ModelUnavailable, questions: int) -> None:
    model = scripted(ScriptedAnswer(unavailable=why, is_repeated=True))
    repair, search = repaired(model, words=("bad_a", "bad_b", "bad_c"))
    assert repair.told == [("model", why)]
    assert len(model.asked) == questions
    assert search.given_up == {0, 1, 2}


def test_other_sources_go_on_without_the_model() -> None:
    model = scripted(ScriptedAnswer(unavailable=GONE, is_repeated=True))
    repair, search = repaired(model, ScriptedSource({"bad_b": (FAR,)}), words=("bad_a", "bad_b"))
    assert repair.told == [("model", GONE)]
    assert text_found(repair.session, search, 1) == body("bad_a", "far")


def test_no_time_no_question() -> None:
    model = scripted(says("L2 v1 <=> good"))
    repair = Repair(toy(body("bad_a")), (model_source(model, seconds=0.01),))
    assert repair.run().found == {}
    assert model.asked == []


@dataclass
class SlowModel:
    """Says nothing before it is cancelled."""

    model_id: str = NAME
    was_asked: threading.Event = field(default_factory=threading.Event)
    was_cancelled: threading.Event = field(default_factory=threading.Event)

    def complete(self, request: CompletionRequest, cancel: CancelToken) -> CompletionAnswer | ModelUnavailable:
        self.was_asked.set()
        try:
            return ScriptedModel([ScriptedAnswer(until_cancelled=True)]).complete(request, cancel)
        except Interrupted:
            self.was_cancelled.set()
            raise


def test_a_search_that_must_end_does_not_wait_for_the_model() -> None:
    model = SlowModel()
    # The budget ends while the model is thinking.
    repair = Repair(toy(body("bad_a")), (model_source(model),), may_go_on=lambda: not model.was_asked.is_set())
    assert repair.run().found == {}
    assert model.was_cancelled.wait(10), "the model goes on for nothing"


def test_cancelling_the_run_cancels_the_question() -> None:
    model = SlowModel()
    repair = Repair(toy(body("bad_a")), (model_source(model),))

    def may_go_on() -> bool:
        if model.was_asked.is_set():
            repair.cancel.cancel()
        repair.cancel.raise_if_cancelled()
        return True

    repair.may_go_on = may_go_on
    with pytest.raises(Interrupted):
        repair.run()
    assert model.was_cancelled.wait(10)


def test_who_does_not_hear_is_not_kept_waiting() -> None:
    model = SlowModel()
    repair = Repair(toy(body("bad_a")), (model_source(model),), hears_models=False)
    assert repair.search().found == {}
    # It was asked all the same, for a later search to hear.
    assert model.was_asked.wait(10)
    repair.consultation.close()
    assert model.was_cancelled.wait(10)


@pytest.mark.parametrize(("name", "is_asked_about"), [(NAME, True), ("qwen2.5-coder", False)])
def test_what_a_small_model_writes_is_asked_about(name: str, is_asked_about: bool) -> None:
    blocks = f"<<<<<<< SEARCH\n{body('bad_a')}\n=======\n{body('good')}\n>>>>>>> REPLACE\n"
    model = ScriptedModel([says("L2 v1 <=> good" if is_asked_about else blocks)], name)
    found = Repair(toy(body("bad_a")), (model_source(model),)).search().found[0]
    assert ("small_model" in found.verdict.flags) == is_asked_about
    assert found.is_preferred != is_asked_about


def test_samples_are_not_wanted_any_more_once_the_greedy_answer_is_enough() -> None:
    slow = SlowModel()

    @dataclass
    class QuickAtFirst:
        model_id: str = NAME

        def complete(self, request: CompletionRequest, cancel: CancelToken) -> CompletionAnswer | ModelUnavailable:
            model = scripted(says("L2 v1 <=> good")) if request.n == 1 else slow
            return model.complete(request, cancel)

    repair = Repair(toy(body("bad_a")), (model_source(QuickAtFirst(), samples=8),))
    repair.session.before_try = lambda: assert_set(slow.was_asked)
    assert set(repair.search().found) == {0}
    assert slow.was_cancelled.wait(10), "they are still written"
    repair.consultation.close()


def assert_set(event: threading.Event) -> None:
    """The samples are asked for while the greedy answer is compiled."""
    assert event.wait(10)


def test_a_defect_of_a_model_costs_its_answer_only() -> None:
    @dataclass
    class Broken:
        model_id: str = NAME

        def complete(self, request: CompletionRequest, cancel: CancelToken) -> CompletionAnswer | ModelUnavailable:
            raise ZeroDivisionError("no reason")

    repair, search = repaired(Broken(), words=("bad_a", "bad_b"))
    assert search.found == {}
    assert [why.reason for _, why in repair.told] == ["ZeroDivisionError: no reason."]


def test_a_defect_of_a_question_costs_the_question_only(caplog: pytest.LogCaptureFixture) -> None:
    session = toy(body("bad_a"))
    problem = session.check()[0]

    def read(_path: Path) -> bytes:
        raise ZeroDivisionError

    context = SourceContext(session.workspace, read, session.is_editable)
    assert model_source(scripted()).question(problem, context, ()) is None
    assert "No question could be made for the source model." in caplog.text


def test_the_same_question_is_not_asked_twice_in_a_run() -> None:
    model = scripted(says("L2 v1 <=> bad_b"), says("L2 v1 <=> bad_c"))
    session = toy(body("bad_a"))
    repair = Repair(session, (model_source(model, rounds=2),))
    repair.search()
    assert len(model.asked) == 2
    # The text has changed elsewhere: what was answered is tried again there, and means the same place.
    path = next(iter(session.texts))
    session.texts[path] = b"// A line more.\n" + session.texts[path] + b"import_b\n"
    search = repair.run()
    assert len(model.asked) == 2
    assert text_found(session, search, 0).count("bad_b") == 1


def test_what_a_model_finds_for_one_problem_ends_the_search() -> None:
    model = scripted(says("L2 v1 <=> good", to="bad_a"), says("L2 v1 <=> good"), says("L2 v1 <=> good"))
    repair, search = repaired(model, words=("bad_a", "bad_b"))
    # The other one is looked at again in the changed text, so it is not given up.
    assert set(search.found) == {0} and search.given_up == set()
    assert repair.session.tried


def test_a_problem_is_not_given_up_before_a_model_was_heard_for_it() -> None:
    # Of these the first is solved, in a doubtful way that may be declined; then the other has its turn.
    others = ScriptedSource({"bad_a": (FAR,)})
    model = scripted(ScriptedAnswer(("No idea.",), is_repeated=True))
    repair, search = repaired(model, others, words=("bad_a", "bad_b"), rounds=1)
    assert set(search.found) == {0} and search.given_up == set()
    alone = Repair(repair.session, (others,)).run()
    assert set(alone.found) == {0}
    hopeless, search = repaired(scripted(says("No idea.")), words=("bad_b",), rounds=1)
    assert search.given_up == {0} and hopeless.book.episodes


def test_a_dearer_model_is_asked_only_when_the_first_could_not_do_it() -> None:
    small, large = scripted(says("L2 v1 <=> bad_b")), scripted(says("L2 v1 <=> good"))
    sources = (model_source(small, rounds=1), replace(model_source(large), name="remote", is_remote=True))
    repair = Repair(toy(body("bad_a")), sources)
    search = repair.run()
    assert search.found[0].tried.attempt.ranked.candidate.source == "remote"
    solved = scripted(says("L2 v1 <=> good"))
    unasked = scripted()
    Repair(toy(body("bad_a")), (model_source(solved), replace(model_source(unasked), name="remote"))).run()
    assert unasked.asked == []


SECRET = "AKIA" + "ABCDEFGHIJKLMNOP"


@pytest.mark.parametrize("is_remote", [True, False])
def test_no_secret_leaves_the_computer(is_remote: bool) -> None:
    model = scripted(says("L2 v1 <=> good"))
    session = toy(f'fn f() {{\n    g(bad_a, "{SECRET}");\n}}\n')
    Repair(session, (replace(model_source(model), is_remote=is_remote),)).run()
    assert (SECRET in text_of(model.asked[0])) == (not is_remote)


def test_samples_that_ran_out_of_time_or_room_are_no_answers() -> None:
    source = model_source(scripted())
    session = toy(body("bad_a"))
    context = SourceContext(session.workspace, session.read, session.is_editable)
    prompt = source.question(session.check()[0], context, ())
    assert prompt is not None
    completions = (
        Completion("L2 v1 <=> go", FinishReason.CANCELLED, 3),
        Completion("L2 v1", FinishReason.LENGTH, 64),
        Completion("L2 v1 <=> good", FinishReason.STOP, 5),
    )
    answer = CompletionAnswer(completions, 50, 0, NAME, None, 1.0)
    heard = heard_answers(source, prompt, answer, session.read, 2, is_greedy=False)
    assert [one.bad for one in heard] == ["it was too long and is cut off", None]
    assert [one.candidate.asked.tokens_out for one in heard if one.candidate.asked is not None] == [64, 5]
    # So that they can be added up, the question's tokens stand at one of them.
    assert [one.candidate.asked.tokens_in for one in heard if one.candidate.asked is not None] == [50, 0]
