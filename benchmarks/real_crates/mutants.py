"""Broken crates: which mistakes are made where, so that the compiler notices. Made once, then kept in the cache."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.error_index.judge import Change
from benchmarks.machine import rustc_version
from benchmarks.real_crates.crates import OpenedCrate
from benchmarks.real_crates.judging import JudgedCopy, Texts, judge_crate, judged_copy
from benchmarks.real_crates.mutation import Mutation, Mutator, SourceFile, applied, source_file
from benchmarks.real_crates.mutators import MUTATOR_VERSION, MUTATORS, mutations_of, shuffled_places
from sleepy_agent.code.syntax import ancestors, node_at, parse_rust
from sleepy_agent.process import CancelToken

SEED = "sleepy-1"
CHOICE_VERSION = 2
"""Counted up when the choice of kinds and places changes."""

PLACES_TO_TRY = 5
"""Places of one kind that are tried in a crate until the compiler notices one."""

SINGLES, PAIRS = 12, 5
HELD_OUT_SINGLES, HELD_OUT_PAIRS = 2, 1
"""With the development kinds and with the held-out kinds, for each crate: 14 with one mistake and 6 with two."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ErrorSeen:
    """An error of a mutant as the compiler tells it."""

    code: str
    message: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mutation: its kind, its file relative to the crate's root, what is changed there, and inside of what."""

    kind: str
    file: Path
    changes: tuple[Change, ...]
    item: int
    """Where the function or item around it begins: two mistakes of one mutant lie in different ones."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A crate with one mistake or two. `held_out`: by its crate or by a kind."""

    name: str
    crate: str
    mistakes: tuple[Mistake, ...]
    errors: tuple[ErrorSeen, ...]
    held_out_kind: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(mistake.kind for mistake in self.mistakes)

    def texts(self, opened: OpenedCrate) -> dict[Path, bytes]:
        """The broken text of each file that is broken."""
        return broken_texts(self.mistakes, opened)


def broken_texts(mistakes: Sequence[Mistake], opened: OpenedCrate) -> dict[Path, bytes]:
    files: dict[Path, list[Change]] = {}
    for mistake in mistakes:
        files.setdefault(mistake.file, []).extend(mistake.changes)
    return {file: applied(opened.original(file), changes) for file, changes in files.items()}


def mutants_of(opened: OpenedCrate, position: int, held_out: bool, say: Say, cancel: CancelToken) -> tuple[Mutant, ...]:
    """The mutants of a crate, from the cache or made now.

    `position`: the crate's in the list, so that each crate begins with other kinds. `held_out`: those with the
    held-out kinds in them, else those without.
    """
    kept = opened.folder / f"mutants-{cache_tag()}{'-held-out' if held_out else ''}.json"
    if kept.exists():
        return tuple(_mutant_of(entry) for entry in json.loads(kept.read_text(encoding="utf-8")))
    say(f"  breaking {opened.crate.label}")
    copy = judged_copy(opened)
    maker = Maker(copy, cancel)
    made = maker.with_held_out_kinds(position) if held_out else maker.with_development_kinds(position)
    kept.write_text(json.dumps([_entry_of(mutant) for mutant in made], indent=1), encoding="utf-8")
    return tuple(made)


