"""The question that a model is asked about a problem: sections in the order of its profile, what stays the same first
and the error last, each piece with its importance."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from sleepy_agent.cargo.diagnostics import all_texts
from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.code.name_abstraction import IN_QUOTES, NameTable, name_table, tokens_of
from sleepy_agent.domain import Diagnostic, Edit, Problem, Span, Suggestion
from sleepy_agent.fixes.prompts.answers import BETWEEN, BadAnswer, is_whole, parse_answer, places_of, smallest
from sleepy_agent.fixes.prompts.expected import expected_answer
from sleepy_agent.fixes.prompts.grammar import line_grammar
from sleepy_agent.fixes.prompts.profiles import EditForm, Names, Profile, Style
from sleepy_agent.fixes.prompts.view import CodeView, ShownLine, line_starts, row_at, view_of
from sleepy_agent.fixes.sources.context import SourceContext
from sleepy_agent.fixes.templates.scene import spans_of
from sleepy_agent.serving.chat import CompletionRequest, Message, PromptPart, Role, message_of

# What is left out first where the whole does not fit into the model's context has the least.
IMPORTANCE_OF_DECLARED = 2.0
IMPORTANCE_OF_RECALLED = 3.0
IMPORTANCE_OF_HINT = 4.0
IMPORTANCE_OF_HELP = 5.0
IMPORTANCE_OF_TRIED = 6.0
IMPORTANCE_OF_CODE = 1.0
GAIN_OF_NEAR_CODE = 8.0
MOST_HELPS = 6
MOST_ERRORS_TOLD = 4
LONGEST_TEXT = 400
# Codes of syntax errors: there are none.
NO_CODE = "none"


@dataclass(frozen=True, slots=True)
class Hint:
    """What helps with errors of a code. `shows_imports`: whether the imports of the file tell something."""

    says: str
    shows_imports: bool = False


@dataclass(frozen=True, slots=True)
class TriedAnswer:
    """An answer of an earlier round, with the user's names, and what the compiler said to it."""

    answer: str
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Prompt:
    """One question, ready to be asked, with what it takes to understand the answer."""

    profile: Profile
    view: CodeView
    parts: tuple[PromptPart, ...]
    """The question without the instruction."""
    names: NameTable | None
    grammar: str | None
    prompt_hash: str = field(default="")
    expected: str = ""
    """What the answer is likely to be, for drafts."""

    def request(
        self,
        *,
        adapter: str | None = None,
        n: int = 1,
        temperature: float = 0.0,
        deadline_seconds: float | None = None,
        seed: int | None = None,
    ) -> CompletionRequest:
        """The request for `n` answers."""
        is_raw = self.profile.style is Style.RAW
        system = (Message(Role.SYSTEM, self.profile.instruction),) if self.profile.instruction else ()
        return CompletionRequest(
            messages=() if is_raw else (*system, message_of(Role.USER, self.parts)),
            parts=self.parts if is_raw else (),
            adapter=adapter,
            n=n,
            temperature=temperature,
            max_tokens=self.profile.max_tokens,
            grammar=self.grammar,
            stop=self.profile.stop,
            expected=self.expected,
            seed=seed,
            deadline_seconds=deadline_seconds,
        )

    @property
    def text(self) -> str:
        """All of the question in one piece, as a model that continues texts reads it."""
        instruction = f"{self.profile.instruction}\n" if self.profile.instruction else ""
        return instruction + "".join(part.text for part in self.parts)

    def understood(self, answer: str, read: Callable[[Path], bytes]) -> tuple[str, tuple[Edit, ...] | BadAnswer]:
        """An answer with the user's names, and the edits it means or why it means none."""
        restored = answer if self.names is None else self.names.restored(answer)
        if restored is None:
            return answer, BadAnswer("it has a name that stands for nothing")
        return restored.strip(), parse_answer(restored, self.profile.edits, self.view, read)


@cache
def all_hints() -> Mapping[str, Hint]:
    """The hints of `hints.toml` by code."""
    table = tomllib.loads(files(__package__).joinpath("hints.toml").read_text(encoding="utf-8"))
    return {code: Hint(entry["says"].strip(), entry.get("shows_imports", False)) for code, entry in table.items()}


def compose(
    problem: Problem,
    context: SourceContext,
    profile: Profile,
    tried: Sequence[TriedAnswer] = (),
    recalled: Sequence[str] = (),
) -> Prompt | None:
    """The question about a problem; None where there is no code to show. `tried`: answers of earlier rounds;
    `recalled`: diffs that mended the same mistake before."""
    hint = all_hints().get(problem.code or NO_CODE)
    view = view_of(
        problem,
        context,
        code_characters=profile.code_characters,
        declaration_characters=profile.declaration_characters,
        with_imports=hint is not None and hint.shows_imports,
    )
    if view is None:
        return None
    names = names_for(problem, view) if profile.names is Names.ABSTRACT else None
    speech = Speech(problem, context, view, profile, names, hint, tuple(tried), tuple(recalled))
    sections: dict[str, Callable[[], Iterator[PromptPart]]] = {
        "code": speech.code,
        "declared": speech.declared,
        "hint": speech.hint_section,
        "help": speech.help,
        "recalled": speech.recalled_section,
        "tried": speech.tried_section,
        "error": speech.error,
    }
    parts = tuple(part for name in profile.sections for part in sections[name]())
    grammar = None
    if profile.grammar and profile.edits is EditForm.LINES:
        grammar = line_grammar((line.number, speech.in_code(line.text)) for line in view.lines if line.is_exact)
    whole = "\0".join((profile.name, profile.instruction, *(part.text for part in parts)))
    expected = speech.in_code(expected_answer(problem, view, profile.edits, context.read))
    return Prompt(profile, view, parts, names, grammar, hashlib.sha256(whole.encode()).hexdigest(), expected)


