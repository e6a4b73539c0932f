"""Exam items are of origins that nobody learns from, like no koan, and what their records say."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from sleepy_agent.errors import Interrupted
from sleepy_agent.koans.alike import fingerprints
from sleepy_agent.process import CancelToken
from trainer.pretrain.crates.listed import ListedCrate, listed_crates
from trainer.pretrain.exams import making, rooms
from trainer.pretrain.exams.crate_mistakes import crate_mistakes
from trainer.pretrain.exams.exam_command import summary_of
from trainer.pretrain.exams.items import SIDES, Item
from trainer.pretrain.exams.making import Exam, ExamPlan, crate_item, make_items, side_crates
from trainer.pretrain.exams.rooms import crate_manifest, rooms_for, texts_of
from trainer.pretrain.leaks import is_a_koan
from trainer.pretrain.lessons import HELD_BACK
from trainer.pretrain.mutations.forms import MUTATORS
from trainer.pretrain.split import origin_of, split_of

PLAN = ExamPlan("test", "report", 10, with_crates=False)
SHELF = ListedCrate("shelf", "0.1.0", ("std", "default"), "0" * 64)
SHELF_TEXT = """//! A shelf of jars.
use std::collections::BTreeMap;

/// Jars by their place.
#[derive(Debug, Default)]
pub struct Shelf {
    jars: BTreeMap<usize, usize>,
}

impl Shelf {
    pub fn put(&mut self, place: usize, jar: usize) -> Option<usize> {
        self.jars.insert(place, jar)
    }

    pub fn weight(&self) -> usize {
        let all = self.jars.values();
        all.map(|jar| jar + 1).sum()
    }
}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Item, ...]:
    """A small exam."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "LEAST_PROGRAMS", 12)
        folder = tmp_path_factory.mktemp("exam") / "work"
        return make_items(PLAN, folder, CancelToken(), lambda _: None, Counter())


@pytest.fixture
def crates(tmp_path: Path) -> Path:
    """A folder of crates as fetching leaves it, with one that is our own."""
    folder = tmp_path / "crates" / SHELF.label
    (folder / "src").mkdir(parents=True)
    manifest = '[package]\nname = "shelf"\nversion = "0.1.0"\nedition = "2018"\n[dependencies]\nnobody = "9"\n'
    (folder / "Cargo.toml").write_text(manifest, encoding="utf-8")
    (folder / "src" / "lib.rs").write_text(SHELF_TEXT, encoding="utf-8")
    return folder.parent


def test_nobody_learns_from_an_origin_of_an_exam(made: tuple[Item, ...]) -> None:
    assert len(made) == PLAN.count
    for item in made:
        assert item.side == split_of(item.source) == "report"
        assert item.family and item.family not in HELD_BACK
        assert item.kind == "template" and item.broken != item.right
    for side in SIDES:
        assert side != "train"
        assert {split_of(f"crate:{crate.label}/src/lib.rs") for crate in side_crates(side)} == {side}
    trained = {crate for crate in listed_crates() if split_of(f"crate:{crate.label}/") == "train"}
    assert not trained & {crate for side in SIDES for crate in side_crates(side)}


def test_no_item_is_like_a_koan(made: tuple[Item, ...]) -> None:
    assert all(fingerprints(item.right) for item in made)
    assert not any(is_a_koan(item.right) or is_a_koan(item.broken) for item in made)


def test_what_is_like_a_koan_becomes_no_item(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(making, "is_a_koan", lambda _text: True)
    monkeypatch.setattr(making, "LEAST_PROGRAMS", 12)
    assert make_items(PLAN, tmp_path / "work", CancelToken(), lambda _: None, Counter()) == ()


def test_exams_stand_in_an_order_that_says_nothing(made: tuple[Item, ...]) -> None:
    assert [item.id for item in made] == sorted({item.id for item in made})
    summary = summary_of(made)
    assert summary["items"] == len(made) and summary["kind"] == {"template": len(made)}
    assert summary["origins"] == len({origin_of(item.source) for item in made})
    assert json.dumps(summary)


def test_making_can_be_stopped(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Interrupted):
        make_items(PLAN, tmp_path / "work", cancel, lambda _: None, Counter())


def test_mistakes_of_a_crate_stand_in_its_file(crates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "listed_crates", lambda: (SHELF,))
    counts = Counter[str]()
    exam = Exam(ExamPlan("test", "report", 20), counts)
    for one in crate_mistakes([SHELF], "test", CancelToken(), mutators=MUTATORS[:6], folder=crates):
        exam.offer(one.pair, partial(crate_item, PLAN, one, CancelToken()))
    items = tuple(exam.items.values())
    assert items
    assert {(item.kind, item.crate, item.file) for item in items} == {("crate", SHELF.label, "src/lib.rs")}
    (room,) = rooms_for(items, tmp_path / "rooms", CancelToken(), crates)
    for item in items:
        broken, right = texts_of(room, item)
        assert right.decode() == SHELF_TEXT and broken != right


def test_a_crate_is_compiled_as_it_was_broken() -> None:
    manifest = crate_manifest(SHELF, {"package": {"version": "0.1.0", "edition": "2018"}, "lib": {"path": "lib.rs"}})
    assert 'edition = "2021"' in manifest and 'path = "lib.rs"' in manifest
    assert 'default = ["std"]\n"std" = []\n' in manifest
    assert "dependencies" not in manifest
