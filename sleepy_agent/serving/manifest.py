"""The snapshot manifest: which adapters are in use, on which base. The night writes it, the server reads it.

One JSON file, written last and replaced atomically: whoever reads it sees the old snapshot or the new one. Files of
adapters are never changed once a manifest names them; a new snapshot has new files.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sleepy_agent.errors import ModelError, cannot_write
from sleepy_agent.serving.engine import AdapterFile

SCHEMA: Final = 1
ADAPTER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}")
RESERVED_NAMES: Final = frozenset({"base"})
"""`sleepy/base` is the model without an adapter."""
SHA256: Final = re.compile(r"[0-9a-f]{64}")
MOST_ADAPTERS: Final = 10_000
LARGEST_RANK: Final = 4096
CHUNK_BYTES: Final = 1 << 20
SHORT_HASH: Final = 8


@dataclass(frozen=True, slots=True)
class SnapshotBase:
    """The model that all adapters of a snapshot belong to."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SnapshotAdapter:
    """One adapter. `families`: those it serves; `repository`: the only project it is for, or None.

    `file` is relative to the manifest's folder, with forward slashes. `scale` multiplies its own alpha/rank.
    """

    name: str
    families: tuple[str, ...]
    file: str
    sha256: str
    rank: int
    scale: float = 1.0
    repository: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One immutable set of adapters. `created`: ISO 8601 with time zone. `gate`: the report of the promotion test."""

    snapshot_id: str
    created: str
    base: SnapshotBase
    adapters: tuple[SnapshotAdapter, ...]
    parent: str | None = None
    basis_sha256: str | None = None
    gate: Mapping[str, Any] | None = None

    def adapter_for(self, name: str) -> SnapshotAdapter | None:
        """The adapter of this name, else the one that serves the family of this name in every project."""
        by_name = next((one for one in self.adapters if one.name == name), None)
        return by_name or next((one for one in self.adapters if name in one.families and one.repository is None), None)


def model_id_of(name: str, sha256: str) -> str:
    """What episodes and messages call a model: another file of the same name is another model."""
    return f"{name}#{sha256[:SHORT_HASH]}"


def check_base(snapshot: Snapshot, name: str, sha256: str) -> None:
    """Raise ModelError where the adapters of a snapshot were made for another model than this one."""
    wanted = snapshot.base
    if wanted.sha256 == sha256:
        return
    remedy = "Fetch the file they were made for again, or wait for a night that makes new ones."
    raise ModelError(
        f"The adapters of snapshot {snapshot.snapshot_id} belong to the model "
        f"{model_id_of(wanted.name, wanted.sha256)}, and {model_id_of(name, sha256)} is in use.",
        remedy if wanted.name == name else f"`sleepy model use {wanted.name}` takes their model, if it is here.",
    )


def read_snapshot(file: Path) -> Snapshot | None:
    """The snapshot that is in use, None where there is no manifest. Raises ModelError for a broken one."""
    try:
        raw = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _broken(file, (error.strerror or str(error)).lower()) from error
    return parse_snapshot(raw, file)


def parse_snapshot(raw: bytes, file: Path) -> Snapshot:
    """The snapshot in the bytes of a manifest; `file` is for messages. Raises ModelError."""
    try:
        return _snapshot_of(json.loads(raw))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise _broken(file, what) from error


def snapshot_as_json(snapshot: Snapshot) -> dict[str, Any]:
    """What stands in the manifest."""
    return {
        "schema": SCHEMA,
        "snapshot": snapshot.snapshot_id,
        "parent": snapshot.parent,
        "created": snapshot.created,
        "base": {"name": snapshot.base.name, "sha256": snapshot.base.sha256},
        "basis_sha256": snapshot.basis_sha256,
        "adapters": [
            {
                "name": one.name,
                "families": list(one.families),
                "repository": one.repository,
                "file": one.file,
                "sha256": one.sha256,
                "rank": one.rank,
                "scale": one.scale,
            }
            for one in snapshot.adapters
        ],
        "gate": None if snapshot.gate is None else dict(snapshot.gate),
    }


def write_snapshot(file: Path, snapshot: Snapshot) -> None:
    """Put this snapshot into use: the adapters' files have to be there already.

    Raises ModelError for a snapshot that could not be read back, CannotWrite.
    """
    raw = json.dumps(snapshot_as_json(snapshot), indent=2, allow_nan=False).encode() + b"\n"
    parse_snapshot(raw, file)
    write_atomically(file, raw)


def write_atomically(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace `file` as a whole; a power cut leaves the old or the new content. Raises CannotWrite."""
    # Another process may be writing the same file at the same time.
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(descriptor)
        unfinished.replace(file)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise cannot_write(file, error) from error


