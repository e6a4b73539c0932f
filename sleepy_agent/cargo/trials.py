"""A *trial* is one compile of one set of edits. Here is what to compile and how to read it; the session runs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sleepy_agent.cargo.problems import ErrorKey, error_key, judged_diagnostics
from sleepy_agent.cargo.slots import UnitReport, UnitStatus
from sleepy_agent.cargo.units import Unit
from sleepy_agent.cargo.verdict import Comparison, compare_errors, phase_of
from sleepy_agent.code.edits import Moves
from sleepy_agent.code.losses import TextChange
from sleepy_agent.domain import Diagnostic, Edit, Problem


@dataclass(frozen=True, slots=True)
class Trial:
    """What one compile of a set of edits showed.

    `complete`: everything that had to be compiled was; else it stopped at the first unit that spoke against.
    `texts`: the new text of every edited file (also of Cargo.lock where cargo had to extend it).
    """

    edits: tuple[Edit, ...]
    texts: Mapping[Path, bytes]
    reports: Mapping[str, UnitReport]
    gone: frozenset[ErrorKey]
    """Keys of the targets that no compiled unit reports any more."""
    new_errors: tuple[Diagnostic, ...]
    unmasked: tuple[Diagnostic, ...]
    errors_before: int
    errors_after: int
    complete: bool
    dependents_checked: bool
    method: str
    milliseconds: float
    kept_metadata: Mapping[str, Path]
    is_screening: bool = False
    """Whether only the first unit was asked: enough to turn an edit down, not to accept it."""
    refusal: str | None = None
    """Why nothing was compiled (overlapping edits, a file that is not the user's), else None."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing speaks against the edits in any unit that had to be asked."""
        return self.survives and not self.is_screening

    @property
    def survives(self) -> bool:
        """Whether nothing speaks against the edits in the units that were asked."""
        return self.complete and not self.new_errors and self.refusal is None


def refused_trial(edits: Sequence[Edit], reason: str) -> Trial:
    """A trial that ended before the compiler was asked."""
    return Trial(
        edits=tuple(edits),
        texts={},
        reports={},
        gone=frozenset(),
        new_errors=(),
        unmasked=(),
        errors_before=0,
        errors_after=0,
        complete=False,
        dependents_checked=False,
        method="text",
        milliseconds=0.0,
        kept_metadata={},
        refusal=reason,
    )


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """Which units a set of edits must be compiled in, in order, and whether that includes all dependents."""

    units: tuple[Unit, ...]
    dependents_included: bool


def plan_trial(
    units: Sequence[Unit],
    reports: Mapping[str, UnitReport],
    changed: Iterable[Path],
    targets: Sequence[Problem],
    *,
    is_private: bool,
) -> TrialPlan:
    """Units that read a changed file; those that report a target; and, where others can notice the change,
    all that depend on them and could be checked before. Dependencies come first."""
    changed = set(changed)
    affected = {
        unit.unit_id for unit in units if (report := reports.get(unit.unit_id)) is not None and report.inputs & changed
    }
    wanted = {unit_id for problem in targets for unit_id in problem.units}
    private = is_private and wanted <= affected
    chosen = affected | wanted
    dependents_included = True
    if not private:
        for unit in units:
            if unit.unit_id in chosen or not chosen & set(unit.depends_on):
                continue
            report = reports.get(unit.unit_id)
            if report is None or report.status == UnitStatus.BLOCKED:
                # Nobody knows its errors from before, so they can speak neither for nor against.
                dependents_included = False
            else:
                chosen.add(unit.unit_id)
    return TrialPlan(tuple(unit for unit in units if unit.unit_id in chosen), dependents_included)


def compare_reports(
    before: Sequence[Diagnostic],
    after: Sequence[Diagnostic],
    moves: Moves,
    edits: Sequence[Edit],
    targets: Sequence[Problem],
    *,
    with_clippy: bool,
    may_unmask: bool,
) -> Comparison:
    """The errors of one unit (or package) before and after, as verdict.py compares them.

    `may_unmask`: whether a target stood in this unit; in any other it can have hidden nothing.
    """
    comparison = compare_errors(
        judged_diagnostics(before, with_clippy=with_clippy),
        judged_diagnostics(after, with_clippy=with_clippy),
        moves,
        edits,
        min((phase_of(problem.diagnostic) for problem in targets), default=0),
    )
    if may_unmask or not comparison.unmasked:
        return comparison
    return replace(comparison, new=(*comparison.new, *comparison.unmasked), unmasked=())


def targets_still_there(comparison: Comparison, targets: Sequence[Problem]) -> set[ErrorKey]:
    """Keys of targets that the compiler still reports."""
    remaining = {error_key(diagnostic) for diagnostic in comparison.remaining}
    return {key for problem in targets if (key := error_key(problem.diagnostic)) in remaining}


def text_changes(moves: Moves, path: Path) -> list[TextChange]:
    """The stretches of one file that a set of edits replaces, before and after."""
    changes = []
    shift = 0
    for start, end, length in moves.changes.get(path, ()):
        changes.append(TextChange(start, end, start + shift, start + shift + length))
        shift += length - (end - start)
    return changes
