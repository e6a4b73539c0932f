"""Lessons as numbers: what training needs of them, in one file beside the vocabulary that was learnt from them.

Only lessons that train or tune get into the folder of a training; those that gate and report are never near it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sleepy_agent.errors import ModelError
from trainer.pretrain.recipe import Recipe
from trainer.pretrain.records import Lesson

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["Prepared", "batches", "prepare", "read_lessons", "read_prepared"]

TRAIN: Final = "train"
TUNE: Final = "tune"
MOST_READ_FOR_WORDS: Final = 30_000
"""More lessons do not change the vocabulary."""
WINDOW: Final = 64
"""So many batches' lessons are sorted by length together: little padding, and still a new order every time."""
AT_ONCE: Final = 4096


@dataclass(frozen=True, slots=True)
class Prepared:
    """Encoded lessons. Lesson i is `tokens[starts[i]:starts[i + 1]]`: question, answer, end; its first
    `prompt_lengths[i]` tokens are the question. `of_train`, `of_tune`: numbers of lessons. `families`: of each.
    `lessons_hash`: of the file they were read from; `end`: the token that ends an answer."""

    tokens: NDArray[np.uint16]
    starts: NDArray[np.int64]
    prompt_lengths: NDArray[np.int64]
    families: tuple[str, ...]
    of_train: tuple[int, ...]
    of_tune: tuple[int, ...]
    vocabulary_size: int
    lessons_hash: str

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many tokens each lesson has."""
        found: NDArray[np.int64] = np.diff(self.starts)
        return found

    def lesson(self, number: int) -> NDArray[np.uint16]:
        """The tokens of a lesson."""
        return self.tokens[self.starts[number] : self.starts[number + 1]]


def read_lessons(file: Path) -> Iterator[Lesson]:
    """The lessons of a file of JSON lines. Raises ModelError for a line that is none."""
    try:
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield Lesson(**json.loads(line))
                except (ValueError, TypeError) as error:
                    raise ModelError(
                        f"Line {number} of {file.name} is no lesson: {error}.", "Make the lessons again (data)."
                    ) from error
    except OSError as error:
        raise ModelError(f"{file.name} cannot be read: {error}.", "Name a file that `data` made.") from error


def prepare(lessons: Iterable[Lesson], lessons_hash: str, folder: Path, recipe: Recipe) -> Prepared:
    """Learn the vocabulary, encode what trains and tunes, keep both in `folder`."""
    from trainer.pretrain.tokens import END, learn_tokenizer

    chosen = [lesson for lesson in lessons if lesson.split in {TRAIN, TUNE}]
    taught = [lesson for lesson in chosen if lesson.split == TRAIN]
    if not taught:
        raise ModelError("There are no lessons to train on.", "Make more lessons (data --count).")
    random.Random(f"{recipe.seed}:words").shuffle(taught)
    texts = (lesson.prompt + lesson.answer for lesson in taught[:MOST_READ_FOR_WORDS])
    tokenizer = learn_tokenizer(texts, recipe.vocabulary)
    end = tokenizer.token_to_id(END)
    assert end is not None
    short = [
        (lesson, prompt, [*answer, end])
        for lesson, prompt, answer in encoded(chosen, tokenizer)
        if len(prompt) + len(answer) < recipe.longest
    ]
    prepared = Prepared(
        tokens=np.array([token for _, prompt, answer in short for token in (*prompt, *answer)], np.uint16),
        starts=np.cumsum([0, *(len(prompt) + len(answer) for _, prompt, answer in short)]),
        prompt_lengths=np.array([len(prompt) for _, prompt, _ in short], np.int64),
        families=tuple(lesson.family for lesson, _, _ in short),
        of_train=tuple(number for number, (lesson, _, _) in enumerate(short) if lesson.split == TRAIN),
        of_tune=tuple(number for number, (lesson, _, _) in enumerate(short) if lesson.split == TUNE),
        vocabulary_size=tokenizer.get_vocab_size(),
        lessons_hash=lessons_hash,
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    write_prepared(folder, prepared)
    return prepared


def encoded(lessons: Sequence[Lesson], tokenizer: Tokenizer) -> Iterator[tuple[Lesson, list[int], list[int]]]:
    """Each lesson with the tokens of its question and of its answer. They are split apart, as the server does."""
    for first in range(0, len(lessons), AT_ONCE):
        some = lessons[first : first + AT_ONCE]
        prompts = tokenizer.encode_batch_fast([lesson.prompt for lesson in some])
        answers = tokenizer.encode_batch_fast([lesson.answer for lesson in some])
        for lesson, prompt, answer in zip(some, prompts, answers, strict=True):
            yield lesson, prompt.ids, answer.ids


def write_prepared(folder: Path, prepared: Prepared) -> None:
    """Keep encoded lessons in two files; what says that both are there is written last."""
    np.savez(
        folder / "lessons.npz",
        tokens=prepared.tokens,
        starts=prepared.starts,
        prompt_lengths=prepared.prompt_lengths,
    )
    about = {
        "lessons_hash": prepared.lessons_hash,
        "vocabulary_size": prepared.vocabulary_size,
        "families": prepared.families,
        "of_train": prepared.of_train,
        "of_tune": prepared.of_tune,
    }
    (folder / "lessons.json").write_text(json.dumps(about), encoding="utf-8")


def read_prepared(folder: Path) -> Prepared | None:
    """The encoded lessons of a folder; None where there are none yet."""
    if not (folder / "lessons.json").exists():
        return None
    about = json.loads((folder / "lessons.json").read_text(encoding="utf-8"))
    arrays = np.load(folder / "lessons.npz")
    return Prepared(
        tokens=arrays["tokens"],
        starts=arrays["starts"],
        prompt_lengths=arrays["prompt_lengths"],
        families=tuple(about["families"]),
        of_train=tuple(about["of_train"]),
        of_tune=tuple(about["of_tune"]),
        vocabulary_size=about["vocabulary_size"],
        lessons_hash=about["lessons_hash"],
    )


def batches(numbers: Sequence[int], lengths: Callable[[int], int], batch_tokens: int, seed: str) -> list[list[int]]:
    """Lessons in batches of at most `batch_tokens` tokens, padding counted; another order for every seed.

    Lessons of about the same length share a batch, which wastes less than packing several into a row: there each
    would need a mask, without which it reads its neighbours' names, and attention would be paid over the whole row.
    """
    order = list(numbers)
    shuffle = random.Random(seed)
    shuffle.shuffle(order)
    found: list[list[int]] = []
    first = 0
    while first < len(order):
        last, total = first, 0
        while last < len(order) and total < WINDOW * batch_tokens:
            total += lengths(order[last])
            last += 1
        window = sorted(order[first:last], key=lambda number: (lengths(number), number))
        batch: list[int] = []
        for number in window:
            # The last one is the longest, so all are padded to it.
            if batch and (len(batch) + 1) * lengths(number) > batch_tokens:
                found.append(batch)
                batch = []
            batch.append(number)
        found.append(batch)
        first = last
    shuffle.shuffle(found)
    return found
