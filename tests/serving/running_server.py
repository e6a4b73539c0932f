"""A server with a scripted engine in a thread of the test's own process, and how to ask it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from serving.scripted_engine import ScriptedEngine
from sleepy_agent.config import Places, Settings
from sleepy_agent.serving.serve_folder import Address, serve_folder_of
from sleepy_agent.serving.server.engine_runner import Load
from sleepy_agent.serving.server.process import Ended, serve

PATIENCE_SECONDS = 30.0


@dataclass
class RunningServer:
    """What a test needs of it."""

    places: Places
    engine: ScriptedEngine
    settings: Settings = field(default_factory=Settings)
    load: Load | None = None
    port: int = 0
    address: Address | None = None
    stop: Callable[[], None] = lambda: None
    ended: list[Ended | BaseException] = field(default_factory=list)
    listens: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        def on_listening(address: Address, stop: Callable[[], None]) -> None:
            self.address, self.stop = address, stop
            self.listens.set()

        try:
            load = self.load or (lambda _on_share: self.engine)
            self.ended.append(serve(self.places, self.settings, load, port=self.port, on_listening=on_listening))
        except BaseException as error:
            self.ended.append(error)
        finally:
            self.listens.set()

    @property
    def token(self) -> str:
        return serve_folder_of(self.places).token_file.read_text().strip()

    def client(self, **headers: str) -> httpx.Client:
        """A client with the token; with other headers where given."""
        assert self.address is not None, self.ended
        return httpx.Client(
            base_url=self.address.base_url,
            headers={"Authorization": f"Bearer {self.token}"} | headers,
            timeout=PATIENCE_SECONDS,
            trust_env=False,
            # No certificates are loaded for an address without TLS.
            verify=False,
        )

    def post(self, path: str, body: object) -> httpx.Response:
        with self.client() as client:
            return client.post(path, json=body)

    def stream(self, path: str, body: dict[str, object]) -> list[Any]:
        """The events of a streamed answer, see `events_of`."""
        with self.client() as client, client.stream("POST", path, json=body | {"stream": True}) as response:
            assert response.headers["content-type"].startswith("text/event-stream"), response.read()
            return events_of(response)

    def get(self, path: str) -> httpx.Response:
        with self.client() as client:
            return client.get(path)

    def wait_until_ready(self) -> None:
        """A request is answered only after the model is loaded."""
        assert self.post("/v1/completions", {"prompt": "ready?"}).status_code == 200
        assert self.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
        self.engine.asked.clear()


@contextmanager
def running(server: RunningServer) -> Iterator[RunningServer]:
    """Run it until the end of the block."""
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.listens.wait(PATIENCE_SECONDS)
        yield server
    finally:
        server.engine.go_on.set()
        server.stop()
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


def until(condition: Callable[[], object]) -> None:
    """Return once it holds; for what nobody announces, such as a file that goes away."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        pause.wait(0.005)


def until_queued(server: RunningServer, count: int) -> None:
    """Ask the server until so many are waiting."""
    until(lambda: server.get("/health").json()["queued"] == count)


def events_of(response: httpx.Response) -> list[Any]:
    """The events of a streamed answer; the last one is the text [DONE] where it ended well."""
    found: list[Any] = []
    for line in response.iter_lines():
        if line:
            assert line.startswith("data: "), line
            data = line.removeprefix("data: ")
            found.append(data if data == "[DONE]" else json.loads(data))
    return found
