"""The server's API: OpenAI's shapes, streaming, adapters as models, limits, and what goes wrong."""

from __future__ import annotations

import base64
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.running_server import PATIENCE_SECONDS, RunningServer, running, until
from serving.scripted_engine import UNFIT, ScriptedEngine
from serving.snapshots import a_snapshot, an_adapter, put_into_use
from sleepy_agent.config import Places, Settings
from sleepy_agent.errors import CannotWrite, ModelError
from sleepy_agent.serving.chat import PromptPart
from sleepy_agent.serving.engine import Engine
from sleepy_agent.serving.manifest import SnapshotBase, write_snapshot
from sleepy_agent.serving.server import Ended, bound_socket, serve

CHAT = "/v1/chat/completions"
USER = [{"role": "user", "content": "hello there"}]


def test_a_chat_is_answered_in_openai_s_shape(server: RunningServer) -> None:
    answer = server.post(CHAT, {"model": "sleepy/base", "messages": USER, "n": 2}).json()
    assert answer["object"] == "chat.completion" and answer["id"].startswith("chatcmpl-")
    assert answer["model"] == "tiny"
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    choice = answer["choices"][0]
    assert choice["message"] == {"role": "assistant", "content": "base: <user>hello there</><assistant>"}
    assert choice["finish_reason"] == "stop"
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 1}
    assert answer["extra"]["snapshot"] is None


def test_a_completion_is_answered_in_openai_s_shape(server: RunningServer) -> None:
    answer = server.post("/v1/completions", {"prompt": ["fn main"]}).json()
    assert answer["object"] == "text_completion" and answer["id"].startswith("cmpl-")
    assert answer["choices"][0]["text"] == "base: fn main"


def test_everything_that_is_asked_reaches_the_engine(server: RunningServer) -> None:
    body = {
        "prompt": "unused",
        "n": 3,
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 7,
        "stop": ["a", "b"],
        "seed": 5,
        "extra": {
            "grammar": "root ::= x",
            "expected": "copied",
            "deadline_seconds": 20,
            "parts": [{"text": "one ", "importance": 1.5}, {"type": "text", "text": "two"}],
        },
        "user": "somebody whom nobody needs to know",
    }
    assert server.post("/v1/completions", body).status_code == 200
    (asked,) = server.engine.asked
    assert asked.parts == (PromptPart("one ", 1.5), PromptPart("two"))
    assert (asked.n, asked.temperature, asked.top_p, asked.max_tokens) == (3, 0.5, 0.9, 7)
    assert (asked.stop, asked.seed, asked.grammar, asked.expected) == (("a", "b"), 5, "root ::= x", "copied")


def test_more_than_there_is_room_for_is_cut(server: RunningServer) -> None:
    server.post(CHAT, {"messages": USER, "max_completion_tokens": 100_000})
    assert server.engine.asked[0].max_tokens == 2048


def test_parts_of_messages_keep_their_importance_inside_the_template(server: RunningServer) -> None:
    content = [
        {"type": "text", "text": "  first\n", "importance": 1},
        {"type": "text", "text": "second"},
        {"type": "text", "text": " third \n", "importance": 2},
    ]
    messages = [{"role": "system", "content": "first"}, {"role": "user", "content": content}]
    server.post(CHAT, {"messages": messages})
    assert server.engine.asked[0].parts == (
        PromptPart("<system>first</><user>"),
        PromptPart("first\n", 1.0),
        PromptPart("second"),
        PromptPart(" third", 2.0),
        PromptPart("</><assistant>"),
    )


def test_a_streamed_chat_says_the_same_in_pieces(server: RunningServer) -> None:
    events = server.stream(CHAT, {"messages": USER, "n": 2, "stream_options": {"include_usage": True}})
    assert events.pop() == "[DONE]"
    usage = events.pop()
    assert usage["choices"] == [] and usage["usage"]["completion_tokens"] > 0
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    assert len({event["id"] for event in events}) == 1
    texts = ["", ""]
    ends: list[Any] = [None, None]
    for event in events:
        (choice,) = event["choices"]
        texts[choice["index"]] += choice["delta"].get("content", "")
        ends[choice["index"]] = choice["finish_reason"]
    assert texts == ["base: <user>hello there</><assistant>"] * 2
    assert ends == ["stop", "stop"]


