"""Verified pairs out of published crates: every function is broken in place, many in one call of rustc."""

from __future__ import annotations

import importlib
import os
import pkgutil
import random
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Final

from sleepy_agent.cargo.diagnostics import all_texts
from sleepy_agent.code.name_abstraction import tokens_of
from sleepy_agent.code.syntax import parse_once
from sleepy_agent.domain import Diagnostic
from sleepy_agent.fixes.prompts.view import WORD
from sleepy_agent.fixes.templates.scene import spans_of
from sleepy_agent.process import CancelToken
from trainer.pretrain import mutations
from trainer.pretrain.crates.excerpts import Excerpt, excerpt_around, moved_into
from trainer.pretrain.crates.fetching import FetchedCrate, crates_folder, fetched_crates
from trainer.pretrain.crates.listed import ListedCrate, listed_crates
from trainer.pretrain.crates.opened import OpenedCrate, errors_of, open_crate
from trainer.pretrain.crates.targets import Target, Targets, targets_of
from trainer.pretrain.crates.together import NOBODY, Mistake, Together
from trainer.pretrain.judge import ask_rustc
from trainer.pretrain.mutations.mutant import Mutator
from trainer.pretrain.records import Broken, Program, Verified

__all__ = ["BrokenCrate", "all_mutators", "mistakes_of", "verified", "verified_in"]

MOST_OF_A_FUNCTION: Final = 16
"""Mistakes that are tried in one function."""
MOST_OF_A_KIND: Final = 3
"""Mistakes of one kind that are tried in one function."""
WITH_COMMENTS: Final = 0.1
"""How many excerpts keep their comments: the model has to know that there are such lines."""
WEAK: Final = frozenset({"E0382", "E0499", "E0502", "E0505", "E0507", "E0515", "E0597", "E0106", "E0621", "E0277"})
SOONER: Final = 0.5
"""Mistakes of ownership, lifetimes and traits come up sooner in a function than others: by so much the place in its
random order is less."""
MOST_CALLS_FOR_HEADS: Final = 6
"""Calls of rustc for one turn's changes of signatures."""
LINES_NEAR: Final = 2
"""Lines before and behind an error in which the function that is to blame may be named."""
MOST_UNBALANCED: Final = 3
"""Texts with a bracket too many or too few in one round: each takes a call of its own."""
CLOSING: Final = {")": "(", "]": "[", "}": "{"}
NO_CODE: Final = ""


class Kind(Enum):
    """How far a mistake is heard: in one body, by whoever uses the function, or by the parser alone."""

    INSIDE = auto()
    HEAD = auto()
    SYNTAX = auto()


@dataclass(frozen=True)
class BrokenCrate:
    """A crate, what there is to break in it, and the mistakes of each function in the order they are tried."""

    opened: OpenedCrate
    targets: Targets
    mistakes: tuple[tuple[Mistake, ...], ...]


def verified(
    seed: str,
    cancel: CancelToken,
    *,
    crates: Sequence[ListedCrate] | None = None,
    mutators: Sequence[Mutator] | None = None,
    folder: Path | None = None,
) -> Iterator[Verified]:
    """Pairs that rustc has seen: one mistake in a function of a crate, and the only error it gives. Crate after crate
    has its round, again and again, until nothing is left to be broken. Raises CannotFetch."""
    chosen = listed_crates() if crates is None else tuple(crates)
    kinds = all_mutators() if mutators is None else tuple(mutators)
    fetched = fetched_crates(chosen, folder or crates_folder(), cancel)
    random.Random(f"{seed}:crates").shuffle(fetched)
    with tempfile.TemporaryDirectory(prefix="sleepy-crates-") as scratch, ThreadPoolExecutor() as workers:
        waiting: deque[Iterator[list[Verified]]] = deque(
            turns_of(one, kinds, seed, Path(scratch), cancel) for one in fetched
        )
        running: deque[tuple[Iterator[list[Verified]], Future[list[Verified] | None]]] = deque()
        # What is made does not depend on who is done first: results are taken in the order of the crates.
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                turns = waiting.popleft()
                running.append((turns, workers.submit(next, turns, None)))
            turns, result = running.popleft()
            made = result.result()
            if made is not None:
                yield from made
                waiting.append(turns)


