"""Records over a pipe, and what later messages do to earlier ones."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from sleepy_agent.live.channel import packed, receive, send
from sleepy_agent.live.inbox import Inbox
from sleepy_agent.live.messages import ChangeTexts, CheckText, SearchFixes, StopWork, ToWorker, Trigger
from sleepy_agent.process import CancelToken

FIRST, SECOND = Path("/w/src/first.rs"), Path("/w/src/second.rs")


def change(generation: int, path: Path = FIRST, text: bytes | None = b"", *disk: Path) -> ChangeTexts:
    return ChangeTexts(generation, {path: text}, frozenset(disk))


def search(generation: int) -> SearchFixes:
    return SearchFixes(generation, Trigger.OWN_REPLAY)


def test_a_record_comes_back_as_it_was_sent() -> None:
    stream = io.BytesIO()
    records = [change(1, FIRST, b"fn main() {}\n"), CheckText(1), StopWork()]
    for record in records:
        send(stream, record)
    stream.seek(0)
    assert [receive(stream) for _ in records] == records
    assert receive(stream) is None


@pytest.mark.parametrize("kept", [1, 3, 4, 10])
def test_a_stream_that_breaks_off_is_at_its_end(kept: int) -> None:
    assert receive(io.BytesIO(packed(CheckText(7))[:kept])) is None


@pytest.mark.parametrize(
    ("messages", "left"),
    [
        ([change(1), CheckText(1), search(1)], [change(1), CheckText(1), search(1)]),
        ([change(1), CheckText(1), change(2, SECOND), CheckText(2)], None),
        ([change(1, FIRST, b"a"), change(2, FIRST, b"b")], [change(2, FIRST, b"b")]),
        ([change(1, FIRST, b"a"), change(2, FIRST, None)], [change(2, FIRST, None)]),
        ([change(1, FIRST, b"", FIRST), change(2, FIRST, b"", SECOND)], [change(2, FIRST, b"", FIRST, SECOND)]),
        ([change(1), CheckText(1), StopWork()], [change(1)]),
        ([CheckText(1), StopWork(), search(1)], [search(1)]),
    ],
)
def test_another_text_drops_what_was_asked_of_the_one_before(
    messages: list[ToWorker], left: list[ToWorker] | None
) -> None:
    inbox = Inbox(CancelToken())
    for message in messages:
        inbox.put(message)
    taken = []
    while inbox.has_something:
        one = inbox.take()
        assert one is not None
        taken.append(one[0])
    assert taken == (left or [ChangeTexts(2, {FIRST: b"", SECOND: b""}), CheckText(2)])


@pytest.mark.parametrize(("message", "ends"), [(change(2), True), (StopWork(), True), (search(1), False)])
def test_only_another_text_and_a_stop_end_the_work(message: ToWorker, ends: bool) -> None:
    inbox = Inbox(CancelToken())
    inbox.put(CheckText(1))
    taken = inbox.take()
    assert taken is not None
    inbox.put(message)
    assert taken[1].cancelled == ends


def test_work_that_nobody_asked_for_gives_way() -> None:
    inbox = Inbox(CancelToken())
    token = inbox.idle_token()
    assert token is not None
    inbox.put(change(1))
    assert token.cancelled
    assert inbox.idle_token() is None


def test_the_end_of_the_requests_ends_everything() -> None:
    lifetime = CancelToken()
    inbox = Inbox(lifetime)
    inbox.put(CheckText(1))
    inbox.close()
    assert inbox.take() is None and lifetime.cancelled
