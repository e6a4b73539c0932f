"""Code actions of two servers in one list: order, the preferred one, and how long one waits for the other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lsp.proxy.stage import SERVER, Stage, running_stage, spoken
from sleepy_lsp.proxy.joined_actions import MISSES_IN_A_ROW
from sleepy_lsp.proxy.merging import merged_actions
from sleepy_lsp.proxy.session import ProxySettings
from sleepy_lsp.proxy.sleepy_side import sleepy_ended
from sleepy_lsp.proxy.wrapped_side import wrapped_ended


def diagnostic(line: int, code: str = "E0382") -> dict[str, Any]:
    place = {"line": line, "character": 0}
    return {"range": {"start": place, "end": place}, "code": code, "message": "m"}


def action(title: str, *lines: int, preferred: bool | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"title": title}
    if lines:
        made["diagnostics"] = [diagnostic(line) for line in lines]
    if preferred is not None:
        made["isPreferred"] = preferred
    return made


@pytest.mark.parametrize(
    ("theirs", "ours", "order", "preferred"),
    [
        ([action("a")], [action("s")], ["a", "s"], []),
        ([], [action("s", preferred=True)], ["s"], ["s"]),
        ([action("a", 1)], [action("s", 1, preferred=True), action("t", 1)], ["s", "a", "t"], ["s"]),
        ([action("a", 1, preferred=False)], [action("s", 1, preferred=True)], ["s", "a"], ["s"]),
        ([action("a", 1, preferred=True)], [action("s", 1, preferred=True)], ["a", "s"], ["a"]),
        ([action("a", 1, preferred=True)], [action("s", 2, preferred=True)], ["a", "s"], ["a", "s"]),
        ([action("a", 1, 2, preferred=True)], [action("s", 2, preferred=True)], ["a", "s"], ["a"]),
        ([action("a", preferred=True)], [action("s", 2, preferred=True)], ["a", "s"], ["a"]),
        ([action("a", 1, preferred=True)], [action("s", preferred=True)], ["a", "s"], ["a"]),
        ([{"title": "a command", "command": "c"}, "odd"], [action("s")], ["a command", "odd", "s"], []),
    ],
)
def test_order_and_preference(theirs: list[Any], ours: list[Any], order: list[str], preferred: list[str]) -> None:
    before = json.dumps([theirs, ours])
    merged = merged_actions(theirs, ours)
    assert [one["title"] if isinstance(one, dict) else one for one in merged] == order
    assert [one["title"] for one in merged if isinstance(one, dict) and one.get("isPreferred")] == preferred
    assert json.dumps([theirs, ours]) == before, "what came in was changed"


def ask(stage: Stage, identifier: int = 7) -> None:
    stage.client_says(spoken(id=identifier, method="textDocument/codeAction", params={"context": {}}))
    assert [one["id"] for one in stage.take("wrapped")] == [identifier]
    assert [one["id"] for one in stage.take("sleepy")] == [identifier]


@pytest.mark.parametrize("ours_first", [True, False])
def test_both_answers_become_one(ours_first: bool) -> None:
    stage = running_stage()
    ask(stage)
    answers = [(stage.wrapped_says, "a"), (stage.sleepy_says, "s")]
    for says, title in reversed(answers) if ours_first else answers:
        assert stage.client == []
        says(spoken(id=7, result=[action(title)]))
    assert stage.take("client") == [{"jsonrpc": "2.0", "id": 7, "result": [action("a"), action("s")]}]
    assert stage.ring() == ([] if ours_first else [0.06])
    assert stage.client == [], "answered twice"


@pytest.mark.parametrize("ours", [[], None, {"unexpected": True}])
def test_without_anything_of_ours_the_bytes_stay(ours: Any) -> None:
    stage = running_stage()
    ask(stage)
    stage.sleepy_says(spoken(id=7, result=ours))
    theirs = spoken(result=[action("a")], id=7)
    stage.wrapped_says(theirs)
    assert stage.client == [theirs.raw]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"error": {"code": -32801, "message": "content modified"}}, ["s"]),
        ({"result": None}, ["s"]),
        ({"error": {"code": -32800, "message": "cancelled"}}, None),
        ({"result": "odd"}, None),
    ],
    ids=["their error", "their null", "cancelled", "what is no list"],
)
def test_an_answer_without_a_list(answer: dict[str, Any], expected: list[str] | None) -> None:
    stage = running_stage()
    ask(stage)
    stage.sleepy_says(spoken(id=7, result=[action("s")]))
    theirs = spoken(id=7, **answer)
    stage.wrapped_says(theirs)
    if expected is None:
        assert stage.client == [theirs.raw]
    else:
        (merged,) = stage.take("client")
        assert [one["title"] for one in merged["result"]] == expected


def test_a_cancelled_request_waits_for_nobody() -> None:
    stage = running_stage()
    ask(stage)
    theirs = spoken(id=7, error={"code": -32800, "message": "canceled by client"})
    stage.wrapped_says(theirs)
    assert (stage.client, stage.timers) == ([theirs.raw], [])


def test_ours_is_waited_for_only_so_long_and_a_late_answer_is_dropped() -> None:
    stage = running_stage()
    ask(stage)
    theirs = spoken(id=7, result=[action("a")])
    stage.wrapped_says(theirs)
    assert stage.client == []
    assert stage.ring() == [0.06]
    assert stage.client == [theirs.raw]
    stage.sleepy_says(spoken(id=7, result=[action("s")]))
    assert stage.client == [theirs.raw]


def test_nobody_waits_for_a_sleepy_that_never_answers_until_it_does() -> None:
    stage = running_stage()
    for identifier in range(MISSES_IN_A_ROW + 1):
        ask(stage, identifier)
        stage.wrapped_says(spoken(id=identifier, result=[]))
        waited = stage.ring()
        assert waited == ([0.06] if identifier < MISSES_IN_A_ROW else [])
        assert [one["id"] for one in stage.take("client")] == [identifier]
    stage.sleepy_says(spoken(id=0, result=[]))
    ask(stage, 20)
    stage.wrapped_says(spoken(id=20, result=[]))
    assert stage.ring() == [0.06]


def test_when_sleepy_dies_nobody_waits_for_it() -> None:
    stage = running_stage(ProxySettings())
    ask(stage, 7)
    ask(stage, 8)
    stage.wrapped_says(spoken(id=7, result=[action("a")]))
    sleepy_ended(stage.session, "was killed by signal 9")
    assert [one["id"] for one in stage.take("client")] == [7]
    stage.wrapped_says(spoken(id=8, result=[action("a")]))
    assert [one["id"] for one in stage.take("client")] == [8]


def test_when_the_wrapped_server_dies_ours_are_the_answer() -> None:
    stage = running_stage()
    ask(stage, 7)
    ask(stage, 8)
    stage.sleepy_says(spoken(id=7, result=[action("s")]))
    wrapped_ended(stage.session, "was killed by signal 9")
    stage.sleepy_says(spoken(id=8, result=[]))
    answered = {one["id"]: one for one in stage.take("client") if "id" in one}
    assert answered[7]["result"] == [action("s")]
    assert answered[8]["error"]["code"] == -32801


@pytest.mark.parametrize("why", ["never offered any", "is down"])
@pytest.mark.parametrize("with_sleepy", [True, False])
def test_a_wrapped_server_that_has_no_code_actions_is_not_asked_for_them(why: str, with_sleepy: bool) -> None:
    server = {"hoverProvider": True} if why == "never offered any" else SERVER
    stage = running_stage(server=server, with_sleepy=with_sleepy)
    if why == "is down":
        wrapped_ended(stage.session, "was killed by signal 9")
        stage.forget()
    stage.client_says(spoken(id=7, method="textDocument/codeAction", params={}))
    assert stage.wrapped == []
    if with_sleepy:
        stage.sleepy_says(spoken(id=7, result=[action("s")]))
    assert [one["result"] for one in stage.take("client")] == [[action("s")] if with_sleepy else []]
