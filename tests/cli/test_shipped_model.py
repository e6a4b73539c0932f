"""`sleepy model` and `sleepy doctor` about the model that comes with Sleepy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from serving.tiny_models import write_tiny_adapter, write_tiny_model

from cli.fakes import make_terminal, parse
from sleepy_agent.cli import model, model_checks
from sleepy_agent.cli.checks import Check, Machine, State
from sleepy_agent.cli.settings_file import write_setting
from sleepy_agent.config import Places, find_places, load_settings
from sleepy_agent.errors import ModelError
from sleepy_agent.process import ProcessOutcome


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Places with a shipped model and its card."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    file = write_tiny_model(folder / "seed.gguf")
    card = {"size_bytes": file.stat().st_size, "sha256": "a" * 64, "quantisation": "Q8_0", "licence": "MIT"}
    (folder / "card.json").write_text(json.dumps(card))
    (folder / "card.md").write_text("# The seed model\n\nIt mends 7 of 9 toys.\n")
    return replace(find_places(), shipped_model=file)


def run(places: Places, *words: str) -> str:
    terminal = make_terminal()
    assert model.run_with(parse("model", *words), terminal.as_terminal, places) == 0
    return terminal.output.getvalue()


def record(places: Places, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(places, *words, "--json"))
    return found


def stored(places: Places, name: str) -> Path:
    folder = places.models_folder / name
    folder.mkdir(parents=True)
    return write_tiny_model(folder / f"{name}.gguf", seed=5)


def in_use(places: Places) -> list[str]:
    return [one["name"] for one in record(places, "list")["models"] if one["in_use"]]


def test_the_list_has_it_as_what_comes_with_sleepy(places: Places) -> None:
    text = run(places, "list")
    line = next(line for line in text.splitlines() if line.startswith("* seed"))
    assert line.endswith("Q8_0   MIT   shipped   in use")
    listed = record(places, "list")["models"][0]
    assert (listed["name"], listed["is_shipped"], listed["state"]) == ("seed", True, "ready")
    assert listed["file"] == str(places.shipped_model)


def test_one_that_was_fetched_goes_before_it_and_use_goes_back(places: Places) -> None:
    stored(places, "mine")
    assert in_use(places) == ["mine"]
    assert "seed is used from now on." in run(places, "use", "seed")
    assert in_use(places) == ["seed"]
    run(places, "use", "mine")
    run(places, "rm", "mine", "--force")
    assert in_use(places) == ["seed"]


def test_none_can_be_wanted(places: Places) -> None:
    assert "No local model is asked" in run(places, "use", "none")
    assert load_settings(places).model == "none"
    assert in_use(places) == []
    assert "None of them is asked" in run(places, "list")
    assert "seed is used" in run(places, "use", "seed")
    assert in_use(places) == ["seed"]


def test_info_shows_its_card(places: Places) -> None:
    text = run(places, "info")
    assert "seed   in use" in text and "It mends 7 of 9 toys." in text
    assert record(places, "info", "seed")["card"]["quantisation"] == "Q8_0"
    file = stored(places, "mine")
    assert record(places, "info", "mine")["card"] is None
    assert "toys" not in run(places, "info", str(file))


def test_it_is_neither_fetched_nor_deleted(places: Places) -> None:
    for words in (("rm", "seed"), ("rm", "seed", "--force")):
        with pytest.raises(ModelError, match="a part of Sleepy"):
            run(places, *words)
    with pytest.raises(ModelError, match="comes with Sleepy"):
        run(places, "pull", "seed")
    assert places.shipped_model is not None and places.shipped_model.is_file()


def test_what_is_merged_from_it_is_used_when_it_is_said(places: Places, tmp_path: Path) -> None:
    adapter = write_tiny_adapter(tmp_path / "house.gguf")
    assert "`sleepy model use seed-house` uses it" in run(places, "merge", str(adapter))
    assert in_use(places) == ["seed"]


def test_the_doctor(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(chosen: str = "") -> Check:
        write_setting(places, "model", chosen)
        machine = Machine(places, {}, lambda _command: ProcessOutcome(0, b"", b"", 0.0))
        return next(one for one in model_checks.check_models(machine) if one.name == "model")

    places.config.mkdir(parents=True)
    assert check().found.startswith("seed, takes ")
    assert check("none").found == "none is asked: the settings say so"
    monkeypatch.setattr(model_checks, "find_spec", lambda name: None if name == "llama_cpp" else object())
    # Nothing is wrong where nobody wanted it.
    assert check().state is State.OK
    assert "once llama_cpp is installed (pip install 'sleepy-coder[serve]')" in check().found
    assert check("seed").state is State.WARNING