def names_for(problem: Problem, view: CodeView) -> NameTable:
    """Abstract names for all that is shown of a problem."""
    quoted = [name for text in all_texts(problem.diagnostic) for name in IN_QUOTES.findall(text)]
    written = [edit.replacement for one in problem.diagnostic.suggestions for edit in one.edits]
    return name_table(["\n".join(line.text for line in view.lines), *quoted, *written])


@dataclass(frozen=True)
class Speech:
    """A problem put into words, section by section."""

    problem: Problem
    context: SourceContext
    view: CodeView
    profile: Profile
    names: NameTable | None
    hint: Hint | None
    tried: tuple[TriedAnswer, ...]
    recalled: tuple[str, ...]

    def in_code(self, code: str) -> str:
        """Code as the model sees it."""
        return code if self.names is None else self.names.abstracted(code)

    def in_prose(self, text: str) -> str:
        """A sentence of the compiler as the model sees it, on one line."""
        short = " ".join(text.split())
        short = short if len(short) <= LONGEST_TEXT else f"{short[:LONGEST_TEXT]} .."
        return short if self.names is None else self.names.abstracted_prose(short)

    def code(self) -> Iterator[PromptPart]:
        yield PromptPart("<code>\n")
        yield from self._lines(self.view.code, lambda line: GAIN_OF_NEAR_CODE / (1 + line.distance))

    def declared(self) -> Iterator[PromptPart]:
        if self.view.declared:
            yield PromptPart("<declared>\n", IMPORTANCE_OF_DECLARED)
            yield from self._lines(self.view.declared, lambda _line: IMPORTANCE_OF_DECLARED)

    def _lines(self, lines: Sequence[ShownLine], gain: Callable[[ShownLine], float]) -> Iterator[PromptPart]:
        is_labelled = self.profile.edits is EditForm.LINES
        before: ShownLine | None = None
        for line in lines:
            if before is not None and (line.file != before.file or line.row != before.row + 1):
                yield PromptPart("..\n", IMPORTANCE_OF_CODE)
            label = f"L{line.number}|" if is_labelled else ""
            yield PromptPart(f"{label}{self.in_code(line.text)}\n", IMPORTANCE_OF_CODE + gain(line))
            before = line

    def hint_section(self) -> Iterator[PromptPart]:
        if self.hint is not None:
            yield PromptPart(f"<hint>\n{self.hint.says}\n", IMPORTANCE_OF_HINT)

    def help(self) -> Iterator[PromptPart]:
        lines = list(dict.fromkeys(self._help_lines()))[:MOST_HELPS]
        if lines:
            yield PromptPart("<help>\n" + "".join(f"{line}\n" for line in lines), IMPORTANCE_OF_HELP)

    def _help_lines(self) -> Iterator[str]:
        for suggestion in self.problem.diagnostic.suggestions:
            said = self.in_prose(suggestion.message).rstrip(":")
            edits = self._as_lines(suggestion) if self.profile.edits is EditForm.LINES else None
            yield f"{said}: {edits}" if edits is not None else f"{said}: {self._as_text(suggestion)}"
        for child in self.problem.diagnostic.children:
            if not any(one.message == child.message for one in self.problem.diagnostic.suggestions):
                yield self.in_prose(child.message)

    def _as_lines(self, suggestion: Suggestion) -> str | None:
        """What rustc suggests in the form that the model answers in; None where it has no such form."""
        written = [line_edit_of(edit, self.view, self.context.read) for edit in suggestion.edits]
        if not all(written):
            return None
        return " ; ".join(
            f"L{number} {self.in_code(old)}{BETWEEN}{self.in_code(new)}" for number, old, new in filter(None, written)
        )

    def _as_text(self, suggestion: Suggestion) -> str:
        """What rustc suggests, as the lines that it leads to."""
        texts = apply_edits(suggestion.edits, self.context.read)
        if isinstance(texts, EditConflict):
            return "(cannot be shown)"
        found = []
        for edit in suggestion.edits[:3]:
            text, moved = texts[edit.file], shift_before(edit, suggestion.edits)
            start = text.rfind(b"\n", 0, edit.byte_start + moved) + 1
            end = text.find(b"\n", edit.byte_start + moved + len(edit.replacement.encode()))
            line = text[start : end if end >= 0 else len(text)].decode(errors="replace").strip()
            found.append(self.in_code(line))
        return " .. ".join(dict.fromkeys(f"`{line}`" for line in found))

    def recalled_section(self) -> Iterator[PromptPart]:
        for diff in self.recalled:
            yield PromptPart(f"<recalled>\n{self.in_code(diff)}\n", IMPORTANCE_OF_RECALLED)

    def tried_section(self) -> Iterator[PromptPart]:
        for one in self.tried:
            errors = "".join(f"{self.in_prose(error)}\n" for error in one.errors[:MOST_ERRORS_TOLD])
            yield PromptPart(f"<tried>\n{self.in_code(one.answer)}\n<then>\n{errors}", IMPORTANCE_OF_TRIED)

    def error(self) -> Iterator[PromptPart]:
        diagnostic = self.problem.diagnostic
        code = f"{diagnostic.code} " if diagnostic.code else ""
        lines = [f"{code}{self.in_prose(diagnostic.message)}"]
        for span in dict.fromkeys(spans_of(diagnostic)):
            if span.label or (span.is_primary and span.text.strip()):
                lines.append(self._place(span))
        yield PromptPart("<error>\n" + "\n".join(dict.fromkeys(lines)) + "\n<edit>\n")

    def _place(self, span: Span) -> str:
        """Where a span is and what the compiler says of it."""
        line = self.view.line_at(span.file, span.line_start - 1)
        is_labelled = self.profile.edits is EditForm.LINES
        where = f"L{line.number} " if line is not None and is_labelled else ""
        code = self.in_code(" ".join(span.text.split())[:LONGEST_TEXT])
        return f"{where}`{code}`{': ' + self.in_prose(span.label) if span.label else ''}"


