"""docs/protocol.md in parts: headings, examples, tables."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
SECTIONS = {
    title.strip().strip("`"): body for title, body in re.findall(r"^##+ (.*)\n((?:(?!^##+ ).*\n)*)", PAGE, re.MULTILINE)
}


def examples(section: str) -> list[Any]:
    """The JSON examples below a heading."""
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", SECTIONS[section], re.DOTALL)]


def first_column(section: str) -> list[str]:
    """What the table below a heading names."""
    return re.findall(r"^\| `([^`]+)` \|", SECTIONS[section], re.MULTILINE)


def keys_of(value: object) -> object:
    """The shape of a value: the keys of its objects, the kinds of all else."""
    if isinstance(value, dict):
        return {key: keys_of(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [keys_of(inner) for inner in value[:1]]
    return type(value).__name__
