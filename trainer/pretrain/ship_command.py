"""`python -m trainer.pretrain ship`: puts a trained model, and its card, where it is shipped with Sleepy."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from sleepy_agent.config import SHIPPED_MODEL
from sleepy_agent.errors import EXIT_GREEN, BadUsage, ModelError, cannot_write
from sleepy_agent.process import CancelToken, InterruptSignals
from sleepy_agent.serving.files.gguf_header import validate_base
from sleepy_agent.serving.manifest import write_atomically
from sleepy_agent.serving.models.shipped import CARD_RECORD, CARD_TEXT, SEED, card_of

LARGEST_BYTES: Final = 24_000_000
SCHEMA: Final = 1
DATA_COMMAND: Final = "python -m trainer.pretrain data --seed SEED --count COUNT --out lessons.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `ship`."""
    parser.epilog = (
        "Without --run the shipped file stays, and only the results in its card are replaced. Results count for "
        "exactly one file: whoever measured an export names it with --file, so that it is shipped as it is."
    )
    parser.add_argument("--run", type=Path, metavar="RUN", help="the folder of the training")
    parser.add_argument("--file", type=Path, metavar="FILE", help="what was exported from RUN (default: export it now)")
    parser.add_argument("--steps", type=int, metavar="N", help="the steps of FILE, where RUN has gone on since then")
    parser.add_argument(
        "--format", choices=["f16", "q8_0"], default="q8_0", help="of the export (default: %(default)s)"
    )
    parser.add_argument("--data", type=Path, metavar="SUMMARY", help="the summary that `data` wrote beside its lessons")
    parser.add_argument("--data-command", default=DATA_COMMAND, metavar="TEXT", help="the command that made them")
    parser.add_argument("--machine", default="2 cores", metavar="TEXT", help="on what it was trained")
    parser.add_argument(
        "--results",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="what `evaluate --out` or `sleepy koans run --json` wrote of this file",
    )
    parser.add_argument(
        "--to", type=Path, default=SHIPPED_MODEL, metavar="FILE", help="instead of the place in the package"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the file and its card. Where anything is wrong nothing is changed."""
    from trainer.pretrain.card import card_text, data_facts, file_facts, read_results, training_facts

    target: Path = arguments.to
    cancel = CancelToken()
    with InterruptSignals(cancel), tempfile.TemporaryDirectory() as scratch:
        if arguments.run is None:
            if arguments.file is not None or arguments.data is not None:
                raise BadUsage("--file and --data go with --run.", "Name the folder of the training, too.")
            file, card = target, shipped_card(target)
        else:
            if arguments.data is None:
                raise BadUsage("The card needs the summary of the data.", "Name it with --data.")
            data = data_facts(arguments.data, arguments.data_command)
            file, steps = trained_file(arguments, Path(scratch) / target.name, cancel)
            training = training_facts(arguments.run, steps, arguments.machine)
            card = file_facts(file) | {"data": data, "training": training}
        card = {"schema": SCHEMA, **card, "results": read_results(arguments.results, card["sha256"])}
        text = card_text(card)
        if file != target:
            put(file, target)
        write_atomically(target.with_name(CARD_RECORD), json.dumps(card, indent=1, ensure_ascii=False).encode() + b"\n")
        write_atomically(target.with_name(CARD_TEXT), text.encode())
    measured = len(card["results"])
    sys.stdout.write(
        f"{target}: {card['parameters'] / 1e6:.1f} M parameters after {card['training']['steps']} steps,"
        f" {card['size_bytes'] / 1e6:.1f} MB, {measured} {'result' if measured == 1 else 'results'} in its card\n"
    )
    return EXIT_GREEN


def shipped_card(target: Path) -> dict[str, Any]:
    """The card of what is shipped. Raises BadUsage where it is of another file."""
    from trainer.pretrain.card import file_facts

    card = card_of(target)
    if not card or not target.is_file() or card.get("sha256") != file_facts(target)["sha256"]:
        raise BadUsage(f"{target} has no card of its own.", "Ship a training with --run.")
    return card


def trained_file(arguments: argparse.Namespace, fresh: Path, cancel: CancelToken) -> tuple[Path, int]:
    """The file of a training, written as `fresh` where none is named, and its steps. Raises ModelError, Interrupted."""
    from tokenizers import Tokenizer

    from trainer.pretrain.export import write_gguf
    from trainer.pretrain.training import CHECKPOINT, read_network

    run: Path = arguments.run
    if not (run / CHECKPOINT).exists():
        raise ModelError(f"{run} has no checkpoint.", "Train first (train --run).")
    network, steps = read_network(run)
    if arguments.file is not None:
        return arguments.file, arguments.steps or steps
    tokenizer = Tokenizer.from_file(str(run / "tokenizer.json"))
    return write_gguf(network, tokenizer, fresh, name=SEED, form=arguments.format, cancel=cancel), steps


def put(file: Path, target: Path) -> None:
    """Put a model where it is shipped. Raises ModelError for one that is too large or none, CannotWrite."""
    validate_base(file)
    size = file.stat().st_size
    if size > LARGEST_BYTES:
        raise ModelError(
            f"{file.name} has {size / 1e6:.1f} MB; what is shipped has {LARGEST_BYTES / 1e6:.0f} MB at most.",
            "Export it with --format q8_0, or train a smaller one.",
        )
    fresh = target.with_suffix(".new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, fresh)
        fresh.replace(target)
    except OSError as error:
        raise cannot_write(target, error) from error
