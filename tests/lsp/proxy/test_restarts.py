"""Deaths and restarts of both servers, and how little is remembered for them."""

from __future__ import annotations

import pytest

from lsp.proxy.stage import SERVER, URI, Stage, opened, running_stage, spoken, text_frame, typed
from sleepy_lsp.proxy.document_log import KEPT_CHANGES
from sleepy_lsp.proxy.restarts import RestartPolicy
from sleepy_lsp.proxy.session import ProxySettings
from sleepy_lsp.proxy.sleepy_side import sleepy_ended, sleepy_started
from sleepy_lsp.proxy.wrapped_side import fail, wrapped_ended, wrapped_started
from sleepy_lsp.texts.content_changes import apply_content_changes


def restart_wrapped(stage: Stage) -> None:
    assert stage.started[-1:] == ["wrapped"]
    wrapped_started(stage.session)
    (request,) = stage.take("wrapped")
    assert request["method"] == "initialize"
    stage.wrapped_says(spoken(id=request["id"], result={"capabilities": SERVER}))


def test_a_new_wrapped_server_is_brought_up_to_date() -> None:
    stage = running_stage()
    stage.client_says(opened("one\n"))
    stage.client_says(typed(2, "two\n"))
    stage.client_says(spoken(method="sleepy/trust", params={"trusted": True}))
    stage.client_says(spoken(id=5, method="textDocument/hover", params={}))
    stage.forget()
    wrapped_ended(stage.session, "was killed by signal 9")
    refusal, shown = stage.take("client")
    assert (refusal["id"], refusal["error"]["code"]) == (5, -32801)
    assert (shown["method"], shown["params"]["type"]) == ("window/showMessage", 2)
    assert "was killed by signal 9" in shown["params"]["message"]
    # While it is away, requests are answered and documents are remembered.
    stage.client_says(typed(3, "three\n"))
    stage.client_says(spoken(id=6, method="textDocument/hover", params={}))
    assert [one["error"]["code"] for one in stage.take("client")] == [-32801]
    assert stage.wrapped == []
    stage.ring()
    restart_wrapped(stage)
    assert stage.client == [], "the second answer to `initialize` is not the client's"
    heard = stage.take("wrapped")
    methods = [one["method"].rpartition("/")[2] for one in heard]
    assert methods == ["initialized", "didOpen", "didChange", "didChange"]
    request = spoken(id=7, method="textDocument/hover", params={})
    stage.client_says(request)
    assert stage.wrapped == [request.raw]


def test_what_a_dead_wrapped_server_began_is_ended_for_it() -> None:
    stage = running_stage()
    registered = [{"id": "watch", "method": "workspace/didChangeWatchedFiles"}, {"id": "save", "method": "m"}]
    stage.wrapped_says(spoken(id=1, method="client/registerCapability", params={"registrations": registered}))
    taken_back = {"unregisterations": [{"id": "save", "method": "m"}]}
    stage.wrapped_says(spoken(id=2, method="client/unregisterCapability", params=taken_back))
    for token in ("indexing", "done"):
        stage.wrapped_says(spoken(id=3, method="window/workDoneProgress/create", params={"token": token}))
    stage.wrapped_says(spoken(method="$/progress", params={"token": "done", "value": {"kind": "end"}}))
    stage.forget()
    wrapped_ended(stage.session, "ended with exit code 101")
    ended, unregistered, _shown = stage.take("client")
    assert ended["params"] == {"token": "indexing", "value": {"kind": "end"}}
    assert unregistered["method"] == "client/unregisterCapability"
    assert unregistered["params"]["unregisterations"] == [
        {"id": "watch", "method": "workspace/didChangeWatchedFiles"},
    ]
    stage.client_says(spoken(id=unregistered["id"], result=None))
    assert stage.wrapped == []


