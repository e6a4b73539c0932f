"""From a problem to a verified model fix: the real server with llama.cpp, started on demand, and a small trained model.

Two adapters answer what the base does not know; rustc judges all of it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cargo.projects import single_package
from process_watch import ended_afterwards
from serving.stand_in import StandIn, stand_in
from serving.stand_in_programs import ADAPTER_MISTAKES, BASE_MISTAKES, Program, programs

from sleepy_agent.config import Places, find_places, load_settings
from sleepy_agent.domain import Episode
from sleepy_agent.fixes.engine import FixOptions, fix_workspace
from sleepy_agent.fixes.events import Decision, Event, FixReport, SourceUnavailable
from sleepy_agent.memory.database import open_database
from sleepy_agent.memory.episodes import list_episodes
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.manifest import Snapshot, SnapshotAdapter, SnapshotBase, sha256_of, write_snapshot

# The machine may be busy: what is measured here is whether it comes right, not when.
SETTINGS = """\
slots = 2
niceness = 0
serve_threads = 1
context_tokens = 2048
prefix_cache_megabytes = 8
model_samples = 4
model_rounds = 2
model_seconds = 120
"""
UNSEEN = range(1000, 1003)


@pytest.fixture(scope="module")
def trained() -> StandIn:
    return stand_in()


@pytest.fixture
def places(trained: StandIn, sleepy_home: Path) -> Iterator[Places]:
    """The stand-in as the model that is there. Its server is ended."""
    found = find_places()
    found.config.mkdir(parents=True)
    found.settings_file.write_text(SETTINGS)
    folder = found.models_folder / "stand-in"
    folder.mkdir(parents=True)
    shutil.copyfile(trained.base, folder / "stand-in.gguf")
    (folder / "info.json").write_text(json.dumps({"sha256": sha256_of(trained.base)}))
    with ended_afterwards():
        yield found


def put_adapters_into_use(places: Places, trained: StandIn) -> None:
    folder = places.manifest_file.parent
    folder.mkdir(parents=True)
    adapters = []
    for family, file in trained.adapters.items():
        shutil.copyfile(file, folder / file.name)
        adapters.append(SnapshotAdapter(family, (family,), file.name, sha256_of(file), 8))
    base = SnapshotBase("stand-in", sha256_of(trained.base))
    write_snapshot(places.manifest_file, Snapshot("night-1", "2026-11-21T03:00:00+00:00", base, tuple(adapters)))


def repaired(places: Places, folder: Path, broken: Sequence[Program]) -> tuple[FixReport, list[Episode], list[Event]]:
    """A run on a crate with a module for each program, where only the model is asked."""
    modules = {f"src/{program.module}.rs": program.broken for program in broken}
    root = single_package(folder, "".join(f"pub mod {program.module};\n" for program in broken), modules)
    events: list[Event] = []
    report = fix_workspace(
        root,
        FixOptions(sources=("model",)),
        places=places,
        settings=load_settings(places),
        decide=lambda _offer: Decision.YES,
        emit=events.append,
        cancel=CancelToken(),
    )
    with open_database(places.store_file) as database:
        episodes = [one.episode for one in list_episodes(database) if one.episode.run_id == report.run_id]
    return report, episodes, events


def solved(report: FixReport) -> set[str]:
    """The modules for which the model found a fix."""
    return {
        one.problem.span.file.stem for one in report.problems if one.fix is not None and one.problem.span is not None
    }


def test_a_small_model_mends_programs_it_has_never_seen(places: Places, tmp_path: Path) -> None:
    broken = programs([one for one in BASE_MISTAKES if one.name in ("missing_mut", "missing_some")], UNSEEN)
    report, episodes, events = repaired(places, tmp_path / "shop", broken)
    assert not [event for event in events if isinstance(event, SourceUnavailable)]
    assert len(solved(report)) >= len(broken) - 1, [one.verdict for one in episodes]
    passed = [episode for episode in episodes if episode.passed]
    assert {episode.source for episode in passed} == {"model"}
    assert {episode.adapter_snapshot for episode in episodes} == {None}
    assert all(episode.model_id and episode.model_id.startswith("stand-in#") for episode in episodes)
    assert all(episode.prompt_hash for episode in episodes) and sum(one.tokens_in for one in episodes) > 100
    for program in broken:
        if program.module in solved(report):
            # What rustc accepts is what was meant, too.
            assert (tmp_path / "shop/src" / f"{program.module}.rs").read_text() == program.right


@pytest.mark.parametrize("mistake", ADAPTER_MISTAKES, ids=lambda mistake: mistake.name)
def test_an_adapter_knows_what_the_base_does_not(
    mistake: object, trained: StandIn, places: Places, tmp_path: Path
) -> None:
    broken = programs([one for one in ADAPTER_MISTAKES if one is mistake], UNSEEN)
    without, _, _ = repaired(places, tmp_path / "before", broken)
    put_adapters_into_use(places, trained)
    # The server that runs already takes them in.
    report, episodes, _ = repaired(places, tmp_path / "after", broken)
    assert len(solved(report)) >= len(broken) - 1, [one.verdict for one in episodes]
    assert len(solved(report)) > len(solved(without))
    assert "night-1" in {episode.adapter_snapshot for episode in episodes if episode.passed}
