"""Training a network on prepared lessons: AdamW, a short start, a level, a descent; 16-bit sums where that is quicker.

A training lives in a folder: `recipe.json`, `tokenizer.json`, the prepared lessons, `log.jsonl`, `checkpoint.pt`. It
can be stopped at any moment; what goes on from a checkpoint comes to the same weights as what was never stopped, with
as many processes on the same kind of machine.
"""

from __future__ import annotations

import itertools
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sleepy_agent.process import CancelToken
from trainer.pretrain.network import Qwen2, count_parameters
from trainer.pretrain.peers import Peers, joined, others
from trainer.pretrain.prepared import Prepared, batches, read_prepared
from trainer.pretrain.recipe import LOG, Recipe, first_of_descent, read_recipe
from trainer.pretrain.renaming import Numbering, numbering_of, renumbered

__all__ = ["CHECKPOINT", "LOG", "Machine", "all_batches", "answered", "read_network", "train"]

LOWEST_RATE: Final = 0.01
"""Of the learning rate, at the end."""
CLIP: Final = 1.0
Shown = tuple[NDArray[np.uint16], int]
"""The tokens of a lesson, and how many of them are its question."""
BETAS: Final = (0.9, 0.98)
CHECKPOINT: Final = "checkpoint.pt"
LOG_STEPS: Final = 20
TUNE_STEPS: Final = 500
MOST_TUNED: Final = 1000
"""Lessons of the tune set that are measured now and then."""
PROMPT_STRIDE: Final = 4
CHECKPOINT_SECONDS: Final = 240.0


@dataclass(frozen=True, slots=True)
class Machine:
    """On what a training runs. `threads`: of each process."""

    device: str = "cpu"
    threads: int = 1
    processes: int = 1
    autocast: bool = True


@dataclass(slots=True)
class Figures:
    """What was measured since the last line of the log."""

    answer_loss: float = 0.0
    answer_tokens: float = 0.0
    prompt_loss: float = 0.0
    prompt_tokens: float = 0.0
    norm: float = 0.0
    started: float = 0.0


def train(folder: Path, machine: Machine, cancel: CancelToken, tell: Callable[[str], None]) -> bool:
    """Train what a folder has a recipe and lessons for, from its checkpoint on. Returns whether it came to the end."""
    with tempfile.TemporaryDirectory() as scratch:
        meeting_place = Path(scratch) / "meeting"
        with others(machine.processes, take_part, (folder, machine, meeting_place)):
            return run(Peers(0, machine.processes), folder, machine, meeting_place, cancel, tell)


def take_part(peers: Peers, folder: Path, machine: Machine, meeting_place: Path) -> None:
    """What the other processes do."""
    run(peers, folder, machine, meeting_place, CancelToken(), lambda _line: None)


def run(
    peers: Peers, folder: Path, machine: Machine, meeting_place: Path, cancel: CancelToken, tell: Callable[[str], None]
) -> bool:
    """One process's part in a training."""
    recipe, prepared = read_recipe(folder / "recipe.json"), read_prepared(folder)
    assert prepared is not None, "train_command prepares first"
    torch.set_num_threads(machine.threads)
    torch.manual_seed(int.from_bytes(recipe.seed.encode()) % 2**63)
    network = Qwen2(recipe.shape, prepared.vocabulary_size).to(machine.device)
    optimizer = optimizer_of(network, recipe)
    step = load_checkpoint(folder, network, optimizer, machine.device)
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    numbering = numbering_of(tokenizer) if recipe.renumber else None
    log = Log(folder / LOG, step, tell) if peers.is_first else None
    if log is not None:
        parameters, lessons = count_parameters(network), len(prepared.of_train)
        log.tell(f"{parameters / 1e6:.1f} M parameters, {lessons} lessons, step {step} of {recipe.steps}")
    figures, saved_at = Figures(started=time.monotonic()), time.monotonic()
    with joined(peers, meeting_place):
        for batch in itertools.islice(all_batches(prepared, recipe), step, recipe.steps):
            rate = learning_rate(step, recipe)
            for group in optimizer.param_groups:
                group["lr"] = rate
            own = shown(prepared, peers.share(batch), numbering, f"{recipe.seed}:shown:{step}")
            is_last = learn(network, optimizer, prepared, batch, own, peers, machine, recipe, figures, step, cancel)
            step += 1
            is_end = is_last or step == recipe.steps
            if log is None:
                if is_end:
                    break
                continue
            if step % LOG_STEPS == 0 or is_end:
                log.write_training(step, recipe.steps, rate, figures)
                figures = Figures(started=time.monotonic())
            if step % TUNE_STEPS == 0 or step == recipe.steps:
                log.write_tuning(step, *answered(network, prepared, prepared.of_tune[:MOST_TUNED], machine))
                figures.started = time.monotonic()
            if is_end or time.monotonic() - saved_at > CHECKPOINT_SECONDS:
                save_checkpoint(folder, network, optimizer, step)
                saved_at = time.monotonic()
            if is_end:
                break
    return step == recipe.steps


