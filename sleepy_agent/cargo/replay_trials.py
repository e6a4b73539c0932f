"""Compile one set of edits in a slot, unit by unit, and read the answer as a trial."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.cargo.overlay import Overlay
from sleepy_agent.cargo.problems import error_key, judged_diagnostics
from sleepy_agent.cargo.slots import Slot, UnitReport, UnitStatus
from sleepy_agent.cargo.trials import Trial, TrialPlan, compare_reports, targets_still_there
from sleepy_agent.code.edits import Moves
from sleepy_agent.domain import Diagnostic, Edit, Problem
from sleepy_agent.process import CancelToken

GoesOn = Callable[[], bool]
"""Whether a trial that went through its first unit is to ask the others, too."""


def go_on() -> bool:
    """A `GoesOn` for a trial in full."""
    return True


@dataclass(frozen=True, slots=True)
class Ground:
    """What a trial stands on: the text before, what is known of it, and the metadata made of it."""

    overlay: Overlay
    reports: Mapping[str, UnitReport]
    metadata_folder: Path
    cancel: CancelToken
    with_clippy: bool


@dataclass(frozen=True, slots=True)
class Ahead:
    """A unit that a second slot compiles while the first one is at another."""

    unit_id: str
    report: Future[UnitReport]


@contextmanager
def replay_ahead(partner: Slot | None, ground: Ground, plan: TrialPlan, overlay: Overlay) -> Iterator[Ahead | None]:
    """Let an idle slot compile one unit of the plan that needs nothing of the others and that they do not need
    (the unit tests of a crate, mostly). What is not wanted any more at the end is ended."""
    planned = {unit.unit_id for unit in plan.units}
    needed = {dependency for unit in plan.units for dependency in unit.depends_on}
    apart = [unit for unit in plan.units[1:] if not planned & set(unit.depends_on) and unit.unit_id not in needed]
    if partner is None or not apart:
        yield None
        return
    cancel = ground.cancel.part()

    def work() -> UnitReport:
        partner.lay(overlay)
        partner.forget_metadata()
        return partner.replay(apart[0], ground.metadata_folder, cancel, with_clippy=ground.with_clippy)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            yield Ahead(apart[0].unit_id, future)
        finally:
            if not future.done():
                cancel.cancel()


def trial_by_replay(
    slot: Slot,
    partner: Slot | None,
    ground: Ground,
    plan: TrialPlan,
    edits: Sequence[Edit],
    texts: Mapping[Path, bytes],
    targets: Sequence[Problem],
    moves: Moves,
    kept_folder: Path,
    is_private: bool,
    goes_on: GoesOn = go_on,
) -> Trial:
    """Replay the units of `plan` with `texts` over the text before, up to the first that speaks against it.
    `partner`: an idle slot that may help, or None. `goes_on` is asked once, where the first unit does not speak
    against it and there are more: where it says no, the trial ends as a screening.

    The metadata of a trial that went through is put into `kept_folder`, for the case that it is committed.
    """
    started = time.perf_counter()
    still_there: set[object] = set()
    new_errors: list[Diagnostic] = []
    unmasked: list[Diagnostic] = []
    reports: dict[str, UnitReport] = {}
    before_count = after_count = 0
    complete = bool(plan.units)
    is_screening = False
    overlay = {**ground.overlay, **texts}
    slot.lay(overlay)
    slot.forget_metadata()
    with replay_ahead(partner, ground, plan, overlay) as ahead:
        for unit in plan.units:
            if any(
                dependency in reports and reports[dependency].status != UnitStatus.GREEN
                for dependency in unit.depends_on
            ):
                own_targets = [problem for problem in targets if unit.unit_id in problem.units]
                # Nobody can tell whether a target is gone where its own unit cannot be compiled.
                still_there |= {error_key(problem.diagnostic) for problem in own_targets}
                complete = complete and not own_targets
                continue
            report = (
                ahead.report.result()
                if ahead is not None and ahead.unit_id == unit.unit_id
                else slot.replay(unit, ground.metadata_folder, ground.cancel, with_clippy=ground.with_clippy)
            )
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
            if len(reports) == 1 and unit is not plan.units[-1] and not goes_on():
                is_screening = True
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
        is_screening=is_screening,
    )


def keep_metadata(folder: Path, reports: Mapping[str, UnitReport]) -> dict[str, Path]:
    """Put the metadata of a clean trial aside."""
    kept = {}
    for unit_id, report in reports.items():
        if report.metadata is not None:
            folder.mkdir(parents=True, exist_ok=True)
            kept[unit_id] = Path(shutil.move(report.metadata, folder / report.metadata.name))
    return kept
