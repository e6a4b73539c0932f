"""The models of this user: which are known, which lie here, what each takes, and how one goes away again.

Each lies in a folder of its name below `Places.models_folder`: the GGUF file, and `info.json`, which says where it
came from. A fetch that was broken off leaves a file ending in PART_SUFFIX, which the next one goes on with.
"""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from sleepy_agent.config import Places, Settings
from sleepy_agent.errors import ModelError, cannot_write
from sleepy_agent.serving.files.gguf_header import GgufHeader, read_header
from sleepy_agent.serving.manifest import write_atomically
from sleepy_agent.serving.memory_need import MEGABYTE, RESERVE_BYTES
from sleepy_agent.serving.models.shipped import RESERVED

SCHEMA: Final = 1
INFO_NAME: Final = "info.json"
PART_SUFFIX: Final = ".part"
MODEL_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
LIST: Final = "`sleepy model list` shows which there are."


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One entry of catalogue.toml. `repository` and `file`: where it lies on the model hub."""

    name: str
    says: str
    repository: str
    file: str
    quantisation: str
    size_bytes: int
    cache_bytes_per_token: int
    licence: str
    default: bool = False


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """What info.json says of a model that was pulled. `revision`: the commit; `fetched`: ISO 8601 with time zone."""

    repository: str
    file: str
    revision: str
    endpoint: str
    sha256: str
    size_bytes: int
    licence: str | None
    fetched: str


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model that lies here. `file` is None where it is only half fetched; `record`: None where it was put here by
    hand. `stored_bytes`: everything in its folder."""

    name: str
    folder: Path
    file: Path | None
    record: ModelRecord | None
    stored_bytes: int


@cache
def known_models() -> tuple[KnownModel, ...]:
    """catalogue.toml."""
    raw = tomllib.loads(files("sleepy_agent.serving.models").joinpath("catalogue.toml").read_text(encoding="utf-8"))
    return tuple(KnownModel(**entry) for entry in raw["model"])


def default_model() -> KnownModel:
    """The one that is pulled where none is named."""
    return next(model for model in known_models() if model.default)


def stored_models(places: Places) -> tuple[StoredModel, ...]:
    """Every model that lies here, whole or in part, by name."""
    try:
        folders = sorted(folder for folder in places.models_folder.iterdir() if folder.is_dir())
    except OSError:
        return ()
    return tuple(model for folder in folders if (model := _stored(folder)) is not None)


def stored_model(places: Places, name: str) -> StoredModel | None:
    """The one of this name, None where nothing of it lies here."""
    return next((model for model in stored_models(places) if model.name == name), None)


def _stored(folder: Path) -> StoredModel | None:
    file = next(iter(sorted(folder.glob("*.gguf"))), None)
    if file is None and not any(folder.glob(f"*{PART_SUFFIX}")):
        return None
    return StoredModel(folder.name, folder, file, read_record(folder), _bytes_in(folder))


def _bytes_in(folder: Path) -> int:
    total = 0
    for file in folder.iterdir():
        # It may be renamed or deleted just now by whoever fetches it.
        with suppress(OSError):
            total += file.lstat().st_size
    return total


def read_record(folder: Path) -> ModelRecord | None:
    """What info.json says; None where there is none, or a damaged one."""
    try:
        raw: Any = json.loads((folder / INFO_NAME).read_bytes())
        values = {name: raw[name] for name in ModelRecord.__dataclass_fields__}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    texts = ("repository", "file", "revision", "endpoint", "sha256", "fetched")
    are_texts = all(isinstance(values[name], str) for name in texts)
    return ModelRecord(**values) if are_texts and isinstance(values["size_bytes"], int) else None


def write_record(folder: Path, record: ModelRecord) -> None:
    """Write info.json. Raises CannotWrite."""
    write_atomically(folder / INFO_NAME, json.dumps({"schema": SCHEMA, **asdict(record)}, indent=2).encode() + b"\n")


def memory_bytes(file_bytes: int, cache_bytes: int | None, settings: Settings) -> int:
    """What the server takes with a model at most, at these settings; `cache_bytes`: of keys and values, per token."""
    of_context = (cache_bytes or 0) * settings.context_tokens
    return file_bytes + of_context + settings.prefix_cache_megabytes * MEGABYTE + RESERVE_BYTES


def cache_bytes_per_token(header: GgufHeader) -> int | None:
    """What keys and values of one token take at 16 bits a number; None for a header that does not say enough."""

    def number(key: str) -> int | None:
        value = header.values.get(f"{header.architecture}.{key}")
        return value if isinstance(value, int) and value > 0 else None

    layers, width, heads = number("block_count"), number("embedding_length"), number("attention.head_count")
    if layers is None or width is None or heads is None:
        return None
    shared = number("attention.head_count_kv") or heads
    key = number("attention.key_length") or width // heads
    value = number("attention.value_length") or width // heads
    return 2 * layers * shared * (key + value)


def memory_of_file(file: Path, settings: Settings) -> int | None:
    """What the server takes with the model in `file`; None where that cannot be used."""
    try:
        return memory_bytes(file.stat().st_size, cache_bytes_per_token(read_header(file)), settings)
    except (ModelError, OSError):
        return None


@contextmanager
def alone_with(places: Places, name: str) -> Iterator[None]:
    """Keep other processes from fetching or removing the model of this name. Raises ModelError where one does."""
    try:
        places.models_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(places.models_folder / f".{name}.lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise ModelError(
            f"The model {name} is being fetched or removed by another process.", "Wait until that is done."
        ) from error
    except OSError as error:
        raise cannot_write(places.models_folder, error) from error
    try:
        yield
    finally:
        lock.release()


def refuse_name(name: str) -> None:
    """Raise ModelError for a name that no model of the user's can have."""
    if not MODEL_NAME.fullmatch(name) or name.endswith(".gguf") or name in RESERVED:
        raise ModelError(
            f"A model cannot be called {name!r}.",
            f"Give it a --name of small letters, digits, dots and dashes, not {' or '.join(sorted(RESERVED))}.",
        )


def remove_model(places: Places, name: str) -> int:
    """Delete a model, whole or half fetched. Returns the bytes that are free again.

    Raises ModelError where nothing of it lies here or somebody is fetching it, CannotWrite.
    """
    with alone_with(places, name):
        model = stored_model(places, name)
        if model is None:
            raise ModelError(f"There is no model {name} here.", LIST)
        try:
            if model.folder.is_symlink():
                # Somebody keeps the models on another disk: what lies there is theirs.
                model.folder.unlink()
                return 0
            shutil.rmtree(model.folder)
        except OSError as error:
            raise cannot_write(model.folder, error) from error
        return model.stored_bytes