def turns_of(
    fetched: FetchedCrate, mutators: Sequence[Mutator], seed: str, scratch: Path, cancel: CancelToken
) -> Iterator[list[Verified]]:
    """The rounds of a crate; none where this machine's toolchain does not compile it."""
    opened = open_crate(fetched, scratch, cancel)
    if opened is not None:
        yield from verified_in(opened, mutators, seed, scratch, cancel)


def all_mutators() -> tuple[Mutator, ...]:
    """The mutators of all files of `trainer.pretrain.mutations`, in the order of the files' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(mutations.__path__))
    found = (importlib.import_module(f"{mutations.__name__}.{name}") for name in names)
    return tuple(mutator for module in found for mutator in getattr(module, "MUTATORS", ()))


def verified_in(
    opened: OpenedCrate, mutators: Sequence[Mutator], seed: str, scratch: Path, cancel: CancelToken
) -> Iterator[list[Verified]]:
    """The pairs of one crate, round by round."""
    targets = targets_of(opened.sources)
    crate = BrokenCrate(opened, targets, tuple(mistakes_of(opened, targets, mutators, seed)))
    parsed = scratch / f"{opened.listed.label}-parsed"
    parsed.mkdir()
    for kind, mistakes in rounds(crate):
        if kind is Kind.SYNTAX:
            yield list(proven_syntax(crate, mistakes, seed, parsed, cancel))
        else:
            prove = proven_inside if kind is Kind.INSIDE else proven_heads
            yield list(prove(crate, mistakes, seed, cancel))


def rounds(crate: BrokenCrate) -> Iterator[tuple[Kind, list[Mistake]]]:
    """The mistakes of a crate in the order they are tried: in each round at most one of each function, in calls of one
    kind, which so hold as many as there can be."""
    by_kind = {kind: [[one for one in row if kind_of(one) == kind] for row in crate.mistakes] for kind in Kind}
    for number in range(MOST_OF_A_FUNCTION):
        for kind, rows in by_kind.items():
            turn = [row[number] for row in rows if len(row) > number]
            if turn:
                yield kind, turn


def kind_of(mistake: Mistake) -> Kind:
    """In which kind of call a mistake is tried."""
    if mistake.mutant.codes == (NO_CODE,):
        return Kind.SYNTAX
    return Kind.INSIDE if mistake.is_inside else Kind.HEAD


# ---- which mistakes ---------------------------------------------------------------------------------------


def mistakes_of(
    opened: OpenedCrate, targets: Targets, mutators: Sequence[Mutator], seed: str
) -> Iterator[tuple[Mistake, ...]]:
    """The mistakes of each function, other kinds first before the same again."""
    by_file: dict[Path, list[Target]] = {}
    for target in targets.functions:
        by_file.setdefault(target.file, []).append(target)
    for file, functions in by_file.items():
        text = opened.sources[file]
        root = parse_once(text)
        found: dict[Target, list[Mistake]] = {target: [] for target in functions}
        for mutator in mutators:
            for mutant in mutator(root, text):
                around = next((one for one in functions if one.start <= mutant.place < one.end), None)
                if around is not None and mutant.edits[-1].end <= around.end:
                    found[around].append(Mistake(around, mutant))
        for target, mistakes in found.items():
            rng = random.Random(f"{seed}:{opened.listed.label}:{file.as_posix()}:{target.start}")
            yield tuple(mixed(mistakes, rng))


def mixed(mistakes: Sequence[Mistake], rng: random.Random) -> list[Mistake]:
    """So many of the mistakes as are tried, in turns over their kinds."""
    kinds: dict[str, list[Mistake]] = {}
    for mistake in mistakes:
        kinds.setdefault(mistake.mutant.mutation, []).append(mistake)
    names = sorted(kinds, key=lambda name: rng.random() * (SOONER if is_weak(kinds[name]) else 1.0))
    for own in kinds.values():
        rng.shuffle(own)
    rows = (kinds[name][turn] for turn in range(MOST_OF_A_KIND) for name in names if len(kinds[name]) > turn)
    return [mistake for _, mistake in zip(range(MOST_OF_A_FUNCTION), rows, strict=False)]


def is_weak(mistakes: Sequence[Mistake]) -> bool:
    """Whether a kind of mistake is one that few functions have a place for."""
    return not WEAK.isdisjoint(mistakes[0].mutant.codes)


# ---- what rustc says --------------------------------------------------------------------------------------


def proven_inside(
    crate: BrokenCrate, mistakes: Sequence[Mistake], seed: str, cancel: CancelToken
) -> Iterator[Verified]:
    """Mistakes inside of bodies, all in one call; where the parser stops rustc, those it stops at are left out."""
    for _ in range(2):
        if not mistakes:
            return
        together = Together(mistakes, crate.opened.sources)
        errors = errors_of(crate.opened, together.texts, cancel)
        if errors is None:
            return
        own = together.by_mistake(errors)
        if is_stopped(errors):
            mistakes = [mistake for number, mistake in enumerate(mistakes) if number not in own]
            continue
        for number, said in own.items():
            if number != NOBODY:
                yield from pair_of(crate, mistakes[number], said, seed, partial(together.alone, number))
        return


def proven_heads(
    crate: BrokenCrate, mistakes: Sequence[Mistake], seed: str, cancel: CancelToken, calls: int = MOST_CALLS_FOR_HEADS
) -> Iterator[Verified]:
    """Mistakes that others may hear of. Those that others do hear of are left out, found by their names in what rustc
    says elsewhere, else by halves, until nobody else has an error; what then is said of one alone counts."""
    if not mistakes or calls <= 0:
        return
    together = Together(mistakes, crate.opened.sources)
    errors = errors_of(crate.opened, together.texts, cancel)
    if errors is None:
        return
    own = together.by_mistake(errors)
    names = [mistake.target.name.rpartition("::")[2] for mistake in mistakes]
    if is_stopped(errors):
        kept = [mistake for number, mistake in enumerate(mistakes) if number not in own]
    elif NOBODY not in own and all(len(said) == 1 for said in own.values()):
        said_in = {number: words_near(said, together) for number, said in own.items()}
        for number, said in own.items():
            others = {*names[:number], *names[number + 1 :]} - {names[number]}
            is_named = any(names[number] in words for other, words in said_in.items() if other != number)
            if not is_named and not others & said_in[number]:
                yield from pair_of(crate, mistakes[number], said, seed, partial(together.alone, number))
        return
    else:
        # What gives no error is of no use, and may be what others hear of.
        heard = words_near(own.get(NOBODY, ()), together)
        kept = [
            one for number, one in enumerate(mistakes) if len(own.get(number, ())) == 1 and names[number] not in heard
        ]
    if len(kept) < len(mistakes):
        yield from proven_heads(crate, kept, seed, cancel, calls - 1)
    elif len(mistakes) > 1:
        middle = len(mistakes) // 2
        yield from proven_heads(crate, mistakes[:middle], seed, cancel, (calls - 1) // 2)
        yield from proven_heads(crate, mistakes[middle:], seed, cancel, (calls - 1) // 2)


def is_stopped(errors: Sequence[Diagnostic]) -> bool:
    """Whether it was the parser that spoke, so that nobody else did."""
    return bool(errors) and all(error.code is None for error in errors)


def words_near(errors: Iterable[Diagnostic], together: Together) -> set[str]:
    """All names in what rustc says, and in the lines around the places that it points at."""
    found: set[str] = set()
    for error in errors:
        found.update(word for text in all_texts(error) for word in WORD.findall(text))
        for span in spans_of(error):
            text = together.texts.get(span.file, together.sources.get(span.file, b""))
            lines = text.splitlines()[max(0, span.line_start - 1 - LINES_NEAR) : span.line_end + LINES_NEAR]
            found.update(word for line in lines for word in WORD.findall(line.decode(errors="replace")))
    return found


def proven_syntax(
    crate: BrokenCrate, mistakes: Sequence[Mistake], seed: str, folder: Path, cancel: CancelToken
) -> Iterator[Verified]:
    """Mistakes of the parser, which looks at no more than a text: each excerpt is a file of its own."""
    pairs = [pair for mistake in mistakes if (pair := syntax_pair(crate, mistake, seed)) is not None]
    # A bracket too many or too few stops rustc at once, so that such texts are asked about alone.
    together = [pair for pair in pairs if is_balanced(pair.text)]
    alone = [pair for pair in pairs if not is_balanced(pair.text)][:MOST_UNBALANCED]
    for some in ([together] if together else []) + [[pair] for pair in alone]:
        reply = ask_rustc([pair.text for pair in some], folder, cancel, with_late=False)
        for pair, said in zip(some, reply.said, strict=True):
            if len(said.errors) == 1 and said.errors[0].code is None:
                yield Verified(pair, said.errors[0])


def syntax_pair(crate: BrokenCrate, mistake: Mistake, seed: str) -> Broken | None:
    """The excerpt with the mistake; None where it cannot be shown, or the parser would stumble over something else."""
    file = mistake.target.file
    excerpt = excerpt_for(crate, mistake, None, seed)
    if not excerpt.holds(file, mistake.edits):
        return None
    right, broken = decoded(excerpt.text(file)), decoded(excerpt.text(file, mistake.edits))
    if right is None or broken is None or parse_once(right.encode()).has_error:
        return None
    return Broken(Program(source_of(crate, mistake), "", right), mistake.mutant.mutation, broken, NO_CODE)


def is_balanced(text: str) -> bool:
    """Whether every bracket is closed by its own kind."""
    opened = []
    for token in tokens_of(text):
        if token.text in CLOSING.values():
            opened.append(token.text)
        elif token.text in CLOSING and (not opened or opened.pop() != CLOSING[token.text]):
            return False
    return not opened


def pair_of(
    crate: BrokenCrate,
    mistake: Mistake,
    said: Iterable[Diagnostic],
    seed: str,
    alone: Callable[[Path, int], int],
) -> Iterator[Verified]:
    """The pair of a mistake, if what rustc says of it is the one error that was meant."""
    errors = list(said)
    if len(errors) != 1 or (errors[0].code or NO_CODE) not in mistake.mutant.codes:
        return
    file = mistake.target.file
    excerpt = excerpt_for(crate, mistake, errors[0], seed)
    if not excerpt.holds(file, mistake.edits):
        return
    diagnostic = moved_into(excerpt, errors[0], file, mistake.edits, alone)
    right, broken = decoded(excerpt.text(file)), decoded(excerpt.text(file, mistake.edits))
    if diagnostic is None or right is None or broken is None:
        return
    program = Program(source_of(crate, mistake), "", right)
    yield Verified(Broken(program, mistake.mutant.mutation, broken, diagnostic.code or NO_CODE), diagnostic)


def excerpt_for(crate: BrokenCrate, mistake: Mistake, said: Diagnostic | None, seed: str) -> Excerpt:
    rng = random.Random(f"{seed}:{crate.opened.listed.label}:{mistake.target.name}:{mistake.mutant.place}:comments")
    with_comments = rng.random() < WITH_COMMENTS
    return excerpt_around(mistake.target, crate.opened.sources, crate.targets, said, with_comments=with_comments)


def source_of(crate: BrokenCrate, mistake: Mistake) -> str:
    return f"crate:{crate.opened.listed.label}/{mistake.target.file.as_posix()}::{mistake.target.name}"


def decoded(text: bytes) -> str | None:
    """A text that is UTF-8."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None
