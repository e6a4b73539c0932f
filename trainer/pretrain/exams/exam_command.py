"""`python -m trainer.pretrain exam`: makes the items that the seed model is measured on."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sleepy_agent.process import CancelToken, InterruptSignals
from trainer.pretrain.exams.items import SIDES, Item, write_items
from trainer.pretrain.exams.making import ExamPlan, make_items
from trainer.pretrain.split import origin_of

__all__ = ["add_arguments", "run", "summary_of"]

SEED: Final = "exam"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `exam`."""
    parser.add_argument("--side", choices=SIDES, default="report", help="whose templates and crates (default: report)")
    parser.add_argument("--count", type=int, default=700, help="how many items (default: 700)")
    parser.add_argument("--seed", default=SEED, help=f"a text; the same one makes the same items (default: {SEED})")
    parser.add_argument("--out", type=Path, required=True, help="the file of JSON lines")
    parser.epilog = "Items of what is held back from training are made by `python -m trainer.pretrain held-back`."
    parser.add_argument("--no-crates", action="store_true", help="made programs alone: nothing is fetched")


def run(arguments: argparse.Namespace) -> int:
    """Make the items and say what they are."""
    cancel = CancelToken()
    started = time.monotonic()
    counts: Counter[str] = Counter()

    def progress(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - started:7.1f} s  {text}\n")
        sys.stderr.flush()

    plan = ExamPlan(arguments.seed, arguments.side, arguments.count, with_crates=not arguments.no_crates)
    with InterruptSignals(cancel), tempfile.TemporaryDirectory(prefix="sleepy-exam-") as scratch:
        items = make_items(plan, Path(scratch) / "work", cancel, progress, counts)
    write_items(arguments.out, items)
    summary = {"seed": plan.seed, "side": plan.side, **summary_of(items), "counts": dict(counts.most_common())}
    arguments.out.with_suffix(".summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    progress(f"{len(items)} items in {arguments.out}")
    return 0


def summary_of(items: Sequence[Item]) -> dict[str, object]:
    """What the items are."""
    return {
        "items": len(items),
        "kind": dict(Counter(item.kind for item in items).most_common()),
        "family": dict(Counter(item.family for item in items).most_common()),
        "code": dict(Counter(item.code or "none" for item in items).most_common()),
        "mutation groups": dict(Counter(item.mutation.partition(".")[0] for item in items).most_common()),
        "origins": len({origin_of(item.source) for item in items}),
        "with a behaviour test": sum(bool(item.behaviour) for item in items),
        "rustc offers nothing": sum(not item.is_suggested for item in items),
        "one line": sum(item.lines_changed <= 1 for item in items),
    }
