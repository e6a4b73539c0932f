"""The compiler's own suggestions, of any applicability, and what a manifest must say for a name to exist.

Others stop at MachineApplicable; here every suggestion is only a candidate, and rustc itself is the judge.
What follows from a suggestion (the next error's suggestions) is the search's business (search.py).
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from sleepy_agent.domain import Applicability, Candidate, Problem, Suggestion
from sleepy_agent.fixes.sources import SourceContext
from sleepy_agent.fixes.sources.manifests import manifest_candidates

# How much less likely a suggestion is to be kept than one rustc is sure of.
APPLICABILITY_COST = {
    Applicability.MACHINE_APPLICABLE: 0.0,
    Applicability.MAYBE_INCORRECT: 0.1,
    Applicability.UNSPECIFIED: 0.2,
    Applicability.HAS_PLACEHOLDERS: 0.3,
}
# A part of a suggestion, read alone: rustc writes alternatives and parts of a whole alike, and mostly means the whole.
COST_OF_A_PART = 0.15
# Two suggestions at once, where no single one is enough: only the first few pairs are worth a compile.
MOST_PAIRS = 3


@dataclass(frozen=True, slots=True)
class KnownSuggestion:
    """One entry of compiler.toml."""

    message: re.Pattern[str]
    keeps_behaviour: bool
    cost: float
    question: str | None
    is_made_up: bool


@cache
def known_suggestions() -> tuple[KnownSuggestion, ...]:
    """The entries of compiler.toml."""
    raw = tomllib.loads(files("sleepy_agent.fixes.sources").joinpath("compiler.toml").read_text(encoding="utf-8"))
    return tuple(
        KnownSuggestion(
            re.compile(entry["message"]),
            entry["keeps_behaviour"],
            entry.get("cost", 0.0),
            entry.get("question"),
            entry.get("is_made_up", False),
        )
        for entry in raw["suggestion"]
    )


def known_of(suggestion: Suggestion) -> KnownSuggestion | None:
    """What is known of a suggestion by its words."""
    return next((known for known in known_suggestions() if known.message.search(suggestion.message)), None)


def is_made_up(suggestion: Suggestion) -> bool:
    """Whether rustc writes a value that nobody gave."""
    known = known_of(suggestion)
    return known is not None and known.is_made_up


@dataclass(frozen=True, slots=True)
class CompilerSource:
    """rustc, asked what it would do."""

    name: str = "compiler"

    def candidates(self, problem: Problem, context: SourceContext) -> Iterator[Candidate]:
        """Single suggestions in rustc's order, then changes of manifests, then pairs of suggestions."""
        suggestions = [
            suggestion
            for suggestion in problem.diagnostic.suggestions
            if all(context.is_editable(edit.file) for edit in suggestion.edits) and not is_made_up(suggestion)
        ]
        # The same words twice are two answers to one question, whether rustc wrote them as alternatives or not.
        whole = Counter(
            suggestion.message for suggestion in suggestions if not is_part_of_another(suggestion, suggestions)
        )
        for suggestion in suggestions:
            candidate = candidate_of(self.name, suggestion, is_one_of_several=whole[suggestion.message] > 1)
            is_part = is_part_of_another(suggestion, suggestions)
            yield replace(candidate, cost=candidate.cost + COST_OF_A_PART) if is_part else candidate
        yield from manifest_candidates(self.name, problem, context)
        distinct = [suggestion for suggestion in suggestions if not suggestion.is_one_of_several]
        pairs = (
            (first, second)
            for first, second in itertools.combinations(distinct, 2)
            if first.message != second.message and not overlapping(first, second)
        )
        for first, second in itertools.islice(pairs, MOST_PAIRS):
            yield Candidate(
                source=self.name,
                title=f"{first.message}; {second.message}",
                edits=first.edits + second.edits,
                cost=APPLICABILITY_COST[first.applicability] + APPLICABILITY_COST[second.applicability] + 0.1,
                applicability=max(first.applicability, second.applicability, key=list(Applicability).index),
                steps=2,
            )


def is_part_of_another(suggestion: Suggestion, others: list[Suggestion]) -> bool:
    """Whether a suggestion is one part of another one, read alone."""
    own = set(suggestion.edits)
    return any(own < set(other.edits) and suggestion.message == other.message for other in others)


def candidate_of(source: str, suggestion: Suggestion, *, is_one_of_several: bool) -> Candidate:
    """A suggestion as a candidate, whole."""
    is_one_of_several = suggestion.is_one_of_several or is_one_of_several
    known = known_of(suggestion)
    is_sure = suggestion.applicability == Applicability.MACHINE_APPLICABLE and not is_one_of_several
    return Candidate(
        source=source,
        title=suggestion.message,
        edits=suggestion.edits,
        cost=APPLICABILITY_COST[suggestion.applicability] + (known.cost if known is not None else 0.0),
        applicability=suggestion.applicability,
        is_one_of_several=is_one_of_several,
        keeps_behaviour=known.keeps_behaviour if known is not None else is_sure,
        question=known.question if known is not None else None,
    )


def overlapping(first: Suggestion, second: Suggestion) -> bool:
    """Whether two suggestions change the same place."""
    return any(
        one.file == other.file and one.byte_start <= other.byte_end and other.byte_start <= one.byte_end
        for one in first.edits
        for other in second.edits
    )
