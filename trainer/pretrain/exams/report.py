"""What an evaluation prints and writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from sleepy_agent.cli.koans_report import share_text
from sleepy_agent.errors import BadUsage
from sleepy_agent.koans.scores import Share
from trainer.pretrain.exams.comparing import Comparison
from trainer.pretrain.exams.results import ItemResult, Score, scores_of

__all__ = ["SCHEMA", "Setting", "comparison_text", "read_solved", "table_of", "written"]

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Setting:
    """What was measured, and how. `way`: "engine", the product's own search, or "quick", the same questions with
    answers judged in batches; `items` and `model`: file names with their SHA-256."""

    way: str
    items: str
    items_sha256: str
    model: str
    model_sha256: str
    sources: tuple[str, ...]
    samples: int
    rounds: int
    seconds: float
    only_family: tuple[str, ...]
    first: int


def written(setting: Setting, command: Sequence[str], results: Sequence[ItemResult]) -> str:
    """The result file."""
    said = {
        "schema": SCHEMA,
        "command": list(command),
        **asdict(setting),
        "scores": [asdict(one) for one in scores_of(results)],
        "items_measured": [asdict(one) for one in results],
    }
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def read_solved(file: Path) -> dict[str, bool]:
    """Which items of a result file are verified, by id. Raises BadUsage."""
    try:
        said: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return {one["id"]: bool(one["verified"]) for one in said["items_measured"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadUsage(f"{file} is no result of an evaluation: {error}.", "`--out` names such a file.") from error


def table_of(setting: Setting, results: Sequence[ItemResult]) -> str:
    """A line for each group of items."""
    scores = scores_of(results)
    columns = [("", [one.name for one in scores])]
    if setting.sources == ("model",):
        # Where others are asked, too, the model's first answer is often not waited for.
        columns += [("greedy", [shown(one.greedy) for one in scores])]
    columns += [("verified", [shown(one.verified) for one in scores])]
    columns += [("behaves", [shown(one.behaves, short=True) for one in scores])]
    columns += [("original", [shown(one.original, short=True) for one in scores])]
    if setting.model:
        columns += [("p50/p95 ms", [times_text(one) for one in scores])]
        columns += [("of which model", [model_times_text(one) for one in scores])]
        columns += [("rounds", [f"{one.rounds:.1f}" for one in scores])]
    asked = f"; {setting.model}, {setting.samples} samples, {setting.rounds} rounds" if setting.model else ""
    head = f"{', '.join(setting.sources)} ({setting.way}{asked}). Intervals: Wilson, 95 %."
    lost = sum(not one.is_reproduced for one in results)
    tail = [f"{lost} items gave another error here than when they were made; they count as not mended."] if lost else []
    return "\n".join([head, *rows_of(columns), *tail])


def shown(share: Share, *, short: bool = False) -> str:
    """A share, or nothing where there is nobody."""
    return share_text(share, short=short) if share.total else "-"


def times_text(score: Score) -> str:
    """`180/620`."""
    return pair_text(score.median_milliseconds, score.late_milliseconds)


def model_times_text(score: Score) -> str:
    return pair_text(score.median_model_milliseconds, score.late_model_milliseconds)


def pair_text(middle: float | None, late: float | None) -> str:
    return "-" if middle is None or late is None else f"{middle:.0f}/{late:.0f}"


def rows_of(columns: Sequence[tuple[str, Sequence[str]]]) -> Iterable[str]:
    """Columns side by side, each as wide as its widest cell."""
    widths = [max(map(len, (head, *cells))) for head, cells in columns]
    for line in zip(*((head, *cells) for head, cells in columns), strict=True):
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()


def comparison_text(one: Comparison) -> str:
    """A comparison in a few lines."""
    return "\n".join(
        [
            f"items      {one.count}",
            f"with       {shown(one.with_it)}",
            f"without    {shown(one.without)}",
            f"difference {one.points:+.1f} points: {one.gained} gained, {one.lost} lost, McNemar p = {one.chance:.2g}",
            f"of what is unsolved without: {shown(one.of_unsolved)}",
        ]
    )
