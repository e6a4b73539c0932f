"""Asking models beside the search: a thread for each model asks, the search goes on and hears what has come.

A *conversation* is all that one model is asked about one problem: rounds of questions, each of which shows the error
that the best answer of the round before has left. What was answered is kept for as long as the run lasts, so that the
same question is not asked twice.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.domain import Problem
from sleepy_agent.errors import Interrupted, SleepyError
from sleepy_agent.fixes.attempts import TriedAttempt
from sleepy_agent.fixes.prompts.compose import Prompt, TriedAnswer, error_texts
from sleepy_agent.fixes.pursuits import Pursuit, is_settled
from sleepy_agent.fixes.rank import ReadText, state_of
from sleepy_agent.fixes.sources import Source, SourceContext
from sleepy_agent.fixes.sources.model import Heard, ModelSource, heard_answers
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import CompletionAnswer, ModelUnavailable

LOOK_AGAIN_SECONDS = 0.05
# So many earlier answers are shown; more only fill the context.
MOST_TRIED_SHOWN = 2
# A model that fails so often in a row is not asked again in this run.
MOST_FAILURES = 2
# It takes longer than this to read a question.
LEAST_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of what a model answers in one round: the greedy answer or the samples; None where nothing came."""

    answer: CompletionAnswer | None
    is_greedy: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What became of some answers. `is_enough`: nothing better is to be expected; `best`: the one that came nearest,
    to be shown in the next round."""

    is_enough: bool
    passed: bool
    mended: bool
    """Whether one of them made the error go away, whatever else it broke."""
    distance: int = 0
    best: TriedAnswer | None = None


Say = Callable[[str, ModelUnavailable], None]
TryAll = Callable[[Sequence[Heard]], None]


@dataclass(eq=False)
class Conversation:
    """One model and one problem. Only the thread of the search changes it, apart from `seconds_left` and what is put
    into `parts`."""

    first: Prompt
    """The first question, in the text as it is now."""
    adapter: str | None
    seconds_left: float
    cancel: CancelToken
    asked: list[Prompt] = field(default_factory=list)
    """The question of each round."""
    is_asking: bool = False
    tried: list[TriedAnswer] = field(default_factory=list)
    parts: queue.Queue[Part] = field(default_factory=queue.Queue)
    kept: list[tuple[int, Part]] = field(default_factory=list)
    """What was answered and heard already, with the number of its round."""

    def end(self) -> None:
        """Nothing more is wanted: what is being answered is cancelled."""
        self.cancel.cancel()
        self.is_asking = False

    def understood(self, source: ModelSource, part: Part, round_number: int, read: ReadText) -> list[Heard]:
        """The candidates of an answer in the text as it is now."""
        if part.answer is None:
            return []
        prompt = replace(self.asked[round_number - 1], view=self.first.view)
        return heard_answers(source, prompt, part.answer, read, round_number, is_greedy=part.is_greedy)


class Desk:
    """The thread that asks one model, one question after the other, and the questions that wait."""

    def __init__(self, source: ModelSource, cancel: CancelToken) -> None:
        self.source = source
        self.is_closed = False
        """Whether the model is not asked any more in this run."""
        self.failures: queue.SimpleQueue[ModelUnavailable] = queue.SimpleQueue()
        """Why there was no answer, the first time first."""
        self._cancel = cancel
        self._waiting: queue.Queue[Conversation | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._failures = 0

    def ask(self, conversation: Conversation, prompt: Prompt) -> None:
        """Put a question; its answer comes into `parts`."""
        conversation.asked.append(prompt)
        conversation.is_asking = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=f"asks {self.source.name}", daemon=True)
            self._thread.start()
        self._waiting.put(conversation)

    def forget_waiting(self) -> None:
        """Take back the questions whose turn has not come."""
        while True:
            try:
                conversation = self._waiting.get_nowait()
            except queue.Empty:
                return
            if conversation is not None:
                conversation.is_asking = False
                conversation.asked.pop()

    def close(self) -> None:
        """End the thread once its present question is answered or cancelled."""
        self._waiting.put(None)

    def _work(self) -> None:
        while (conversation := self._waiting.get()) is not None:
            try:
                self._put_question(conversation)
            except Interrupted:
                if self._cancel.cancelled:
                    return
            except SleepyError as error:
                self._failed(conversation, ModelUnavailable(error.message, error.remedy))
            except Exception as error:
                # Whoever waits for the answer must hear that none comes.
                self._failed(conversation, ModelUnavailable(f"{type(error).__name__}: {error}.", "Please report it."))

    def _put_question(self, conversation: Conversation) -> None:
        requests = list(self.source.requests(conversation.asked[-1], conversation.adapter))
        for number, request in enumerate(requests):
            if self.is_closed or conversation.seconds_left < LEAST_SECONDS:
                break
            conversation.cancel.raise_if_cancelled()
            started = time.monotonic()
            limited = replace(request, deadline_seconds=conversation.seconds_left)
            answer = self.source.model.complete(limited, conversation.cancel)
            conversation.seconds_left -= time.monotonic() - started
            if isinstance(answer, ModelUnavailable):
                self._failed(conversation, answer)
                return
            self._failures = 0
            conversation.parts.put(Part(answer, number == 0, number == len(requests) - 1))
            if number == len(requests) - 1:
                return
        conversation.parts.put(Part(None, is_greedy=False, is_last=True))

    def _failed(self, conversation: Conversation, why: ModelUnavailable) -> None:
        self._failures += 1
        self.failures.put(why)
        if why.is_lasting or self._failures >= MOST_FAILURES:
            self.is_closed = True
        conversation.parts.put(Part(None, is_greedy=False, is_last=True))


class Consultation:
    """The owner of all that models are asked in one run. One thread calls it. Close it: what is being asked then is
    cancelled."""

    def __init__(self, sources: Iterable[Source], cancel: CancelToken, say: Say = lambda _source, _why: None) -> None:
        self._cancel = cancel.part()
        self._say = say
        self._desks = [Desk(one, self._cancel) for one in sources if isinstance(one, ModelSource)]
        self._conversations: dict[tuple[str, str, str], Conversation] = {}
        self._told: list[Desk] = []
        """Those whose failure was said."""

    @property
    def is_open(self) -> bool:
        """Whether there is a model to ask."""
        return any(not desk.is_closed for desk in self._desks)

    def close(self) -> None:
        """Cancel what is being asked. Closing twice is harmless."""
        self._cancel.cancel()
        for desk in self._desks:
            desk.close()

    def tell(self) -> None:
        """Say which models do not answer, and why: once each."""
        for desk in self._desks:
            if desk not in self._told and not desk.failures.empty():
                self._told.append(desk)
                self._say(desk.source.name, desk.failures.get())

    def forget_waiting(self) -> None:
        """Take back the questions whose turn has not come: what they are about may be gone soon."""
        for desk in self._desks:
            desk.forget_waiting()

    def begin(self, problem: Problem, context: SourceContext) -> None:
        """Have the first model asked about a problem, in the background."""
        desk = next((one for one in self._desks if not one.is_closed), None)
        if desk is not None:
            self._conversation(desk, problem, context)

    def hear(self, pursuit: Pursuit, context: SourceContext, may_go_on: Callable[[], bool], try_all: TryAll) -> None:
        """Have each model's answers tried, round after round, until something passes. A model that is dearer is only
        asked when the ones before it could not do it. Raises what `may_go_on` and `try_all` raise."""
        hearing = Hearing(pursuit, context, may_go_on, try_all)
        for desk in self._desks:
            conversation = self._conversation(desk, pursuit.problem, context)
            is_solved = conversation is not None and hearing.hear_out(desk, conversation)
            self.tell()
            if conversation is not None and is_solved:
                conversation.end()
                return

    def _conversation(self, desk: Desk, problem: Problem, context: SourceContext) -> Conversation | None:
        """The conversation about a problem, begun where there was none."""
        first = desk.source.question(problem, context, ())
        if first is None:
            return None
        key = (desk.source.name, problem.family, first.prompt_hash)
        conversation = self._conversations.get(key)
        if conversation is None:
            if desk.is_closed:
                return None
            conversation = Conversation(first, problem.family, desk.source.seconds, self._cancel.part())
            self._conversations[key] = conversation
        conversation.first = first
        if not conversation.asked and not desk.is_closed:
            desk.ask(conversation, first)
        return conversation


@dataclass(frozen=True, slots=True)
class Hearing:
    """One problem for which models are heard."""

    pursuit: Pursuit
    context: SourceContext
    may_go_on: Callable[[], bool]
    try_all: TryAll

    def hear_out(self, desk: Desk, conversation: Conversation) -> bool:
        """Try everything that a model says of the problem; whether something passed."""
        results = []
        # The same was asked before, in a text that has changed elsewhere since.
        for number, part in conversation.kept:
            results.append(self._tried(desk, conversation, part, number))
            if results[-1].is_enough:
                return True
        while True:
            while conversation.is_asking:
                awaited = self._next_part(conversation)
                if awaited is None:
                    return any(result.passed for result in results)
                number = len(conversation.asked)
                conversation.kept.append((number, awaited))
                conversation.is_asking = not awaited.is_last
                results.append(self._tried(desk, conversation, awaited, number))
                if results[-1].is_enough:
                    return True
            if any(result.passed for result in results):
                return True
            if not self._ask_again(desk, conversation, results):
                return False
            results = []

    def _tried(self, desk: Desk, conversation: Conversation, part: Part, round_number: int) -> Result:
        heard = conversation.understood(desk.source, part, round_number, self.context.read)
        if heard:
            self.try_all(heard)
        return result_of(self.pursuit, heard, self.context.read)

    def _next_part(self, conversation: Conversation) -> Part | None:
        while self.may_go_on():
            try:
                return conversation.parts.get(timeout=LOOK_AGAIN_SECONDS)
            except queue.Empty:
                continue
        return None

    def _ask_again(self, desk: Desk, conversation: Conversation, results: Sequence[Result]) -> bool:
        """Begin the next round, which shows what the best answer has left; False where there is to be none."""
        told = [result for result in results if result.best is not None]
        is_over = len(conversation.asked) >= desk.source.rounds or conversation.seconds_left < LEAST_SECONDS
        if not told or is_over or desk.is_closed or conversation.cancel.cancelled:
            return False
        best = min(told, key=lambda result: (not result.mended, result.distance)).best
        assert best is not None
        conversation.tried.append(best)
        if not any(result.mended for result in results):
            # The adapter does not help here, so the base is asked.
            conversation.adapter = None
        shown = conversation.tried[-MOST_TRIED_SHOWN:]
        prompt = desk.source.question(self.pursuit.problem, self.context, shown)
        if prompt is None:
            return False
        desk.ask(conversation, prompt)
        return True


def result_of(pursuit: Pursuit, heard: Sequence[Heard], read: ReadText) -> Result:
    """What became of answers that were tried, with the one to go on from."""
    failed = {tried.attempt.ranked.state: tried for tried in pursuit.failed}
    passed = {tried.attempt.ranked.state for tried in pursuit.passed}
    found: list[tuple[bool, int, TriedAnswer]] = []
    has_passed = False
    for one in heard:
        answer = one.candidate.asked.answer if one.candidate.asked is not None else ""
        if one.bad is not None:
            found.append((False, 1000, TriedAnswer(answer, (f"That is no edit: {one.bad}.",))))
            continue
        texts = apply_edits(one.candidate.edits, read)
        state = "" if isinstance(texts, EditConflict) else state_of(texts)
        has_passed = has_passed or state in passed
        tried = failed.get(state)
        if tried is None:
            found.append((False, 500, TriedAnswer(answer, ("That is refused: it deletes code or changes nothing.",))))
            continue
        gone = tried.verdict_of(pursuit.problem).target_gone
        found.append((gone, len(tried.trial.new_errors), TriedAnswer(answer, said_of(tried, gone=gone))))
    mended, distance, best = min(found, key=lambda one: (not one[0], one[1]), default=(False, 0, None))
    return Result(is_settled(pursuit), has_passed, mended or has_passed, distance, best)


def said_of(tried: TriedAttempt, *, gone: bool) -> tuple[str, ...]:
    """What the compiler said to an attempt, for a model."""
    still = () if gone else ("The error is still there.",)
    return (*still, *error_texts(tried.trial.new_errors))
