"""Read cargo's answer about a set of edits as a trial: by package, because cargo merges units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sleepy_agent.cargo.copied_tree import CargoAnswer
from sleepy_agent.cargo.problems import error_key, judged_diagnostics
from sleepy_agent.cargo.slots import UnitReport, UnitStatus
from sleepy_agent.cargo.trials import Trial, compare_reports, targets_still_there
from sleepy_agent.cargo.units import Unit
from sleepy_agent.code.edits import Moves
from sleepy_agent.domain import Diagnostic, Edit, Problem


def trial_by_cargo(
    edits: Sequence[Edit],
    texts: Mapping[Path, bytes],
    targets: Sequence[Problem],
    moves: Moves,
    answer: CargoAnswer,
    units: Mapping[str, Unit],
    reports: Mapping[str, UnitReport],
    *,
    with_clippy: bool,
) -> Trial:
    """What `answer` says about `edits`, compared with the `reports` of the text before."""
    before: dict[str, list[Diagnostic]] = {}
    # Packages that could not be checked before may show errors now that were there all along.
    judged = set()
    for unit_id, report in reports.items():
        before.setdefault(units[unit_id].package, []).extend(report.diagnostics)
        if report.status in {UnitStatus.GREEN, UnitStatus.RED}:
            judged.add(units[unit_id].package)
    still_there: set[object] = set()
    new_errors: list[Diagnostic] = []
    unmasked: list[Diagnostic] = []
    for package in judged:
        comparison = compare_reports(
            before.get(package, ()),
            answer.diagnostics.get(package, ()),
            moves,
            edits,
            targets,
            with_clippy=with_clippy,
            may_unmask=any(problem.package == package for problem in targets),
        )
        still_there |= targets_still_there(comparison, targets)
        new_errors += comparison.new
        unmasked += comparison.unmasked
    # Cargo must have come to the target's package: else its silence means nothing.
    reached = {problem.package for problem in targets} <= answer.built
    return Trial(
        edits=tuple(edits),
        texts=texts,
        reports={},
        gone=frozenset(error_key(problem.diagnostic) for problem in targets) - still_there,
        new_errors=tuple(dict.fromkeys(new_errors)),
        unmasked=tuple({error_key(error): error for error in unmasked}.values()),
        errors_before=count_judged(before, with_clippy=with_clippy),
        errors_after=count_judged(answer.diagnostics, with_clippy=with_clippy),
        complete=reached,
        dependents_checked=True,
        method="cargo",
        milliseconds=answer.seconds * 1000,
        kept_metadata={},
        refusal=None if reached else f"cargo does not accept it: {first_error_line(answer.stderr)}",
    )


def count_judged(diagnostics: Mapping[str, Sequence[Diagnostic]], *, with_clippy: bool) -> int:
    return sum(len(judged_diagnostics(found, with_clippy=with_clippy)) for found in diagnostics.values())


def first_error_line(stderr: str) -> str:
    """The first line of cargo's own complaint."""
    lines = [line for line in stderr.splitlines() if line.startswith("error")]
    return lines[0].removeprefix("error: ") if lines else "it says nothing more"
