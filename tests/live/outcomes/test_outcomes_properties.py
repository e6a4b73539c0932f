"""Whatever a developer does, in whatever order: what is said of an offer is what the text says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from lsp.offers import live_offer, replacing

from sleepy_agent.domain import Outcome
from sleepy_agent.live.messages import LiveOffer
from sleepy_agent.memory.pending import PendingKind

from .outcome_stage import BOTH, FILE, MUT, OTHER, OTHER_TEXT, PROBLEM, TEXT, Stage, made_by

PUBLIC = live_offer(
    PROBLEM, {OTHER: OTHER_TEXT}, replacing(OTHER, OTHER_TEXT, "fn help", "pub fn help"), offer_id="public"
)
OFFERS = (MUT, BOTH, PUBLIC)
SPECIAL = {FILE: (b"mut", b"lettotal"), OTHER: (b"pub", b"fnhelp")}
"""What only the made text has, and what stands together only in the former one, white space taken out."""

Action = Callable[[Stage], None]


class Player(Stage):
    """Notes for each offer how often it was taken, and the texts at the moment of each end."""

    def __init__(self) -> None:
        super().__init__(open_files=(FILE,))
        self.taken: Counter[str] = Counter()
        self.problems: list[str] = []

    def take(self, offer: LiveOffer) -> None:
        """Where the texts are those of the offer and it was not taken yet."""
        is_taken = any(one.subject == offer.offer_id and one.kind == PendingKind.ACCEPTED for one in self.book.waiting)
        before = {FILE: TEXT, OTHER: OTHER_TEXT}
        if any(self.read(path) != before[path] for path in offer.texts):
            return
        self.show(offer)
        self.apply(offer)
        self.taken[offer.offer_id] += not is_taken

    def wait(self, seconds: float = 10.0) -> None:
        known = len(self.ends)
        super().wait(seconds)
        for end in self.ends[known:]:
            for file in end.pending.files if end.pending.kind == PendingKind.ACCEPTED else ():
                text = b"".join((self.read(file.path) or b"").split())
                made, former = SPECIAL[file.path]
                if end.outcome == Outcome.SETTLED and made not in text:
                    self.problems.append(f"kept, and not there: {text!r}")
                if end.outcome == Outcome.UNDONE and former not in text:
                    self.problems.append(f"undone, and not as before: {text!r}")


def replaced(path_index: int, pieces: list[str]) -> Action:
    """Put together a text of some pieces of the former and the made one, and of others."""
    path = (FILE, OTHER)[path_index]

    def act(stage: Stage) -> None:
        before = {FILE: TEXT, OTHER: OTHER_TEXT}[path]
        made = made_by(BOTH)[path]
        parts = {"before": before, "made": made, "line": b"// line\n", "half": made[: len(made) // 2], "": b""}
        text = b"".join(parts[piece] for piece in pieces)
        if path in stage.texts:
            stage.type(text, path)
        else:
            stage.write(text, path)

    return act


def typed(position: int, letters: str) -> Action:
    def act(stage: Stage) -> None:
        text = stage.texts.get(FILE)
        if text is not None:
            at = position % (len(text) + 1)
            stage.type(text[:at] + letters.encode() + text[at:])

    return act


def erased(position: int, length: int) -> Action:
    def act(stage: Stage) -> None:
        text = stage.texts.get(FILE)
        if text:
            at = position % len(text)
            stage.type(text[:at] + text[at + length :])

    return act


def taken(index: int) -> Action:
    return lambda stage: stage.take(OFFERS[index]) if isinstance(stage, Player) else None


def waited(eighths: int) -> Action:
    return lambda stage: stage.wait(eighths / 8)


def undone() -> Action:
    def act(stage: Stage) -> None:
        stage.type(TEXT)
        stage.write(OTHER_TEXT, OTHER)

    return act


ACTIONS = st.one_of(
    st.integers(0, 2).map(taken),
    st.integers(0, 100).map(waited),
    st.just(undone()),
    st.builds(typed, st.integers(0, 400), st.sampled_from(["x", " ", "\n", "&", "// note\n", "let total = 1;"])),
    st.builds(erased, st.integers(0, 400), st.integers(1, 40)),
    st.builds(
        replaced,
        st.integers(0, 1),
        st.lists(st.sampled_from(["before", "made", "line", "half", ""]), min_size=1, max_size=3),
    ),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTIONS, max_size=14))
def test_every_offer_that_was_taken_ends_once_and_as_the_text_says(actions: list[Action]) -> None:
    stage = Player()
    for action in actions:
        action(stage)
    stage.wait(30)
    ends = Counter(end.pending.subject for end in stage.ends if end.pending.kind == PendingKind.ACCEPTED)
    assert ends == stage.taken
    assert all(
        end.outcome in {Outcome.SETTLED, Outcome.EDITED, Outcome.UNDONE}
        for end in stage.ends
        if end.pending.kind == PendingKind.ACCEPTED
    )
    assert [one for one in stage.book.waiting if one.kind == PendingKind.ACCEPTED] == []
    assert stage.problems == []


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTIONS, max_size=14), st.booleans())
def test_a_crash_at_any_point_changes_no_outcome(actions: list[Action], is_open_again: bool) -> None:
    one_process, two_processes = Player(), Player()
    for stage in (one_process, two_processes):
        for action in actions:
            action(stage)
    two_processes.crash_and_resume(*([FILE] if is_open_again else []))
    for stage in (one_process, two_processes):
        stage.wait(30)
    assert ends_of(one_process) == ends_of(two_processes)


def ends_of(stage: Player) -> list[tuple[str, Outcome, str]]:
    """What became of the offers that were taken."""
    return sorted(
        (end.pending.subject, end.outcome, end.settled_text or "")
        for end in stage.ends
        if end.pending.subject in stage.taken
    )
