"""Models behind other people's servers: what is sent, what is made of the answers, and every way to fail."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from serving.fake_endpoint import Reply, answering, completions
from serving.running_server import until
from sleepy_agent.config import Places, Settings
from sleepy_agent.errors import Interrupted, ModelError
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import (
    CompletionAnswer,
    CompletionRequest,
    FinishReason,
    ModelUnavailable,
    PromptPart,
    Role,
    message_of,
)
from sleepy_agent.serving.clients import model_choice
from sleepy_agent.serving.clients.endpoint import Endpoint, EndpointModel
from sleepy_agent.serving.clients.model_choice import main_model, model_in_use, remembered_sha256, remote_model
from sleepy_agent.serving.clients.served_model import ServedModel
from sleepy_agent.serving.manifest import sha256_of

USER = message_of(Role.USER, [PromptPart("maybe ", 1.0), PromptPart("surely")])
CHAT = CompletionRequest(messages=(USER,))
NO_API = "did not answer as an OpenAI-compatible server does."
SAMPLES = CompletionRequest(messages=(USER,), n=3, temperature=0.8, seed=4)


def asked_at(base_url: str, request: CompletionRequest = CHAT, **more: Any) -> CompletionAnswer | ModelUnavailable:
    return EndpointModel(Endpoint(base_url, "qwen", **more), {"KEY": "secret-key"}).complete(request, CancelToken())


def test_only_what_every_server_knows_is_sent() -> None:
    request = CompletionRequest(
        messages=(USER,),
        n=2,
        temperature=0.5,
        max_tokens=7,
        grammar="root ::= x",
        expected="y",
        stop=("1", "2", "3", "4", "5"),
        seed=3,
    )
    with answering(lambda _path, _body: completions("a", "b")) as endpoint:
        found = asked_at(f"{endpoint.base_url}/api/v1/", request)
    assert endpoint.asked == [
        (
            "/api/v1/chat/completions",
            {
                "model": "qwen",
                "messages": [{"role": "user", "content": "maybe surely"}],
                "n": 2,
                "temperature": 0.5,
                "max_tokens": 7,
                "seed": 3,
                "stop": ["1", "2", "3", "4"],
            },
        )
    ]
    assert "authorization" not in endpoint.headers[0]
    assert isinstance(found, CompletionAnswer)
    assert [one.text for one in found.completions] == ["a", "b"]
    assert (found.model_id, found.tokens_in, found.adapter_snapshot) == ("qwen@127.0.0.1", 11, None)


def test_an_address_without_a_path_means_v1() -> None:
    with answering(lambda _path, _body: (200, {"choices": [{"text": "x", "finish_reason": "length"}]})) as endpoint:
        found = asked_at(endpoint.base_url, CompletionRequest(prompt="fn"))
    assert endpoint.asked[0][0] == "/v1/completions"
    assert endpoint.asked[0][1]["prompt"] == "fn"
    assert isinstance(found, CompletionAnswer)
    assert found.completions[0].finish_reason is FinishReason.LENGTH


def test_a_single_answer_has_all_the_tokens() -> None:
    with answering(lambda _path, _body: completions("x")) as endpoint:
        found = asked_at(endpoint.base_url)
    assert isinstance(found, CompletionAnswer) and found.completions[0].tokens_out == 5


def test_text_is_cut_at_stops_that_the_server_was_not_told() -> None:
    request = CompletionRequest(messages=(USER,), stop=("1", "2", "3", "4", "END"))
    with answering(lambda _path, _body: completions("abcENDdef")) as endpoint:
        found = asked_at(endpoint.base_url, request)
    assert isinstance(found, CompletionAnswer) and found.completions[0].text == "abc"


def test_the_key_is_sent_and_stands_nowhere_else() -> None:
    with answering(lambda _path, _body: (401, {"error": {"message": "wrong key: secret-key."}})) as endpoint:
        found = asked_at(endpoint.base_url, key_variable="KEY")
    assert endpoint.headers[0]["authorization"] == "Bearer secret-key"
    assert isinstance(found, ModelUnavailable) and found.is_lasting
    assert found.reason == "127.0.0.1 does not let us in: wrong key: ***."
    assert found.remedy == "Check the key in KEY."


def test_a_key_is_not_sent_in_clear_and_a_missing_one_is_told() -> None:
    clear = asked_at("http://example.invalid/v1", key_variable="KEY")
    assert isinstance(clear, ModelUnavailable) and "without encryption" in clear.reason
    missing = asked_at("https://example.invalid/v1", key_variable="OTHER")
    assert isinstance(missing, ModelUnavailable) and "OTHER" in missing.reason


def test_a_server_that_answers_once_is_asked_again() -> None:
    def reply(_path: str, body: Any) -> Reply:
        return completions(f"seed {body['seed']}")

    with answering(reply) as endpoint:
        found = asked_at(endpoint.base_url, SAMPLES)
    assert isinstance(found, CompletionAnswer)
    assert sorted(one.text for one in found.completions) == ["seed 4", "seed 5", "seed 6"]
    assert sorted(body["n"] for _, body in endpoint.asked) == [1, 1, 3]


def test_greedy_is_asked_once() -> None:
    with answering(lambda _path, _body: completions("x")) as endpoint:
        asked_at(endpoint.base_url, CompletionRequest(messages=(USER,), n=8))
    assert [body["n"] for _, body in endpoint.asked] == [1]


def test_some_samples_are_better_than_none() -> None:
    lock = threading.Lock()
    count = iter(range(10))

    def reply(_path: str, _body: Any) -> Reply:
        with lock:
            return completions("x") if next(count) < 2 else (500, {})

    with answering(reply) as endpoint:
        found = asked_at(endpoint.base_url, SAMPLES)
    assert isinstance(found, CompletionAnswer) and len(found.completions) == 2


def test_adapters_are_asked_by_name_where_the_server_lists_them() -> None:
    def reply(path: str, body: Any) -> Reply:
        if path == "/v1/models":
            return 200, {"data": [{"id": "qwen"}, {"id": "sleepy/syntax"}]}
        return completions(body["model"])

    with answering(reply) as endpoint:
        model = EndpointModel(Endpoint(endpoint.base_url, "qwen", has_adapters=True), {})
        texts = []
        for adapter in ("syntax", "serde", None):
            found = model.complete(CompletionRequest(messages=(USER,), adapter=adapter), CancelToken())
            assert isinstance(found, CompletionAnswer)
            texts.append(found.completions[0].text)
    assert texts == ["sleepy/syntax", "qwen", "qwen"]
    assert [path for path, _ in endpoint.asked].count("/v1/models") == 1


@pytest.mark.parametrize("listed", [(404, {}), (200, b"no JSON"), (200, {"data": 1}), (200, [])])
def test_without_a_list_the_base_is_asked(listed: Reply) -> None:
    with answering(lambda path, body: listed if path == "/v1/models" else completions(body["model"])) as endpoint:
        request = CompletionRequest(messages=(USER,), adapter="syntax")
        found = asked_at(endpoint.base_url, request, has_adapters=True)
    assert isinstance(found, CompletionAnswer) and found.completions[0].text == "qwen"


@pytest.mark.parametrize(
    ("reply", "reason", "lasting"),
    [
        ((403, {"detail": "no"}), "does not let us in: no.", True),
        ((404, {"error": "model 'qwen' not found"}), "does not know the model: model 'qwen' not found.", True),
        ((429, {}), "is busy.", False),
        ((500, b"<html>"), "answered with status 500.", False),
        ((400, {"error": {"message": "context\nis  too long"}}), "status 400: context is too long.", False),
        ((200, b"<html>"), NO_API, True),
        (
            (200, {"choices": [{"message": {"content": 7}}]}),
            NO_API,
            True,
        ),
        ((200, {"choices": "x"}), NO_API, True),
        ((200, b"[" * 100_000), NO_API, True),
        ((200, b" " * (17 << 20)), "broke the answer off", False),
    ],
)
def test_what_goes_wrong_is_a_value(reply: Reply, reason: str, lasting: bool) -> None:
    with answering(lambda _path, _body: reply) as endpoint:
        found = asked_at(endpoint.base_url)
    assert isinstance(found, ModelUnavailable)
    assert reason in found.reason and found.remedy
    assert found.is_lasting is lasting


def test_when_to_come_again_is_told() -> None:
    with answering(lambda _path, _body: (429, {})) as endpoint:
        endpoint.reply_headers["Retry-After"] = "7"
        found = asked_at(endpoint.base_url)
    assert isinstance(found, ModelUnavailable) and "7 seconds" in found.remedy


def test_nobody_there() -> None:
    with answering(lambda _path, _body: completions("x")) as endpoint:
        gone = endpoint.base_url
    found = asked_at(gone)
    assert isinstance(found, ModelUnavailable) and "cannot be reached" in found.reason and not found.is_lasting
    unknown = asked_at("http://nobody.invalid")
    assert isinstance(unknown, ModelUnavailable) and "nobody.invalid cannot be reached" in unknown.reason


def test_no_answer_in_time_and_no_patience() -> None:
    go_on = threading.Event()

    def reply(_path: str, _body: Any) -> Reply:
        go_on.wait(30)
        return completions("late")

    with answering(reply) as endpoint:
        late = asked_at(endpoint.base_url, CompletionRequest(messages=(USER,), deadline_seconds=0.2))
        assert isinstance(late, ModelUnavailable) and "did not answer in time" in late.reason
        cancel = CancelToken()
        with ThreadPoolExecutor(1) as pool:
            model = EndpointModel(Endpoint(endpoint.base_url, "qwen"), {})
            asked = pool.submit(model.complete, CHAT, cancel)
            until(lambda: len(endpoint.asked) == 2)
            cancel.cancel()
            with pytest.raises(Interrupted):
                asked.result()
        go_on.set()


def pulled(places: Places, name: str, **info: object) -> Path:
    folder = places.models_folder / name
    folder.mkdir(parents=True)
    file = folder / "model.gguf"
    file.write_bytes(name.encode())
    if info:
        (folder / "info.json").write_text(json.dumps(info))
    return file


def test_which_model_the_settings_mean(places: Places, tmp_path: Path) -> None:
    assert main_model(places, Settings(), {}) is None
    with pytest.raises(ModelError, match="no local model"):
        model_in_use(places, Settings())
    file = pulled(places, "qwen", sha256="d" * 64)
    assert model_in_use(places, Settings()).model_id == "qwen#dddddddd"
    assert model_in_use(places, Settings()).file == file
    file.with_name("model2.gguf").touch()
    assert model_in_use(places, Settings()).file == file, "a model in pieces is opened by its first one"
    pulled(places, "other")
    with pytest.raises(ModelError, match=r"Several models are there: other, qwen\."):
        model_in_use(places, Settings())
    assert model_in_use(places, Settings(model="other")).name == "other"
    own = tmp_path / "own.gguf"
    missing = main_model(places, Settings(model=str(own)), {})
    assert isinstance(missing, ModelUnavailable) and str(own) in missing.reason and missing.is_lasting
    own.write_bytes(b"GGUF")
    found = model_in_use(places, Settings(model=str(own)))
    assert (found.name, found.sha256) == ("own", sha256_of(own))
    served = main_model(places, Settings(model=str(own)), {})
    assert isinstance(served, ServedModel) and served.model_id == found.model_id


def test_a_missing_model_of_the_settings_is_told(places: Places) -> None:
    missing = main_model(places, Settings(model="qwen"), {})
    assert missing == ModelUnavailable(
        "The model qwen is not there.",
        "`sleepy model pull` fetches one; `sleepy model list` shows which there are.",
        is_lasting=True,
    )


def test_an_endpoint_of_the_settings_is_asked_instead(places: Places) -> None:
    model = main_model(places, Settings(model_endpoint="http://localhost:1", model_name="m"), {})
    assert isinstance(model, EndpointModel) and model.model_id == "m@localhost"
    assert remote_model(Settings(), {}) is None
    nameless = remote_model(Settings(remote_endpoint="http://localhost:1"), {})
    assert isinstance(nameless, ModelUnavailable) and "remote_model" in nameless.reason
    remote = remote_model(Settings(remote_endpoint="https://h/v1", remote_model="big"), {})
    assert isinstance(remote, EndpointModel) and remote.model_id == "big@h"


def test_each_endpoint_has_the_key_of_its_own(places: Places) -> None:
    keys = {"MINE": "key of the main model", "OTHER": "key of the remote one"}
    with answering(lambda _path, _body: completions("x")) as endpoint:
        settings = Settings(
            model_endpoint=endpoint.base_url,
            model_key_variable="MINE",
            remote_endpoint=endpoint.base_url,
            remote_model="big",
            remote_key_variable="OTHER",
        )
        for model in (main_model(places, settings, keys), remote_model(settings, keys)):
            assert isinstance(model, EndpointModel)
            assert isinstance(model.complete(CHAT, CancelToken()), CompletionAnswer)
    assert [headers["authorization"] for headers in endpoint.headers] == [f"Bearer {key}" for key in keys.values()]


def test_without_the_extra_that_brings_them_models_say_so(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled(places, "qwen")
    monkeypatch.setattr(model_choice, "find_spec", lambda _name: None)
    for found in (
        main_model(places, Settings(), {}),
        main_model(places, Settings(model_endpoint="http://localhost:1"), {}),
        remote_model(Settings(remote_endpoint="http://localhost:1", remote_model="m"), {}),
    ):
        assert isinstance(found, ModelUnavailable) and "sleepy-coder[serve]" in found.remedy


def test_a_checksum_is_computed_once_for_each_state_of_a_file(tmp_path: Path) -> None:
    file, memory = tmp_path / "a.gguf", tmp_path / "cache" / "sums.json"
    file.write_bytes(b"one")
    first = remembered_sha256(file, memory)
    assert first == sha256_of(file)
    memory.write_text(memory.read_text().replace(first, "e" * 64))
    assert remembered_sha256(file, memory) == "e" * 64, "it is not read again"
    file.write_bytes(b"longer")
    assert remembered_sha256(file, memory) == sha256_of(file)
    assert len(json.loads(memory.read_text())) == 1, "what it was before is forgotten"
    memory.write_text("[]")
    assert remembered_sha256(file, memory) == sha256_of(file)
