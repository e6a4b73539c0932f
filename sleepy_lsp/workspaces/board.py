"""What is known of one workspace and still true. Pure: every function gives a new board.

A *generation* counts the texts of the workspace. What is found carries the generation it was found on, and holds as
long as no file it was computed from (its *inputs*) changed after that generation. What was found on an older text of
one of its inputs is dropped when it arrives, and what is here is dropped when an input changes; `valid_offers` asks
once more, and compares the hashes of the texts to be edited, as nobody tells at once of a change on the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sleepy_agent.domain import Diagnostic, Problem
from sleepy_agent.live.messages import (
    BundleKind,
    FixBundle,
    FixesFound,
    KnownProblem,
    LiveOffer,
    SearchEnded,
    TextChecked,
    Trigger,
)

HashOf = Callable[[Path], str | None]
"""SHA-256 of the present text of a file, None where there is none."""


@dataclass(frozen=True, slots=True)
class HeldOffers:
    """The offers of one problem, the best one first, as one search found them."""

    problem_id: str
    problem: Problem
    generation: int
    trigger: Trigger
    offers: tuple[LiveOffer, ...]
    places: tuple[tuple[int, int], ...]
    """The bytes in the problem's file that its message points at, the primary place first."""


@dataclass(frozen=True, slots=True)
class HeldBundle:
    """A bundle with the generation it was found on."""

    generation: int
    trigger: Trigger
    bundle: FixBundle


@dataclass(frozen=True, slots=True)
class Board:
    """The state of one workspace as its editor may see it."""

    generation: int = 0
    last_changed: Mapping[Path, int] = field(default_factory=dict)
    """The generation that the last change of a file made."""
    checked_generation: int = -1
    """The text that was last checked; -1: none was."""
    problems: Mapping[str, KnownProblem] = field(default_factory=dict)
    """What the last check found, by id."""
    blocked: tuple[str, ...] = ()
    """Packages that nobody could check."""
    offers: Mapping[Path | None, Mapping[str, HeldOffers]] = field(default_factory=dict)
    """By the file of the problem, then by its id."""
    bundles: Mapping[tuple[BundleKind, str], HeldBundle] = field(default_factory=dict)
    searched_generation: int = -1
    """The text for which everything was tried last."""
    unsolved: Mapping[str, str] = field(default_factory=dict)
    """Why that search found nothing, by the id of the problem."""
    dismissed: frozenset[str] = frozenset()
    """Ids of offers that the developer does not want to see again."""


def changed(board: Board, paths: Iterable[Path]) -> Board:
    """Some files have another text now: a new generation. What was computed from them is gone."""
    changed_paths = frozenset(paths)
    if not changed_paths:
        return board
    generation = board.generation + 1
    return without(
        replace(
            board,
            generation=generation,
            last_changed={**board.last_changed, **dict.fromkeys(changed_paths, generation)},
        ),
        lambda offer: not changed_paths.isdisjoint(offer.inputs),
        lambda bundle: not changed_paths.isdisjoint(bundle.inputs),
    )


def checked(board: Board, record: TextChecked) -> Board:
    """A check ended. One of an older text than the last check says nothing new."""
    if record.generation < board.checked_generation or record.generation > board.generation:
        return board
    problems = {known.problem_id: known for known in record.problems}
    board = replace(board, checked_generation=record.generation, problems=problems, blocked=record.blocked)
    offers: dict[Path | None, dict[str, HeldOffers]] = {}
    for path, held_of_file in board.offers.items():
        for problem_id, held in held_of_file.items():
            # What was found on a text after the checked one may be of a problem that came only then.
            if problem_id in problems or held.generation > record.generation:
                offers.setdefault(path, {})[problem_id] = held
    return replace(board, offers=offers)


def found(board: Board, record: FixesFound) -> Board:
    """Fixes came. They take the place of what was known of their problems, unless that is of a later text."""
    if record.generation > board.generation:
        return board
    offers = {path: dict(held) for path, held in board.offers.items()}
    known = {problem_id: (path, held) for path, of_file in offers.items() for problem_id, held in of_file.items()}
    new: dict[str, list[LiveOffer]] = {problem_id: [] for problem_id in record.problem_ids}
    for offer in record.offers:
        new.setdefault(offer.problem_id, []).append(offer)
    for problem_id, found_offers in new.items():
        path, held = known.get(problem_id, (None, None))
        if held is not None:
            if held.generation > record.generation:
                continue
            del offers[path][problem_id]
        valid = tuple(
            offer
            for offer in found_offers
            if is_unchanged(board, offer.inputs, record.generation) and offer.offer_id not in board.dismissed
        )
        # A check of a later text decides which problems there are.
        is_gone = record.generation < board.checked_generation and problem_id not in board.problems
        if valid and not is_gone:
            problem = valid[0].fix.problem
            path = file_of(problem)
            offers.setdefault(path, {})[problem_id] = HeldOffers(
                problem_id,
                problem,
                record.generation,
                record.trigger,
                valid,
                tuple(places_of(problem.diagnostic, path)),
            )
    bundles = dict(board.bundles)
    for bundle in record.bundles:
        key = (bundle.kind, bundle.subject)
        older = bundles.get(key)
        if is_unchanged(board, bundle.inputs, record.generation) and (
            older is None or older.generation <= record.generation
        ):
            bundles[key] = HeldBundle(record.generation, record.trigger, bundle)
    return replace(board, offers={path: held for path, held in offers.items() if held}, bundles=bundles)


def search_ended(board: Board, record: SearchEnded) -> Board:
    """Everything was tried for a text."""
    if record.generation < board.searched_generation or record.generation > board.generation:
        return board
    return replace(board, searched_generation=record.generation, unsolved=dict(record.unsolved))


