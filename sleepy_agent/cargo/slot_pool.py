"""The slots of one seat: handed out one at a time, and warmed before large units are tried in them."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from sleepy_agent.cargo.green_text import last_green_texts
from sleepy_agent.cargo.replay_trials import Ground
from sleepy_agent.cargo.slots import Slot, UnitStatus
from sleepy_agent.cargo.toolchain import Toolchain
from sleepy_agent.cargo.units import Unit
from sleepy_agent.cargo.workspace import Workspace
from sleepy_agent.config import Settings
from sleepy_agent.process import CancelToken


class SlotPool:
    """The owner of the slots. `slot()` may be asked from several threads; it waits until one is free."""

    def __init__(self, seat: Path, workspace: Workspace, toolchain: Toolchain, settings: Settings) -> None:
        self._root = workspace.root
        self._settings = settings
        self._free: queue.Queue[Slot] = queue.Queue()
        self._warmed: set[tuple[Path, str]] = set()
        self._green_texts: dict[Path, bytes] | None = None
        for index in range(settings.slot_count):
            slot = Slot(
                seat / f"slot-{index}",
                workspace.source_roots,
                (workspace.target_directory,),
                toolchain,
                settings,
            )
            slot.mirror.synchronise()
            self._free.put(slot)

    @contextlib.contextmanager
    def slot(self) -> Iterator[Slot]:
        """A slot that nobody else uses meanwhile."""
        slot = self._free.get()
        try:
            yield slot
        finally:
            self._free.put(slot)

    @contextlib.contextmanager
    def slot_if_free(self) -> Iterator[Slot | None]:
        """A second slot where one is idle right now, else None: nobody waits for it."""
        try:
            slot = self._free.get_nowait()
        except queue.Empty:
            yield None
            return
        try:
            yield slot
        finally:
            self._free.put(slot)

    def synchronise(self) -> None:
        """Let every slot see files that came, and no more those that went. Only while no slot is in use."""
        slots = [self._free.get() for _ in range(self._settings.slot_count)]
        for slot in slots:
            slot.mirror.synchronise()
            self._free.put(slot)

    def warm(self, slot: Slot, units: Iterable[Unit], ground: Ground) -> None:
        """Compile large units once in this slot from their last green text, so that tries find warm state."""
        for unit in units:
            report = ground.reports.get(unit.unit_id)
            if report is None or (slot.folder, unit.unit_id) in self._warmed:
                continue
            if line_count(report.inputs) >= self._settings.warm_above_lines and not slot.is_warm(unit):
                texts = {} if report.status == UnitStatus.GREEN else self._last_green(ground.cancel)
                slot.lay({**ground.overlay, **texts})
                slot.replay(unit, ground.metadata_folder, ground.cancel, with_clippy=ground.with_clippy)
            # Said only now: what was cancelled is not warm.
            self._warmed.add((slot.folder, unit.unit_id))

    def warm_all(self, units: Sequence[Unit], ground: Ground) -> None:
        """`warm` for every slot, side by side. Only while no slot is in use."""

        def warm(_: int) -> None:
            with self.slot() as slot:
                # Each thread holds one slot until all are held, so that none is warmed twice.
                barrier.wait()
                self.warm(slot, units, ground)

        barrier = Barrier(self._settings.slot_count)
        with ThreadPoolExecutor(self._settings.slot_count) as pool:
            list(pool.map(warm, range(self._settings.slot_count)))

    def _last_green(self, cancel: CancelToken) -> dict[Path, bytes]:
        if self._green_texts is None:
            self._green_texts = last_green_texts(self._root, cancel)
        return self._green_texts


def line_count(paths: Iterable[Path]) -> int:
    """Lines of all files that can be read."""
    total = 0
    for path in paths:
        with contextlib.suppress(OSError):
            total += path.read_bytes().count(b"\n")
    return total
