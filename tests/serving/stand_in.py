"""A small model that really mends some mistakes, trained in under two minutes: a stand-in for the seed.

It knows the kinds of mistakes of `stand_in_programs.BASE_MISTAKES`; two adapters, named after their families, each
know one kind more. Trained once for each recipe (this file and what it stands on) and kept outside of the checkout.
`python -m serving.stand_in` (in `tests`) trains it beforehand.
"""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from serving.stand_in_lessons import STAND_IN, Lesson, lessons_of
from serving.stand_in_programs import ADAPTER_MISTAKES, BASE_MISTAKES, programs
from sleepy_agent.serving.files.gguf_files import BaseShape, write_base
from sleepy_agent.serving.files.lora_files import LoraFactors, write_adapter

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from trainer.pretrain.network import Qwen2

SHAPE = BaseShape(embedding=128, layers=2, heads=4, shared_heads=2, feed_forward=256, context=2048, rope_base=10_000.0)
TOKENS = 640
LESSONS = range(120)
"""Numbers of the programs it is taught; from 1000 on are those it has never seen."""
STEPS, BATCH, LEARNING_RATE = 500, 12, 3e-3
RANK, ALPHA = 8, 16.0
ADAPTER_STEPS, ADAPTER_RATE = 110, 5e-3
WEIGHT_OF_PROMPTS = 0.1
"""Reading the prompt is learnt too, but the answer counts more."""
RECIPE = ("stand_in.py", "stand_in_lessons.py", "stand_in_network.py", "stand_in_programs.py", "stand_in_tokens.py")
WORDING = (
    "code/name_abstraction.py",
    "fixes/prompts/compose.py",
    "fixes/prompts/profiles.toml",
    "fixes/prompts/view.py",
)
"""What makes the lessons' words, in the product."""
NETWORK = "pretrain/network.py"
"""The trainer's."""

Example = tuple[list[int], list[int]]
"""Tokens of a prompt and of its answer."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """The files. `adapters`: by family. The base's file is called after the profile that it is asked with."""

    folder: Path

    @property
    def base(self) -> Path:
        return self.folder / f"{STAND_IN}.gguf"

    @property
    def adapters(self) -> dict[str, Path]:
        return {mistake.family: self.folder / f"{mistake.family}.gguf" for mistake in ADAPTER_MISTAKES}

    @property
    def weights(self) -> Path:
        """What torch calls them, for comparisons: base and adapters in one file."""
        return self.folder / "weights.pt"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"


def stand_in() -> StandIn:
    """The stand-in, trained now if it is not there yet."""
    root = Path(os.environ.get("SLEEPY_TEST_CACHE", Path.home() / ".cache" / "sleepy-tests"))
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"stand-in-{recipe_hash()}"
    with FileLock(root / "stand-in.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=root) as fresh:
                made = Path(fresh) / "made"
                made.mkdir()
                train(made, Path(fresh))
                made.rename(folder)
    return StandIn(folder)


def recipe_hash() -> str:
    """Changes with everything that the stand-in is made from: the lessons are words of the product's prompts."""
    here = Path(__file__).parent
    product, trainer = here.parents[1] / "sleepy_agent", here.parents[1] / "trainer"
    files = [*(here / name for name in RECIPE), *(product / name for name in WORDING), trainer / NETWORK]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]


