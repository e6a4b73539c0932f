"""A model in an open workspace: heard last, so that no editor waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cargo.projects import SETTINGS, places_in, single_package
from serving.fake_endpoint import FakeEndpoint, Reply, answering, completions

from sleepy_agent.code.edits import apply_edits
from sleepy_agent.errors import Interrupted
from sleepy_agent.live.messages import ChangeTexts, FixesFound, OpenWorkspace, SearchFixes, Trigger
from sleepy_agent.live.workspace import LiveWorkspace
from sleepy_agent.process import CancelToken

BROKEN = """\
pub fn price_of(apples: u32) -> u32 {
    apples * cents_of_an_apple_today()
}
"""
# Of the same phase, so that both are seen at once.
ALSO = "pub fn share() -> u32 {\n    let items = vec![1u32];\n    itens.len() as u32\n}\n"
ANSWER = """\
<<<<<<< SEARCH
    apples * cents_of_an_apple_today()
=======
    apples * 7
>>>>>>> REPLACE"""


# rustc and the templates only know answers that may panic, or invent a value.
FLAGGED = """\
pub fn first(words: &[String]) -> usize {
    let word: &String = words.first();
    word.len()
}
"""
SEARCHED = """\
<<<<<<< SEARCH
    let word: &String = words.first();
=======
    let Some(word) = words.first() else { return 0 };
>>>>>>> REPLACE"""


class Endpoint:
    """Answers when it is let."""

    answer = ANSWER

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.was_asked = threading.Event()

    def __call__(self, path: str, body: Any) -> Reply:
        if path.endswith("/models"):
            return 200, {"data": []}
        self.was_asked.set()
        self.may_answer.wait(30)
        return completions(*[self.answer] * body["n"])


@pytest.fixture
def endpoint() -> Iterator[tuple[Endpoint, FakeEndpoint]]:
    replies = Endpoint()
    with answering(replies) as served:
        yield replies, served
        replies.may_answer.set()


@pytest.fixture
def live(tmp_path: Path, endpoint: tuple[Endpoint, FakeEndpoint]) -> Iterator[LiveWorkspace]:
    root = single_package(tmp_path / "one", f"{ALSO}\n{BROKEN}")
    settings = replace(SETTINGS, model_endpoint=endpoint[1].base_url, model_seconds=60.0, search_seconds=60.0)
    workspace = LiveWorkspace(OpenWorkspace(root, places_in(tmp_path), settings), CancelToken(), lambda _text: None)
    yield workspace
    workspace.close()


REQUEST = SearchFixes(1, Trigger.OWN_REPLAY, (), frozenset(), frozenset())


def test_what_is_quick_is_offered_before_the_model_has_answered(
    live: LiveWorkspace, endpoint: tuple[Endpoint, FakeEndpoint]
) -> None:
    replies, _ = endpoint
    live.change(ChangeTexts(1, {}, frozenset()))
    assert [one.problem.code for one in live.check(1, CancelToken()).problems] == ["E0425", "E0425"]
    told: list[tuple[FixesFound, bool]] = []

    def emit(found: FixesFound) -> None:
        told.append((found, replies.may_answer.is_set()))
        if any(not offer.is_provisional for offer in found.offers):
            # Only now the model may speak: had anything waited for it, this would never have been reached.
            replies.may_answer.set()

    ended = live.search(REQUEST, CancelToken(), emit)
    offers = [(offer, after) for found, after in told for offer in found.offers if not offer.is_provisional]
    sources = [(offer.fix.candidate.source, after) for offer, after in offers]
    assert sources[0][1] is False and "model" not in sources[0][0]
    assert sources[-1] == ("model", True)
    assert ended.unsolved == {}
    texts = apply_edits(offers[-1][0].fix.candidate.edits, live.session.read)
    assert isinstance(texts, dict) and b"apples * 7" in next(iter(texts.values()))


def test_an_edit_stops_the_waiting(live: LiveWorkspace, endpoint: tuple[Endpoint, FakeEndpoint]) -> None:
    replies, _ = endpoint
    live.change(ChangeTexts(1, {}, frozenset()))
    live.check(1, CancelToken())
    cancel = CancelToken()

    def type_a_letter() -> None:
        replies.was_asked.wait(30)
        cancel.cancel()

    typist = threading.Thread(target=type_a_letter)
    typist.start()
    with pytest.raises(Interrupted):
        live.search(REQUEST, cancel, lambda _found: None)
    typist.join()
    assert not replies.may_answer.is_set(), "it waited for the model"


def test_what_is_flagged_stays_beside_what_a_model_finds(
    tmp_path: Path, endpoint: tuple[Endpoint, FakeEndpoint]
) -> None:
    replies, served = endpoint
    replies.may_answer.set()
    replies.answer = SEARCHED
    root = single_package(tmp_path / "flagged", FLAGGED)
    settings = replace(SETTINGS, model_endpoint=served.base_url, model_seconds=60.0, search_seconds=60.0)
    workspace = LiveWorkspace(OpenWorkspace(root, places_in(tmp_path), settings), CancelToken(), lambda _text: None)
    told: list[FixesFound] = []
    try:
        workspace.change(ChangeTexts(1, {}, frozenset()))
        workspace.search(REQUEST, CancelToken(), told.append)
    finally:
        workspace.close()
    finals = [[offer.fix for offer in one.offers] for one in told if one.offers and not one.offers[0].is_provisional]
    # The first of them was not waited for; the model's better answer comes in front of it, or behind.
    assert not any(fix.preferred for fix in finals[0])
    assert {fix.candidate.source for fix in finals[-1]} >= {"model", finals[0][0].candidate.source}
