"""The one owner of what is known about a workspace in this process: recording, slots, overlay, reports.

`CheckSession.check` says what is broken; `try_edits` says what an edit would change; `commit` makes a tried
edit part of the text that everything after is compared with. Nothing here writes into the user's tree.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from filelock import FileLock

from sleepy_agent.cargo.agreement import disagreeing_packages
from sleepy_agent.cargo.base_check import files_read, is_behind, may_have_read, replay_in_order, with_dependents
from sleepy_agent.cargo.cargo_trials import trial_by_cargo
from sleepy_agent.cargo.clippy import clippy_says
from sleepy_agent.cargo.copied_tree import CargoAnswer, CopiedTree, copy_target
from sleepy_agent.cargo.problems import find_problems
from sleepy_agent.cargo.recorder import (
    NO_RECORDING,
    Recording,
    Tree,
    identity_of,
    load_recording,
    record,
    update_recording,
)
from sleepy_agent.cargo.replay_trials import GoesOn, Ground, go_on, trial_by_replay
from sleepy_agent.cargo.seats import take_seat
from sleepy_agent.cargo.side_by_side import Leader, OnDone, Question, ask_side_by_side, tell_nobody
from sleepy_agent.cargo.slot_pool import SlotPool
from sleepy_agent.cargo.slots import UnitReport, UnitStatus
from sleepy_agent.cargo.texts import SessionTexts
from sleepy_agent.cargo.toolchain import Toolchain, find_toolchain
from sleepy_agent.cargo.trials import Trial, plan_trial, refused_trial, text_changes
from sleepy_agent.cargo.units import Unit
from sleepy_agent.cargo.workspace import LockNeedsUpdate, Workspace, find_workspace_root, read_workspace
from sleepy_agent.cargo.workspace_copy import read_through_copy, workspace_from_copy
from sleepy_agent.code.changes import is_private_change
from sleepy_agent.code.edits import EditConflict, apply_edits, moves_of
from sleepy_agent.config import Places, Settings
from sleepy_agent.domain import Edit, Problem
from sleepy_agent.errors import NoCargoProject, cannot_write
from sleepy_agent.families import FamilyRules, load_family_rules
from sleepy_agent.process import CancelToken

# What the user can mend; any other OSError is a mistake of ours and keeps its traceback.
DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, getattr(errno, "EDQUOT", errno.ENOSPC)})

# How the stage begins that every check has, for those who only want to hear of the others.
ROUTINE_STAGE = "checking"

# A text that is written again and again while it is compiled is not waited for.
MOST_REPLAYS_IN_A_ROW = 3

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
        self.rules = rules
        self._cancel = cancel
        self._progress = progress
        self._folder = folder
        self._open = contextlib.ExitStack()
        self._seat = self._open.enter_context(take_seat(folder))
        self._copy = CopiedTree(self._seat / "copy", workspace)
        self._metadata_folder = self._seat / "metadata"
        self._kept_folder = self._seat / "kept"
        self._texts = SessionTexts()
        self.read = self._texts.read
        self.original = self._texts.original
        self._reports: dict[str, UnitReport] = {}
        self._stale: set[str] = set()
        self._trial_numbers = itertools.count(1)
        self._lock_is_ours = False
        self.recording: Recording
        self._slots: SlotPool

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
                session._texts.update(overlay or {})
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
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, OSError) and error.errno in DISK_TROUBLE:
            raise cannot_write(Path(error.filename or self._folder), error) from error

    def close(self) -> None:
        """Give the folders back to other processes."""
        self._open.close()

    # ---- texts -----------------------------------------------------------------------------------------

    @property
    def overlay(self) -> dict[Path, bytes]:
        """What lies over the disk: unsaved buffers, and what was committed so far."""
        return dict(self._texts.overlay)

    @property
    def changed_texts(self) -> dict[Path, bytes]:
        """What lies over the disk and differs from it."""
        return self._texts.changed

    def is_editable(self, path: Path) -> bool:
        """Whether a file is the user's to edit: in a source root, not generated into a target folder."""
        inside = any(path.is_relative_to(root) for root in self.workspace.source_roots)
        return inside and not path.is_relative_to(self.workspace.target_directory) and path.is_file()

    # ---- what is broken --------------------------------------------------------------------------------

    def check(self) -> tuple[Problem, ...]:
        """Replay every unit whose inputs changed, side by side, and say what is broken."""
        for _ in range(MOST_REPLAYS_IN_A_ROW):
            pending = [unit for unit in self.recording.units if self._is_stale(unit)]
            if not pending:
                break
            self._progress(f"{ROUTINE_STAGE} {len(pending)} target{'s' if len(pending) > 1 else ''}")
            began = time.time_ns()
            replay_in_order(pending, self._reports, self.settings.slot_count, self._replay_base, self._adopt)
            # Whoever saves while rustc runs would else be told of the text before.
            read = files_read(pending, self._reports)
            self._forget_reports_of(self._texts.read_compiled(read, began), ())
        if not self.recording.is_compared:
            self._compare_with_cargo()
        if is_behind(self.recording, self._reports, self.changed_texts):
            self._record_again()
            return self.check()
        return find_problems(self.recording.units, self._reports, self.rules, with_clippy=self.with_clippy)

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

    def _replay_base(self, unit: Unit) -> UnitReport:
        with self._slots.slot() as slot:
            slot.lay(self._texts.overlay)
            slot.forget_metadata()
            report = slot.replay(unit, self._metadata_folder, self._cancel, with_clippy=self.with_clippy)
            if report.metadata is not None:
                kept = self._metadata_folder / unit.metadata_name
                # rustc may hand out again, as a hard link, the very file that a commit moved there.
                kept.unlink(missing_ok=True)
                shutil.copyfile(report.metadata, kept)
                report = replace(report, metadata=kept)
            return report

    def _adopt(self, report: UnitReport) -> None:
        """Take a report as what is known of its unit."""
        if report.metadata is None:
            (self._metadata_folder / self.recording.unit(report.unit_id).metadata_name).unlink(missing_ok=True)
        self._reports[report.unit_id] = report
        self._stale.discard(report.unit_id)

    # ---- what would an edit change ---------------------------------------------------------------------

    def try_many(self, questions: Sequence[Question], on_done: OnDone = tell_nobody) -> list[Trial]:
        """`try_edits` for several sets of edits, side by side; the answers in the order of the questions. `on_done`
        hears each as soon as it is there."""
        alone = len(questions) == 1
        return self._ask_many(questions, lambda number: self.try_edits(*questions[number], alone=alone), on_done)

    def survey_many(self, questions: Sequence[Question], on_done: OnDone = tell_nobody) -> list[Trial]:
        """As `try_many`, but each is asked in the first unit only that reports its problem: what does not survive that
        is out, what does must be tried in full. One at a time is so at once, until one of them is clean."""
        leader = Leader()

        def ask(number: int) -> Trial:
            trial = self.try_edits(*questions[number], goes_on=leader.asks(number))
            leader.ended(number, trial)
            return trial

        return self._ask_many(questions, ask, on_done)

    def _ask_many(self, questions: Sequence[Question], ask: Callable[[int], Trial], on_done: OnDone) -> list[Trial]:
        return ask_side_by_side(ask, len(questions), self.settings.slot_count, on_done)

    def try_edits(
        self, edits: Sequence[Edit], targets: Sequence[Problem], *, goes_on: GoesOn | None = None, alone: bool = True
    ) -> Trial:
        """Compile the workspace's text with `edits` in it, as far as they reach. May be called side by side.

        `goes_on`: where one may say that the first unit is enough. `alone`: nothing else is tried meanwhile, so an
        idle slot may help.
        """
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
        trial = self._try_by_replay(edits, texts, targets, goes_on, alone=alone)
        affected = [self.recording.unit(unit_id) for unit_id in trial.reports]
        if trial.is_clean and any(unit.is_really_compiled for unit in affected):
            # A macro crate or a build script does its work when it runs: only cargo can tell.
            return self._try_with_cargo(edits, texts, targets)
        return trial

    def _try_by_replay(
        self,
        edits: Sequence[Edit],
        texts: Mapping[Path, bytes],
        targets: Sequence[Problem],
        goes_on: GoesOn | None,
        *,
        alone: bool,
    ) -> Trial:
        moves = moves_of(edits, self.read)
        private = all(
            path.suffix == ".rs" and is_private_change(self.read(path), text, text_changes(moves, path))
            for path, text in texts.items()
        )
        plan = plan_trial(self.recording.units, self._reports, texts, targets, is_private=private)
        ground = Ground(self._texts.overlay, self._reports, self._metadata_folder, self._cancel, self.with_clippy)
        with self._slots.slot() as slot:
            self._slots.warm(slot, plan.units, ground)
            kept = self._kept_folder / f"{slot.folder.name}-{next(self._trial_numbers)}"
            # What may end after its first unit needs nobody who compiles another one meanwhile.
            helps = alone and goes_on is None
            with self._slots.slot_if_free() if helps else contextlib.nullcontext() as partner:
                return trial_by_replay(
                    slot, partner, ground, plan, edits, texts, targets, moves, kept, private, goes_on or go_on
                )

    def _try_with_cargo(self, edits: Sequence[Edit], texts: Mapping[Path, bytes], targets: Sequence[Problem]) -> Trial:
        """Ask cargo on the copied tree; compare by package, because cargo merges units."""
        with self._copy_lock():
            self._copy.lay({**self._texts.overlay, **texts})
            answer = self._copy.check(copy_target(self._seat, self._folder), self.settings, self._cancel)
        own_lock = self.workspace.root / "Cargo.lock"
        if answer.lock_file is not None and own_lock.exists() and answer.lock_file != self.read(own_lock):
            texts = {**texts, own_lock: answer.lock_file}
        units = {unit.unit_id: unit for unit in self.recording.units}
        moves = moves_of(edits, self.read)
        return trial_by_cargo(edits, texts, targets, moves, answer, units, self._reports, with_clippy=self.with_clippy)

    @contextlib.contextmanager
    def _copy_lock(self) -> Iterator[None]:
        with FileLock(self._seat / "copy.lock"):
            yield

    def ask_cargo(self) -> CargoAnswer:
        """What cargo itself says of the text as it stands, from scratch: the proof of the whole."""
        return self.run_on_copy(lambda target, _folder: self._copy.check(target, self.settings, self._cancel))

    def run_on_copy(self, work: Callable[[Path, Path], Answer]) -> Answer:
        """Do something in the copy of the final text: `work(target directory, workspace root in the copy)`."""
        with self._copy_lock():
            tree = self._copy.lay(self._texts.overlay)
            return work(copy_target(self._seat, self._folder), tree.cargo_folder)

    def clippy_keys(self, *, changed: bool) -> frozenset[object] | None:
        """What clippy says of the files that were changed, as (lint, message, line); of the text before or
        after. None where clippy is not installed."""
        if not self.toolchain.clippy_driver.exists():
            return None
        files = self.changed_texts.keys()
        units = [unit for unit in self.recording.units if (r := self._reports.get(unit.unit_id)) and r.inputs & files]
        with self._slots.slot() as slot:
            slot.lay(self._texts.overlay if changed else {})
            read = self.read if changed else self.original
            return clippy_says(slot, units, self._metadata_folder, self._cancel, read)

    # ---- taking an edit in -----------------------------------------------------------------------------

    def commit(self, trial: Trial) -> frozenset[str]:
        """Make a clean trial's text the one that everything after is judged on.

        Returns the packages whose problems may have changed by it.
        """
        self._texts.update(trial.texts)
        if trial.method == "cargo":
            self._stale.update(self._reports)
            if trial.texts.keys() & self.recording.inputs.keys():
                self._record_again()
            return frozenset(unit.package for unit in self.recording.units)
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
        below = with_dependents(self.recording.units, replaced | self._stale)
        self._stale |= below - trial.reports.keys()
        return frozenset(self.recording.unit(unit_id).package for unit_id in trial.reports.keys() | self._stale)

    def is_current(self, trial: Trial) -> bool:
        """Whether a trial still speaks of the text as it is: nothing it compiled was changed by a commit since."""
        return not (trial.reports.keys() & self._stale)

    def restore(self, overlay: Mapping[Path, bytes]) -> None:
        """Go back to an earlier overlay; everything that differs is checked anew."""
        self._forget_reports_of(self._texts.lay(overlay), frozenset())

    def change_texts(self, overlay: Mapping[Path, bytes], changed_on_disk: Collection[Path] = ()) -> frozenset[Path]:
        """Other unsaved buffers than before, and files that somebody wrote, made or removed. What differs by it.

        A file that changed on disk is noticed without being named once it was read; one that is new must be named.
        """
        known = {path for report in self._reports.values() for path in report.inputs}
        changed = self._texts.read_disk_again(changed_on_disk)
        structure = {path for path in changed if path.exists() != (path in known)}
        if structure:
            self._slots.synchronise()
        changed |= self._texts.lay(overlay)
        self._forget_reports_of(changed, frozenset(structure))
        return frozenset(changed)

    def work_under(self, cancel: CancelToken) -> None:
        """What is begun from now on ends with this token."""
        self._cancel = cancel

    def warm_slots(self) -> None:
        """Compile the large units once in every slot, so that the first tries find warm state."""
        ground = Ground(self._texts.overlay, self._reports, self._metadata_folder, self._cancel, self.with_clippy)
        self._slots.warm_all(self.recording.units, ground)

    def _forget_reports_of(self, differing: Collection[Path], structure: Collection[Path]) -> None:
        concerns_cargo = {"Cargo.toml", "Cargo.lock", "build.rs"}
        if any(path.name in concerns_cargo or path in self.recording.inputs for path in differing):
            self._record_again()
        touched = {
            unit_id
            for unit_id, report in self._reports.items()
            if may_have_read(self.recording.unit(unit_id), report, differing, structure)
        }
        # Metadata of a crate that changes back makes everything built on it unusable, too.
        self._stale |= with_dependents(self.recording.units, touched)

    # ---- recording -------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        for folder in (self._metadata_folder, self._kept_folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self._record_again()
        self._slots = SlotPool(self._seat, self.workspace, self.toolchain, self.settings)

    def _tree(self) -> Tree:
        """The user's own tree, or our copy where cargo must see something that is not on the user's disk."""
        concerns_cargo = any(
            path.name in {"Cargo.toml", "build.rs"} or path in getattr(self, "recording", NO_RECORDING).inputs
            for path in self.changed_texts
        )
        if concerns_cargo or self._lock_is_ours:
            return self._copy.lay(self._texts.overlay)
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
                copy_target(self._seat, self._folder)
            found = load_recording(folder, tree, identity)
            if found is None:
                self._progress("recording the rustc calls of the workspace")
                found = record(folder, tree, identity, self.settings, self._cancel)
            self.recording = found
        known = {unit.unit_id for unit in found.units}
        self._reports = {unit_id: report for unit_id, report in self._reports.items() if unit_id in known}
        self._stale = set(self._reports)

    def _compare_with_cargo(self) -> None:
        """Once for each recording: find the packages about which replays and cargo disagree. Both must have seen the
        same text, so that this waits while only we see one (unsaved buffers)."""
        with self._copy_lock():
            tree = self._tree()
            if tree.copy_root is None and self.changed_texts:
                return
            self._progress("comparing the replays with cargo")
            untrusted = disagreeing_packages(tree, self.recording, self._reports, self.settings, self._cancel)
            if not self._texts.is_as_on_disk():
                return
            self.recording = replace(self.recording, untrusted_packages=untrusted, is_compared=True)
            update_recording(self._recording_folder(tree), self.recording)

    def _recording_folder(self, tree: Tree) -> Path:
        return self._folder / "recording" if tree.copy_root is None else self._seat / "copy-recording"
