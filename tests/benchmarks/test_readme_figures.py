"""README's figures are those of the results files."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.readme import BEGIN, END, README, figures_block, with_figures
from benchmarks.results import Figure, Result, read_result, read_results, write_result


def test_readme_says_what_the_results_say() -> None:
    readme = README.read_text(encoding="utf-8")
    assert with_figures(readme, figures_block(read_results())) == readme, "run `python -m benchmarks readme`"


def test_results_survive_being_written(tmp_path: Path) -> None:
    result = Result("a", "A", "python -m benchmarks a", {"cores": 2}, (Figure("f", 1.5, "x", bar=1.0),), ("note",))
    assert read_result(write_result(result, tmp_path)) == result
    (tmp_path / "a_review.json").write_text("{}", encoding="utf-8")
    assert read_results(tmp_path) == (result,)


def test_a_readme_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no block"):
        with_figures("text", "block")
    assert with_figures(f"a\n{BEGIN}\nold\n{END}\nb", "new\n") == f"a\n{BEGIN}\nnew\n{END}\nb"


@pytest.mark.parametrize(
    ("value", "bar", "at_most", "expected"),
    [
        (2.0, None, False, None),
        (2.0, 1.9, False, True),
        (1.8, 1.9, False, False),
        (8.0, 10.0, True, True),
        (11.0, 10.0, True, False),
        (float("nan"), 1.0, True, False),
    ],
)
def test_bars(value: float, bar: float | None, at_most: bool, expected: bool | None) -> None:
    assert Figure("f", value, "x", bar, at_most).met is expected
