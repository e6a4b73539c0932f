"""`python -m trainer.pretrain train`: from lessons to a trained network, in one command that can be stopped."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from sleepy_agent.errors import EXIT_GREEN, BadUsage, Interrupted
from sleepy_agent.process import CancelToken, InterruptSignals
from sleepy_agent.serving.manifest import sha256_of
from trainer.pretrain.recipe import SIZES, Recipe, has_descended, read_recipe, write_recipe

OF_RECIPE: Final = {
    "steps": int,
    "seed": str,
    "vocabulary": int,
    "batch_tokens": int,
    "learning_rate": float,
    "warmup_steps": int,
    "weight_decay": float,
    "prompt_weight": float,
}
"""What of a recipe can be set, each by an option of its name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `train`."""
    parser.epilog = (
        "RUN keeps the recipe, the vocabulary, the lessons as numbers, the log and the checkpoint. The same command "
        "again goes on from the checkpoint; what of the recipe is given then must be as it was, but for the steps, "
        "which may be more or fewer as long as the descent of the learning rate has not begun."
    )
    parser.add_argument("--lessons", type=Path, required=True, metavar="FILE", help="JSON lines that `data` made")
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="the folder of this training")
    parser.add_argument("--size", choices=sorted(SIZES), default="small", help="the shape (default: %(default)s)")
    parser.add_argument("--toy", action="store_const", const="toy", dest="size", help="the same as --size toy")
    for name, kind in OF_RECIPE.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=kind, metavar="VALUE", help=f"instead of the {name} of the size")
    parser.add_argument(
        "--renumber", action=argparse.BooleanOptionalAction, help="number names and lines anew each time (default: yes)"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="train in N processes of --threads each")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of each (default: %(default)s)")
    parser.add_argument("--exact", action="store_true", help="32 bits everywhere, no 16-bit sums")
    parser.add_argument("--prepare-only", action="store_true", help="only write what training needs into RUN")


def run(arguments: argparse.Namespace) -> int:
    """Prepare where that was not done yet, then train to the end."""
    cancel = CancelToken()
    folder: Path = arguments.run
    folder.mkdir(parents=True, exist_ok=True)
    with InterruptSignals(cancel), locked(folder):
        prepare_folder(folder, arguments.lessons, recipe_of(arguments))
        if not arguments.prepare_only:
            train_folder(folder, arguments, cancel)
    return EXIT_GREEN


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One training in a folder at a time."""
    lock = FileLock(folder / "lock", timeout=0)
    try:
        with lock:
            yield
    except Timeout as error:
        raise BadUsage(f"Another process trains in {folder}.", "Wait for it, or name another folder.") from error


def recipe_of(arguments: argparse.Namespace) -> Recipe:
    """The recipe of the size, with what the options change."""
    names = (*OF_RECIPE, "renumber")
    changes = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    return replace(SIZES[arguments.size], **changes)


def prepare_folder(folder: Path, lessons: Path, recipe: Recipe) -> None:
    """Recipe, vocabulary and encoded lessons. Raises BadUsage where the folder has those of another training."""
    from trainer.pretrain.prepared import prepare, read_lessons, read_prepared

    known = read_prepared(folder)
    if known is None:
        if not lessons.is_file():
            raise BadUsage(f"There is no file {lessons}.", "Name a file that `data` made.")
        tell(f"reading {lessons.name}")
        write_recipe(folder / "recipe.json", recipe)
        prepare(read_lessons(lessons), sha256_of(lessons), folder, recipe)
        return
    remedy = "Name another folder, or give the same lessons and options."
    begun = read_recipe(folder / "recipe.json")
    may_differ = not (has_descended(folder, begun) or has_descended(folder, recipe))
    if recipe != (replace(begun, steps=recipe.steps) if may_differ else begun):
        raise BadUsage(f"{folder} is of a training with another recipe.", remedy)
    if lessons.exists() and sha256_of(lessons) != known.lessons_hash:
        raise BadUsage(f"{folder} is of a training with other lessons.", remedy)
    write_recipe(folder / "recipe.json", recipe)


def train_folder(folder: Path, arguments: argparse.Namespace, cancel: CancelToken) -> None:
    """Train, and say where it ended."""
    from trainer.pretrain.training import Machine, train

    machine = Machine(arguments.device, arguments.threads, arguments.processes, not arguments.exact)
    if not train(folder, machine, cancel, tell):
        raise Interrupted("Stopped; a checkpoint is kept.", "Run the same command again to go on.")


def tell(line: str) -> None:
    """Progress goes where errors go, so that it is seen at once."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
