"""What goes wrong while the server runs: errors, clients that leave, deadlines, crowds, slow disks, taken ports."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from serving.running_server import PATIENCE_SECONDS, RunningServer, running, until_queued
from serving.scripted_engine import ScriptedEngine
from sleepy_agent.config import Places, Settings
from sleepy_agent.errors import CannotWrite, ModelError
from sleepy_agent.serving.engine import Engine
from sleepy_agent.serving.server.process import Ended, bound_socket, serve


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
