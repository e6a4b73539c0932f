"""Data is made in parts: the same ones every time, and those that are there are not made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sleepy_agent.errors import Interrupted
from sleepy_agent.process import CancelToken
from trainer.pretrain.data import make_data
from trainer.pretrain.parts import Plan, make_part, part_file, read_part, recipe_hash, write_part
from trainer.pretrain.records import Lesson
from trainer.pretrain.registry import generators, mutators

PLAN = Plan("test", count=24, size=12, crates=0)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the first parts lie, as an earlier run left them."""
    folder = tmp_path_factory.mktemp("data") / "lessons.jsonl.parts" / recipe_hash(PLAN)
    folder.mkdir(parents=True)
    for number in range(2):
        made = make_part(PLAN, number, folder.parent / "work", CancelToken())
        write_part(part_file(folder, number), made)
        assert read_part(part_file(folder, number)) == made
    return folder


def test_there_are_makers_and_breakers() -> None:
    assert generators() and mutators()


def test_a_part_is_the_same_every_time(parts: Path, tmp_path: Path) -> None:
    assert make_part(PLAN, 0, tmp_path / "work", CancelToken()) == read_part(part_file(parts, 0))


def test_lessons_are_verified_questions_with_answers(parts: Path) -> None:
    part = read_part(part_file(parts, 0))
    assert len(part.told) > 5
    assert part.counts["mistakes verified"] >= part.counts["lessons"] > 0
    for told in part.told:
        assert told.lesson.prompt.endswith("<edit>\n") and told.lesson.answer.startswith("L")
        assert told.lesson.family not in {"async_runtime", "serde", "patterns"}


def test_parts_that_are_there_are_mixed(parts: Path) -> None:
    said: list[str] = []
    out = parts.parents[1] / "lessons.jsonl"
    made = make_data(Plan("test", count=6, size=12, crates=0), out, 1, CancelToken(), said.append)
    lines = out.read_text(encoding="utf-8").splitlines()
    lessons = [Lesson(**json.loads(line)) for line in lines]
    assert lessons == made.mixture.taken and len(lessons) <= 6
    assert len({lesson.prompt for lesson in lessons}) == len(lessons) > 0
    assert len(said) == made.parts


def test_it_ends_after_so_many_parts(parts: Path) -> None:
    out = parts.parents[1] / "lessons.jsonl"
    made = make_data(PLAN, out, 1, CancelToken(), lambda _: None, most_parts=1)
    assert made.parts == 1
    assert 0 < len(made.mixture.taken) < PLAN.count


def test_it_can_be_stopped(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Interrupted):
        make_data(PLAN, tmp_path / "lessons.jsonl", 1, cancel, lambda _: None)
    assert not (tmp_path / "lessons.jsonl").exists()


def test_groups_of_crates_stand_between_the_first_rounds() -> None:
    plan = Plan("test", count=24, size=12, crates=10)
    assert [plan.group_of(number) for number in range(5)] == [None, 0, None, 1, None]
    assert {plan.group_of(number) for number in range(100)} == {None, *range(8)}
    assert all(PLAN.group_of(number) is None for number in range(100))
