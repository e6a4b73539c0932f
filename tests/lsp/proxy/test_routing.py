"""Who hears what, without any process: handshake, documents, requests of all three sides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lsp.proxy.stage import (
    RESOLVING_CLIENT,
    SERVER,
    URI,
    Stage,
    begin_sleepy,
    opened,
    running_stage,
    spoken,
    text_frame,
    typed,
)
from sleepy_lsp.names import ACTION_KINDS, COMMANDS
from sleepy_lsp.proxy.sleepy_side import INITIALIZE, sleepy_ended, sleepy_started


def closed(uri: str = URI) -> Any:
    return spoken(method="textDocument/didClose", params={"textDocument": {"uri": uri}})


def published(uri: str = URI, **more: Any) -> Any:
    return spoken(method="textDocument/publishDiagnostics", params={"uri": uri, "diagnostics": [more]})


# ---- the handshake ---------------------------------------------------------------------------------------


def initialized_with(client: Any, server: Any, options: Any = None) -> Stage:
    stage = Stage()
    sleepy_started(stage.session)
    request = spoken(
        id=0,
        method="initialize",
        params={"capabilities": client, "initializationOptions": options, "workDoneToken": "t", "processId": 5},
    )
    stage.client_says(request)
    assert stage.wrapped == [request.raw], "the wrapped server hears the client's own words"
    assert stage.sleepy == [], "Sleepy's server waits for what the other one chooses"
    stage.wrapped.clear()
    stage.wrapped_says(spoken(id=0, result={"capabilities": server, "serverInfo": {"name": "wrapped"}}))
    return stage


@pytest.mark.parametrize(
    ("theirs", "client", "expected"),
    [
        (None, {}, {"codeActionKinds": [*ACTION_KINDS]}),
        (True, {}, {}),
        (True, RESOLVING_CLIENT, {"resolveProvider": True}),
        ({"resolveProvider": True}, {}, {"resolveProvider": True}),
        (
            {"codeActionKinds": ["quickfix", "refactor"], "resolveProvider": False, "odd": 1},
            {},
            {"codeActionKinds": ["quickfix", "refactor", "source.fixAll.sleepy"], "resolveProvider": False, "odd": 1},
        ),
    ],
)
def test_the_announced_code_actions(theirs: Any, client: Any, expected: Any) -> None:
    (answer,) = initialized_with(client, {"codeActionProvider": theirs} if theirs else {}).take("client")
    assert answer["result"]["capabilities"]["codeActionProvider"] == expected


def test_all_else_that_was_announced_stays() -> None:
    server = {"hoverProvider": {"x": 1}, "executeCommandProvider": {"commands": ["a"], "workDoneProgress": True}}
    (answer,) = initialized_with({}, server).take("client")
    capabilities = answer["result"]["capabilities"]
    assert capabilities["hoverProvider"] == {"x": 1}
    assert capabilities["executeCommandProvider"] == {"commands": ["a", *COMMANDS], "workDoneProgress": True}
    assert answer["result"]["serverInfo"] == {"name": "wrapped"}
    assert answer["id"] == 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, {"hints": False}),
        ({"cargo": {}}, {"hints": False}),
        ({"sleepy": {"trusted": False, "hints": True}}, {"hints": True, "trusted": False}),
        ({"sleepy": 5}, {"hints": False}),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", None])
def test_what_sleepys_server_is_told(options: Any, expected: Any, encoding: str | None) -> None:
    client = {"general": {"positionEncodings": ["utf-16", "utf-8"], "other": 1}, "textDocument": {"diagnostic": {}}}
    stage = initialized_with(client, {"positionEncoding": encoding} if encoding else {}, options)
    (request,) = stage.take("sleepy")
    assert (request["id"], request["method"]) == (INITIALIZE, "initialize")
    parameters = request["params"]
    assert parameters["capabilities"]["general"] == {"positionEncodings": [encoding or "utf-16"], "other": 1}
    assert "diagnostic" not in parameters["capabilities"]["textDocument"]
    assert parameters["initializationOptions"] == expected
    assert parameters["processId"] == 5
    assert "workDoneToken" not in parameters, "nobody reports twice on one token"


def test_sleepys_server_hears_at_its_start_what_was_said_before() -> None:
    stage = running_stage(with_sleepy=False)
    told = [
        opened(),
        typed(2, "x"),
        spoken(method="workspace/didChangeConfiguration", params={"settings": 1}),
        spoken(method="workspace/didChangeConfiguration", params={"settings": 2}),
        spoken(method="sleepy/trust", params={"trusted": False}),
        opened(uri="file:///closed.rs"),
        closed("file:///closed.rs"),
    ]
    for frame in told:
        stage.client_says(frame)
    stage.wrapped_says(published(message="old"))
    stage.wrapped_says(published(message="new"))
    assert stage.sleepy == []
    begin_sleepy(stage)
    heard = stage.take("sleepy")
    assert [one["method"] for one in heard] == [
        "initialize",
        "initialized",
        "workspace/didChangeConfiguration",
        "sleepy/trust",
        "textDocument/didOpen",
        "textDocument/didChange",
        "sleepy/diagnostics",
    ]
    assert heard[2]["params"] == {"settings": 2}
    assert heard[-1]["params"]["diagnostics"] == [{"message": "new"}]


def test_sleepys_server_waits_for_the_clients_initialized() -> None:
    stage = Stage()
    stage.client_says(spoken(id=0, method="initialize", params={}))
    stage.wrapped_says(spoken(id=0, result={"capabilities": SERVER}))
    begin_sleepy(stage)
    assert [one["method"] for one in stage.take("sleepy")] == ["initialize"]
    stage.client_says(spoken(method="initialized", params={}))
    assert [one["method"] for one in stage.take("sleepy")] == ["initialized"]


def test_a_refused_initialize_passes_and_may_be_repeated() -> None:
    stage = Stage()
    refusal = spoken(id=0, error={"code": -32602, "message": "no"})
    for _ in range(2):
        stage.client_says(spoken(id=0, method="initialize", params={}))
        stage.wrapped_says(refusal)
    assert stage.client == [refusal.raw] * 2
    stage.client_says(spoken(id=1, method="initialize", params={}))
    stage.wrapped_says(spoken(id=1, result={"capabilities": {}}))
    assert stage.take("client")[-1]["result"]["capabilities"]["executeCommandProvider"]


# ---- what passes, and to whom ----------------------------------------------------------------------------

UNTOUCHED = [
    '{"jsonrpc":"2.0","id":4,"method":"textDocument/hover","params":{"a":1.0e5}}',
    '{ "id" : "x" , "method" : "textDocument/completion" , "params" : { "a" : "\\u00e9" } , "jsonrpc" : "2.0" }',
    '{"jsonrpc":"2.0","method":"rust-analyzer/openServerLogs"}',
    '[{"jsonrpc":"2.0","id":1,"method":"textDocument/codeAction"},{"jsonrpc":"2.0","method":"sleepy/trust"}]',
    '{"jsonrpc":"2.0","id":6,"method":"workspace/executeCommand","params":{"command":"rust-analyzer.runSingle"}}',
    '{"jsonrpc":"2.0","id":6,"method":"workspace/executeCommand","params":{"command":"x","arguments":["sleepy.x"]}}',
    '{"jsonrpc":"2.0","id":6,"method":"codeAction/resolve","params":{"title":"a","data":{"id":"sleepy"}}}',
    '{"jsonrpc":"2.0","id":6,"method":"codeAction/resolve","params":{"title":"sleepy","data":null}}',
    '{"jsonrpc":"2.0","id":9,"result":{"applied":true}}',
    '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":4}}',
    '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":{"odd":[]}}}',
    '{"jsonrpc":"2.0","method":"$/cancelRequest"}',
    '{"jsonrpc":"2.0","method":"window/workDoneProgress/cancel","params":{"token":"rustAnalyzer/Indexing"}}',
    "{broken",
    '"text"',
    "null",
]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_is_not_ours_reaches_the_wrapped_server_alone_and_as_it_is(text: str) -> None:
    stage = running_stage()
    frame = text_frame(text)
    stage.client_says(frame)
    assert (stage.wrapped, stage.sleepy, stage.client) == ([frame.raw], [], [])


@pytest.mark.parametrize(
    "text",
    [
        '{"jsonrpc":"2.0","id":4,"result":{"contents":"x"}}',
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}',
        '{"jsonrpc":"2.0","id":1,"method":"workspace/configuration","params":{"items":[]}}',
        '{"jsonrpc":"2.0","method":"rust-analyzer/anything","params":{"sleepy/":1}}',
        '{"jsonrpc":"2.0","method":"window/logMessage","params":{"type":1,"message":"m"}}',
        '[{"jsonrpc":"2.0","id":1,"result":null}]',
        "{broken",
    ],
)
def test_what_the_wrapped_server_says_reaches_the_client_as_it_is(text: str) -> None:
    stage = running_stage()
    frame = text_frame(text)
    stage.wrapped_says(frame)
    assert (stage.client, stage.sleepy, stage.wrapped) == ([frame.raw], [], [])


@pytest.mark.parametrize(
    "method",
    [
        "textDocument/didOpen",
        "textDocument/didChange",
        "textDocument/didSave",
        "textDocument/didClose",
        "workspace/didChangeWatchedFiles",
        "workspace/didChangeConfiguration",
        "workspace/didChangeWorkspaceFolders",
        "workspace/didRenameFiles",
        "workspace/didDeleteFiles",
    ],
)
def test_documents_and_files_are_told_to_both(method: str) -> None:
    stage = running_stage()
    frame = spoken(method=method, params={"textDocument": {"uri": URI, "version": 2}, "contentChanges": "odd"})
    stage.client_says(frame)
    assert (stage.wrapped, stage.sleepy) == ([frame.raw], [frame.raw])


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("sleepy/explain", {"problemId": "p"}),
        ("sleepy/offers", {}),
        ("workspace/executeCommand", {"command": "sleepy.pause"}),
        ("codeAction/resolve", {"title": "t", "data": {"sleepy": {"offerId": "o"}}}),
    ],
)
def test_requests_of_ours(method: str, parameters: Any) -> None:
    stage = running_stage()
    request = spoken(id="r", method=method, params=parameters)
    stage.client_says(request)
    assert (stage.wrapped, stage.sleepy) == ([], [request.raw])
    stage.sleepy.clear()
    cancel = spoken(method="$/cancelRequest", params={"id": "r"})
    stage.client_says(cancel)
    assert (stage.wrapped, stage.sleepy) == ([], [cancel.raw])
    answer = spoken(id="r", result={"x": 1})
    stage.sleepy_says(answer)
    assert stage.client == [answer.raw]


def test_requests_of_ours_while_sleepy_is_away() -> None:
    stage = running_stage(with_sleepy=False)
    stage.client_says(spoken(id=3, method="sleepy/offers", params={}))
    assert stage.wrapped == []
    assert [one["error"]["code"] for one in stage.take("client")] == [-32803]


def test_cancelling_code_actions_is_told_to_both() -> None:
    stage = running_stage()
    stage.client_says(spoken(id=3, method="textDocument/codeAction", params={}))
    stage.forget()
    cancel = spoken(method="$/cancelRequest", params={"id": 3})
    stage.client_says(cancel)
    assert (stage.wrapped, stage.sleepy) == ([cancel.raw], [cancel.raw])


def test_an_action_of_theirs_is_complete_where_only_ours_are_resolved() -> None:
    stage = running_stage(server={"codeActionProvider": True})
    action = {"title": "theirs", "edit": {"changes": {}}}
    stage.client_says(spoken(id=3, method="codeAction/resolve", params=action))
    assert stage.wrapped == []
    assert stage.take("client") == [{"jsonrpc": "2.0", "id": 3, "result": action}]


def test_published_diagnostics_are_copied_to_sleepy() -> None:
    stage = running_stage()
    frame = published(message="é textDocument/publishDiagnostics", code="E0382")
    stage.wrapped_says(frame)
    assert stage.client == [frame.raw]
    (heard,) = stage.take("sleepy")
    assert heard["method"] == "sleepy/diagnostics"
    assert heard["params"] == json.loads(frame.body or b"")["params"]


def test_pulled_diagnostics_are_copied_to_sleepy() -> None:
    stage = running_stage()
    stage.client_says(spoken(id=3, method="textDocument/diagnostic", params={"textDocument": {"uri": URI}}))
    related = {"file:///b.rs": {"kind": "full", "items": []}, "file:///c.rs": {"kind": "unchanged", "resultId": "x"}}
    answer = spoken(id=3, result={"kind": "full", "items": [{"message": "m"}], "relatedDocuments": related})
    stage.wrapped_says(answer)
    assert stage.client == [answer.raw]
    assert [one["params"] for one in stage.take("sleepy")] == [
        {"uri": URI, "diagnostics": [{"message": "m"}]},
        {"uri": "file:///b.rs", "diagnostics": []},
    ]


# ---- what Sleepy's server asks and says ------------------------------------------------------------------


def test_requests_of_sleepys_server_get_ids_of_their_own() -> None:
    stage = running_stage()
    stage.wrapped_says(spoken(id=1, method="workspace/configuration", params={}))
    stage.sleepy_says(spoken(id=1, method="workspace/applyEdit", params={"edit": {}}))
    theirs, ours = stage.take("client")
    assert theirs["id"] == 1
    assert ours["id"] != 1
    assert (ours["method"], ours["params"]) == ("workspace/applyEdit", {"edit": {}})
    stage.client_says(spoken(id=ours["id"], result={"applied": True}))
    assert (stage.wrapped, stage.take("sleepy")) == ([], [{"jsonrpc": "2.0", "id": 1, "result": {"applied": True}}])
    stage.client_says(spoken(id=1, result=[]))
    assert [one["id"] for one in stage.take("wrapped")] == [1]
    assert stage.sleepy == []


def test_an_answer_for_a_sleepy_that_is_gone_is_dropped() -> None:
    stage = running_stage()
    stage.sleepy_says(spoken(id=1, method="workspace/diagnostic/refresh"))
    (request,) = stage.take("client")
    sleepy_ended(stage.session, "ended with exit code 1")
    begin_sleepy(stage)
    stage.forget()
    stage.client_says(spoken(id=request["id"], result=None))
    assert (stage.wrapped, stage.sleepy) == ([], [])


@pytest.mark.parametrize("method", ["sleepy/ready", "sleepy/status", "window/logMessage", "$/progress"])
def test_what_sleepys_server_says_passes(method: str) -> None:
    stage = running_stage()
    frame = spoken(method=method, params={"x": 1})
    stage.sleepy_says(frame)
    assert stage.client == [frame.raw]


@pytest.mark.parametrize("text", ["{broken", "[1]", '{"jsonrpc":"2.0","id":99,"result":1}', "null"])
def test_garbage_of_sleepys_server_reaches_nobody(text: str) -> None:
    stage = running_stage()
    stage.sleepy_says(text_frame(text))
    stage.sleepy_says(published(message="of ours"))
    assert (stage.client, stage.wrapped) == ([], [])


def test_cancelling_progress_reaches_whose_token_it_is() -> None:
    stage = running_stage()
    stage.sleepy_says(spoken(id=1, method="window/workDoneProgress/create", params={"token": "ours"}))
    stage.forget()
    for token in ("ours", "theirs"):
        stage.client_says(spoken(method="window/workDoneProgress/cancel", params={"token": token}))
    assert [one["params"]["token"] for one in stage.take("sleepy")] == ["ours"]
    assert [one["params"]["token"] for one in stage.take("wrapped")] == ["theirs"]
