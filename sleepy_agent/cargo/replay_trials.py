"""Compile one set of edits in a slot, unit by unit, and read the answer as a trial."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.cargo.overlay import Overlay
from sleepy_agent.cargo.problems import error_key, judged_diagnostics
from sleepy_agent.cargo.slots import Slot, UnitReport, UnitStatus
from sleepy_agent.cargo.trials import Trial, TrialPlan, compare_reports, targets_still_there
from sleepy_agent.code.edits import Moves
from sleepy_agent.domain import Diagnostic, Edit, Problem
from sleepy_agent.process import CancelToken


@dataclass(frozen=True, slots=True)
class Ground:
    """What a trial stands on: the text before, what is known of it, and the metadata made of it."""

    overlay: Overlay
    reports: Mapping[str, UnitReport]
    metadata_folder: Path
    cancel: CancelToken
    with_clippy: bool


def trial_by_replay(
    slot: Slot,
    ground: Ground,
    plan: TrialPlan,
    edits: Sequence[Edit],
    texts: Mapping[Path, bytes],
    targets: Sequence[Problem],
    moves: Moves,
    kept_folder: Path,
    *,
    is_private: bool,
) -> Trial:
    """Replay the units of `plan` with `texts` over the text before, up to the first that speaks against it.

    The metadata of a trial that went through is put into `kept_folder`, for the case that it is committed.
    """
    started = time.perf_counter()
    still_there: set[object] = set()
    new_errors: list[Diagnostic] = []
    unmasked: list[Diagnostic] = []
    reports: dict[str, UnitReport] = {}
    before_count = after_count = 0
    complete = bool(plan.units)
    slot.lay({**ground.overlay, **texts})
    slot.forget_metadata()
    for unit in plan.units:
        if any(
            dependency in reports and reports[dependency].status != UnitStatus.GREEN for dependency in unit.depends_on
        ):
            own_targets = [problem for problem in targets if unit.unit_id in problem.units]
            # Nobody can tell whether a target is gone where its own unit cannot be compiled.
            still_there |= {error_key(problem.diagnostic) for problem in own_targets}
            complete = complete and not own_targets
            continue
        report = slot.replay(unit, ground.metadata_folder, ground.cancel, with_clippy=ground.with_clippy)
        reports[unit.unit_id] = report
        before = ground.reports.get(unit.unit_id) or UnitReport(unit.unit_id, UnitStatus.BLOCKED)
        comparison = compare_reports(
            before.diagnostics,
            report.diagnostics,
            moves,
            edits,
            targets,
            with_clippy=ground.with_clippy,
            may_unmask=any(unit.unit_id in problem.units for problem in targets),
        )
        before_count += len(judged_diagnostics(before.diagnostics, with_clippy=ground.with_clippy))
        after_count += len(judged_diagnostics(report.diagnostics, with_clippy=ground.with_clippy))
        still_there |= targets_still_there(comparison, targets)
        new_errors += comparison.new
        unmasked += comparison.unmasked
        passed_by = bool(report.foreign_inputs & texts.keys())
        if comparison.new or still_there or report.status == UnitStatus.CRASHED or passed_by:
            complete = False
            break
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
        dependents_checked=is_private or plan.dependents_included,
        method="replay",
        milliseconds=(time.perf_counter() - started) * 1000,
        kept_metadata=keep_metadata(kept_folder, reports) if complete else {},
    )


def keep_metadata(folder: Path, reports: Mapping[str, UnitReport]) -> dict[str, Path]:
    """Put the metadata of a clean trial aside."""
    kept = {}
    for unit_id, report in reports.items():
        if report.metadata is not None:
            folder.mkdir(parents=True, exist_ok=True)
            kept[unit_id] = Path(shutil.move(report.metadata, folder / report.metadata.name))
    return kept
