"""Worker slots: fixed folders in which recorded rustc calls are replayed on overlays, one at a time each.

A slot keeps its paths, its mirror of the sources and one incremental folder for each unit, because rustc's
incremental state is worth keeping only where all of these stay the same. rustc keeps the last green state
when a compile fails, so rejected tries leave a slot warm.
"""

from __future__ import annotations

import errno
import os
import re
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from sleepy_agent.cargo.diagnostics import parse_diagnostics
from sleepy_agent.cargo.overlay import Mirror, Overlay, mirrored, unmirrored
from sleepy_agent.cargo.toolchain import Toolchain, cargo_environment
from sleepy_agent.cargo.units import (
    ReplayPlaces,
    Unit,
    parse_dependency_file,
    replay_command,
    replay_environment,
)
from sleepy_agent.config import Settings
from sleepy_agent.domain import Diagnostic, Level
from sleepy_agent.errors import cannot_write
from sleepy_agent.politeness import wait_for_other_compilers
from sleepy_agent.process import LOWEST_NICENESS, CancelToken, run_process

# What rustc says is no problem of the user's program then.
DISK_FULL = re.compile(rb"No space left on device|os error 28\b|[Dd]isk quota exceeded")


class UnitStatus(StrEnum):
    """How a unit stands. BLOCKED: something it depends on does not compile, so nobody can tell."""

    GREEN = "green"
    RED = "red"
    CRASHED = "crashed"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class UnitReport:
    """What the compiler said of one unit. `inputs`: the files it read, as the user's paths."""

    unit_id: str
    status: UnitStatus
    diagnostics: tuple[Diagnostic, ...] = ()
    inputs: frozenset[Path] = frozenset()
    foreign_inputs: frozenset[Path] = frozenset()
    """Inputs that lie in the user's folders but were read past the overlay (absolute paths in the source)."""
    metadata: Path | None = None
    milliseconds: float = 0.0
    method: str = "replay"
    note: str = ""

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.level in {Level.ERROR, Level.CRASH})


class Slot:
    """One slot: the owner of its folder. Not thread-safe; the session hands it to one thread at a time."""

    def __init__(
        self,
        folder: Path,
        source_roots: tuple[Path, ...],
        excluded: tuple[Path, ...],
        toolchain: Toolchain,
        settings: Settings,
    ) -> None:
        self.folder = folder
        self.mirror = Mirror(folder / "sources", source_roots, excluded)
        self._source_roots = source_roots
        self._toolchain = toolchain
        self._settings = settings
        self.output_folder = folder / "output"
        self.output_folder.mkdir(parents=True, exist_ok=True)
        (folder / "incremental").mkdir(exist_ok=True)

    def forget_metadata(self) -> None:
        """Remove what earlier replays left for dependents, so that none is taken for this overlay's."""
        for path in self.output_folder.glob("*.rmeta"):
            path.unlink(missing_ok=True)

    def is_warm(self, unit: Unit) -> bool:
        """Whether this slot has compiled the unit to its end before."""
        return any((self.folder / "incremental" / unit.unit_id).glob("*/*/*.bin"))

    def lay(self, overlay: Overlay) -> None:
        self.mirror.lay(overlay)

    def replay(
        self,
        unit: Unit,
        metadata_folder: Path,
        cancel: CancelToken | None = None,
        *,
        with_clippy: bool = False,
    ) -> UnitReport:
        """Run the unit's rustc call on the mirrored sources. `metadata_folder`: of the workspace's crates
        outside this overlay."""
        started = time.perf_counter()
        places = ReplayPlaces(
            mirror_root=self.mirror.mirror_root,
            source_roots=self._source_roots,
            output_folder=self.output_folder,
            incremental_folder=self.folder / "incremental" / (unit.unit_id + ("-clippy" if with_clippy else "")),
            metadata_folders=(self.output_folder, metadata_folder),
        )
        rustc = str(self._toolchain.rustc)
        driver = [str(self._toolchain.clippy_driver), rustc] if with_clippy else [rustc]
        metadata = self.output_folder / unit.metadata_name
        metadata.unlink(missing_ok=True)
        folder = os.path.normpath(str(unit.cwd))
        in_mirror = [root for root in self._source_roots if Path(folder).is_relative_to(root)]
        environment = replay_environment(unit, places, cargo_environment())
        if with_clippy:
            environment |= {"CLIPPY_ARGS": "", "SYSROOT": str(self._toolchain.sysroot)}
        cwd = mirrored(places.mirror_root, Path(folder)) if in_mirror else unit.cwd
        if self._settings.niceness >= LOWEST_NICENESS:
            wait_for_other_compilers(cancel)
        outcome = run_process(
            replay_command(unit, places, driver),
            cwd=cwd,
            environment=environment,
            timeout_seconds=self._settings.compile_timeout_seconds,
            niceness=self._settings.niceness,
            cancel=cancel,
        )
        if cancel:
            cancel.raise_if_cancelled()
        if not outcome.succeeded and DISK_FULL.search(outcome.stderr):
            raise cannot_write(self.folder, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        report = UnitReport(
            unit_id=unit.unit_id,
            status=UnitStatus.GREEN if outcome.succeeded else UnitStatus.RED,
            diagnostics=tuple(parse_diagnostics(outcome.stderr.splitlines(), lambda name: self._user_path(unit, name))),
            metadata=metadata if outcome.succeeded and metadata.exists() else None,
            milliseconds=(time.perf_counter() - started) * 1000,
        )
        crashed = any(diagnostic.level == Level.CRASH for diagnostic in report.errors)
        if outcome.timed_out or outcome.start_error or crashed or (not outcome.succeeded and not report.errors):
            reason = "it took too long" if outcome.timed_out else outcome.stderr.decode(errors="replace").strip()[-400:]
            report = replace(report, status=UnitStatus.CRASHED, note=str(outcome.start_error or reason))
        inputs, foreign = self._inputs(unit)
        return replace(report, inputs=inputs, foreign_inputs=foreign)

    def _user_path(self, unit: Unit, name: str) -> Path:
        path = Path(os.path.normpath(unit.cwd / name))
        return unmirrored(self.mirror.mirror_root, path)

    def _inputs(self, unit: Unit) -> tuple[frozenset[Path], frozenset[Path]]:
        """Files the last replay of the unit read, and those among them that it read past the mirror."""
        dependency_file = self.output_folder / f"{unit.unit_id}.d"
        try:
            names, _ = parse_dependency_file(dependency_file.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return frozenset(), frozenset()
        inputs, foreign = set(), set()
        for name in names:
            if Path(name).suffix in {".rmeta", ".rlib", ".so", ".dylib", ".dll"}:
                continue
            path = Path(os.path.normpath(unit.cwd / name))
            inputs.add(unmirrored(self.mirror.mirror_root, path))
            if Path(name).is_absolute() and any(path.is_relative_to(root) for root in self._source_roots):
                foreign.add(path)
        return frozenset(inputs), frozenset(foreign)
