"""In which order candidates are tried and offered, and which fix may be applied without asking.

The order is by a cost between 0 (sure to be kept) and several: the source's own, whether the edit may change what
the program does, the flags', the size. Every part of it can be printed.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sleepy_agent.cargo.diagnostics import all_texts
from sleepy_agent.cargo.trials import text_changes
from sleepy_agent.code.changes import flags_of_change, is_private_change
from sleepy_agent.code.edits import (
    EditConflict,
    apply_edits,
    common_prefix_length,
    common_suffix_length,
    moves_of,
)
from sleepy_agent.code.flags import Flag, all_flags
from sleepy_agent.code.syntax import parse_edited_rust, parse_rust
from sleepy_agent.domain import Applicability, Candidate, Edit, Level, Problem

ReadText = Callable[[Path], bytes]

# Each combined step is a further guess.
COST_OF_A_STEP = 0.15
COST_OF_FAILED_ELSEWHERE = 0.3
# Half of a pair of brackets, mostly. The grammar here is not rustc's, so such an edit only comes later.
COST_OF_NO_TREE = 0.5
# What its source does not know to keep the program's behaviour comes after what does, among nearly equals.
COST_OF_CHANGED_BEHAVIOUR = 0.05
# What costs more is too far a guess to be applied without asking, unless it is known to keep behaviour: a chain of two
# steps of which one is doubtful, say.
MOST_COST_OF_A_PREFERRED = 0.55
# Size only decides among nearly equals, so each part of it has an end.
COST_OF_A_TOKEN = 0.002
MOST_TOKENS_COUNTED = 50
COST_OF_A_FURTHER_PLACE = 0.01
MOST_PLACES_COUNTED = 5
COST_OF_A_FURTHER_LINE = 0.005
MOST_LINES_COUNTED = 10
# An edit that many problems ask for is the likelier the more there are, within bounds.
GAIN_OF_A_DOUBLING = 0.1
MOST_GAIN_OF_MANY = 0.3

TOKEN = re.compile(r"\w+|[^\w\s]")
# What an edit only inserts where it borrows instead of moving, or allows what was not allowed.
BORROWING = re.compile(r"&(\s*mut\s+)?|mut\s+|&?\s*'\w+\s+")
DERIVE = re.compile(r"\s*#\[derive\([\w:, ]+\)\]\s*")


@dataclass(frozen=True, slots=True)
class CostPart:
    """One reason of a rank, in words, with what it adds to the cost."""

    says: str
    cost: float

    def __str__(self) -> str:
        return f"{self.says} ({self.cost:+.3f})"


UNKNOWN_BEHAVIOUR = CostPart("not known to keep what the program does", COST_OF_CHANGED_BEHAVIOUR)


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    """A candidate with what is known before anything is compiled."""

    candidate: Candidate
    flags: tuple[str, ...]
    parts: tuple[CostPart, ...]
    refusal: str | None
    """Why it is not even compiled, else None."""
    is_private: bool = True
    """Whether no other crate can notice the change."""
    state: str = ""
    """The texts it leads to, hashed: two candidates with the same state are one."""

    @property
    def cost(self) -> float:
        return sum(part.cost for part in self.parts)

    @property
    def may_be_preferred(self) -> bool:
        """Whether nothing known so far keeps it from being applied without asking."""
        return not blocks_preference(self.flags) and not self.is_far

    @property
    def is_far(self) -> bool:
        """Whether it is too far a guess to be applied without asking."""
        return self.cost > MOST_COST_OF_A_PREFERRED and not self.candidate.keeps_behaviour

    @property
    def question(self) -> str | None:
        """What it is one of several answers to, or None."""
        return question_of(self.candidate)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The reasons of its rank in short: who proposes it, and what it does beyond compiling."""
        steps = (f"{self.candidate.steps} steps combined",) if self.candidate.steps > 1 else ()
        return (source_words(self.candidate), *steps, *(all_flags()[name].says for name in self.flags))

    @property
    def why(self) -> tuple[str, ...]:
        """The reasons of its rank: every part of the cost, in words and with its number."""
        return tuple(str(part) for part in self.parts)


