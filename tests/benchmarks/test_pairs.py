"""Pairing erroneous with corrected examples, with a compiler that answers from a table."""

from __future__ import annotations

import pytest

from benchmarks.error_index.explanations import blocks_of
from benchmarks.error_index.judge import CompilerError, Judgement
from benchmarks.error_index.pairs import pairs_of

GOOD = Judgement(True, ())


def scripted_judge(source: str, edition: str, bootstrap: bool) -> Judgement:
    """A compiler for texts such as `bad`, `other`, `both`, `ok`, `only2015`, `good2015`."""
    codes = []
    if "bad" in source or "both" in source or ("only2015" in source and edition == "2015"):
        codes.append("E0001")
    if "other" in source or "both" in source:
        codes.append("E0002")
    if "good2015" in source and edition != "2015":
        codes.append("E0003")
    if "feature" in source and not bootstrap:
        codes.append("E0554")
    return Judgement(not codes, tuple(CompilerError(code, "", ()) for code in codes))


def markdown(*texts: str) -> str:
    return "\n\n".join(f"```\n{text}\n```" for text in texts)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("bad", "ok"), [("E0001-1", "2021", False)]),
        (("bad", "other", "ok"), [("E0001-1", "2021", False)]),
        (("both", "ok"), []),
        (("bad",), []),
        (("ok", "bad"), []),
        (("bad", "bad 2", "ok"), [("E0001-1", "2021", False), ("E0001-2", "2021", True)]),
        (("only2015", "ok"), [("E0001-1", "2015", False)]),
        (("bad", "good2015"), [("E0001-1", "2015", False)]),
        (("#![feature(f)]\nbad", "ok"), [("E0001-1", "2021", False)]),
    ],
)
def test_each_erroneous_block_goes_with_the_next_that_compiles(
    texts: tuple[str, ...], expected: list[tuple[str, str, bool]]
) -> None:
    found = list(pairs_of("E0001", blocks_of(markdown(*texts)), scripted_judge))
    assert [(example.name, example.edition, example.shared_reference) for example in found] == expected


def test_a_pair_needs_bootstrap_where_one_of_the_two_does() -> None:
    (example,) = pairs_of("E0001", blocks_of(markdown("bad", "#![feature(f)]\nok")), scripted_judge)
    assert example.bootstrap
