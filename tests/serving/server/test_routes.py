"""The server's API: OpenAI's shapes, streaming, wrong requests, and who is heard."""

from __future__ import annotations

import base64
import struct
from typing import Any

import httpx
import pytest

from serving.running_server import RunningServer
from sleepy_agent.serving.chat import PromptPart

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
