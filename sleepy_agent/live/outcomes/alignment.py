"""Two sequences side by side (lines, tokens): what both have, where they differ, what is still there. Pure."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher

from sleepy_agent.code.edits import count_equal

# Comparing takes quadratic time at worst, so longer stretches are divided first.
MOST_ITEMS_COMPARED = 1500


def matching_blocks(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int, int]]:
    """Stretches that both have, in the order of both: (start in the first, start in the second, length)."""
    head = count_equal(before, after)
    tail = count_equal(before[head:][::-1], after[head:][::-1])
    middle_before, middle_after = before[head : len(before) - tail], after[head : len(after) - tail]
    blocks = [(0, 0, head)] if head else []
    blocks += [(head + one, head + other, size) for one, other, size in middle_blocks(middle_before, middle_after)]
    if tail:
        blocks.append((len(before) - tail, len(after) - tail, tail))
    return blocks


def middle_blocks(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int, int]]:
    """As `matching_blocks`. Where both are long they are divided at what each has exactly once, in the same order."""
    if max(len(before), len(after)) <= MOST_ITEMS_COMPARED:
        matcher = SequenceMatcher(None, before, after, autojunk=False)
        return [(one.a, one.b, one.size) for one in matcher.get_matching_blocks() if one.size]
    blocks: list[tuple[int, int, int]] = []
    start, new_start = 0, 0
    for anchor, new_anchor in [*common_anchors(before, after), (len(before), len(after))]:
        gap, new_gap = before[start:anchor], after[new_start:new_anchor]
        if gap and new_gap and max(len(gap), len(new_gap)) <= MOST_ITEMS_COMPARED:
            blocks += [(start + one, new_start + other, size) for one, other, size in middle_blocks(gap, new_gap)]
        if anchor < len(before):
            blocks.append((anchor, new_anchor, 1))
        start, new_start = anchor + 1, new_anchor + 1
    return blocks


def common_anchors(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Places of items that stand once in each, as many as are in the same order in both (patience sorting)."""
    counts, new_counts = Counter(before), Counter(after)
    places = {item: place for place, item in enumerate(after) if new_counts[item] == 1}
    pairs = [(place, places[item]) for place, item in enumerate(before) if counts[item] == 1 and item in places]
    # The longest rising row of second places: for each length the pair it may end in, and what stands before that.
    ends: list[int] = []
    last_of: list[int] = []
    previous: list[int] = []
    for index, (_, new_place) in enumerate(pairs):
        length = bisect.bisect_left(ends, new_place)
        previous.append(last_of[length - 1] if length else -1)
        if length == len(ends):
            ends.append(new_place)
            last_of.append(index)
        else:
            ends[length], last_of[length] = new_place, index
    row = []
    index = last_of[-1] if last_of else -1
    while index >= 0:
        row.append(pairs[index])
        index = previous[index]
    return row[::-1]


def changed_stretches(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """Where two token lists differ, as (start, end) in both. Of `& &` made of `&` nobody can say which one is new:
    such a stretch covers all that it could be."""
    ends = [*matching_blocks(before, after), (len(before), len(after), 0)]
    stretches = []
    first = new_first = 0
    for last, new_last, length in ends:
        if first < last or new_first < new_last:
            stretches.append(widened(before, after, first, last, new_first, new_last))
        first, new_first = last + length, new_last + length
    return stretches


def widened(
    before: Sequence[str], after: Sequence[str], first: int, last: int, new_first: int, new_last: int
) -> tuple[int, int, int, int]:
    """A stretch with all the places it could have as well, where it only brings or only takes away."""
    left = right = 0
    if first == last or new_first == new_last:
        tokens, start, end = (after, new_first, new_last) if first == last else (before, first, last)
        while min(first, new_first) > left and tokens[start - 1 - left] == tokens[end - 1 - left]:
            left += 1
        while end + right < len(tokens) and tokens[start + right] == tokens[end + right]:
            right += 1
    return first - left, last + right, new_first - left, new_last + right


def are_there(
    stretches: Sequence[tuple[int, int]], tokens: Sequence[str], final: Sequence[str], line_ends: frozenset[int]
) -> bool:
    """Whether each stretch of `tokens` stands in `final` without a break, next to a neighbour it had.

    `line_ends`: of `final`. The tokens are those of whole lines, so a stretch at their end is next to a line end.
    """
    places: dict[int, int] = {}
    # The longest stretch first: equal beginnings of other lines must not break it.
    for block in SequenceMatcher(None, tokens, final, autojunk=False).get_matching_blocks():
        places.update((block.a + offset, block.b + offset) for offset in range(block.size))

    def are_neighbours(index: int) -> bool:
        """Whether the tokens before and at an index follow each other in the final text, too."""
        if index == 0:
            return index in places and places[index] in line_ends
        if index == len(tokens):
            return index - 1 in places and places[index - 1] + 1 in line_ends
        return index - 1 in places and places.get(index) == places[index - 1] + 1

    def is_there(first: int, last: int) -> bool:
        if first == last:
            return are_neighbours(first) if tokens else not final
        is_whole = first in places and all(are_neighbours(index) for index in range(first + 1, last))
        return is_whole and (are_neighbours(first) or are_neighbours(last))

    return all(is_there(first, last) for first, last in stretches)
