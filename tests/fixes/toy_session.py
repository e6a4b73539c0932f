"""A session without rustc: a compiler of a dozen lines judges the texts, so that a test sees every compile.

In its language every word that begins with `bad_`, `wrong_` or `missing_` is an error of its own kind, unless the
file has `import_` with the same ending; and so is `right` in a file that has `left`. A word `unused_` is warned of once
there are no errors. What the compiler suggests for a word comes from the test.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from sleepy_agent.cargo.problems import error_key
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.side_by_side import OnDone, Question, tell_nobody
from sleepy_agent.cargo.slots import UnitReport, UnitStatus
from sleepy_agent.cargo.trials import Trial, refused_trial, targets_still_there
from sleepy_agent.cargo.verdict import compare_errors
from sleepy_agent.cargo.workspace import Workspace
from sleepy_agent.code.edits import EditConflict, apply_edits, moves_of
from sleepy_agent.config import Settings
from sleepy_agent.domain import Applicability, Candidate, Diagnostic, Edit, Level, Problem, Span, Suggestion, Verdict
from sleepy_agent.families import FamilyRules, load_family_rules
from sleepy_agent.fixes.search import Search
from sleepy_agent.fixes.sources import Source, SourceContext

ROOT = Path("/toy")
MESSAGES = {
    "bad": "cannot find value `{}` in this scope",
    "wrong": "mismatched types: `{}`",
    "missing": "no method named `{}`",
}
CODES = {"bad": "E0425", "wrong": "E0308", "missing": "E0599"}
FILE = ROOT / "src/lib.rs"


@dataclass(frozen=True)
class Hint:
    """What the compiler suggests for a word: other words. Several replacements are alternatives."""

    message: str
    replacements: tuple[str, ...]


Hints = dict[str, tuple[Hint, ...]]
HintsOf = Mapping[str, tuple[Hint, ...]]


def hint(*replacements: str, message: str = "a similar name exists") -> Hint:
    return Hint(message, replacements)


def compile_toy(path: Path, text: bytes, hints: HintsOf) -> list[Diagnostic]:
    """All errors of one file."""
    words = list(re.finditer(rb"\b\w+\b", text))
    has_left = any(word.group() == b"left" for word in words)
    imported = {word.group()[7:] for word in words if word.group().startswith(b"import_")}
    found = []
    for word in words:
        name = word.group().decode()
        kind, has_kind, ending = name.partition("_")
        if has_kind and kind in MESSAGES and ending.encode() not in imported:
            message, code = MESSAGES[kind].format(name), CODES[kind]
        elif name == "right" and has_left:
            message, code = "`right` cannot stand beside `left`", "E0425"
        else:
            continue
        start, end = word.span()
        line = text.count(b"\n", 0, start) + 1
        suggestions = tuple(
            Suggestion(
                one.message,
                Applicability.MAYBE_INCORRECT,
                (Edit(path, start, end, replacement),),
                is_one_of_several=len(one.replacements) > 1,
            )
            for one in hints.get(name, ())
            for replacement in one.replacements
        )
        span = Span(path, start, end, line, 1, line, 1 + end - start, text=name)
        line_start, line_end = text.rfind(b"\n", 0, start) + 1, text.find(b"\n", end)
        around = text[line_start:line_end].decode()
        beside = Span(path, line_start, line_end, line, 1, line, 1 + len(around), is_primary=False, text=around)
        found.append(Diagnostic(Level.ERROR, code, message, (span, beside), suggestions=suggestions))
    return found or [warning_of(path, word, text) for word in words if word.group().startswith(b"unused_")]


def warning_of(path: Path, word: re.Match[bytes], text: bytes) -> Diagnostic:
    """What a compiler says of a name that nothing uses."""
    line = text.count(b"\n", 0, word.start()) + 1
    span = Span(path, *word.span(), line, 1, line, 1 + len(word.group()))
    return Diagnostic(Level.WARNING, "unused_variables", f"unused variable: `{word.group().decode()}`", (span,))


@dataclass
class ToySession:
    """Answers as `CheckSession` does, and remembers what it was asked to compile."""

    texts: dict[Path, bytes]
    hints: HintsOf
    settings: Settings = field(default_factory=lambda: Settings(slots=2))
    tried: list[dict[Path, str]] = field(default_factory=list)
    """The new text of each compile, in order."""
    batches: list[int] = field(default_factory=list)
    before_try: Callable[[], None] = lambda: None
    milliseconds: float = 1.0
    """What a compile takes, as it says."""
    blocked: tuple[str, ...] = ()
    workspace: Workspace = field(default_factory=lambda: Workspace(ROOT, ROOT / "target", (), frozenset()))
    recording: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(units=("toy",)))
    overlay_texts: dict[Path, bytes] = field(default_factory=dict)
    rules: FamilyRules = field(default_factory=load_family_rules)

    @property
    def as_session(self) -> CheckSession:
        return cast("CheckSession", self)

    def read(self, path: Path) -> bytes:
        return self.overlay_texts.get(path, self.texts.get(path, b""))

    def original(self, path: Path) -> bytes:
        return self.texts.get(path, b"")

    @property
    def overlay(self) -> dict[Path, bytes]:
        return dict(self.overlay_texts)

    @property
    def changed_texts(self) -> dict[Path, bytes]:
        return {path: text for path, text in self.overlay_texts.items() if text != self.original(path)}

    def restore(self, overlay: Mapping[Path, bytes]) -> None:
        self.overlay_texts = dict(overlay)

    def is_editable(self, path: Path) -> bool:
        return path in self.texts

    def reports(self) -> dict[str, UnitReport]:
        return {"toy": UnitReport("toy", UnitStatus.RED, tuple(self.diagnostics(self.read)))}

    def blocked_packages(self) -> tuple[str, ...]:
        return self.blocked

    def diagnostics(self, read: Callable[[Path], bytes]) -> list[Diagnostic]:
        return [error for path in self.texts for error in compile_toy(path, read(path), self.hints)]

    def check(self) -> tuple[Problem, ...]:
        return tuple(
            Problem(diagnostic, "toy", ("toy",), "missing_items", "signature")
            for diagnostic in self.diagnostics(self.read)
            if diagnostic.level == Level.ERROR
        )

    def survey_many(self, questions: Sequence[Question], on_done: OnDone = tell_nobody) -> list[Trial]:
        """The toy has one unit, so that the first answer is the whole answer."""
        return self.try_many(questions, on_done)

    def try_many(self, questions: Sequence[Question], on_done: OnDone = tell_nobody) -> list[Trial]:
        self.batches.append(len(questions))
        trials = []
        for number, question in enumerate(questions):
            trials.append(self.try_edits(*question))
            on_done(number, trials[-1])
        return trials

    def try_edits(self, edits: Sequence[Edit], targets: Sequence[Problem]) -> Trial:
        self.before_try()
        texts = apply_edits(edits, self.read)
        if isinstance(texts, EditConflict):
            return refused_trial(edits, texts.reason)
        self.tried.append({path: text.decode() for path, text in texts.items()})
        before = [one for one in self.diagnostics(self.read) if one.level == Level.ERROR]
        said = self.diagnostics(lambda path: texts[path] if path in texts else self.read(path))
        after = [one for one in said if one.level == Level.ERROR]
        comparison = compare_errors(before, after, moves_of(edits, self.read), edits, 0)
        keys = {error_key(problem.diagnostic) for problem in targets}
        return Trial(
            edits=tuple(edits),
            texts=texts,
            reports={"toy": UnitReport("toy", UnitStatus.RED if after else UnitStatus.GREEN, tuple(said))},
            gone=frozenset(keys - targets_still_there(comparison, targets)),
            new_errors=(*comparison.new, *comparison.unmasked),
            unmasked=(),
            errors_before=len(before),
            errors_after=len(after),
            complete=True,
            dependents_checked=True,
            method="replay",
            milliseconds=self.milliseconds,
            kept_metadata={},
        )

    def commit(self, trial: Trial) -> frozenset[str]:
        self.overlay_texts.update(trial.texts)
        return frozenset({"toy"})

    def is_current(self, _trial: Trial) -> bool:
        return True


def toy(text: str, hints: HintsOf | None = None) -> ToySession:
    """A session on one file."""
    return ToySession({FILE: text.encode()}, hints or {})


def body(*words: str) -> str:
    """A function with one word a line."""
    return "fn f() {\n" + "".join(f"    g({word});\n\n\n\n\n\n\n\n" for word in words) + "}\n"


@dataclass(frozen=True)
class Answer:
    """What the scripted source proposes for a word. `also`: words elsewhere that the same edit replaces."""

    replacement: str
    cost: float = 0.1
    keeps_behaviour: bool = False
    question: str | None = None
    title: str = ""
    also: Mapping[str, str] = field(default_factory=dict)
    at_start: str = ""
    """What the edit puts at the beginning of the file instead of replacing the word."""


@dataclass(frozen=True)
class ScriptedSource:
    """A source that says for each word what the test says."""

    answers: Mapping[str, Sequence[Answer]]
    name: str = "scripted"

    def candidates(self, problem: Problem, context: SourceContext) -> Iterator[Candidate]:
        span = problem.span
        assert span is not None
        text = context.read(span.file)
        # The span is only where it says where the source is given the text that the problem was found in.
        assert text[span.byte_start : span.byte_end].decode() == span.text
        for answer in self.answers.get(span.text, ()):
            edits = [Edit(span.file, span.byte_start, span.byte_end, answer.replacement)]
            if answer.at_start:
                edits = [Edit(span.file, 0, 0, answer.at_start)]
            for word, replacement in answer.also.items():
                edits += [
                    Edit(span.file, match.start(), match.end(), replacement)
                    for match in re.finditer(rb"\b" + word.encode() + rb"\b", text)
                    if match.start() != span.byte_start
                ]
            yield Candidate(
                self.name,
                answer.title or f"write {answer.replacement}",
                tuple(sorted(edits, key=lambda edit: edit.byte_start)),
                answer.cost,
                keeps_behaviour=answer.keeps_behaviour,
                question=answer.question,
            )


Reported = list[tuple[Problem, Candidate, Verdict]]


def search_with(
    session: ToySession, *sources: Source, may_go_on: Callable[[], bool] = lambda: True
) -> tuple[Search, Reported, tuple[Problem, ...]]:
    """One search over all problems of a session, what it reported, and the problems."""
    reported: Reported = []
    context = SourceContext(session.workspace, session.read, session.is_editable)
    search = Search(
        session.as_session,
        sources,
        context,
        lambda problem, candidate, verdict: reported.append((problem, candidate, verdict)),
        may_go_on,
    )
    problems = session.check()
    search.run(problems)
    return search, reported, problems


def text_of(session: ToySession, search: Search, position: int) -> str:
    """The text that the fix found for a problem leads to."""
    texts = apply_edits(search.found[position].tried.attempt.ranked.candidate.edits, session.read)
    assert not isinstance(texts, EditConflict)
    return texts[FILE].decode()
