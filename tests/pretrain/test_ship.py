"""Shipping a trained model: its file, its card, and results that are of no other file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pretrain.small_lessons import small_lessons
from sleepy_agent.config import SHIPPED_MODEL
from sleepy_agent.errors import EXIT_COULD_NOT_RUN, EXIT_GREEN
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.models.shipped import card_of, card_text_of, known_sha256
from trainer.pretrain import ship_command
from trainer.pretrain.__main__ import main
from trainer.pretrain.card import card_text
from trainer.pretrain.prepared import prepare
from trainer.pretrain.recipe import Recipe, Shape, write_recipe
from trainer.pretrain.training import Machine, train

TINY = Recipe(Shape(48, 2, 2, 1, 96), steps=2, vocabulary=900, batch_tokens=1024)
SUMMARY = {
    "lessons": 120,
    "split": {"train": 96, "tune": 12, "report": 12},
    "family": {"borrow_checker": 120},
    "origins": 2,
    "sources": 40,
    "of crates": 30,
    "shapes": 2,
    "with a wrong answer before": 5,
}
HALF = {"count": 5, "total": 10, "low": 0.237, "high": 0.763}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that is at its end."""
    folder = tmp_path_factory.mktemp("trained")
    write_recipe(folder / "recipe.json", TINY)
    prepare(small_lessons(120), "hash", folder, TINY)
    assert train(folder, Machine(autocast=False), CancelToken(), lambda _line: None)
    (folder / "summary.json").write_text(json.dumps(SUMMARY))
    return folder


def ship(trained: Path, target: Path, *words: str) -> int:
    command = ["ship", "--run", str(trained), "--data", str(trained / "summary.json"), "--to", str(target)]
    return main([*command, *words])


def result(file: Path, sources: tuple[str, ...], verified: int, sha256: str = "") -> Path:
    """What `evaluate` writes, as far as the card reads it."""
    items = [{"id": str(number), "verified": number < verified} for number in range(10)]
    said = {
        "command": ["python", "-m", "trainer.pretrain", "evaluate", "--items", str(file.with_name("report.jsonl"))],
        "way": "engine",
        "items": "report.jsonl",
        "items_sha256": "i",
        "model_sha256": sha256,
        "sources": list(sources),
        "samples": 8,
        "rounds": 3,
        "scores": [
            {"name": "all", "greedy": HALF, "verified": HALF, "median_milliseconds": 40.0},
            {"name": "code: E0382", "greedy": HALF, "verified": HALF},
        ],
        "items_measured": items,
    }
    file.write_text(json.dumps(said))
    return file


def test_a_training_is_shipped_and_its_card_takes_results_later(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "seed" / "seed.gguf"
    assert ship(trained, target) == EXIT_GREEN
    assert "after 2 steps" in capsys.readouterr().out
    sha256 = known_sha256(target)
    assert sha256 and "Nothing was measured on this file yet." in (card_text_of(target) or "")
    with_it = result(tmp_path / "all.json", ("compiler", "template", "model"), 9, sha256)
    without = result(tmp_path / "others.json", ("compiler", "template"), 5)
    koans = tmp_path / "koans.json"
    score = {"name": "all", "passed": HALF, "passed_at_k": HALF, "median_milliseconds": 120.0}
    model = f"seed#{sha256[:8]}"
    said = {"sources": ["model"], "model": model, "samples": 8, "rounds": 3, "scores": [score], "koans": []}
    koans.write_text(json.dumps(said))
    results = [str(file) for file in (with_it, without, koans)]
    assert main(["ship", "--to", str(target), "--results", *results]) == EXIT_GREEN
    card, text = card_of(target), card_text_of(target) or ""
    assert card["sha256"] == sha256
    numbers = ("2 of 2 steps", "96 train", "25% of the lessons", "| 5/10 50% (24%-76%) |", "+40.0 points on 10 items")
    assert [number for number in numbers if number not in text] == []
    assert "4 of 5 that the others leave open" in text
    assert "`python -m trainer.pretrain evaluate --items report.jsonl`" in text
    assert "sleepy koans run --sources model --model seed --samples 8 --rounds 3 --json" in text
    assert "pass@8" in text and "E0382" not in text
    assert text == card_text(card)


def test_results_of_another_model_are_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = result(tmp_path / "other.json", ("model",), 9, "f" * 64)
    nothing = tmp_path / "nothing.json"
    nothing.write_text("{}")
    for file, said in ((other, "measured with another model"), (nothing, "is no result")):
        assert ship(trained, tmp_path / "seed.gguf", "--results", str(file)) == EXIT_COULD_NOT_RUN
        assert said in capsys.readouterr().err
    assert not (tmp_path / "seed.gguf").exists()


def test_what_is_too_large_or_not_trained_is_refused(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ship_command, "LARGEST_BYTES", 1000)
    assert ship(trained, tmp_path / "seed.gguf") == EXIT_COULD_NOT_RUN
    assert "at most" in capsys.readouterr().err
    assert main(["ship", "--run", str(trained), "--to", str(tmp_path / "seed.gguf")]) == EXIT_COULD_NOT_RUN
    assert "--data" in capsys.readouterr().err
    assert ship(tmp_path, tmp_path / "seed.gguf", "--data", str(trained / "summary.json")) == EXIT_COULD_NOT_RUN
    assert "no checkpoint" in capsys.readouterr().err
    assert main(["ship", "--to", str(tmp_path / "seed.gguf")]) == EXIT_COULD_NOT_RUN
    assert "has no card of its own" in capsys.readouterr().err


def test_the_shipped_card_says_what_its_record_says() -> None:
    card = card_of(SHIPPED_MODEL)
    assert card_text_of(SHIPPED_MODEL) == card_text(card), "python -m trainer.pretrain ship writes both"
