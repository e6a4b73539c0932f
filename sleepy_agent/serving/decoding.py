"""The two loops that write answers: all samples of a request as one batch, or one sample with drafts.

Both start where a prompt was read into sequence 0 and leave in the context whatever they wrote after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import FinishReason
from sleepy_agent.serving.drafts import DraftSource
from sleepy_agent.serving.engine import OnText, Sample
from sleepy_agent.serving.native import Logits, NativeContext, NativeModel
from sleepy_agent.serving.sampling import Chooser
from sleepy_agent.serving.text_stream import TextStream

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
    """Samples that have the same text so far: one sequence of the context and one row of a batch do for all."""

    sequence: int
    writers: dict[int, Writer]


def write_together(
    context: NativeContext, writers: Sequence[Writer], first_logits: Logits, prompt_tokens: int, cancel: CancelToken
) -> None:
    """Write one sample for each of `writers`, one token each a batch, all from the one prompt in sequence 0.

    `first_logits`: those after the prompt's last token. Uses sequences below the number of writers.
    """
    groups = _write_group(context, _Group(0, dict(enumerate(writers))), first_logits)
    position = prompt_tokens
    while groups:
        if cancel.cancelled:
            for writer in writers:
                if not writer.is_finished:
                    writer.finish(FinishReason.CANCELLED)
            return
        following: list[_Group] = []
        for batch in _batches(groups, context.splits_batches):
            context.decode(
                [next(iter(group.writers.values())).last_token for group in batch],
                [position] * len(batch),
                [group.sequence for group in batch],
                [True] * len(batch),
            )
            for row, group in enumerate(batch):
                following += _write_group(context, group, context.logits(row))
        groups = following
        position += 1


def _write_group(context: NativeContext, group: _Group, logits: Logits) -> list[_Group]:
    """Let each sample of a group choose its next token. Returns the groups of those that go on, one for each token."""
    by_token: dict[int, dict[int, Writer]] = {}
    for number, writer in group.writers.items():
        token = writer.write(logits)
        if not writer.is_finished:
            by_token.setdefault(token, {})[number] = writer
    # A group's sequence has the number of one of its samples, so that no two groups ever have the same one.
    heirs = [parts for parts in by_token.values() if group.sequence in parts] or list(by_token.values())[:1]
    following = []
    for parts in by_token.values():
        sequence = group.sequence if parts is heirs[0] else next(iter(parts))
        if sequence != group.sequence:
            context.copy_sequence(group.sequence, sequence)
        following.append(_Group(sequence, parts))
    return following


def _batches(groups: Sequence[_Group], splits: bool) -> list[Sequence[_Group]]:
    if splits and len(groups) in SLOW_BATCHES:
        half = (len(groups) + 1) // 2
        return [groups[:half], groups[half:]]
    return [groups]


def write_with_drafts(
    context: NativeContext,
    writer: Writer,
    first_logits: Logits,
    prompt_tokens: int,
    drafts: DraftSource,
    longest_draft: int,
    cancel: CancelToken,
) -> DraftCounts:
    """Write one sample, several tokens a batch where the drafts are right.

    Each drafted token is compared with what the model chooses at its place, so the text is the one that
    `write_together` writes; a wrong draft and what follows it are removed from the context again.
    """
    drafted = accepted_in_all = 0
    first = writer.write(first_logits)
    drafts.extend([first], 0, 0)
    position = prompt_tokens
    while not writer.is_finished:
        if cancel.cancelled:
            writer.finish(FinishReason.CANCELLED)
            break
        # The last token that may be written needs no draft after it.
        proposal = list(drafts.propose(min(longest_draft, writer.tokens_left - 1)))
        count = 1 + len(proposal)
        context.decode([writer.last_token, *proposal], range(position, position + count), 0, [True] * count)
        came: list[int] = []
        for row in range(count):
            token = writer.write(context.logits(row))
            if writer.is_finished:
                break
            came.append(token)
            if row < len(proposal) and token != proposal[row]:
                break
        accepted = sum(1 for token, guess in zip(came, proposal, strict=False) if token == guess)
        position += 1 + accepted
        if accepted < len(proposal):
            context.forget_from(0, position)
        drafts.extend(came, accepted, len(proposal))
        drafted += len(proposal)
        accepted_in_all += accepted
    return DraftCounts(drafted, accepted_in_all)
