"""The model that comes with Sleepy: the seed, trained by this project (trainer/pretrain), a file of the package.

It is asked where nobody has fetched or chosen another one. Beside it lie its card, as text for people and as a record
for programs; `python -m trainer.pretrain ship` puts all three there.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sleepy_agent.config import NO_MODEL, Places
from sleepy_agent.serving.manifest import SHA256

SEED: Final = "seed"
RESERVED: Final = frozenset({SEED, NO_MODEL})
"""No other model is called so."""
CARD_TEXT: Final = "card.md"
CARD_RECORD: Final = "card.json"
SERVING: Final = ("httpx", "llama_cpp", "uvicorn")
"""Packages that tell whether the extra `serve` is installed."""


def shipped_file(places: Places) -> Path | None:
    """Its file; None where this installation came without one."""
    file = places.shipped_model
    return file if file is not None and file.is_file() else None


def shipped_is_usable(places: Places) -> bool:
    """Whether it can be asked without anything being installed. Imports nothing."""
    return shipped_file(places) is not None and all(find_spec(name) is not None for name in SERVING)


def known_sha256(file: Path) -> str | None:
    """Its checksum as its card has it; None where the card is of another file."""
    card = card_of(file)
    sha256 = card.get("sha256")
    try:
        is_of_it = card.get("size_bytes") == file.stat().st_size
    except OSError:
        return None
    return sha256 if is_of_it and isinstance(sha256, str) and SHA256.fullmatch(sha256) else None


def card_of(file: Path) -> dict[str, Any]:
    """The card beside a shipped model, as a record; empty where there is none."""
    try:
        record = json.loads(file.with_name(CARD_RECORD).read_bytes())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def card_text_of(file: Path) -> str | None:
    """The same for people, in Markdown."""
    try:
        return file.with_name(CARD_TEXT).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
