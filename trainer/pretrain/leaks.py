"""What must not be in the data: the koans, and the crates of the real-crate benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from sleepy_agent.koans.alike import KoanIndex
from sleepy_agent.koans.records import koans_folder, read_koans
from trainer.pretrain.records import Program

__all__ = ["MOST_SHARE", "is_a_koan", "leaking"]

MOST_SHARE: Final = 0.4
"""So much of a koan a program may have: less than what `sleepy koans check --against` lets pass."""


@cache
def koan_index() -> KoanIndex:
    """All koans, exercises and solutions."""
    return KoanIndex(read_koans(koans_folder()).koans)


def is_a_koan(text: str) -> bool:
    """Whether a program has too much of a koan."""
    found = koan_index().nearest(text)
    return found is not None and found.share > MOST_SHARE


def leaking(programs: Iterable[Program], crates: Iterable[str]) -> Iterator[tuple[Program, str]]:
    """Programs that must not be learnt from, each with the reason. `crates`: names of crates of the benchmark."""
    banned = {name.replace("_", "-") for name in crates}
    for program in programs:
        found = koan_index().nearest(program.text)
        if found is not None and found.share > MOST_SHARE:
            yield program, f"{found.share:.0%} of the koan {found.koan}"
        elif crate_of(program.source) in banned:
            yield program, "a crate of the benchmark"


def crate_of(source: str) -> str | None:
    """The crate of `crate:NAME-VERSION/...`."""
    if not source.startswith("crate:"):
        return None
    return source.removeprefix("crate:").partition("/")[0].rpartition("-")[0].replace("_", "-")
