"""A prompt that is too long loses its least important parts, never those it cannot do without (the error itself)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sleepy_agent.serving.engine import PromptPart

NEARLY = 1.2
"""The sum of the parts' tokens is mostly a little more than those of the whole, which has fewer borders."""


def fit_parts(parts: Sequence[PromptPart], most_tokens: int, count_tokens: Callable[[str], int]) -> str | None:
    """The text of all parts that fit into `most_tokens`, in their order; None where the needed ones alone do not.

    The least important part goes first; of equally important ones the last.
    """
    kept = list(range(len(parts)))
    text = _join(parts, kept)
    if count_tokens(text) <= most_tokens:
        return text
    # Parts are counted one by one first: their sum is close to the whole, which is counted again only near the limit.
    sizes = [count_tokens(part.text) for part in parts]
    droppable = sorted(
        (index for index in kept if parts[index].importance is not None),
        key=lambda index: (parts[index].importance or 0.0, -index),
    )
    total = sum(sizes)
    for index in droppable:
        kept.remove(index)
        total -= sizes[index]
        if total <= most_tokens * NEARLY:
            text = _join(parts, kept)
            if count_tokens(text) <= most_tokens:
                return text
    text = _join(parts, kept)
    return text if count_tokens(text) <= most_tokens else None


def _join(parts: Sequence[PromptPart], kept: Sequence[int]) -> str:
    return "".join(parts[index].text for index in kept)
