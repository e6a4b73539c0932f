"""Answers that fail, for lessons of a second round: what a model may try first, and what rustc says to it.

They are rustc's own suggestions that do not help, right answers of which one edit is missing, and right answers with
one word changed for another one of the code.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sleepy_agent.code.name_abstraction import tokens_of
from sleepy_agent.domain import Diagnostic
from sleepy_agent.fixes.prompts.answers import BETWEEN
from sleepy_agent.fixes.prompts.compose import Prompt, TriedAnswer, edits_as_answer, error_texts
from sleepy_agent.signature import signature_of
from trainer.pretrain.answers import answer_of, same_code
from trainer.pretrain.lessons import problem_of, question_of, reader_of, text_with, understood
from trainer.pretrain.records import Verified

__all__ = ["WrongAnswer", "said_to", "wrong_answer"]

STILL_THERE: Final = "The error is still there."
"""As `sleepy_agent.fixes.consulting` says it to a model."""
EXCHANGED: Final = (
    ("&mut ", "&"),
    ("&", "&mut "),
    (".iter()", ".into_iter()"),
    (".clone()", ".to_owned()"),
    (".to_string()", ".clone()"),
    (".as_ref()", ".as_mut()"),
    ("Some(", "Ok("),
    ("Ok(", "Some("),
    ("?", ".unwrap()"),
    ("'a", "'static"),
    ("Clone", "Copy"),
    ("PartialEq", "Eq"),
    ("String", "&str"),
    (" as ", " = "),
)
"""What is easily taken for each other."""


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """An answer with the program's names, and the text it leads to."""

    verified: Verified
    answer: str
    text: str


def wrong_answer(verified: Verified, seed: str) -> WrongAnswer | None:
    """An answer that is not the right one; it may compile all the same."""
    broken, program = verified.broken, verified.broken.program
    read = reader_of(broken.text)
    prompt = question_of(problem_of(verified), read)
    if prompt is None:
        return None
    right = answer_of(verified.diagnostic, broken.text, program.text, prompt.view)
    if right is None:
        return None
    ways = list(dict.fromkeys([*suggested_answers(verified, prompt), *missing_edits(right), *changed_words(right)]))
    random.Random(seed).shuffle(ways)
    for answer in ways[:4]:
        said = prompt.names.abstracted(answer) if prompt.names is not None else answer
        text = understood(prompt, said, read)
        if text is not None and not same_code(text, program.text):
            return WrongAnswer(verified, answer, text)
    return None


def suggested_answers(verified: Verified, prompt: Prompt) -> Iterator[str]:
    """What rustc suggests and is not the program."""
    read = reader_of(verified.broken.text)
    for suggestion in verified.diagnostic.suggestions:
        text = text_with(suggestion.edits, read)
        answer = edits_as_answer(suggestion.edits, prompt.view, read)
        if answer is not None and text is not None:
            yield answer


def missing_edits(right: str) -> Iterator[str]:
    """The right answer with one edit left out."""
    lines = right.split("\n")
    if len(lines) > 1:
        for number in range(len(lines)):
            yield "\n".join([*lines[:number], *lines[number + 1 :]])


def changed_words(right: str) -> Iterator[str]:
    """The right answer with a part exchanged in what it puts in."""
    before, between, last = right.rpartition(BETWEEN)
    if not between:
        return
    for old, new in EXCHANGED:
        if old in last and (old != "&" or "&mut " not in last):
            yield f"{before}{between}{last.replace(old, new, 1)}"
    replaced = before.rpartition("\n")[2].partition(" ")[2]
    words = [token.text for token in tokens_of(replaced) if token.kind == "word"]
    for token in tokens_of(last):
        if token.kind == "word":
            yield from (f"{before}{between}{last.replace(token.text, word, 1)}" for word in words if word != token.text)


def said_to(wrong: WrongAnswer, errors: Sequence[Diagnostic]) -> TriedAnswer:
    """What the product would tell the model of an answer that failed with these errors."""
    target = signature_of(wrong.verified.diagnostic)
    new = [error for error in errors if signature_of(error) != target]
    still = () if len(new) == len(errors) else (STILL_THERE,)
    return TriedAnswer(wrong.answer, (*still, *error_texts(new)))
