"""What a model hub says: what a reference means, where a file is, its size and checksum, and why there is none.

All through huggingface_hub, which knows mirrors (HF_ENDPOINT), proxies, tokens, and its cache of files that other
programs fetched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from sleepy_agent import __version__
from sleepy_agent.errors import ModelError
from sleepy_agent.serving.manifest import SHA256, sha256_of
from sleepy_agent.serving.models.installed import LIST, PART_SUFFIX, KnownModel, known_models, refuse_name
from sleepy_agent.serving.models.shipped import SEED

OFFLINE_VARIABLES: Final = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
TRUE_WORDS: Final = frozenset({"1", "on", "yes", "true"})
CACHE_VARIABLE: Final = "HF_HUB_CACHE"
TELEMETRY_VARIABLE: Final = "HF_HUB_DISABLE_TELEMETRY"
REFERENCE: Final = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)/(?P<file>[\w./ +-]+\.gguf)", re.ASCII)
SPLIT: Final = re.compile(r"-\d{5}-of-\d{5}\.gguf$")
"""How llama.cpp names the parts of a model that was cut up."""
BROKEN_OFF: Final = "What was fetched is kept: the same command goes on from there."


@dataclass(frozen=True, slots=True)
class WantedModel:
    """What to fetch, and what it shall be called here."""

    name: str
    repository: str
    file: str
    revision: str = "main"
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub describes it; `url` names its commit, so that it cannot change while it is fetched."""

    url: str
    revision: str
    sha256: str
    size_bytes: int


def wanted_model(reference: str, name: str | None = None, revision: str = "main") -> WantedModel:
    """What `NAME` of the catalogue or `OWNER/REPOSITORY/FILE.gguf` means. Raises ModelError."""
    if reference == SEED:
        raise ModelError(f"The model {SEED} comes with Sleepy.", f"`sleepy model use {SEED}` uses it.")
    known = next((model for model in known_models() if model.name == reference), None)
    match = REFERENCE.fullmatch(reference)
    if known is None and match is None:
        remedy = f"Write a name of the list, or OWNER/REPOSITORY/FILE.gguf for any other model. {LIST}"
        raise ModelError(f"There is no model {reference!r} to fetch.", remedy)
    if known is not None:
        wanted = _of_catalogue(known, revision)
    else:
        assert match is not None
        wanted = WantedModel(PurePosixPath(match["file"]).stem.lower(), match["repository"], match["file"], revision)
    called = wanted.name if name is None else name
    refuse_name(called)
    if SPLIT.search(wanted.file):
        raise ModelError(
            f"{wanted.file} is one of several parts of a model.", "Choose a file of that repository that is whole."
        )
    if any(part in ("", ".", "..") for part in wanted.file.split("/")):
        raise ModelError(f"{wanted.file} is no path of a file.", "Write OWNER/REPOSITORY/FILE.gguf.")
    return WantedModel(called, wanted.repository, wanted.file, wanted.revision, wanted.licence)


def _of_catalogue(known: KnownModel, revision: str) -> WantedModel:
    return WantedModel(known.name, known.repository, known.file, revision, known.licence)


def refuse_telemetry() -> None:
    """Before huggingface_hub is imported, which reads this once: otherwise it asks the hub for a list of programs to
    recognise, and tells it which one it runs in."""
    os.environ.setdefault(TELEMETRY_VARIABLE, "1")


def is_offline(environment: Mapping[str, str]) -> bool:
    """Whether the user wants nothing to be fetched."""
    return any(environment.get(name, "").lower() in TRUE_WORDS for name in OFFLINE_VARIABLES)


def endpoint_of(environment: Mapping[str, str]) -> str:
    """The hub, or the mirror that stands in for it."""
    from huggingface_hub import constants

    # Its own constant was read from the environment of this process; tests have another one.
    return environment.get("HF_ENDPOINT", "").rstrip("/") or constants.ENDPOINT