def shift_before(edit: Edit, edits: Iterable[Edit]) -> int:
    """By how many bytes the edits before it move a place of the same file."""
    return sum(
        len(other.replacement.encode()) - (other.byte_end - other.byte_start)
        for other in edits
        if other.file == edit.file and other.byte_start < edit.byte_start
    )


def line_edit_of(edit: Edit, view: CodeView, read: Callable[[Path], bytes]) -> tuple[int, str, str] | None:
    """An edit inside of one shown line as line number, old and new text, both of whole words and unique in their line;
    None where it cannot be said so."""
    text = read(edit.file)
    starts = line_starts(text)
    line = view.line_at(edit.file, row_at(starts, edit.byte_start))
    if line is None or not line.is_exact or "\n" in edit.replacement or edit.byte_end > line.byte_end:
        return None
    raw = line.text.encode()
    first, last = edit.byte_start - line.byte_start, edit.byte_end - line.byte_start
    if first < 0:
        return None
    before, old, after = (raw[:first].decode(), raw[first:last].decode(), raw[last:].decode())
    # From the change outwards, a token at a time, until what is replaced stands there once.
    left, right = ([token.text for token in tokens_of(part)] for part in (before, after))
    taken_left = taken_right = 0
    while True:
        found_old = "".join(left[len(left) - taken_left :]) + old + "".join(right[:taken_right])
        found_new = "".join(left[len(left) - taken_left :]) + edit.replacement + "".join(right[:taken_right])
        if found_old.strip() and found_old == found_old.strip() and is_unique(found_old, line, view):
            return line.number, found_old, found_new
        if taken_right < len(right) and (taken_right <= taken_left or taken_left == len(left)):
            taken_right += 1
        elif taken_left < len(left):
            taken_left += 1
        else:
            return None


def is_unique(old: str, line: ShownLine, view: CodeView) -> bool:
    """Whether an answer that replaces this part of a line would be understood."""
    places = list(places_of(old, line.text))
    return len(places) == 1 and is_whole(old, line.text, places[0]) and line.number in view.by_number


def edits_as_answer(edits: Sequence[Edit], view: CodeView, read: Callable[[Path], bytes]) -> str | None:
    """Edits in the form of line edits: what a model should have answered (for training, and for recalled fixes)."""
    found = []
    for edit in edits:
        if edit.replacement.startswith("\n") and "\n" not in edit.replacement[1:] and edit.byte_start == edit.byte_end:
            line = view.line_at(edit.file, row_at(line_starts(read(edit.file)), edit.byte_start))
            if line is None or line.byte_end != edit.byte_start:
                return None
            found.append(f"L{line.number} ++ {edit.replacement.strip()}")
            continue
        one = line_edit_of(smallest(edit, read), view, read)
        if one is None:
            return None
        found.append(f"L{one[0]} {one[1]}{BETWEEN}{one[2]}")
    return "\n".join(found)


def error_texts(errors: Iterable[Diagnostic]) -> tuple[str, ...]:
    """Errors in one line each: code, message, the code they point at and the label."""
    found = []
    for error in errors:
        span = error.primary_span
        at = f" at `{' '.join(span.text.split())[:80]}`" if span is not None and span.text else ""
        label = f": {span.label}" if span is not None and span.label else ""
        found.append(f"{error.code + ' ' if error.code else ''}{error.message}{at}{label}")
    return tuple(found)
