"""A board by files and families: which files it speaks of, and what is left when something is muted. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from sleepy_agent.live.messages import KnownProblem, LiveOffer
from sleepy_lsp.workspaces.board import Board, HeldOffers, file_of, without


def all_offers(board: Board) -> Iterator[tuple[HeldOffers, LiveOffer]]:
    """Every offer with what is held of its problem, valid or not."""
    for of_file in board.offers.values():
        for held in of_file.values():
            for offer in held.offers:
                yield held, offer


def ids_by_file(problems: Mapping[str, KnownProblem]) -> dict[Path, tuple[str, ...]]:
    """The ids of the problems of each file."""
    ids: dict[Path, list[str]] = {}
    for problem_id, known in problems.items():
        path = file_of(known.problem)
        if path is not None:
            ids.setdefault(path, []).append(problem_id)
    return {path: tuple(listed) for path, listed in ids.items()}


def files_of_problems(board: Board, problem_ids: Collection[str]) -> frozenset[Path]:
    """The files that some problems of the last check stand in."""
    named = (board.problems.get(problem_id) for problem_id in problem_ids)
    files = (file_of(known.problem) for known in named if known)
    return frozenset(path for path in files if path is not None)


def files_of_offers(offers: Iterable[LiveOffer]) -> frozenset[Path]:
    """The files that the problems of some offers stand in, and those that the offers would change."""
    places = {file_of(offer.fix.problem) for offer in offers}
    edited = {path for offer in offers for path in offer.texts}
    return frozenset(path for path in places | edited if path is not None)


def known_files_below(board: Board, folder: Path) -> frozenset[Path]:
    """The files of a folder that the board speaks of, whether they are still there or not."""
    inputs = {path for _, offer in all_offers(board) for path in offer.inputs}
    known = inputs | files_of_problems(board, board.problems.keys())
    return frozenset(path for path in known if path.is_relative_to(folder))


def without_families(board: Board, muted: frozenset[str]) -> Board:
    """A board without the offers of some families."""
    unwanted = {offer.offer_id for held, offer in all_offers(board) if held.problem.family in muted}
    return without(
        board,
        lambda offer: offer.offer_id in unwanted,
        lambda bundle: not unwanted.isdisjoint(bundle.offer_ids),
    )
