"""How problems, fixes and reports look: functions from records to `rich` text."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from sleepy_agent.cli.values import counted
from sleepy_agent.domain import Applicability, Diagnostic, Fix, Problem, Verdict
from sleepy_agent.errors import EXIT_ERRORS_REMAIN, EXIT_GREEN
from sleepy_agent.fixes.events import FixReport, Offer, ProblemReport, ProofMade

if TYPE_CHECKING:
    from rich.console import Console

INDENT = "  "
LONGEST_DIFF_LINES = 60
"""A longer diff is cut on the terminal; --json has all of it."""
JUDGES = {"replay": "rustc", "cargo": "cargo check"}


def relative(path: Path, root: Path) -> str:
    """`path` below `root` as one writes it, with forward slashes; elsewhere as it is."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def place(problem: Problem, root: Path) -> str:
    """`src/lib.rs:12:5`, or the package where the compiler names no file."""
    span = problem.span
    if span is None:
        return f"package {problem.package}"
    return f"{relative(span.file, root)}:{span.line_start}:{span.column_start}"


def headline(problem: Problem, root: Path) -> Text:
    """`error[E0382]: borrow of moved value: x   src/lib.rs:12:5   borrow_checker`."""
    code = f"[{problem.code}]" if problem.code else ""
    first_line = problem.message.splitlines()[0] if problem.message else ""
    return Text.assemble(
        (f"{'error' if problem.diagnostic.level != 'warning' else 'warning'}{code}", "bold red"),
        (f" {first_line}", "bold"),
        "   ",
        (place(problem, root), "cyan"),
        "   ",
        (problem.family, "dim"),
    )


def origin(fix: Fix) -> str:
    """Which source made the fix, and how sure that source was."""
    notes = {
        Applicability.MAYBE_INCORRECT: "rustc is not sure of it",
        Applicability.HAS_PLACEHOLDERS: "with placeholders",
        Applicability.UNSPECIFIED: "rustc does not say how sure it is",
    }
    said = [notes[fix.candidate.applicability]] if fix.candidate.applicability in notes else []
    if fix.candidate.steps > 1:
        said.append(f"{fix.candidate.steps} suggestions combined")
    return f"{fix.candidate.source} ({', '.join(said)})" if said else fix.candidate.source


def proof_line(verdict: Verdict, targets: int) -> Text:
    """`rustc: target gone, nothing new (3 targets, 140 ms)`."""
    judge = JUDGES.get(verdict.method, verdict.method)
    reason = verdict.reason.rstrip(".")
    figures = f"{counted(targets, 'target')}, {verdict.milliseconds:.0f} ms"
    text = Text.assemble((f"{judge}: {reason} ", "green" if verdict.passed else "red"), (f"({figures})", "dim"))
    if not verdict.dependents_checked:
        text.append(" the crates that use this one were not rebuilt", style="yellow")
    return text


def unmasked_lines(unmasked: Iterable[Diagnostic], root: Path) -> list[Text]:
    """Errors that the problem was hiding: always said aloud."""
    lines = []
    for diagnostic in unmasked:
        span = diagnostic.primary_span
        where = f"   {relative(span.file, root)}:{span.line_start}" if span else ""
        code = f"[{diagnostic.code}]" if diagnostic.code else ""
        lines.append(Text(f"uncovers error{code} {diagnostic.message.splitlines()[0]}{where}", style="yellow"))
    return lines


def flags_line(flags: Iterable[str]) -> Text | None:
    """`flags: clone in loop, unwrap`; None where there is nothing to look at."""
    names = [flag.replace("_", " ") for flag in flags]
    return Text(f"flags: {', '.join(names)}", style="yellow") if names else None


def diff_lines(diff: str) -> list[Text]:
    """A unified diff in colours, cut where it is long. The two header lines are left out: the headline has the place
    where only one file is touched."""
    styles = {"+++": "bold", "---": "bold", "+": "green", "-": "red", "@": "cyan"}
    lines = diff.splitlines()
    if sum(line.startswith("+++ ") for line in lines) == 1:
        lines = [line for line in lines if not line.startswith(("+++ ", "--- ", "diff "))]
    shown = [
        Text(line, style=next((style for start, style in styles.items() if line.startswith(start)), ""))
        for line in lines[:LONGEST_DIFF_LINES]
    ]
    if len(lines) > LONGEST_DIFF_LINES:
        shown.append(Text(f"... {counted(len(lines) - LONGEST_DIFF_LINES, 'more line')}; --json has all of it", "dim"))
    return shown