def test_a_streamed_completion_says_the_same_in_pieces(server: RunningServer) -> None:
    events = server.stream("/v1/completions", {"prompt": "a b"})
    assert events.pop() == "[DONE]"
    assert "".join(event["choices"][0]["text"] for event in events) == "base: a b"
    assert [event["choices"][0]["finish_reason"] for event in events][-1] == "stop"


def test_embeddings(server: RunningServer) -> None:
    body = {"input": ["a", "b"], "model": "sleepy/base"}
    plain = server.post("/v1/embeddings", body).json()
    assert [one["index"] for one in plain["data"]] == [0, 1]
    packed = server.post("/v1/embeddings", body | {"encoding_format": "base64"}).json()
    unpacked = struct.unpack("<4f", base64.b64decode(packed["data"][0]["embedding"]))
    assert unpacked == pytest.approx(plain["data"][0]["embedding"])


WRONG: dict[str, tuple[str, object, str]] = {
    "no messages": (CHAT, {}, "messages"),
    "messages": (CHAT, {"messages": [1]}, "messages[0]"),
    "role": (CHAT, {"messages": [{"role": "x", "content": ""}]}, "messages[0].role"),
    "role type": (CHAT, {"messages": [{"role": [], "content": ""}]}, "messages[0].role"),
    "content": (CHAT, {"messages": [{"role": "user"}]}, "messages[0].content"),
    "picture": (CHAT, {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content"),
    "importance": (
        CHAT,
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "", "importance": "1"}]}]},
        "importance",
    ),
    "n": (CHAT, {"messages": USER, "n": 33}, "n"),
    "n type": (CHAT, {"messages": USER, "n": True}, "n"),
    "temperature": (CHAT, {"messages": USER, "temperature": 3}, "temperature"),
    "stop": (CHAT, {"messages": USER, "stop": [""]}, "stop"),
    "seed": (CHAT, {"messages": USER, "seed": 1 << 70}, "seed"),
    "stream": (CHAT, {"messages": USER, "stream": 1}, "stream"),
    "extra": (CHAT, {"messages": USER, "extra": []}, "extra"),
    "tools": (CHAT, {"messages": USER, "tools": [{}]}, "tools"),
    "prompts": ("/v1/completions", {"prompt": ["a", "b"]}, "prompt"),
    "tokens": ("/v1/completions", {"prompt": [1, 2]}, "prompt"),
    "parts": ("/v1/completions", {"extra": {"parts": []}}, "extra.parts"),
    "input": ("/v1/embeddings", {"input": []}, "input"),
    "input type": ("/v1/embeddings", {"input": [1]}, "input"),
    "encoding": ("/v1/embeddings", {"input": "a", "encoding_format": "x"}, "encoding_format"),
}


@pytest.mark.parametrize(("path", "body", "param"), WRONG.values(), ids=WRONG)
def test_a_wrong_request_is_told_which_field(path: str, body: object, param: str, server: RunningServer) -> None:
    response = server.post(path, body)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["extra"]["remedy"] in error["message"]
    assert not server.engine.asked


@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff", b"[" * 100_000, b'{"prompt": NaN, "n": NaN}'])
def test_a_body_that_is_no_request(raw: bytes, server: RunningServer) -> None:
    with server.client() as client:
        assert client.post("/v1/completions", content=raw).status_code == 400


def test_other_paths_and_methods(server: RunningServer) -> None:
    assert server.get("/v1/nothing").status_code == 404
    assert server.get(CHAT).status_code == 405
    assert "GET" in server.get(CHAT).json()["error"]["message"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_request_is_refused(chunked: bool, server: RunningServer) -> None:
    raw = b'{"prompt": "' + b"x" * (5 << 20) + b'"}'
    with server.client() as client:
        content = iter([raw[:100], raw[100:]]) if chunked else raw
        assert client.post("/v1/completions", content=content).status_code == 413
    assert not server.engine.asked


def test_who_has_no_token_is_not_heard(server: RunningServer) -> None:
    for value in ("", "Bearer", "Bearer wrong", f"Basic {server.token}", f"Bearer {server.token}x", "Bearer \u00e9"):
        with server.client() as client:
            client.headers = httpx.Headers([(b"Authorization", value.encode())])
            for response in (client.get("/v1/models"), client.post(CHAT, json={"messages": USER})):
                assert response.status_code == 401
                assert response.headers["www-authenticate"] == "Bearer"
    assert not server.engine.asked


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:80"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:1"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, 200),
    ],
)
def test_web_pages_are_not_heard_even_with_the_token(
    headers: dict[str, str], status: int, server: RunningServer
) -> None:
    with server.client(**headers) as client:
        assert client.get("/v1/models").status_code == status
        assert client.get("/health").status_code == status


