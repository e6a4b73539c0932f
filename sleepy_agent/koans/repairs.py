"""One file repaired by the engine, to measure what its sources can do: the same search as in a user's workspace, with
everything taken that is offered, and nothing changed that what is measured by stands in."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.trials import Trial, refused_trial
from sleepy_agent.code.edits import EditConflict, apply_edits, unified_diff
from sleepy_agent.domain import Edit, Problem
from sleepy_agent.fixes.bookkeeping import RunBook, start_budget
from sleepy_agent.fixes.engine import repair_for_good
from sleepy_agent.fixes.events import AttemptMade, Decision, Emit, Event, FixAccepted, Offer, SourceUnavailable
from sleepy_agent.fixes.run import FixOptions, Run, consultation_for
from sleepy_agent.fixes.sources import Source
from sleepy_agent.fixes.sources.context import KnownItems
from sleepy_agent.koans.texts import tests_of
from sleepy_agent.process import CancelToken

REFUSAL = "it changes the tests of a koan, or a file beside its code"


class RestrictedSession(CheckSession):
    """A session in which nothing can be changed but the code of Rust files."""

    refusal = "it changes a file that is no Rust"

    def may_become(self, before: bytes, after: bytes) -> bool:  # noqa: ARG002
        """Whether a Rust file may have this text in place of that one."""
        return True

    def try_edits(self, edits: Sequence[Edit], targets: Sequence[Problem], **how: Any) -> Trial:
        """As ever, but refused unread where the edits touch anything else."""
        texts = apply_edits(edits, self.read)
        if not isinstance(texts, EditConflict) and not all(
            path.suffix == ".rs" and self.may_become(self.read(path), text) for path, text in texts.items()
        ):
            return refused_trial(edits, self.refusal)
        return super().try_edits(edits, targets, **how)


class KoanSession(RestrictedSession):
    """A session in which nothing can be changed but the code of koans above their tests."""

    refusal = REFUSAL

    def may_become(self, before: bytes, after: bytes) -> bool:
        """Whether the tests stay as they are."""
        return has_same_tests(before, after)


def has_same_tests(before: bytes, after: bytes) -> bool:
    """Whether a koan's test module is as it was."""
    return tests_of(before.decode(errors="replace")) == tests_of(after.decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Repair:
    """What the engine made of one file. `texts`: what compiles, the one that was taken first, then the others in the
    order they were tried; empty where nothing does. `rounds`: of questions to a model."""

    is_green: bool
    texts: tuple[str, ...]
    diff: str
    sources: tuple[str, ...]
    """Of the fixes that were taken."""
    was_preferred: bool
    """Whether each of them would have been applied without asking."""
    steps: int
    attempts: int
    rounds: int
    milliseconds: float
    tokens_in: int
    tokens_out: int
    model_id: str | None
    left: str
    """The first error that is left, or nothing."""
    unavailable: tuple[str, ...]
    """Sources that did not answer, and why."""


@dataclass(slots=True)
class Watch:
    """What happens during one repair."""

    session: CheckSession
    file: Path
    tell: Emit
    taken: list[FixAccepted]
    green_texts: list[str]
    unavailable: list[str]

    def emit(self, event: Event) -> None:
        """Keep what counts, and pass everything on."""
        self.tell(event)
        match event:
            case FixAccepted():
                self.taken.append(event)
            case AttemptMade(_, candidate, verdict) if verdict.passed and verdict.errors_after == 0:
                texts = apply_edits(candidate.edits, self.session.read)
                if not isinstance(texts, EditConflict) and self.file in texts:
                    self.green_texts.append(texts[self.file].decode())
            case SourceUnavailable(source, reason, remedy):
                self.unavailable.append(f"{source}: {reason} {remedy}")


def take_the_first(_offer: Offer) -> Decision:
    """Whoever measures takes what is offered, preferred or not: tests decide."""
    return Decision.YES


def repair_file(
    session: CheckSession,
    sources: Sequence[Source],
    file: Path,
    seconds: float,
    known_items: KnownItems,
    cancel: CancelToken,
    emit: Emit = lambda _event: None,
) -> Repair:
    """Repair one file of a session, within so many seconds. What was taken stays in the session. `emit` hears
    everything that happens."""
    before = session.read(file)
    watch = Watch(session, file, emit, [], [], [])
    book = RunBook("measured", session.workspace.root, session.read, watch.emit)
    options = FixOptions(files=(file,), write=False)
    began = time.perf_counter()
    run = Run(session, sources, options, take_the_first, watch.emit, cancel, start_budget(seconds), book)
    run.known_items = known_items
    run.consultation = consultation_for(
        sources, cancel, lambda name, why: watch.emit(SourceUnavailable(name, why.reason, why.remedy))
    )
    try:
        remaining = repair_for_good(run)
    finally:
        if run.consultation is not None:
            run.consultation.close()
    milliseconds = (time.perf_counter() - began) * 1000
    left = [problem.message for problem in remaining if problem.span is not None and problem.span.file == file]
    after = session.read(file)
    texts = [] if left else [after.decode()]
    return Repair(
        is_green=not left,
        texts=tuple(dict.fromkeys([*texts, *watch.green_texts])),
        diff="" if after == before else unified_diff({file: before}, {file: after}, session.workspace.root),
        sources=tuple(dict.fromkeys(taken.fix.candidate.source for taken in watch.taken)),
        was_preferred=bool(watch.taken) and all(taken.fix.preferred for taken in watch.taken),
        steps=len(run.taken),
        attempts=len(book.episodes),
        rounds=max((int(one.metadata.get("round", "0")) for one in book.episodes), default=0),
        milliseconds=milliseconds,
        tokens_in=sum(one.tokens_in for one in book.episodes),
        tokens_out=sum(one.tokens_out for one in book.episodes),
        model_id=next((one.model_id for one in book.episodes if one.model_id), None),
        left=left[0] if left else "",
        unavailable=tuple(watch.unavailable),
    )
