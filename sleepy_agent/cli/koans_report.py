"""What `sleepy koans` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from sleepy_agent.cli.values import counted
from sleepy_agent.koans.complaints import Complaint
from sleepy_agent.koans.run import KoanRun
from sleepy_agent.koans.scores import KoanResult, Score, Share, scores_of

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA_VERSION: Final = 1
"""Of docs/koans-run.schema.json. A field that is added leaves it; one that changes its meaning raises it."""


def print_complaints(console: Console, complaints: Sequence[Complaint], looked_at: int) -> None:
    """A line for each, then how many there are."""
    from rich.text import Text

    for one in complaints:
        console.print(Text.assemble((one.koan or "the koans", "bold"), f": {one.text}"))
    if complaints:
        console.print(f"{counted(len(complaints), 'thing')} to mend in {counted(looked_at, 'koan')}.")
    else:
        console.print(f"{counted(looked_at, 'koan')}: nothing is wrong.")


def run_as_json(done: KoanRun) -> dict[str, Any]:
    """A run for programs, as docs/koans-run.schema.json describes it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "sources": list(done.sources),
        "model": done.model_id,
        "samples": done.samples,
        "rounds": done.rounds,
        "unavailable": list(done.unavailable),
        "scores": [asdict(one) for one in scores_of(done.results)],
        "koans": [asdict(one) for one in done.results],
    }


def print_run(console: Console, done: KoanRun) -> None:
    """A line for each koan, then a table of scores."""
    from rich.text import Text

    width = max(len(one.name) for one in done.results)
    for one in done.results:
        mark, style = ("passes", "green") if one.passed else ("fails", "red")
        said = "" if one.passed else f"  {one.reason}"
        console.print(Text.assemble(f"{one.name:{width}}  {one.code:5}  ", (f"{mark:6}", style), costs_of(one), said))
    for text in done.unavailable:
        console.print(Text(text, "yellow"))
    console.print()
    asked = f" ({done.model_id}, {counted(done.samples, 'sample')}, {counted(done.rounds, 'round')})"
    console.print(f"Sources: {', '.join(done.sources)}{asked if done.model_id else ''}. Intervals: Wilson, 95 %.")
    scores = scores_of(done.results)
    columns = [("", [one.name for one in scores])]
    columns += [("pass", [share_text(one.passed) for one in scores])]
    columns += [(f"pass@{done.samples}", [share_text(one.passed_at_k, short=True) for one in scores])]
    columns += [("compiles", [share_text(one.compiles, short=True) for one in scores])]
    columns += [("p50 ms", [f"{one.median_milliseconds:.0f}" for one in scores])]
    if done.model_id:
        columns += [("rounds", [f"{one.rounds:.1f}" for one in scores]), ("tokens", [tokens_of(one) for one in scores])]
    widths = [max(map(len, (head, *cells))) for head, cells in columns]
    for line in zip(*((head, *cells) for head, cells in columns), strict=True):
        console.print("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def costs_of(one: KoanResult) -> str:
    """What one koan cost, and who mended it."""
    who = f"  {'+'.join(one.sources)}" if one.sources else ""
    return f"{one.milliseconds:7.0f} ms  {one.attempts:3} tried{who}"


def share_text(share: Share, *, short: bool = False) -> str:
    """`27/30 90% (74-97)`."""
    percent = f"{share.count}/{share.total} {share.count / share.total:.0%}"
    return percent if short else f"{percent} ({share.low:.0%}-{share.high:.0%})"


def tokens_of(score: Score) -> str:
    """Tokens read and written."""
    return f"{score.tokens_in}+{score.tokens_out}"
