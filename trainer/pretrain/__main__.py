"""`python -m trainer.pretrain COMMAND`: makes the seed model's data, trains it, writes its file."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Final

from sleepy_agent.cli.main import Parser
from sleepy_agent.errors import SleepyError

COMMANDS: Final = {
    "data": ("trainer.pretrain.data", "make lessons: programs, broken and judged by rustc"),
    "train": ("trainer.pretrain.train_command", "train a model on lessons; the same again goes on where it stopped"),
    "exam": ("trainer.pretrain.exams.exam_command", "make broken programs that nobody learns from"),
    "evaluate": ("trainer.pretrain.exams.evaluate_command", "measure a model and other sources on such programs"),
    "held-back": ("trainer.pretrain.heldback.command", "write exam items of what is kept out of pretraining"),
    "export": ("trainer.pretrain.export_command", "write a trained model as a GGUF file"),
    "ship": ("trainer.pretrain.ship_command", "put a trained model, and its card, where it is shipped with Sleepy"),
}
"""The module of each command, with `add_arguments` and `run`, and what the command does. Only the chosen one is
imported."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    parser = Parser(
        prog="python -m trainer.pretrain",
        description="Makes the seed model: a small model that repairs Rust, trained from scratch.",
        allow_abbrev=False,
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", required=True)
    for name, (where, summary) in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.", allow_abbrev=False
        )
        if words[:1] == [name]:
            module = importlib.import_module(where)
            module.add_arguments(subparser)
            subparser.set_defaults(run_command=module.run)
    try:
        arguments = parser.parse_args(words)
        code: int = arguments.run_command(arguments)
    except SleepyError as error:
        sys.stderr.write(f"{error.message}\n{error.remedy}\n")
        return error.exit_code
    return code


if __name__ == "__main__":
    sys.exit(main())
