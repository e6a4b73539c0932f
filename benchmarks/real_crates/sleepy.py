"""Sleepy in this process, on one warm session for each crate; a mutant is an unsaved buffer in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.machine import places_below
from benchmarks.real_crates.crates import OpenedCrate
from benchmarks.real_crates.judging import Texts
from benchmarks.real_crates.scoring import relative_texts
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.config import Settings
from sleepy_agent.domain import Edit
from sleepy_agent.fixes.bookkeeping import RunBook, start_budget
from sleepy_agent.fixes.engine import repair_for_good
from sleepy_agent.fixes.events import AttemptMade, Decide, Decision, Emit, Event, Offer
from sleepy_agent.fixes.run import FixOptions, Run
from sleepy_agent.fixes.sources import Source, choose_sources
from sleepy_agent.fixes.sources.context import KnownItems
from sleepy_agent.process import CancelToken

BUDGET_SECONDS = 20.0
"""For one mutant; what is not found by then, nobody waits for."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt, for whoever looks into what is missing."""

    code: str
    source: str
    title: str
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Repair:
    """What Sleepy made of one text. `seconds`: from the problem known, slots warm, to done."""

    after: Texts
    seconds: float
    green: bool
    declined: bool
    """Whether anything was offered that the reading did not take."""
    offered: tuple[str, ...]
    """Titles of what was taken, then of what was offered and not taken."""
    tried: tuple[Tried, ...]
    templates: tuple[str, ...] = ()
    """The templates whose candidates were taken, as often as they were."""


@dataclass(frozen=True, slots=True)
class WarmSession:
    """What stays warm while a crate is open in an editor: the session and the index of its items."""

    session: CheckSession
    known_items: KnownItems


@contextmanager
def warm_session(opened: OpenedCrate, cancel: CancelToken) -> Iterator[WarmSession]:
    """A session on the green crate, checked once, its items read once."""
    places = places_below(opened.folder / "sleepy")
    with CheckSession.open(opened.root, places, Settings(), cancel) as session:
        problems = session.check()
        if problems:
            raise RuntimeError(f"{opened.crate.label} is not green: {problems[0].message}")
        known_items = KnownItems()
        known_items.index_of(session.workspace, session.read)
        yield WarmSession(session, known_items)


def repaired(
    warm: WarmSession,
    broken: Texts,
    cancel: CancelToken,
    *,
    take_every_offer: bool = False,
    sources: tuple[Source, ...] | None = None,
) -> Repair:
    """Lay the broken text over the green one, wait until it is checked and the slots are warm, and repair it."""
    session = warm.session
    root = session.workspace.root
    session.restore({root / file: text for file, text in broken.items()})
    session.check()
    _warm_slots(session)
    tried: list[Tried] = []
    offers: list[str] = []
    templates: list[str] = []
    refused: list[str] = []

    def decide(offer: Offer) -> Decision:
        if offer.fix.preferred or take_every_offer:
            offers.append(offer.fix.candidate.title)
            if offer.fix.candidate.template is not None:
                templates.append(offer.fix.candidate.template)
            return Decision.YES
        refused.append(offer.fix.candidate.title)
        return Decision.NO

    def watch(event: Event) -> None:
        if isinstance(event, AttemptMade):
            candidate, verdict = event.candidate, event.verdict
            tried.append(
                Tried(event.problem.code or "", candidate.source, candidate.title, verdict.passed, verdict.reason)
            )

    started = time.perf_counter()
    left = repair_for_good(_run(warm, decide, watch, cancel, sources))
    seconds = time.perf_counter() - started
    after = relative_texts(session.overlay, root)
    return Repair(after, seconds, not left, bool(refused), (*offers, *refused), tuple(tried), tuple(templates))


def _run(
    warm: WarmSession,
    decide: Decide,
    watch: Emit,
    cancel: CancelToken,
    sources: tuple[Source, ...] | None,
) -> Run:
    session = warm.session
    return Run(
        session,
        choose_sources(None) if sources is None else sources,
        FixOptions(write=False, budget_seconds=BUDGET_SECONDS),
        decide,
        watch,
        cancel,
        start_budget(BUDGET_SECONDS),
        RunBook("benchmark", session.workspace.root, session.read, watch),
        known_items=warm.known_items,
    )


def _warm_slots(session: CheckSession) -> None:
    """Compile the broken text once in each slot, as an open editor's last checks have done before anybody asks."""
    problems = session.check()
    span = next((problem.span for problem in problems if problem.span is not None), None)
    if span is None or not session.is_editable(span.file):
        return
    end = len(session.read(span.file))
    harmless = [Edit(span.file, end, end, f"\n// {number}\n") for number in range(session.settings.slot_count)]
    session.try_many([([edit], [problems[0]]) for edit in harmless])
