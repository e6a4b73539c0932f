"""Typing, taking away, other tools and branch switches are told apart by what happened to the text."""

from __future__ import annotations

import pytest

from sleepy_agent.live.outcomes.provenance import (
    MOST_BYTES_COMPARED,
    SWITCH_FILES,
    Provenance,
    Step,
    StepKind,
    kind_of_change,
    provenance_of,
    switch_moment,
)

TEXT = b"fn main() {\n    let total = 0;\n    total += 1;\n}\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (b"let x", b"let mx", StepKind.SMALL),
        (TEXT, TEXT.replace(b"let total", b"let mut total"), StepKind.SMALL),
        # A bracket that the editor closes by itself.
        (b"fn f() ", b"fn f() {\n    \n}", StepKind.SMALL),
        (TEXT, b"", StepKind.SMALL),
        (TEXT, TEXT.replace(b"    ", b"\t"), StepKind.LAYOUT),
        (TEXT, TEXT, StepKind.LAYOUT),
        (b"", TEXT, StepKind.BIG),
        # A name that was changed everywhere at once: the stretch from the first place to the last one.
        (TEXT, b"fn main() {\n    let all = 0;\n    let one = 1;\n    all += one;\n}\n", StepKind.BIG),
        (b"f();", b"f(" + b"a" * 100 + b");", StepKind.SMALL),
        (b"f();", b"f(" + b"a" * 60 + b",\n" + b"b" * 60 + b");", StepKind.BIG),
        (b"", b"x" * (MOST_BYTES_COMPARED + 1), StepKind.BIG),
    ],
)
def test_the_kind_of_a_change(before: bytes, after: bytes, expected: StepKind) -> None:
    assert kind_of_change(before, after) == expected


SMALL, BIG, LAYOUT, DISK = (
    Step(100.0, kind) for kind in (StepKind.SMALL, StepKind.BIG, StepKind.LAYOUT, StepKind.DISK)
)

EARLY = Step(90.0, StepKind.SMALL)


@pytest.mark.parametrize(
    ("steps", "switches", "deleted", "expected"),
    [
        ([SMALL, SMALL, SMALL], [], False, Provenance.TYPING),
        ([SMALL, LAYOUT], [], False, Provenance.TYPING),
        ([SMALL], [], True, Provenance.DELETION),
        ([BIG], [], False, Provenance.OTHER_TOOL),
        ([DISK], [], False, Provenance.OTHER_TOOL),
        ([DISK], [], True, Provenance.OTHER_TOOL),
        ([SMALL, BIG], [], False, Provenance.OTHER_TOOL),
        ([], [], False, Provenance.OTHER_TOOL),
        ([LAYOUT], [], True, Provenance.OTHER_TOOL),
        ([DISK], [99.0], False, Provenance.BRANCH_SWITCH),
        ([BIG], [104.0], False, Provenance.BRANCH_SWITCH),
        ([DISK], [99.0], True, Provenance.BRANCH_SWITCH),
        ([DISK], [94.0], False, Provenance.OTHER_TOOL),
        # An editor may tell of what a switch brought as if it were typed.
        ([EARLY, SMALL], [101.0], False, Provenance.BRANCH_SWITCH),
        # HEAD changed while somebody typed, and typed on: what was typed was typed.
        ([EARLY, SMALL], [90.0], False, Provenance.TYPING),
        ([SMALL, DISK], [100.0], False, Provenance.BRANCH_SWITCH),
    ],
)
def test_where_a_change_came_from(
    steps: list[Step], switches: list[float], deleted: bool, expected: Provenance
) -> None:
    assert provenance_of(steps, switches, deleted=deleted) == expected


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        ([], None),
        ([(1.0, SWITCH_FILES - 1)], None),
        ([(1.0, SWITCH_FILES)], 1.0),
        ([(1.0, SWITCH_FILES - 5), (2.5, 5)], 2.5),
        ([(1.0, SWITCH_FILES - 5), (3.5, 5)], None),
        ([(1.0, SWITCH_FILES), (60.0, 1)], 1.0),
    ],
)
def test_many_files_at_once_are_a_switch(writes: list[tuple[float, int]], expected: float | None) -> None:
    assert switch_moment(writes) == expected