def test_an_answer_meant_for_a_dead_wrapped_server_does_not_reach_the_new_one() -> None:
    stage = running_stage()
    stage.wrapped_says(spoken(id=1, method="workspace/configuration", params={}))
    wrapped_ended(stage.session, "was killed by signal 9")
    stage.ring()
    restart_wrapped(stage)
    stage.wrapped_says(spoken(id=1, method="workspace/configuration", params={}))
    stage.forget()
    stage.client_says(spoken(id=1, result=["old"]))
    stage.client_says(spoken(id=1, result=["new"]))
    assert [one["result"] for one in stage.take("wrapped")] == [["new"]]


def test_restarts_slow_down_and_the_client_is_told_once_for_a_server_that_does_not_come_up() -> None:
    stage = running_stage()
    waits, shown = [], 0
    for _ in range(5):
        wrapped_ended(stage.session, "ended with exit code 1")
        shown += sum(one.get("method") == "window/showMessage" for one in stage.take("client"))
        waits += stage.ring()
        wrapped_started(stage.session)
    assert waits == [0.2, 2.0, 10.0, 30.0, 30.0]
    assert shown == 1


def test_a_sleepy_that_keeps_dying_stays_off_and_nobody_else_notices() -> None:
    stage = running_stage(ProxySettings(sleepy_policy=RestartPolicy((0.5, 5.0), 3600.0, gives_up=True)))
    stage.client_says(spoken(id=1, method="sleepy/offers", params={}))
    stage.sleepy_says(
        spoken(
            id=1,
            method="client/registerCapability",
            params={"registrations": [{"id": "w", "method": "workspace/didChangeWatchedFiles"}]},
        )
    )
    stage.forget()
    sleepy_ended(stage.session, "was killed by signal 9")
    failed, unregistered = stage.take("client")
    assert (failed["id"], failed["error"]["code"]) == (1, -32803)
    assert unregistered["method"] == "client/unregisterCapability"
    assert stage.ring() == [0.5]
    sleepy_started(stage.session)
    sleepy_ended(stage.session, "was killed by signal 9")
    assert stage.client == []
    assert stage.ring() == [5.0]
    sleepy_started(stage.session)
    sleepy_ended(stage.session, "was killed by signal 9")
    assert (stage.ring(), stage.started) == ([], ["sleepy", "sleepy"])
    (status,) = stage.take("client")
    assert (status["method"], status["params"]["state"]) == ("sleepy/status", "off")
    request = spoken(id=7, method="textDocument/codeAction", params={})
    stage.client_says(request)
    answer = spoken(id=7, result=[])
    stage.wrapped_says(answer)
    assert (stage.wrapped, stage.client) == ([request.raw], [answer.raw])


@pytest.mark.parametrize("asked_first", [True, False])
def test_a_server_that_cannot_be_started_is_told_with_the_remedy(asked_first: bool) -> None:
    stage = Stage()
    request = spoken(id=4, method="initialize", params={})
    if asked_first:
        stage.client_says(request)
    fail(stage.session, "wrapped-server could not be started.")
    if not asked_first:
        assert (stage.client, stage.ends) == ([], [])
        stage.client_says(request)
    shown, answer = stage.take("client")
    assert shown["params"] == {"type": 1, "message": "wrapped-server could not be started. Do this."}
    assert (answer["id"], answer["error"]["message"]) == (4, shown["params"]["message"])
    assert stage.ends == [2]
    assert stage.said == [shown["params"]["message"]]


def test_a_server_that_ends_before_it_was_ready_is_not_started_again() -> None:
    stage = Stage()
    stage.client_says(spoken(id=4, method="initialize", params={}))
    wrapped_ended(stage.session, "ended with exit code 1")
    assert "wrapped" not in stage.started
    assert stage.ends == [2]