def cache_tag() -> str:
    """What the choice of mutants and the answers of the peers depend on, apart from the crate."""
    compiler = hashlib.sha256(rustc_version().encode()).hexdigest()[:8]
    return f"{SEED}-{MUTATOR_VERSION}.{CHOICE_VERSION}-{compiler}"


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes mutants of one crate; the copy is where the compiler is asked."""

    copy: JudgedCopy
    cancel: CancelToken

    def with_development_kinds(self, position: int) -> list[Mutant]:
        kinds = development_kinds()
        singles = self._red(rotated(kinds, position * SINGLES), SINGLES)
        used = {mutant.mistakes[0].kind for mutant in singles}
        # Begun elsewhere, so that over all crates each kind stands alone about as often as beside another.
        others = [mutator for mutator in rotated(kinds, position * PAIRS + len(kinds) // 2) if mutator.name not in used]
        return [*singles, *self._pairs(self._red(others, 2 * PAIRS), PAIRS)]

    def with_held_out_kinds(self, position: int) -> list[Mutant]:
        held_out = rotated([mutator for mutator in MUTATORS if mutator.held_out], position)
        red = self._red(held_out, HELD_OUT_SINGLES + HELD_OUT_PAIRS)
        # The second mistake is of a development kind.
        others = self._red(rotated(development_kinds(), position * 7 + 3), 2 * HELD_OUT_PAIRS)
        singles, rest = red[:HELD_OUT_SINGLES], red[HELD_OUT_SINGLES:]
        return [*singles, *self._pairs([*rest, *others] if rest else [], HELD_OUT_PAIRS)]

    def _red(self, kinds: Sequence[Mutator], count: int) -> list[Mutant]:
        """Mutants with one mistake each, of as many kinds as wanted, in the order of the kinds."""
        sources = self._sources()
        found: list[Mutant] = []
        for mutator in kinds:
            if len(found) == count:
                break
            found += self._first_red(mutator, sources)
        return found

    def _sources(self) -> dict[str, SourceFile]:
        opened = self.copy.opened
        texts = {str(file): opened.original(file) for file in opened.sources if not is_for_tests(file)}
        return {name: source_file(text, parse_rust(text)) for name, text in texts.items()}

    def _first_red(self, mutator: Mutator, sources: Mapping[str, SourceFile]) -> Iterator[Mutant]:
        places = {name: mutations_of(mutator, source) for name, source in sources.items()}
        seed = f"{SEED}:{self.copy.opened.crate.label}:{mutator.name}"
        for name, mutation in shuffled_places(places, seed)[:PLACES_TO_TRY]:
            mistake = Mistake(mutator.name, Path(name), mutation.changes, item_around(sources[name].text, mutation))
            errors = self._errors((mistake,))
            if errors:
                yield self._mutant((mistake,), errors)
                return

    def _pairs(self, singles: Sequence[Mutant], count: int) -> list[Mutant]:
        """Mutants with two mistakes each, of mutants with one; none is used twice."""
        waiting = list(singles)
        found: list[Mutant] = []
        while len(found) < count:
            pair = next(((one, other) for one, other in combinations(waiting, 2) if _are_apart(one, other)), None)
            if pair is None:
                break
            mistakes = (*pair[0].mistakes, *pair[1].mistakes)
            found.append(self._mutant(mistakes, self._errors(mistakes)))
            waiting = [mutant for mutant in waiting if mutant not in pair]
        return found

    def _errors(self, mistakes: Sequence[Mistake]) -> tuple[ErrorSeen, ...]:
        """What the compiler says of the library; nothing where a file cannot be read as text any more."""
        texts: Texts = broken_texts(mistakes, self.copy.opened)
        judgement = judge_crate(self.copy, texts, self.cancel)
        return tuple(
            ErrorSeen(error.code, error.message, str(error.file) if error.file else "", error.line)
            for error in judgement.errors
        )

    def _mutant(self, mistakes: Sequence[Mistake], errors: tuple[ErrorSeen, ...]) -> Mutant:
        crate = self.copy.opened.crate
        held_out = {mutator.name for mutator in MUTATORS if mutator.held_out}
        kinds = " + ".join(mistake.kind for mistake in mistakes)
        return Mutant(
            name=f"{crate.label}: {kinds}",
            crate=crate.name,
            mistakes=tuple(mistakes),
            errors=errors,
            held_out_kind=any(mistake.kind in held_out for mistake in mistakes),
        )


def development_kinds() -> list[Mutator]:
    """The kinds that may be looked at, in a fixed mixed order, so that neighbours in it are of different topics."""
    kinds = [mutator for mutator in MUTATORS if not mutator.held_out]
    random.Random(SEED).shuffle(kinds)
    return kinds


def rotated(kinds: Sequence[Mutator], places: int) -> list[Mutator]:
    """The same kinds, beginning with another."""
    start = places % len(kinds)
    return [*kinds[start:], *kinds[:start]]


def is_for_tests(file: Path) -> bool:
    """Whether a file is by its name only for tests: what cannot be red is not worth a compile."""
    return any(part.removesuffix(".rs") in {"tests", "test"} for part in file.parts)


def item_around(text: bytes, mutation: Mutation) -> int:
    """Where the function around a mutation begins; outside of functions the outermost item."""
    around = list(ancestors(node_at(parse_rust(text), mutation.start, mutation.start)))
    function = next((node for node in around if node.type == "function_item"), None)
    outermost = around[-2] if len(around) > 1 else around[-1]
    return (function or outermost).start_byte


def _are_apart(one: Mutant, other: Mutant) -> bool:
    """Whether two mistakes lie in different functions and nowhere touch."""
    first, second = one.mistakes[0], other.mistakes[0]
    if first.file != second.file:
        return True
    touch = any(a.start <= b.end and b.start <= a.end for a in first.changes for b in second.changes)
    return first.item != second.item and not touch


def _entry_of(mutant: Mutant) -> dict[str, Any]:
    return {
        "name": mutant.name,
        "crate": mutant.crate,
        "held_out_kind": mutant.held_out_kind,
        "errors": [[error.code, error.message, error.file, error.line] for error in mutant.errors],
        "mistakes": [
            {
                "kind": mistake.kind,
                "file": str(mistake.file),
                "changes": [[change.start, change.end, change.text] for change in mistake.changes],
                "item": mistake.item,
            }
            for mistake in mutant.mistakes
        ],
    }


def _mutant_of(entry: Mapping[str, Any]) -> Mutant:
    return Mutant(
        name=entry["name"],
        crate=entry["crate"],
        held_out_kind=entry["held_out_kind"],
        errors=tuple(ErrorSeen(*error) for error in entry["errors"]),
        mistakes=tuple(
            Mistake(
                mistake["kind"],
                Path(mistake["file"]),
                tuple(Change(*change) for change in mistake["changes"]),
                mistake["item"],
            )
            for mistake in entry["mistakes"]
        ),
    )
