"""Who cleared a problem: the developer by typing, by taking the code away, or something that wrote the file. Pure.

Decided from what happened to the text, never from what an editor calls it: an editor that sends its whole text for
every key, and one that reloads a file that git has changed, both say no more than "the text is this now".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sleepy_agent.code.edits import common_prefix_length, common_suffix_length


class Provenance(StrEnum):
    """Where a change came from. Kept apart because only the first two are the developer's own doing."""

    TYPING = "typing"
    DELETION = "deletion"
    BRANCH_SWITCH = "branch_switch"
    OTHER_TOOL = "other_tool"


class StepKind(StrEnum):
    """One change of one file."""

    SMALL = "small"
    """As much as a key, a completion or a pasted word brings."""
    BIG = "big"
    """More lines at once than fingers write: a refactoring, another assistant, a pasted block."""
    LAYOUT = "layout"
    """White space only: a formatter, an indentation."""
    DISK = "disk"
    """The file was written by something that is not this editor."""


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a file at a moment, in seconds of a clock that never goes back."""

    at: float
    kind: StepKind


# What counts as more than fingers write at once: so many lines with words, or so many characters over several lines.
BIG_LINES = 3
BIG_CHARACTERS = 80
# More than this many bytes are not looked at one by one.
MOST_BYTES_COMPARED = 200_000
# A branch switch changes HEAD and the files within so many seconds, in any order, and is heard of in any order, too.
SWITCH_SECONDS = 5.0
# So many files written at nearly the same moment are a branch switch even where nobody heard of HEAD.
SWITCH_FILES = 20
SWITCH_FILES_SECONDS = 2.0


def kind_of_change(before: bytes, after: bytes) -> StepKind:
    """What kind of step leads from one text of an open document to the next."""
    start = common_prefix_length(before, after)
    end = common_suffix_length(before, after, min(len(before), len(after)) - start)
    removed, inserted = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(removed), len(inserted)) > MOST_BYTES_COMPARED:
        return StepKind.BIG
    if b"".join(removed.split()) == b"".join(inserted.split()):
        return StepKind.LAYOUT
    # What is taken away is one key, however long it is; what comes in, or is exchanged for it, is not.
    lines = [line for line in inserted.split(b"\n") if line.strip()]
    characters = sum(len(line.strip()) for line in lines)
    is_big = len(lines) >= BIG_LINES or (len(lines) > 1 and characters >= BIG_CHARACTERS)
    return StepKind.BIG if is_big else StepKind.SMALL


def provenance_of(steps: Iterable[Step], switches: Sequence[float], *, deleted: bool) -> Provenance:
    """Where a change came from that consists of these steps.

    `switches`: moments at which HEAD changed or many files at once did (`switch_moment`). `deleted`: the change took
    only code away.
    """
    counted = [step for step in steps if step.kind != StepKind.LAYOUT]
    by_machine = [step for step in counted if step.kind != StepKind.SMALL]
    # Who switches a branch after typing for a while has not typed what the switch brought. An editor may tell of the
    # new text as if it were typed, however little it is; but nobody types a last key and switches in the same moment.
    if any(is_near_a_switch(step.at, switches) for step in (*by_machine, *counted[-1:])):
        return Provenance.BRANCH_SWITCH
    if by_machine or not counted:
        return Provenance.OTHER_TOOL
    return Provenance.DELETION if deleted else Provenance.TYPING


def is_near_a_switch(at: float, switches: Sequence[float]) -> bool:
    """Whether a change came with a branch switch."""
    return any(abs(at - moment) <= SWITCH_SECONDS for moment in switches)


def switch_moment(writes: Sequence[tuple[float, int]]) -> float | None:
    """The newest moment at which so many files were written that only git does so; None where there was none.

    `writes`: moments, oldest first, with the number of files that were heard of then.
    """
    for index in range(len(writes) - 1, -1, -1):
        at = writes[index][0]
        if sum(count for moment, count in writes[: index + 1] if at - moment <= SWITCH_FILES_SECONDS) >= SWITCH_FILES:
            return at
    return None
