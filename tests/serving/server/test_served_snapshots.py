"""Adapters as models: a snapshot is swapped while the server runs, a broken one leaves the old one in use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from serving.running_server import PATIENCE_SECONDS, RunningServer
from serving.scripted_engine import UNFIT
from serving.snapshots import a_snapshot, an_adapter, put_into_use
from sleepy_agent.serving.manifest import SnapshotBase, write_snapshot


def test_where_there_is_no_adapter_the_base_answers_if_asked_to(server: RunningServer) -> None:
    body = {"model": "sleepy/syntax", "prompt": "x", "extra": {"fallback": True}}
    answer = server.post("/v1/completions", body).json()
    assert (answer["model"], answer["extra"]["snapshot"]) == ("tiny", None)
    put_into_use(server.places.manifest_file, "night-1", "syntax")
    answer = server.post("/v1/completions", body).json()
    assert (answer["model"], answer["extra"]["snapshot"]) == ("sleepy/syntax", "night-1")
    assert answer["choices"][0]["text"] == "syntax: x"


def test_a_new_snapshot_serves_the_next_request_and_not_the_one_before(server: RunningServer) -> None:
    manifest = server.places.manifest_file
    put_into_use(manifest, "night-1", "syntax", "serde")
    body = {"model": "sleepy/syntax", "prompt": "wait"}
    with ThreadPoolExecutor(1) as pool:
        in_flight = pool.submit(server.post, "/v1/completions", body)
        assert server.engine.has_begun.acquire(timeout=PATIENCE_SECONDS)
        put_into_use(manifest, "night-2", "syntax")
        server.engine.go_on.set()
        assert in_flight.result().json()["extra"]["snapshot"] == "night-1"
    assert server.post("/v1/completions", body).json()["extra"]["snapshot"] == "night-2"
    assert [adapter.name for adapter in server.engine.adapters] == ["syntax"]
    listed = server.get("/v1/models").json()
    assert [model["id"] for model in listed["data"]] == ["sleepy/base", "sleepy/syntax"]
    assert listed["extra"] == {"state": "ready", "snapshot": "night-2", "snapshot_problem": None}
    assert server.post("/v1/completions", {"model": "sleepy/serde", "prompt": "x"}).status_code == 404
    manifest.unlink()
    assert server.post("/v1/completions", body).status_code == 404, "no manifest, no adapters"
    assert server.engine.adapters == ()


def break_json(manifest: Path) -> None:
    manifest.write_text("{")


def break_adapter(manifest: Path) -> None:
    put_into_use(manifest, "night-2", "syntax")
    for file in manifest.parent.glob("syntax-*"):
        file.write_bytes(b"another")


def take_unfit_adapter(manifest: Path) -> None:
    write_snapshot(manifest, a_snapshot("night-2", an_adapter(manifest.parent, "unfit", UNFIT)))


def take_adapters_of_another_base(manifest: Path) -> None:
    put_into_use(manifest, "night-2", "syntax", base=SnapshotBase("another", "c" * 64))


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (break_json, "cannot be used"),
        (break_adapter, "not the file that was promoted"),
        (take_unfit_adapter, "does not fit"),
        (take_adapters_of_another_base, "belong to the model another"),
    ],
)
def test_a_broken_snapshot_leaves_the_old_one_in_use(break_it: Any, told: str, server: RunningServer) -> None:
    manifest = server.places.manifest_file
    put_into_use(manifest, "night-1", "syntax")
    body = {"model": "sleepy/syntax", "prompt": "x"}
    assert server.post("/v1/completions", body).json()["extra"]["snapshot"] == "night-1"
    break_it(manifest)
    assert server.post("/v1/completions", body).json()["extra"]["snapshot"] == "night-1"
    listed = server.get("/v1/models").json()
    assert listed["extra"]["snapshot"] == "night-1"
    assert told in listed["extra"]["snapshot_problem"]
