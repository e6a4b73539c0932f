"""How problems, fixes and reports look: functions from records to `rich` text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from sleepy_agent.cli.values import counted
from sleepy_agent.domain import Diagnostic, Fix, Problem, Verdict
from sleepy_agent.errors import EXIT_ERRORS_REMAIN, EXIT_GREEN
from sleepy_agent.fixes.events import FixReport, Offer, ProblemReport, ProofMade, RankLine

if TYPE_CHECKING:
    from rich.console import Console

INDENT = "  "
MOST_PROBLEMS_LISTED = 40
LONGEST_DIFF_LINES = 60
MOST_RANKS_LISTED = 8
"""A longer diff is cut on the terminal; --json has all of it."""


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
    """Which source made the fix, and of how many suggestions."""
    steps = fix.candidate.steps
    return f"{fix.candidate.source}, {steps} suggestions combined" if steps > 1 else fix.candidate.source


def proof_line(verdict: Verdict) -> Text:
    """`proof: The error is gone and nothing new is broken (rustc, in 2 targets), 140 ms`."""
    style = "green" if verdict.passed else "red"
    return Text.assemble((f"proof: {verdict.reason.rstrip('.')}", style), (f", {verdict.milliseconds:.0f} ms", "dim"))


def unmasked_lines(unmasked: Iterable[Diagnostic], root: Path) -> list[Text]:
    """Errors that the problem was hiding: always said aloud."""
    lines = []
    for diagnostic in unmasked:
        span = diagnostic.primary_span
        where = f"   {relative(span.file, root)}:{span.line_start}" if span else ""
        code = f"[{diagnostic.code}]" if diagnostic.code else ""
        lines.append(Text(f"uncovers error{code} {diagnostic.message.splitlines()[0]}{where}", style="yellow"))
    return lines


def flag_names(flags: Iterable[str]) -> list[str]:
    """The flags as words."""
    return [flag.replace("_", " ") for flag in flags]


def flags_line(flags: Iterable[str]) -> Text | None:
    """`flags: clone in loop, unwrap`; None where there is nothing to look at."""
    names = flag_names(flags)
    return Text(f"flags: {', '.join(names)}", style="yellow") if names else None


def diff_lines(diff: str, headline_file: str) -> list[Text]:
    """A unified diff in colours, cut where it is long. File names are left out where only the file of the headline
    is touched."""
    styles = {"+++": "bold", "---": "bold", "+": "green", "-": "red", "@": "cyan"}
    lines = diff.splitlines()
    files = [line[4:].strip() for line in lines if line.startswith("+++ ")]
    if len(files) == 1 and files[0].endswith(headline_file):
        lines = [line for line in lines if not line.startswith(("+++ ", "--- "))]
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


def rank_lines(ranking: Sequence[RankLine]) -> list[Text]:
    """All candidates of a problem in their order, each with what its cost is made of and what the compiler said."""
    lines = [Text("the order of candidates, the lowest cost first:", "dim")] if ranking else []
    for place_in_order, line in enumerate(ranking[:MOST_RANKS_LISTED], start=1):
        said, style = "not compiled: what was compiled before it was enough", "dim"
        if line.verdict is not None:
            said, style = line.verdict.reason.rstrip("."), "green" if line.verdict.passed else "red"
        head = (f"{place_in_order}. {line.candidate.title}", ""), (f"   {line.cost:.3f}   ", "bold"), (said, style)
        parts = "; ".join(f"{says} {cost:+.3f}" for says, cost in line.parts)
        lines += [Text.assemble(INDENT, *head), Text(f"{INDENT * 2}{parts}", "dim")]
    if len(ranking) > MOST_RANKS_LISTED:
        lines.append(Text(f"{INDENT}... {len(ranking) - MOST_RANKS_LISTED} more; --json --why has them all", "dim"))
    return lines


def print_offer(console: Console, offer: Offer, root: Path, *, numbered: bool = False, why: bool = False) -> None:
    """One problem with the fix that is proposed for it: title, source, diff, proof, flags. `why`: also how it came
    to stand before the others."""
    fix = offer.fix
    number = f"[{offer.index}/{offer.total}] " if numbered and offer.total > 1 else ""
    title = Text.assemble((number, "dim"), headline(fix.problem, root))
    lines = [Text.assemble((fix.candidate.title, "bold"), (f"   from {origin(fix)}", "dim"))]
    if offer.why:
        lines.append(Text(f"why: {'; '.join(offer.why)}", "dim"))
    file = relative(fix.problem.span.file, root) if fix.problem.span else ""
    lines += diff_lines(offer.diff, file)
    lines.append(proof_line(fix.verdict))
    lines += unmasked_lines(fix.verdict.unmasked, root)
    flags = flags_line(fix.verdict.flags)
    if flags:
        lines.append(flags)
    if offer.alternatives:
        names = "; ".join(other.candidate.title for other in offer.alternatives[:3])
        lines.append(Text(f"also proven: {names}", "dim"))
    if why:
        lines += rank_lines(offer.ranking)
    print_block(console, title, lines)


def print_mended_too(console: Console, fix: Fix, root: Path) -> None:
    """A problem that a change shown before has mended, too."""
    line = Text.assemble("the same change mends it: ", fix.candidate.title, style="dim")
    print_block(console, headline(fix.problem, root), [line, proof_line(fix.verdict)])


@dataclass(frozen=True, slots=True)
class ReportView:
    """What the report depends on beyond what the engine says."""

    wrote: bool
    timed: bool = True
    """Off where most of the time went to a user's thinking."""
    codes: frozenset[str] = frozenset()
    files: tuple[Path, ...] = ()
    """What --code and --file asked for; empty: everything."""
    why: bool = False
    """Whether the order of candidates is shown for what is left."""

    def asked_for(self, problem: Problem) -> bool:
        """Whether the user wanted this problem worked on."""
        in_files = not self.files or (problem.span is not None and problem.span.file.resolve() in self.files)
        return in_files and (not self.codes or problem.code in self.codes)


