"""The model that replays a script."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sleepy_agent.errors import Interrupted, ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import (
    ChatModel,
    CompletionAnswer,
    CompletionRequest,
    Message,
    ModelUnavailable,
    PromptPart,
    Role,
    message_of,
)
from sleepy_agent.serving.scripted import ScriptedAnswer, ScriptedModel, read_script


def asked(model: ChatModel, request: CompletionRequest) -> list[str] | ModelUnavailable:
    answer = model.complete(request, CancelToken())
    return [one.text for one in answer.completions] if isinstance(answer, CompletionAnswer) else answer


def test_the_first_answer_that_fits_is_given_once() -> None:
    model = ScriptedModel(
        [
            ScriptedAnswer(("for E0382",), contains="E0382"),
            ScriptedAnswer(("of the adapter",), adapter="syntax"),
            ScriptedAnswer(("one", "two", "three")),
        ]
    )
    user = message_of(Role.USER, [PromptPart("error[", 1.0), PromptPart("E0382]")])
    assert user == Message(Role.USER, "error[E0382]", user.parts)
    assert asked(model, CompletionRequest(prompt="x", adapter="syntax")) == ["of the adapter"]
    assert asked(model, CompletionRequest(messages=(user,))) == ["for E0382"]
    assert asked(model, CompletionRequest(parts=(PromptPart("y"),), n=2)) == ["one", "two"]
    nothing = asked(model, CompletionRequest(prompt="z"))
    assert isinstance(nothing, ModelUnavailable) and nothing.is_lasting
    assert [request.prompt for request in model.asked] == ["x", None, None, "z"]


def test_a_script_may_say_that_the_model_is_not_there_again_and_again() -> None:
    away = ModelUnavailable("Gone.", "Wait.")
    model = ScriptedModel([ScriptedAnswer(unavailable=away, is_repeated=True)])
    assert [asked(model, CompletionRequest(prompt="x")) for _ in range(3)] == [away] * 3


def test_an_answer_that_never_comes_ends_with_the_asker() -> None:
    model = ScriptedModel([ScriptedAnswer(until_cancelled=True)])
    cancel = CancelToken()
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            model.complete(CompletionRequest(prompt="x"), cancel)
        except Interrupted as error:
            raised.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert thread.is_alive()
    cancel.cancel()
    thread.join(10)
    assert len(raised) == 1


def test_a_script_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "script.jsonl"
    file.write_text('{"texts": ["a"], "contains": "E1"}\n\n{"texts": ["b", "c"], "adapter": "serde"}\n')
    assert read_script(file) == [ScriptedAnswer(("a",), contains="E1"), ScriptedAnswer(("b", "c"), adapter="serde")]
    for wrong in ("{", "[]", '{"text": 1}', '{"texts": 1}'):
        file.write_text(wrong)
        with pytest.raises(ModelError, match=r"script\.jsonl cannot be read"):
            read_script(file)
