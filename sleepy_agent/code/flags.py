"""The table of flags (flags.toml): what an edit may do that a reviewer wants to be told. `changes.py` finds them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Flag:
    """One entry of flags.toml."""

    name: str
    says: str
    cost: float
    blocks_preference: bool
    refused: bool
    inserted: re.Pattern[str] | None
    waived_by: re.Pattern[str] | None


@cache
def all_flags() -> dict[str, Flag]:
    """The table of flags by name."""
    raw = tomllib.loads(files("sleepy_agent.code").joinpath("flags.toml").read_text(encoding="utf-8"))
    return {
        name: Flag(
            name=name,
            says=entry["says"],
            cost=entry["cost"],
            blocks_preference=entry["blocks_preference"],
            refused=entry.get("refused", False),
            inserted=re.compile(entry["inserted"]) if "inserted" in entry else None,
            waived_by=re.compile(entry["waived_by"]) if "waived_by" in entry else None,
        )
        for name, entry in raw["flag"].items()
    }
