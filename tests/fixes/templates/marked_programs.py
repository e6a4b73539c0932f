"""Programs with their mistake written into them: «right|wrong» stands for what was meant and what is there."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.programs import after, context_of, problems_of
from sleepy_agent.fixes.sources.template import TemplateSource

MARK = re.compile(r"«([^¦»]*)¦([^»]*)»")


def right_and_wrong(text: str) -> tuple[str, str]:
    """What was meant, and what is there."""
    return MARK.sub(lambda mark: mark[1], text), MARK.sub(lambda mark: mark[2], text)


def repaired_texts(folder: Path, text: str, edition: str = "2021") -> list[str]:
    """The texts that the templates make of a program, cheapest first, without its blanks."""
    context = context_of(folder, text, edition)
    found = [
        candidate
        for problem in problems_of(folder, text, edition)
        for candidate in TemplateSource(is_strict=True).candidates(problem, context)
    ]
    texts = [after(context, candidate) for candidate in sorted(found, key=lambda candidate: candidate.cost)]
    return [squeezed(text) for text in texts if isinstance(text, str)]


def squeezed(text: str) -> str:
    """A text without blanks."""
    return "".join(text.split())
