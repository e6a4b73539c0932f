"""Requests are read strictly whatever stands in them, and templates are cut without losing a letter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sleepy_agent.serving.chat import PromptPart
from sleepy_agent.serving.server.wire import (
    BadRequest,
    WireMessage,
    cut_into_parts,
    parse_body,
    parse_completion,
    parse_embeddings,
)

FIELDS = [
    "model",
    "messages",
    "prompt",
    "n",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "seed",
    "stream",
    "stream_options",
    "extra",
    "tools",
    "logprobs",
    "input",
    "encoding_format",
    "role",
    "content",
    "type",
    "text",
    "importance",
    "grammar",
    "expected",
    "parts",
    "deadline_seconds",
    "fallback",
    "include_usage",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["user", "text"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6))
def test_any_body_is_a_request_or_a_bad_one(body: dict[str, Any]) -> None:
    body = dict(parse_body(json.dumps(body).encode()))
    for parse in (
        lambda: parse_completion(body, chat=True),
        lambda: parse_completion(body, chat=False),
        lambda: parse_embeddings(body),
    ):
        try:
            parse()
        except BadRequest as error:
            assert error.remedy and 400 <= error.status < 500


@given(st.binary(max_size=40))
def test_any_bytes_are_an_object_or_a_bad_request(raw: bytes) -> None:
    try:
        assert isinstance(parse_body(raw), dict)
    except BadRequest as error:
        assert error.remedy


PARTS = st.lists(
    st.builds(PromptPart, st.text(alphabet="ab<>\n ", max_size=6), st.none() | st.floats(0, 1)), min_size=1, max_size=4
)
MESSAGES = st.lists(
    st.builds(WireMessage, st.sampled_from(["user", "system"]), PARTS.map(tuple)), min_size=1, max_size=4
)


@pytest.mark.parametrize("trims", [False, True])
@given(messages=MESSAGES)
def test_a_template_is_cut_without_losing_or_moving_a_letter(trims: bool, messages: list[WireMessage]) -> None:
    contents = [message.content.strip() if trims else message.content for message in messages]
    rendered = "".join(f"<|{one.role}|>{content}<|end|>" for one, content in zip(messages, contents, strict=True))
    parts = cut_into_parts(rendered, messages)
    assert "".join(part.text for part in parts) == rendered
    optional = "".join(part.text for message in messages for part in message.parts if part.importance is not None)
    dropped = "".join(part.text for part in parts if part.importance is not None)
    assert len(dropped) <= len(optional), "only what may be left out is left out"
    assert all(part.text for part in parts)


def test_a_message_that_the_template_changed_is_never_left_out() -> None:
    message = WireMessage("user", (PromptPart("one", 1.0), PromptPart("two", 2.0)))
    assert cut_into_parts("<ONETWO>", [message]) == (PromptPart("<ONETWO>"),)


@pytest.mark.parametrize(
    ("model", "adapter"),
    [("sleepy/base", None), ("sleepy/syntax", "syntax"), ("qwen", None), ("org/qwen", None), ("sleepy/", "")],
)
def test_names_of_models(model: str, adapter: str | None) -> None:
    assert parse_completion({"prompt": "x", "model": model}, chat=False).adapter == adapter
