"""What the served model's shortcuts bring on recorded edits: drafts by prompt lookup, and prompts that begin the same.

The edits are forced through the plain loop and the one with drafts; the recorded text decides which drafts are
accepted, and every step costs what it costs in a real answer. The question of a second round is read with and without
the first one in memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.machine import machine_facts, median
from benchmarks.results import Figure, Result
from benchmarks.serving.engines import opened_engine, prompt_of, recorded_milliseconds, written
from benchmarks.serving.recorded import RecordedEdit, recorded_edits
from benchmarks.serving.true_shape import true_shape
from sleepy_agent.fixes.prompts.compose import Prompt
from sleepy_agent.fixes.prompts.profiles import EditForm
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import PromptPart
from sleepy_agent.serving.engine import GenerateRequest
from sleepy_agent.serving.llama.llama_engine import LlamaEngine

MISTAKES, QUICK_MISTAKES = 14, 3
MOST_SECOND_ROUNDS = 5
LEAST_OF_LOOKUP = 1.8
MOST_OF_COLD = 40.0
SAYS = {EditForm.BLOCKS: "search and replace", EditForm.ITEM: "whole items"}


@dataclass(frozen=True, slots=True)
class Written:
    """One recorded edit, written both ways; milliseconds without reading the prompt."""

    plain: float
    drafted: float
    tokens: int
    accepted: int


@dataclass(frozen=True, slots=True)
class SecondRound:
    """Milliseconds to the first token of a second question: with nothing in memory, and after the first one."""

    cold: float
    warm: float
    tokens: int


def run(quick: bool, command: str, cancel: CancelToken) -> Result:
    """Record edits, then force them through both loops, and ask second questions."""
    edits = recorded_edits(QUICK_MISTAKES if quick else MISTAKES, cancel)
    # Where a mistake can be mended in both forms, so that neither is given the easier ones.
    both = {one.kind for one in edits if one.form is EditForm.ITEM}
    blocks, items = ([one for one in edits if one.form is form and one.kind in both] for form in SAYS)
    questions = [one for one in edits if one.form is EditForm.BLOCKS][:MOST_SECOND_ROUNDS]
    written_edits: dict[EditForm, list[Written]] = defaultdict(list)
    rounds: list[SecondRound] = []
    # Without room for earlier prompts only the last one is in memory, so that "cold" is cold.
    with opened_engine(true_shape(cancel), cache_bytes=0) as engine:
        for edit in [*blocks, *items]:
            written_edits[edit.form].append(write_both_ways(engine, edit, cancel))
            print(f"{SAYS[edit.form]}, {edit.kind}: {written_edits[edit.form][-1]}", flush=True)
        for number, edit in enumerate(questions):
            rounds.append(ask_again(engine, edit, number, cancel))
            print(f"second round, {edit.kind}: {rounds[-1]}", flush=True)
    return Result(
        name="serving_edits",
        title="The served model on edits that copy, and on second questions (true shape of 1.5B, random weights)",
        command=command,
        machine=machine_facts(),
        figures=(
            Figure(
                "serving: prompt lookup, speed of recorded edits against the plain loop",
                gain([one for all_of_form in written_edits.values() for one in all_of_form]),
                "x",
                bar=LEAST_OF_LOOKUP,
                measured_on=f"{len(items)} edits, each as search and replace and as the whole item",
            ),
            *(
                Figure(f"serving: prompt lookup, {SAYS[form]} alone", gain(all_of_form), "x")
                for form, all_of_form in written_edits.items()
            ),
            Figure(
                "serving: second round, time to the first token, of a cold one",
                median([one.warm / one.cold for one in rounds]) * 100,
                "%",
                bar=MOST_OF_COLD,
                at_most=True,
                measured_on=f"median of {len(rounds)} real questions",
            ),
        ),
        notes=(
            "Recorded edits: mistakes in the example workspace, asked about as the product asks, answered by what "
            "takes them back; gains are of the time for all of them together.",
        ),
        details={
            "edits": {SAYS[form]: [repr(one) for one in all_of_form] for form, all_of_form in written_edits.items()},
            "second_rounds": [repr(one) for one in rounds],
        },
    )


def write_both_ways(engine: LlamaEngine, edit: RecordedEdit, cancel: CancelToken) -> Written:
    """Write an edit without drafts and with them; the second time the prompt is in memory."""
    request = GenerateRequest(
        parts=parts_of(engine, edit.prompt), expected=edit.prompt.expected, max_tokens=edit.prompt.profile.max_tokens
    )
    plain, _ = recorded_milliseconds(engine, request, edit.answer, cancel, with_drafts=False)
    drafted, found = recorded_milliseconds(engine, request, edit.answer, cancel, with_drafts=True)
    if found.samples[0].text != edit.answer:
        raise RuntimeError(f"The loop with drafts wrote {found.samples[0].text!r} and not {edit.answer!r}.")
    return Written(plain, drafted, found.samples[0].tokens_out, found.tokens_accepted)


def ask_again(engine: LlamaEngine, edit: RecordedEdit, number: int, cancel: CancelToken) -> SecondRound:
    """Read the question of a second round after something else, and after the question of the first round."""
    first, second = (
        GenerateRequest(parts=parts_of(engine, prompt), max_tokens=1) for prompt in (edit.prompt, edit.second)
    )
    unrelated = GenerateRequest(parts=prompt_of(8, number), max_tokens=1)
    written(engine, unrelated, cancel)
    found, cold = written(engine, second, cancel)
    written(engine, unrelated, cancel)
    written(engine, first, cancel)
    _, warm = written(engine, second, cancel)
    return SecondRound(cold, warm, found.tokens_in)


def parts_of(engine: LlamaEngine, prompt: Prompt) -> tuple[PromptPart, ...]:
    """A question as the server gives it to the engine: in the model's chat template."""
    messages = [(message.role.value, message.content) for message in prompt.request().messages]
    return (PromptPart(engine.apply_chat_template(messages)),)


def gain(edits: Sequence[Written]) -> float:
    """How many times as fast all edits together come with drafts."""
    return sum(one.plain for one in edits) / sum(one.drafted for one in edits) if edits else float("nan")