def dismissed(board: Board, offer_id: str) -> Board:
    """The developer does not want an offer, now and later."""
    board = replace(board, dismissed=board.dismissed | {offer_id})
    return without(board, lambda offer: offer.offer_id == offer_id, lambda bundle: offer_id in bundle.offer_ids)


def without(
    board: Board, is_unwanted: Callable[[LiveOffer], bool], is_unwanted_bundle: Callable[[FixBundle], bool]
) -> Board:
    """The board without some offers and bundles (of a muted family, say)."""
    offers: dict[Path | None, Mapping[str, HeldOffers]] = {}
    for path, held_of_file in board.offers.items():
        kept = dict(left_of(held_of_file, is_unwanted))
        if kept:
            offers[path] = kept
    bundles = {key: held for key, held in board.bundles.items() if not is_unwanted_bundle(held.bundle)}
    return replace(board, offers=offers, bundles=bundles)


def left_of(
    held_of_file: Mapping[str, HeldOffers], is_unwanted: Callable[[LiveOffer], bool]
) -> Iterator[tuple[str, HeldOffers]]:
    """What remains of the offers of a file; problems without any are left out."""
    for problem_id, held in held_of_file.items():
        left = tuple(offer for offer in held.offers if not is_unwanted(offer))
        if len(left) == len(held.offers):
            yield problem_id, held
        elif left:
            yield problem_id, replace(held, offers=left)


def is_unchanged(board: Board, paths: Iterable[Path], generation: int) -> bool:
    """Whether none of the files changed after a generation."""
    return all(board.last_changed.get(path, 0) <= generation for path in paths)


def is_valid(board: Board, found_on: int, inputs: Iterable[Path], texts: Mapping[Path, str], hash_of: HashOf) -> bool:
    """Whether something found on a generation holds for the present texts."""
    return is_unchanged(board, inputs, found_on) and all(hash_of(path) == sha256 for path, sha256 in texts.items())


def valid_part(board: Board, held: HeldOffers, hash_of: HashOf) -> HeldOffers | None:
    """The offers of a problem that hold now, None where none does."""
    valid = tuple(
        offer for offer in held.offers if is_valid(board, held.generation, offer.inputs, offer.texts, hash_of)
    )
    return replace(held, offers=valid) if valid else None


def valid_offers(board: Board, path: Path | None, hash_of: HashOf) -> tuple[HeldOffers, ...]:
    """What may be handed out for the problems of a file (None: of those without a place), in the order of the text."""
    parts = (valid_part(board, held, hash_of) for held in board.offers.get(path, {}).values())
    return tuple(sorted((part for part in parts if part), key=lambda part: (part.places[:1], part.problem_id)))


def offer_of_id(board: Board, offer_id: str, hash_of: HashOf) -> tuple[HeldOffers, LiveOffer] | None:
    """The offer of an id with what is held of its problem, where it may be handed out."""
    for held_of_file in board.offers.values():
        for held in held_of_file.values():
            for offer in held.offers:
                if offer.offer_id == offer_id:
                    is_good = is_valid(board, held.generation, offer.inputs, offer.texts, hash_of)
                    return (held, offer) if is_good else None
    return None


def valid_bundles(board: Board, hash_of: HashOf) -> tuple[HeldBundle, ...]:
    """The bundles that may be handed out: the whole holds, and each of its fixes still may be applied unasked."""
    preferred = {
        offer.offer_id
        for held_of_file in board.offers.values()
        for held in held_of_file.values()
        for offer in held.offers
        if may_be_applied_unasked(offer)
    }
    return tuple(
        held
        for held in board.bundles.values()
        if preferred.issuperset(held.bundle.offer_ids)
        and is_valid(board, held.generation, held.bundle.inputs, held.bundle.texts, hash_of)
    )


def bundle_of_id(board: Board, bundle_id: str, hash_of: HashOf) -> HeldBundle | None:
    """The bundle of an id, where it may be handed out."""
    return next((held for held in valid_bundles(board, hash_of) if held.bundle.bundle_id == bundle_id), None)


def members_of(board: Board, bundle: FixBundle) -> tuple[LiveOffer, ...]:
    """The offers of a bundle that are known, in the order of the bundle."""
    wanted = set(bundle.offer_ids)
    known = {
        offer.offer_id: offer
        for held_of_file in board.offers.values()
        for held in held_of_file.values()
        for offer in held.offers
        if offer.offer_id in wanted
    }
    return tuple(known[offer_id] for offer_id in bundle.offer_ids if offer_id in known)


def may_be_applied_unasked(offer: LiveOffer) -> bool:
    """Whether an offer is preferred, and everything that could equal it was compiled."""
    return offer.fix.preferred and not offer.is_provisional


def placed_problems(board: Board, path: Path) -> tuple[KnownProblem, ...]:
    """The problems of a file whose places are known: none while its text is another one than what was checked."""
    if not is_unchanged(board, [path], board.checked_generation):
        return ()
    return tuple(known for known in board.problems.values() if file_of(known.problem) == path)


def file_of(problem: Problem) -> Path | None:
    """The file that a problem stands in."""
    return problem.span.file if problem.span else None


def places_of(diagnostic: Diagnostic, path: Path | None) -> Iterator[tuple[int, int]]:
    """The bytes of a file that a message and what hangs below it point at, the primary place first."""
    for span in sorted(diagnostic.spans, key=lambda span: span != diagnostic.primary_span):
        if span.file == path:
            yield span.byte_start, span.byte_end
    for child in diagnostic.children:
        yield from places_of(child, path)
