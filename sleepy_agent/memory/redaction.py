"""Takes secrets out of text before it is stored. What counts as one stands in redaction.toml."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache, reduce
from pathlib import Path
from typing import Final

from sleepy_agent.domain import Episode

_PLACEHOLDER: Final = re.compile(r"\[redacted:[a-z-]+\]")


@dataclass(frozen=True, slots=True)
class RedactionPattern:
    """Replaces the group `secret` of `regex` by `[redacted:NAME]`."""

    name: str
    regex: re.Pattern[str]


@cache
def redaction_patterns() -> tuple[RedactionPattern, ...]:
    """The patterns of redaction.toml, in order. Cached because every caller gets the same frozen records."""
    document = tomllib.loads(Path(__file__).with_name("redaction.toml").read_text(encoding="utf-8"))
    return tuple(
        RedactionPattern(
            name=pattern["name"],
            regex=re.compile(pattern["regex"], re.DOTALL if pattern.get("multiline", False) else re.NOFLAG),
        )
        for pattern in document["pattern"]
    )


def redact(text: str, patterns: tuple[RedactionPattern, ...] | None = None) -> str:
    """`text` with every secret replaced by `[redacted:NAME]`. Redacting twice changes nothing."""
    in_order = redaction_patterns() if patterns is None else patterns
    # What is taken out may lay bare the beginning of another secret, so it goes on until nothing changes. That ends:
    # a replacement always takes away text that is no placeholder, or makes one placeholder of several.
    while (redacted := reduce(_redact_one, in_order, text)) != text:
        text = redacted
    return text


def redact_episode(episode: Episode) -> Episode:
    """`episode` with the secrets taken out of every field that may quote source text or a command."""
    return replace(
        episode,
        message=redact(episode.message),
        title=redact(episode.title),
        diff_unified=redact(episode.diff_unified),
        verdict=redact(episode.verdict),
        settled_text=None if episode.settled_text is None else redact(episode.settled_text),
        metadata={key: redact(value) for key, value in episode.metadata.items()},
    )


def _redact_one(text: str, pattern: RedactionPattern) -> str:
    placeholder = f"[redacted:{pattern.name}]"

    def without_secret(match: re.Match[str]) -> str:
        # What an earlier pattern took out stays as it said it.
        if _PLACEHOLDER.fullmatch(match["secret"]):
            return match[0]
        start, end = match.start("secret") - match.start(), match.end("secret") - match.start()
        return match[0][:start] + placeholder + match[0][end:]

    return pattern.regex.sub(without_secret, text)
