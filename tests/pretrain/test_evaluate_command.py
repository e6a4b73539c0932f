"""`python -m trainer.pretrain evaluate` as it is typed: measured, gone on with, compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pretrain.exam_items import ITEMS, NOT_MUTABLE, RIGHT, UNKNOWN_NAME
from pretrain.test_exam_results import LEFT, RESULT
from sleepy_agent.koans.run import RunOptions
from trainer.pretrain.__main__ import main
from trainer.pretrain.exams import evaluate_command
from trainer.pretrain.exams.items import Item, write_items
from trainer.pretrain.exams.repairing import Asking, Mended

BAD = "pub fn doubled(values: &[u32]) -> Vec<u32> {\n    values.to_vec()\n}\n"


class Measurer:
    """Stands for the search: it mends a mutable binding well, an unknown name badly, and nothing else."""

    def __init__(self) -> None:
        self.measured: list[str] = []
        self.options: list[RunOptions] = []
        self.most = 99

    def __call__(self, items: Sequence[Item], options: RunOptions, *_: object) -> Iterator[Mended]:
        self.options.append(options)
        for item in items:
            if len(self.measured) == self.most:
                raise KeyboardInterrupt
            self.measured.append(item.id)
            result = LEFT if item.code == "E0308" else RESULT
            text = {NOT_MUTABLE.id: RIGHT, UNKNOWN_NAME.id: BAD}.get(item.id, item.broken)
            same = replace(result, id=item.id, family=item.family, behaves=None)
            yield Mended(item, same, text, (Asking(0.0, 1.0, "<code>", ("L1 a <=> b",)),), (("L1 a <=> b", "no"),))


@pytest.fixture
def measurer(monkeypatch: pytest.MonkeyPatch) -> Measurer:
    """What measures instead of the search."""
    stand_in = Measurer()
    monkeypatch.setattr(evaluate_command, "repaired_items", stand_in)
    return stand_in


@pytest.fixture
def typed(tmp_path: Path) -> Callable[..., int]:
    """Runs the command on a file of three items."""
    write_items(tmp_path / "items.jsonl", ITEMS)
    (tmp_path / "toy.gguf").write_bytes(b"GGUF")

    def run(*words: str) -> int:
        model = () if "--sources" in words else ("--model", str(tmp_path / "toy.gguf"))
        files = ("--items", str(tmp_path / "items.jsonl"), "--out", str(tmp_path / "result.json"))
        return main(["evaluate", *files, *model, *words])

    return run


def test_items_are_measured_and_their_tests_run(
    tmp_path: Path, measurer: Measurer, typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed("--details", str(tmp_path / "details.jsonl")) == 0
    said = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert [(one["verified"], one["behaves"]) for one in said["items_measured"]] == [
        (True, True), (True, False), (False, None),
    ]  # fmt: skip
    assert (said["sources"], said["samples"], said["rounds"], said["model"]) == (["model"], 8, 3, "toy.gguf")
    # Whatever it is called, it is asked as a seed model is.
    assert [Path(str(one.model)).name for one in measurer.options] == ["seed.gguf"]
    output = capsys.readouterr()
    assert "2/3 67%" in output.out and "1/2 50%" in output.out
    assert "3 of 3 items: 2 verified" in output.err
    details = [json.loads(line) for line in (tmp_path / "details.jsonl").read_text(encoding="utf-8").splitlines()]
    assert details[0]["asked"][0]["answers"] == ["L1 a <=> b"] and details[0]["item"]["code"] == "E0596"


def test_what_was_stopped_is_gone_on_with(tmp_path: Path, measurer: Measurer, typed: Callable[..., int]) -> None:
    measurer.most = 2
    with pytest.raises(KeyboardInterrupt):
        typed()
    assert not (tmp_path / "result.json").exists()
    kept = tmp_path / "result.measured.jsonl"
    with kept.open("a", encoding="utf-8") as lines:
        lines.write('{"result": {"id": "half a li')
    # Stopped once more at once: nothing of what is kept is lost.
    with pytest.raises(KeyboardInterrupt):
        typed()
    measurer.most = 99
    assert typed() == 0
    assert measurer.measured == [item.id for item in ITEMS]
    assert len(json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["items_measured"]) == 3
    assert not kept.exists()


def test_another_setting_begins_anew(measurer: Measurer, typed: Callable[..., int]) -> None:
    measurer.most = 1
    with pytest.raises(KeyboardInterrupt):
        typed()
    measurer.most = 99
    assert typed("--samples", "1", "--rounds", "1") == 0
    assert measurer.measured == [ITEMS[0].id, *(item.id for item in ITEMS)]


def test_some_of_the_items(measurer: Measurer, typed: Callable[..., int]) -> None:
    assert typed("--only-family", "missing_items", "--first", "1", "--sources", "compiler,template") == 0
    assert measurer.measured == [UNKNOWN_NAME.id]
    assert [(one.sources, one.model) for one in measurer.options] == [(("compiler", "template"), None)]


def test_two_results_are_compared(
    tmp_path: Path, measurer: Measurer, typed: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert measurer.most == 99 and typed() == 0
    file = str(tmp_path / "result.json")
    capsys.readouterr()
    assert main(["evaluate", "--compare", file, file]) == 0
    assert "+0.0 points: 0 gained, 0 lost, McNemar p = 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--sources", "model"), "go together"),
        (("--only-family", "serde"), "no such item"),
        (("--sources", "compiler", "--quick"), "asks the model alone"),
        (("--model", "nowhere.gguf"), "no file nowhere.gguf"),
    ],
)
def test_what_means_nothing(
    typed: Callable[..., int], capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    assert typed(*words) == 2
    assert says in capsys.readouterr().err


def test_both_files_are_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate"]) == 2
    assert "--items and --out are needed" in capsys.readouterr().err
