"""Several sets of edits tried at the same time, and who hears of each as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Lock

from sleepy_agent.cargo.replay_trials import GoesOn
from sleepy_agent.cargo.trials import Trial
from sleepy_agent.domain import Edit, Problem

Question = tuple[Sequence[Edit], Sequence[Problem]]
"""Edits, and the problems that they are to mend."""
OnDone = Callable[[int, Trial], None]
"""Hears a trial with the number of its question."""


def tell_nobody(_number: int, _trial: Trial) -> None:
    """An `OnDone` for those who wait for all of them."""


def ask_side_by_side(ask: Callable[[int], Trial], count: int, threads: int, on_done: OnDone) -> list[Trial]:
    """The answers to the questions 0 to `count`, in their order; `on_done` is called in the calling thread."""
    with ThreadPoolExecutor(threads) as pool:
        numbers = {pool.submit(ask, number): number for number in range(count)}
        for done in as_completed(numbers):
            on_done(numbers[done], done.result())
    return [done.result() for done in numbers]


class Leader:
    """Says of several trials which may go on after their first unit: one at a time, until one of them is clean."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._leading: int | None = None
        self._is_over = False

    def asks(self, number: int) -> GoesOn:
        """What the trial of this number asks."""

        def may_go_on() -> bool:
            with self._lock:
                if self._is_over or self._leading is not None:
                    return False
                self._leading = number
                return True

        return may_go_on

    def ended(self, number: int, trial: Trial) -> None:
        """A trial has ended."""
        with self._lock:
            self._is_over = self._is_over or trial.is_clean
            if self._leading == number:
                self._leading = None