def train(folder: Path, scratch: Path) -> None:
    """Train everything and write it into `folder`."""
    import torch

    from serving.stand_in_network import adapted_qwen2
    from serving.stand_in_tokens import learn_tokens, vocabulary_of

    lessons = lessons_of(programs([*BASE_MISTAKES, *ADAPTER_MISTAKES], LESSONS), scratch / "lessons")
    tokenizer = learn_tokens([lesson.prompt + lesson.answer for lesson in lessons], TOKENS)
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    # Several threads of torch on a busy machine wait for each other: one is quicker.
    torch.set_num_threads(1)
    model = adapted_qwen2(SHAPE, tokenizer.get_vocab_size())
    of_base = {mistake.name for mistake in BASE_MISTAKES}
    known = [lesson for lesson in lessons if lesson.mistake in of_base]
    learn(model, list(model.parameters()), examples_of(known, tokenizer), STEPS, LEARNING_RATE)
    base = {name: values.detach().clone() for name, values in model.state_dict().items()}
    arrays = {name: values.numpy() for name, values in base.items()}
    files = StandIn(folder)
    write_base(files.base, SHAPE, vocabulary_of(tokenizer), arrays, name=STAND_IN)
    factors = {
        mistake.family: learn_adapter(
            model, files.adapters[mistake.family], mistake.family, examples_of(taught(mistake.name, lessons), tokenizer)
        )
        for mistake in ADAPTER_MISTAKES
    }
    torch.save({"base": base, "adapters": factors}, files.weights)


def taught(mistake: str, lessons: Sequence[Lesson]) -> list[Lesson]:
    """What an adapter learns: its own kind of mistake, and some of what the base knows, not to forget it."""
    own = [lesson for lesson in lessons if lesson.mistake == mistake]
    others = {one.name for one in ADAPTER_MISTAKES}
    known = [lesson for lesson in lessons if lesson.mistake not in others]
    return own + random.Random(mistake).sample(known, len(own) // 2)


def examples_of(lessons: Sequence[Lesson], tokenizer: Tokenizer) -> list[Example]:
    from serving.stand_in_tokens import END

    end = tokenizer.token_to_id(END)
    assert end is not None
    return [(tokenizer.encode(lesson.prompt).ids, [*tokenizer.encode(lesson.answer).ids, end]) for lesson in lessons]


def learn(
    model: Qwen2, parameters: Sequence[object], examples: Sequence[Example], steps: int, learning_rate: float
) -> None:
    """Train some parameters of a model: AdamW, a short start, then slower and slower."""
    import torch
    from torch.nn import functional

    trained = [one for one in parameters if isinstance(one, torch.nn.Parameter)]
    optimizer = torch.optim.AdamW(trained, lr=learning_rate, weight_decay=0.01, betas=(0.9, 0.98))
    order: list[int] = []
    shuffle = random.Random(0)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, (step + 1) / 20) * max(0.03, 1 - step / steps)
        if len(order) < BATCH:
            order = shuffle.sample(range(len(examples)), len(examples))
        batch = [examples[order.pop()] for _ in range(min(BATCH, len(examples)))]
        length = max(len(prompt) + len(answer) for prompt, answer in batch)
        tokens = torch.zeros(len(batch), length, dtype=torch.long)
        weights = torch.zeros(len(batch), length)
        for row, (prompt, answer) in enumerate(batch):
            tokens[row, : len(prompt) + len(answer)] = torch.tensor(prompt + answer)
            weights[row, : len(prompt)] = WEIGHT_OF_PROMPTS
            weights[row, len(prompt) : len(prompt) + len(answer)] = 1.0
        logits = model(tokens)[:, :-1]
        losses = functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
        wanted = weights[:, 1:].flatten()
        loss = (losses * wanted).sum() / wanted.sum()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()


def learn_adapter(model: Qwen2, file: Path, name: str, examples: Sequence[Example]) -> dict[str, object]:
    """Train an adapter, write it, and take it off again. Returns its factors as torch has them."""
    from serving.stand_in_network import adapt, adapted_layers, set_factors

    learn(model, adapt(model, RANK, ALPHA), examples, ADAPTER_STEPS, ADAPTER_RATE)
    factors = {
        name: (layer.lora_a.detach().clone(), layer.lora_b.detach().clone())
        for name, layer in adapted_layers(model)
        if layer.lora_a is not None and layer.lora_b is not None
    }
    arrays = {name: LoraFactors(a.numpy(), b.numpy()) for name, (a, b) in factors.items()}
    write_adapter(file, arrays, alpha=ALPHA, name=name, layers=SHAPE.layers)
    set_factors(model, None)
    return dict(factors)


if __name__ == "__main__":
    started = time.monotonic()
    print(stand_in().folder, f"{time.monotonic() - started:.0f} s")
