"""Before and after: what is gone, what remains, what is new, what only came to light."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.cargo.verdict import Comparison, compare_errors, phase_of
from sleepy_agent.code.edits import moves_of
from sleepy_agent.domain import Diagnostic, Edit, Level, Span

FILE = Path("/p/src/lib.rs")
OTHER = Path("/p/src/other.rs")


def error(
    start: int, end: int, code: str | None = "E0308", message: str = "mismatched types", file: Path = FILE
) -> Diagnostic:
    return Diagnostic(Level.ERROR, code, message, (Span(file, start, end, 1, 1, 1, 1),))


def compare(
    before: list[Diagnostic], after: list[Diagnostic], edits: list[Edit], text: bytes = b"x" * 500
) -> Comparison:
    phase = min((phase_of(found) for found in before), default=0)
    return compare_errors(before, after, moves_of(edits, lambda _path: text), edits, phase)


INSERT_ABOVE = Edit(FILE, 0, 0, "use a::B;\n")


@pytest.mark.parametrize(
    ("before", "after", "edits", "counts"),
    [
        pytest.param([error(50, 60)], [], [Edit(FILE, 55, 55, "!")], (1, 0, 0, 0), id="gone"),
        pytest.param([error(50, 60)], [error(60, 70)], [INSERT_ABOVE], (0, 1, 0, 0), id="moved by an insertion"),
        pytest.param([error(50, 60)], [error(50, 60)], [INSERT_ABOVE], (1, 0, 1, 0), id="the old place is another now"),
        pytest.param([error(50, 60)], [error(50, 61)], [Edit(FILE, 55, 55, "!")], (0, 1, 0, 0), id="grown inside"),
        pytest.param(
            [error(50, 60, message="expected `u8`")],
            [error(50, 61, message="expected `u16`")],
            [Edit(FILE, 55, 55, "!")],
            (0, 1, 0, 0),
            id="names changed where the text did",
        ),
        pytest.param(
            [error(50, 60)],
            [error(50, 60, file=OTHER)],
            [Edit(FILE, 55, 55, "!")],
            (1, 0, 1, 0),
            id="other file",
        ),
        pytest.param(
            [error(50, 60)],
            [error(50, 60, "E0277")],
            [Edit(FILE, 55, 55, "!")],
            (1, 0, 1, 0),
            id="other code",
        ),
        pytest.param(
            [error(50, 60)],
            [error(200, 210, "E0382", "borrow of moved value: `far`")],
            [Edit(FILE, 55, 55, "!")],
            (1, 0, 0, 1),
            id="a later phase elsewhere comes to light",
        ),
        pytest.param(
            [error(50, 60)],
            [error(50, 61, "E0382", "borrow of moved value: `far`")],
            [Edit(FILE, 55, 55, "!")],
            (1, 0, 1, 0),
            id="a later phase at the edit is new",
        ),
        pytest.param(
            [error(50, 60)],
            [error(200, 210, "E0382", "borrow of moved value: `near`")],
            [Edit(FILE, 55, 55, "near")],
            (1, 0, 1, 0),
            id="a later phase about a name of the edit is new",
        ),
        pytest.param(
            [error(50, 60)],
            [error(200, 210, "E0277")],
            [Edit(FILE, 55, 55, "!")],
            (1, 0, 1, 0),
            id="the same phase is new",
        ),
        pytest.param(
            [error(50, 60, "E0382", "use of moved value")],
            [error(200, 210, "E0308")],
            [Edit(FILE, 55, 55, "!")],
            (1, 0, 1, 0),
            id="an earlier phase is new",
        ),
        pytest.param(
            [error(50, 60), error(100, 110)],
            [error(100, 110)],
            [Edit(FILE, 50, 60, "0123456789")],
            (1, 1, 0, 0),
            id="one of two",
        ),
        pytest.param(
            [error(50, 60)],
            [error(50, 60), error(50, 60)],
            [INSERT_ABOVE],
            (1, 0, 2, 0),
            id="each matches once at most",
        ),
    ],
)
def test_errors_are_sorted_by_what_became_of_them(
    before: list[Diagnostic], after: list[Diagnostic], edits: list[Edit], counts: tuple[int, int, int, int]
) -> None:
    found = compare(before, after, edits)
    assert (len(found.gone), len(found.remaining), len(found.new), len(found.unmasked)) == counts


@given(
    text=st.text(alphabet="ab \n\r\u00e9\U0001f980", min_size=1, max_size=60).map(str.encode),
    inserted=st.text(alphabet="xy\n\u00e9", min_size=1, max_size=30),
    places=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 30)), max_size=8, unique=True),
)
def test_moving_text_above_never_changes_what_an_error_is(
    text: bytes, inserted: str, places: list[tuple[int, int]]
) -> None:
    """Errors below an insertion are all found again, and nothing is new."""
    edit = Edit(FILE, 0, 0, inserted)
    whole = text + b"." * 600
    (_, _, shift), *_ = moves_of([edit], lambda _path: whole).changes[FILE]
    start = 100 + len(text)
    before = [error(start + at, start + at + size, message=f"expected `{at}`") for at, size in places]
    after = [
        error(start + at + shift, start + at + size + shift, message=f"expected `{at}`")
        for at, size in reversed(places)
    ]
    found = compare(before, after, [edit], whole)
    assert len(found.remaining) == len(places) and not found.gone and not found.new and not found.unmasked


def test_ten_thousand_errors_are_compared_in_a_moment() -> None:
    """Every comparison is by place first; a quadratic one would take minutes."""
    before = [error(100 + 20 * n, 110 + 20 * n) for n in range(10_000)]
    edits = [Edit(FILE, 110 + 20 * n, 110 + 20 * n, ".to_string()") for n in range(0, 10_000, 2000)]
    found = compare(before, before[1:], edits, b"x" * 300_000)
    assert len(found.gone) + len(found.new) + len(found.remaining) >= 10_000
