"""What a training run is decided by: the shape of the network, the steps, the seed. Needs neither torch nor gguf."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from sleepy_agent.errors import ModelError

__all__ = ["LOG", "SIZES", "Recipe", "Shape", "first_of_descent", "has_descended", "read_recipe", "write_recipe"]

LOG: Final = "log.jsonl"
DESCENT: Final = 0.35
"""The last ones of all steps, in which the learning rate goes down."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a Qwen2 network, as `gguf_files.BaseShape`, which stands in the file."""

    embedding: int
    layers: int
    heads: int
    shared_heads: int
    feed_forward: int
    context: int = 2048
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-6


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is trained.

    `vocabulary`: most tokens of the vocabulary, `longest`: lessons with more tokens are left out. `batch_tokens`:
    tokens of one step, padding counted. `prompt_weight`: what predicting a token of the question counts beside one of
    the answer. It is not 0: a question is thirty times as long as its answer, and who has learnt how code goes on
    reads it better; it is small, because the answer is what is asked for. `renumber`: names and lines are numbered
    anew each time a lesson is shown (`renaming.py`); a recipe that does not say so is of before there was that.
    """

    shape: Shape
    steps: int
    seed: str = "seed"
    vocabulary: int = 2048
    longest: int = 1024
    batch_tokens: int = 4096
    learning_rate: float = 2e-3
    warmup_steps: int = 200
    weight_decay: float = 0.05
    prompt_weight: float = 0.1
    renumber: bool = False


SIZES: Final = {
    "small": Recipe(Shape(256, 7, 4, 2, 704), 12_000, learning_rate=2e-3, renumber=True),
    "large": Recipe(Shape(384, 8, 6, 3, 1024), 12_000, learning_rate=1.5e-3, renumber=True),
    "toy": Recipe(
        Shape(64, 2, 2, 1, 160),
        400,
        vocabulary=1024,
        batch_tokens=2048,
        learning_rate=5e-3,
        warmup_steps=20,
        renumber=True,
    ),
}
"""About 5.7 and 14 million parameters, and what proves the path."""


def first_of_descent(recipe: Recipe) -> int:
    """The step from which on the learning rate goes down."""
    return round((1 - DESCENT) * recipe.steps)


def has_descended(folder: Path, recipe: Recipe) -> bool:
    """Whether the training in a folder, by its log, has come so far that its steps cannot be other ones any more."""
    log = folder / LOG
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return bool(lines) and int(json.loads(lines[-1])["step"]) > first_of_descent(recipe)


def write_recipe(file: Path, recipe: Recipe) -> None:
    """Keep a recipe as JSON."""
    file.write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")


def read_recipe(file: Path) -> Recipe:
    """A recipe that was kept. Raises ModelError for a file that is none."""
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
        recipe = Recipe(**fields)
        return replace(recipe, shape=Shape(**fields["shape"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"{file.name} is no recipe of a training: {error}.", "Begin again in an empty folder."
        ) from error
