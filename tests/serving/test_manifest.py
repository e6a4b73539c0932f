"""The snapshot manifest: read back as written, broken ones told, replaced ones noticed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from serving.snapshots import a_snapshot, an_adapter, put_into_use
from sleepy_agent.errors import CannotWrite, ModelError
from sleepy_agent.serving.manifest import (
    ManifestWatch,
    Snapshot,
    SnapshotAdapter,
    SnapshotBase,
    adapter_files,
    parse_snapshot,
    read_snapshot,
    snapshot_as_json,
    write_snapshot,
)

ROOT = Path(__file__).parents[2]
FULL = Snapshot(
    snapshot_id="night-2",
    created="2026-11-21T03:00:00+01:00",
    base=SnapshotBase("tiny", "0" * 64),
    adapters=(
        SnapshotAdapter("borrow_checker", ("borrow_checker", "lifetimes"), "a/b.gguf", "1" * 64, 4, 0.5),
        SnapshotAdapter("serde@1f", ("serde",), "c.gguf", "2" * 64, 8, 1.0, "a-project"),
    ),
    parent="night-1",
    basis_sha256="3" * 64,
    gate={"koans": {"before": 10, "after": 11}},
)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "snapshots" / "current.json"
    write_snapshot(file, FULL)
    assert read_snapshot(file) == FULL
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["current.json"], "nothing half-written is left"


def test_without_a_file_there_is_no_snapshot(tmp_path: Path) -> None:
    assert read_snapshot(tmp_path / "current.json") is None
    (tmp_path / "file").touch()
    assert read_snapshot(tmp_path / "file" / "current.json") is None


def test_adapters_are_found_by_name_then_by_family() -> None:
    other = SnapshotAdapter("lifetimes", ("lifetimes",), "d.gguf", "4" * 64, 4)
    snapshot = a_snapshot("s", *FULL.adapters)
    assert snapshot.adapter_for("lifetimes") == FULL.adapters[0]
    assert a_snapshot("s", *FULL.adapters, other).adapter_for("lifetimes") == other
    assert snapshot.adapter_for("serde@1f") == FULL.adapters[1]
    assert snapshot.adapter_for("serde") is None, "it is for one project only"
    assert snapshot.adapter_for("syntax") is None


def changed(change: dict[str, Any], adapter: dict[str, Any] | None = None) -> bytes:
    record = snapshot_as_json(FULL) | change
    if adapter is not None:
        record["adapters"] = [record["adapters"][0] | adapter]
    return json.dumps({key: value for key, value in record.items() if value is not ...}).encode()


BROKEN = {
    "no JSON": b"{",
    "no object": b"[]",
    "no text": b"\xff",
    "deep": b"[" * 100_000,
    "newer": changed({"schema": 2}),
    "no schema": b"{}",
    "id": changed({"snapshot": 7}),
    "adapters": changed({"adapters": {}}),
    "base": changed({"base": {"name": "x"}}),
    "base sum": changed({"base": {"name": "x", "sha256": "A" * 64}}),
    "basis": changed({"basis_sha256": "x"}),
    "gate": changed({"gate": []}),
    "parent": changed({"parent": 1}),
    "same names": changed({"adapters": [snapshot_as_json(FULL)["adapters"][0]] * 2}),
    "name": changed({}, {"name": "../x"}),
    "reserved name": changed({}, {"name": "base"}),
    "rank": changed({}, {"rank": 0}),
    "rank type": changed({}, {"rank": True}),
    "scale": changed({}, {"scale": "1"}),
    "scale nan": changed({}, {"scale": float("nan")}),
    "families": changed({}, {"families": [1]}),
    "repository": changed({}, {"repository": 1}),
    "adapter sum": changed({}, {"sha256": ""}),
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
def test_a_broken_manifest_is_told_with_its_remedy(raw: bytes, tmp_path: Path) -> None:
    file = tmp_path / "current.json"
    with pytest.raises(ModelError) as raised:
        parse_snapshot(raw, file)
    assert str(file) in raised.value.message
    assert "delete the manifest" in raised.value.remedy


def is_valid(record: object) -> bool:
    schema = json.loads((ROOT / "docs" / "snapshot.schema.json").read_text())
    return bool(jsonschema.Draft202012Validator(schema).is_valid(record))


def test_the_published_schema_says_what_the_reader_says() -> None:
    assert is_valid(snapshot_as_json(FULL))
    assert is_valid(snapshot_as_json(a_snapshot("s")))
    # What JSON Schema cannot say: names are unique; NaN, which is no JSON, is no number.
    only_the_reader = {"same names", "scale nan"}
    for name, raw in BROKEN.items():
        try:
            record = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        assert is_valid(record) is (name in only_the_reader), name


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "current.json"
    put_into_use(file, "first", "syntax")
    with pytest.raises(ModelError):
        write_snapshot(file, a_snapshot("second", SnapshotAdapter("base", (), "x", "1" * 64, 4)))
    assert (read := read_snapshot(file)) is not None and read.snapshot_id == "first"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite):
        write_snapshot(tmp_path / "file" / "current.json", FULL)


def test_files_of_adapters_are_compared_with_their_checksum(tmp_path: Path) -> None:
    manifest = tmp_path / "current.json"
    snapshot = a_snapshot("s", an_adapter(tmp_path, "syntax", b"one", scale=0.5))
    (found,) = adapter_files(snapshot, manifest)
    assert (found.name, found.scale, found.file.read_bytes()) == ("syntax", 0.5, b"one")
    found.file.write_bytes(b"two")
    with pytest.raises(ModelError, match="not the file that was promoted"):
        adapter_files(snapshot, manifest)
    found.file.unlink()
    with pytest.raises(ModelError, match="cannot be read: no such file"):
        adapter_files(snapshot, manifest)


@pytest.mark.parametrize("place", ["../outside.gguf", "link.gguf"])
def test_files_outside_the_folder_are_not_touched(place: str, tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    inside = an_adapter(folder, "syntax")
    (tmp_path / "outside.gguf").write_bytes(b"adapter")
    (folder / "link.gguf").symlink_to(tmp_path / "outside.gguf")
    record = snapshot_as_json(a_snapshot("s", inside))
    record["adapters"][0]["file"] = place
    manifest = folder / "current.json"
    with pytest.raises(ModelError, match="outside its folder"):
        adapter_files(parse_snapshot(json.dumps(record).encode(), manifest), manifest)


def test_a_replaced_manifest_is_noticed_once(tmp_path: Path) -> None:
    file = tmp_path / "current.json"
    watch = ManifestWatch(file)
    assert watch.changed()
    assert not watch.changed()
    put_into_use(file, "one")
    assert watch.changed()
    assert not watch.changed()
    os.utime(file, ns=(1, 1))
    assert not watch.changed(), "a new time alone is no new content"
    put_into_use(file, "two")
    os.utime(file, ns=(1, 1))
    assert watch.changed(), "the clock may stand still, or go back"
    file.unlink()
    assert watch.changed()
    assert not watch.changed()