def find_remote(wanted: WantedModel, endpoint: str, answer_seconds: float) -> RemoteFile:
    """Ask the hub about a file. Raises huggingface_hub's errors, and ModelError for an answer without a checksum."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(wanted.repository, wanted.file, revision=wanted.revision, endpoint=endpoint)
    found = get_hf_file_metadata(
        url, timeout=answer_seconds, library_name="sleepy-coder", library_version=__version__, endpoint=endpoint
    )
    if found.commit_hash is None or found.size is None or not SHA256.fullmatch(found.etag or ""):
        raise ModelError(
            f"{endpoint} does not say the size, the version and the checksum of {wanted.file}.",
            "Set HF_ENDPOINT to a server that does, or fetch the file by hand and say `sleepy model use FILE.gguf`.",
        )
    assert found.etag is not None
    pinned = hf_hub_url(wanted.repository, wanted.file, revision=found.commit_hash, endpoint=endpoint)
    return RemoteFile(pinned, found.commit_hash, found.etag, found.size)


def cached_file(wanted: WantedModel, revision: str, environment: Mapping[str, str]) -> tuple[Path, RemoteFile] | None:
    """A file that another program fetched into huggingface_hub's cache, and what is known of it; None without one."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        wanted.repository, wanted.file, revision=revision, cache_dir=environment.get(CACHE_VARIABLE) or None
    )
    if not isinstance(found, str):
        return None
    file = Path(found)
    # <commit>/<file> is a link to a blob that is called by its checksum, where the system has links; that blob may
    # be a link in its turn, to a name of another kind.
    blob = file.readlink().name if file.is_symlink() else ""
    commit = file.parts[-len(wanted.file.split("/")) - 1]
    try:
        sha256 = blob if SHA256.fullmatch(blob) else sha256_of(file)
        return file, RemoteFile("", commit, sha256, file.stat().st_size)
    except OSError:
        return None


@contextmanager
def hub_errors(wanted: WantedModel, endpoint: str, folder: Path) -> Iterator[None]:
    """Turn what huggingface_hub raises into one sentence and its remedy."""
    import httpx2
    from huggingface_hub import errors

    by_hand = "or fetch the file by hand and say `sleepy model use FILE.gguf`."
    try:
        yield
    except errors.OfflineModeIsEnabled as error:
        raise offline() from error
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{wanted.repository} wants you to agree to its terms first.",
            f"Do so at {endpoint}/{wanted.repository}, and set HF_TOKEN to a token of yours.",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"{endpoint} has no repository {wanted.repository}, or not for you.",
            "Check its name; for a private one set HF_TOKEN to a token that may read it.",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(
            f"{wanted.repository} has no revision {wanted.revision}.", "Check --revision, or leave it out."
        ) from error
    except errors.EntryNotFoundError as error:
        raise ModelError(
            f"{wanted.repository} has no file {wanted.file}.", f"See {endpoint}/{wanted.repository} for its files."
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise ModelError(
                f"{endpoint} does not let you have {wanted.file} (HTTP status {status}).",
                "Set HF_TOKEN to a token that may read it, or unset one that is out of date.",
            ) from error
        reason = "is asked too much at the moment" if status == 429 else f"answered with HTTP status {status}"
        raise ModelError(f"{endpoint} {reason}.", f"Try again later, {by_hand}{what_is_kept(folder)}") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, errors.HFValidationError) as error:
        why = (str(error) or type(error).__name__).strip().rstrip(".").splitlines()[0]
        raise ModelError(
            f"{endpoint} cannot be reached: {why}.",
            f"Check the network and the proxy (HTTPS_PROXY), set HF_ENDPOINT to a mirror, {by_hand}"
            f"{what_is_kept(folder)}",
        ) from error


def what_is_kept(folder: Path) -> str:
    """A sentence about a file that is there in part."""
    return f" {BROKEN_OFF}" if any(folder.glob(f"*{PART_SUFFIX}")) else ""


def offline() -> ModelError:
    """Nothing is to be fetched."""
    return ModelError(
        f"Nothing is fetched, because {' or '.join(OFFLINE_VARIABLES)} is set.",
        "Unset it, or bring the file here by other means and say `sleepy model use FILE.gguf`.",
    )
