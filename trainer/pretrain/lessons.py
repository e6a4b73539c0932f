"""From a verified pair to a lesson: the very question that the product asks, and the answer that mends it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from sleepy_agent.cargo.workspace import Package, Workspace
from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.domain import Edit, Problem
from sleepy_agent.families import FamilyRules, family_of, load_family_rules
from sleepy_agent.fixes.prompts.answers import BadAnswer
from sleepy_agent.fixes.prompts.compose import Prompt, TriedAnswer, compose
from sleepy_agent.fixes.prompts.profiles import Profile, profile_for
from sleepy_agent.fixes.sources.context import KnownItems, SourceContext, SteadyItems
from sleepy_agent.signature import signature_of
from trainer.pretrain.answers import answer_of, same_code
from trainer.pretrain.records import FILE, Lesson, Verified
from trainer.pretrain.split import split_of

__all__ = ["HELD_BACK", "NotALesson", "lesson_of", "problem_of", "question_of", "shape_of"]

MODEL: Final = "seed"
HELD_BACK: Final = frozenset({"async_runtime", "serde", "patterns"})
"""Families that only the nights learn, so that it shows what they learn."""
PACKAGE: Final = "lessons"
_NUMBERED: Final = re.compile(r"\b([vfTm])\d+\b")
_LINE: Final = re.compile(r"^L\d+", re.MULTILINE)


class NotALesson(str):
    """Why a verified pair is no lesson: a few words, the same for all pairs of that kind."""

    __slots__ = ()


def lesson_of(verified: Verified, tried: Sequence[TriedAnswer] = ()) -> Lesson | NotALesson:
    """The lesson of a pair, or why there is none. `tried`: answers that failed, which the question shows."""
    broken, program = verified.broken, verified.broken.program
    problem = problem_of(verified)
    if problem.family in HELD_BACK:
        return NotALesson("its family is held back")
    read = reader_of(broken.text)
    prompt = question_of(problem, read, tried)
    if prompt is None:
        return NotALesson("there is no code to show")
    answer = answer_of(verified.diagnostic, broken.text, program.text, prompt.view)
    if answer is None:
        return NotALesson("the answer cannot be said in a few edits of lines that are shown")
    said = prompt.names.abstracted(answer) if prompt.names is not None else answer
    # What counts is what the product will understand of it.
    made = understood(prompt, said, read)
    if made is None or not same_code(made, program.text):
        return NotALesson("the answer with names abstracted does not lead back to the program")
    return Lesson(
        source=program.source,
        mutation=broken.mutation,
        family=problem.family,
        code=problem.code or "",
        prompt=prompt.text,
        answer=said,
        split=split_of(program.source),
        shape=shape_of(said),
    )


def problem_of(verified: Verified) -> Problem:
    """What the product would call the error."""
    diagnostic = verified.diagnostic
    return Problem(diagnostic, PACKAGE, (), family_of(diagnostic, family_rules()), signature_of(diagnostic))


def question_of(problem: Problem, read: Callable[[Path], bytes], tried: Sequence[TriedAnswer] = ()) -> Prompt | None:
    """What the product asks the seed model about it."""
    context = SourceContext(workspace(), read, is_ours, SteadyItems(KnownItems()))
    return compose(problem, context, seed_profile(), tried)


def understood(prompt: Prompt, answer: str, read: Callable[[Path], bytes]) -> str | None:
    """The text that an answer leads to, as the product reads it; None where it is no edit."""
    _, edits = prompt.understood(answer, read)
    if isinstance(edits, BadAnswer):
        return None
    return text_with(edits, read)


def text_with(edits: tuple[Edit, ...], read: Callable[[Path], bytes]) -> str | None:
    """The program after some edits."""
    texts = apply_edits(edits, read)
    return None if isinstance(texts, EditConflict) else texts.get(FILE, read(FILE)).decode()


def shape_of(answer: str) -> str:
    """An answer without the numbers of names and lines: what it does, whatever it does it to."""
    return _LINE.sub("L", _NUMBERED.sub(r"\1", answer))


def reader_of(text: str) -> Callable[[Path], bytes]:
    """Reads the one file there is."""
    content = text.encode()

    def read(path: Path) -> bytes:
        if path != FILE:
            raise FileNotFoundError(path)
        return content

    return read


def is_ours(path: Path) -> bool:
    """Whether a file may be edited."""
    return path == FILE


@cache
def workspace() -> Workspace:
    """A workspace of one crate of one file, as if cargo had told of it."""
    package = Package(
        name=PACKAGE,
        version="0.0.0",
        manifest=Path("Cargo.toml"),
        edition="2021",
        is_local=True,
        is_member=True,
        dependencies=(),
        features=(),
        source_files=(FILE,),
    )
    return Workspace(Path(), Path("target"), (package,), frozenset())


@cache
def seed_profile() -> Profile:
    """How the seed model is asked; the grammar is no part of the question's text and takes time to write."""
    return replace(profile_for(MODEL), grammar=False)


@cache
def family_rules() -> FamilyRules:
    """The rules that come with Sleepy: the model is the same for everybody, so nobody's own count."""
    return load_family_rules()
