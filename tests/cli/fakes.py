"""A terminal made of strings, and an engine that follows a script: small real stand-ins for the CLI's tests."""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sleepy_agent.cli.command import CORE_COMMANDS
from sleepy_agent.cli.main import make_parser
from sleepy_agent.cli.terminal import Terminal
from sleepy_agent.config import Places, Settings
from sleepy_agent.domain import Applicability, Candidate, Diagnostic, Edit, Fix, Level, Problem, Span, Verdict
from sleepy_agent.fixes.engine import FixOptions
from sleepy_agent.fixes.events import (
    AttemptMade,
    Decide,
    Decision,
    Emit,
    FixAccepted,
    FixReport,
    Offer,
    ProblemLeft,
    ProblemReport,
    ProblemsFound,
    RankLine,
    StageStarted,
)
from sleepy_agent.process import CancelToken


class Stream(io.StringIO):
    """Text in memory that says whether it is a terminal."""

    def __init__(self, text: str = "", *, terminal: bool = False) -> None:
        super().__init__(text)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@dataclass(frozen=True)
class FakeTerminal:
    """The streams a command gets, and what it wrote to them."""

    input: Stream
    output: Stream
    errors: Stream
    environment: Mapping[str, str]

    @property
    def as_terminal(self) -> Terminal:
        return Terminal(self.input, self.output, self.errors, self.environment)


def make_terminal(
    answers: str = "", *, interactive: bool = False, colours: bool = False, environment: Mapping[str, str] | None = None
) -> FakeTerminal:
    """`answers`: what the user types. `colours`: the output is a terminal, too."""
    kept = {name: os.environ[name] for name in ("SLEEPY_HOME", "SLEEPY_SHIPPED_MODEL")}
    base = kept | {"TERM": "xterm-256color", "COLUMNS": "120"}
    return FakeTerminal(
        input=Stream(answers, terminal=interactive),
        output=Stream(terminal=colours),
        errors=Stream(),
        environment=base | dict(environment or {}),
    )


def parse(*words: str) -> argparse.Namespace:
    """The arguments of one command line."""
    return make_parser(words[0], CORE_COMMANDS).parse_args(words)


def make_problem(
    root: Path, *, code: str | None = "E0382", file: str = "src/lib.rs", message: str = "borrow of moved value: `x`"
) -> Problem:
    """A problem at line 12, column 5 of `file`."""
    span = Span(root / file, 100, 101, 12, 5, 12, 6)
    diagnostic = Diagnostic(Level.ERROR, code, message, (span,))
    return Problem(diagnostic, "shop", ("shop-lib",), "borrow_checker", "0123456789abcdef")


def make_fix(
    problem: Problem,
    *,
    preferred: bool = True,
    flags: tuple[str, ...] = (),
    title: str = "clone it",
    unmasked: tuple[Diagnostic, ...] = (),
) -> Fix:
    """A fix the compiler accepted."""
    assert problem.span
    candidate = Candidate(
        "compiler",
        title,
        (Edit(problem.span.file, 101, 101, ".clone()"),),
        applicability=Applicability.MAYBE_INCORRECT,
    )
    verdict = Verdict(
        True, "target gone, nothing new", True, flags=flags, unmasked=unmasked, errors_before=1, milliseconds=140.0
    )
    return Fix(problem, candidate, verdict, preferred)


def make_ranking(fix: Fix) -> tuple[RankLine, ...]:
    """The fix in front of two others: one that failed, one that was not compiled."""
    failed = Verdict(False, "The error is still there.", False)
    other = Candidate("template", "borrow it", (), template="borrow_argument")
    return (
        RankLine(fix.candidate, 0.35, (("rustc is sure", 0.1), ("copies the value", 0.25)), fix.verdict),
        RankLine(other, 0.4, (("borrow_argument", 0.4),), failed),
        RankLine(Candidate("compiler", "rewrite it", ()), 1.5, (("a wild guess", 1.5),), None),
    )


DIFF = "--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -12 +12 @@\n-    take(x);\n+    take(x.clone());\n"


@dataclass
class ScriptedEngine:
    """Offers `fixes` one after another and reports what was decided. `before_offers` may do anything."""

    fixes: tuple[Fix, ...]
    unfixable: tuple[Problem, ...] = ()
    before_offers: Callable[[CancelToken], None] = lambda _cancel: None
    asked_for: FixOptions | None = None
    decisions: list[Decision] = field(default_factory=list)

    def __call__(
        self,
        path: Path,
        options: FixOptions,
        *,
        places: Places,
        settings: Settings,
        decide: Decide,
        emit: Emit,
        cancel: CancelToken,
    ) -> FixReport:
        self.asked_for = options
        emit(StageStarted("recording rustc calls"))
        problems = tuple(fix.problem for fix in self.fixes) + self.unfixable
        emit(ProblemsFound(problems, ()))
        self.before_offers(cancel)
        reports = []
        for index, fix in enumerate(self.fixes, start=1):
            emit(AttemptMade(fix.problem, fix.candidate, fix.verdict))
            decision = decide(Offer(fix, DIFF, ("it is the only one",), (), index, len(self.fixes), make_ranking(fix)))
            self.decisions.append(decision)
            taken = decision is Decision.YES
            emit(FixAccepted(fix) if taken else ProblemLeft(fix.problem, "you said no", (fix,)))
            reports.append(
                ProblemReport(
                    fix.problem,
                    fix if taken else None,
                    () if taken else (fix,),
                    1,
                    140.0,
                    "",
                    DIFF,
                    make_ranking(fix),
                )
            )
            if decision is Decision.QUIT:
                break
        reports += [ProblemReport(problem, None, (), 3, 80.0, "no candidate passed") for problem in self.unfixable]
        green = all(report.fix for report in reports)
        written = (path / "src/lib.rs",) if options.write and any(report.fix for report in reports) else ()
        return FixReport("a" * 32, path, tuple(reports), green, (), written, (), 1.25, None, 12)
