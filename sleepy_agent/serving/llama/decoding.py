"""The loop that writes answers: all samples of a request as one batch, several tokens at a time where drafts are right.

It starts where a prompt was read into sequence 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import FinishReason
from sleepy_agent.serving.engine import OnText, Sample
from sleepy_agent.serving.llama.drafts import DraftSource
from sleepy_agent.serving.llama.native import Logits, NativeContext, NativeModel
from sleepy_agent.serving.llama.sampling import Chooser
from sleepy_agent.serving.llama.text_stream import TextStream

SLOW_BATCHES = range(8, 11)
"""From 8 rows on llama.cpp unpacks K-quantised weights for 16 rows (ggml-cpu/tiled), which takes longer for 8 to 10
than two batches of half as many rows: 427 instead of 352 ms for 8 (a Q4_K_M of 1.5B parameters, one thread)."""


class Writer:
    """One sample while it is written: token by token into text, until something ends it."""

    def __init__(
        self,
        number: int,
        model: NativeModel,
        chooser: Chooser,
        stops: tuple[str, ...],
        max_tokens: int,
        on_text: OnText | None = None,
    ) -> None:
        self._number = number
        self._model = model
        self._chooser = chooser
        self._stream = TextStream(stops)
        self._tokens_left = max_tokens
        self._tokens_out = 0
        self._on_text = on_text
        self._finish_reason: FinishReason | None = None
        self.last_token = -1

    @property
    def is_finished(self) -> bool:
        return self._finish_reason is not None

    @property
    def tokens_left(self) -> int:
        return self._tokens_left

    def write(self, logits: Logits) -> int:
        """Choose the next token and add it to the text. Returns the token, which was not written if it ends all."""
        token = self._chooser.choose(logits)
        if token is None or self._model.ends_generation(token):
            # A grammar that the vocabulary cannot follow any further leaves an unfinished text.
            self.finish(FinishReason.STOP if token is not None else FinishReason.LENGTH)
            return -1
        self.last_token = token
        self._tokens_out += 1
        self._tokens_left -= 1
        self._tell(self._stream.push(self._model.piece(token)))
        if self._stream.is_stopped:
            self.finish(FinishReason.STOP)
        elif self._tokens_left <= 0:
            self.finish(FinishReason.LENGTH)
        return token

    def finish(self, reason: FinishReason) -> None:
        self._finish_reason = reason
        self._tell(self._stream.finish())
        self._chooser.close()

    def sample(self) -> Sample:
        return Sample(self._stream.text, self._finish_reason or FinishReason.CANCELLED, self._tokens_out)

    def close(self) -> None:
        """Free what the chooser holds, whatever happened. Twice is harmless."""
        self._chooser.close()

    def _tell(self, text: str) -> None:
        if text and self._on_text is not None:
            self._on_text(self._number, text)


@dataclass(frozen=True, slots=True)
class DraftCounts:
    """How many tokens were proposed, and how many of them were right."""

    drafted: int = 0
    accepted: int = 0


@dataclass(slots=True)
class _Group:
    """Samples that have the same text so far: one sequence of the context and one row of a batch do for all.

    `position`: of the last token they chose, which the context has not read yet.
    """

    sequence: int
    position: int
    writers: dict[int, Writer]
    drafts: DraftSource | None
    proposal: list[int] = field(default_factory=list)

    @property
    def rows(self) -> list[int]:
        """The tokens that go through the model for this group next."""
        return [self._one.last_token, *self.proposal]

    def draft(self, limit: int) -> None:
        # The last token that may be written needs no draft after it.
        limit = min(limit, self._one.tokens_left - 1)
        self.proposal = list(self.drafts.propose(limit)) if self.drafts is not None and limit > 0 else []

    @property
    def _one(self) -> Writer:
        return next(iter(self.writers.values()))


def write_samples(
    context: NativeContext,
    writers: Sequence[Writer],
    first_logits: Logits,
    prompt_tokens: int,
    drafts: DraftSource | None,
    most_rows: int,
    cancel: CancelToken,
) -> DraftCounts:
    """Write one sample for each of `writers`, all in one batch, all from the one prompt in sequence 0.

    `first_logits`: those after the prompt's last token. Each drafted token is compared with what a sample chooses at
    its place, so texts are the same with any `drafts` and without; what was drafted wrong is removed again.
    `most_rows`: so many tokens go through the model at once, more only where there are more samples.
    Uses the sequences below the number of writers and leaves the samples in them.
    """
    drafted = accepted = 0
    start = _Group(0, prompt_tokens - 1, dict(enumerate(writers)), drafts)
    groups, _ = _choose(context, start, [first_logits])
    while groups:
        if cancel.cancelled:
            for writer in writers:
                if not writer.is_finished:
                    writer.finish(FinishReason.CANCELLED)
            break
        for group in groups:
            group.draft(most_rows // len(groups) - 1)
        following: list[_Group] = []
        for batch in _batches(groups, context.splits_batches):
            _decode(context, batch)
            row = 0
            for group in batch:
                logits = [context.logits(row + depth) for depth in range(len(group.rows))]
                row += len(group.rows)
                parts, right = _choose(context, group, logits)
                following += parts
                drafted += len(group.proposal)
                accepted += right
        groups = following
    return DraftCounts(drafted, accepted)


def _decode(context: NativeContext, groups: Sequence[_Group]) -> None:
    tokens: list[int] = []
    positions: list[int] = []
    sequences: list[int] = []
    for group in groups:
        rows = group.rows
        tokens += rows
        positions += range(group.position, group.position + len(rows))
        sequences += [group.sequence] * len(rows)
    context.decode(tokens, positions, sequences, [True] * len(tokens))


def _choose(context: NativeContext, group: _Group, logits: Sequence[Logits]) -> tuple[list[_Group], int]:
    """Let each sample of a group choose its next tokens, as far as the group's draft agrees.

    `logits`: after the group's last token and after each of its draft. Returns the groups of those that go on, one for
    each text, and how many drafted tokens were right for at least one sample.
    """
    parted: list[tuple[list[int], dict[int, Writer]]] = []
    right = 0
    current = group.writers
    for depth, row in enumerate(logits):
        by_token: dict[int, dict[int, Writer]] = {}
        for number, writer in current.items():
            token = writer.write(row)
            if not writer.is_finished:
                by_token.setdefault(token, {})[number] = writer
        agreed = by_token.pop(group.proposal[depth], None) if depth < len(group.proposal) else None
        parted += [([*group.proposal[:depth], token], parts) for token, parts in by_token.items()]
        if agreed is None:
            break
        right, current = depth + 1, agreed
    return _part(context, group, parted), right


def _part(context: NativeContext, group: _Group, parted: Sequence[tuple[list[int], dict[int, Writer]]]) -> list[_Group]:
    """Make a group of each text that came of `group`, with a sequence of its own that holds this text and no draft."""
    # A group's sequence has the number of one of its samples, so that no two groups ever have the same one.
    heir = next((place for place, (_, parts) in enumerate(parted) if group.sequence in parts), 0)
    found = []
    for place, (came, parts) in enumerate(parted):
        is_heir = place == heir
        drafts = group.drafts if is_heir or group.drafts is None else group.drafts.copy()
        sequence = group.sequence if is_heir else next(iter(parts))
        found.append(_Group(sequence, group.position + len(came), parts, drafts))
        if not is_heir:
            context.copy_sequence(group.sequence, sequence)
    for one, (came, _) in zip(found, parted, strict=True):
        if len(came) <= len(group.proposal):
            context.forget_from(one.sequence, one.position)
        if one.drafts is not None:
            one.drafts.extend(came, len(came) - 1, len(group.proposal))
    return found


def _batches(groups: Sequence[_Group], splits: bool) -> list[Sequence[_Group]]:
    if splits and len(groups) > 1 and sum(len(group.rows) for group in groups) in SLOW_BATCHES:
        half = (len(groups) + 1) // 2
        return [groups[:half], groups[half:]]
    return [groups]
