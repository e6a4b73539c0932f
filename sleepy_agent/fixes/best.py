"""The best of what passed for a problem, and where the others stand: tied, behind, or the same text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.fixes.attempts import TriedAttempt, with_flag
from sleepy_agent.fixes.pursuits import FoundFix, Pursuit, standing, warned_of
from sleepy_agent.fixes.rank import blocks_preference
from sleepy_agent.fixes.taken import function_around
from sleepy_agent.fixes.ties import is_rival, same_tokens
from sleepy_agent.fixes.warnings import unused_names

ReadText = Callable[[Path], bytes]


def best_of(pursuit: Pursuit, read: ReadText) -> FoundFix:
    """What to offer for a problem that something passed for. `read`: the text that it was found in."""
    problem = pursuit.problem
    pursuit.passed = told_apart(pursuit, read)
    best = pursuit.best
    texts = [texts_of(best, read)]
    tied: list[TriedAttempt] = []
    others: list[TriedAttempt] = []
    for other in sorted(pursuit.passed, key=lambda tried: standing(tried, problem)):
        own = texts_of(other, read)
        if other is best or any(same_tokens(own, known) for known in texts):
            continue
        texts.append(own)
        is_out = blocks_preference(warned_of(other, problem)) and not blocks_preference(warned_of(best, problem))
        is_open = not is_out and is_rival(best.attempt.ranked, other.attempt.ranked)
        (tied if is_open else others).append(other)
    return FoundFix(problem, best, tuple(tied), tuple(others))


def has_equal(pursuit: Pursuit, read: ReadText) -> bool:
    """Whether something passed for a problem that leaves it open which of them is meant."""
    best = pursuit.best
    return any(
        other is not best
        and is_rival(best.attempt.ranked, other.attempt.ranked)
        and not same_tokens(texts_of(best, read), texts_of(other, read))
        for other in pursuit.passed
    )


def texts_of(tried: TriedAttempt, read: ReadText) -> Mapping[Path, bytes]:
    """What an attempt makes of the text by itself: its compile may have been shared with others."""
    texts = apply_edits(tried.attempt.ranked.candidate.edits, read)
    assert not isinstance(texts, EditConflict), "it was compiled"
    return texts


def told_apart(pursuit: Pursuit, read: ReadText) -> list[TriedAttempt]:
    """What passed, each flagged where it leaves something unused in the function that another one uses."""
    place = function_around(pursuit.problem, read)
    if place is None or len(pursuit.passed) < 2:
        return pursuit.passed
    unused = [unused_names(tried.trial, place, read) for tried in pursuit.passed]
    fewest = frozenset.intersection(*unused)
    return [
        with_flag(tried, "left_unused") if names > fewest else tried
        for tried, names in zip(pursuit.passed, unused, strict=True)
    ]
