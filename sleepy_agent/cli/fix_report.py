"""The report of a run as one JSON object, described by docs/fix-report.schema.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sleepy_agent.cli.render import relative
from sleepy_agent.domain import Diagnostic, Edit, Fix, Span
from sleepy_agent.fixes.events import FixReport, ProblemReport

SCHEMA_VERSION: Final = 1
"""A field that is added leaves it; one that changes its meaning raises it."""


def report_as_json(report: FixReport, *, wrote: bool, why: bool = False) -> dict[str, Any]:
    """What `sleepy fix --json` prints. `why`: with the order of candidates of each problem."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": report.run_id,
        "root": str(report.root),
        "green": report.green,
        "dry_run": not wrote,
        "problems": [
            _problem_as_json(problem, report.root) | ({"why": _why_as_json(problem)} if why else {})
            for problem in report.problems
        ],
        "blocked": list(report.blocked),
        "written": [relative(path, report.root) for path in report.written_files],
        "proofs": [
            {"proof": proof.proof.value, "passed": proof.passed, "summary": proof.summary} for proof in report.proofs
        ],
        "attempts": report.attempts,
        "seconds": round(report.seconds, 3),
        "stopped_because": report.stopped_because,
    }


def _problem_as_json(report: ProblemReport, root: Path) -> dict[str, Any]:
    problem, fix = report.problem, report.fix
    return {
        "code": problem.code,
        "family": problem.family,
        "signature": problem.signature,
        "package": problem.package,
        "message": problem.message,
        "file": relative(problem.span.file, root) if problem.span else None,
        "range": _range_as_json(problem.span),
        "fixed": fix is not None,
        "gone": report.is_gone,
        "source": fix.candidate.source if fix else None,
        "title": fix.candidate.title if fix else None,
        "flags": list(fix.verdict.flags) if fix else [],
        "unmasked": [_diagnostic_as_json(found, root) for found in fix.verdict.unmasked] if fix else [],
        "ms": round(report.milliseconds, 1),
        "attempts": report.attempts,
        "reason": report.reason,
        "diff": report.diff,
        "alternatives": [_alternative_as_json(other, root) for other in report.alternatives],
    }


def _why_as_json(report: ProblemReport) -> list[dict[str, Any]]:
    return [
        {
            "source": line.candidate.source,
            "template": line.candidate.template,
            "title": line.candidate.title,
            "cost": round(line.cost, 4),
            "parts": [{"says": says, "cost": round(cost, 4)} for says, cost in line.parts],
            "passed": line.verdict.passed if line.verdict else None,
            "reason": line.verdict.reason if line.verdict else None,
            "flags": list(line.verdict.flags) if line.verdict else [],
        }
        for line in report.ranking
    ]


def _alternative_as_json(fix: Fix, root: Path) -> dict[str, Any]:
    return {
        "source": fix.candidate.source,
        "title": fix.candidate.title,
        "preferred": fix.preferred,
        "flags": list(fix.verdict.flags),
        "reason": fix.verdict.reason,
        "edits": [_edit_as_json(edit, root) for edit in fix.candidate.edits],
    }


def _edit_as_json(edit: Edit, root: Path) -> dict[str, Any]:
    return {
        "file": relative(edit.file, root),
        "byte_start": edit.byte_start,
        "byte_end": edit.byte_end,
        "replacement": edit.replacement,
    }


def _range_as_json(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {
        "start": {"line": span.line_start, "column": span.column_start, "byte": span.byte_start},
        "end": {"line": span.line_end, "column": span.column_end, "byte": span.byte_end},
    }


def _diagnostic_as_json(diagnostic: Diagnostic, root: Path) -> dict[str, Any]:
    span = diagnostic.primary_span
    return {
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": relative(span.file, root) if span else None,
        "range": _range_as_json(span),
    }
