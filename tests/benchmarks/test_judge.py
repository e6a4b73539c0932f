"""Reading rustc's JSON in the benchmark's own judge."""

from __future__ import annotations

import json

import pytest

from benchmarks.error_index.judge import Change, apply_changes, errors_of


def span(start: int, end: int, text: str | None, file: str = "main.rs") -> dict[str, object]:
    return {"byte_start": start, "byte_end": end, "suggested_replacement": text, "file_name": file}


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([span(1, 2, "a")], [(Change(1, 2, "a"),)]),
        ([span(1, 1, "("), span(5, 5, ")")], [(Change(1, 1, "("), Change(5, 5, ")"))]),
        ([span(0, 0, "use a;"), span(0, 0, "use b;")], [(Change(0, 0, "use a;"),), (Change(0, 0, "use b;"),)]),
        ([span(1, 2, None)], []),
        ([span(1, 2, "a", "library.rs")], []),
    ],
)
def test_alternatives_are_apart_and_parts_together(
    spans: list[dict[str, object]], expected: list[tuple[Change, ...]]
) -> None:
    lines = [
        {
            "level": "error",
            "code": {"code": "E0001"},
            "message": "m",
            "spans": [span(0, 1, None)],
            "children": [{"spans": spans}],
        },
        {"level": "warning", "code": None, "message": "w", "spans": [], "children": []},
        {"level": "error", "code": None, "message": "aborting due to 1 previous error", "spans": [], "children": []},
    ]
    (error,) = errors_of("\n".join(map(json.dumps, lines)), "main.rs")
    assert (error.code, list(error.suggestions)) == ("E0001", expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((Change(0, 1, "xy"),), "xybc"),
        ((Change(0, 0, "("), Change(3, 3, ")")), "(abc)"),
        ((Change(0, 2, "x"), Change(1, 3, "y")), None),
        ((Change(0, 9, "x"),), None),
    ],
)
def test_changes_are_applied_together_or_not_at_all(changes: tuple[Change, ...], expected: str | None) -> None:
    assert apply_changes("abc", changes) == expected
