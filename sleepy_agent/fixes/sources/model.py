"""A language model as a source: questions with limits, and its answers as candidates.

Unlike the others it is slow, so it is not asked for candidates in line: `consulting.py` asks it beside the search, and
tells it what became of its last answers.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sleepy_agent.config import Places, Settings
from sleepy_agent.domain import Asked, Candidate, Edit, Problem
from sleepy_agent.fixes.prompts.answers import BadAnswer, title_of
from sleepy_agent.fixes.prompts.compose import Prompt, TriedAnswer, compose
from sleepy_agent.fixes.prompts.profiles import Profile, profile_for
from sleepy_agent.fixes.sources.context import SourceContext
from sleepy_agent.memory.redaction import redact
from sleepy_agent.serving.chat import ChatModel, CompletionAnswer, CompletionRequest, FinishReason, ModelUnavailable
from sleepy_agent.serving.clients.model_choice import main_model, remote_model

# What a model writes may compile and mean something else, so it comes after what is known to be a repair. The greedy
# answer is its best guess; of samples, how many agree says how sure it is.
COST_OF_THE_GREEDY = 0.45
COST_OF_A_LONE_SAMPLE = 0.55
GAIN_OF_AGREEMENT = 0.2
COST_OF_A_ROUND = 0.05
LONGEST_ANSWER_KEPT = 2000


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer of the model that was understood, or was not: then `candidate` has no edits and `bad` says why."""

    candidate: Candidate
    bad: str | None = None


@dataclass(frozen=True)
class ModelSource:
    """A model that can be asked. `samples`: answers of a round, the greedy one among them; `seconds`: how long it may
    think about one problem; `is_remote`: whether questions leave this computer, without secrets then."""

    name: str
    model: ChatModel
    samples: int = 8
    rounds: int = 3
    seconds: float = 8.0
    is_remote: bool = False

    def candidates(self, problem: Problem, context: SourceContext) -> Iterator[Candidate]:  # noqa: ARG002
        """Nothing: whoever wants its answers consults it (`consulting.py`)."""
        return iter(())

    @property
    def profile(self) -> Profile:
        return profile_for(self.model.model_id)

    def question(self, problem: Problem, context: SourceContext, tried: Sequence[TriedAnswer]) -> Prompt | None:
        """What to ask; None where there is no code to show."""
        try:
            prompt = compose(problem, context, self.profile, tried)
        except Exception:
            # What nobody foresaw in somebody's code must not end their repair.
            logging.getLogger(__name__).warning(
                "No question could be made for the source %s.", self.name, exc_info=True
            )
            return None
        if prompt is None or not self.is_remote:
            return prompt
        return replace(prompt, parts=tuple(replace(part, text=redact(part.text)) for part in prompt.parts), expected="")

    def requests(self, prompt: Prompt, adapter: str | None) -> Iterator[CompletionRequest]:
        """The requests of one round: the greedy answer, which can be compiled while the samples are written."""
        yield prompt.request(adapter=adapter)
        if self.samples > 1:
            yield prompt.request(adapter=adapter, n=self.samples - 1, temperature=prompt.profile.temperature)


def heard_answers(
    source: ModelSource,
    prompt: Prompt,
    answer: CompletionAnswer,
    read: Callable[[Path], bytes],
    round_number: int,
    *,
    is_greedy: bool,
) -> list[Heard]:
    """The samples of an answer as candidates, equal ones made one, what most samples say first."""
    finished = [one for one in answer.completions if one.finish_reason is not FinishReason.CANCELLED]
    understood: dict[object, tuple[str, tuple[Edit, ...] | BadAnswer]] = {}
    votes: Counter[object] = Counter()
    tokens: dict[object, int] = {}
    for one in finished:
        text, edits = prompt.understood(one.text, read)
        if isinstance(edits, BadAnswer) and one.finish_reason is FinishReason.LENGTH:
            edits = BadAnswer("it was too long and is cut off")
        key: object = edits if not isinstance(edits, BadAnswer) else text
        understood.setdefault(key, (text, edits))
        votes[key] += 1
        tokens[key] = tokens.get(key, 0) + one.tokens_out
    found = []
    for number, (key, count) in enumerate(votes.most_common()):
        text, edits = understood[key]
        asked = Asked(
            prompt_hash=prompt.prompt_hash,
            model_id=answer.model_id,
            answer=text[:LONGEST_ANSWER_KEPT],
            adapter_snapshot=answer.adapter_snapshot,
            tokens_in=answer.tokens_in if number == 0 else 0,
            tokens_out=tokens[key],
            round_number=round_number,
        )
        if isinstance(edits, BadAnswer):
            found.append(Heard(Candidate(source.name, "no edit", (), asked=asked), edits.reason))
            continue
        share = count / len(finished)
        cost = COST_OF_THE_GREEDY if is_greedy else COST_OF_A_LONE_SAMPLE - GAIN_OF_AGREEMENT * share
        cost += COST_OF_A_ROUND * (round_number - 1)
        own_flags = prompt.profile.flags
        found.append(
            Heard(Candidate(source.name, title_of(edits, read), edits, cost, asked=asked, own_flags=own_flags))
        )
    return found


def local_source(
    places: Places, settings: Settings, environment: Mapping[str, str] = os.environ
) -> ModelSource | ModelUnavailable | None:
    """The source `model`: None where no model is set up."""
    model = main_model(places, settings, environment)
    if model is None or isinstance(model, ModelUnavailable):
        return model
    is_remote = bool(settings.model_endpoint) and not is_on_this_computer(settings.model_endpoint)
    return ModelSource(
        "model", model, settings.model_samples, settings.model_rounds, settings.model_seconds, is_remote=is_remote
    )


def remote_source(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> ModelSource | ModelUnavailable | None:
    """The source `remote`: None where no endpoint is set up."""
    model = remote_model(settings, environment)
    if model is None or isinstance(model, ModelUnavailable):
        return model
    # A large model somewhere else takes its time to begin, and money for each sample.
    return ModelSource("remote", model, 1, settings.model_rounds, max(30.0, settings.model_seconds), is_remote=True)


def is_on_this_computer(endpoint: str) -> bool:
    """Whether an address is one of this computer."""
    from urllib.parse import urlsplit

    return urlsplit(endpoint).hostname in ("localhost", "127.0.0.1", "::1")
