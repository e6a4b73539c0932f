"""Which models there are to ask, by the settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sleepy_agent.config import NO_MODEL, Places, Settings
from sleepy_agent.errors import CannotWrite, ModelError
from sleepy_agent.serving.chat import ChatModel, ModelUnavailable
from sleepy_agent.serving.clients.endpoint import Endpoint, EndpointModel
from sleepy_agent.serving.clients.lifecycle import OnProgress
from sleepy_agent.serving.clients.served_model import ServedModel
from sleepy_agent.serving.manifest import SHA256, model_id_of, sha256_of, write_atomically
from sleepy_agent.serving.models.shipped import SEED, SERVING, known_sha256, shipped_file, shipped_is_usable

PULL = "`sleepy model pull` fetches one; `sleepy model list` shows which there are."

NO_PACKAGES = ModelUnavailable(
    "Models need Python packages that are not installed.",
    "`pip install 'sleepy-coder[serve]'` installs them.",
    is_lasting=True,
)
"""A model or an endpoint was set up, and the extra was not installed, or was removed since."""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A GGUF file that can be served."""

    name: str
    file: Path
    sha256: str

    @property
    def model_id(self) -> str:
        """What episodes call it."""
        return model_id_of(self.name, self.sha256)


def main_model(
    places: Places, settings: Settings, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> ChatModel | ModelUnavailable | None:
    """The model of the source `model`: the endpoint of the settings, else the local model.

    None where none is set up; ModelUnavailable where one is that is not there.
    """
    if settings.model_endpoint:
        if find_spec("httpx") is None:
            return NO_PACKAGES
        # Named as our own server names them, so that a vLLM with the same adapters can take its place.
        name = settings.model_name or "sleepy/base"
        endpoint = Endpoint(settings.model_endpoint, name, settings.model_key_variable, has_adapters=True)
        return EndpointModel(endpoint, environment)
    if settings.model == NO_MODEL or not (settings.model or installed_files(places) or shipped_is_usable(places)):
        return None
    try:
        model = model_in_use(places, settings)
    except ModelError as error:
        return ModelUnavailable(error.message, error.remedy, is_lasting=True)
    if any(find_spec(name) is None for name in SERVING):
        return NO_PACKAGES
    return ServedModel(places, settings, model.model_id, on_progress=on_progress)


def remote_model(settings: Settings, environment: Mapping[str, str]) -> ChatModel | ModelUnavailable | None:
    """The model of the source `remote`; None where none is set up."""
    if not settings.remote_endpoint:
        return None
    if not settings.remote_model:
        return ModelUnavailable(
            "There is a remote_endpoint in the settings and no remote_model.",
            "Say with remote_model what that server calls the model.",
            is_lasting=True,
        )
    if find_spec("httpx") is None:
        return NO_PACKAGES
    endpoint = Endpoint(settings.remote_endpoint, settings.remote_model, settings.remote_key_variable)
    return EndpointModel(endpoint, environment)


def installed_files(places: Places) -> list[Path]:
    """The models that were pulled, each in a folder of its name; the first file where one is in pieces."""
    found: dict[Path, Path] = {}
    for file in sorted(places.models_folder.glob("*/*.gguf")):
        found.setdefault(file.parent, file)
    return list(found.values())


def model_in_use(places: Places, settings: Settings) -> InstalledModel:
    """The local model that the settings mean. Raises ModelError where it is not there, or where several could be."""
    return _described(*name_and_file_in_use(places, settings), places)


def name_and_file_in_use(places: Places, settings: Settings) -> tuple[str, Path]:
    """The same without its checksum, which may take a while. Raises ModelError."""
    wanted = settings.model
    if wanted == NO_MODEL:
        raise ModelError(
            'No local model is used: the settings say model = "none".', f"`sleepy model use {SEED}`. {PULL}"
        )
    if wanted.endswith(".gguf") or "/" in wanted:
        file = Path(wanted).expanduser()
        if not file.is_file():
            raise ModelError(f"The model {file} of the settings is not there.", f"Correct that path. {PULL}")
        return file.stem, file
    files = [file for file in installed_files(places) if wanted in ("", file.parent.name)]
    shipped = shipped_file(places)
    if not files and shipped is not None and wanted in ("", SEED):
        return SEED, shipped
    if not files:
        raise ModelError(f"The model {wanted} is not there." if wanted else "There is no local model.", PULL)
    if len(files) > 1:
        names = ", ".join(file.parent.name for file in files)
        raise ModelError(f"Several models are there: {names}.", "`sleepy model use NAME` chooses one.")
    return files[0].parent.name, files[0]


def _described(name: str, file: Path, places: Places) -> InstalledModel:
    if file == places.shipped_model and (sha256 := known_sha256(file)):
        return InstalledModel(name, file, sha256)
    try:
        record = json.loads((file.parent / "info.json").read_text(encoding="utf-8"))
        # Beside a file from elsewhere lies something of somebody else by that name.
        if file.parent.parent == places.models_folder and SHA256.fullmatch(record["sha256"]):
            return InstalledModel(name, file, record["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        return InstalledModel(name, file, remembered_sha256(file, places.cache / "model-checksums.json"))
    except OSError as error:
        raise ModelError(f"The model {file} cannot be read: {error.strerror}.", "Check its permissions.") from error


def remembered_sha256(file: Path, memory: Path) -> str:
    """The checksum of a file of gigabytes, computed once for each state of it. Raises OSError for the file itself."""
    stat = file.stat()
    place = f"{file.resolve()} "
    key = f"{place}{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"
    try:
        known = {str(one): str(sha256) for one, sha256 in json.loads(memory.read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        known = {}
    if key not in known:
        # What it was before is of no use any more.
        known = {one: sha256 for one, sha256 in known.items() if not one.startswith(place)}
        known[key] = sha256_of(file)
        with suppress(CannotWrite):
            write_atomically(memory, json.dumps(known).encode())
    return known[key]
