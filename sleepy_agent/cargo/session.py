"""The one owner of what is known about a workspace in this process: recording, slots, overlay, reports.

`CheckSession.check` says what is broken; `try_edits` says what an edit would change; `commit` makes a tried
edit part of the text that everything after is compared with. Nothing here writes into the user's tree.
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from filelock import FileLock, Timeout

from sleepy_agent.cargo.agreement import disagreeing_packages
from sleepy_agent.cargo.copied_tree import CargoAnswer, CopiedTree
from sleepy_agent.cargo.green_text import last_green_texts
from sleepy_agent.cargo.problems import error_key, find_problems, judged_diagnostics
from sleepy_agent.cargo.recorder import (
    Recording,
    Tree,
    identity_of,
    load_recording,
    record,
    update_recording,
)
from sleepy_agent.cargo.slots import Slot, UnitReport, UnitStatus
from sleepy_agent.cargo.toolchain import Toolchain, find_toolchain
from sleepy_agent.cargo.trials import (
    Trial,
    compare_reports,
    plan_trial,
    refused_trial,
    targets_still_there,
    text_changes,
)
from sleepy_agent.cargo.units import Unit
from sleepy_agent.cargo.workspace import LockNeedsUpdate, Workspace, find_workspace_root, read_workspace
from sleepy_agent.cargo.workspace_copy import read_through_copy, workspace_from_copy
from sleepy_agent.code.changes import is_private_change
from sleepy_agent.code.edits import EditConflict, apply_edits, moves_of
from sleepy_agent.config import Places, Settings
from sleepy_agent.domain import Diagnostic, Edit, Problem
from sleepy_agent.errors import NoCargoProject, cannot_write
from sleepy_agent.families import FamilyRules, load_family_rules
from sleepy_agent.process import CancelToken

Progress = Callable[[str], None]
Answer = TypeVar("Answer")


class CheckSession:
    """Open with `with CheckSession.open(...) as session`. Its methods are called from one thread; the
    compiles inside run in as many threads as there are slots."""

    def __init__(
        self,
        workspace: Workspace,
        toolchain: Toolchain,
        folder: Path,
        settings: Settings,
        rules: FamilyRules,
        cancel: CancelToken,
        progress: Progress,
        *,
        with_clippy: bool,
    ) -> None:
        self.workspace = workspace
        self.toolchain = toolchain
        self.settings = settings
        self.with_clippy = with_clippy
        self._rules = rules
        self._cancel = cancel
        self._progress = progress
        self._folder = folder
        self._open = contextlib.ExitStack()
        self._seat = self._open.enter_context(take_seat(folder))
        self._copy = CopiedTree(self._seat / "copy", workspace)
        self._metadata_folder = self._seat / "metadata"
        self._kept_folder = self._seat / "kept"
        self._overlay: dict[Path, bytes] = {}
        self._snapshot: dict[Path, bytes] = {}
        self._reports: dict[str, UnitReport] = {}
        self._stale: set[str] = set()
        self._trial_count = 0
        self._lock_is_ours = False
        self.recording: Recording
        self._slots: queue.Queue[Slot] = queue.Queue()
        self._warmed: set[tuple[Path, str]] = set()
        self._green_texts: dict[Path, bytes] | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        places: Places,
        settings: Settings,
        cancel: CancelToken,
        progress: Progress = lambda _text: None,
        *,
        with_clippy: bool = False,
        overlay: Mapping[Path, bytes] | None = None,
    ) -> CheckSession:
        """Find the workspace of `path` and be ready to check it. `overlay`: unsaved buffers.

        Raises NoCargoProject, BrokenManifest, NoToolchain, RecordingFailed, CannotWrite or Interrupted.
        """
        folder = path if path.is_dir() else path.parent
        if not folder.is_dir():
            raise NoCargoProject(f"There is no folder {path}.", "Name a folder with a Cargo.toml in it.")
        root = find_workspace_root(folder.absolute(), cancel)
        toolchain = find_toolchain(root, cancel)
        progress("reading the workspace")
        key = hashlib.sha256(str(root).encode()).hexdigest()[:16]
        own_folder = places.cache / "workspaces" / f"{root.name}-{key}"
        try:
            own_folder.mkdir(parents=True, exist_ok=True)
            workspace = read_workspace(root, settings, cancel=cancel)
            lock_is_ours = isinstance(workspace, LockNeedsUpdate)
            if isinstance(workspace, LockNeedsUpdate):
                workspace = read_through_copy(own_folder / "reading", workspace.root, settings, cancel)
            own_rules = places.user_families_file
            rules = load_family_rules(own_rules if own_rules.exists() else None)
            session = cls(workspace, toolchain, own_folder, settings, rules, cancel, progress, with_clippy=with_clippy)
            session._lock_is_ours = lock_is_ours
            try:
                session._overlay.update(overlay or {})
                session._prepare()
            except BaseException:
                session.close()
                raise
        except OSError as error:
            raise cannot_write(Path(error.filename) if error.filename else own_folder, error) from error
        return session

    def __enter__(self) -> CheckSession:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the folders back to other processes."""
        self._open.close()

    # ---- texts -----------------------------------------------------------------------------------------

    def read(self, path: Path) -> bytes:
        """The text everything is judged on: what was committed, else the file as first read in this session."""
        if path in self._overlay:
            return self._overlay[path]
        return self.original(path)

    def original(self, path: Path) -> bytes:
        """The file as it was on disk when this session first read it; empty where there is none."""
        if path not in self._snapshot:
            try:
                self._snapshot[path] = path.read_bytes()
            except OSError:
                return b""
        return self._snapshot[path]

    @property
    def changed_texts(self) -> dict[Path, bytes]:
        """What was committed so far and differs from the disk."""
        return {path: text for path, text in self._overlay.items() if text != self.original(path)}

    def is_editable(self, path: Path) -> bool:
        """Whether a file is the user's to edit: in a source root, not generated into a target folder."""
        inside = any(path.is_relative_to(root) for root in self.workspace.source_roots)
        return inside and not path.is_relative_to(self.workspace.target_directory) and path.is_file()

    # ---- what is broken --------------------------------------------------------------------------------

    def check(self) -> tuple[Problem, ...]:
        """Replay every unit whose inputs changed, side by side, and say what is broken."""
        pending = [unit for unit in self.recording.units if self._is_stale(unit)]
        if pending:
            self._progress(f"checking {len(pending)} target{'s' if len(pending) > 1 else ''}")
            self._run_in_order(pending)
        if not self.recording.is_compared:
            self._compare_with_cargo()
        if self._recording_is_behind():
            self._record_again()
            return self.check()
        return find_problems(self.recording.units, self._reports, self._rules, with_clippy=self.with_clippy)

    def blocked_packages(self) -> tuple[str, ...]:
        """What could not be checked, and why nobody may call the workspace green."""
        blocked = [
            self.recording.unit(unit_id).package
            for unit_id, report in self._reports.items()
            if report.status in {UnitStatus.BLOCKED, UnitStatus.CRASHED}
        ]
        return tuple(dict.fromkeys([*blocked, *self.recording.failures]))

    def reports(self) -> Mapping[str, UnitReport]:
        return self._reports

    def _is_stale(self, unit: Unit) -> bool:
        return unit.unit_id not in self._reports or unit.unit_id in self._stale

    def _run_in_order(self, pending: Sequence[Unit]) -> None:
        """Replay units in as many slots as there are, each when all it depends on is done."""
        waiting = {unit.unit_id: unit for unit in pending}
        running: dict[Future[UnitReport], Unit] = {}
        with ThreadPoolExecutor(self.settings.slot_count) as pool:
            while waiting or running:
                unfinished = {*waiting, *(unit.unit_id for unit in running.values())}
                for unit in list(waiting.values()):
                    if unfinished & set(unit.depends_on):
                        continue
                    del waiting[unit.unit_id]
                    if self._is_blocked(unit):
                        self._reports[unit.unit_id] = UnitReport(unit.unit_id, UnitStatus.BLOCKED)
                        self._stale.discard(unit.unit_id)
                        continue
                    running[pool.submit(self._replay_base, unit)] = unit
                if not running:
                    continue
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    unit = running.pop(future)
                    self._adopt(future.result())

    def _is_blocked(self, unit: Unit) -> bool:
        return any(
            (report := self._reports.get(dependency)) is not None and report.status != UnitStatus.GREEN
            for dependency in unit.depends_on
        )

    def _replay_base(self, unit: Unit) -> UnitReport:
        with self._slot() as slot:
            slot.lay(self._overlay)
            slot.forget_metadata()
            report = slot.replay(unit, self._metadata_folder, self._cancel, with_clippy=self.with_clippy)
            if report.metadata is not None:
                kept = self._metadata_folder / unit.metadata_name
                shutil.copyfile(report.metadata, kept)
                report = replace(report, metadata=kept)
            return report

    def _adopt(self, report: UnitReport) -> None:
        """Take a report as what is known of its unit."""
        if report.metadata is None:
            (self._metadata_folder / self.recording.unit(report.unit_id).metadata_name).unlink(missing_ok=True)
        self._reports[report.unit_id] = report
        self._stale.discard(report.unit_id)

    @contextlib.contextmanager
    def _slot(self) -> Iterator[Slot]:
        slot = self._slots.get()
        try:
            yield slot
        finally:
            self._slots.put(slot)

    # ---- what would an edit change ---------------------------------------------------------------------

    def try_many(self, attempts: Sequence[tuple[Sequence[Edit], Sequence[Problem]]]) -> list[Trial]:
        """`try_edits` for several sets of edits, side by side; the answers in the order of the questions."""
        with ThreadPoolExecutor(self.settings.slot_count) as pool:
            return list(pool.map(lambda attempt: self.try_edits(*attempt), attempts))

    def try_edits(self, edits: Sequence[Edit], targets: Sequence[Problem]) -> Trial:
        """Compile the workspace's text with `edits` in it, as far as they reach. May be called side by side."""
        self._cancel.raise_if_cancelled()
        outside = next((edit.file for edit in edits if not self.is_editable(edit.file)), None)
        if outside is not None:
            return refused_trial(edits, f"{outside.name} is not a source file of this workspace")
        texts = apply_edits(edits, self.read)
        if isinstance(texts, EditConflict):
            return refused_trial(edits, texts.reason)
        if all(texts[path] == self.read(path) for path in texts):
            return refused_trial(edits, "it changes nothing")
        packages = {problem.package for problem in targets}
        if any(path.name == "Cargo.toml" for path in texts) or packages & self.recording.untrusted_packages:
            return self._try_with_cargo(edits, texts, targets)
        trial = self._try_by_replay(edits, texts, targets)
        affected = [self.recording.unit(unit_id) for unit_id in trial.reports]
        if trial.is_clean and any(unit.is_really_compiled for unit in affected):
            # A macro crate or a build script does its work when it runs: only cargo can tell.
            return self._try_with_cargo(edits, texts, targets)
        return trial

    def _try_by_replay(self, edits: Sequence[Edit], texts: Mapping[Path, bytes], targets: Sequence[Problem]) -> Trial:
        started = time.perf_counter()
        moves = moves_of(edits, self.read)
        private = all(
            path.suffix == ".rs" and is_private_change(self.read(path), text, text_changes(moves, path))
            for path, text in texts.items()
        )
        plan = plan_trial(self.recording.units, self._reports, texts, targets, is_private=private)
        still_there: set[object] = set()
        new_errors: list[Diagnostic] = []
        unmasked: list[Diagnostic] = []
        reports: dict[str, UnitReport] = {}
        before_count = after_count = 0
        complete = bool(plan.units)
        with self._slot() as slot:
            self._warm(slot, plan.units)
            slot.lay({**self._overlay, **texts})
            slot.forget_metadata()
            for unit in plan.units:
                if any(
                    dependency in reports and reports[dependency].status != UnitStatus.GREEN
                    for dependency in unit.depends_on
                ):
                    continue
                report = slot.replay(unit, self._metadata_folder, self._cancel, with_clippy=self.with_clippy)
                reports[unit.unit_id] = report
                before = self._reports.get(unit.unit_id) or UnitReport(unit.unit_id, UnitStatus.BLOCKED)
                comparison = compare_reports(
                    before.diagnostics, report.diagnostics, moves, edits, targets, with_clippy=self.with_clippy
                )
                before_count += len(judged_diagnostics(before.diagnostics, with_clippy=self.with_clippy))
                after_count += len(judged_diagnostics(report.diagnostics, with_clippy=self.with_clippy))
                still_there |= targets_still_there(comparison, targets)
                new_errors += comparison.new
                unmasked += comparison.unmasked
                passed_by = bool(report.foreign_inputs & texts.keys())
                if comparison.new or still_there or report.status == UnitStatus.CRASHED or passed_by:
                    complete = False
                    break
            kept = self._keep_metadata(slot, reports) if complete else {}
        return Trial(
            edits=tuple(edits),
            texts=texts,
            reports=reports,
            gone=frozenset(error_key(problem.diagnostic) for problem in targets) - still_there,
            new_errors=tuple(dict.fromkeys(new_errors)),
            unmasked=tuple({error_key(error): error for error in unmasked}.values()),
            errors_before=before_count,
            errors_after=after_count,
            complete=complete,
            dependents_checked=private or plan.dependents_included,
            method="replay",
            milliseconds=(time.perf_counter() - started) * 1000,
            kept_metadata=kept,
        )

    def _keep_metadata(self, slot: Slot, reports: Mapping[str, UnitReport]) -> dict[str, Path]:
        """Put the metadata of a clean trial aside, for the case that it is committed."""
        kept = {}
        self._trial_count += 1
        folder = self._kept_folder / f"{slot.folder.name}-{self._trial_count}"
        for unit_id, report in reports.items():
            if report.metadata is not None:
                folder.mkdir(parents=True, exist_ok=True)
                kept[unit_id] = Path(shutil.move(report.metadata, folder / report.metadata.name))
        return kept

    def _warm(self, slot: Slot, units: Iterable[Unit]) -> None:
        """Compile large units once in this slot from their last green text, so that tries find warm state."""
        for unit in units:
            if (slot.folder, unit.unit_id) in self._warmed:
                continue
            self._warmed.add((slot.folder, unit.unit_id))
            report = self._reports.get(unit.unit_id)
            if report is None or slot.is_warm(unit):
                continue
            if line_count(report.inputs) < self.settings.warm_above_lines:
                continue
            texts = {} if report.status == UnitStatus.GREEN else self._last_green()
            slot.lay({**self._overlay, **texts})
            slot.replay(unit, self._metadata_folder, self._cancel, with_clippy=self.with_clippy)

    def _last_green(self) -> dict[Path, bytes]:
        if self._green_texts is None:
            self._green_texts = last_green_texts(self.workspace.root, self._cancel)
        return self._green_texts

    def _try_with_cargo(self, edits: Sequence[Edit], texts: Mapping[Path, bytes], targets: Sequence[Problem]) -> Trial:
        """Ask cargo on the copied tree; compare by package, because cargo merges units."""
        moves = moves_of(edits, self.read)
        with self._copy_lock():
            self._copy.lay({**self._overlay, **texts})
            answer = self._copy.check(self._copy_target(), self.settings, self._cancel)
        before = self._diagnostics_by_package()
        still_there: set[object] = set()
        new_errors: list[Diagnostic] = []
        unmasked: list[Diagnostic] = []
        # Packages that could not be checked before may show errors now that were there all along.
        judged = {
            self.recording.unit(unit_id).package
            for unit_id, report in self._reports.items()
            if report.status in {UnitStatus.GREEN, UnitStatus.RED}
        }
        for package in judged:
            comparison = compare_reports(
                before.get(package, ()),
                answer.diagnostics.get(package, ()),
                moves,
                edits,
                targets,
                with_clippy=self.with_clippy,
            )
            still_there |= targets_still_there(comparison, targets)
            new_errors += comparison.new
            unmasked += comparison.unmasked
        # Cargo must have come to the target's package: else its silence means nothing.
        reached = {problem.package for problem in targets} <= answer.built
        own_lock = self.workspace.root / "Cargo.lock"
        all_texts = dict(texts)
        if answer.lock_file is not None and own_lock.exists() and answer.lock_file != self.read(own_lock):
            all_texts[own_lock] = answer.lock_file
        refusal = None if reached else f"cargo does not accept it: {first_error_line(answer.stderr)}"
        return Trial(
            edits=tuple(edits),
            texts=all_texts,
            reports={},
            gone=frozenset(error_key(problem.diagnostic) for problem in targets) - still_there,
            new_errors=tuple(dict.fromkeys(new_errors)),
            unmasked=tuple({error_key(error): error for error in unmasked}.values()),
            errors_before=count_judged(before, self.with_clippy),
            errors_after=count_judged(answer.diagnostics, self.with_clippy),
            complete=reached,
            dependents_checked=True,
            method="cargo",
            milliseconds=answer.seconds * 1000,
            kept_metadata={},
            refusal=refusal,
        )

    def _copy_target(self) -> Path:
        """The copy's own target directory, begun with what is built already.

        Not the recording's: cargo names packages by their place in the workspace, so it would take the copy's
        crates for the user's and the user's for the copy's, whichever was built last.
        """
        target = self._seat / "copy-recording" / "target"
        built = self._folder / "recording" / "target"
        if not target.exists() and built.exists():
            ignored = shutil.ignore_patterns("incremental", "*.lock", ".cargo-lock")
            shutil.copytree(built, target, ignore=ignored, symlinks=True)
        return target

    @contextlib.contextmanager
    def _copy_lock(self) -> Iterator[None]:
        with FileLock(self._seat / "copy.lock"):
            yield

    def _diagnostics_by_package(self) -> dict[str, tuple[Diagnostic, ...]]:
        gathered: dict[str, list[Diagnostic]] = {}
        for unit_id, report in self._reports.items():
            gathered.setdefault(self.recording.unit(unit_id).package, []).extend(report.diagnostics)
        return {package: tuple(diagnostics) for package, diagnostics in gathered.items()}

    def ask_cargo(self) -> CargoAnswer:
        """What cargo itself says of the text as it stands, from scratch: the proof of the whole."""
        with self._copy_lock():
            self._copy.lay(self._overlay)
            return self._copy.check(self._copy_target(), self.settings, self._cancel)

    def run_on_copy(self, work: Callable[[Path, Path], Answer]) -> Answer:
        """Do something in the copy of the final text: `work(target directory, workspace root in the copy)`."""
        with self._copy_lock():
            tree = self._copy.lay(self._overlay)
            return work(self._copy_target(), tree.cargo_folder)

    def clippy_keys(self, *, changed: bool) -> frozenset[object] | None:
        """What clippy says of the files that were changed, as (lint, message, line); of the text before or
        after. None where clippy is not installed."""
        files = set(self.changed_texts)
        if not self.toolchain.clippy_driver.exists():
            return None
        said = set()
        with self._slot() as slot:
            for unit in self.recording.units:
                report = self._reports.get(unit.unit_id)
                if report is None or not report.inputs & files:
                    continue
                slot.lay(self._overlay if changed else {})
                slot.forget_metadata()
                answer = slot.replay(unit, self._metadata_folder, self._cancel, with_clippy=True)
                for diagnostic in judged_diagnostics(answer.diagnostics, with_clippy=True):
                    span = diagnostic.primary_span
                    text = self.read(span.file) if span and changed else self.original(span.file) if span else b""
                    line = text.splitlines()[span.line_start - 1 : span.line_start] if span else []
                    if diagnostic.code and diagnostic.code.startswith("clippy::"):
                        said.add((diagnostic.code, diagnostic.message, *line))
        return frozenset(said)

    # ---- taking an edit in -----------------------------------------------------------------------------

    def commit(self, trial: Trial) -> None:
        """Make a clean trial's text the one that everything after is judged on."""
        self._overlay.update(trial.texts)
        if trial.method == "cargo":
            self._stale.update(self._reports)
            if trial.texts.keys() & self.recording.inputs.keys():
                self._record_again()
            return
        replaced = set()
        for unit_id, report in trial.reports.items():
            before = self._reports.get(unit_id)
            was_green = before is not None and before.status == UnitStatus.GREEN
            kept = trial.kept_metadata.get(unit_id)
            target = self._metadata_folder / self.recording.unit(unit_id).metadata_name
            dependents_rebuilt = any(
                unit_id in self.recording.unit(other).depends_on for other in trial.reports if other != unit_id
            )
            if kept is not None and (not was_green or dependents_rebuilt or not trial.dependents_checked):
                kept.replace(target)
                replaced.add(unit_id)
            # Where no other crate can notice the change, the old metadata serves on: replacing it would
            # only make everything built on it unusable.
            self._adopt(replace(report, metadata=target if report.metadata is not None else None))
        changed = True
        while changed:
            dependents = {
                unit.unit_id
                for unit in self.recording.units
                if unit.unit_id not in trial.reports
                and unit.unit_id not in self._stale
                and set(unit.depends_on) & (replaced | self._stale)
            }
            changed = bool(dependents)
            self._stale |= dependents

    def restore(self, overlay: Mapping[Path, bytes]) -> None:
        """Go back to an earlier overlay; everything that differs is checked anew."""
        differing = {path for path in {*overlay, *self._overlay} if overlay.get(path) != self._overlay.get(path)}
        self._overlay = dict(overlay)
        concerns_cargo = {"Cargo.toml", "Cargo.lock", "build.rs"}
        if any(path.name in concerns_cargo or path in self.recording.inputs for path in differing):
            self._record_again()
        # Metadata of a crate that changes back makes everything built on it unusable, too.
        self._stale = set(self._reports)

    @property
    def overlay(self) -> dict[Path, bytes]:
        return dict(self._overlay)

    # ---- recording -------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        for folder in (self._metadata_folder, self._kept_folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self._record_again()
        for index in range(self.settings.slot_count):
            slot = Slot(
                self._seat / f"slot-{index}",
                self.workspace.source_roots,
                (self.workspace.target_directory,),
                self.toolchain,
                self.settings,
            )
            slot.mirror.synchronise()
            self._slots.put(slot)

    def _tree(self) -> Tree:
        """The user's own tree, or our copy where cargo must see something that is not on the user's disk."""
        concerns_cargo = any(
            path.name in {"Cargo.toml", "build.rs"} or path in getattr(self, "recording", NO_RECORDING).inputs
            for path in self.changed_texts
        )
        if concerns_cargo or self._lock_is_ours:
            return self._copy.lay(self._overlay)
        return Tree(self.workspace, None, {})

    def _record_again(self) -> None:
        with self._copy_lock():
            tree = self._tree()
            if tree.copy_root is not None:
                refreshed = read_workspace(tree.cargo_folder, self.settings, may_write_lock=True, cancel=self._cancel)
                assert isinstance(refreshed, Workspace)
                self.workspace = workspace_from_copy(refreshed, tree.copy_root)
                tree = replace(tree, workspace=self.workspace)
            identity = identity_of(self.workspace, self.toolchain, self.settings)
            folder = self._recording_folder(tree)
            folder.mkdir(parents=True, exist_ok=True)
            if tree.copy_root is not None:
                self._copy_target()
            found = load_recording(folder, tree, identity)
            if found is None:
                self._progress("recording the rustc calls of the workspace")
                found = record(folder, tree, identity, self.settings, self._cancel)
            self.recording = found
        known = {unit.unit_id for unit in found.units}
        self._reports = {unit_id: report for unit_id, report in self._reports.items() if unit_id in known}
        self._stale = set(self._reports)

    def _compare_with_cargo(self) -> None:
        """Once for each recording: find the packages about which replays and cargo disagree."""
        self._progress("comparing the replays with cargo")
        with self._copy_lock():
            tree = self._tree()
            untrusted = disagreeing_packages(tree, self.recording, self._reports, self.settings, self._cancel)
            self.recording = replace(self.recording, untrusted_packages=untrusted, is_compared=True)
            update_recording(self._recording_folder(tree), self.recording)

    def _recording_folder(self, tree: Tree) -> Path:
        return self._folder / "recording" if tree.copy_root is None else self._seat / "copy-recording"

    def _recording_is_behind(self) -> bool:
        """Whether something cargo had to build or run was mended since: then more units may be callable."""
        real = [unit for unit in self.recording.units if unit.is_really_compiled]
        return any(
            set(self._reports[unit.unit_id].inputs) & self.changed_texts.keys()
            and self._reports[unit.unit_id].status == UnitStatus.GREEN
            and any(self.recording.inputs.get(path) != digest(self.read(path)) for path in self.changed_texts)
            for unit in real
            if unit.unit_id in self._reports
        )


NO_RECORDING = Recording((), Path(), (), frozenset(), {}, True)


def digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def line_count(paths: Iterable[Path]) -> int:
    """Lines of all files that can be read."""
    total = 0
    for path in paths:
        with contextlib.suppress(OSError):
            total += path.read_bytes().count(b"\n")
    return total


def count_judged(diagnostics: Mapping[str, Sequence[Diagnostic]], with_clippy: bool) -> int:
    return sum(len(judged_diagnostics(found, with_clippy=with_clippy)) for found in diagnostics.values())


def first_error_line(stderr: str) -> str:
    """The first line of cargo's own complaint."""
    lines = [line for line in stderr.splitlines() if line.startswith("error")]
    return lines[0].removeprefix("error: ") if lines else "it says nothing more"


@contextlib.contextmanager
def take_seat(folder: Path) -> Iterator[Path]:
    """A folder with slots that no other process uses: the first free one, so that they are warm mostly."""
    for index in range(1000):
        seat = folder / "seats" / str(index)
        seat.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / "seats" / f"{index}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        try:
            yield seat
        finally:
            lock.release()
        return
