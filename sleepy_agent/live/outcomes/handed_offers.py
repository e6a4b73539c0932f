"""The offers that a client has, with the texts they were made for: what is needed to see that one was taken. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.checksums import sha256_of_text
from sleepy_agent.code.edits import EditConflict, apply_edits, has_windows_lines, replacement_bytes
from sleepy_agent.domain import Edit
from sleepy_agent.live.messages import LiveOffer
from sleepy_agent.live.outcomes.history import TextHistory
from sleepy_agent.live.outcomes.records import ReadText
from sleepy_agent.live.outcomes.settling import follow_edits, hashes_only
from sleepy_agent.memory.pending import FollowedFile

MOST_HANDED = 400
# Offers are made for one text after another; only those for the last few can still be taken.
MOST_TEXTS = 32
MOST_TEXT_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Handed:
    """An offer that the client has, and how long it makes each file, where the text before is known."""

    offer: LiveOffer
    made_lengths: tuple[tuple[Path, int], ...]


class HandedOffers:
    """The owner of the last offers that were handed out, and of the texts they edit."""

    def __init__(self, history: TextHistory) -> None:
        self._history = history
        self._handed: OrderedDict[str, Handed] = OrderedDict()
        self._texts: OrderedDict[tuple[Path, str], bytes] = OrderedDict()

    def add(self, offer: LiveOffer, read: ReadText) -> None:
        """An offer was handed to the client, for the text that is there now."""
        lengths = []
        for path, expected in offer.texts.items():
            text = self._text(path, expected, read)
            if text is not None:
                lengths.append((path, len(text) + growth_of(offer.fix.candidate.edits, path, text)))
        self._handed[offer.offer_id] = Handed(offer, tuple(lengths))
        self._handed.move_to_end(offer.offer_id)
        while len(self._handed) > MOST_HANDED:
            self._handed.popitem(last=False)

    def forget(self, offer_id: str) -> None:
        """It was taken or dismissed: it is no offer any more until it is handed out again."""
        self._handed.pop(offer_id, None)

    def of_problem(self, problem_id: str) -> list[LiveOffer]:
        """All offers of a problem that the client has."""
        return [handed.offer for handed in self._handed.values() if handed.offer.problem_id == problem_id]

    def with_ids(self, offer_ids: Iterable[str]) -> list[LiveOffer]:
        """Those of the named offers that the client has."""
        return [self._handed[offer_id].offer for offer_id in offer_ids if offer_id in self._handed]

    def hashes(self, offer: LiveOffer) -> tuple[FollowedFile, ...]:
        """What is enough to see that exactly this offer was taken; empty where the text before is not known."""
        known = self._known_texts(offer)
        return hashes_only(offer.fix.candidate.edits, known) if len(known) == len(offer.texts) else ()

    def followed(self, offer: LiveOffer, whole: Sequence[Edit], read: ReadText) -> tuple[FollowedFile, ...]:
        """What has to be looked at later, when the offer was taken together with the whole of some edits.

        Where the text before is lost, only its hash is known: whether it is there again can still be seen.
        """
        for path, expected in offer.texts.items():
            self._text(path, expected, read)
        known = self._known_texts(offer)
        edits = offer.fix.candidate.edits
        files: tuple[FollowedFile, ...] = ()
        if len(known) == len(offer.texts):
            # The rest of a bundle may edit further files; those do not matter here.
            others = [edit for edit in whole if edit.file in known]
            files = follow_edits(edits, known, others) or follow_edits(edits, known)
        return files or tuple(FollowedFile(path, expected, "") for path, expected in offer.texts.items())

    def text_changed(self, path: Path, text: bytes) -> None:
        """Undo leads back to texts that offers were made for; those can be taken again."""
        for (other, expected), known in self._texts.items():
            if other == path and len(known) == len(text) and known == text:
                self._history.is_known_text(path, expected)

    def taken_by(self, path: Path, text: bytes, read: ReadText) -> list[LiveOffer]:
        """The offers whose edits make exactly the text that a file has now.

        A client that runs no command takes them so. Typing the same letter by letter is no taking: there are not more
        steps than the offer has edits.
        """
        found = []
        for handed in self._handed.values():
            if (path, len(text)) not in handed.made_lengths:
                continue
            offer = handed.offer
            edits = offer.fix.candidate.edits
            if self._history.steps_since(path, offer.texts[path]) > sum(edit.file == path for edit in edits):
                continue
            known = self._known_texts(offer)
            if len(known) < len(offer.texts):
                continue
            made = apply_edits(edits, known.__getitem__)
            if not isinstance(made, EditConflict) and all(
                (text if one == path else read(one)) == after for one, after in made.items()
            ):
                found.append(offer)
        return found

    def _known_texts(self, offer: LiveOffer) -> dict[Path, bytes]:
        texts = {path: self._texts.get((path, expected)) for path, expected in offer.texts.items()}
        return {path: text for path, text in texts.items() if text is not None}

    def _text(self, path: Path, expected: str, read: ReadText) -> bytes | None:
        """The text with a hash, where it is known or there now; it is remembered."""
        text = self._texts.get((path, expected))
        if text is None:
            text = read(path)
            if text is None or sha256_of_text(text) != expected:
                return None
            self._texts[(path, expected)] = text
            self._history.is_known_text(path, expected)
        self._texts.move_to_end((path, expected))
        while len(self._texts) > MOST_TEXTS or sum(map(len, self._texts.values())) > MOST_TEXT_BYTES > len(text):
            self._texts.popitem(last=False)
        return text


def growth_of(edits: Iterable[Edit], path: Path, text: bytes) -> int:
    """How many bytes longer the edits of a file make its text."""
    windows_lines = has_windows_lines(text)
    return sum(
        len(replacement_bytes(edit, windows_lines=windows_lines)) - (edit.byte_end - edit.byte_start)
        for edit in dict.fromkeys(edits)
        if edit.file == path
    )
