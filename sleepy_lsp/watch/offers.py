"""What is on offer, and which of it stands before the user. Pure: records and functions that give new ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sleepy_lsp.texts.convert import path_of_uri


@dataclass(frozen=True, slots=True)
class Offer:
    """One verified fix, as `sleepy/offers` tells it."""

    offer_id: str
    title: str
    source: str
    proof: str
    flags: tuple[str, ...]
    preferred: bool
    diff: str
    trigger: str

    @property
    def changed_lines(self) -> tuple[str, ...]:
        """The lines that go and come, without their numbers: what the user agrees to."""
        return changed_lines(self.diff)


@dataclass(frozen=True, slots=True)
class Item:
    """One problem with what is offered for it, the best first. `place`: its range, as the protocol has it."""

    problem_id: str
    uri: str
    path: Path
    place: Mapping[str, Any]
    code: str | None
    message: str
    family: str
    offers: tuple[Offer, ...]
    companions: tuple[Item, ...] = ()
    """Other problems that the very same change mends."""

    @property
    def line(self) -> int:
        """Counted from 1."""
        return int(self.place["start"]["line"]) + 1

    @property
    def column(self) -> int:
        """Counted from 1, in units of the negotiated encoding."""
        return int(self.place["start"]["character"]) + 1


@dataclass(frozen=True, slots=True)
class Selection:
    """Everything on offer now, and where the user stands in it.

    `passed_over`: how many offers of a problem the user has looked at and not taken.
    """

    items: tuple[Item, ...] = ()
    current: str | None = None
    """Id of the problem that is shown."""
    passed_over: Mapping[str, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """Place of the shown problem, counted from 1; 0 where there is none."""
        return next((number for number, item in enumerate(self.items, 1) if item.problem_id == self.current), 0)

    @property
    def item(self) -> Item | None:
        """The shown problem."""
        return self.items[self.number - 1] if self.number else None

    @property
    def offer(self) -> Offer | None:
        """The shown offer of the shown problem."""
        item = self.item
        return item.offers[self.passed_over.get(item.problem_id, 0) % len(item.offers)] if item else None


def together(items: Iterable[Item]) -> list[Item]:
    """Problems in the order of their files and lines, which stays the same while others come and go. Those that one
    change mends stand behind the first of them."""
    heads: dict[str, Item] = {}
    for item in sorted(items, key=lambda item: (item.path, item.line, item.column, item.problem_id)):
        diff = item.offers[0].diff
        head = heads.get(diff)
        heads[diff] = item if head is None else replace(head, companions=(*head.companions, item))
    return list(heads.values())


def with_items(selection: Selection, items: Iterable[Item]) -> Selection:
    """The selection when other things are on offer. What is shown stays, else what stands in its place comes."""
    found = tuple(items)
    if any(item.problem_id == selection.current for item in found):
        return replace(selection, items=found)
    place = min(max(selection.number - 1, 0), len(found) - 1)
    return replace(selection, items=found, current=found[place].problem_id if found else None)


def next_problem(selection: Selection) -> Selection:
    """The problem after the shown one; after the last comes the first."""
    if not selection.items:
        return selection
    return replace(selection, current=selection.items[selection.number % len(selection.items)].problem_id)


def next_offer(selection: Selection) -> Selection:
    """The next offer of the shown problem; after the last comes the best."""
    if selection.current is None:
        return selection
    passed_over = {**selection.passed_over, selection.current: selection.passed_over.get(selection.current, 0) + 1}
    return replace(selection, passed_over=passed_over)


def without_offer(selection: Selection, offer_id: str) -> Selection:
    """The selection without one offer; a problem without any offer goes, too."""
    kept = (
        replace(item, offers=tuple(offer for offer in item.offers if offer.offer_id != offer_id))
        for item in selection.items
    )
    return with_items(selection, (item for item in kept if item.offers))


def without_taken(selection: Selection, offer_ids: Collection[str]) -> Selection:
    """The selection without the problems that some offers mend, which were taken just now."""
    kept = (
        item
        for item in selection.items
        if not any(offer.offer_id in offer_ids for one in (item, *item.companions) for offer in one.offers)
    )
    return with_items(selection, kept)


def read_items(answer: object) -> tuple[Item, ...]:
    """The answer to `sleepy/offers` as records. What is not as docs/protocol.md says is left out."""
    items = (_item_of(raw) for raw in answer) if isinstance(answer, list) else ()
    return tuple(item for item in items if item is not None and item.offers)


def _item_of(raw: Any) -> Item | None:
    try:
        path = path_of_uri(raw["uri"])
        if path is None:
            return None
        return Item(
            problem_id=str(raw["problemId"]),
            uri=str(raw["uri"]),
            path=path,
            place={
                end: {unit: int(raw["range"][end][unit]) for unit in ("line", "character")} for end in ("start", "end")
            },
            code=raw.get("code"),
            message=str(raw["message"]),
            family=str(raw.get("family", "")),
            offers=tuple(_offer_of(offer) for offer in raw["offers"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _offer_of(raw: Mapping[str, Any]) -> Offer:
    return Offer(
        offer_id=str(raw["offerId"]),
        title=str(raw["title"]),
        source=str(raw.get("source", "")),
        proof=str(raw.get("proof", "")),
        flags=tuple(map(str, raw.get("flags", ()))),
        preferred=bool(raw.get("preferred")),
        diff=str(raw["diff"]),
        trigger=str(raw.get("trigger", "")),
    )


def changed_lines(diff: str) -> tuple[str, ...]:
    """The lines of a unified diff that go and come."""
    return tuple(
        line for line in diff.splitlines() if line.startswith(("+", "-")) and not line.startswith(("+++ ", "--- "))
    )
