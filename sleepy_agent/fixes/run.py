"""What one repair is asked to do, and what it has at hand and has decided so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.code.edits import EditConflict, apply_edits
from sleepy_agent.domain import Candidate, Proof
from sleepy_agent.fixes.bookkeeping import Budget, ProblemKey, RunBook
from sleepy_agent.fixes.events import Decide, Emit
from sleepy_agent.fixes.sources import MODEL_SOURCES, Source
from sleepy_agent.fixes.sources.context import KnownItems
from sleepy_agent.fixes.taken import TakenFix
from sleepy_agent.process import CancelToken

if TYPE_CHECKING:
    from sleepy_agent.fixes.consulting import Consultation
    from sleepy_agent.serving.chat import ModelUnavailable


@dataclass(frozen=True, slots=True)
class FixOptions:
    """What to repair and how. `sources` None: every source available here; empty sets: everything."""

    sources: tuple[str, ...] | None = None
    codes: frozenset[str] = frozenset()
    files: tuple[Path, ...] = ()
    clippy: bool = False
    proof: Proof = Proof.CHECK
    budget_seconds: float | None = None
    write: bool = True
    keep_unchecked: bool = False
    """Whether fixes stay that an error left beside them keeps the compiler from checking to the end: only where
    somebody saw and accepted each of them."""
    command: str = "sleepy fix"


@dataclass(slots=True)
class Run:
    """What one repair needs at hand, and what it has decided so far."""

    session: CheckSession
    sources: Sequence[Source]
    options: FixOptions
    decide: Decide
    emit: Emit
    cancel: CancelToken
    budget: Budget
    book: RunBook
    hindrance: Callable[[Path], str | None] = lambda _path: None
    """Why a file must not be written, or None."""
    take_all: bool = False
    skipped_files: frozenset[Path] = frozenset()
    agreed: frozenset[tuple[ProblemKey, str]] = frozenset()
    """Fixes that were accepted but could not be taken in together with others yet: nobody is asked twice."""
    declined: frozenset[tuple[ProblemKey, str, bool]] = frozenset()
    """Fixes that were not taken, and whether they were preferred: asked about again only when that changes."""
    announced: frozenset[tuple[ProblemKey, str]] = frozenset()
    """Fixes whose taking was told: a run that begins again does not tell it twice."""
    taken: list[TakenFix] = field(default_factory=list)
    banned: frozenset[tuple[ProblemKey, str]] = frozenset()
    """Fixes that were taken back because nobody could check them to the end."""
    seen_texts: list[Mapping[Path, bytes]] = field(default_factory=list)
    """What was committed at the beginning of each round: none of it is gone back to."""
    consultation: Consultation | None = None
    """Who asks models, where there are any."""
    stopped_because: str | None = None
    known_items: KnownItems = field(default_factory=KnownItems)
    """The index of the workspace, which each search takes on where the one before left it."""

    def leads_back(self, candidate: Candidate) -> bool:
        """Whether a candidate makes the text that an earlier round began with."""
        texts = apply_edits(candidate.edits, self.session.read)
        if isinstance(texts, EditConflict):
            return False
        after = {**self.session.overlay, **texts}
        return any(
            all(seen.get(path, self.session.original(path)) == text for path, text in after.items())
            for seen in self.seen_texts
        )

    def may_go_on(self) -> bool:
        """Whether new work may begin."""
        self.cancel.raise_if_cancelled()
        if self.budget.is_used_up and self.stopped_because is None:
            self.stopped_because = self.budget.words
        return self.stopped_because is None


def consultation_for(
    sources: Iterable[Source], cancel: CancelToken, say: Callable[[str, ModelUnavailable], None]
) -> Consultation | None:
    """Who asks the models among the sources; None where there are none, and then nothing of it is loaded."""
    sources = [source for source in sources if source.name in MODEL_SOURCES]
    if not sources:
        return None
    from sleepy_agent.fixes.consulting import Consultation

    return Consultation(sources, cancel, say)
