"""What clippy says of units, in a form that can be compared before and after a change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from sleepy_agent.cargo.problems import judged_diagnostics
from sleepy_agent.cargo.slots import Slot
from sleepy_agent.cargo.units import Unit
from sleepy_agent.process import CancelToken


def clippy_says(
    slot: Slot, units: Iterable[Unit], metadata_folder: Path, cancel: CancelToken, read: Callable[[Path], bytes]
) -> frozenset[object]:
    """Lint, message and text of the line, for each warning about what is laid in `slot`."""
    said = set()
    for unit in units:
        slot.forget_metadata()
        answer = slot.replay(unit, metadata_folder, cancel, with_clippy=True)
        for diagnostic in judged_diagnostics(answer.diagnostics, with_clippy=True):
            span = diagnostic.primary_span
            line = read(span.file).splitlines()[span.line_start - 1 : span.line_start] if span else []
            if diagnostic.code and diagnostic.code.startswith("clippy::"):
                said.add((diagnostic.code, diagnostic.message, *line))
    return frozenset(said)
