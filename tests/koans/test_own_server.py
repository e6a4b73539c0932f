"""A model that is named for one run has a server of its own, and it ends with the run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from process_watch import ended_afterwards, is_running
from serving.tiny_models import write_tiny_model

from koans.small_koans import FOUNTAIN
from sleepy_agent.config import Settings, find_places
from sleepy_agent.errors import BadUsage, ModelError
from sleepy_agent.koans.own_server import own_model
from sleepy_agent.koans.records import KoanSet
from sleepy_agent.koans.run import RunOptions, run_koans
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.chat import CompletionAnswer, CompletionRequest
from sleepy_agent.serving.manifest import sha256_of
from sleepy_agent.serving.serve_folder import read_address, serve_folder_of

SETTINGS = Settings(slots=2, serve_threads=1, prefix_cache_megabytes=8, model_samples=2, model_rounds=1)


def test_a_file_that_is_named_is_asked_and_the_users_own_server_is_left_alone(tmp_path: Path) -> None:
    file = write_tiny_model(tmp_path / "very-small.gguf")
    places = find_places()
    options = RunOptions(("model",), model=str(file), seconds=60.0)
    koans = KoanSet(Path(), (FOUNTAIN,), {}, {})
    with ended_afterwards():
        done = run_koans([FOUNTAIN], koans, options, places, SETTINGS, CancelToken(), lambda _text: None)
    assert (done.sources, done.samples, done.rounds) == (("model",), 2, 1)
    # It says nothing of use, but it was asked.
    assert done.unavailable == ()
    assert read_address(serve_folder_of(places)) is None


def test_a_model_of_the_users_is_known_by_its_name(tmp_path: Path) -> None:
    places = find_places()
    folder = places.models_folder / "tiny-one"
    folder.mkdir(parents=True)
    file = write_tiny_model(folder / "weights.gguf")
    (folder / "info.json").write_text(json.dumps({"sha256": sha256_of(file)}), encoding="utf-8")
    with own_model(tmp_path, places, replace(SETTINGS, model="tiny-one")) as source:
        assert source.model.model_id.startswith("tiny-one#")
        assert (source.name, source.samples, source.rounds) == ("model", 2, 1)
        home = find_places({"SLEEPY_HOME": str(tmp_path / "home")})
        settings = home.settings_file.read_text(encoding="utf-8")
        assert 'model = "tiny-one"' in settings
        assert "serve_threads = 1" in settings
        answer = source.model.complete(CompletionRequest(prompt="fn", max_tokens=2), CancelToken())
        assert isinstance(answer, CompletionAnswer)
        assert answer.model_id == source.model.model_id
        server = read_address(serve_folder_of(home))
        assert server is not None
    assert not is_running(server.pid)


def test_a_model_that_is_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ModelError), own_model(tmp_path, find_places(), replace(SETTINGS, model="nobody")):
        pass


def test_a_model_for_nobody() -> None:
    koans = KoanSet(Path(), (FOUNTAIN,), {}, {})
    with pytest.raises(BadUsage, match="the source `model` is not"):
        run_koans(
            [FOUNTAIN], koans, RunOptions(("compiler",), model="x"), find_places(), SETTINGS, CancelToken(), print
        )