def test_an_unknown_model_is_told(server: RunningServer) -> None:
    for name in ("gpt-4", "sleepy/syntax"):
        response = server.post(CHAT, {"model": name, "messages": USER})
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "model_not_found"
    assert server.post("/v1/embeddings", {"model": "sleepy/syntax", "input": "x"}).status_code == 404
    assert server.post(CHAT, {"model": "tiny", "messages": USER}).status_code == 200


def test_where_there_is_no_adapter_the_base_answers_if_asked_to(server: RunningServer) -> None:
    body = {"model": "sleepy/syntax", "prompt": "x", "extra": {"fallback": True}}
    answer = server.post("/v1/completions", body).json()
    assert (answer["model"], answer["extra"]["snapshot"]) == ("tiny", None)
    put_into_use(server.places.manifest_file, "night-1", "syntax")
    answer = server.post("/v1/completions", body).json()
    assert (answer["model"], answer["extra"]["snapshot"]) == ("sleepy/syntax", "night-1")
    assert answer["choices"][0]["text"] == "syntax: x"


def test_a_new_snapshot_serves_the_next_request_and_not_the_one_before(server: RunningServer) -> None:
    manifest = server.places.manifest_file
    put_into_use(manifest, "night-1", "syntax", "serde")
    body = {"model": "sleepy/syntax", "prompt": "wait"}
    with ThreadPoolExecutor(1) as pool:
        in_flight = pool.submit(server.post, "/v1/completions", body)
        assert server.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
        put_into_use(manifest, "night-2", "syntax")
        server.engine.go_on.set()
        assert in_flight.result().json()["extra"]["snapshot"] == "night-1"
    assert server.post("/v1/completions", body).json()["extra"]["snapshot"] == "night-2"
    assert [adapter.name for adapter in server.engine.adapters] == ["syntax"]
    listed = server.get("/v1/models").json()
    assert [model["id"] for model in listed["data"]] == ["sleepy/base", "sleepy/syntax"]
    assert listed["extra"] == {"state": "ready", "snapshot": "night-2", "snapshot_problem": None}
    assert server.post("/v1/completions", {"model": "sleepy/serde", "prompt": "x"}).status_code == 404
    manifest.unlink()
    assert server.post("/v1/completions", body).status_code == 404, "no manifest, no adapters"
    assert server.engine.adapters == ()


def break_json(manifest: Path) -> None:
    manifest.write_text("{")


def break_adapter(manifest: Path) -> None:
    put_into_use(manifest, "night-2", "syntax")
    for file in manifest.parent.glob("syntax-*"):
        file.write_bytes(b"another")


def take_unfit_adapter(manifest: Path) -> None:
    write_snapshot(manifest, a_snapshot("night-2", an_adapter(manifest.parent, "unfit", UNFIT)))


def take_adapters_of_another_base(manifest: Path) -> None:
    put_into_use(manifest, "night-2", "syntax", base=SnapshotBase("another", "c" * 64))


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (break_json, "cannot be used"),
        (break_adapter, "not the file that was promoted"),
        (take_unfit_adapter, "does not fit"),
        (take_adapters_of_another_base, "belong to the model another"),
    ],
)
def test_a_broken_snapshot_leaves_the_old_one_in_use(break_it: Any, told: str, server: RunningServer) -> None:
    manifest = server.places.manifest_file
    put_into_use(manifest, "night-1", "syntax")
    body = {"model": "sleepy/syntax", "prompt": "x"}
    assert server.post("/v1/completions", body).json()["extra"]["snapshot"] == "night-1"
    break_it(manifest)
    assert server.post("/v1/completions", body).json()["extra"]["snapshot"] == "night-1"
    listed = server.get("/v1/models").json()
    assert listed["extra"]["snapshot"] == "night-1"
    assert told in listed["extra"]["snapshot_problem"]


