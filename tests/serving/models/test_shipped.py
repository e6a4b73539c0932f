"""The model that comes with Sleepy: asked where nobody chose another one, and only where it can be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from serving.tiny_models import write_tiny_model
from sleepy_agent.config import SHIPPED_MODEL, Places, Settings, find_places
from sleepy_agent.errors import ModelError
from sleepy_agent.fixes.prompts.profiles import profile_for
from sleepy_agent.fixes.sources import choose_sources, missing_models
from sleepy_agent.serving.chat import ModelUnavailable
from sleepy_agent.serving.clients import model_choice
from sleepy_agent.serving.clients.model_choice import main_model, model_in_use
from sleepy_agent.serving.clients.served_model import ServedModel
from sleepy_agent.serving.files.gguf_header import validate_base
from sleepy_agent.serving.manifest import sha256_of
from sleepy_agent.serving.models import shipped
from sleepy_agent.serving.models.hub import wanted_model
from sleepy_agent.serving.models.shipped import card_of, card_text_of, known_sha256, shipped_file

LARGEST = 24 << 20


@pytest.fixture
def with_one(places: Places, tmp_path: Path) -> Places:
    """Places with a shipped model that has no card."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    return replace(places, shipped_model=write_tiny_model(folder / "seed.gguf"))


def pulled(places: Places, name: str) -> Path:
    folder = places.models_folder / name
    folder.mkdir(parents=True)
    return write_tiny_model(folder / f"{name}.gguf", seed=7)


def sources(places: Places, settings: Settings) -> list[str]:
    return [source.name for source in choose_sources(None, places, settings)]


def test_where_it_lies_can_be_said(tmp_path: Path) -> None:
    assert find_places({}).shipped_model == SHIPPED_MODEL
    assert find_places({"SLEEPY_HOME": str(tmp_path)}).shipped_model == SHIPPED_MODEL
    assert find_places({"SLEEPY_SHIPPED_MODEL": ""}).shipped_model is None
    elsewhere = {"SLEEPY_HOME": str(tmp_path), "SLEEPY_SHIPPED_MODEL": str(tmp_path / "x.gguf")}
    assert find_places(elsewhere).shipped_model == tmp_path / "x.gguf"


def test_it_is_asked_where_nobody_chose(with_one: Places) -> None:
    assert sources(with_one, Settings()) == ["compiler", "template", "model"]
    model = main_model(with_one, Settings(), {})
    assert isinstance(model, ServedModel)
    assert with_one.shipped_model is not None
    assert model.model_id == f"seed#{sha256_of(with_one.shipped_model)[:8]}"
    assert profile_for(model.model_id).name == "seed"
    assert model_in_use(with_one, Settings(model="seed")).file == with_one.shipped_model


@pytest.mark.parametrize("settings", [Settings(), Settings(model="seed")])
def test_an_installation_without_it_is_one_without_a_model(places: Places, tmp_path: Path, settings: Settings) -> None:
    without = replace(places, shipped_model=tmp_path / "not there.gguf")
    assert sources(without, settings) == ["compiler", "template"]
    with pytest.raises(ModelError):
        model_in_use(without, settings)


def test_a_model_that_was_fetched_or_chosen_goes_before(with_one: Places, tmp_path: Path) -> None:
    own = write_tiny_model(tmp_path / "own.gguf")
    assert model_in_use(with_one, Settings(model=str(own))).file == own
    file = pulled(with_one, "qwen")
    assert model_in_use(with_one, Settings()).file == file
    assert model_in_use(with_one, Settings(model="seed")).file == with_one.shipped_model
    pulled(with_one, "other")
    with pytest.raises(ModelError, match="Several models"):
        model_in_use(with_one, Settings())


def test_none_is_asked_where_the_settings_say_so(with_one: Places) -> None:
    wanted = Settings(model="none")
    assert main_model(with_one, wanted, {}) is None
    pulled(with_one, "qwen")
    assert main_model(with_one, wanted, {}) is None
    assert sources(with_one, wanted) == ["compiler", "template"]
    assert not missing_models(with_one, wanted)
    with pytest.raises(ModelError, match='model = "none"'):
        model_in_use(with_one, wanted)


def test_without_the_extra_nothing_is_missed_but_by_who_chose_it(
    with_one: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (shipped, model_choice):
        monkeypatch.setattr(module, "find_spec", lambda name: None if name == "llama_cpp" else object())
    assert main_model(with_one, Settings(), {}) is None
    assert sources(with_one, Settings()) == ["compiler", "template"]
    assert not missing_models(with_one, Settings())
    chosen = main_model(with_one, Settings(model="seed"), {})
    assert isinstance(chosen, ModelUnavailable) and "sleepy-coder[serve]" in chosen.remedy


@pytest.mark.parametrize("name", ["seed", "none"])
def test_no_other_model_is_called_like_it(name: str) -> None:
    with pytest.raises(ModelError, match="cannot be called"):
        wanted_model("owner/repository/file.gguf", name)
    with pytest.raises(ModelError, match="comes with Sleepy"):
        wanted_model("seed")


def test_its_card_saves_reading_it_where_it_is_of_this_file(with_one: Places) -> None:
    file = with_one.shipped_model
    assert file is not None
    assert (card_of(file), card_text_of(file), known_sha256(file)) == ({}, None, None)
    card = file.with_name("card.json")
    for size, sha256, known in (
        (file.stat().st_size, "a" * 64, "a" * 64),
        (file.stat().st_size + 1, "a" * 64, None),
        (file.stat().st_size, "a", None),
    ):
        card.write_text(json.dumps({"size_bytes": size, "sha256": sha256}))
        assert known_sha256(file) == known
    card.write_text("[1")
    assert card_of(file) == {}
    file.unlink()
    assert known_sha256(file) is None and shipped_file(with_one) is None


def test_what_is_in_the_package_is_what_its_card_says() -> None:
    validate_base(SHIPPED_MODEL)
    assert SHIPPED_MODEL.stat().st_size <= LARGEST
    assert known_sha256(SHIPPED_MODEL) == sha256_of(SHIPPED_MODEL)
    assert card_text_of(SHIPPED_MODEL)