def print_report(console: Console, report: FixReport, view: ReportView) -> None:
    """The end of a run: how it stands, what is left and why, what was proven, written and recorded."""
    fixed = [problem for problem in report.problems if problem.fix]
    left = [problem for problem in report.problems if not problem.fix and not problem.is_gone]
    console.print(_verdict_line(report, len(fixed), len(left), view))
    if report.stopped_because:
        console.print(Text(f"{INDENT}stopped early: {report.stopped_because.rstrip('.')}", "yellow"))
    wanted = [problem for problem in left if view.asked_for(problem.problem)]
    for problem in wanted[:MOST_PROBLEMS_LISTED]:
        _print_left(console, problem, report.root, why=view.why)
    if len(wanted) > MOST_PROBLEMS_LISTED:
        more = counted(len(wanted) - MOST_PROBLEMS_LISTED, "more problem")
        console.print(Text(f"{INDENT}... {more}; --json lists them all", "dim"))
    if len(wanted) < len(left):
        console.print(Text(f"{INDENT}{counted(len(left) - len(wanted), 'problem')} you did not ask for", "dim"))
    if report.blocked:
        names = ", ".join(report.blocked)
        console.print(Text(f"{INDENT}not checked yet, what they depend on does not compile: {names}", "yellow"))
    for proof in report.proofs:
        console.print(Text.assemble(INDENT, proof_made_line(proof)))
    if report.written_files:
        written = [relative(path, report.root) for path in report.written_files]
        console.print(Text(INDENT + _written_text(written, console.width)))
    elif fixed and not view.wrote:
        console.print(Text(f"{INDENT}nothing was written; `sleepy fix --apply` writes", "dim"))
    if report.attempts:
        undo = ", sleepy undo takes the run back" if report.written_files else ""
        line = f"{INDENT}{counted(report.attempts, 'attempt')} recorded; sleepy log shows them{undo}"
        console.print(Text(line, "dim"))


def _written_text(names: list[str], width: int) -> str:
    """The files on one line where they fit, else each on its own."""
    title = f"wrote {counted(len(names), 'file')}:"
    one_line = f"{title} {', '.join(names)}"
    return one_line if len(one_line) + len(INDENT) <= width else f"\n{INDENT * 2}".join([title, *names])


def proof_made_line(proof: ProofMade) -> Text:
    """`cargo test: 23 passed`."""
    return Text(f"cargo {proof.proof.value}: {proof.summary.rstrip('.')}", "green" if proof.passed else "red")


def _verdict_line(report: FixReport, fixed: int, left: int, view: ReportView) -> Text:
    gone = len(report.problems) - fixed - left
    took = f" in {report.seconds:.1f} s" if view.timed else ""
    would = "" if view.wrote else "would be "
    if report.green and not report.problems:
        return Text(f"All green: no errors found{took}.", "bold green")
    if report.green:
        rest = f", {gone} went with them" if gone else ""
        how = "All green" if view.wrote else "Would be all green"
        text = f"{how}: {counted(fixed, 'problem')} {would}fixed{rest}{took}."
        return Text(text, "bold green")
    total = fixed + left
    if not left:
        return Text(f"Not green yet: {fixed} of {counted(total, 'problem')} {would}fixed{took}.", "bold yellow")
    return Text(
        f"{counted(left, 'problem')} {'remains' if left == 1 else 'remain'}: {fixed} of {total} {would}fixed{took}.",
        "bold yellow",
    )


def _print_left(console: Console, problem: ProblemReport, root: Path, *, why: bool) -> None:
    reason = problem.reason.rstrip(".") or "no fix was found"
    tried = f" ({counted(problem.attempts, 'candidate')} tried)" if problem.attempts else ""
    lines = [Text.assemble(INDENT, (f"{reason}{tried}", "dim"))]
    for other in problem.alternatives[:3]:
        flags = f" ({', '.join(flag_names(other.verdict.flags))})" if other.verdict.flags else ""
        lines.append(Text.assemble(INDENT, ("proven, not taken: ", "dim"), other.candidate.title, (flags, "yellow")))
    if why:
        lines += [Text.assemble(INDENT, line) for line in rank_lines(problem.ranking)]
    print_block(console, Text.assemble(INDENT, headline(problem.problem, root)), lines)


def exit_code_of(report: FixReport) -> int:
    """0 all green, 1 errors remain."""
    return EXIT_GREEN if report.green else EXIT_ERRORS_REMAIN
