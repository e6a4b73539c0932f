"""The profiles of `profiles.toml`: how each kind of model is asked."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files


class Style(StrEnum):
    """What a model is given."""

    RAW = "raw"
    CHAT = "chat"


class EditForm(StrEnum):
    """What an answer looks like."""

    LINES = "lines"
    BLOCKS = "blocks"
    ITEM = "item"


class Names(StrEnum):
    """Whose names a model sees."""

    REAL = "real"
    ABSTRACT = "abstract"


@dataclass(frozen=True, slots=True)
class Profile:
    """One entry of `profiles.toml`, which says what the fields mean."""

    name: str
    models: tuple[re.Pattern[str], ...]
    style: Style
    edits: EditForm
    names: Names
    grammar: bool
    sections: tuple[str, ...]
    code_characters: int
    declaration_characters: int
    max_tokens: int
    temperature: float
    stop: tuple[str, ...]
    flags: frozenset[str]
    instruction: str


@cache
def all_profiles() -> tuple[Profile, ...]:
    """Every profile, in the order of the file."""
    table = tomllib.loads(files(__package__).joinpath("profiles.toml").read_text(encoding="utf-8"))
    return tuple(
        Profile(
            **{
                **entry,
                "models": tuple(re.compile(one, re.IGNORECASE) for one in entry["models"]),
                "style": Style(entry["style"]),
                "edits": EditForm(entry["edits"]),
                "names": Names(entry["names"]),
                "sections": tuple(entry["sections"]),
                "stop": tuple(entry["stop"]),
                "flags": frozenset(entry["flags"]),
                "instruction": entry["instruction"].strip(),
            }
        )
        for entry in table["profile"]
    )


def profile_for(model_id: str) -> Profile:
    """The first profile that fits a model."""
    profiles = all_profiles()
    return next((one for one in profiles if any(name.search(model_id) for name in one.models)), profiles[-1])
