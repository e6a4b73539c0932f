"""The error index: what share of the compiler's own erroneous examples compiles after each repairer.

The erroneous and corrected examples come from `rustc --explain` at run time. Sleepy gets them as members of
one workspace (those that need RUSTC_BOOTSTRAP as a second one); each peer gets each example alone.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.error_index.cheats import cheats_of, same_program
from benchmarks.error_index.judge import judge
from benchmarks.error_index.pairs import Example, collect_examples
from benchmarks.error_index.peers import bootstrap_environment, cargo_fix, plain_search, write_workspace
from benchmarks.error_index.review import Review, ReviewVerdict, review_of, update_reviews, with_known_verdicts
from benchmarks.machine import (
    REPOSITORY,
    cache_directory,
    environment_with,
    machine_facts,
    run_sleepy,
    scratch_directory,
)
from benchmarks.results import Figure, Result
from sleepy_agent.process import CancelToken, ProcessOutcome, run_process

WORKERS = 2
"""Peers run side by side on this many threads, each of which mostly waits for one compiler."""

SLEEPY_SECONDS = 1800.0
"""The budget of one Sleepy run over a whole workspace of examples."""

QUICK_STRIDE = 12
"""`--quick` takes every twelfth pair."""


NAMED_CODES = frozenset(
    {"E0382", "E0384", "E0499", "E0502", "E0505", "E0506", "E0507", "E0515", "E0596", "E0597", "E0716", "E0373"}
    | {"E0106", "E0308", "E0277", "E0599", "E0369", "E0425", "E0432", "E0433"}
)
"""The holes that rust-analyzer leaves open (the design's list): what the edit templates are there for."""

Repair = Callable[[Path, Path, Mapping[str, str], CancelToken], ProcessOutcome]
"""Let Sleepy repair the workspace in the first folder, with its home in the second."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one repairer made of one example."""

    example: Example
    after: str
    compiles: bool
    cheats: tuple[str, ...]
    equal: bool
    """Token-equal to the corrected example."""

    @property
    def clean(self) -> bool:
        return self.compiles and not self.cheats


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Collect, repair with all three, score, and bring the review file up to date (not with `quick`)."""
    pairs = collect_examples(cancel, WORKERS, _say)
    examples = pairs[::QUICK_STRIDE] if quick else pairs
    stable = [example for example in pairs if not example.bootstrap]
    _say(f"{len(pairs)} pairs over {_codes(pairs)} codes, {len(stable)} over {_codes(stable)} without RUSTC_BOOTSTRAP")
    _say(f"`sleepy fix --apply` over {len(examples)} examples")
    sleepy = scored(examples, repaired_by_sleepy(examples, _apply, cancel), cancel)
    _say("Sleepy again, with a developer who says yes to every offer")
    offered = scored(examples, repaired_by_sleepy(examples, _say_yes, cancel), cancel)
    _say("plain verified search over the same examples")
    search = scored(examples, _each(examples, lambda example: plain_search(example, cancel)), cancel)
    _say("`cargo fix` over the same examples")
    fixed = scored(examples, _each(examples, lambda example: _alone(example, cancel)), cancel)
    changed = _differing([*sleepy, *offered])
    entries = [_entry(score) for score in changed]
    reviews = with_known_verdicts(entries, _known()) if quick else update_reviews(entries)
    unasked = {_entry(score).diff_hash for score in _differing(sleepy)}
    _leave_for_reviewers(changed)
    _print_unreviewed(reviews)
    return Result(
        name="error_index",
        title="Error index (pairs from `rustc --explain`)",
        command=command,
        machine=machine_facts(),
        figures=_figures(pairs, sleepy, offered, search, fixed, reviews, unasked),
        notes=(
            f"{len(stable)} of the {len(pairs)} pairs need no RUSTC_BOOTSTRAP.",
            "Every fix of Sleepy's that differs from the corrected example is in "
            "`benchmarks/results/error_index_review.json` with a reviewer's verdict.",
        ),
        details={
            "sleepy": _details(sleepy),
            "sleepy, every offer taken": _details(offered),
            "plain verified search": _details(search),
            "cargo fix": _details(fixed),
        },
    )


def _figures(
    pairs: Sequence[Example],
    sleepy: Sequence[Score],
    offered: Sequence[Score],
    search: Sequence[Score],
    fixed: Sequence[Score],
    reviews: Sequence[Review],
    unasked: set[str],
) -> tuple[Figure, ...]:
    verdicts = Counter(review.verdict for review in reviews)
    wrong = [review.diff_hash for review in reviews if review.verdict is ReviewVerdict.WRONG]
    count = f"{len(sleepy)} pairs"
    named = [score for score in sleepy if score.example.code in NAMED_CODES]
    named_offered = [score for score in offered if score.example.code in NAMED_CODES]
    return (
        Figure("error index: pairs that behave as they say", len(pairs), ""),
        Figure("error index: codes among them", _codes(pairs), ""),
        Figure("error index: `cargo fix`, compiles", share(fixed, "compiles"), "%", measured_on=count),
        Figure("error index: plain verified search, compiles", share(search, "compiles"), "%", measured_on=count),
        Figure("error index: plain verified search, compiles without cheating", share(search, "clean"), "%"),
        Figure(
            "error index: Sleepy, applied without asking, compiles",
            share(sleepy, "compiles"),
            "%",
            bar=share(search, "compiles"),
            measured_on=count,
        ),
        Figure(
            "error index: Sleepy, applied without asking, compiles without cheating",
            share(sleepy, "clean"),
            "%",
            measured_on=count,
        ),
        Figure(
            "error index: Sleepy, applied without asking, compiles without cheating, on the codes templates are for",
            share(named, "clean"),
            "%",
            measured_on=f"{len(named)} pairs",
        ),
        Figure("error index: Sleepy, equal to the corrected example", share(sleepy, "equal"), "%", measured_on=count),
        Figure(
            "error index: every offer of Sleepy's taken, compiles",
            share(offered, "compiles"),
            "%",
            bar=share(search, "compiles"),
            measured_on=count,
        ),
        Figure(
            "error index: every offer of Sleepy's taken, compiles without cheating",
            share(offered, "clean"),
            "%",
            bar=40,
            measured_on=count,
        ),
        Figure(
            "error index: every offer of Sleepy's taken, compiles without cheating, on the codes templates are for",
            share(named_offered, "clean"),
            "%",
            bar=60,
            measured_on=f"{len(named_offered)} pairs",
        ),
        Figure(
            "error index: Sleepy, wrong patches applied without asking",
            len(unasked.intersection(wrong)),
            "",
            bar=0,
            at_most=True,
        ),
        Figure("error index: wrong patches among all first offers", len(wrong), "", bar=0, at_most=True),
        Figure(
            "error index: Sleepy, fixes not yet reviewed", verdicts[ReviewVerdict.UNREVIEWED], "", bar=0, at_most=True
        ),
    )


def _differing(scores: Sequence[Score]) -> list[Score]:
    """The fixes that a reviewer must judge: what differs from the corrected example, each text once."""
    changed = [score for score in scores if score.after != score.example.erroneous and not score.equal]
    return list({(score.example.name, score.after): score for score in changed}.values())


def _entry(score: Score) -> Review:
    example = score.example
    return review_of(example.name, example.code, example.erroneous, score.after, score.compiles)


def repaired_by_sleepy(examples: Sequence[Example], repair: Repair, cancel: CancelToken) -> list[str | None]:
    after: dict[str, str] = {}
    for bootstrap in (False, True):
        group = [example for example in examples if example.bootstrap is bootstrap]
        if group:
            after |= _repaired_workspace(group, repair, cancel)
    return [after[example.name] for example in examples]


def _repaired_workspace(examples: list[Example], repair: Repair, cancel: CancelToken) -> dict[str, str]:
    with scratch_directory("error-index") as directory:
        root = directory / "examples"
        root.mkdir()
        files = write_workspace(examples, root)
        outcome = repair(root, directory / "home", bootstrap_environment(examples), cancel)
        cancel.raise_if_cancelled()
        if outcome.stdout:
            _keep("last_run_bootstrap.json" if examples[0].bootstrap else "last_run.json", outcome.stdout)
        _say(f"  Sleepy ended with {outcome.returncode} after {outcome.seconds:.0f} s for {len(examples)} examples")
        if outcome.returncode not in (0, 1):
            # A run that could not do its work must not become a figure.
            raise RuntimeError(f"Sleepy failed: {outcome.stderr.decode(errors='replace')[-2000:]}")
        return {name: file.read_text(encoding="utf-8") for name, file in files.items()}


def _apply(root: Path, home: Path, extra: Mapping[str, str], cancel: CancelToken) -> ProcessOutcome:
    """`sleepy fix --apply --json`, as a user runs it."""
    arguments = ["fix", "--apply", "--json", "--budget", f"{SLEEPY_SECONDS:.0f}s", str(root)]
    return run_sleepy(arguments, home=home, timeout_seconds=SLEEPY_SECONDS + 300, extra=extra, cancel=cancel)


def _say_yes(root: Path, home: Path, extra: Mapping[str, str], cancel: CancelToken) -> ProcessOutcome:
    return run_process(
        [sys.executable, "-m", "benchmarks.error_index.yes_to_all", str(root), f"{SLEEPY_SECONDS:.0f}"],
        cwd=REPOSITORY,
        environment=environment_with(home, extra),
        timeout_seconds=SLEEPY_SECONDS + 300,
        cancel=cancel,
    )


def _alone(example: Example, cancel: CancelToken) -> str:
    with scratch_directory("cargo-fix") as directory:
        return cargo_fix(example, directory / "package", cancel)


def _each(examples: Sequence[Example], repair: Callable[[Example], str | None]) -> list[str | None]:
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(repair, examples))


def scored(examples: Sequence[Example], texts: Sequence[str | None], cancel: CancelToken) -> list[Score]:
    def score(pair: tuple[Example, str | None]) -> Score:
        example, text = pair
        after = example.erroneous if text is None else text
        changed = after != example.erroneous
        return Score(
            example=example,
            after=after,
            compiles=changed and judge(after, example.edition, example.bootstrap, cancel).compiles,
            cheats=cheats_of(example.erroneous, after, example.corrected) if changed else (),
            equal=same_program(after, example.corrected),
        )

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(score, zip(examples, texts, strict=True)))


def share(scores: Sequence[Score], what: str) -> float:
    """Per cent of the examples for which the named property holds."""
    return 100.0 * sum(bool(getattr(score, what)) for score in scores) / max(1, len(scores))


def _codes(examples: Sequence[Example]) -> int:
    return len({example.code for example in examples})


def _details(scores: Sequence[Score]) -> dict[str, object]:
    """Names only: nothing of the examples' texts is stored."""
    return {
        "compiles": [score.example.name for score in scores if score.compiles],
        "equal": [score.example.name for score in scores if score.equal],
        "cheats": {score.example.name: list(score.cheats) for score in scores if score.compiles and score.cheats},
        "changed without compiling": [
            score.example.name for score in scores if score.after != score.example.erroneous and not score.compiles
        ],
    }


def _known() -> tuple[Review, ...]:
    from benchmarks.error_index.review import read_reviews

    last, earlier = read_reviews()
    return (*earlier, *last)


def _leave_for_reviewers(scores: Sequence[Score]) -> None:
    """Before, after and reference side by side in the cache: what a reviewer needs and the repository must not hold."""
    content = [
        {
            "example": score.example.name,
            "before": score.example.erroneous,
            "after": score.after,
            "corrected": score.example.corrected,
            "compiles": score.compiles,
            "cheats": score.cheats,
        }
        for score in scores
    ]
    _keep("for_reviewers.json", json.dumps(content, indent=1).encode())
    _say(f"before, after and corrected texts for reviewers: {cache_directory() / 'error_index' / 'for_reviewers.json'}")


def _keep(name: str, content: bytes) -> Path:
    path = cache_directory() / "error_index" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _print_unreviewed(reviews: Sequence[Review]) -> None:
    for review in reviews:
        if review.verdict is ReviewVerdict.UNREVIEWED:
            _say(f"unreviewed: {review.example} ({review.diff_hash}){'' if review.compiles else ' does not compile'}")
            _say("    " + review.diff.replace("\n", "\n    "))


def _say(text: str) -> None:
    print(text, flush=True)
