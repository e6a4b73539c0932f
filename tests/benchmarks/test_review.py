"""Verdicts outlive a run, as long as the fix stays the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.error_index.review import ReviewVerdict, changed_lines, read_reviews, review_of, update_reviews


def test_only_changed_lines_are_kept() -> None:
    assert changed_lines("a\nb\nc\n", "a\nx\nc\n") == "@@ -2 +2 @@\n-b\n+x"


def test_a_verdict_stays_with_its_diff(tmp_path: Path) -> None:
    path = tmp_path / "review.json"
    first = review_of("E0001-1", "E0001", "a\n", "b\n", True)
    other = review_of("E0001-2", "E0001", "a\n", "b\n", True)
    assert first.diff_hash != other.diff_hash
    update_reviews([replace(first, verdict=ReviewVerdict.REASONABLE, reason="It is."), other], path)
    # The fix is not made in the second run, and made again in the third.
    update_reviews([other], path)
    assert [review.diff_hash for review in read_reviews(path)[1]] == [first.diff_hash]
    again = update_reviews([first, other], path)
    assert [review.verdict for review in again] == [ReviewVerdict.REASONABLE, ReviewVerdict.UNREVIEWED]
    assert read_reviews(path)[1] == ()
