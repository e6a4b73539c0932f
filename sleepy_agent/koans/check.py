"""`sleepy koans check`: whether the koans are what they must be."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sleepy_agent.errors import BadUsage
from sleepy_agent.families import load_family_rules
from sleepy_agent.koans.alike import RUN_LENGTH, KoanIndex
from sleepy_agent.koans.compile_checks import compile_complaints
from sleepy_agent.koans.complaints import Complaint
from sleepy_agent.koans.packages import Progress, lay_packages, reachable
from sleepy_agent.koans.records import KoanSet
from sleepy_agent.koans.table_checks import table_complaints
from sleepy_agent.process import CancelToken

MOST_SHARE: Final = 0.5
"""So much of a koan another program may have before it counts as that koan."""
SHORTEST_PROGRAM: Final = 3 * RUN_LENGTH
"""In characters; shorter texts of a record (a code, a name) are no programs."""


def check_koans(
    koans: KoanSet, cancel: CancelToken, progress: Progress, only: frozenset[str] | None = None
) -> list[Complaint]:
    """Everything that is wrong. `only`: look at these koans alone."""
    progress("reading the koans")
    # Koans are the same for everybody, so the user's own families have no say.
    rules = load_family_rules()
    found = table_complaints(koans, rules.families, only)
    chosen = [koan for koan in koans.koans if only is None or koan.name in only]
    with tempfile.TemporaryDirectory(prefix="sleepy-koans-") as name:
        folder = Path(name).resolve()
        there, why = reachable(folder / "resolving", chosen, koans.requirements, cancel)
        for koan in chosen:
            if koan not in there:
                found.append(
                    Complaint(
                        koan.name,
                        f"it was not compiled, because a crate it needs ({', '.join(koan.dependencies)}) is not on this"
                        f" machine ({why}): fetch them, `cargo fetch` in examples/lending_library does it.",
                    )
                )
        if there:
            texts = {koan.name: koan.exercise for koan in there}
            packages = lay_packages(folder, there, texts, koans.requirements)
            found += compile_complaints(packages, there, rules, cancel, progress)
    order = {koan.name: number for number, koan in enumerate(koans.koans)}
    return sorted(found, key=lambda one: order.get(one.koan, len(order)))


def programs_against(koans: KoanSet, file: Path, cancel: CancelToken) -> list[Complaint]:
    """Programs of a file that are koans. Each line is a JSON value; all its longer texts are looked at. Raises
    BadUsage for a file that is not that."""
    index = KoanIndex(koans.koans)
    found = []
    for number, line in enumerate(lines_of(file), 1):
        cancel.raise_if_cancelled()
        try:
            record = json.loads(line)
        except ValueError as error:
            raise BadUsage(f"Line {number} of {file} is no JSON: {error}.", "Give a file of JSON lines.") from error
        for text in texts_in(record):
            nearest = index.nearest(text) if len(text) >= SHORTEST_PROGRAM else None
            if nearest is not None and nearest.share >= MOST_SHARE:
                found.append(
                    Complaint(
                        nearest.koan,
                        f"line {number} of {file.name} has {nearest.share:.0%} of it: take that program out.",
                    )
                )
    return found


def lines_of(file: Path) -> Iterator[str]:
    """The lines of a file that are not empty. Raises BadUsage."""
    try:
        with file.open(encoding="utf-8") as lines:
            yield from (line for line in lines if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise BadUsage(f"{file} cannot be read: {error}.", "Give a file of JSON lines.") from error


def texts_in(record: object) -> Iterator[str]:
    """Every text of a JSON value."""
    if isinstance(record, str):
        yield record
    elif isinstance(record, dict):
        for value in record.values():
            yield from texts_in(value)
    elif isinstance(record, list):
        for value in record:
            yield from texts_in(value)
