"""`sleepy model merge`: which files it means, what it says, and that it leaves nothing half done."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from serving.tiny_models import TinyShape, write_tiny_adapter, write_tiny_model

from cli.fakes import make_terminal, parse
from sleepy_agent.cli import model
from sleepy_agent.config import Places, find_places, load_settings
from sleepy_agent.errors import ModelError
from sleepy_agent.serving.manifest import Snapshot, SnapshotAdapter, SnapshotBase, sha256_of, write_snapshot

SHAPE = TinyShape(embedding=256, feed_forward=256, layers=1)


@dataclass(frozen=True)
class Setup:
    """A model that is here, an adapter for it, and a snapshot with the same adapter."""

    places: Places
    base: Path
    adapter: Path


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    places = find_places()
    places.config.mkdir(parents=True)
    places.settings_file.write_text("serve_threads = 1\n")
    folder = places.models_folder / "base"
    folder.mkdir(parents=True)
    base = write_tiny_model(folder / "base.gguf", shape=SHAPE)
    adapter = write_tiny_adapter(tmp_path / "mine.gguf", shape=SHAPE, alpha=4.0)
    snapshots = places.manifest_file.parent
    snapshots.mkdir(parents=True)
    shutil.copy(adapter, snapshots / "borrow.gguf")
    promote(places, sha256_of(base), sha256_of(adapter))
    return Setup(places, base, adapter)


def promote(places: Places, base_sha256: str, adapter_sha256: str) -> None:
    adapter = SnapshotAdapter("borrow_checker", ("borrow_checker",), "borrow.gguf", adapter_sha256, 4, 0.5)
    write_snapshot(
        places.manifest_file,
        Snapshot("s1", "2026-01-01T00:00:00+00:00", SnapshotBase("base", base_sha256), (adapter,)),
    )


def run(*words: str, code: int = 0) -> dict[str, Any]:
    terminal = make_terminal()
    arguments = parse("model", "merge", *words, "--json")
    assert model.run_with(arguments, terminal.as_terminal, find_places()) == code
    found: dict[str, Any] = json.loads(terminal.output.getvalue())
    return found


@pytest.mark.parametrize("words", [(), ("--base", "base")])
def test_the_base_stays_in_use(words: tuple[str, ...], setup: Setup) -> None:
    run(str(setup.adapter), *words)
    assert load_settings(setup.places).model == "base"


@pytest.mark.parametrize("by", ["family", "path"])
def test_a_merged_model_is_one_like_any_other(by: str, setup: Setup) -> None:
    adapter, name = {"family": ("borrow_checker", "base-borrow_checker"), "path": (str(setup.adapter), "base-mine")}[by]
    record = run(adapter)
    assert (record["merged"], record["name"]) == (True, name)
    assert record["share"] > 0.99
    terminal = make_terminal()
    assert model.run_with(parse("model", "use", name), terminal.as_terminal, setup.places) == 0
    terminal = make_terminal()
    model.run_with(parse("model", "info", "--json"), terminal.as_terminal, setup.places)
    assert json.loads(terminal.output.getvalue())["file"] == record["file"]


def test_people_read_sentences(setup: Setup) -> None:
    terminal = make_terminal()
    arguments = parse("model", "merge", str(setup.adapter), "--name", "both", "--quantisation", "q8_0")
    assert model.run_with(arguments, terminal.as_terminal, setup.places) == 0
    first, *_, last = terminal.output.getvalue().splitlines()
    assert first == "adding the adapter ..."
    assert last.startswith("both: 9") and last.endswith("`sleepy model use both` uses it.")


def test_on_a_terminal_a_bar_says_how_far_it_is(setup: Setup) -> None:
    terminal = make_terminal(colours=True)
    arguments = parse("model", "merge", str(setup.adapter), "--name", "both", "--quantisation", "q8_0")
    assert model.run_with(arguments, terminal.as_terminal, setup.places) == 0
    shown = terminal.output.getvalue()
    assert "comparing the answers" in shown and "%" in shown


def test_ctrl_c_ends_it_and_leaves_nothing(setup: Setup) -> None:
    words = ("model", "merge", str(setup.adapter), "--quantisation", "q4_0")
    merging = subprocess.Popen(
        [sys.executable, "-m", "sleepy_agent.cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert merging.stdout is not None
    while not (line := merging.stdout.readline()).startswith("quantising"):
        assert line, "it has ended"
    merging.send_signal(signal.SIGINT)
    _, said = merging.communicate()
    assert merging.returncode == 130
    assert said.startswith("sleepy: Stopped.")
    assert [folder.name for folder in setup.places.models_folder.iterdir() if folder.is_dir()] == ["base"]


def test_what_would_not_survive_is_not_kept(setup: Setup) -> None:
    weak = write_tiny_adapter(setup.adapter.parent / "weak.gguf", shape=SHAPE, alpha=0.2)
    record = run(str(weak), "--quantisation", "Q2_K", code=1)
    assert record["merged"] is False
    assert "would survive" in record["reason"]
    assert [folder.name for folder in setup.places.models_folder.iterdir() if folder.is_dir()] == ["base"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lifetimes",), "no adapter lifetimes"),
        (("./gone.gguf",), r"gone\.gguf cannot be read"),
        (("borrow_checker", "--base", "other"), "no model other"),
        (("borrow_checker", "--name", "base"), "a model base already"),
        (("borrow_checker", "--name", "../up"), "cannot be called"),
        (("borrow_checker", "--quantisation", "Q99"), "no quantisation"),
    ],
)
def test_what_cannot_be_merged(words: tuple[str, ...], message: str, setup: Setup) -> None:
    with pytest.raises(ModelError, match=message):
        run(*words)
    assert [folder.name for folder in setup.places.models_folder.iterdir() if folder.is_dir()] == ["base"]


def test_adapters_of_another_model_are_refused(setup: Setup) -> None:
    promote(setup.places, "f" * 64, sha256_of(setup.adapter))
    with pytest.raises(ModelError, match=r"belong to the model base#ffffffff, and base#[0-9a-f]{8} is in use") as error:
        run("borrow_checker")
    assert "--base" in error.value.remedy
    setup.places.manifest_file.unlink()
    with pytest.raises(ModelError, match="no adapter borrow_checker") as error:
        run("borrow_checker")
    assert "a night" in error.value.remedy
