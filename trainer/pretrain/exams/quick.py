"""The quick way: the same questions as the product asks, the same rounds, but the answers of many items are judged
together and nobody else is asked. For use while a model is trained; the product's own search has the last word."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.config import Places, Settings
from sleepy_agent.domain import Problem
from sleepy_agent.errors import BadUsage, ModelError
from sleepy_agent.families import family_of
from sleepy_agent.fixes.consulting import MOST_TRIED_SHOWN
from sleepy_agent.fixes.prompts.compose import Prompt, TriedAnswer, error_texts
from sleepy_agent.fixes.rank import rank_candidate, rank_order
from sleepy_agent.fixes.sources.context import SourceContext
from sleepy_agent.fixes.sources.model import Heard, ModelSource, heard_answers
from sleepy_agent.koans.run import MOST_MODEL_SECONDS, RunOptions, sources_for
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import CompletionRequest, ModelUnavailable
from sleepy_agent.signature import signature_of
from trainer.pretrain.answers import same_code
from trainer.pretrain.exams.grounds import Errors, Ground, grounds_for
from trainer.pretrain.exams.items import Item
from trainer.pretrain.exams.repairing import NOBODY_SAID, Asking, Mended, Progress
from trainer.pretrain.exams.results import of_item
from trainer.pretrain.lessons import family_rules
from trainer.pretrain.tried import STILL_THERE

__all__ = ["quick_items", "quick_with"]

TOGETHER: Final = 60
"""Items that go through the rounds together."""


@dataclass(frozen=True)
class Answer:
    """An answer, the text that it leads to (None: it leads to none), and why it is not even compiled."""

    heard: Heard
    text: bytes | None
    order: tuple[bool, float, bool]
    refusal: str | None


@dataclass(slots=True)
class Case:
    """An item while it is asked about."""

    item: Item
    broken: bytes
    right: bytes
    problem: Problem | None = None
    context: SourceContext | None = None
    text: bytes | None = None
    """The text that compiles."""
    greedy: bool = False
    rounds: int = 0
    attempts: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    told: list[tuple[bool, int, TriedAnswer]] = field(default_factory=list)
    """Of this round: whether the error was gone, how many others there were, and what was said."""
    shown: list[TriedAnswer] = field(default_factory=list)
    asked: list[Asking] = field(default_factory=list)
    tried: list[tuple[str, str]] = field(default_factory=list)


def quick_items(
    items: Sequence[Item],
    options: RunOptions,
    places: Places,
    settings: Settings,
    cancel: CancelToken,
    progress: Progress,
) -> Iterator[Mended]:
    """Ask the model that the options name about all items."""
    # What a model can do is asked here, not how busy this machine is.
    settings = replace(settings, model_seconds=MOST_MODEL_SECONDS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sleepy-exam-"))).resolve()
        sources = sources_for(options, places, settings, folder, stack)
        model = next((one for one in sources if isinstance(one, ModelSource)), None)
        if model is None:
            raise BadUsage("The quick way asks a model, and none is named.", "Name one with --model.")
        (folder / "grounds").mkdir()
        yield from quick_with(items, model, folder / "grounds", cancel, progress)


def quick_with(
    items: Sequence[Item], model: ModelSource, folder: Path, cancel: CancelToken, progress: Progress
) -> Iterator[Mended]:
    """Ask a model about all items. `folder`: an empty one to work in."""
    for ground, own in grounds_for(items, folder, cancel, progress):
        for first in range(0, len(own), TOGETHER):
            cases = [Case(item, *ground.texts(item)) for item in own[first : first + TOGETHER]]
            begin(cases, ground)
            for number in range(1, model.rounds + 1):
                left = sum(one.text is None for one in cases)
                progress(f"{cases[0].item.crate or 'programs'}: round {number}, {left} of {len(cases)} items are open")
                ask_round(cases, ground, model, number, cancel)
            yield from (mended(one) for one in cases)


def begin(cases: Sequence[Case], ground: Ground) -> None:
    """Find the problem of each; those that have another one than they should stay without."""
    said = ground.errors([(one.item, one.broken) for one in cases])
    for one, errors in zip(cases, said, strict=True):
        # Beside the error that the item is about there may be what follows from it.
        meant = next((error for error in errors or () if (error.code or "") == one.item.code), None)
        if meant is not None:
            family = family_of(meant, family_rules())
            one.problem = Problem(meant, "", (), family, signature_of(meant))
            one.context = ground.context(one.item, one.broken)


def ask_round(cases: Sequence[Case], ground: Ground, model: ModelSource, number: int, cancel: CancelToken) -> None:
    """One round of questions about all that is not mended: first the greedy answers, then the samples."""
    prompts: dict[int, Prompt] = {}
    for position, one in enumerate(cases):
        if one.problem is not None and one.context is not None and one.text is None and (number == 1 or one.shown):
            prompt = model.question(one.problem, one.context, one.shown[-MOST_TRIED_SHOWN:])
            if prompt is not None:
                prompts[position] = prompt
                one.rounds = number
    for is_greedy in (True, False):
        answers: list[tuple[Case, Answer]] = []
        for position, prompt in prompts.items():
            one = cases[position]
            requests = list(model.requests(prompt, None))
            if one.text is None and len(requests) > (not is_greedy):
                heard = heard_from(one, model, prompt, requests[not is_greedy], number, cancel)
                answers += [(one, answer_of_model(one, answer)) for answer in heard]
        judge(answers, ground, is_first=is_greedy and number == 1)
    for position in prompts:
        one = cases[position]
        one.shown += [told for _, _, told in sorted(one.told, key=lambda told: (not told[0], told[1]))[:1]]
        one.told.clear()


def heard_from(
    one: Case, model: ModelSource, prompt: Prompt, request: CompletionRequest, number: int, cancel: CancelToken
) -> list[Heard]:
    """The answers to one request. Raises ModelError where none comes."""
    assert one.context is not None
    began = time.perf_counter()
    answer = model.model.complete(replace(request, deadline_seconds=model.seconds), cancel)
    if isinstance(answer, ModelUnavailable):
        raise ModelError(answer.reason, answer.remedy)
    texts = tuple(completion.text for completion in answer.completions)
    one.asked.append(Asking(began, time.perf_counter(), prompt.text, texts))
    heard = heard_answers(model, prompt, answer, one.context.read, number, is_greedy=request.n == 1)
    one.tokens_in += answer.tokens_in
    one.tokens_out += sum(completion.tokens_out for completion in answer.completions)
    return heard


def answer_of_model(one: Case, heard: Heard) -> Answer:
    """What an answer makes of the file, as the product ranks it."""
    assert one.problem is not None and one.context is not None
    if heard.bad is not None:
        return Answer(heard, None, (True, 0.0, False), f"That is no edit: {heard.bad}.")
    ranked = rank_candidate(heard.candidate, one.problem, one.context.read)
    texts = apply_edits(heard.candidate.edits, one.context.read)
    if ranked.refusal is not None or isinstance(texts, EditConflict) or len(texts) != 1:
        return Answer(heard, None, (True, 0.0, False), "That is refused: it deletes code or changes nothing.")
    return Answer(heard, next(iter(texts.values())), rank_order(ranked), None)


def judge(answers: Sequence[tuple[Case, Answer]], ground: Ground, *, is_first: bool) -> None:
    """Have all answers compiled, and note what became of them. What is ranked first of a case is taken."""
    compiled = [(one, answer, answer.text) for one, answer in answers if answer.text is not None]
    said = ground.errors([(one.item, text) for one, _, text in compiled])
    errors_of_answer = {id(answer): errors for (_, answer, _), errors in zip(compiled, said, strict=True)}
    for one, answer in sorted(answers, key=lambda pair: pair[1].order):
        errors = errors_of_answer.get(id(answer), ())
        one.attempts += answer.text is not None
        note(one, answer, errors, is_first=is_first)


def note(one: Case, answer: Answer, errors: Errors | None, *, is_first: bool) -> None:
    """What became of one answer."""
    assert one.problem is not None
    asked = answer.heard.candidate.asked
    text = asked.answer if asked is not None else ""
    if answer.text is None or errors is None:
        why = answer.refusal or "The compiler did not come to an end."
        one.tried.append((text, why))
        one.told.append((False, 1000 if answer.heard.bad else 500, TriedAnswer(text, (why,))))
    elif not errors:
        one.tried.append((text, "verified"))
        one.greedy = one.greedy or is_first
        one.text = one.text or answer.text
    else:
        # The place says nothing here: the answer may have moved it.
        new = [error for error in errors if signature_of(error) != one.problem.signature]
        still = () if len(new) == len(errors) else (STILL_THERE,)
        said = (*still, *error_texts(new))
        one.tried.append((text, " ".join(said)))
        one.told.append((not still, len(new), TriedAnswer(text, said)))


def mended(one: Case) -> Mended:
    """What a case has come to."""
    item, text = one.item, one.text if one.text is not None else one.broken
    verified = one.text is not None
    result = replace(
        of_item(item),
        is_reproduced=one.problem is not None,
        greedy=one.greedy,
        verified=verified,
        is_original=verified and same_code(text.decode(), one.right.decode()),
        rounds=one.rounds,
        attempts=one.attempts,
        sources=("model",) if verified else (),
        model_milliseconds=1000 * sum(asking.ended - asking.began for asking in one.asked) if verified else None,
        tokens_in=one.tokens_in,
        tokens_out=one.tokens_out,
        left="" if verified else one.problem.message if one.problem is not None else NOBODY_SAID,
    )
    return Mended(item, result, text.decode(), tuple(one.asked), tuple(one.tried))
