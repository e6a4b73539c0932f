"""A model that replays what stands in a script: for tests, and for showing how the rest behaves without a model."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.errors import ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import (
    Completion,
    CompletionAnswer,
    CompletionRequest,
    FinishReason,
    ModelUnavailable,
)

LOOK_AGAIN_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """One answer, given once. `adapter` and `contains` say to which questions it fits; empty: to any.

    `contains`: text that stands somewhere in the question. `unavailable` is answered instead of `texts`.
    `until_cancelled`: nothing comes before the asker loses patience. `is_repeated`: it is given again and again.
    """

    texts: tuple[str, ...] = ()
    adapter: str = ""
    contains: str = ""
    unavailable: ModelUnavailable | None = None
    until_cancelled: bool = False
    is_repeated: bool = False
    tokens_in: int = 100
    snapshot: str | None = None


class ScriptedModel:
    """A `ChatModel`. The first answer of the script that fits and was not given yet is the one.

    May be asked by several threads. `asked` lists the requests in their order.
    """

    def __init__(self, answers: Iterable[ScriptedAnswer], model_id: str = "scripted") -> None:
        self._answers = list(answers)
        self._model_id = model_id
        self._lock = threading.Lock()
        self.asked: list[CompletionRequest] = []

    @property
    def model_id(self) -> str:
        return self._model_id

    def complete(self, request: CompletionRequest, cancel: CancelToken) -> CompletionAnswer | ModelUnavailable:
        """The next answer that fits; ModelUnavailable where the script has none. Raises Interrupted."""
        with self._lock:
            self.asked.append(request)
            answer = next((one for one in self._answers if fits(one, request)), None)
            if answer is not None and not answer.is_repeated:
                self._answers.remove(answer)
        cancel.raise_if_cancelled()
        if answer is None:
            return ModelUnavailable("The script has no answer to this.", "Add one to the script.", is_lasting=True)
        if answer.until_cancelled:
            pause = threading.Event()
            while not cancel.cancelled:
                pause.wait(LOOK_AGAIN_SECONDS)
            cancel.raise_if_cancelled()
        if answer.unavailable is not None:
            return answer.unavailable
        return CompletionAnswer(
            completions=tuple(
                Completion(text, FinishReason.STOP, tokens_out=len(text.split())) for text in answer.texts[: request.n]
            ),
            tokens_in=answer.tokens_in,
            tokens_cached=0,
            model_id=self._model_id,
            adapter_snapshot=answer.snapshot,
            milliseconds=0.0,
        )


def fits(answer: ScriptedAnswer, request: CompletionRequest) -> bool:
    """Whether an answer of a script is one to this question."""
    return answer.adapter in ("", request.adapter or "") and answer.contains in text_of(request)


def text_of(request: CompletionRequest) -> str:
    """All that a model is told, in one text."""
    pieces = [message.content for message in request.messages]
    pieces += [request.prompt or "", *(part.text for part in request.parts)]
    return "\n".join(piece for piece in pieces if piece)


def read_script(file: Path) -> list[ScriptedAnswer]:
    """Answers from JSON lines: objects with `texts`, and `adapter` and `contains` where they matter.

    Raises ModelError for a file that is none.
    """
    answers = []
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.strip():
                record = json.loads(line)
                answers.append(
                    ScriptedAnswer(
                        texts=tuple(str(text) for text in record["texts"]),
                        adapter=str(record.get("adapter", "")),
                        contains=str(record.get("contains", "")),
                    )
                )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"The script {file} cannot be read: {error}.", "Mend that file.") from error
    return answers
