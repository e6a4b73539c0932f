"""`python -m trainer.pretrain held-back`: writes exam items of what is kept out of pretraining."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from sleepy_agent.process import CancelToken, InterruptSignals
from trainer.pretrain.exams.items import write_items
from trainer.pretrain.heldback.dependencies import externs_folder
from trainer.pretrain.heldback.house_style import FAMILY
from trainer.pretrain.heldback.making import Plan, make_items, templates_of
from trainer.pretrain.heldback.sides import SIDES
from trainer.pretrain.lessons import HELD_BACK

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `held-back`."""
    parser.add_argument("--side", choices=SIDES, required=True, help="to learn from, for the gate, or to report")
    parser.add_argument("--out", type=Path, required=True, help="the file of JSON lines")
    parser.add_argument(
        "--family",
        action="append",
        choices=sorted({*HELD_BACK, FAMILY}),
        default=[],
        help="this one alone; may be said several times (default: all)",
    )
    parser.add_argument("--seed", default="sleepy", help="a text; the same one makes the same items (default: sleepy)")


def run(arguments: argparse.Namespace) -> int:
    """Make the items of one side and say what they are."""
    cancel, started = CancelToken(), time.monotonic()

    def progress(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - started:7.1f} s  {text}\n")

    with InterruptSignals(cancel), tempfile.TemporaryDirectory(prefix="sleepy-held-back-") as scratch:
        plan = Plan(arguments.seed, arguments.side)
        folder = Path(scratch) / "work"
        items = make_items(plan, folder, externs_folder(), cancel, progress, arguments.family)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    write_items(arguments.out, items)
    counts = Counter(FAMILY if one.house_rule else one.family for one in items)
    origins = templates_of(items)
    for family, count in sorted(counts.items()):
        progress(f"{family}: {count} items of {origins[family]} templates or origins")
    progress(f"{len(items)} items in {arguments.out}")
    return 0
