"""A workspace without files, compiler and store, to play what becomes of offers on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lsp.offers import known_problem, live_offer, replacing

from sleepy_agent.code.edits import EditConflict, apply_edits, unified_diff
from sleepy_agent.domain import Outcome
from sleepy_agent.live.messages import KnownProblem, LiveOffer, TextChecked, VanishedProblem
from sleepy_agent.live.outcomes.book import OutcomeBook
from sleepy_agent.live.outcomes.records import Await, Decision, Drop, Moment, Settle
from sleepy_agent.memory.pending import PendingKind, PendingOutcome

ROOT = Path("/project")
FILE = ROOT / "src/lib.rs"
OTHER = ROOT / "src/other.rs"
TEXT = b"""fn sum(values: &[u32]) -> u32 {
    let total = 0;
    for value in values {
        total += value;
    }
    total
}
"""
OTHER_TEXT = b"fn help() {}\n"
FIRST_TEXTS = {FILE: TEXT, OTHER: OTHER_TEXT}
PROBLEM = known_problem(FILE, TEXT, "total +=")
MUT = live_offer(PROBLEM, {FILE: TEXT}, replacing(FILE, TEXT, "let total", "let mut total"), offer_id="mut")
CELL = live_offer(PROBLEM, {FILE: TEXT}, replacing(FILE, TEXT, "= 0;", "= Cell::new(0);"), offer_id="cell")
BOTH = live_offer(
    PROBLEM,
    {FILE: TEXT, OTHER: OTHER_TEXT},
    replacing(FILE, TEXT, "let total", "let mut total"),
    replacing(OTHER, OTHER_TEXT, "fn help", "pub fn help"),
    offer_id="both",
)
SETTLE_SECONDS = 10.0
START = datetime(2026, 1, 2, 3, tzinfo=UTC)


def made_by(*offers: LiveOffer) -> dict[Path, bytes]:
    """The texts that some offers make together."""
    edits = [edit for offer in offers for edit in offer.fix.candidate.edits]
    made = apply_edits(edits, FIRST_TEXTS.__getitem__)
    assert not isinstance(made, EditConflict)
    return made


MADE = made_by(MUT)[FILE]
OTHERWISE = MADE.replace(b"let mut total = 0", b"let sum: u32 = values.iter().sum()")
"""What the developer makes of it."""
OWN = f"own:{PROBLEM.problem_id}"
"""What the developer's own fix is waited for as."""


class Stage:
    """The owner of the texts, the clock, and of what a store would hold."""

    def __init__(self, *, open_files: tuple[Path, ...] = (FILE,), owner: str = "first") -> None:
        self.book = OutcomeBook(ROOT, owner, owner, SETTLE_SECONDS)
        self.disk = dict(FIRST_TEXTS)
        self.texts: dict[Path, bytes] = {}
        self.seconds = 0.0
        self.pending: dict[str, PendingOutcome] = {}
        self.ends: list[Settle] = []
        self.shown_ids: list[str] = []
        for path in open_files:
            self.texts[path] = self.disk[path]
            self.note(self.book.text_changed(path, None, self.disk[path], self.read, self.moment))

    @property
    def moment(self) -> Moment:
        clock = START + timedelta(seconds=self.seconds)
        return Moment(100.0 + self.seconds, clock.isoformat(timespec="microseconds"))

    @property
    def outcomes(self) -> list[tuple[str, Outcome]]:
        return [(end.pending.subject, end.outcome) for end in self.ends]

    def read(self, path: Path) -> bytes | None:
        return self.texts.get(path, self.disk.get(path))

    def show(self, *offers: LiveOffer, asked: bool = True) -> None:
        self.note(self.book.shown(offers, self.read, self.moment, asked=asked))

    def apply(self, *offers: LiveOffer, command: bool = True) -> None:
        """As a client does it: the edit first, then the command where it knows commands."""
        for path, text in made_by(*offers).items():
            if path in self.texts:
                self.type(text, path)
            else:
                self.write(text, path)
        if command:
            self.tell(*offers)

    def tell(self, *offers: LiveOffer) -> None:
        """The command alone."""
        self.note(self.book.applied([offer.offer_id for offer in offers], self.read, self.moment))

    def dismiss(self, offer: LiveOffer) -> None:
        self.note(self.book.dismissed(offer, self.moment))

    def type(self, text: bytes, path: Path = FILE, *, from_disk: bool = False) -> None:
        before, self.texts[path] = self.texts.get(path), text
        self.note(self.book.text_changed(path, before, text, self.read, self.moment, from_disk=from_disk))

    def type_slowly(self, text: bytes, path: Path = FILE) -> None:
        """Letter by letter, where the text gets longer in one place."""
        before = self.texts[path]
        start = next(index for index in range(len(text)) if before[index : index + 1] != text[index : index + 1])
        for length in range(1, len(text) - len(before) + 1):
            # An eighth is exact in binary, so that moments can be compared.
            self.seconds += 0.125
            self.type(before[:start] + text[start : start + length] + before[start:], path)

    def write(self, text: bytes | None, *paths: Path, head_changed: bool = False) -> None:
        """Somebody writes, or deletes, files on the disk."""
        for path in paths:
            if text is None:
                self.disk.pop(path, None)
            else:
                self.disk[path] = text
        self.book.disk_changed(frozenset(paths), self.texts.keys(), head_changed, self.moment)

    def check(
        self,
        *problems: KnownProblem,
        vanished: tuple[VanishedProblem, ...] = (),
        blocked: tuple[str, ...] = (),
    ) -> None:
        record = TextChecked(1, problems, vanished, blocked, 1.0)
        self.note(self.book.checked(record, self.texts, self.read, self.moment))

    def gone(self, known: KnownProblem = PROBLEM, *, deleted: bool = False, new_errors: int = 0) -> VanishedProblem:
        """What the worker says when a problem of the first texts is not in the present ones."""
        span = known.problem.span
        assert span is not None
        first, now = FIRST_TEXTS[span.file], self.read(span.file) or b""
        diff = unified_diff({span.file: first}, {span.file: now}, ROOT) if now != first else ""
        return VanishedProblem(known.problem_id, known.problem, diff, deleted, new_errors)

    def wait(self, seconds: float = SETTLE_SECONDS) -> None:
        """Time passes; what falls due is decided at its moment."""
        end = self.seconds + seconds
        while (deadline := self.book.deadline()) is not None and deadline - 100.0 <= end:
            self.seconds = max(self.seconds, deadline - 100.0)
            self.note(self.book.due(self.read, self.moment))
        self.seconds = end

    def crash_and_resume(self, *open_files: Path) -> None:
        """The process dies; its successor has the disk, the store and whatever the editor opens again."""
        for path, text in self.texts.items():
            self.disk[path] = text
        self.texts = {}
        self.book = OutcomeBook(ROOT, f"after {self.book.owner}", "a run", SETTLE_SECONDS)
        for path in open_files:
            self.type(self.disk[path], path)
        adopted = [replace(one, owner=self.book.owner) for one in self.pending.values()]
        self.note(self.book.adopted(adopted, self.read, self.moment))

    def note(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            pending = decision.pending
            if isinstance(decision, Await):
                self.pending[pending.subject] = pending
                if pending.kind == PendingKind.SHOWN:
                    self.shown_ids.append(pending.subject)
                continue
            # What is not waited for cannot end: so each thing ends once.
            del self.pending[pending.subject]
            if not isinstance(decision, Drop):
                self.ends.append(decision)
