"""Models in whole runs, on a real project: through the settings, over HTTP, judged by rustc, kept in the store."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cargo.projects import SETTINGS, places_in, single_package
from serving.fake_endpoint import FakeEndpoint, Reply, answering, completions
from serving.tiny_models import write_tiny_model

from sleepy_agent.config import Places, Settings
from sleepy_agent.errors import BadUsage
from sleepy_agent.fixes.engine import FixOptions, fix_workspace
from sleepy_agent.fixes.events import Decision, Event, FixReport, SourceUnavailable
from sleepy_agent.fixes.sources import choose_sources
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import StoredEpisode, list_episodes
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.serve_folder import serve_folder_of

# Nobody but a model can know what was meant here.
BROKEN = """\
/// The price of some apples in cents.
pub fn price_of(apples: u32) -> u32 {
    apples * cents_of_an_apple_today()
}
"""
FIRST = "    apples * cents_of_an_apple_today()"


def block(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE"


class Answers:
    """Says one answer after the other to requests for a greedy one, and the last of them again to the others."""

    def __init__(self, *texts: str) -> None:
        self._texts: Iterator[str] = iter(texts)
        self._last = ""

    def __call__(self, path: str, body: Any) -> Reply:
        if path.endswith("/models"):
            return 200, {"data": [{"id": "sleepy/missing_items"}]}
        if body["temperature"] == 0:
            self._last = next(self._texts, self._last)
        return completions(*[self._last] * body["n"])


def run_on(
    endpoint: FakeEndpoint, folder: Path, options: FixOptions, settings: Settings = SETTINGS
) -> tuple[FixReport, list[Event], str, Sequence[StoredEpisode]]:
    """One run on the broken project; what came out, what was told, the file afterwards, the attempts."""
    root = single_package(folder / "shop", BROKEN)
    settings = replace(settings, model_endpoint=endpoint.base_url, model_name="sleepy/base", model_seconds=60.0)
    events: list[Event] = []
    places = places_in(folder)
    report = fix_workspace(
        root,
        options,
        places=places,
        settings=settings,
        decide=lambda _offer: Decision.YES,
        emit=events.append,
        cancel=CancelToken(),
    )
    with open_database(places.store_file) as database:
        return report, events, (root / "src/lib.rs").read_text(), list_episodes(database)


def test_from_a_problem_to_a_verified_fix_in_two_rounds(tmp_path: Path) -> None:
    answers = Answers(block(FIRST, "    apples * seven"), block(FIRST, "    apples * 7"))
    with answering(answers) as endpoint:
        report, _, text, episodes = run_on(endpoint, tmp_path, FixOptions(sources=("model",)))
    assert report.green and text == BROKEN.replace("cents_of_an_apple_today()", "7")
    asked = [body for path, body in endpoint.asked if path.endswith("/chat/completions")]
    # The adapter of the family, by its name at the endpoint; the base where it did not help would be the other.
    assert asked[0]["model"] == "sleepy/missing_items"
    assert [body["n"] for body in asked][:3] == [1, 7, 1]
    second = asked[2]["messages"][1]["content"]
    assert "<tried>" in second and "cannot find value `seven` in this scope" in second
    first, last = episodes[0].episode, episodes[-1].episode
    assert (first.passed, last.passed, last.source) == (False, True, "model")
    assert last.model_id == "sleepy/base@127.0.0.1" and last.tokens_in == 11
    assert last.prompt_hash != first.prompt_hash and last.metadata["round"] == "2"


def test_a_model_that_cannot_be_reached_is_told_once_and_the_run_goes_on(tmp_path: Path) -> None:
    with answering(lambda _path, _body: (500, {"error": {"message": "out of memory"}})) as endpoint:
        report, events, text, _ = run_on(endpoint, tmp_path, FixOptions(sources=("compiler", "model")))
    assert not report.green and text == BROKEN
    told = [event for event in events if isinstance(event, SourceUnavailable)]
    assert [event.source for event in told] == ["model"]
    assert "out of memory" in told[0].reason and told[0].remedy


def test_the_budget_ends_the_thinking(tmp_path: Path) -> None:
    run_is_over = threading.Event()

    def reply(path: str, _body: Any) -> Reply:
        if not path.endswith("/models"):
            run_is_over.wait(60)
        return completions(block(FIRST, "    apples * 7"))

    with answering(reply) as endpoint:
        report, _, text, _ = run_on(endpoint, tmp_path, FixOptions(sources=("model",), budget_seconds=1.0))
        assert not run_is_over.is_set()
        run_is_over.set()
    assert text == BROKEN and report.stopped_because is not None


def test_the_shipped_model_is_not_started_for_what_others_settle(tmp_path: Path) -> None:
    broken = "pub fn count() -> usize {\n    let v = vec![1];\n    v.push(2);\n    v.len()\n}\n"
    root = single_package(tmp_path / "shop", broken)
    places = replace(places_in(tmp_path), shipped_model=write_tiny_model(tmp_path / "seed.gguf"))
    assert names(places, SETTINGS) == ["compiler", "template", "model"]
    report = fix_workspace(
        root,
        FixOptions(),
        places=places,
        settings=SETTINGS,
        decide=lambda _offer: Decision.YES,
        emit=lambda _event: None,
        cancel=CancelToken(),
    )
    assert report.green
    # Who starts a server begins with its log.
    assert not serve_folder_of(places).log_file.exists()


# ---- which sources there are ------------------------------------------------------------------------------


def names(places: Places, settings: Settings) -> list[str]:
    return [source.name for source in choose_sources(None, places, settings)]


def test_without_a_model_nothing_changes(tmp_path: Path) -> None:
    places = places_in(tmp_path)
    assert names(places, SETTINGS) == ["compiler", "template"]
    for name, remedy in (("model", "sleepy model pull"), ("remote", "remote_endpoint")):
        with pytest.raises(BadUsage) as raised:
            choose_sources((name,), places, SETTINGS)
        assert remedy in raised.value.remedy
    with pytest.raises(BadUsage, match="no source 'oracle'"):
        choose_sources(("oracle",), places, SETTINGS)


def test_a_model_that_was_fetched_is_a_source(tmp_path: Path) -> None:
    places = places_in(tmp_path)
    folder = places.models_folder / "small"
    folder.mkdir(parents=True)
    (folder / "small.gguf").write_bytes(b"GGUF")
    assert names(places, SETTINGS) == ["compiler", "template", "model"]
    assert [source.name for source in choose_sources(("model",), places, SETTINGS)] == ["model"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"model_endpoint": "http://127.0.0.1:1/v1"}, ["compiler", "template", "model"]),
        ({"remote_endpoint": "https://example.org/v1", "remote_model": "large"}, ["compiler", "template", "remote"]),
        # Somebody forgot what to ask for; the message comes when it is asked for by name.
        ({"remote_endpoint": "https://example.org/v1"}, ["compiler", "template"]),
        ({"model": "not-there"}, ["compiler", "template"]),
    ],
)
def test_settings_bring_sources(settings: dict[str, Any], expected: list[str], tmp_path: Path) -> None:
    assert names(places_in(tmp_path), replace(SETTINGS, **settings)) == expected


def test_what_is_wrong_with_a_model_is_told_when_it_is_asked_for_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="not-there"):
        choose_sources(("model",), places_in(tmp_path), replace(SETTINGS, model="not-there"))
