"""The local model as its clients see it: answers and reasons, patience, cancelling, servers that come and go."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from process_watch import ended_afterwards

from serving.clients.test_lifecycle import command, starts
from serving.running_server import PATIENCE_SECONDS, RunningServer, until
from serving.scripted_engine import ScriptedEngine
from serving.snapshots import put_into_use
from sleepy_agent.config import Places, Settings
from sleepy_agent.errors import Interrupted
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import (
    ChatModel,
    CompletionAnswer,
    CompletionRequest,
    FinishReason,
    Message,
    ModelUnavailable,
    PromptPart,
    Role,
    message_of,
)
from sleepy_agent.serving.clients import served_model as client_module
from sleepy_agent.serving.clients.served_model import ServedModel
from sleepy_agent.serving.serve_folder import is_locked, make_folder, read_address, serve_folder_of

NO_COMMAND = (sys.executable, "-c", "raise SystemExit('nothing is to be started here')")


def served(places: Places, command: tuple[str, ...] = NO_COMMAND) -> ChatModel:
    return ServedModel(places, Settings(), "tiny#bbbbbbbb", command=command)


def answered(model: ChatModel, request: CompletionRequest) -> CompletionAnswer:
    found = model.complete(request, CancelToken())
    assert isinstance(found, CompletionAnswer), found
    return found


@pytest.fixture
def started(places: Places) -> Iterator[Places]:
    """Places for a server in a process of its own, killed at the end."""
    places.state.mkdir(parents=True)
    with ended_afterwards():
        yield places


def test_everything_that_is_asked_arrives_and_everything_that_is_answered_comes_back(server: RunningServer) -> None:
    put_into_use(server.places.manifest_file, "night-1", "syntax")
    request = CompletionRequest(
        messages=(
            Message(Role.SYSTEM, "be brief"),
            message_of(Role.USER, [PromptPart("maybe ", 0.5), PromptPart("surely")]),
        ),
        adapter="syntax",
        n=2,
        temperature=0.7,
        max_tokens=33,
        grammar="root ::= x",
        stop=("a", "b", "c", "d", "e"),
        expected="copied",
        seed=9,
    )
    answer = answered(served(server.places), request)
    text = "syntax: <system>be brief</><user>maybe surely</><assistant>"
    assert [one.text for one in answer.completions] == [text, text]
    assert {one.finish_reason for one in answer.completions} == {FinishReason.STOP}
    assert all(one.tokens_out > 0 for one in answer.completions)
    assert (answer.tokens_in, answer.tokens_cached) == (3, 1)
    assert (answer.model_id, answer.adapter_snapshot) == ("tiny#bbbbbbbb", "night-1")
    assert answer.milliseconds > 0
    (asked,) = server.engine.asked
    assert asked.parts == (
        PromptPart("<system>be brief</><user>"),
        PromptPart("maybe ", 0.5),
        PromptPart("surely"),
        PromptPart("</><assistant>"),
    )
    assert (asked.n, asked.temperature, asked.top_p, asked.max_tokens) == (2, 0.7, 0.95, 33)
    assert (asked.grammar, asked.expected, asked.seed) == ("root ::= x", "copied", 9)
    assert asked.stop == ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    "request_",
    [
        CompletionRequest(prompt="one two"),
        CompletionRequest(parts=(PromptPart("one "), PromptPart("two", 1.0))),
    ],
)
def test_raw_prompts(request_: CompletionRequest, server: RunningServer) -> None:
    answer = answered(served(server.places), request_)
    assert [one.text for one in answer.completions] == ["base: one two"]
    assert server.engine.asked[0].parts == (request_.parts or (PromptPart("one two"),))


def test_where_there_is_no_adapter_the_base_answers(server: RunningServer) -> None:
    answer = answered(served(server.places), CompletionRequest(prompt="x", adapter="syntax"))
    assert (answer.completions[0].text, answer.adapter_snapshot) == ("base: x", None)


@pytest.mark.parametrize(
    ("prompt", "reason", "remedy"),
    [
        ("too long", "The prompt is too long.", "Send less."),
        ("no memory", "not enough memory", "Close other programs"),
        ("explode", "a mistake of its own", "log"),
    ],
)
def test_what_fails_is_a_value_and_the_next_question_is_answered(
    prompt: str, reason: str, remedy: str, server: RunningServer
) -> None:
    model = served(server.places)
    failed = model.complete(CompletionRequest(prompt=prompt), CancelToken())
    assert isinstance(failed, ModelUnavailable)
    assert reason in failed.reason and remedy in failed.remedy and not failed.is_lasting
    assert answered(model, CompletionRequest(prompt="x")).completions[0].text == "base: x"


def test_an_answer_names_the_model_that_gave_it(server: RunningServer) -> None:
    """The user may have chosen another one since this process looked into the settings."""
    model = ServedModel(server.places, Settings(), "former#aaaaaaaa", command=NO_COMMAND)
    assert model.model_id == "former#aaaaaaaa"
    assert answered(model, CompletionRequest(prompt="x")).model_id == "tiny#bbbbbbbb"
    assert model.model_id == "tiny#bbbbbbbb"


def test_what_is_not_done_at_the_deadline_comes_as_it_is(server: RunningServer) -> None:
    answer = answered(served(server.places), CompletionRequest(prompt="forever", deadline_seconds=0.3))
    assert answer.completions[0].finish_reason is FinishReason.CANCELLED


def test_a_deadline_that_passes_in_the_queue_is_a_value(server: RunningServer) -> None:
    model = served(server.places)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(answered, model, CompletionRequest(prompt="wait"))
        assert server.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
        late = model.complete(CompletionRequest(prompt="x", deadline_seconds=0.1), CancelToken())
        assert isinstance(late, ModelUnavailable) and "before its turn" in late.reason
        server.engine.go_on.set()
        assert first.result().completions[0].text == "base: wait"


def test_cancelling_stops_the_engine_and_raises(server: RunningServer) -> None:
    cancel = CancelToken()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(served(server.places).complete, CompletionRequest(prompt="forever"), cancel)
        assert server.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
        cancel.cancel()
        with pytest.raises(Interrupted):
            asked.result()
    assert server.engine.was_cancelled.wait(PATIENCE_SECONDS)
    with pytest.raises(Interrupted):
        served(server.places).complete(CompletionRequest(prompt="x"), cancel)
    assert len(server.engine.asked) == 1


def test_one_model_of_one_process_is_one_client(server: RunningServer) -> None:
    """Its questions wait for each other, and not those of somebody else for all of them."""
    greedy, modest = served(server.places), served(server.places)
    with ThreadPoolExecutor(5) as pool:
        for number, (model, prompt) in enumerate(
            [(greedy, "wait"), (greedy, "g1"), (greedy, "g2"), (modest, "m1")],
        ):
            pool.submit(answered, model, CompletionRequest(prompt=prompt))
            if number == 0:
                assert server.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
            until(lambda number=number: server.get("/health").json()["queued"] == number)  # type: ignore[misc]
        server.engine.go_on.set()
    assert ["".join(part.text for part in asked.parts) for asked in server.engine.asked] == ["wait", "g1", "m1", "g2"]


def test_a_server_that_is_killed_in_the_middle_is_told_and_replaced(started: Places) -> None:
    model = served(started, command())
    first = answered(model, CompletionRequest(prompt="x"))
    assert first.completions[0].text == "base: x"

    def kill_while_it_answers() -> None:
        address = read_address(serve_folder_of(started))
        assert address is not None
        health = f"{address.base_url}/health"
        until(lambda: httpx.get(health, trust_env=False).json()["running"] == 1)
        os.kill(address.pid, signal.SIGKILL)

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill_while_it_answers)
        failed = model.complete(CompletionRequest(prompt="forever let secret = 7"), CancelToken())
        killing.result()
    assert "secret" not in serve_folder_of(started).log_file.read_text(), "a log is sent to others"
    assert isinstance(failed, ModelUnavailable) and not failed.is_lasting
    assert "ended while it was asked" in failed.reason and "log.txt" in failed.remedy
    assert answered(model, CompletionRequest(prompt="y")).completions[0].text == "base: y"
    assert starts(started) == 2


def test_a_server_that_ended_is_started_again(started: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPTED_IDLE_SECONDS", "0.5")
    model = served(started, command())
    answered(model, CompletionRequest(prompt="x"))
    until(lambda: read_address(serve_folder_of(started)) is None)
    answered(model, CompletionRequest(prompt="y"))
    assert starts(started) == 2


def test_a_server_that_cannot_start_is_not_tried_for_every_problem(
    started: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = served(started, command("broken"))
    told = [model.complete(CompletionRequest(prompt="x"), CancelToken()) for _ in range(3)]
    assert told == [ModelUnavailable("The file is truncated.", "Pull it again.", is_lasting=True)] * 3
    assert starts(started) == 1
    monkeypatch.setattr(client_module, "REMEMBER_FAILURE_SECONDS", 0.0)
    model = served(started, command("broken"))
    for _ in range(2):
        until(lambda: not is_locked(serve_folder_of(started).server_lock))
        model.complete(CompletionRequest(prompt="x"), CancelToken())
    assert starts(started) == 3, "after a while it is"


def test_a_model_that_is_still_loading_is_told_and_asked_again(started: Places, sleepy_home: Path) -> None:
    with pytest.raises(Interrupted):
        # Whoever starts it does not stay; the server does.
        cancel = CancelToken()
        ServedModel(started, Settings(), "x", command=command("slow"), on_progress=lambda _: cancel.cancel()).complete(
            CompletionRequest(prompt="x"), cancel
        )
    until(lambda: read_address(serve_folder_of(started)) is not None)
    model = served(started, command("slow"))
    late = model.complete(CompletionRequest(prompt="x", deadline_seconds=0.5), CancelToken())
    assert isinstance(late, ModelUnavailable) and not late.is_lasting
    (sleepy_home / "go").touch()
    assert answered(model, CompletionRequest(prompt="x")).completions[0].text == "base: x"
    assert starts(started) == 1


def test_a_folder_that_cannot_be_used_is_a_value(places: Places) -> None:
    places.serve_folder.parent.mkdir(parents=True)
    places.serve_folder.touch()
    failed = served(places).complete(CompletionRequest(prompt="x"), CancelToken())
    assert isinstance(failed, ModelUnavailable) and "Could not write" in failed.reason


def test_an_address_that_is_damaged_is_no_address(places: Places) -> None:
    files = serve_folder_of(places)
    make_folder(files)
    for text in ("", "{", "[]", json.dumps({"pid": 1, "port": 99999, "version": "x"}), json.dumps({"pid": "x"})):
        files.address_file.write_text(text)
        assert read_address(files) is None


def test_the_scripted_engine_is_an_engine() -> None:
    engine = ScriptedEngine()
    vectors = engine.embed(["a", "b"], CancelToken())
    assert len(vectors) == 2 and all(len(vector) == engine.info.embedding_length for vector in vectors)
