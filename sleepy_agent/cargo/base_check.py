"""Replay many units, side by side, each when all it depends on is done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from sleepy_agent.cargo.recorder import Recording, hash_of
from sleepy_agent.cargo.slots import UnitReport, UnitStatus
from sleepy_agent.cargo.units import Unit


def replay_in_order(
    pending: Sequence[Unit],
    reports: Mapping[str, UnitReport],
    slot_count: int,
    replay: Callable[[Unit], UnitReport],
    adopt: Callable[[UnitReport], None],
) -> None:
    """`replay` every pending unit in as many threads as there are slots; `adopt` takes each report, in the
    calling thread, before anything that depends on its unit begins. `reports`: what is known, adopted included.
    """
    waiting = {unit.unit_id: unit for unit in pending}
    running: dict[Future[UnitReport], Unit] = {}
    with ThreadPoolExecutor(slot_count) as pool:
        while waiting or running:
            unfinished = {*waiting, *(unit.unit_id for unit in running.values())}
            for unit in list(waiting.values()):
                if unfinished & set(unit.depends_on):
                    continue
                del waiting[unit.unit_id]
                if is_blocked(unit, reports):
                    adopt(UnitReport(unit.unit_id, UnitStatus.BLOCKED))
                    continue
                running[pool.submit(replay, unit)] = unit
            if not running:
                continue
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                del running[future]
                adopt(future.result())


def may_have_read(unit: Unit, report: UnitReport, changed: Collection[Path], structure: Collection[Path]) -> bool:
    """Whether a unit must be replayed because of files that changed. `structure`: those of them that came or went.

    What a unit read is only known to the end where it compiled: a syntax error leaves no list, or an old one. And a
    file that comes or goes may be a module that was missed, or is missed now.
    """
    if report.inputs & frozenset(changed):
        return True
    unsure = structure if report.status == UnitStatus.GREEN else changed
    return any(path.is_relative_to(unit.package_folder) for path in unsure)


def files_read(units: Sequence[Unit], reports: Mapping[str, UnitReport]) -> set[Path]:
    """What is known to have been read for these units: their inputs, and where their diagnostics stand."""
    done = [report for unit in units if (report := reports.get(unit.unit_id)) is not None]
    reported = {span.file for report in done for diagnostic in report.diagnostics for span in diagnostic.spans}
    return reported.union(*(report.inputs for report in done))


def is_behind(recording: Recording, reports: Mapping[str, UnitReport], changed: Mapping[Path, bytes]) -> bool:
    """Whether something cargo had to build or run was mended since it was recorded: then more units may be callable."""
    known = recording.inputs
    # Only what such a unit itself read counts: any other text may change without cargo noticing.
    return any(
        report.status == UnitStatus.GREEN
        and any(path in known and known[path] != hash_of(changed[path]) for path in report.inputs & changed.keys())
        for unit in recording.units
        if unit.is_really_compiled and (report := reports.get(unit.unit_id)) is not None
    )


def is_blocked(unit: Unit, reports: Mapping[str, UnitReport]) -> bool:
    """Whether something the unit depends on is known not to compile."""
    return any(
        (report := reports.get(dependency)) is not None and report.status != UnitStatus.GREEN
        for dependency in unit.depends_on
    )


def with_dependents(units: Sequence[Unit], unit_ids: set[str]) -> set[str]:
    """These units and all that depend on them, directly or not. `units`: dependencies first."""
    found = set(unit_ids)
    for unit in units:
        if found & set(unit.depends_on):
            found.add(unit.unit_id)
    return found