def print_block(console: Console, title: Text, lines: Iterable[Text]) -> None:
    """A headline, what belongs to it indented, and an empty line."""
    console.print(title)
    for line in lines:
        console.print(Text.assemble(INDENT, line))


def print_offer(console: Console, offer: Offer, root: Path) -> None:
    """One problem with the fix that is proposed for it: title, source, diff, proof, flags."""
    fix = offer.fix
    number = f"[{offer.index}/{offer.total}] " if offer.total > 1 else ""
    title = Text.assemble((number, "dim"), headline(fix.problem, root))
    lines = [Text.assemble((fix.candidate.title, "bold"), ("   from ", "dim"), (origin(fix), "dim"))]
    if offer.why:
        lines.append(Text(f"why: {'; '.join(offer.why)}", style="dim"))
    lines += diff_lines(offer.diff)
    lines.append(proof_line(fix.verdict, len(fix.problem.units)))
    lines += unmasked_lines(fix.verdict.unmasked, root)
    flags = flags_line(fix.verdict.flags)
    if flags:
        lines.append(flags)
    if offer.alternatives:
        names = "; ".join(other.candidate.title for other in offer.alternatives[:3])
        lines.append(Text(f"also proven: {names}", style="dim"))
    print_block(console, title, lines)


def print_report(console: Console, report: FixReport, *, wrote: bool) -> None:
    """The end of a run: how it stands, what is left and why, what was proven, written and recorded."""
    fixed = [problem for problem in report.problems if problem.fix]
    left = [problem for problem in report.problems if not problem.fix]
    console.print(_verdict_line(report, len(fixed), len(left), wrote=wrote))
    for problem in left:
        _print_left(console, problem, report.root)
    if report.blocked:
        names = ", ".join(report.blocked)
        console.print(Text(f"{INDENT}not checked yet, what they depend on does not compile: {names}", "yellow"))
    for proof in report.proofs:
        console.print(Text.assemble(INDENT, proof_made_line(proof)))
    if report.stopped_because:
        console.print(Text(f"{INDENT}stopped early: {report.stopped_because.rstrip('.')}", "yellow"))
    files = ", ".join(relative(path, report.root) for path in report.written_files)
    if files:
        console.print(Text(f"{INDENT}wrote {files}"))
    elif fixed and not wrote:
        console.print(Text(f"{INDENT}nothing was written; `sleepy fix --apply` writes", "dim"))
    if report.attempts:
        undo = ", sleepy undo takes the run back" if report.written_files else ""
        line = f"{INDENT}{counted(report.attempts, 'attempt')} recorded; sleepy log shows them{undo}"
        console.print(Text(line, "dim"))


def proof_made_line(proof: ProofMade) -> Text:
    """`cargo test: 23 passed`."""
    return Text(f"cargo {proof.proof.value}: {proof.summary.rstrip('.')}", "green" if proof.passed else "red")


def _verdict_line(report: FixReport, fixed: int, left: int, *, wrote: bool) -> Text:
    took = f" in {report.seconds:.1f} s"
    would = "" if wrote else "would be "
    if report.green and not report.problems:
        return Text(f"All green: no errors found{took}.", "bold green")
    if report.green:
        rest = f", {left} went with them" if left else ""
        text = (
            f"{'All green' if wrote else 'Would be all green'}: {counted(fixed, 'problem')} {would}fixed{rest}{took}."
        )
        return Text(text, "bold green")
    total = fixed + left
    if not left:
        return Text(f"Not green yet: {fixed} of {counted(total, 'problem')} {would}fixed{took}.", "bold yellow")
    return Text(
        f"{counted(left, 'problem')} {'remains' if left == 1 else 'remain'}: {fixed} of {total} {would}fixed{took}.",
        "bold yellow",
    )


def _print_left(console: Console, problem: ProblemReport, root: Path) -> None:
    reason = problem.reason.rstrip(".") or "no fix was found"
    tried = f" ({counted(problem.attempts, 'candidate')} tried)" if problem.attempts else ""
    lines = [Text.assemble(INDENT, (f"{reason}{tried}", "dim"))]
    lines += [
        Text.assemble(INDENT, ("proven, not taken: ", "dim"), other.candidate.title)
        for other in problem.alternatives[:3]
    ]
    print_block(console, Text.assemble(INDENT, headline(problem.problem, root)), lines)


def exit_code_of(report: FixReport) -> int:
    """0 all green, 1 errors remain."""
    return EXIT_GREEN if report.green else EXIT_ERRORS_REMAIN
