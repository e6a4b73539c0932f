"""The tables of words.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def wrong_words(table: str) -> Mapping[str, tuple[str, ...]]:
    """What is written instead, by the right word."""
    content = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    return {right: tuple(wrong) for right, wrong in content[table].items()}
