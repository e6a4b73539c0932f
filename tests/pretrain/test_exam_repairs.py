"""Exam items are mended by the product's search and, in the quick way, by the model's answers alone: both agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pretrain.exam_items import ITEMS, NOT_MUTABLE, NOTHING_WRONG, RIGHT, UNKNOWN_NAME, by_heart, item
from sleepy_agent.config import Settings, find_places
from sleepy_agent.domain import Candidate, Edit, Problem
from sleepy_agent.errors import ModelError
from sleepy_agent.fixes.sources import Source, SourceContext
from sleepy_agent.fixes.sources.model import ModelSource
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import ModelUnavailable
from sleepy_agent.serving.scripted import ScriptedAnswer, ScriptedModel
from trainer.pretrain.exams.items import Item
from trainer.pretrain.exams.quick import quick_with
from trainer.pretrain.exams.repairing import NOBODY_SAID, Mended, repaired_with
from trainer.pretrain.exams.rooms import rooms_for


@dataclass(frozen=True)
class Meddler:
    """A source that would rather change the manifest."""

    name: str = "template"

    def candidates(self, problem: Problem, context: SourceContext) -> Iterator[Candidate]:
        assert problem.span is not None
        manifest = context.workspace.root / "Cargo.toml"
        yield Candidate(self.name, "write in the manifest", (Edit(manifest, 0, 0, "# here\n"),))


def repaired(folder: Path, items: tuple[Item, ...], source: Source) -> list[Mended]:
    """The items after their repair by the product's search."""
    stages: list[str] = []
    found = list(
        repaired_with(items, [source], 60.0, folder, find_places(), Settings(slots=2), CancelToken(), stages.append)
    )
    assert stages == ["opening programs"]
    return found


@pytest.fixture(scope="module")
def by_search(tmp_path_factory: pytest.TempPathFactory) -> list[Mended]:
    """The items after their repair by the search."""
    return repaired(tmp_path_factory.mktemp("search"), ITEMS, by_heart())


@pytest.fixture(scope="module")
def by_batches(tmp_path_factory: pytest.TempPathFactory) -> list[Mended]:
    """The items after the model was asked about all of them together."""
    folder = tmp_path_factory.mktemp("batches")
    return list(quick_with(ITEMS, by_heart(), folder, CancelToken(), lambda _: None))


def test_the_search_tells_what_it_did(by_search: list[Mended]) -> None:
    mutable, name, nothing = by_search
    assert mutable.text == name.text == RIGHT
    assert mutable.result.verified and mutable.result.greedy and mutable.result.is_original
    assert (mutable.result.rounds, mutable.result.sources) == (1, ("model",))
    assert name.result.verified and not name.result.greedy and name.result.rounds == 2
    assert name.result.tokens_in >= 200 and name.result.attempts == 2
    for one in (mutable.result, name.result):
        assert one.milliseconds is not None and one.model_milliseconds is not None
        assert 0 <= one.model_milliseconds <= one.milliseconds <= one.all_milliseconds
    assert (nothing.result.verified, nothing.result.is_reproduced) == (False, False)
    assert nothing.result.left == NOBODY_SAID


def test_what_was_asked_and_answered_is_kept(by_search: list[Mended]) -> None:
    (first, *_), name = by_search[0].asked, by_search[1]
    assert first.prompt.startswith("<code>\nL1|pub fn f1(") and first.answers == ("L2 v1 <=> mut v1",)
    assert [answer for answer, _ in name.tried] == ["L6 fount <=> value", "L6 fount <=> found"]
    assert "still there" in name.tried[0][1]


def test_both_ways_agree(by_search: list[Mended], by_batches: list[Mended]) -> None:
    def said(one: Mended) -> tuple[object, ...]:
        result = one.result
        facts = (result.is_reproduced, result.greedy, result.verified, result.is_original, result.rounds)
        prompts = list(dict.fromkeys(asking.prompt for asking in one.asked))
        return (one.item.id, one.text, result.sources, *facts, prompts)

    assert list(map(said, by_batches)) == list(map(said, by_search))


def test_only_rust_is_changed(tmp_path: Path) -> None:
    (one,) = repaired(tmp_path, (NOT_MUTABLE,), Meddler())
    assert not one.result.verified
    assert one.text == NOT_MUTABLE.broken
    assert one.tried == (("write in the manifest", "Refused: it changes a file that is no Rust."),)


@pytest.mark.parametrize("is_quick", [False, True])
def test_a_model_that_is_gone_ends_it(tmp_path: Path, is_quick: bool) -> None:
    script = [ScriptedAnswer(unavailable=ModelUnavailable("It sleeps.", "Wake it."), is_repeated=True)]
    model = ModelSource("model", ScriptedModel(script, "seed"), samples=1, rounds=1)
    with pytest.raises(ModelError, match="It sleeps"):
        if is_quick:
            list(quick_with((UNKNOWN_NAME,), model, tmp_path, CancelToken(), lambda _: None))
        else:
            repaired(tmp_path, (UNKNOWN_NAME,), model)


def test_programs_with_other_dependencies_have_another_room(tmp_path: Path) -> None:
    needs_more = replace(
        item("form.other", "* 2", '* "2"', "E0277"), dependencies=(("other", '{ path = "other" }'),)
    )  # fmt: skip
    rooms = list(rooms_for((NOT_MUTABLE, needs_more, NOTHING_WRONG), tmp_path, CancelToken()))
    assert [room.items for room in rooms] == [(NOT_MUTABLE, NOTHING_WRONG), (needs_more,)]
    assert 'other = { path = "other" }' in (rooms[1].root / "Cargo.toml").read_text(encoding="utf-8")
    assert rooms[0].file(NOT_MUTABLE).read_text(encoding="utf-8") == ""
