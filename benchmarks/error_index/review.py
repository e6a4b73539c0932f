"""What a reviewer thinks of each fix that differs from the corrected example; kept between runs by the diff's hash."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from benchmarks.results import RESULTS

REVIEW_FILE = RESULTS / "error_index_review.json"


class ReviewVerdict(StrEnum):
    """What the fix does to the behaviour of the program."""

    SAME_BEHAVIOUR = "same behaviour"
    """It does what the corrected example does, written otherwise."""
    REASONABLE = "reasonable"
    """Another thing than the corrected example, yet what a developer could well have meant."""
    WRONG = "wrong"
    """The error is gone, and so is what the program was for."""
    UNREVIEWED = "unreviewed"


@dataclass(frozen=True, slots=True)
class Review:
    """One fix of Sleepy's and what was said of it."""

    example: str
    code: str
    compiles: bool
    """Whether the whole example compiles afterwards; a fix may mend one error of two."""
    diff: str
    """Only the lines that changed."""
    diff_hash: str
    verdict: ReviewVerdict = ReviewVerdict.UNREVIEWED
    reason: str = ""


def review_of(example: str, code: str, before: str, after: str, compiles: bool) -> Review:
    """An entry without a verdict. The hash covers the example's name too: the same line can be right elsewhere."""
    diff = changed_lines(before, after)
    digest = hashlib.sha256(f"{example}\n{diff}".encode()).hexdigest()[:16]
    return Review(example, code, compiles, diff, digest)


def changed_lines(before: str, after: str) -> str:
    """A unified diff without context and without the two lines that name files."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "\n".join(line for line in list(lines)[2:])


def with_known_verdicts(new: Iterable[Review], known: Iterable[Review]) -> tuple[Review, ...]:
    """The new entries, each with the verdict that the very same change was given before."""
    said = {review.diff_hash: review for review in known if review.verdict is not ReviewVerdict.UNREVIEWED}
    return tuple(
        replace(review, verdict=said[review.diff_hash].verdict, reason=said[review.diff_hash].reason)
        if review.diff_hash in said
        else review
        for review in new
    )


def read_reviews(path: Path = REVIEW_FILE) -> tuple[tuple[Review, ...], tuple[Review, ...]]:
    """The entries of the last run, and those that earlier runs made and the last did not."""
    if not path.exists():
        return (), ()
    raw = json.loads(path.read_text(encoding="utf-8"))
    last, earlier = (
        tuple(Review(**(entry | {"verdict": ReviewVerdict(entry["verdict"])})) for entry in raw[key])
        for key in ("fixes", "earlier")
    )
    return last, earlier


def update_reviews(new: Sequence[Review], path: Path = REVIEW_FILE) -> tuple[Review, ...]:
    """Write the new entries with the verdicts known for them; what is no longer made stays below `earlier`."""
    last, earlier = read_reviews(path)
    known = (*earlier, *last)
    current = with_known_verdicts(new, known)
    hashes = {review.diff_hash for review in current}
    past = {review.diff_hash: review for review in known if review.diff_hash not in hashes}
    kept = [review for review in past.values() if review.verdict is not ReviewVerdict.UNREVIEWED]
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"fixes": [asdict(review) for review in current], "earlier": [asdict(review) for review in kept]}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return current
