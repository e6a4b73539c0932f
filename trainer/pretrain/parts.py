"""The data is made in parts, each of which depends on the seed and its number alone: rounds of made programs, and
between them groups of published crates. A part that is done is a file; what was stopped goes on with the next one.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import islice
from pathlib import Path
from typing import Final

from sleepy_agent.cargo.toolchain import find_toolchain
from sleepy_agent.process import CancelToken
from trainer.pretrain.leaks import is_a_koan
from trainer.pretrain.records import Lesson, Verified
from trainer.pretrain.rounds import Round, Told, make_round, told_of

__all__ = ["Plan", "make_part", "part_file", "read_part", "recipe_hash", "write_part"]

CRATE_GROUPS: Final = 8
RECIPE: Final = (
    ("trainer.pretrain", ("answers", "behaviour", "judge", "leaks", "lessons", "rounds", "tried", "weights")),
    ("trainer.pretrain.programs", ()),
    ("trainer.pretrain.mutations", ()),
    ("trainer.pretrain.crates", ()),
    ("sleepy_agent.fixes.prompts", ("answers", "compose", "profiles", "view")),
    ("sleepy_agent.code", ("kept_words", "name_abstraction", "std_names")),
    ("sleepy_agent", ("families",)),
)
"""What lessons are made by: packages, and the modules and tables of each by name; all of it where none is named."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made. `count`: lessons; `size`: programs of a round, in thousandths of what `weights.toml` says;
    `crates`: how many pairs of each group of crates, 0 for none."""

    seed: str
    count: int
    size: int
    crates: int

    def group_of(self, number: int) -> int | None:
        """Which group of crates a part is, None for a round: the first parts are both by turns."""
        is_group = self.crates > 0 and number % 2 == 1 and number < 2 * CRATE_GROUPS
        return number // 2 if is_group else None


def make_part(plan: Plan, number: int, folder: Path, cancel: CancelToken) -> Round:
    """One part. `folder`: a place to work in. Raises CannotFetch where crates are neither here nor to be had."""
    group = plan.group_of(number)
    if group is None:
        return make_round(plan.seed, number, folder, cancel, plan.size)
    counts = Counter[str]()
    pairs = list(islice(pairs_of_group(group, plan.seed, cancel), plan.crates))
    counts["mistakes verified"] = counts["mistakes verified in crates"] = len(pairs)
    return Round(tuple(told_of(pairs, counts)), counts)


def pairs_of_group(group: int, seed: str, cancel: CancelToken) -> Iterator[Verified]:
    """The verified pairs of every eighth crate."""
    from trainer.pretrain.crates import verified
    from trainer.pretrain.crates.listed import listed_crates

    for one in verified(f"{seed}:{group}", cancel, crates=listed_crates()[group::CRATE_GROUPS]):
        if not is_a_koan(one.broken.program.text):
            yield one


# ---- files ------------------------------------------------------------------------------------------------


def part_file(folder: Path, number: int) -> Path:
    """Where a part lies once it is done."""
    return folder / f"part-{number:05}.jsonl"


def write_part(file: Path, part: Round) -> None:
    """The counts in the first line, then a lesson a line. Whoever reads sees all of it or nothing."""
    lines = [json.dumps(dict(part.counts))]
    lines += [json.dumps({"lesson": asdict(told.lesson), "sketch": told.sketch}) for told in part.told]
    fresh = file.with_suffix(".new")
    fresh.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    fresh.replace(file)


def read_part(file: Path) -> Round:
    """A part as it was written."""
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    told = tuple(Told(Lesson(**record["lesson"]), tuple(record["sketch"])) for record in records)
    return Round(told, Counter(json.loads(head)))


def recipe_hash(plan: Plan) -> str:
    """Changes with everything that parts are made by: what is asked for, our code and tables, the compiler."""
    digest = hashlib.sha256(repr((plan.seed, plan.size, plan.crates)).encode())
    digest.update(find_toolchain(Path()).version.encode())
    for package, names in RECIPE:
        for file in files_below(files(package)):
            if not names or file.name.partition(".")[0] in names:
                digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def files_below(folder: Traversable) -> Iterator[Traversable]:
    """The files of a package, those of its own folders included, by name; no compiled ones."""
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        if one.is_file():
            yield one
        elif one.name != "__pycache__":
            yield from files_below(one)
