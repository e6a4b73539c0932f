"""Which candidates nothing but a test decides between, and which of two changes are one and the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sleepy_agent.code.edits import common_prefix_length, common_suffix_length
from sleepy_agent.domain import Applicability
from sleepy_agent.fixes.rank import TOKEN, RankedCandidate

# Where neither is known to keep the program's behaviour, so small a difference in cost decides nothing.
NEARLY_THE_SAME_COST = 0.05
# A change that keeps behaviour, or that rustc is sure of, is beaten by nothing but what is as good as equal to it.
HARDLY_ANOTHER_COST = 0.02
# Of this many characters around two texts that differ, tokens are compared: an edit may begin inside one.
CONTEXT = 200


def is_rival(best: RankedCandidate, other: RankedCandidate) -> bool:
    """Whether `other`, if it passes as `best` did, leaves it open which of them is meant."""
    if best.question is not None and best.question == other.question:
        return True
    if best.candidate.keeps_behaviour and other.candidate.keeps_behaviour:
        return False
    if not other.may_be_preferred and best.may_be_preferred:
        return False
    is_decided = best.candidate.keeps_behaviour != other.candidate.keeps_behaviour or is_sure(best) != is_sure(other)
    return other.cost - best.cost <= (HARDLY_ANOTHER_COST if is_decided else NEARLY_THE_SAME_COST)


def is_sure(ranked: RankedCandidate) -> bool:
    """Whether rustc itself says that this is what was meant."""
    return ranked.candidate.applicability == Applicability.MACHINE_APPLICABLE and ranked.candidate.steps == 1


def same_tokens(first: Mapping[Path, bytes], second: Mapping[Path, bytes]) -> bool:
    """Whether two changes lead to the same texts but for blanks and line ends."""
    return first.keys() == second.keys() and all(same_code(first[path], second[path]) for path in first)


def same_code(first: bytes, second: bytes) -> bool:
    """Whether two texts are the same tokens. Only the stretch that differs is read."""
    if first == second:
        return True
    start = max(0, common_prefix_length(first, second) - CONTEXT)
    end = max(0, common_suffix_length(first, second, min(len(first), len(second)) - start) - CONTEXT)
    texts = [text[start : len(text) - end].decode(errors="replace") for text in (first, second)]
    if '"' in texts[0] + texts[1]:
        # Blanks inside a string are no blanks between tokens.
        return False
    return TOKEN.findall(texts[0]) == TOKEN.findall(texts[1])


def next_to_try(
    best: RankedCandidate, cost_of_best: float, untried: Sequence[RankedCandidate], most: int
) -> list[RankedCandidate]:
    """What must still be compiled before `best`, which passed, may be called the best: its rivals, and whatever
    stands before it since the compiler's warnings have moved it back."""
    wanted = [
        other for other in untried if is_rival(best, other) or (other.may_be_preferred and other.cost < cost_of_best)
    ]
    return wanted[:most]
