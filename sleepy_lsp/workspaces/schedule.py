"""When to check a text and when to search for fixes. Pure: events in, what to do now and when to look again out.

All times are seconds of one monotonic clock. A *text* is one generation of a workspace; every change begins a new one.

A text is checked once nobody typed for `debounce` seconds, or when it is saved. Where the check finds problems, fixes
are searched after a save at once, else when nobody typed for `rest` seconds. What is found is shown at once, but for
a saved text in a workspace where rust-analyzer was heard: it checks that text, too, and has the word. What is found
meanwhile is kept back until its diagnostics are there, at most for `grace` seconds after the save.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from sleepy_agent.config import Settings
from sleepy_agent.live.messages import Trigger


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait, in seconds."""

    debounce: float
    rest: float
    grace: float


def timing_of(settings: Settings) -> Timing:
    """The waits that the settings ask for."""
    return Timing(
        debounce=settings.debounce_milliseconds / 1000,
        rest=settings.rest_milliseconds / 1000,
        grace=settings.rust_analyzer_grace_milliseconds / 1000,
    )


@dataclass(frozen=True, slots=True)
class Schedule:
    """What happened to the present text of a workspace, as far as it decides what is to be done."""

    generation: int = 0
    edited_at: float = -math.inf
    saved_at: float | None = None
    """When the present text was saved."""
    analyzer_is_here: bool = False
    """Whether rust-analyzer was ever heard in this workspace."""
    analyzer_agrees: bool = False
    """Whether its diagnostics for the present text have come."""
    check_asked: bool = False
    check_answered: bool = False
    search_runs: bool = False
    stopped: bool = False
    """Whether nothing may be done: paused, or the worker is off."""


class Step(StrEnum):
    """What the worker is to do now."""

    CHECK = "check"
    SEARCH = "search"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and when to look again where nothing else happens before (None: only events matter)."""

    step: Step | None = None
    look_again_at: float | None = None


NOTHING = Plan()


def edited(schedule: Schedule, now: float, generation: int) -> Schedule:
    """Any file of the workspace has another text now: that of `generation` (the board counts them)."""
    return replace(
        schedule,
        generation=generation,
        edited_at=now,
        saved_at=None,
        analyzer_agrees=False,
        check_asked=False,
        check_answered=False,
        search_runs=False,
    )


def saved(schedule: Schedule, now: float) -> Schedule:
    """A document with the present text was saved. A second save of the same text changes nothing."""
    return schedule if schedule.saved_at is not None else replace(schedule, saved_at=now)


def analyzer_heard(schedule: Schedule, agrees: bool) -> Schedule:
    """Diagnostics of rust-analyzer came. `agrees`: they show a problem of the present text, so they belong to it."""
    return replace(schedule, analyzer_is_here=True, analyzer_agrees=schedule.analyzer_agrees or agrees)


def check_began(schedule: Schedule) -> Schedule:
    return replace(schedule, check_asked=True)


def check_ended(schedule: Schedule, generation: int) -> Schedule:
    """An answer for an older text says nothing about the present one."""
    return replace(schedule, check_answered=True) if generation == schedule.generation else schedule


def search_began(schedule: Schedule) -> Schedule:
    return replace(schedule, search_runs=True)


def search_ended(schedule: Schedule, generation: int) -> Schedule:
    return replace(schedule, search_runs=False) if generation == schedule.generation else schedule


def stopped(schedule: Schedule) -> Schedule:
    """Nothing may be done from now on; what is being done is given up."""
    return replace(schedule, stopped=True, check_asked=schedule.check_answered, search_runs=False)


def resumed(schedule: Schedule) -> Schedule:
    return replace(schedule, stopped=False)


def given_up(schedule: Schedule) -> Schedule:
    """No answer comes for the present text; the next one is checked again."""
    return replace(schedule, check_asked=True, check_answered=True, search_runs=False)


def worker_lost(schedule: Schedule) -> Schedule:
    """The worker is another one now, that knows nothing: the text is to be checked again."""
    return replace(schedule, check_asked=False, check_answered=False, search_runs=False)


def plan(schedule: Schedule, now: float, timing: Timing, something_to_search: bool) -> Plan:
    """What to do now. `something_to_search`: problems of the present text are known that nobody searched fixes for."""
    if schedule.stopped:
        return NOTHING
    if not schedule.check_asked:
        due = schedule.edited_at + timing.debounce
        if schedule.saved_at is not None:
            due = min(due, schedule.saved_at)
        return Plan(Step.CHECK) if due <= now else Plan(look_again_at=due)
    if not schedule.check_answered or schedule.search_runs or not something_to_search:
        return NOTHING
    due = schedule.edited_at + timing.rest if schedule.saved_at is None else schedule.saved_at
    return Plan(Step.SEARCH) if due <= now else Plan(look_again_at=due)


@dataclass(frozen=True, slots=True)
class Word:
    """Who lets fixes of the present text be shown; None: nobody yet, look again at that time at the latest."""

    trigger: Trigger | None
    look_again_at: float | None = None


def word(schedule: Schedule, now: float, timing: Timing) -> Word:
    """Whether what was found may be shown now, and by whose word."""
    if schedule.saved_at is None or not schedule.analyzer_is_here:
        return Word(Trigger.OWN_REPLAY)
    if schedule.analyzer_agrees:
        return Word(Trigger.RUST_ANALYZER)
    end = schedule.saved_at + timing.grace
    return Word(Trigger.OWN_REPLAY) if end <= now else Word(None, end)
