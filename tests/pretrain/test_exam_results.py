"""What an evaluation says: shares, times, comparisons, and the files they stand in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pretrain.exam_items import NOT_MUTABLE, UNKNOWN_NAME
from sleepy_agent.errors import BadUsage
from trainer.pretrain.exams.comparing import compare, mcnemar
from trainer.pretrain.exams.items import BadItems, BreakingEdit, Item, item_id, read_items, write_items
from trainer.pretrain.exams.report import Setting, comparison_text, read_solved, table_of, written
from trainer.pretrain.exams.results import ItemResult, percentile, scores_of

RESULT = ItemResult(
    id="0",
    kind="template",
    source="template:doubled",
    mutation="typo.local",
    family="missing_items",
    code="E0425",
    is_suggested=True,
    lines_changed=1,
    house_rule="",
    is_reproduced=True,
    greedy=True,
    verified=True,
    behaves=True,
    is_original=True,
    rounds=1,
    attempts=1,
    sources=("model",),
    milliseconds=100.0,
    model_milliseconds=10.0,
    all_milliseconds=300.0,
    tokens_in=100,
    tokens_out=10,
    left="",
)
LEFT = replace(
    RESULT, id="1", kind="crate", is_suggested=False, lines_changed=2, greedy=False, verified=False, behaves=None,
    is_original=False, sources=(), milliseconds=None, model_milliseconds=None, code="",
)  # fmt: skip
OTHERS = replace(RESULT, id="2", greedy=False, behaves=False, sources=("template",), milliseconds=900.0)
SETTING = Setting("engine", "report.jsonl", "0" * 64, "seed.gguf", "1" * 64, ("model",), 8, 3, 60.0, (), 0)

MODEL_COLUMNS = ["of", "which", "model", "rounds"]


def test_scores_say_shares_of_every_group() -> None:
    scores = {one.name: one for one in scores_of([RESULT, LEFT, OTHERS])}
    everything = scores["all"]
    assert (everything.verified.count, everything.verified.total) == (2, 3)
    assert (everything.greedy.count, everything.behaves.count, everything.behaves.total) == (1, 1, 2)
    assert scores["rustc: offers nothing"].verified.count == 0
    assert scores["answer: several lines"].verified.total == scores["kind: crate"].verified.total == 1
    # Codes with few items have no line; what others mended says nothing of the model's time.
    assert not any(name.startswith("code:") for name in scores)
    assert (everything.median_milliseconds, everything.median_model_milliseconds) == (100.0, 10.0)
    many = scores_of([replace(RESULT, id=str(number)) for number in range(5)])
    assert [one.name for one in many][-1] == "code: E0425"


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 50, None), ([3.0], 95, 3.0), ([4.0, 2.0], 50, 3.0), ([0.0, 10.0, 20.0], 95, 19.0)],
)
def test_percentiles(values: list[float], percent: float, expected: float | None) -> None:
    assert percentile(values, percent) == expected


@pytest.mark.parametrize(
    ("gained", "lost", "chance"),
    [(0, 0, 1.0), (5, 5, 1.0), (1, 0, 1.0), (5, 0, 2 / 32), (8, 2, 2 * (1 + 10 + 45) / 1024), (400, 300, 0.000183)],
)
def test_the_exact_test_of_mcnemar(gained: int, lost: int, chance: float) -> None:
    # The last one is the normal approximation with Yates's correction, z = 99 / sqrt(700).
    assert mcnemar(gained, lost) == mcnemar(lost, gained) == pytest.approx(chance, rel=0.03)


def test_comparisons_are_item_by_item() -> None:
    without = {"a": True, "b": False, "c": False, "d": True}
    found = compare({"a": True, "b": True, "c": False, "d": False}, without)
    assert (found.count, found.gained, found.lost, found.points, found.chance) == (4, 1, 1, 0.0, 1.0)
    assert (found.of_unsolved.count, found.of_unsolved.total) == (1, 2)
    assert "+0.0 points: 1 gained, 1 lost" in comparison_text(found)
    with pytest.raises(BadUsage, match="2 are in one of them only"):
        compare({"a": True, "x": True}, {"a": True, "b": True})


def test_a_result_file_can_be_compared(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_text(written(SETTING, ["evaluate"], [RESULT, LEFT]), encoding="utf-8")
    assert read_solved(file) == {"0": True, "1": False}
    said = json.loads(file.read_text(encoding="utf-8"))
    assert said["command"] == ["evaluate"] and said["model_sha256"] == "1" * 64
    assert said["scores"][0]["verified"]["count"] == 1
    with pytest.raises(BadUsage, match="no result"):
        read_solved(tmp_path / "none.json")


def test_the_table_shows_what_there_is() -> None:
    table = table_of(SETTING, [RESULT, LEFT]).splitlines()
    assert table[0] == "model (engine; seed.gguf, 8 samples, 3 rounds). Intervals: Wilson, 95 %."
    assert table[1].split() == ["greedy", "verified", "behaves", "original", "p50/p95", "ms", *MODEL_COLUMNS]
    assert "1/2 50% (9%-91%)" in table[2] and "100/100" in table[2]
    without = table_of(replace(SETTING, model="", sources=("compiler",)), [replace(OTHERS, is_reproduced=False)])
    assert "greedy" not in without
    assert without.endswith("1 items gave another error here than when they were made; they count as not mended.")


def test_items_come_back_as_they_were_written(tmp_path: Path) -> None:
    of_a_crate = Item(
        id=item_id("crate:shelf-0.1.0/src/lib.rs::put", "form.x", "1"), kind="crate", source="crate:shelf-0.1.0/x",
        mutation="form.x", family="syntax", code="", side="gate", is_suggested=False, lines_changed=1,
        crate="shelf-0.1.0", file="src/lib.rs", edits=(BreakingEdit(3, 5, "ä"),),
    )  # fmt: skip
    of_the_house = replace(NOT_MUTABLE, dependencies=(("house", '{ path = "house" }'),), house_rule="cents")
    items = (NOT_MUTABLE, UNKNOWN_NAME, of_a_crate, of_the_house)
    write_items(tmp_path / "items.jsonl", items)
    assert read_items(tmp_path / "items.jsonl") == items


@pytest.mark.parametrize("text", ["[1]", "{", '{"id": "1"}', '{"id": "1", "colour": "red"}'])
def test_what_is_no_item(tmp_path: Path, text: str) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(f"{text}\n", encoding="utf-8")
    with pytest.raises(BadItems, match="Line 1"):
        read_items(file)
    with pytest.raises(BadItems, match="cannot be read"):
        read_items(tmp_path / "none")
