"""The record of an exam: one broken program that nobody has learnt from, with all that its repair is judged by.

Items come from the sides tune, gate and report, or from families that are held back from training altogether. A file of
them has one JSON object a line.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from sleepy_agent.errors import SleepyError

__all__ = ["SIDES", "BadItems", "BreakingEdit", "Item", "item_id", "read_items", "write_items"]

SIDES: Final = ("tune", "gate", "report")
"""What may be examined; "learn" is what held-back families have beside it (`trainer.pretrain.heldback`)."""


class BadItems(SleepyError):
    """A file that should hold exam items does not."""


@dataclass(frozen=True, slots=True)
class BreakingEdit:
    """Bytes `start`..`end` of a right file become `replacement`."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True)
class Item:
    """One broken program.

    `id` is `item_id` of the item. `kind` is "template" (a program of one file, `src/lib.rs`) or "crate" (a file of a
    published crate). `source`, `mutation`, `family` and `code` are as a lesson has them, `side` is one of `SIDES`, or
    "learn" for items that a night may learn from. `is_suggested`: whether rustc offers any suggestion of any
    applicability. `lines_changed`: lines that the right answer touches.

    A template item has `broken` and `right` (whole texts) and, where there is one, `behaviour` (the body of a
    `mod tests` that passes on `right`). `dependencies` are the lines of the `[dependencies]` of its manifest: a crate's
    name and what stands behind `=`, as TOML, such as `("serde", '{ version = "1", features = ["derive"] }')`. A `path`
    in it is relative to the folder `trainer/pretrain/heldback`, of which the evaluation lays a copy beside the program.
    `house_rule` names the rule of the house style that the right text keeps to; evaluation then says apart what
    compiles and what is the house's way (equal to `right` but for white space).

    A crate item has `crate` (NAME-VERSION, as in `trainer.pretrain.crates`), `file` (the path in it) and `edits`, which
    break that file.
    """

    id: str
    kind: str
    source: str
    mutation: str
    family: str
    code: str
    side: str
    is_suggested: bool
    lines_changed: int
    broken: str = ""
    right: str = ""
    behaviour: str = ""
    dependencies: tuple[tuple[str, str], ...] = ()
    house_rule: str = ""
    crate: str = ""
    file: str = ""
    edits: tuple[BreakingEdit, ...] = ()


def item_id(source: str, mutation: str, broken: str) -> str:
    """Sixteen hexadecimal digits that stay the same for the same mistake in the same program."""
    return hashlib.sha256("\0".join((source, mutation, broken)).encode()).hexdigest()[:16]


def write_items(file: Path, items: Iterable[Item]) -> None:
    """An item a line. Whoever reads sees all of it or nothing."""
    fresh = file.with_name(f"{file.name}.new")
    with fresh.open("w", encoding="utf-8") as lines:
        for item in items:
            said = {name: value for name, value in asdict(item).items() if value not in ("", ())}
            lines.write(json.dumps(said, ensure_ascii=False) + "\n")
    fresh.replace(file)


def read_items(file: Path) -> tuple[Item, ...]:
    """The items of a file. Raises BadItems."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadItems(
            f"{file} cannot be read: {error.strerror}.", "`python -m trainer.pretrain exam` makes such a file."
        ) from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(item_from(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadItems(
                f"Line {number} of {file} is no exam item: {error}.",
                "Make the file again with `python -m trainer.pretrain exam`.",
            ) from error
    return tuple(found)


def item_from(said: Mapping[str, Any]) -> Item:
    """An item as JSON has it."""
    known = {one.name for one in fields(Item)}
    if unknown := sorted(set(said) - known):
        raise ValueError(f"it has the unknown fields {', '.join(unknown)}")
    values = {"family": "", "code": "", **said}
    values["dependencies"] = tuple((name, text) for name, text in said.get("dependencies", ()))
    values["edits"] = tuple(BreakingEdit(**edit) for edit in said.get("edits", ()))
    return Item(**values)
