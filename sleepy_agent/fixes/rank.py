"""In which order candidates are tried and offered, and which fix may be applied without asking.

The order is by a cost between 0 (sure to be kept) and several: the source's own, the flags', the size. Every
part of it can be printed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.cargo.diagnostics import all_texts
from sleepy_agent.cargo.trials import text_changes
from sleepy_agent.code.changes import Flag, all_flags, flags_of_change, is_private_change
from sleepy_agent.code.edits import EditConflict, apply_edits, moves_of
from sleepy_agent.domain import Applicability, Candidate, Level, Problem

# Each combined step is a further guess.
COST_OF_A_STEP = 0.15


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    """A candidate with what is known before anything is compiled."""

    candidate: Candidate
    flags: tuple[str, ...]
    cost: float
    refusal: str | None
    """Why it is not even compiled, else None."""
    is_private: bool = True
    """Whether no other crate can notice the change."""

    @property
    def may_be_preferred(self) -> bool:
        """Whether nothing known so far keeps it from being applied without asking."""
        table = all_flags()
        return not any(table[name].blocks_preference for name in self.flags)

    @property
    def why(self) -> tuple[str, ...]:
        """The reasons of its rank, in words."""
        table = all_flags()
        reasons = [f"{self.candidate.source}: {applicability_words(self.candidate.applicability)}"]
        if self.candidate.steps > 1:
            reasons.append(f"{self.candidate.steps} steps combined")
        return (*reasons, *(table[name].says for name in self.flags))


def applicability_words(applicability: Applicability | None) -> str:
    """How sure the source is, for people."""
    words = {
        Applicability.MACHINE_APPLICABLE: "rustc is sure that this is what was meant",
        Applicability.MAYBE_INCORRECT: "rustc thinks that this may be what was meant",
        Applicability.HAS_PLACEHOLDERS: "rustc gives a form that may have places to fill",
        Applicability.UNSPECIFIED: "rustc does not say how sure it is",
    }
    return words[applicability] if applicability else "no word of its source"


def is_waived(flag: Flag, said: str) -> bool:
    """Whether the compiler itself asks for what the flag warns of."""
    return flag.waived_by is not None and flag.waived_by.search(said) is not None


def rank_candidate(candidate: Candidate, problem: Problem, read: Callable[[Path], bytes]) -> RankedCandidate:
    """Flags and cost of a candidate, from the texts before and after; nothing is compiled."""
    texts = apply_edits(candidate.edits, read)
    if isinstance(texts, EditConflict):
        return RankedCandidate(candidate, (), candidate.cost, texts.reason)
    if all(texts[path] == read(path) for path in texts):
        return RankedCandidate(candidate, (), candidate.cost, "it changes nothing")
    moves = moves_of(candidate.edits, read)
    # A lint's complaint is no excuse: a signature it dislikes was valid, and others use it.
    span = problem.span if problem.diagnostic.level != Level.WARNING else None
    found: set[str] = set()
    is_private = True
    for path, text in texts.items():
        if path.suffix == ".rs":
            target = (span.byte_start, span.byte_end) if span is not None and span.file == path else None
            changes = text_changes(moves, path)
            found.update(flags_of_change(read(path), text, changes, target))
            is_private = is_private and is_private_change(read(path), text, changes)
    table = all_flags()
    said = "\n".join(all_texts(problem.diagnostic))
    flags = tuple(name for name, flag in table.items() if name in found and not is_waived(flag, said))
    refused = next((table[name] for name in flags if table[name].refused), None)
    cost = candidate.cost + sum(table[name].cost for name in flags) + COST_OF_A_STEP * (candidate.steps - 1)
    return RankedCandidate(candidate, flags, cost, f"it {refused.says}" if refused else None, is_private)
