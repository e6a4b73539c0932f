"""What each source and each template alone, and each left out, solves.

Two grounds: the error index (each source alone, and both), and the templates' own examples, one program for each
template. There a template *wins* where its candidate is the first in the order of rank that compiles; it is *needed*
where nothing else makes a program that compiles, and *replaceable* where another source or template comes first.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.error_index.pairs import Example, collect_examples
from benchmarks.error_index.run import SLEEPY_SECONDS, WORKERS, scored, share
from benchmarks.machine import machine_facts, run_sleepy, scratch_directory
from benchmarks.programs import after, context_of, errors_of, problems_of
from benchmarks.results import RESULTS, Figure, Result, read_result
from sleepy_agent.code.edits import EditConflict
from sleepy_agent.domain import Candidate
from sleepy_agent.fixes.rank import RankedCandidate, merged_twins, rank_candidate
from sleepy_agent.fixes.sources.compiler import CompilerSource
from sleepy_agent.fixes.sources.template import TemplateSource
from sleepy_agent.fixes.templates.catalogue import Template, all_templates
from sleepy_agent.process import CancelToken, ProcessOutcome

MOST_COMPILED = 8
"""Candidates of one program that are compiled, cheapest first."""

SOURCE_SETS = ("compiler", "template", "compiler,template")
QUICK_STRIDE = 12


@dataclass(frozen=True, slots=True)
class OwnExample:
    """What became of a template's own example. `passing`: who proposes what compiles, by rank, the best first."""

    template: str
    passing: tuple[str, ...]

    @property
    def is_won(self) -> bool:
        return self.passing[:1] == (self.template,)

    @property
    def is_needed(self) -> bool:
        return set(self.passing) == {self.template}


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Both grounds; progress is printed."""
    stride = QUICK_STRIDE if quick else 1
    own = own_examples(all_templates()[::stride], cancel)
    examples = collect_examples(cancel, WORKERS, _say)[::stride]
    figures, wins = [], Counter[str]()
    for names in SOURCE_SETS:
        _say(f"the error index with the sources {names}")
        texts, applied = repaired_with(examples, names, cancel)
        scores = scored(examples, texts, cancel)
        label = f"ablation: error index, applied without asking, sources {names}, compiles without cheating"
        figures.append(Figure(label, share(scores, "clean"), "%", measured_on=f"{len(examples)} pairs"))
        if names == SOURCE_SETS[-1]:
            wins = applied
    taken = taken_on_real_crates()
    count = f"{len(own)} templates"
    won, needed = sum(one.is_won for one in own), sum(one.is_needed for one in own)
    by_compiler = sum("compiler" in one.passing for one in own)
    figures += [
        Figure(
            "ablation: own examples, the template comes first", 100.0 * won / max(1, len(own)), "%", measured_on=count
        ),
        Figure(
            "ablation: own examples, nothing else compiles", 100.0 * needed / max(1, len(own)), "%", measured_on=count
        ),
        Figure(
            "ablation: own examples that rustc's suggestions solve, too", 100.0 * by_compiler / max(1, len(own)), "%"
        ),
        Figure("ablation: templates in use", len(all_templates()), ""),
    ]
    return Result(
        name="ablation",
        title="What each source and each template solves",
        command=command,
        machine=machine_facts(),
        figures=tuple(figures),
        notes=("The table of every template stands in `benchmarks/results/ablation.json`.",),
        details={
            "templates": {
                one.template: {
                    "first on its own example": one.is_won,
                    "needed on its own example": one.is_needed,
                    "others that solve it": [name for name in one.passing if name != one.template],
                    "applied on the error index": wins[one.template],
                    "taken on real crates": taken.get(one.template, 0),
                }
                for one in own
            },
        },
    )


def taken_on_real_crates() -> Mapping[str, int]:
    """How often each template was taken in the last run of the real-crate benchmark; empty before the first."""
    path = RESULTS / "real_crates.json"
    details = read_result(path).details if path.exists() else None
    found: Mapping[str, int] = (details or {}).get("templates", {})
    return found


# ---- own examples ---------------------------------------------------------------------------------------------


def own_examples(templates: Sequence[Template], cancel: CancelToken) -> list[OwnExample]:
    """Every template's example, with all sources and all templates asked."""
    with scratch_directory("ablation") as directory, ThreadPoolExecutor(WORKERS) as pool:

        def look(template: Template) -> OwnExample:
            cancel.raise_if_cancelled()
            return OwnExample(template.name, tuple(passing_on(template, directory / template.name)))

        found = []
        for one in pool.map(look, templates):
            found.append(one)
            if len(found) % 50 == 0:
                _say(f"  {len(found)} of {len(templates)} examples")
        return found


def passing_on(template: Template, folder: Path) -> Iterator[str]:
    """Who proposes something that makes the example compile, in the order of rank."""
    folder.mkdir(parents=True)
    problems = [
        problem
        for problem in problems_of(folder, template.example_before, template.edition)
        if (problem.code or "") in template.codes
    ]
    context = context_of(folder, template.example_before, template.edition)
    seen: set[str] = set()
    for problem in problems:
        proposed = [
            rank_candidate(candidate, problem, context.read)
            for source in (CompilerSource(), TemplateSource())
            for candidate in source.candidates(problem, context)
        ]
        proposers: dict[str, set[str]] = {}
        for one in proposed:
            proposers.setdefault(one.state, set()).add(name_of(one.candidate))
        for one in first_of(proposed):
            text = after(context, one.candidate)
            if isinstance(text, EditConflict) or errors_of(folder, text, template.edition):
                continue
            # Of those who propose the same text the cheapest made it come so early.
            first = name_of(one.candidate)
            names = sorted(proposers[one.state], key=lambda name: (name != first, name != template.name))
            for name in names:
                if name not in seen:
                    seen.add(name)
                    yield name


def first_of(proposed: Sequence[RankedCandidate]) -> list[RankedCandidate]:
    """What would be compiled, in that order."""
    return merged_twins(one for one in proposed if one.refusal is None)[:MOST_COMPILED]


def name_of(candidate: Candidate) -> str:
    return candidate.template or candidate.source


# ---- the error index ------------------------------------------------------------------------------------------


def repaired_with(
    examples: Sequence[Example], names: str, cancel: CancelToken
) -> tuple[list[str | None], Counter[str]]:
    """The examples after `sleepy fix --apply --sources NAMES`, and how often each template was applied."""
    from benchmarks.error_index.run import repaired_by_sleepy

    applied: Counter[str] = Counter()

    def repair(root: Path, home: Path, extra: Mapping[str, str], token: CancelToken) -> ProcessOutcome:
        arguments = ["fix", "--apply", "--json", "--sources", names, "--budget", f"{SLEEPY_SECONDS:.0f}s", str(root)]
        outcome = run_sleepy(arguments, home=home, timeout_seconds=SLEEPY_SECONDS + 300, extra=extra, cancel=token)
        recorded = run_sleepy(["export"], home=home, timeout_seconds=120, extra=extra, cancel=token)
        for line in recorded.stdout.splitlines():
            episode = json.loads(line)
            if episode["outcome"] == "accepted" and "template" in episode["metadata"]:
                applied[episode["metadata"]["template"]] += 1
        return outcome

    return repaired_by_sleepy(examples, repair, cancel), applied


def _say(text: str) -> None:
    print(text, flush=True)