def all_batches(prepared: Prepared, recipe: Recipe) -> Iterator[list[int]]:
    """The batches of a training, endlessly: a pure function of its seed, so a later step is found again."""
    lengths = prepared.lengths.tolist()
    for epoch in itertools.count():
        seed = f"{recipe.seed}:epoch:{epoch}"
        yield from batches(prepared.of_train, lengths.__getitem__, recipe.batch_tokens, seed)


def learning_rate(step: int, recipe: Recipe) -> float:
    """A straight way up, a level, a straight way down (Hägele et al. 2024, "Scaling laws and compute-optimal training
    beyond fixed training durations"): as good as a cosine, and how many steps there are may be decided on the way."""
    up = min(1.0, (step + 1) / recipe.warmup_steps)
    down = min(1.0, (recipe.steps - step) / (recipe.steps - first_of_descent(recipe)))
    return recipe.learning_rate * up * max(LOWEST_RATE, down)


def optimizer_of(network: Qwen2, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; only matrices are drawn towards zero."""
    matrices = [one for one in network.parameters() if one.ndim == 2]
    vectors = [one for one in network.parameters() if one.ndim != 2]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=BETAS, fused=True)


def learn(
    network: Qwen2,
    optimizer: torch.optim.Optimizer,
    prepared: Prepared,
    batch: Sequence[int],
    lessons: Sequence[Shown],
    peers: Peers,
    machine: Machine,
    recipe: Recipe,
    figures: Figures,
    step: int,
    cancel: CancelToken,
) -> bool:
    """One step. Returns whether to stop, which all processes come to at the same step."""
    # Every process knows the whole batch, and so by what the sum of all has to be divided.
    answers = sum(int(prepared.lengths[number] - prepared.prompt_lengths[number]) for number in batch)
    prompts = sum(int(prepared.prompt_lengths[number]) - 1 for number in batch)
    tokens, is_answer, is_prompt = rows_of(lessons, machine.device)
    # Every few tokens of the questions stand for all, since what each costs is a sum over the whole vocabulary.
    stands_for = torch.zeros_like(is_prompt)
    stands_for[:, step % PROMPT_STRIDE :: PROMPT_STRIDE] = PROMPT_STRIDE
    is_prompt *= stands_for
    places = (is_answer + is_prompt) > 0
    losses = losses_of(network, tokens, machine, places)
    answer_loss, prompt_loss = (losses * is_answer[places]).sum(), (losses * is_prompt[places]).sum()
    weight = answers + recipe.prompt_weight * prompts
    torch.autograd.backward((answer_loss + recipe.prompt_weight * prompt_loss) / weight)
    parameters = list(network.parameters())
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    stop = float(peers.is_first and cancel.cancelled)
    own = torch.stack([answer_loss.detach(), prompt_loss.detach(), torch.tensor(stop, device=tokens.device)])
    answer_sum, prompt_sum, stops = (float(figure) for figure in peers.add_up(gradients, own))
    figures.norm = max(figures.norm, float(torch.nn.utils.clip_grad_norm_(parameters, CLIP)))
    optimizer.step()
    optimizer.zero_grad()
    figures.answer_loss += answer_sum
    figures.prompt_loss += prompt_sum
    figures.answer_tokens += answers
    figures.prompt_tokens += prompts
    return stops > 0


def losses_of(network: Qwen2, tokens: Tensor, machine: Machine, places: Tensor) -> Tensor:
    """The loss at the `places` that are set, a mask of all tokens but the first of each row, (batch, length - 1)."""
    with torch.autocast(tokens.device.type, torch.bfloat16, enabled=machine.autocast):
        logits = network(tokens[:, :-1], places)
    return functional.cross_entropy(logits.float(), tokens[:, 1:][places], reduction="none")


def shown(
    prepared: Prepared, numbers: Sequence[int], numbering: Numbering | None = None, seed: str = ""
) -> list[Shown]:
    """Lessons as they are shown: as they are, or numbered anew where a numbering is given."""
    found = []
    for number in numbers:
        tokens = prepared.lesson(number)
        if numbering is not None:
            tokens = renumbered(tokens, numbering, random.Random(f"{seed}:{number}"))
        found.append((tokens, int(prepared.prompt_lengths[number])))
    return found


def rows_of(lessons: Sequence[Shown], device: str) -> tuple[Tensor, Tensor, Tensor]:
    """Lessons as rows: their tokens, and which tokens but the first are of answers and of questions (1.0)."""
    length = max((len(tokens) for tokens, _ in lessons), default=2)
    rows = torch.zeros(len(lessons), length, dtype=torch.long)
    is_answer, is_prompt = torch.zeros(len(lessons), length), torch.zeros(len(lessons), length)
    for row, (tokens, asked) in enumerate(lessons):
        rows[row, : len(tokens)] = torch.from_numpy(tokens.astype("int64"))
        is_prompt[row, :asked] = 1.0
        is_answer[row, asked : len(tokens)] = 1.0
    return rows.to(device), is_answer[:, 1:].to(device), is_prompt[:, 1:].to(device)


@torch.no_grad()
def answered(
    network: Qwen2, prepared: Prepared, numbers: Sequence[int], machine: Machine, batch_tokens: int = 8192
) -> tuple[float, dict[str, tuple[int, int]]]:
    """The loss of each token of the answers, and by family how many of how many lessons are answered word for word.

    A greedy answer is the right one exactly where each of its tokens is the likeliest after those before, so nothing
    needs to be written.
    """
    lengths = prepared.lengths.tolist()
    total, count = 0.0, 0.0
    right: dict[str, tuple[int, int]] = {}
    for batch in batches(numbers, lengths.__getitem__, batch_tokens, "tune"):
        tokens, is_answer, _ = rows_of(shown(prepared, batch), machine.device)
        with torch.autocast(tokens.device.type, torch.bfloat16, enabled=machine.autocast):
            logits = network(tokens[:, :-1]).float()
        losses = functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
        total += float((losses.view_as(is_answer) * is_answer).sum())
        count += float(is_answer.sum())
        wrong = ((logits.argmax(-1) != tokens[:, 1:]) & (is_answer > 0)).any(1).tolist()
        for number, is_wrong in zip(batch, wrong, strict=True):
            passed, asked = right.get(prepared.families[number], (0, 0))
            right[prepared.families[number]] = (passed + (not is_wrong), asked + 1)
    return total / max(count, 1.0), dict(sorted(right.items()))


def save_checkpoint(folder: Path, network: Qwen2, optimizer: torch.optim.Optimizer, step: int) -> None:
    """Replace the checkpoint, at no moment leaving half of one."""
    fresh = folder / f"{CHECKPOINT}.new"
    torch.save({"step": step, "network": network.state_dict(), "optimizer": optimizer.state_dict()}, fresh)
    fresh.replace(folder / CHECKPOINT)


def load_checkpoint(folder: Path, network: Qwen2, optimizer: torch.optim.Optimizer | None, device: str) -> int:
    """Take over the checkpoint, if there is one. Returns the number of steps that it has."""
    if not (folder / CHECKPOINT).exists():
        return 0
    kept: dict[str, Any] = torch.load(folder / CHECKPOINT, map_location=device, weights_only=True)
    network.load_state_dict(kept["network"])
    if optimizer is not None:
        optimizer.load_state_dict(kept["optimizer"])
    return int(kept["step"])


def read_network(folder: Path, device: str = "cpu") -> tuple[Qwen2, int]:
    """The network of a training's checkpoint, and its steps (0: random weights)."""
    recipe, prepared = read_recipe(folder / "recipe.json"), read_prepared(folder)
    assert prepared is not None, "only a training that began has a network"
    network = Qwen2(recipe.shape, prepared.vocabulary_size).to(device)
    return network, load_checkpoint(folder, network, None, device)


class Log:
    """The file of measurements, JSON lines; each is told as well."""

    def __init__(self, file: Path, step: int, tell: Callable[[str], None]) -> None:
        """Go on with a log; what was measured after the checkpoint is measured again."""
        self._file = file
        self.tell = tell
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        file.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def write_training(self, step: int, steps: int, rate: float, figures: Figures) -> None:
        """What the last steps were like."""
        seconds = time.monotonic() - figures.started
        speed = (figures.answer_tokens + figures.prompt_tokens) / max(seconds, 1e-9)
        answer_loss = figures.answer_loss / max(figures.answer_tokens, 1.0)
        prompt_loss = figures.prompt_loss / max(figures.prompt_tokens, 1.0)
        self._write(
            step=step,
            answer_loss=round(answer_loss, 4),
            prompt_loss=round(prompt_loss, 4),
            learning_rate=rate,
            gradient_norm=round(figures.norm, 3),
            tokens_per_second=round(speed),
        )
        left = (steps - step) * seconds / LOG_STEPS
        self.tell(
            f"step {step}: answers {answer_loss:.3f}, questions {prompt_loss:.3f}, {speed:.0f} tokens/s, "
            f"{left / 60:.0f} min left"
        )

    def write_tuning(self, step: int, loss: float, right: dict[str, tuple[int, int]]) -> None:
        """How lessons that are not trained on are answered."""
        self._write(step=step, tune_loss=round(loss, 4), tune_right=right)
        passed, asked = (sum(counts) for counts in zip(*right.values(), strict=True)) if right else (0, 0)
        self.tell(f"step {step}: {passed} of {asked} tune lessons word for word, loss {loss:.3f}")

    def _write(self, **fields: object) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(fields) + "\n")
