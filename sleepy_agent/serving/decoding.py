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


def write_together(
    context: NativeContext, writers: Sequence[Writer], first_logits: Logits, prompt_tokens: int, cancel: CancelToken
) -> None:
    """Write one sample for each of `writers`, one token each a batch, all from the one prompt in sequence 0.

    `first_logits`: those after the prompt's last token. Sample i is sequence i.
    """
    for sequence, writer in enumerate(writers):
        writer.write(first_logits)
        if sequence:
            context.copy_sequence(0, sequence)
    position = prompt_tokens
    while active := [(sequence, writer) for sequence, writer in enumerate(writers) if not writer.is_finished]:
        if cancel.cancelled:
            for _sequence, writer in active:
                writer.finish(FinishReason.CANCELLED)
            return
        count = len(active)
        context.decode(
            [writer.last_token for _sequence, writer in active],
            [position] * count,
            [sequence for sequence, _writer in active],
            [True] * count,
        )
        for row, (_sequence, writer) in enumerate(active):
            writer.write(context.logits(row))
        position += 1


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
