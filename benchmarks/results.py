"""The results files: one JSON object a benchmark, with its figures, their bars and the command that made them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import REPOSITORY

RESULTS = REPOSITORY / "benchmarks" / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `bar`: what it should be at least (or at most); None where it only informs."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    at_most: bool = False
    measured_on: str = ""
    """What and how often, in a few words: "median of 7 pairs"."""

    @property
    def met(self) -> bool | None:
        if self.bar is None:
            return None
        if math.isnan(self.value):
            return False
        return self.value <= self.bar if self.at_most else self.value >= self.bar


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark found in one run."""

    name: str
    title: str
    command: str
    machine: Mapping[str, str | int]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] | None = None
    """Raw values behind the medians, for whoever doubts them."""


def write_result(result: Result, directory: Path = RESULTS) -> Path:
    """Write `<name>.json` below `directory` and return its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{result.name}.json"
    path.write_text(json.dumps(asdict(result), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def read_result(path: Path) -> Result:
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["figures"] = tuple(Figure(**figure) for figure in raw["figures"])
    raw["notes"] = tuple(raw["notes"])
    return Result(**raw)


def read_results(directory: Path = RESULTS) -> tuple[Result, ...]:
    """All results that are there, by name; reviews and other files beside them are left out."""
    paths = sorted(path for path in directory.glob("*.json") if not path.stem.endswith("_review"))
    return tuple(read_result(path) for path in paths)


def value_text(value: float, unit: str) -> str:
    """A figure as people write it: `1.93x`, `22.4 %`, `143 ms`, `0.31 ms`, `8.2 s`, `279`."""
    if math.isnan(value):
        return "not measured"
    if unit == "x":
        return f"{value:.2f}x"
    if unit == "%":
        return f"{value:.1f} %"
    if unit == "s":
        return f"{value:.1f} s"
    if unit == "ms":
        # Whole numbers tell nothing of what takes less than a few.
        return f"{value:.2f} ms" if abs(value) < 10 and not float(value).is_integer() else f"{value:.0f} ms"
    number = f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"
    return f"{number} {unit}".strip()


def bar_text(figure: Figure) -> str:
    if figure.bar is None:
        return ""
    return f"{'<=' if figure.at_most else '>='} {value_text(figure.bar, figure.unit)}"


def met_text(figure: Figure) -> str:
    return {None: "", True: "yes", False: "NO"}[figure.met]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Plain columns, the first row being the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def result_text(result: Result) -> str:
    """What is printed at the end of a benchmark."""
    rows = [("figure", "value", "bar", "met", "measured on")]
    rows += [
        (figure.name, value_text(figure.value, figure.unit), bar_text(figure), met_text(figure), figure.measured_on)
        for figure in result.figures
    ]
    notes = "".join(f"\nNote: {note}" for note in result.notes)
    return f"{result.title}\n{table(rows)}{notes}"
