"""Which lessons train, tune, gate and report: decided by where a program comes from, so that no template and no crate
is on two sides."""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["SHARES", "origin_of", "split_of"]

SHARES: Final = (("train", 0.79), ("tune", 0.04), ("gate", 0.04), ("report", 0.13))
"""Of the origins, not of the lessons."""
_CRATE: Final = "crate:"


def split_of(source: str) -> str:
    """The side that a source is on. The same for ever: what is added later moves nothing."""
    digest = hashlib.sha256(f"seed-split:{origin_of(source)}".encode()).digest()
    place, reached = int.from_bytes(digest[:8], "big") / 2**64, 0.0
    for name, share in SHARES:
        reached += share
        if place < reached:
            return name
    return SHARES[-1][0]


def origin_of(source: str) -> str:
    """What must not be on two sides: a template without its variant, a crate without version, file and item.

    `template:NAME#VARIANT`, `crate:NAME-VERSION/path.rs::item`.
    """
    if source.startswith(_CRATE):
        return source.partition("/")[0].rpartition("-")[0]
    return source.partition("#")[0]