def question_of(candidate: Candidate) -> str | None:
    """What a candidate is one of several answers to, or None."""
    return candidate.question or (candidate.title if candidate.is_one_of_several else None)


def blocks_preference(flags: Iterable[str]) -> bool:
    """Whether one of the flags keeps a fix from being applied without asking."""
    table = all_flags()
    return any(table[name].blocks_preference for name in flags)


def rank_order(ranked: RankedCandidate) -> tuple[bool, float, bool]:
    """What candidates are sorted by: those that may be preferred, then by cost, a clone last among equals."""
    return (not ranked.may_be_preferred, round(ranked.cost, 6), "clone" in ranked.flags)


def applicability_words(applicability: Applicability | None) -> str:
    """How sure the source is, for people."""
    words = {
        Applicability.MACHINE_APPLICABLE: "rustc is sure that this is what was meant",
        Applicability.MAYBE_INCORRECT: "rustc thinks that this may be what was meant",
        Applicability.HAS_PLACEHOLDERS: "rustc gives a form that may have places to fill",
        Applicability.UNSPECIFIED: "rustc does not say how sure it is",
    }
    return words[applicability] if applicability else "no word of its source"


def source_words(candidate: Candidate) -> str:
    """Who proposes it, and how sure that is."""
    if candidate.template is not None:
        return f"{candidate.source}: {candidate.template}"
    return f"{candidate.source}: {applicability_words(candidate.applicability)}"


def is_waived(flag: Flag, said: str) -> bool:
    """Whether the compiler itself asks for what the flag warns of."""
    return flag.waived_by is not None and flag.waived_by.search(said) is not None


def rank_candidate(
    candidate: Candidate, problem: Problem, read: ReadText, flags_of_steps: Collection[str] | None = None
) -> RankedCandidate:
    """Flags and cost of a candidate, from the texts before and after; nothing is compiled.

    `flags_of_steps`: of a candidate made of several, what is flagged of each of them in the text it was made for.
    That says more than a look at all of them at once, where what one step replaces seems lost beside the others; only
    what is refused outright is looked for in the whole.
    """
    own: tuple[CostPart, ...] = (CostPart(source_words(candidate), candidate.cost),)
    if not candidate.keeps_behaviour and only_allows(candidate.edits):
        candidate = replace(candidate, keeps_behaviour=True)
    texts = apply_edits(candidate.edits, read)
    if isinstance(texts, EditConflict):
        return RankedCandidate(candidate, (), own, texts.reason)
    if all(texts[path] == read(path) for path in texts):
        return RankedCandidate(candidate, (), own, "it changes nothing")
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
            if parse_edited_rust(read(path), text).has_error and not parse_rust(read(path)).has_error:
                own = (*own, CostPart("its code has no tree any more", COST_OF_NO_TREE))
            is_private = is_private and is_private_change(read(path), text, changes)
    table = all_flags()
    said = "\n".join(all_texts(problem.diagnostic))
    found -= candidate.excused_flags
    flags = tuple(name for name, flag in table.items() if name in found and not is_waived(flag, said))
    refused = next((table[name] for name in flags if table[name].refused), None)
    if flags_of_steps is not None:
        flags = tuple(name for name in table if name in flags_of_steps)
    return RankedCandidate(
        candidate,
        flags,
        (*own, *cost_parts(candidate, flags, texts, read)),
        f"it {refused.says}" if refused else None,
        is_private,
        state_of(texts),
    )


def only_allows(edits: Iterable[Edit]) -> bool:
    """Whether every part of an edit only inserts what cannot change a program that compiles with it: a borrow, `mut`,
    a lifetime, a derive."""
    return all(
        edit.byte_start == edit.byte_end
        and (BORROWING.fullmatch(edit.replacement) or DERIVE.fullmatch(edit.replacement))
        for edit in edits
    )


def least_cost(candidate: Candidate, askers: int) -> float:
    """What a candidate costs at least, as far as one can tell without reading the text."""
    return candidate.cost - gain_of_many(askers)