@pytest.mark.parametrize(
    ("prompt", "status", "told"),
    [
        ("too long", 400, "The prompt is too long. Send less."),
        ("no memory", 503, "not enough memory"),
        ("explode", 500, "a mistake of its own"),
    ],
)
def test_what_fails_is_told_and_the_next_one_is_answered(
    prompt: str, status: int, told: str, server: RunningServer
) -> None:
    response = server.post("/v1/completions", {"prompt": prompt})
    assert response.status_code == status
    assert told in response.json()["error"]["message"]
    (event,) = server.stream("/v1/completions", {"prompt": prompt})
    assert told in event["error"]["message"]
    assert server.post("/v1/completions", {"prompt": "x"}).status_code == 200


def test_a_client_that_leaves_stops_the_work(server: RunningServer) -> None:
    for stream in (False, True):
        server.engine.was_cancelled.clear()
        with server.client() as client:
            client.timeout = httpx.Timeout(PATIENCE_SECONDS, read=0.3)
            with pytest.raises(httpx.ReadTimeout):
                client.post("/v1/completions", json={"prompt": "wait", "stream": stream})
        assert server.engine.was_cancelled.wait(PATIENCE_SECONDS)


def test_a_client_that_leaves_in_the_middle_of_a_stream_stops_the_work(server: RunningServer) -> None:
    body = {"prompt": "forever", "stream": True}
    with server.client() as client, client.stream("POST", "/v1/completions", json=body) as response:
        assert next(response.iter_lines()).startswith("data: ")
    assert server.engine.was_cancelled.wait(PATIENCE_SECONDS)
    assert server.post("/v1/completions", {"prompt": "x"}).status_code == 200


def test_a_client_that_leaves_the_queue_is_not_served(server: RunningServer) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.post, "/v1/completions", {"prompt": "wait"})
        assert server.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
        with server.client() as client:
            client.timeout = httpx.Timeout(PATIENCE_SECONDS, read=0.2)
            with pytest.raises(httpx.ReadTimeout):
                client.post("/v1/completions", json={"prompt": "nobody waits for this"})
        until_queued(server, 0)
        server.engine.go_on.set()
        assert first.result().status_code == 200
    server.post("/v1/completions", {"prompt": "last"})
    assert ["".join(part.text for part in asked.parts) for asked in server.engine.asked] == ["wait", "last"]


def until_queued(server: RunningServer, count: int) -> None:
    """Ask the server until so many are waiting."""
    until(lambda: server.get("/health").json()["queued"] == count)


def test_a_deadline_ends_what_runs_with_what_there_is(server: RunningServer) -> None:
    answer = server.post("/v1/completions", {"prompt": "forever", "extra": {"deadline_seconds": 0.2}}).json()
    assert answer["choices"][0]["finish_reason"] == "cancelled"
    assert answer["choices"][0]["text"].startswith("word ")


def test_a_deadline_that_passes_in_the_queue(server: RunningServer) -> None:
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.post, "/v1/completions", {"prompt": "wait"})
        assert server.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
        for stream in (False, True):
            body = {"prompt": "late", "stream": stream, "extra": {"deadline_seconds": 0.1}}
            response = server.post("/v1/completions", body)
            assert response.status_code == 504
            assert response.json()["error"]["code"] == "deadline_exceeded"
        server.engine.go_on.set()
        assert first.result().status_code == 200
    assert len(server.engine.asked) == 1


def test_two_hundred_wait_and_the_next_is_told_to_come_again(server: RunningServer) -> None:
    body = {"prompt": "wait"}
    with ThreadPoolExecutor(201) as pool:
        first = pool.submit(server.post, "/v1/completions", body)
        assert server.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
        waiting = [pool.submit(server.post, "/v1/completions", body) for _ in range(200)]
        until_queued(server, 200)
        refused = server.post("/v1/completions", body)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["error"]["code"] == "server_busy"
        assert server.get("/v1/models").status_code == 200, "what needs no engine is answered at once"
        server.engine.go_on.set()
        assert {one.result().status_code for one in (first, *waiting)} == {200}
    assert len(server.engine.threads) == 1, "one thread, so one request at a time"


