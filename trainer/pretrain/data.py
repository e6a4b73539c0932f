"""`python -m trainer.pretrain data`: makes lessons until there are as many as were asked for."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import queue
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final, Protocol

from sleepy_agent.errors import SleepyError
from sleepy_agent.process import CancelToken, InterruptSignals
from trainer.pretrain.mixing import Mixture, is_tried
from trainer.pretrain.parts import Plan, make_part, part_file, read_part, recipe_hash, write_part
from trainer.pretrain.records import Lesson
from trainer.pretrain.split import origin_of
from trainer.pretrain.weights import weights

__all__ = ["add_arguments", "run"]

Progress = Callable[[str], None]

LARGEST_ROUND: Final = 400
MOST_STALE: Final = 5
"""After so many parts in a row that gave next to nothing there is nothing more to be had."""
NEXT_TO_NOTHING: Final = 0.02
"""Of a part's lessons."""
MEMORY_FOLDER: Final = Path("/dev/shm")  # noqa: S108
"""Where Linux keeps files in memory: thousands of small files are written for rustc, and none is kept."""
WAIT_SECONDS: Final = 0.2
LAST_WORDS_SECONDS: Final = 2.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `data`."""
    parser.add_argument(
        "--seed", default="sleepy", help="a text; the same one makes the same lessons (default: sleepy)"
    )
    parser.add_argument("--count", type=int, default=1000, help="how many lessons (default: 1000)")
    parser.add_argument("--out", type=Path, required=True, help="the file of JSON lines; parts are kept beside it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a processor)")
    parser.add_argument("--parts", type=int, metavar="N", help="stop after N parts, even with fewer lessons")
    parser.add_argument("--no-crates", action="store_true", help="made programs alone: nothing is fetched")


def run(arguments: argparse.Namespace) -> int:
    """Make the data and say what it is."""
    cancel = CancelToken()
    started = time.monotonic()

    def progress(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - started:7.1f} s  {text}\n")
        sys.stderr.flush()

    plan = plan_for(arguments.seed, arguments.count, with_crates=not arguments.no_crates)
    with InterruptSignals(cancel):
        made = make_data(plan, arguments.out, max(1, arguments.jobs), cancel, progress, arguments.parts)
    summary = summary_of(made.mixture.taken, made, time.monotonic() - started)
    arguments.out.with_suffix(".summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    progress(f"{len(made.mixture.taken)} lessons in {arguments.out}")
    return 0


def plan_for(seed: str, count: int, *, with_crates: bool) -> Plan:
    """Parts that are neither too small to be quick nor larger than what is wanted."""
    size = max(10, min(LARGEST_ROUND, count // 4))
    of_group = int(count * weights().most_of_crates / 4) if with_crates else 0
    return Plan(seed, count, size, of_group)


@dataclass(frozen=True)
class Made:
    """The data, what became of everything that was tried, and how many parts it took."""

    mixture: Mixture
    counts: Counter[str]
    parts: int


def make_data(
    plan: Plan, out: Path, jobs: int, cancel: CancelToken, progress: Progress, most_parts: int | None = None
) -> Made:
    """Make parts in `jobs` processes, at most so many, and mix them in their order; writes `out` when done. Raises
    Interrupted: what was made by then is used the next time."""
    folder = out.parent / f"{out.name}.parts" / recipe_hash(plan)
    folder.mkdir(parents=True, exist_ok=True)
    mixture, counts = Mixture(plan.count, weights()), Counter[str]()
    number = stale = 0
    with Workers(plan, folder, jobs) as workers:
        while not mixture.is_full and stale < MOST_STALE and number != most_parts:
            workers.wait_for(number, cancel)
            part = read_part(part_file(folder, number))
            taken = sum(mixture.offer(told) for told in part.told)
            counts.update(part.counts)
            stale = 0 if taken > NEXT_TO_NOTHING * len(part.told) else stale + 1
            number += 1
            progress(
                f"part {number}: {taken} of {len(part.told)} lessons taken in, {len(mixture.taken)} of {plan.count};"
                f" {counts['mistakes verified']} pairs verified"
            )
    write_lessons(out, mixture.taken)
    return Made(mixture, counts, number)


def write_lessons(file: Path, lessons: Sequence[Lesson]) -> None:
    """A lesson a line."""
    fresh = file.with_name(f"{file.name}.new")
    with fresh.open("w", encoding="utf-8") as lines:
        for lesson in lessons:
            lines.write(json.dumps(asdict(lesson)) + "\n")
    fresh.replace(file)


def summary_of(lessons: Sequence[Lesson], made: Made, seconds: float) -> dict[str, object]:
    """What the data is made of."""
    shapes = Counter(lesson.shape for lesson in lessons)
    return {
        "lessons": len(lessons),
        "parts": made.parts,
        "seconds": round(seconds, 1),
        "split": dict(Counter(lesson.split for lesson in lessons).most_common()),
        "family": dict(Counter(lesson.family for lesson in lessons).most_common()),
        "code": dict(Counter(lesson.code or "none" for lesson in lessons).most_common()),
        "mutation groups": dict(Counter(lesson.mutation.partition(".")[0] for lesson in lessons).most_common()),
        "origins": len({origin_of(lesson.source) for lesson in lessons}),
        "sources": len({lesson.source for lesson in lessons}),
        "of crates": sum(lesson.source.startswith("crate:") for lesson in lessons),
        "with a wrong answer before": sum(is_tried(lesson) for lesson in lessons),
        "shapes": len(shapes),
        "most frequent shapes": dict(shapes.most_common(20)),
        "refused": dict(made.mixture.refused.most_common()),
        "counts": dict(made.counts.most_common()),
    }


# ---- processes --------------------------------------------------------------------------------------------


class Workers:
    """Processes that make parts, each the next one that nobody makes yet. Ends them when it is left."""

    def __init__(self, plan: Plan, folder: Path, jobs: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._folder = folder
        self._stop = context.Event()
        self._failures: Queue[tuple[str, str]] = context.Queue()
        # Kept, since what is shared is gone once its first owner lets go of it.
        self._turn = context.Value("i", 0)
        self._processes = [
            context.Process(target=work, args=(plan, folder, self._turn, self._stop, self._failures), daemon=True)
            for _ in range(jobs)
        ]

    def __enter__(self) -> Workers:
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for process in self._processes:
            process.join()

    def wait_for(self, number: int, cancel: CancelToken) -> None:
        """Wait until a part is there. Raises Interrupted, and what a process raised."""
        while not part_file(self._folder, number).exists():
            cancel.raise_if_cancelled()
            # They end when they fail or are told to; what one had to say may still be on its way then.
            ended = any(process.exitcode is not None for process in self._processes)
            with suppress(queue.Empty):
                message, remedy = self._failures.get(timeout=LAST_WORDS_SECONDS if ended else WAIT_SECONDS)
                raise SleepyError(message, remedy)
            if ended:
                raise SleepyError("A process that makes lessons ended.", "What it wrote above says why; start again.")


class Turn(Protocol):
    """What `multiprocessing.Value` is, for the type checker."""

    value: int

    def get_lock(self) -> threading.Lock: ...


def work(plan: Plan, folder: Path, turn: Turn, stop: Event, failures: Queue[tuple[str, str]]) -> None:
    """Make parts until told to stop."""
    cancel = CancelToken()
    threading.Thread(target=pass_on, args=(stop, cancel), daemon=True).start()
    memory = str(MEMORY_FOLDER) if os.access(MEMORY_FOLDER, os.W_OK) else None
    scratch = tempfile.TemporaryDirectory(prefix="sleepy-lessons-", dir=memory)
    try:
        # Ctrl-C reaches every process of a terminal; here only the first one's word counts.
        with scratch, InterruptSignals(CancelToken()):
            while not cancel.cancelled:
                with turn.get_lock():
                    number = turn.value
                    turn.value += 1
                file = part_file(folder, number)
                if not file.exists():
                    write_part(file, make_part(plan, number, Path(scratch.name) / "work", cancel))
    except SleepyError as error:
        if not cancel.cancelled:
            failures.put((error.message, error.remedy))


def pass_on(stop: Event, cancel: CancelToken) -> None:
    """Stop what runs here once the first process says so."""
    stop.wait()
    cancel.cancel()
