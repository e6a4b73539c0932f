"""`sleepy serve` itself, with llama.cpp and a tiny random model: started on demand, asked with and without adapters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from process_watch import ended_afterwards

from serving.tiny_models import corrupted, write_tiny_adapter, write_tiny_model
from sleepy_agent.config import Places, load_settings
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import (
    ChatModel,
    CompletionAnswer,
    CompletionRequest,
    FinishReason,
    Message,
    ModelUnavailable,
    Role,
)
from sleepy_agent.serving.clients.model_choice import main_model
from sleepy_agent.serving.clients.served_model import ServedModel
from sleepy_agent.serving.manifest import Snapshot, SnapshotAdapter, SnapshotBase, sha256_of, write_snapshot
from sleepy_agent.serving.serve_folder import read_address, read_token, serve_folder_of

PROMPT = "fn main() { let x = 1;"


@pytest.fixture
def base(places: Places) -> Iterator[Path]:
    """A tiny model where `sleepy model pull` puts them. Its server is ended."""
    folder = places.models_folder / "tiny"
    folder.mkdir(parents=True)
    file = write_tiny_model(folder / "tiny.gguf")
    (folder / "info.json").write_text(json.dumps({"sha256": sha256_of(file)}))
    places.config.mkdir(parents=True)
    places.settings_file.write_text(
        "context_tokens = 512\nserve_threads = 1\nprefix_cache_megabytes = 8\nniceness = 0\n"
    )
    with ended_afterwards():
        yield file


def the_model(places: Places) -> ChatModel:
    model = main_model(places, load_settings(places), {})
    assert isinstance(model, ServedModel), model
    return model


def answered(model: ChatModel, adapter: str | None = None, n: int = 1, **more: object) -> CompletionAnswer:
    request = CompletionRequest(prompt=PROMPT, adapter=adapter, n=n, max_tokens=12, **more)  # type: ignore[arg-type]
    answer = model.complete(request, CancelToken())
    assert isinstance(answer, CompletionAnswer), answer
    return answer


def put_into_use(places: Places, base: Path, snapshot_id: str, **seeds: int) -> None:
    """A snapshot with an adapter of random weights for each family."""
    folder = places.manifest_file.parent
    folder.mkdir(parents=True, exist_ok=True)
    adapters = []
    for family, seed in seeds.items():
        file = write_tiny_adapter(folder / f"{family}-{seed}.gguf", seed=seed, alpha=64.0)
        adapters.append(SnapshotAdapter(family, (family,), file.name, sha256_of(file), 4))
    created = "2026-11-21T03:00:00+00:00"
    snapshot = Snapshot(snapshot_id, created, SnapshotBase("tiny", sha256_of(base)), tuple(adapters))
    write_snapshot(places.manifest_file, snapshot)


def test_adapters_of_one_base_answer_differently_and_each_the_same_every_time(places: Places, base: Path) -> None:
    put_into_use(places, base, "night-1", syntax=1, serde=2)
    model = the_model(places)
    assert model.model_id == f"tiny#{sha256_of(base)[:8]}"
    answers = {name: answered(model, name) for name in (None, "syntax", "serde")}
    texts = {name: answer.completions[0].text for name, answer in answers.items()}
    assert len(set(texts.values())) == 3
    assert [answer.adapter_snapshot for answer in answers.values()] == [None, "night-1", "night-1"]
    for name in ("serde", None, "syntax"):
        assert answered(model, name).completions[0].text == texts[name]
    # The night promotes other weights for one family, while the server runs.
    put_into_use(places, base, "night-2", syntax=3, serde=2)
    assert answered(model, "syntax").completions[0].text != texts["syntax"]
    last = answered(model, "serde")
    assert (last.completions[0].text, last.adapter_snapshot) == (texts["serde"], "night-2")


def test_samples_grammar_chat_and_stream(places: Places, base: Path) -> None:
    model = the_model(places)
    samples = answered(model, n=4, temperature=1.5, seed=1)
    assert len(samples.completions) == 4 and len({one.text for one in samples.completions}) > 1
    # The random model might go on for ever; the grammar ends it.
    chosen = answered(model, grammar='root ::= "yes" | "no"')
    assert chosen.completions[0].text in ("yes", "no")
    assert chosen.completions[0].finish_reason is FinishReason.STOP
    chat = model.complete(CompletionRequest(messages=(Message(Role.USER, "hi"),), max_tokens=5), CancelToken())
    assert isinstance(chat, CompletionAnswer) and chat.tokens_in > 0
    greedy = answered(model).completions[0].text
    files = serve_folder_of(places)
    address = read_address(files)
    assert address is not None
    body = {"prompt": PROMPT, "temperature": 0, "max_tokens": 12, "stream": True}
    headers = {"Authorization": f"Bearer {read_token(files)}"}
    with httpx.stream("POST", f"{address.base_url}/v1/completions", json=body, headers=headers) as response:
        events = [line.removeprefix("data: ") for line in response.iter_lines() if line]
    assert events.pop() == "[DONE]"
    assert "".join(json.loads(event)["choices"][0]["text"] for event in events) == greedy
    vectors = httpx.post(f"{address.base_url}/v1/embeddings", json={"input": ["fn", "let"]}, headers=headers).json()
    assert sum(value * value for value in vectors["data"][0]["embedding"]) == pytest.approx(1.0, abs=1e-3)


def test_a_prompt_that_does_not_fit_is_told_and_the_server_goes_on(places: Places, base: Path) -> None:
    model = the_model(places)
    failed = model.complete(CompletionRequest(prompt="long " * 2000), CancelToken())
    assert isinstance(failed, ModelUnavailable) and failed.remedy
    assert answered(model).completions[0].tokens_out > 0


def test_a_damaged_model_is_told_by_its_name(places: Places, base: Path) -> None:
    corrupted(base, base, length=base.stat().st_size // 2)
    failed = the_model(places).complete(CompletionRequest(prompt="x"), CancelToken())
    assert isinstance(failed, ModelUnavailable) and failed.is_lasting
    assert "tiny.gguf" in failed.reason and failed.remedy


def test_an_adapter_for_another_base_is_told_and_the_base_answers(places: Places, base: Path, tmp_path: Path) -> None:
    put_into_use(places, write_tiny_model(tmp_path / "other.gguf", seed=9), "night-1", syntax=1)
    answer = answered(the_model(places), "syntax")
    assert answer.adapter_snapshot is None
    files = serve_folder_of(places)
    address = read_address(files)
    assert address is not None
    headers = {"Authorization": f"Bearer {read_token(files)}"}
    listed = httpx.get(f"{address.base_url}/v1/models", headers=headers).json()
    assert "belong to the model tiny" in listed["extra"]["snapshot_problem"]
