"""`python -m trainer.pretrain export`: a trained network as a GGUF file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sleepy_agent.errors import EXIT_GREEN, ModelError
from sleepy_agent.process import CancelToken, InterruptSignals


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `export`."""
    parser.add_argument("--run", type=Path, required=True, metavar="RUN", help="the folder of a training")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the file to write, such as seed.gguf")
    parser.add_argument("--name", default="seed", help="what the model is called (default: %(default)s)")
    parser.add_argument(
        "--format", choices=["f32", "f16", "q8_0"], default="q8_0", help="what it is stored in (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the file and say how large it is."""
    from tokenizers import Tokenizer

    from trainer.pretrain.export import write_gguf
    from trainer.pretrain.network import count_parameters
    from trainer.pretrain.training import CHECKPOINT, read_network

    folder: Path = arguments.run
    if not (folder / CHECKPOINT).exists():
        raise ModelError(f"{folder} has no checkpoint.", "Train first (train --run).")
    cancel = CancelToken()
    with InterruptSignals(cancel):
        network, steps = read_network(folder)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        file = write_gguf(network, tokenizer, arguments.out, name=arguments.name, form=arguments.format, cancel=cancel)
    size, parameters = file.stat().st_size / 1e6, count_parameters(network) / 1e6
    sys.stdout.write(f"{file}: {parameters:.1f} M parameters after {steps} steps, {size:.1f} MB\n")
    return EXIT_GREEN
