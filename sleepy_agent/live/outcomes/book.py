"""What becomes of offers: who was shown what, what was taken, and what the text became. No I/O.

An offer is *shown*, then *accepted*; when its files have been quiet for a while it is *settled* (what it made is still
there), *edited* (something else is there) or *undone* (what was there before is there again). *Dismissed* is what the
developer says; *ignored* is an offer that was shown and not taken while the problem went away otherwise. An *own fix*
is a problem that the developer cleared: it counts when the problem stays away for the same quiet while.

The book decides; whoever owns it keeps the decisions in the store, and brings back what another process left there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sleepy_agent.domain import Outcome
from sleepy_agent.live.messages import LiveOffer, TextChecked, VanishedProblem
from sleepy_agent.live.outcomes.episodes import episode_of_offer, episode_of_own_change, own_change
from sleepy_agent.live.outcomes.handed_offers import HandedOffers
from sleepy_agent.live.outcomes.history import TextHistory, shorten
from sleepy_agent.live.outcomes.provenance import is_near_a_switch, provenance_of
from sleepy_agent.live.outcomes.records import (
    Await,
    Decision,
    Drop,
    Moment,
    OwnFacts,
    ReadText,
    Settle,
    Waiting,
    may_be_hidden,
    mistake_of,
)
from sleepy_agent.live.outcomes.settling import outcome_of
from sleepy_agent.memory.episodes import task_id_of
from sleepy_agent.memory.pending import FollowedFile, PendingKind, PendingOutcome

# Keys of an episode's metadata.
PROVENANCE = "provenance"
NOT_TAKEN = "offers_not_taken"
TAKEN_BY = "taken_by"
BY_COMMAND, BY_TEXT = "command", "text"

# Nobody decides on so many things at once; when one more comes, the first is decided by what is there.
MOST_WAITING = 500
MOST_MISTAKES = 500


class OutcomeBook:
    """The owner of what is waited for in one workspace. Every method answers with what the store has to learn."""

    def __init__(self, root: Path, owner: str, run_id: str, settle_seconds: float) -> None:
        self.root = root
        self.task_id = task_id_of(root)
        self.owner = owner
        self._run_id = run_id
        self._settle_seconds = settle_seconds
        self._waiting: dict[str, Waiting] = {}
        self._history = TextHistory()
        self._handed = HandedOffers(self._history)
        # For each mistake the ids of the offers that were shown for it.
        self._shown_for: OrderedDict[str, dict[str, None]] = OrderedDict()
        # Offers that were taken, while no check of the text they made has been heard of.
        self._unconfirmed: set[str] = set()

    @property
    def waiting(self) -> tuple[PendingOutcome, ...]:
        """What is waited for, oldest first."""
        return tuple(one.pending for one in self._waiting.values())

    # ---- what the developer sees and does ----------------------------------------------------------------

    def shown(self, offers: Iterable[LiveOffer], read: ReadText, moment: Moment, *, asked: bool) -> list[Decision]:
        """Offers were handed to the client. Where the developer did not ask (a lightbulb) nobody may have looked at
        them: they count as soon as one of the same problem is taken or dismissed."""
        decisions: list[Decision] = []
        for offer in offers:
            self._handed.add(offer, read)
            if asked:
                decisions += self._count_as_shown(offer, moment)
        return decisions + self._decide_overflow(read)

    def accepted(
        self, offers: Sequence[LiveOffer], read: ReadText, moment: Moment, taken_by: str = BY_COMMAND
    ) -> list[Decision]:
        """The client made the edits of these offers, all at once. `taken_by`: what says so."""
        # What is accepted already was heard of by its text; or it was undone and taken again: the text at last decides.
        new = [offer for offer in offers if not self._is_accepted(offer.offer_id)]
        whole = tuple(edit for offer in offers for edit in offer.fix.candidate.edits)
        decisions: list[Decision] = []
        for offer in new:
            decisions += self._count_the_list_as_shown(offer.problem_id, moment)
            files = self._handed.followed(offer, whole, read)
            pending = self._pending_of(offer, PendingKind.ACCEPTED, files, moment)
            pending = replace(pending, metadata={**pending.metadata, TAKEN_BY: taken_by})
            decisions.append(self._wait(pending, moment.at))
            self._unconfirmed.add(offer.offer_id)
            self._handed.forget(offer.offer_id)
        for path in {path for offer in new for path in offer.texts}:
            self._history.forget_last_step(path)
        return decisions + self._decide_overflow(read)

    def applied(self, offer_ids: Collection[str], read: ReadText, moment: Moment) -> list[Decision]:
        """The client's command says that it made the edits of these offers, all at once."""
        decisions: list[Decision] = []
        for offer_id in offer_ids:
            known = self._waiting.get(offer_id)
            if known is not None and known.pending.metadata.get(TAKEN_BY) == BY_TEXT:
                # Its text said so already.
                pending = replace(known.pending, metadata={**known.pending.metadata, TAKEN_BY: BY_COMMAND})
                self._waiting[offer_id] = replace(known, pending=pending)
                decisions.append(Await(pending))
        return decisions + self.accepted(self._handed.with_ids(offer_ids), read, moment)

    def dismissed(self, offer: LiveOffer, moment: Moment) -> list[Decision]:
        """The developer does not want this offer."""
        if self._is_accepted(offer.offer_id):
            return []
        decisions = [*self._count_the_list_as_shown(offer.problem_id, moment), *self._count_as_shown(offer, moment)]
        self._handed.forget(offer.offer_id)
        return [*decisions, Settle(self._waiting.pop(offer.offer_id).pending, Outcome.DISMISSED)]

    # ---- what happens to the text ------------------------------------------------------------------------

    def text_changed(
        self,
        path: Path,
        before: bytes | None,
        text: bytes,
        read: ReadText,
        moment: Moment,
        *,
        from_disk: bool = False,
    ) -> list[Decision]:
        """An open document has another text. `before`: None where it was opened now. `from_disk`: the editor took over
        what somebody else had written."""
        if before == text:
            return []
        if before is not None:
            self._history.changed(path, before, text, moment.at, from_disk=from_disk)
        self._touch(frozenset({path}), moment.at)
        # Two offers that make the same text are one deed. Which of them nobody knows: the one that stood first.
        taken = [] if from_disk else self._handed.taken_by(path, text, read)
        if before is None or abs(len(text) - len(before)) <= 1:
            # One key makes this, too: only where the developer had asked for the offer is that no chance.
            taken = [offer for offer in taken if offer.offer_id in self._waiting]
        decisions = self.accepted(taken[:1], read, moment, BY_TEXT)
        self._handed.text_changed(path, text)
        return decisions

    def disk_changed(
        self, paths: Collection[Path], open_paths: Collection[Path], head_changed: bool, moment: Moment
    ) -> None:
        """Files were written by anybody. What is open in the editor is what the editor says."""
        not_open = frozenset(paths) - frozenset(open_paths)
        self._history.written(paths, not_open, head_changed=head_changed, at=moment.at)
        self._touch(not_open, moment.at)

    def checked(
        self, checked: TextChecked, open_texts: Mapping[Path, bytes], read: ReadText, moment: Moment
    ) -> list[Decision]:
        """The compiler said what is broken now, and what is not any more."""
        present = frozenset(known.problem_id for known in checked.problems)
        vanished = frozenset(one.problem_id for one in checked.vanished)
        vanished_mistakes = frozenset(mistake_of(one.problem) for one in checked.vanished)
        decisions: list[Decision] = []
        for subject, waiting in list(self._waiting.items()):
            pending = waiting.pending
            if pending.kind == PendingKind.ACCEPTED:
                continue
            if pending.problem_id in present:
                if pending.kind == PendingKind.OWN:
                    decisions.append(Drop(self._waiting.pop(subject).pending))
                else:
                    self._waiting[subject] = replace(waiting, gone_at=None, needs_check=False)
            elif waiting.needs_check:
                if not may_be_hidden(pending.mistake, checked):
                    self._waiting[subject] = replace(waiting, gone_at=moment.at, needs_check=False)
            elif waiting.gone_at is None and (pending.problem_id in vanished or pending.mistake in vanished_mistakes):
                self._waiting[subject] = replace(waiting, gone_at=moment.at)
        were_taken = self._confirm(present, vanished)
        for one in checked.vanished:
            if one.new_errors == 0 and not were_taken and not self._was_taken(one, read):
                decisions += self._own_fix(one, open_texts, read, moment)
        self._history.checked(present, open_texts, moment.at)
        return decisions + self._decide_overflow(read)

    # ---- time --------------------------------------------------------------------------------------------

    def deadline(self) -> float | None:
        """When something falls due; None: nothing is waited for by time."""
        deadlines = [self._deadline_of(waiting) for waiting in self._waiting.values()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def due(self, read: ReadText, moment: Moment) -> list[Decision]:
        """What has been quiet for long enough."""
        decisions: list[Decision] = []
        for subject, waiting in list(self._waiting.items()):
            deadline = self._deadline_of(waiting)
            if deadline is not None and deadline <= moment.at:
                decisions.append(self._decide(self._waiting.pop(subject), read))
        return decisions

    def _deadline_of(self, waiting: Waiting) -> float | None:
        if waiting.needs_check:
            return None
        if waiting.pending.kind == PendingKind.SHOWN:
            return None if waiting.gone_at is None else waiting.gone_at + self._settle_seconds
        return waiting.changed_at + self._settle_seconds

    def _decide(self, waiting: Waiting, read: ReadText) -> Settle:
        """What became of it, by the text that is there."""
        pending = waiting.pending
        self._unconfirmed.discard(pending.subject)
        if pending.kind == PendingKind.SHOWN or self._came_with_a_switch(waiting):
            return Settle(pending, Outcome.IGNORED)
        outcome, text = outcome_of(pending.files, read)
        settled_text = text if any(file.regions for file in pending.files) else None
        if pending.kind == PendingKind.ACCEPTED:
            return Settle(pending, outcome, settled_text)
        # A branch switch may be heard of after the check, so where it came from is asked again.
        words = {} if waiting.own is None else self._provenance(waiting.own, pending.files)
        return Settle(pending, Outcome.SETTLED, settled_text, words)

    def _came_with_a_switch(self, waiting: Waiting) -> bool:
        """Whether only its text said that an offer was taken, and another branch has that text."""
        by_text = waiting.pending.metadata.get(TAKEN_BY) == BY_TEXT
        return by_text and is_near_a_switch(waiting.changed_at, self._history.switches)

    def _decide_overflow(self, read: ReadText) -> list[Decision]:
        decisions: list[Decision] = []
        while len(self._waiting) > MOST_WAITING:
            # Offers that were only shown go first: nothing was done about them.
            shown = (subject for subject, one in self._waiting.items() if one.pending.kind == PendingKind.SHOWN)
            decisions.append(self._decide(self._waiting.pop(next(shown, next(iter(self._waiting)))), read))
        return decisions

    def _touch(self, paths: frozenset[Path], at: float) -> None:
        for subject, waiting in self._waiting.items():
            if waiting.pending.kind != PendingKind.SHOWN and not paths.isdisjoint(waiting.paths):
                self._waiting[subject] = replace(waiting, changed_at=at)

    # ---- what another process left -----------------------------------------------------------------------

    def adopted(self, pendings: Iterable[PendingOutcome], read: ReadText, moment: Moment) -> list[Decision]:
        """Go on with what a process waited for that is no more. The quiet while counts from when it was last heard."""
        decisions: list[Decision] = []
        now = datetime.fromisoformat(moment.timestamp)
        for pending in pendings:
            is_shown = pending.kind == PendingKind.SHOWN
            if is_shown and pending.files and outcome_of(pending.files, read)[0] == Outcome.SETTLED:
                # It was taken in the moment that is lost: its very text is there.
                decisions.append(Settle(pending, Outcome.SETTLED))
                continue
            if is_shown:
                self._remember_shown(pending.subject, pending.mistake)
            quiet = (now - datetime.fromisoformat(pending.since)).total_seconds()
            self._waiting[pending.subject] = Waiting(
                pending,
                changed_at=moment.at - min(max(quiet, 0.0), self._settle_seconds),
                needs_check=pending.kind != PendingKind.ACCEPTED,
            )
        return decisions + self._decide_overflow(read)

    def refused(self, pending: PendingOutcome) -> None:
        """Another process follows this already: it is not waited for here, unless it has come further since."""
        known = self._waiting.get(pending.subject)
        if known is not None and known.pending.kind == pending.kind:
            del self._waiting[pending.subject]
            self._unconfirmed.discard(pending.subject)

    # ---- offers ------------------------------------------------------------------------------------------

    def _is_accepted(self, offer_id: str) -> bool:
        waiting = self._waiting.get(offer_id)
        return waiting is not None and waiting.pending.kind == PendingKind.ACCEPTED

    def _count_as_shown(self, offer: LiveOffer, moment: Moment) -> list[Decision]:
        self._remember_shown(offer.offer_id, mistake_of(offer.fix.problem))
        known = self._waiting.get(offer.offer_id)
        if known is not None:
            if offer.episode_id is None or known.pending.episode_id is not None or self._is_accepted(offer.offer_id):
                return []
            # It was shown before its attempt was stored.
            pending = replace(known.pending, episode_id=offer.episode_id, episode=None)
            self._waiting[offer.offer_id] = replace(known, pending=pending)
            return [Await(pending)]
        return [self._wait(self._pending_of(offer, PendingKind.SHOWN, self._handed.hashes(offer), moment), moment.at)]

    def _count_the_list_as_shown(self, problem_id: str, moment: Moment) -> list[Decision]:
        """Who takes or dismisses one offer has seen the list it stood in."""
        return [
            decision
            for offer in self._handed.of_problem(problem_id)
            for decision in self._count_as_shown(offer, moment)
        ]

    def _remember_shown(self, offer_id: str, mistake: str) -> None:
        self._shown_for.setdefault(mistake, {})[offer_id] = None
        self._shown_for.move_to_end(mistake)
        shorten(self._shown_for, MOST_MISTAKES)

    def _wait(self, pending: PendingOutcome, at: float, own: OwnFacts | None = None) -> Await:
        self._waiting.pop(pending.subject, None)
        self._waiting[pending.subject] = Waiting(pending, changed_at=at, own=own)
        return Await(pending)

    def _pending_of(
        self, offer: LiveOffer, kind: PendingKind, files: tuple[FollowedFile, ...], moment: Moment
    ) -> PendingOutcome:
        is_stored = offer.episode_id is not None
        return PendingOutcome(
            task_id=self.task_id,
            subject=offer.offer_id,
            kind=kind,
            owner=self.owner,
            problem_id=offer.problem_id,
            mistake=mistake_of(offer.fix.problem),
            since=moment.timestamp,
            files=files,
            episode_id=offer.episode_id,
            episode=None if is_stored else episode_of_offer(offer, self.root, self._run_id, moment),
            metadata={"offer_id": offer.offer_id, "problem_id": offer.problem_id},
        )

    # ---- own fixes ---------------------------------------------------------------------------------------

    def _confirm(self, present: frozenset[str], vanished: frozenset[str]) -> bool:
        """Whether this check is the first of a text that an offer made: then what vanished is the offer's doing."""
        confirmed = {
            subject
            for subject in self._unconfirmed
            if (waiting := self._waiting.get(subject)) is None
            or waiting.pending.problem_id in vanished
            or waiting.pending.problem_id not in present
        }
        self._unconfirmed -= confirmed
        return bool(confirmed)

    def _was_taken(self, vanished: VanishedProblem, read: ReadText) -> bool:
        """Whether an offer for this problem was taken and is not undone."""
        mistake = mistake_of(vanished.problem)
        return any(
            outcome_of(waiting.pending.files, read)[0] != Outcome.UNDONE
            for waiting in self._waiting.values()
            if waiting.pending.kind == PendingKind.ACCEPTED
            and (waiting.pending.problem_id == vanished.problem_id or waiting.pending.mistake == mistake)
        )

    def _own_fix(
        self, vanished: VanishedProblem, open_texts: Mapping[Path, bytes], read: ReadText, moment: Moment
    ) -> list[Decision]:
        changed = self._history.changed_since_check(open_texts)
        change = own_change(vanished, changed, read, self.root)
        span = vanished.problem.span
        if change is None or span is None:
            return []
        mistake = mistake_of(vanished.problem)
        facts = OwnFacts(span.file, vanished.deleted, moment.at, self._history.last_seen(vanished.problem_id))
        not_taken = " ".join(
            offer_id for offer_id in self._shown_for.get(mistake, {}) if not self._is_accepted(offer_id)
        )
        words = self._provenance(facts, change.files) | ({NOT_TAKEN: not_taken} if not_taken else {})
        words["problem_id"] = vanished.problem_id
        pending = PendingOutcome(
            task_id=self.task_id,
            subject=f"own:{vanished.problem_id}",
            kind=PendingKind.OWN,
            owner=self.owner,
            problem_id=vanished.problem_id,
            mistake=mistake,
            since=moment.timestamp,
            files=change.files,
            episode=episode_of_own_change(vanished, change, self.root, self._run_id, moment, words),
        )
        return [self._wait(pending, moment.at, facts)]

    def _provenance(self, facts: OwnFacts, files: Iterable[FollowedFile]) -> dict[str, str]:
        paths = {file.path for file in files} or {facts.file}
        steps = self._history.steps_between(paths, facts.open_since, facts.cleared_at)
        return {PROVENANCE: provenance_of(steps, self._history.switches, deleted=facts.deleted).value}
