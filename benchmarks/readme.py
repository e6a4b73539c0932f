"""The figures in README.md, rewritten from the results files: `python -m benchmarks readme`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.machine import REPOSITORY
from benchmarks.results import RESULTS, Result, bar_text, met_text, read_results, value_text

README = REPOSITORY / "README.md"
BEGIN = "<!-- benchmarks:begin -->"
END = "<!-- benchmarks:end -->"


def figures_block(results: tuple[Result, ...]) -> str:
    """The markdown between the two marks, from the results alone."""
    lines = ["", "| measured | value | bar | met |", "|---|---|---|---|"]
    for result in results:
        for figure in result.figures:
            cells = (figure.name, value_text(figure.value, figure.unit), bar_text(figure), met_text(figure))
            lines.append("| " + " | ".join(cells) + " |")
    lines.append("")
    for result in results:
        machine = result.machine
        lines.append(
            f"- {result.title}: `{result.command}`, {machine['date']}, {machine['cores']} cores, {machine['rustc']}. "
            + " ".join(result.notes)
        )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def with_figures(readme: str, block: str) -> str:
    """README's text with the block replaced. Raises ValueError where the marks are missing."""
    before, begin, rest = readme.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md has no block between {BEGIN} and {END}: add these two lines where it should be.")
    return f"{before}{BEGIN}\n{block}{END}{after}"


def rewrite_readme(readme: Path = README, results: Path = RESULTS) -> bool:
    """Bring README up to date; whether it had to change."""
    old = readme.read_text(encoding="utf-8")
    new = with_figures(old, figures_block(read_results(results)))
    if new != old:
        readme.write_text(new, encoding="utf-8")
    return new != old
