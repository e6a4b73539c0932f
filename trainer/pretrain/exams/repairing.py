"""Items repaired by the product's engine, one after the other in open workspaces, as koans are."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.config import Places, Settings
from sleepy_agent.errors import ModelError
from sleepy_agent.fixes.events import AttemptMade, Event, ProblemsFound
from sleepy_agent.fixes.sources import Source
from sleepy_agent.fixes.sources.context import KnownItems
from sleepy_agent.fixes.sources.model import COST_OF_THE_GREEDY, ModelSource
from sleepy_agent.koans.repairs import Repair, RestrictedSession, repair_file
from sleepy_agent.koans.run import MOST_MODEL_SECONDS, RunOptions, sources_for
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import ChatModel, CompletionAnswer, CompletionRequest, ModelUnavailable
from trainer.pretrain.answers import same_code
from trainer.pretrain.exams.items import Item
from trainer.pretrain.exams.results import ItemResult, of_item
from trainer.pretrain.exams.rooms import Room, rooms_for, texts_of

__all__ = ["Asking", "Mended", "repaired_items", "repaired_with"]

Progress = Callable[[str], None]
NOBODY_SAID: Final = "the item's error is not what its file says"


@dataclass(frozen=True, slots=True)
class Asking:
    """One question to the model and what came: seconds of `time.perf_counter`, the prompt, the answers."""

    began: float
    ended: float
    prompt: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class WatchedModel:
    """A model whose questions are noted."""

    model: ChatModel
    asked: list[Asking]

    @property
    def model_id(self) -> str:
        return self.model.model_id

    def complete(self, request: CompletionRequest, cancel: CancelToken) -> CompletionAnswer | ModelUnavailable:
        """Answer as ever."""
        began = time.perf_counter()
        answer = self.model.complete(request, cancel)
        texts = () if isinstance(answer, ModelUnavailable) else tuple(one.text for one in answer.completions)
        prompt = request.prompt or "".join(part.text for part in request.parts)
        self.asked.append(Asking(began, time.perf_counter(), prompt, texts))
        return answer


@dataclass(slots=True)
class Watch:
    """What happens while one item is repaired, and when (`time.perf_counter`)."""

    codes_before: tuple[str, ...] | None = None
    problem_at: float = 0.0
    verified_at: float | None = None
    is_greedy: bool = False
    is_green: bool = False
    tried: list[tuple[str, str]] = field(default_factory=list)
    """The answer of the model, or the title of another source's candidate, and what became of it."""

    def hear(self, event: Event) -> None:
        """Note what counts."""
        match event:
            case ProblemsFound(problems, blocked):
                if self.codes_before is None:
                    self.codes_before = tuple(problem.code or "" for problem in problems)
                    self.problem_at = time.perf_counter()
                self.is_green = not problems and not blocked
            case AttemptMade(_, candidate, verdict):
                asked = candidate.asked
                self.tried.append((candidate.title if asked is None else asked.answer, verdict.reason))
                if verdict.passed and verdict.errors_after == 0:
                    self.verified_at = self.verified_at or time.perf_counter()
                    first = asked is not None and asked.round_number == 1
                    self.is_greedy = self.is_greedy or (first and candidate.cost == COST_OF_THE_GREEDY)


@dataclass(frozen=True, slots=True)
class Mended:
    """An item after its repair. `text`: of its file, as it was left; `behaves` is not known yet."""

    item: Item
    result: ItemResult
    text: str
    asked: tuple[Asking, ...]
    tried: tuple[tuple[str, str], ...]


def repaired_items(
    items: Sequence[Item],
    options: RunOptions,
    places: Places,
    settings: Settings,
    cancel: CancelToken,
    progress: Progress,
) -> Iterator[Mended]:
    """Repair items with the sources that the options name, room by room."""
    settings = replace(settings, model_seconds=min(MOST_MODEL_SECONDS, options.seconds))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sleepy-exam-"))).resolve()
        sources = sources_for(options, places, settings, folder, stack)
        own = replace(places, cache=folder / "cache")
        yield from repaired_with(items, sources, options.seconds, folder, own, settings, cancel, progress)


def repaired_with(
    items: Sequence[Item],
    sources: Sequence[Source],
    seconds: float,
    folder: Path,
    places: Places,
    settings: Settings,
    cancel: CancelToken,
    progress: Progress,
) -> Iterator[Mended]:
    """Repair items, each within so many seconds. `folder`: an empty one for the workspaces."""
    asked: list[Asking] = []
    watched = [
        replace(one, model=WatchedModel(one.model, asked)) if isinstance(one, ModelSource) else one for one in sources
    ]
    for room in rooms_for(items, folder, cancel):
        progress(f"opening {room.name}")
        known_items = KnownItems()
        with RestrictedSession.open(room.root, places, settings, cancel) as session:
            session.check()
            for item in room.items:
                yield repaired_item(item, room, session, watched, seconds, known_items, cancel, asked)


def repaired_item(
    item: Item,
    room: Room,
    session: CheckSession,
    sources: Sequence[Source],
    seconds: float,
    known_items: KnownItems,
    cancel: CancelToken,
    asked: list[Asking],
) -> Mended:
    """Break the room, have it repaired, and set it back."""
    file = room.file(item)
    broken, right = texts_of(room, item)
    session.change_texts({file: broken})
    asked.clear()
    watch = Watch()
    repair = repair_file(session, sources, file, seconds, known_items, cancel, watch.hear)
    if repair.unavailable:
        raise ModelError(
            f"{item.source} could not be measured: {repair.unavailable[0]}",
            "The same command again goes on where this one ended.",
        )
    text = session.read(file)
    session.change_texts({})
    result = result_of(item, repair, watch, asked, is_original=same_code(text.decode(), right.decode()))
    return Mended(item, result, text.decode(), tuple(asked), tuple(watch.tried))


def result_of(item: Item, repair: Repair, watch: Watch, asked: Sequence[Asking], *, is_original: bool) -> ItemResult:
    """What a repair is worth, but for the behaviour test."""
    # Beside the error that the item is about there may be what follows from it.
    is_reproduced = watch.codes_before is not None and item.code in watch.codes_before
    verified = is_reproduced and watch.is_green and repair.is_green
    until = watch.verified_at
    is_timed = verified and until is not None
    waited = sum(max(0.0, min(one.ended, until) - max(one.began, watch.problem_at)) for one in asked) if until else 0.0
    return replace(
        of_item(item),
        is_reproduced=is_reproduced,
        greedy=verified and watch.is_greedy,
        verified=verified,
        is_original=verified and is_original,
        rounds=repair.rounds,
        attempts=repair.attempts,
        sources=repair.sources,
        milliseconds=(until - watch.problem_at) * 1000 if is_timed and until is not None else None,
        model_milliseconds=waited * 1000 if is_timed else None,
        all_milliseconds=repair.milliseconds,
        tokens_in=repair.tokens_in,
        tokens_out=repair.tokens_out,
        left=repair.left if is_reproduced else NOBODY_SAID,
    )