def gain_of_many(askers: int) -> float:
    """What it speaks for an edit that so many problems ask for it."""
    return min(MOST_GAIN_OF_MANY, GAIN_OF_A_DOUBLING * math.log2(max(1, askers)))


def cost_parts(
    candidate: Candidate, flags: Iterable[str], texts: Mapping[Path, bytes], read: ReadText
) -> list[CostPart]:
    """What a candidate costs beyond what its source says."""
    parts = []
    if candidate.steps > 1:
        parts.append(CostPart(f"{candidate.steps} steps combined", COST_OF_A_STEP * (candidate.steps - 1)))
    if not candidate.keeps_behaviour:
        parts.append(UNKNOWN_BEHAVIOUR)
    table = all_flags()
    parts += [CostPart(table[name].says, table[name].cost) for name in flags]
    parts.append(size_part(candidate.edits, texts, read))
    return parts


def size_part(edits: Iterable[Edit], texts: Mapping[Path, bytes], read: ReadText) -> CostPart:
    """What the size of a change costs: tokens that differ, places, lines."""
    edits = [edit for edit in edits if edit.file in texts]
    tokens = lines = 0
    for edit in edits:
        old = read(edit.file)[edit.byte_start : edit.byte_end]
        new = edit.replacement.encode()
        start = common_prefix_length(old, new)
        end = common_suffix_length(old, new, min(len(old), len(new)) - start)
        stretches = [text[start : len(text) - end].decode(errors="replace") for text in (old, new)]
        tokens += sum(len(TOKEN.findall(stretch)) for stretch in stretches)
        lines += max(stretch.count("\n") for stretch in stretches)
    cost = (
        COST_OF_A_TOKEN * min(tokens, MOST_TOKENS_COUNTED)
        + COST_OF_A_FURTHER_PLACE * min(len(edits) - 1, MOST_PLACES_COUNTED)
        + COST_OF_A_FURTHER_LINE * min(lines, MOST_LINES_COUNTED)
    )
    return CostPart(f"changes {tokens} token{'s' if tokens != 1 else ''} in {counted_places(len(edits))}", cost)


def counted_places(count: int) -> str:
    return "1 place" if count == 1 else f"{count} places"


def state_of(texts: Mapping[Path, bytes]) -> str:
    """A name for exactly these texts."""
    digest = hashlib.sha256()
    for path in sorted(texts):
        digest.update(str(path).encode() + b"\0" + hashlib.sha256(texts[path]).digest())
    return digest.hexdigest()


def asked_for_by_many(ranked: RankedCandidate, count: int) -> RankedCandidate:
    """The same candidate where so many problems ask for the same change."""
    if count < 2:
        return ranked
    part = CostPart(f"{count} problems ask for the same change", -gain_of_many(count))
    return replace(ranked, parts=(*ranked.parts, part))


def failed_elsewhere(ranked: RankedCandidate) -> RankedCandidate:
    """The same candidate where the same idea did not mend the same message at another place."""
    part = CostPart("the same idea failed for the same message elsewhere", COST_OF_FAILED_ELSEWHERE)
    return replace(ranked, parts=(*ranked.parts, part))


def merged_twins(ranked: Iterable[RankedCandidate]) -> list[RankedCandidate]:
    """Candidates of one problem in the order of their rank, those that lead to the same text made one.

    What one of them knows of the edit is true of it whoever proposed it.
    """
    found: dict[str, RankedCandidate] = {}
    for one in sorted(ranked, key=rank_order):
        first = found.get(one.state)
        if first is None:
            found[one.state] = one
            continue
        candidate, parts = first.candidate, first.parts
        if one.candidate.keeps_behaviour:
            candidate = replace(candidate, keeps_behaviour=True)
            parts = tuple(part for part in parts if part != UNKNOWN_BEHAVIOUR)
        if first.question is None and candidate.applicability != Applicability.MACHINE_APPLICABLE:
            candidate = replace(candidate, question=one.question)
        found[one.state] = replace(first, candidate=candidate, parts=parts)
    return sorted(found.values(), key=rank_order)