def test_the_end() -> None:
    stage = running_stage()
    request, leaving = spoken(id=9, method="shutdown"), spoken(method="exit")
    stage.client_says(request)
    assert stage.wrapped == [request.raw]
    assert [one["method"] for one in stage.take("sleepy")] == ["shutdown"]
    answer = spoken(id=9, result=None)
    stage.wrapped_says(answer)
    stage.sleepy_says(spoken(id="sleepy:shutdown", result=None))
    assert stage.client == [answer.raw]
    stage.client_says(leaving)
    assert (stage.wrapped[-1], stage.sleepy) == (leaving.raw, [leaving.raw])
    assert stage.ends == [None]
    wrapped_ended(stage.session, "ended with exit code 0")
    sleepy_ended(stage.session, "ended with exit code 0")
    assert (stage.timers, stage.started) == ([], [])


@pytest.mark.parametrize("when", ["away", "while it is asked"])
def test_shutting_down_a_dead_server_succeeds(when: str) -> None:
    stage = running_stage()
    if when == "away":
        wrapped_ended(stage.session, "was killed by signal 9")
        stage.forget()
    stage.client_says(spoken(id=9, method="shutdown"))
    if when != "away":
        wrapped_ended(stage.session, "was killed by signal 9")
    assert stage.take("client") == [{"jsonrpc": "2.0", "id": 9, "result": None}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_thousands_of_edits_keep_the_text_and_little_else(encoding: str) -> None:
    stage = running_stage(server=SERVER | {"positionEncoding": encoding})
    stage.client_says(opened("ü🦀\n"))
    lines = ["ü🦀"]
    for version in range(2, 5002):
        # Each line is replaced, or a new one is written above.
        if version % 3:
            lines.insert(0, f"é{version}")
            stage.client_says(typed(version, f"é{version}\n"))
        else:
            width = len(lines[0].encode()) if encoding == "utf-8" else len(lines[0].encode("utf-16-le")) // 2
            lines[0] = f"ß{version}"
            place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": width}}
            change = {"range": place, "text": lines[0]}
            identifier = {"uri": URI, "version": version}
            parameters = {"textDocument": identifier, "contentChanges": [change]}
            stage.client_says(spoken(method="textDocument/didChange", params=parameters))
        stage.forget()
    wrapped_ended(stage.session, "was killed by signal 9")
    stage.ring()
    restart_wrapped(stage)
    heard = stage.take("wrapped")
    assert [one["method"] for one in heard[:2]] == ["initialized", "textDocument/didOpen"]
    document, changes = heard[1]["params"]["textDocument"], heard[2:]
    assert len(changes) == KEPT_CHANGES
    assert document["version"] == 5001 - KEPT_CHANGES
    assert document["languageId"] == "rust"
    assert [one["params"]["textDocument"]["version"] for one in changes] == list(range(5002 - KEPT_CHANGES, 5002))
    text = document["text"]
    for change in changes:
        text = apply_content_changes(text, change["params"]["contentChanges"], encoding)
    assert text == "".join(f"{line}\n" for line in lines)


def test_whole_texts_are_folded_by_their_size() -> None:
    stage = running_stage()
    stage.client_says(opened())
    for version in range(2, 30):
        whole = {"text": f"// {version}\n" + "x" * 200_000}
        parameters = {"textDocument": {"uri": URI, "version": version}, "contentChanges": [whole]}
        stage.client_says(spoken(method="textDocument/didChange", params=parameters))
    kept = list(stage.session.log.replay(for_sleepy=False))
    assert sum(map(len, kept)) < 1_500_000
    assert b'"// 29' in kept[-1]


@pytest.mark.parametrize(
    "broken",
    ['{"method":"textDocument/didChange","params":{"textDocument":{"uri":"%s"},"contentChanges":', "{}", "[1]", "é"],
)
def test_changes_that_mean_nothing_do_not_pile_up(broken: str) -> None:
    stage = running_stage()
    stage.client_says(opened())
    frame = text_frame(broken.replace("%s", URI))
    for _ in range(KEPT_CHANGES + 50):
        stage.session.log.heard("textDocument/didChange", frame.raw, frame.body or b"")
        stage.session.log.fold(frame.body or b"")
    assert len(list(stage.session.log.replay(for_sleepy=False))) <= KEPT_CHANGES + 1
