"""Manifests for tests: adapters whose files hold any bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sleepy_agent.serving.manifest import Snapshot, SnapshotAdapter, SnapshotBase, write_snapshot

BASE = SnapshotBase("tiny", "b" * 64)


def an_adapter(folder: Path, name: str, content: bytes = b"adapter", **more: object) -> SnapshotAdapter:
    """An adapter whose file lies beside the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{hashlib.sha256(content).hexdigest()[:8]}.gguf"
    file.write_bytes(content)
    fields: dict[str, object] = {"families": (name,), "rank": 4, **more}
    return SnapshotAdapter(name=name, file=file.name, sha256=hashlib.sha256(content).hexdigest(), **fields)  # type: ignore[arg-type]


def a_snapshot(snapshot_id: str, *adapters: SnapshotAdapter, base: SnapshotBase = BASE) -> Snapshot:
    return Snapshot(snapshot_id, "2026-11-21T20:00:00+00:00", base, tuple(adapters))


def put_into_use(manifest: Path, snapshot_id: str, *names: str, base: SnapshotBase = BASE) -> Snapshot:
    """Write adapters of these names and a manifest that names them."""
    snapshot = a_snapshot(snapshot_id, *(an_adapter(manifest.parent, name) for name in names), base=base)
    write_snapshot(manifest, snapshot)
    return snapshot
