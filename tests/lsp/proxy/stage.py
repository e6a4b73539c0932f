"""A session without processes: a test plays the client and both servers, and sees what each of them is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sleepy_lsp.proxy.client_side import from_client
from sleepy_lsp.proxy.framing import Frame, FrameReader, framed
from sleepy_lsp.proxy.session import Ports, ProxySettings, Session
from sleepy_lsp.proxy.sleepy_side import INITIALIZE, from_sleepy, sleepy_started
from sleepy_lsp.proxy.wrapped_side import from_wrapped

URI = "file:///project/src/lib.rs"
RESOLVING_CLIENT = {
    "textDocument": {"codeAction": {"dataSupport": True, "resolveSupport": {"properties": ["edit"]}}},
    "experimental": {"sleepy": True},
}
SERVER = {"positionEncoding": "utf-8", "codeActionProvider": {"resolveProvider": True}, "hoverProvider": True}


def message(raw: bytes) -> Any:
    """The JSON of one framed message."""
    (frame,) = FrameReader().feed(raw)
    assert frame.body is not None
    return json.loads(frame.body)


def spoken(**members: Any) -> Frame:
    """A message as a client or server would frame it."""
    return text_frame(json.dumps({"jsonrpc": "2.0", **members}))


def text_frame(text: str) -> Frame:
    (frame,) = FrameReader().feed(framed(text.encode()))
    return frame


@dataclass
class Stage:
    """What was said to whom since the last look, and what is to happen later."""

    settings: ProxySettings = field(default_factory=ProxySettings)
    client: list[bytes] = field(default_factory=list)
    wrapped: list[bytes] = field(default_factory=list)
    sleepy: list[bytes] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    timers: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    deferred: list[Callable[[], None]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    ends: list[int | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        ports = Ports(
            to_client=self.client.append,
            to_wrapped=self.wrapped.append,
            to_sleepy=self.sleepy.append,
            start_wrapped=lambda: self.started.append("wrapped"),
            start_sleepy=lambda: self.started.append("sleepy"),
            stop_sleepy=lambda: self.started.append("stop sleepy"),
            later=lambda seconds, act: self.timers.append((seconds, act)),
            afterwards=self.deferred.append,
            say=self.said.append,
            end=self.ends.append,
        )
        self.session = Session(ports, self.settings, "wrapped-server", "Do this.")

    def client_says(self, frame: Frame) -> None:
        from_client(self.session, frame)
        self.do_deferred()

    def wrapped_says(self, frame: Frame) -> None:
        from_wrapped(self.session, frame)
        self.do_deferred()

    def sleepy_says(self, frame: Frame) -> None:
        from_sleepy(self.session, frame)
        self.do_deferred()

    def do_deferred(self) -> None:
        while self.deferred:
            self.deferred.pop(0)()

    def ring(self) -> list[float]:
        """Let every timer run out; returns their seconds."""
        timers, self.timers[:] = list(self.timers), []
        for _, act in timers:
            act()
        return [seconds for seconds, _ in timers]

    def take(self, who: str) -> list[Any]:
        """What one of the three was told since the last time, as JSON."""
        heard: list[bytes] = getattr(self, who)
        messages = [message(raw) for raw in heard]
        heard.clear()
        return messages

    def forget(self) -> None:
        """Forget what was said so far."""
        for heard in (self.client, self.wrapped, self.sleepy):
            heard.clear()


def running_stage(
    settings: ProxySettings | None = None,
    client: Any = RESOLVING_CLIENT,
    server: Any = SERVER,
    *,
    with_sleepy: bool = True,
) -> Stage:
    """A session whose handshakes are over."""
    stage = Stage(settings or ProxySettings())
    stage.client_says(spoken(id=0, method="initialize", params={"capabilities": client}))
    stage.wrapped_says(spoken(id=0, result={"capabilities": server}))
    stage.client_says(spoken(method="initialized", params={}))
    if with_sleepy:
        begin_sleepy(stage)
    stage.forget()
    return stage


def begin_sleepy(stage: Stage) -> None:
    sleepy_started(stage.session)
    stage.sleepy_says(spoken(id=INITIALIZE, result={"capabilities": {}}))


def opened(text: str = "fn main() {}\n", uri: str = URI) -> Frame:
    document = {"uri": uri, "languageId": "rust", "version": 1, "text": text}
    return spoken(method="textDocument/didOpen", params={"textDocument": document})


def typed(version: int, text: str, line: int = 0, uri: str = URI) -> Frame:
    place = {"line": line, "character": 0}
    change = {"range": {"start": place, "end": place}, "text": text}
    identifier = {"uri": uri, "version": version}
    return spoken(method="textDocument/didChange", params={"textDocument": identifier, "contentChanges": [change]})
