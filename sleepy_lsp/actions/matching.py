"""Which problems a request for code actions is about: its range and diagnostics against the places of problems. Pure.

A file may have thousands of problems and a request thousands of diagnostics, so only offsets are compared, and each
problem meets only the diagnostics near to it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from lsprotocol import types as lsp

from sleepy_lsp.texts.convert import byte_range
from sleepy_lsp.texts.line_index import LineIndex
from sleepy_lsp.workspaces.board import Board, HeldOffers

SHORT = 300
"""Bytes. Few diagnostics are longer, and those are looked at one by one."""


def asked_problems(
    board: Board,
    path: Path,
    index: LineIndex,
    asked: lsp.Range,
    diagnostics: Sequence[lsp.Diagnostic],
    encoding: str,
) -> list[tuple[HeldOffers, list[lsp.Diagnostic]]]:
    """The problems that a request is about, each with the diagnostics of the request that speak of it.

    About a problem is a range that touches its primary place, and a diagnostic of its code at one of its places. Where
    there is none of these: the problems that begin on the lines of the range.
    """
    start, end = byte_range(index, asked, encoding)
    by_code = {
        code: placed_diagnostics((byte_range(index, one.range, encoding), one) for one in of_code)
        for code, of_code in diagnostics_by_code(diagnostics).items()
    }
    here: list[tuple[HeldOffers, list[lsp.Diagnostic]]] = []
    on_the_lines: list[tuple[HeldOffers, list[lsp.Diagnostic]]] = []
    first_byte = index.starts[index.line_of(start)]
    last_line = index.line_of(end)
    last_byte = index.starts[last_line + 1] if last_line + 1 < len(index.starts) else len(index.text) + 1
    for held in board.offers.get(path, {}).values():
        primary = held.places[0]
        of_code = by_code.get(held.problem.code)
        matching = of_code.touching(held.places) if of_code else []
        if matching or touch(primary, (start, end)):
            here.append((held, matching))
        elif first_byte <= primary[0] < last_byte:
            on_the_lines.append((held, []))
    return sorted(here or on_the_lines, key=lambda one: distance(one[0].places[0], start))


@dataclass(frozen=True, slots=True)
class PlacedDiagnostics:
    """Diagnostics with the bytes they stand on, so that those at a place are found without looking at all of them."""

    short: tuple[tuple[int, int, lsp.Diagnostic], ...]
    """Start, end and diagnostic of those no longer than `SHORT`, in the order of their beginnings."""
    long: tuple[tuple[int, int, lsp.Diagnostic], ...]

    def touching(self, places: Iterable[tuple[int, int]]) -> list[lsp.Diagnostic]:
        """Those that share a byte or an edge with one of some places."""
        found: dict[int, lsp.Diagnostic] = {}
        for place in places:
            first = bisect_left(self.short, place[0] - SHORT, key=itemgetter(0))
            last = bisect_right(self.short, place[1], key=itemgetter(0))
            for start, end, diagnostic in (*self.short[first:last], *self.long):
                if touch((start, end), place):
                    found[id(diagnostic)] = diagnostic
        return list(found.values())


def placed_diagnostics(diagnostics: Iterable[tuple[tuple[int, int], lsp.Diagnostic]]) -> PlacedDiagnostics:
    """Some diagnostics by their places."""
    placed = sorted(((*place, diagnostic) for place, diagnostic in diagnostics), key=itemgetter(0))
    short = tuple(one for one in placed if one[1] - one[0] <= SHORT)
    return PlacedDiagnostics(short, tuple(one for one in placed if one[1] - one[0] > SHORT))


def diagnostics_by_code(diagnostics: Iterable[lsp.Diagnostic]) -> dict[str | None, list[lsp.Diagnostic]]:
    """Diagnostics by their code; rustc's are words, other servers' may be numbers."""
    by_code: dict[str | None, list[lsp.Diagnostic]] = {}
    for diagnostic in diagnostics:
        by_code.setdefault(None if diagnostic.code is None else str(diagnostic.code), []).append(diagnostic)
    return by_code


def touch(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two ranges share a byte or an edge: a cursor at the end of a word is on it."""
    return one[0] <= other[1] and other[0] <= one[1]


def distance(place: tuple[int, int], offset: int) -> tuple[int, int]:
    """How far a place lies from an offset; among those that hold it the smallest is the nearest."""
    return max(place[0] - offset, offset - place[1], 0), place[1] - place[0]
