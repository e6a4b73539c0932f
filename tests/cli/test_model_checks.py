"""What `sleepy doctor` says of the models: nothing of it is essential, and each line helps."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from filelock import FileLock
from serving.running_server import RunningServer, running
from serving.scripted_engine import ScriptedEngine
from serving.tiny_models import write_tiny_adapter, write_tiny_model

from sleepy_agent import __version__
from sleepy_agent.cli import model_checks
from sleepy_agent.cli.checks import Check, Machine, State
from sleepy_agent.cli.model_checks import check_models
from sleepy_agent.config import Places, find_places
from sleepy_agent.process import ProcessOutcome
from sleepy_agent.serving.manifest import Snapshot, SnapshotAdapter, SnapshotBase, sha256_of, write_snapshot
from sleepy_agent.serving.serve_folder import Address, make_folder, make_token, serve_folder_of, write_address


@pytest.fixture
def places() -> Places:
    found = find_places()
    found.config.mkdir(parents=True)
    return found


def stored(places: Places, name: str) -> Path:
    folder = places.models_folder / name
    folder.mkdir(parents=True)
    file = write_tiny_model(folder / f"{name}.gguf")
    (folder / "info.json").write_text(json.dumps({"sha256": sha256_of(file)}))
    return file


def checks(places: Places, environment: Mapping[str, str] = os.environ, **settings: str | int) -> dict[str, Check]:
    lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
    places.settings_file.write_text("".join(lines))
    machine = Machine(places, environment, lambda _command: ProcessOutcome(0, b"", b"", 0.0))
    found = {check.name: check for check in check_models(machine)}
    assert not any(check.essential for check in found.values())
    assert all(bool(check.mend) is (check.state is State.WARNING) for check in found.values())
    return found


def test_without_a_model_nothing_is_wrong(places: Places) -> None:
    found = checks(places)
    assert list(found) == ["model"]
    assert found["model"].state is State.OK
    assert found["model"].found.startswith("none; `sleepy model pull` fetches one (1.1 GB)")


def test_a_model_and_what_it_takes(places: Places) -> None:
    stored(places, "tiny")
    found = checks(places)
    assert list(found) == ["model", "model server"]
    assert found["model"].found.startswith("tiny, takes 40") and "are free" in found["model"].found
    assert found["model server"].found == "not running; whatever needs it starts it"


def test_models_that_cannot_be_asked(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    file = stored(places, "tiny")
    gone = checks(places, model="gone")["model"]
    assert (gone.state, gone.found) == (State.WARNING, "the model gone is not there")
    monkeypatch.setattr(model_checks, "find_spec", lambda _name: None)
    assert "sleepy-coder[serve]" in checks(places)["model"].mend
    monkeypatch.undo()
    monkeypatch.setattr(model_checks, "available_bytes", lambda: 1_000_000)
    assert "1 MB are free" in checks(places)["model"].found and "smaller model" in checks(places)["model"].mend
    monkeypatch.undo()
    file.write_bytes(file.read_bytes()[:5000])
    assert "`sleepy model info tiny`" in checks(places)["model"].mend
    stored(places, "other")
    assert "sleepy model use NAME" in checks(places)["model"].mend


def test_the_server_is_asked_and_the_memory_it_has_taken_is_not_missed(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(places, "tiny")
    monkeypatch.setattr(model_checks, "available_bytes", lambda: 1_000_000)
    with running(RunningServer(places, ScriptedEngine())) as server:
        server.wait_until_ready()
        found = checks(places)
        assert server.address is not None
        assert found["model"].state is State.OK
        assert found["model server"].found == (
            f"tiny at {server.address.base_url}/v1, ready, process {server.address.pid}"
        )
        (places.serve_folder / "token").chmod(0o644)
        assert "others may read it" in checks(places)["model server"].found


def test_a_server_that_does_not_answer(places: Places) -> None:
    stored(places, "tiny")
    files = serve_folder_of(places)
    make_folder(files)
    make_token(files)
    with FileLock(files.server_lock):
        # Nothing listens there: ports below 1024 are not given to programs that ask for any.
        write_address(files, Address(77, 1, __version__))
        check = checks(places)["model server"]
    assert check.found == "process 77 does not answer" and "--stop" in check.mend


def test_adapters(places: Places) -> None:
    base = stored(places, "tiny")
    folder = places.manifest_file.parent
    folder.mkdir(parents=True)
    file = write_tiny_adapter(folder / "syntax.gguf")
    adapter = SnapshotAdapter("syntax", ("syntax",), file.name, sha256_of(file), 4)
    for sha256, state, told in (
        (sha256_of(base), State.OK, "syntax, of snapshot night-1"),
        ("f" * 64, State.WARNING, "belong to the model tiny#ffffffff"),
    ):
        snapshot = Snapshot("night-1", "2026-01-01T00:00:00+00:00", SnapshotBase("tiny", sha256), (adapter,))
        write_snapshot(places.manifest_file, snapshot)
        check = checks(places)["adapters"]
        assert check.state is state and told in check.found
    file.write_bytes(b"another")
    write_snapshot(
        places.manifest_file,
        Snapshot("night-2", "2026-01-01T00:00:00+00:00", SnapshotBase("tiny", sha256_of(base)), (adapter,)),
    )
    assert "not the file that was promoted" in checks(places)["adapters"].found


def test_endpoints(places: Places) -> None:
    url = "http://localhost:11434/v1"
    assert checks(places, model_endpoint=url, model_name="qwen")["model"].found == f"qwen at {url}"
    keyless = checks(places, {}, model_endpoint=url, model_key_variable="KEY")["model"]
    assert (keyless.state, keyless.mend) == (State.WARNING, "set KEY")
    remote = {"remote_endpoint": "https://example.org/v1", "remote_model": "big", "remote_key_variable": "KEY"}
    found = checks(places, {"KEY": "secret"}, **remote)
    assert list(found) == ["model", "remote model"]
    assert found["remote model"].found == "big at https://example.org/v1"
    assert "remote_model" in checks(places, remote_endpoint="https://example.org/v1")["remote model"].mend


def test_settings_that_mean_nothing_are_told_elsewhere(places: Places) -> None:
    assert checks(places, slotz=3) == {}