def adapter_files(snapshot: Snapshot, manifest: Path) -> tuple[AdapterFile, ...]:
    """The adapters as an engine loads them, each file compared with its checksum.

    Raises ModelError for a file that is missing, was changed, or lies outside the manifest's folder.
    """
    return tuple(_adapter_file(one, manifest) for one in snapshot.adapters)


def sha256_of(file: Path) -> str:
    """The checksum of a file, in hexadecimal digits. Raises OSError."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


class ManifestWatch:
    """Says when a manifest was replaced. Looking costs one `stat` while nothing has changed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, ...] | None = None
        self._digest: bytes | None = None
        self._looked = False

    def changed(self) -> bool:
        """Whether there is another content than at the last time; the first time always."""
        stamp = self._stamp_now()
        if self._looked and stamp == self._stamp:
            return False
        digest = self._digest_now()
        changed = not self._looked or digest != self._digest
        self._looked, self._stamp, self._digest = True, stamp, digest
        return changed

    def _stamp_now(self) -> tuple[int, ...] | None:
        try:
            stat = self._file.stat()
        except OSError:
            return None
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino, stat.st_dev)

    def _digest_now(self) -> bytes | None:
        try:
            return hashlib.sha256(self._file.read_bytes()).digest()
        except OSError:
            return None


def _snapshot_of(record: Mapping[str, Any]) -> Snapshot:
    schema = record["schema"]
    if schema != SCHEMA:
        raise ValueError(f"its schema is {schema!r} and this version of Sleepy knows {SCHEMA}")
    adapters = tuple(_adapter_of(one) for one in _typed(record["adapters"], list, "adapters"))
    names = [one.name for one in adapters]
    if len(set(names)) != len(names):
        raise ValueError("two adapters have the same name")
    if len(names) > MOST_ADAPTERS:
        raise ValueError(f"it names more than {MOST_ADAPTERS} adapters")
    base = _typed(record["base"], dict, "base")
    gate = record.get("gate")
    return Snapshot(
        snapshot_id=_typed(record["snapshot"], str, "snapshot"),
        created=_typed(record["created"], str, "created"),
        base=SnapshotBase(_typed(base["name"], str, "base.name"), _sha256(base["sha256"], "base.sha256")),
        adapters=adapters,
        parent=_optional(record.get("parent"), "parent"),
        basis_sha256=None if record.get("basis_sha256") is None else _sha256(record["basis_sha256"], "basis_sha256"),
        gate=None if gate is None else _typed(gate, dict, "gate"),
    )


def _adapter_of(record: Mapping[str, Any]) -> SnapshotAdapter:
    name = _typed(record["name"], str, "name")
    if not ADAPTER_NAME.fullmatch(name) or name in RESERVED_NAMES:
        raise ValueError(f"an adapter cannot be called {name!r}")
    rank, scale = record["rank"], record.get("scale", 1.0)
    if type(rank) is not int or not 1 <= rank <= LARGEST_RANK:
        raise ValueError(f"the rank of {name} is {rank!r}")
    if type(scale) not in (int, float) or not math.isfinite(scale):
        raise ValueError(f"the scale of {name} is {scale!r}")
    families = _typed(record["families"], list, "families")
    return SnapshotAdapter(
        name=name,
        families=tuple(_typed(family, str, "families") for family in families),
        file=_typed(record["file"], str, "file"),
        sha256=_sha256(record["sha256"], "sha256"),
        rank=rank,
        scale=float(scale),
        repository=_optional(record.get("repository"), "repository"),
    )


def _typed(value: Any, kind: type, name: str) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{name} is {value!r:.60}")
    return value


def _optional(value: Any, name: str) -> str | None:
    text: str | None = None if value is None else _typed(value, str, name)
    return text


def _sha256(value: Any, name: str) -> str:
    text: str = _typed(value, str, name)
    if not SHA256.fullmatch(text):
        raise ValueError(f"{name} is no SHA-256 checksum")
    return text


def _adapter_file(adapter: SnapshotAdapter, manifest: Path) -> AdapterFile:
    folder = manifest.parent.resolve()
    file = (folder / adapter.file).resolve()
    if not file.is_relative_to(folder):
        raise _broken(manifest, f"the file of {adapter.name} lies outside its folder")
    try:
        digest = sha256_of(file)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ModelError(f"The adapter {adapter.name} ({file}) cannot be read: {why}.", _ROLL_BACK) from error
    if digest != adapter.sha256:
        raise ModelError(f"The adapter {adapter.name} ({file}) is not the file that was promoted.", _ROLL_BACK)
    return AdapterFile(adapter.name, file, adapter.sha256, adapter.scale)


_ROLL_BACK: Final = "Put the file back from a backup, or delete the manifest to go on without adapters."


def _broken(file: Path, why: str) -> ModelError:
    return ModelError(f"The snapshot manifest {file} cannot be used: {why}.", _ROLL_BACK)
