"""Whatever dies and returns in whatever order: each request is answered once, and both servers have the right text."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lsp.proxy.stage import SERVER, URI, Stage, begin_sleepy, opened, running_stage, spoken
from sleepy_lsp.proxy.conversation import Phase
from sleepy_lsp.proxy.restarts import RestartPolicy
from sleepy_lsp.proxy.session import ProxySettings
from sleepy_lsp.proxy.sleepy_side import sleepy_ended
from sleepy_lsp.proxy.wrapped_side import wrapped_ended, wrapped_started
from sleepy_lsp.texts.content_changes import apply_content_changes

REQUESTS = {
    "hover": ("textDocument/hover", {}),
    "actions": ("textDocument/codeAction", {}),
    "resolve ours": ("codeAction/resolve", {"data": {"sleepy": {}}}),
    "resolve theirs": ("codeAction/resolve", {"data": 5}),
    "explain": ("sleepy/explain", {}),
}
STEPS = [*REQUESTS, "type", "wrapped answers", "sleepy answers", "time passes", "wrapped dies", "sleepy dies", "cancel"]
ALWAYS = RestartPolicy((0.1,), 1.0, gives_up=False)


class Play:
    """A stage on which the two servers remember what they were told, and forget it when they die."""

    def __init__(self) -> None:
        self.stage: Stage = running_stage(ProxySettings(wrapped_policy=ALWAYS, sleepy_policy=ALWAYS))
        self.asked: dict[str, list[Any]] = {"wrapped": [], "sleepy": []}
        self.texts: dict[str, str | None] = {"wrapped": None, "sleepy": None}
        self.answers: Counter[int] = Counter()
        self.text = ""
        self.count = 100
        self.stage.client_says(opened(""))
        self.listen()

    def listen(self) -> None:
        """Every part takes in what it was told."""
        for server in ("wrapped", "sleepy"):
            for message in self.stage.take(server):
                self._server_hears(server, message)
        for message in self.stage.take("client"):
            if "method" not in message:
                self.answers[message["id"]] += 1

    def _server_hears(self, server: str, message: Any) -> None:
        method = message["method"]
        if method == "initialize":
            answer = spoken(id=message["id"], result={"capabilities": SERVER})
            (self.stage.wrapped_says if server == "wrapped" else self.stage.sleepy_says)(answer)
        elif method == "textDocument/didOpen":
            self.texts[server] = message["params"]["textDocument"]["text"]
        elif method == "textDocument/didChange":
            text = self.texts[server]
            assert text is not None, "a change of a document that is not open"
            self.texts[server] = apply_content_changes(text, message["params"]["contentChanges"], "utf-8")
        elif "id" in message:
            self.asked[server].append(message["id"])

    def do(self, step: str) -> None:
        stage = self.stage
        if step in REQUESTS:
            self.count += 1
            method, params = REQUESTS[step]
            stage.client_says(spoken(id=self.count, method=method, params=params))
        elif step == "cancel":
            stage.client_says(spoken(method="$/cancelRequest", params={"id": self.count}))
        elif step == "type":
            self.count += 1
            word = f"{self.count}\n"
            self.text = word + self.text
            place = {"line": 0, "character": 0}
            change = {"range": {"start": place, "end": place}, "text": word}
            document = {"uri": URI, "version": self.count}
            params = {"textDocument": document, "contentChanges": [change]}
            stage.client_says(spoken(method="textDocument/didChange", params=params))
        elif step == "time passes":
            self.pass_time()
        elif step.endswith("dies"):
            self.die(step.split(maxsplit=1)[0])
        else:
            server = step.split(maxsplit=1)[0]
            if self.asked[server]:
                answer = spoken(id=self.asked[server].pop(0), result=[])
                (stage.wrapped_says if server == "wrapped" else stage.sleepy_says)(answer)
        self.listen()
        self.listen()

    def pass_time(self) -> None:
        self.stage.ring()
        for server in self.stage.started:
            if server == "wrapped":
                wrapped_started(self.stage.session)
            else:
                begin_sleepy(self.stage)
        self.stage.started.clear()

    def die(self, server: str) -> None:
        conversation = self.stage.session.wrapped if server == "wrapped" else self.stage.session.sleepy
        if conversation.phase is Phase.OFF:
            return
        self.asked[server].clear()
        self.texts[server] = None
        (wrapped_ended if server == "wrapped" else sleepy_ended)(self.stage.session, "was killed by signal 9")


@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_each_request_is_answered_once_and_the_texts_agree(steps: list[str]) -> None:
    play = Play()
    asked = []
    for step in steps:
        play.do(step)
        if step in REQUESTS:
            asked.append(play.count)
    for _ in range(len(steps) + 3):
        for step in ("time passes", "wrapped answers", "sleepy answers"):
            play.do(step)
    assert play.answers == Counter(asked)
    assert play.texts == {"wrapped": play.text, "sleepy": play.text}
    session = play.stage.session
    assert not (session.merges or session.wrapped.asked or session.sleepy.asked)