def test_clients_take_turns(server: RunningServer) -> None:
    def ask(client_name: str, prompt: str) -> None:
        with server.client(**{"X-Sleepy-Client": client_name}) as client:
            assert client.post("/v1/completions", json={"prompt": prompt}).status_code == 200

    with ThreadPoolExecutor(8) as pool:
        pool.submit(ask, "greedy", "wait")
        assert server.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
        for number, (name, prompt) in enumerate(
            [("greedy", "g1"), ("greedy", "g2"), ("greedy", "g3"), ("modest", "m1")], start=1
        ):
            pool.submit(ask, name, prompt)
            until_queued(server, number)
        server.engine.go_on.set()
    order = ["".join(part.text for part in asked.parts) for asked in server.engine.asked]
    assert order == ["wait", "g1", "m1", "g2", "g3"]


class SlowDisk:
    """A model that takes its time to load."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.engine = engine
        self.go_on = threading.Event()

    def __call__(self, on_share: Callable[[float], bool]) -> Engine:
        assert on_share(0.25)
        assert self.go_on.wait(PATIENCE_SECONDS)
        return self.engine


def test_while_the_model_is_loaded_requests_wait_and_health_says_so(places: Places) -> None:
    engine = ScriptedEngine()
    disk = SlowDisk(engine)
    with running(RunningServer(places, engine, load=disk)) as server, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.post, "/v1/completions", {"prompt": "x"})
        until_queued(server, 1)
        health = server.get("/health").json()
        assert (health["state"], health["model"], health["loaded_share"]) == ("loading", None, 0.25)
        assert server.get("/v1/models").json()["data"] == []
        late = server.post("/v1/completions", {"prompt": "y", "extra": {"deadline_seconds": 0.1}})
        assert late.status_code == 504
        disk.go_on.set()
        assert asked.result().status_code == 200
        assert server.get("/health").json()["state"] == "ready"
    assert engine.is_closed


class BrokenModel:
    """A model that cannot be loaded; fails once somebody waits for it."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.go_on = threading.Event()

    def __call__(self, _on_share: Callable[[float], bool]) -> Engine:
        assert self.go_on.wait(PATIENCE_SECONDS)
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ModelError("The file is truncated.", "Pull it again."), "The file is truncated. Pull it again."),
        (MemoryError(), "not enough memory for the model"),
        (RuntimeError("defect"), "RuntimeError: defect"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_told_and_the_server_ends(error: Exception, told: str, places: Places) -> None:
    model = BrokenModel(error)
    server = RunningServer(places, ScriptedEngine(), load=model)
    with running(server), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.post, "/v1/completions", {"prompt": "x"})
        until_queued(server, 1)
        model.go_on.set()
        response = asked.result()
        assert response.status_code == 503
        assert told in response.json()["error"]["message"]
    (ended,) = server.ended
    assert isinstance(ended, Ended) and ended.failure is not None


@pytest.mark.parametrize("name", ["server.lock", "address.json", "token"])
def test_a_folder_that_cannot_be_used_is_told(name: str, places: Places) -> None:
    (places.serve_folder / name).mkdir(parents=True)
    with pytest.raises(CannotWrite, match=name):
        serve(places, Settings(), lambda _on_share: ScriptedEngine())


def test_answers_are_sent_at_once() -> None:
    with bound_socket(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP, "else asyncio leaves Nagle's algorithm on"


def test_a_taken_port_is_no_obstacle(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert server.address is not None
    root = tmp_path_factory.mktemp("another-home")
    elsewhere = Places(cache=root / "cache", state=root / "state", config=root / "config")
    other = RunningServer(elsewhere, ScriptedEngine(), port=server.address.port)
    with running(other):
        assert other.address is not None and other.address.port != server.address.port
        other.wait_until_ready()


def test_a_server_that_nobody_asks_ends(places: Places) -> None:
    server = RunningServer(places, ScriptedEngine(), settings=Settings(serve_idle_seconds=1.0))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.listens.wait(PATIENCE_SECONDS)
    server.wait_until_ready()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert server.ended == [Ended()]
    assert server.engine.is_closed
    assert not (places.serve_folder / "address.json").exists()
