"""What happened to the texts of a workspace lately: enough to say who wrote what, and no more. No I/O."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from sleepy_agent.live.outcomes.provenance import Step, StepKind, kind_of_change, switch_moment

Key = TypeVar("Key")
Value = TypeVar("Value")

MOST_FILES = 256
MOST_STEPS = 120
MOST_PROBLEMS = 2000
MOST_TEXTS_COUNTED = 64
MOST_WRITES = 64
# A check is heard a little after its text; a step just before it may belong to what came next.
CHECK_LAG_SECONDS = 0.25


class TextHistory:
    """The owner of the last steps of each file, of the last branch switches, and of when each problem was seen last."""

    def __init__(self) -> None:
        self._steps: OrderedDict[Path, deque[Step]] = OrderedDict()
        self._counts: OrderedDict[Path, int] = OrderedDict()
        self._count_of_text: OrderedDict[tuple[Path, str], int] = OrderedDict()
        self._last_seen: OrderedDict[str, float] = OrderedDict()
        self._writes: deque[tuple[float, int]] = deque(maxlen=MOST_WRITES)
        self._head_changes: deque[float] = deque(maxlen=8)
        self._texts_at_check: Mapping[Path, bytes] = {}

    def changed(self, path: Path, before: bytes, after: bytes, at: float, *, from_disk: bool) -> None:
        """An open document changed. `from_disk`: the editor took over what somebody else had written."""
        if before != after:
            self._add(path, Step(at, StepKind.DISK if from_disk else kind_of_change(before, after)))

    def written(self, paths: Collection[Path], not_open: Iterable[Path], *, head_changed: bool, at: float) -> None:
        """Files were written on the disk. Of an open one that says nothing: the editor saves it itself."""
        if paths:
            self._writes.append((at, len(paths)))
        if head_changed:
            self._head_changes.append(at)
        for path in not_open:
            self._add(path, Step(at, StepKind.DISK))

    def checked(self, present: Iterable[str], open_texts: Mapping[Path, bytes], at: float) -> None:
        """These problems are there now."""
        for problem_id in present:
            self._last_seen[problem_id] = at
            self._last_seen.move_to_end(problem_id)
        shorten(self._last_seen, MOST_PROBLEMS)
        self._texts_at_check = dict(open_texts)

    def last_seen(self, problem_id: str) -> float | None:
        """When a problem was last known to be there."""
        return self._last_seen.get(problem_id)

    def changed_since_check(self, open_texts: Mapping[Path, bytes]) -> dict[Path, tuple[bytes, bytes]]:
        """The texts at the last check, and now, of open files that have another one now."""
        return {
            path: (before, open_texts[path])
            for path, before in self._texts_at_check.items()
            if path in open_texts and open_texts[path] != before
        }

    @property
    def switches(self) -> tuple[float, ...]:
        """Moments that look like a branch switch."""
        moment = switch_moment(tuple(self._writes))
        return (*self._head_changes, *([] if moment is None else [moment]))

    def steps_between(self, paths: Iterable[Path], since: float | None, until: float) -> list[Step]:
        """What happened to some files; where nothing did, what happened to any."""
        start = float("-inf") if since is None else since - CHECK_LAG_SECONDS
        own = [step for path in paths for step in self._steps.get(path, ()) if start <= step.at <= until]
        return own or [step for steps in self._steps.values() for step in steps if start <= step.at <= until]

    def forget_last_step(self, path: Path) -> None:
        """The last step of a file was made by an offer."""
        if steps := self._steps.get(path):
            steps.pop()

    def is_known_text(self, path: Path, sha256: str) -> None:
        """A file has a text now that offers were made for."""
        self._count_of_text[(path, sha256)] = self._counts.get(path, 0)
        self._count_of_text.move_to_end((path, sha256))
        shorten(self._count_of_text, MOST_TEXTS_COUNTED)

    def steps_since(self, path: Path, sha256: str) -> float:
        """How many steps ago a file had that text; infinity where nobody knows."""
        count = self._count_of_text.get((path, sha256))
        return float("inf") if count is None else self._counts.get(path, 0) - count

    def _add(self, path: Path, step: Step) -> None:
        self._steps.setdefault(path, deque(maxlen=MOST_STEPS)).append(step)
        self._steps.move_to_end(path)
        self._counts[path] = self._counts.get(path, 0) + 1
        self._counts.move_to_end(path)
        shorten(self._steps, MOST_FILES)
        shorten(self._counts, MOST_FILES)


def shorten(table: OrderedDict[Key, Value], most: int) -> None:
    """Forget what was used least lately."""
    while len(table) > most:
        table.popitem(last=False)
