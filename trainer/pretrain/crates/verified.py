"""Verified pairs out of published crates: every function is broken in place, many in one call of rustc."""

from __future__ import annotations

import importlib
import pkgutil
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from sleepy_agent.cargo.diagnostics import all_texts
from sleepy_agent.code.syntax import parse_once, parse_rust
from sleepy_agent.domain import Diagnostic
from sleepy_agent.fixes.prompts.view import WORD
from sleepy_agent.fixes.templates.scene import spans_of
from sleepy_agent.process import CancelToken
from trainer.pretrain import mutations
from trainer.pretrain.crates.excerpts import Excerpt, excerpt_around, moved_into
from trainer.pretrain.crates.fetching import crates_folder, fetched_crates
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
MOST_CALLS_FOR_HEADS: Final = 3
"""Calls of rustc for one turn's changes of signatures."""
NO_CODE: Final = ""


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
    has its turn, again and again, until nothing is left to be broken. Raises CannotFetch."""
    chosen = listed_crates() if crates is None else tuple(crates)
    kinds = all_mutators() if mutators is None else tuple(mutators)
    fetched = fetched_crates(chosen, folder or crates_folder(), cancel)
    random.Random(f"{seed}:crates").shuffle(fetched)
    with tempfile.TemporaryDirectory(prefix="sleepy-crates-") as scratch:
        waiting: list[Iterator[list[Verified]]] = []
        for one in fetched:
            opened = open_crate(one, Path(scratch), cancel)
            if opened is not None:
                turns = verified_in(opened, kinds, seed, Path(scratch), cancel)
                yield from next(turns, [])
                waiting.append(turns)
        while waiting:
            for turns in list(waiting):
                made = next(turns, None)
                if made is None:
                    waiting.remove(turns)
                else:
                    yield from made


def all_mutators() -> tuple[Mutator, ...]:
    """The mutators of all files of `trainer.pretrain.mutations`, in the order of the files' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(mutations.__path__))
    found = (importlib.import_module(f"{mutations.__name__}.{name}") for name in names)
    return tuple(mutator for module in found for mutator in getattr(module, "MUTATORS", ()))


def verified_in(
    opened: OpenedCrate, mutators: Sequence[Mutator], seed: str, scratch: Path, cancel: CancelToken
) -> Iterator[list[Verified]]:
    """The pairs of one crate, turn by turn; a turn has at most one mistake of each function."""
    targets = targets_of(opened.sources)
    crate = BrokenCrate(opened, targets, tuple(mistakes_of(opened, targets, mutators, seed)))
    parsed = scratch / f"{opened.listed.label}-parsed"
    parsed.mkdir()
    for turn in range(MOST_OF_A_FUNCTION):
        chosen = [mistakes[turn] for mistakes in crate.mistakes if len(mistakes) > turn]
        if not chosen:
            return
        syntax = [one for one in chosen if NO_CODE in one.mutant.codes]
        inside = [one for one in chosen if one.is_inside and NO_CODE not in one.mutant.codes]
        heads = [one for one in chosen if not one.is_inside and NO_CODE not in one.mutant.codes]
        yield [
            *proven_inside(crate, inside, seed, cancel),
            *proven_heads(crate, heads, seed, cancel),
            *proven_syntax(crate, syntax, seed, parsed, cancel),
        ]


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
    names = list(kinds)
    rng.shuffle(names)
    for own in kinds.values():
        rng.shuffle(own)
    rows = (kinds[name][turn] for turn in range(MOST_OF_A_KIND) for name in names if len(kinds[name]) > turn)
    return [mistake for _, mistake in zip(range(MOST_OF_A_FUNCTION), rows, strict=False)]


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
        unread = {number for number, said in own.items() if any(error.code is None for error in said)}
        if len(unread) == len(own):
            mistakes = [mistake for number, mistake in enumerate(mistakes) if number not in unread]
            continue
        for number, said in own.items():
            if number != NOBODY:
                yield from pair_of(crate, mistakes[number], said, seed, partial(together.alone, number))
        return


def proven_heads(crate: BrokenCrate, mistakes: Sequence[Mistake], seed: str, cancel: CancelToken) -> Iterator[Verified]:
    """Mistakes that others may hear of. Those that others do hear of are left out, found by their names in what rustc
    says elsewhere, until nobody else has an error; what then is said of one alone counts."""
    for _ in range(MOST_CALLS_FOR_HEADS):
        if not mistakes:
            return
        together = Together(mistakes, crate.opened.sources)
        errors = errors_of(crate.opened, together.texts, cancel)
        if errors is None:
            return
        own = together.by_mistake(errors)
        if NOBODY not in own and all(error.code is not None for error in errors):
            names = [mistake.target.name.rpartition("::")[2] for mistake in mistakes]
            for number, said in own.items():
                others = {*names[:number], *names[number + 1 :]} - {names[number]}
                if not others & words_of(said):
                    yield from pair_of(crate, mistakes[number], said, seed, partial(together.alone, number))
            return
        heard = words_of(own.get(NOBODY, ()))
        mistakes = [
            mistake
            for number, mistake in enumerate(mistakes)
            if len(own.get(number, ())) == 1
            and own[number][0].code is not None
            and mistake.target.name.rpartition("::")[2] not in heard
        ]


def words_of(errors: Iterable[Diagnostic]) -> set[str]:
    """All names in what rustc says, and in the code that it points at."""
    texts = [text for error in errors for text in all_texts(error)]
    texts += [span.text for error in errors for span in spans_of(error)]
    return {word for text in texts for word in WORD.findall(text)}


def proven_syntax(
    crate: BrokenCrate, mistakes: Sequence[Mistake], seed: str, folder: Path, cancel: CancelToken
) -> Iterator[Verified]:
    """Mistakes of the parser, which looks at no more than a text: each excerpt is a file of its own."""
    pairs = []
    for mistake in mistakes:
        excerpt = excerpt_for(crate, mistake, None, seed)
        if excerpt.holds(mistake.target.file, mistake.edits):
            broken = decoded(excerpt.text(mistake.target.file, mistake.edits))
            right = decoded(excerpt.text(mistake.target.file))
            if broken is not None and right is not None and not parse_rust(right.encode()).has_error:
                pairs.append((mistake, right, broken))
    if not pairs:
        return
    reply = ask_rustc([broken for _, _, broken in pairs], folder, cancel, with_late=False)
    for (mistake, right, broken), said in zip(pairs, reply.said, strict=True):
        if len(said.errors) == 1 and said.errors[0].code is None:
            program = Program(source_of(crate, mistake), "", right)
            yield Verified(Broken(program, mistake.mutant.mutation, broken, NO_CODE), said.errors[0])


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
