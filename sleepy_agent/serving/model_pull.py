"""Fetch a GGUF file from a model hub: goes on where it was broken off, and keeps only what has the right checksum.

huggingface_hub answers where a file is, how large it is and what its checksum is, knows mirrors (HF_ENDPOINT), proxies
and tokens. Its own download forgets a file that was broken off when the process ends (since 1.0), so the bytes
themselves are fetched here, in its session.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from sleepy_agent import __version__
from sleepy_agent.config import Places
from sleepy_agent.errors import ModelError, cannot_write
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.gguf_header import validate_base
from sleepy_agent.serving.manifest import SHA256, sha256_of
from sleepy_agent.serving.models import (
    INFO_NAME,
    LIST,
    MODEL_NAME,
    PART_SUFFIX,
    KnownModel,
    ModelRecord,
    alone_with,
    known_models,
    read_record,
    write_record,
)

if TYPE_CHECKING:
    from io import BufferedIOBase

OFFLINE_VARIABLES: Final = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
TRUE_WORDS: Final = frozenset({"1", "on", "yes", "true"})
TELEMETRY_VARIABLE: Final = "HF_HUB_DISABLE_TELEMETRY"
DISK_RESERVE_BYTES: Final = 256 << 20
"""So much stays free on the disk: a system without any is no fun, and episodes are written there, too."""
ANSWER_SECONDS: Final = 20.0
RETRY_PAUSES_SECONDS: Final = (1.0, 2.0, 4.0, 8.0)
"""Before each new try after the connection broke off; what arrived in between makes it start over with the first."""
REFERENCE: Final = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)/(?P<file>[\w./ +-]+\.gguf)", re.ASCII)
SPLIT: Final = re.compile(r"-\d{5}-of-\d{5}\.gguf$")
"""How llama.cpp names the parts of a model that was cut up."""
BROKEN_OFF: Final = "What was fetched is kept: the same command goes on from there."


class PullStage(StrEnum):
    """What is being done."""

    FETCHING = "fetching"
    WAITING = "waiting"
    CHECKING = "checking"


@dataclass(frozen=True, slots=True)
class PullProgress:
    """So many bytes of the file are here."""

    stage: PullStage
    done_bytes: int
    total_bytes: int


OnProgress = Callable[[PullProgress], None]


@dataclass(frozen=True, slots=True)
class WantedModel:
    """What to fetch, and what it shall be called here."""

    name: str
    repository: str
    file: str
    revision: str = "main"
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is here now. `fetched_bytes`: what had to be fetched for that; 0: it was there already."""

    name: str
    file: Path
    record: ModelRecord
    fetched_bytes: int


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as the hub describes it; `url` names its commit, so that it cannot change while it is fetched."""

    url: str
    revision: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PullLimits:
    """What tests make smaller. `free_bytes`: of the disk that a folder lies on."""

    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    retry_pauses: Sequence[float] = RETRY_PAUSES_SECONDS
    answer_seconds: float = ANSWER_SECONDS


def wanted_model(reference: str, name: str | None = None, revision: str = "main") -> WantedModel:
    """What `NAME` of the catalogue or `OWNER/REPOSITORY/FILE.gguf` means. Raises ModelError."""
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
    if not MODEL_NAME.fullmatch(called) or called.endswith(".gguf"):
        raise ModelError(
            f"A model cannot be called {called!r}.", "Give it a --name of small letters, digits, dots and dashes."
        )
    if SPLIT.search(wanted.file):
        raise ModelError(
            f"{wanted.file} is one of several parts of a model.", "Choose a file of that repository that is whole."
        )
    if any(part in ("", ".", "..") for part in wanted.file.split("/")):
        raise ModelError(f"{wanted.file} is no path of a file.", "Write OWNER/REPOSITORY/FILE.gguf.")
    return WantedModel(called, wanted.repository, wanted.file, wanted.revision, wanted.licence)


def _of_catalogue(known: KnownModel, revision: str) -> WantedModel:
    return WantedModel(known.name, known.repository, known.file, revision, known.licence)


def pull_model(
    places: Places,
    wanted: WantedModel,
    environment: Mapping[str, str],
    on_progress: OnProgress,
    cancel: CancelToken,
    limits: PullLimits | None = None,
) -> Pulled:
    """Fetch a model, or go on with one that was broken off, and check it.

    Raises ModelError where the hub cannot be reached or has no such file, where the disk is too small, and for what is
    damaged or no model (it is deleted again); CannotWrite; Interrupted.
    """
    limits = limits or PullLimits()
    folder = places.models_folder / wanted.name
    with alone_with(places, wanted.name):
        record = read_record(folder)
        if record is not None and (record.repository, record.file) != (wanted.repository, wanted.file):
            raise ModelError(
                f"There is another model called {wanted.name} here, from {record.repository}.",
                "Give the new one another name with --name, or remove the old one (`sleepy model rm`).",
            )
        target = folder / PurePosixPath(wanted.file).name
        if is_offline(environment):
            if record is not None and target.is_file():
                return Pulled(wanted.name, target, record, 0)
            raise offline()
        with hub_errors(wanted, endpoint_of(environment), folder):
            remote = find_remote(wanted, endpoint_of(environment), limits)
            if record is not None and record.sha256 == remote.sha256 and target.is_file():
                return Pulled(wanted.name, target, record, 0)
            part = folder / f"{remote.sha256}{PART_SUFFIX}"
            fetched = fetch(remote, part, on_progress, cancel, limits)
        on_progress(PullProgress(PullStage.CHECKING, remote.size_bytes, remote.size_bytes))
        licence = check(part, remote, wanted)
        record = ModelRecord(
            repository=wanted.repository,
            file=wanted.file,
            revision=remote.revision,
            endpoint=endpoint_of(environment),
            sha256=remote.sha256,
            size_bytes=remote.size_bytes,
            licence=licence,
            fetched=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        put_in_place(part, target, record)
        return Pulled(wanted.name, target, record, fetched)


def is_offline(environment: Mapping[str, str]) -> bool:
    """Whether the user wants nothing to be fetched."""
    return any(environment.get(name, "").lower() in TRUE_WORDS for name in OFFLINE_VARIABLES)


def endpoint_of(environment: Mapping[str, str]) -> str:
    """The hub, or the mirror that stands in for it."""
    from huggingface_hub import constants

    # Its own constant was read from the environment of this process; tests have another one.
    return environment.get("HF_ENDPOINT", "").rstrip("/") or constants.ENDPOINT


def find_remote(wanted: WantedModel, endpoint: str, limits: PullLimits) -> RemoteFile:
    """Ask the hub about a file. Raises huggingface_hub's errors, and ModelError for an answer without a checksum."""
    # Otherwise it asks the hub for a list of programs to recognise, and tells it which one it runs in.
    os.environ.setdefault(TELEMETRY_VARIABLE, "1")
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    url = hf_hub_url(wanted.repository, wanted.file, revision=wanted.revision, endpoint=endpoint)
    found = get_hf_file_metadata(
        url, timeout=limits.answer_seconds, library_name="sleepy-coder", library_version=__version__, endpoint=endpoint
    )
    if found.commit_hash is None or found.size is None or not SHA256.fullmatch(found.etag or ""):
        raise ModelError(
            f"{endpoint} does not say the size, the version and the checksum of {wanted.file}.",
            "Set HF_ENDPOINT to a server that does, or fetch the file by hand and say `sleepy model use FILE.gguf`.",
        )
    assert found.etag is not None
    pinned = hf_hub_url(wanted.repository, wanted.file, revision=found.commit_hash, endpoint=endpoint)
    return RemoteFile(pinned, found.commit_hash, found.etag, found.size)


def fetch(remote: RemoteFile, part: Path, on_progress: OnProgress, cancel: CancelToken, limits: PullLimits) -> int:
    """Make `part` as long as the file, beginning with what it has. Returns how many bytes had to be fetched."""
    import httpx2

    check_disk(remote, part, limits)
    began = here = _length(part)
    tries = iter(limits.retry_pauses)
    while here < remote.size_bytes:
        cancel.raise_if_cancelled()
        failure: httpx2.TransportError
        try:
            fetch_rest(remote, part, on_progress, cancel, limits)
            failure = httpx2.RemoteProtocolError("the server sent less than it announced")
        except (httpx2.NetworkError, httpx2.TimeoutException, httpx2.RemoteProtocolError) as error:
            failure = error
        before, here = here, _length(part)
        if here > before:
            tries = iter(limits.retry_pauses)
        if here < remote.size_bytes:
            pause = next(tries, None)
            if pause is None:
                raise failure
            on_progress(PullProgress(PullStage.WAITING, here, remote.size_bytes))
            threading.Event().wait(pause)
    return remote.size_bytes - began


def check_disk(remote: RemoteFile, part: Path, limits: PullLimits) -> None:
    """Raise ModelError where the disk has no room for the rest of a file."""
    folder = part.parent
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # What is left of other versions of the file is of no use for this one.
        for other in folder.glob(f"*{PART_SUFFIX}"):
            if other != part:
                other.unlink()
        if _length(part) > remote.size_bytes:
            part.unlink()
        free = limits.free_bytes(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    needed = remote.size_bytes - _length(part)
    if needed and needed + DISK_RESERVE_BYTES > free:
        raise ModelError(
            f"The disk of {folder} has too little room: {needed / 1e9:.1f} GB are to be fetched and {free / 1e9:.1f} GB"
            " are free.",
            "Free some space (`sleepy model rm` removes a model), or move Sleepy to another disk with SLEEPY_HOME.",
        )


def fetch_rest(
    remote: RemoteFile, part: Path, on_progress: OnProgress, cancel: CancelToken, limits: PullLimits
) -> None:
    """One request for what is missing. The bytes are in the file as soon as they are here."""
    from huggingface_hub import get_session, hf_raise_for_status
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined] # loaded lazily, so unseen

    here = _length(part)
    headers = build_hf_headers(library_name="sleepy-coder", library_version=__version__)
    # A compressed answer has other offsets than the file.
    headers |= {"Accept-Encoding": "identity"} | ({"Range": f"bytes={here}-"} if here else {})
    with get_session().stream(
        "GET", remote.url, headers=headers, follow_redirects=True, timeout=limits.answer_seconds
    ) as response:
        hf_raise_for_status(response)
        starts = starting_offset(response.status_code, response.headers.get("Content-Range", ""))
        if starts not in (0, here):
            raise ModelError(f"{remote.url} sent another part of the file than was asked for.", "Try another mirror.")
        with opened(part, starts) as stream:
            done = starts
            on_progress(PullProgress(PullStage.FETCHING, done, remote.size_bytes))
            for chunk in response.iter_bytes():
                cancel.raise_if_cancelled()
                done += len(chunk)
                if done > remote.size_bytes:
                    # Not to be gone on with: nobody knows which bytes are the file's.
                    part.unlink()
                    raise ModelError(
                        f"{remote.url} sent more than the {remote.size_bytes} bytes that it announced.",
                        "Run the same command again, or set HF_ENDPOINT to another mirror.",
                    )
                write(stream, chunk, part)
                on_progress(PullProgress(PullStage.FETCHING, done, remote.size_bytes))


def starting_offset(status: int, content_range: str) -> int | None:
    """Where the body of an answer begins in the file: a server that knows no ranges sends all of it (RFC 9110, 14)."""
    if status != 206:
        return 0
    match = re.match(r"bytes (\d+)-", content_range)
    return int(match[1]) if match else None


@contextmanager
def opened(part: Path, offset: int) -> Iterator[BufferedIOBase | Any]:
    """The file, to be written from `offset` on; not buffered, so that a process that is killed loses nothing."""
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        stream = os.fdopen(descriptor, "wb", buffering=0)
        stream.seek(offset)
        if offset == 0:
            # The server began from the start although more was here.
            with suppress(OSError):
                stream.truncate()
    except OSError as error:
        raise cannot_write(part, error) from error
    with stream:
        yield stream


def write(stream: Any, chunk: bytes, part: Path) -> None:
    """Append, whole. Raises CannotWrite."""
    left = memoryview(chunk)
    try:
        while left:
            left = left[stream.write(left) :]
    except OSError as error:
        raise cannot_write(part, error) from error


def check(part: Path, remote: RemoteFile, wanted: WantedModel) -> str | None:
    """Make sure that a file is the one the hub means, and a model. Returns its licence, as far as it is known.

    Raises ModelError; the file is deleted then.
    """
    try:
        with part.open("rb+") as stream:
            os.fsync(stream.fileno())
        is_right = sha256_of(part) == remote.sha256
    except OSError as error:
        raise cannot_write(part, error) from error
    if not is_right:
        part.unlink()
        raise ModelError(
            f"{wanted.file} was damaged on its way: it has not the checksum that the server names. It was deleted.",
            "Run the same command again; if that happens twice, set HF_ENDPOINT to another mirror.",
        )
    try:
        said = validate_base(part).values.get("general.license")
    except ModelError as error:
        part.unlink()
        why = error.message.replace(part.name, PurePosixPath(wanted.file).name)
        raise ModelError(f"{why} It was deleted.", f"Fetch another model. {LIST}") from error
    return wanted.licence or (said if isinstance(said, str) else None)


def put_in_place(part: Path, target: Path, record: ModelRecord) -> None:
    """Give the file its name, and write down where it came from. Raises CannotWrite."""
    folder = target.parent
    try:
        # A power cut in between leaves a model without a record, never with the record of another one.
        (folder / INFO_NAME).unlink(missing_ok=True)
        part.replace(target)
        for other in folder.glob("*.gguf"):
            if other != target:
                other.unlink()
    except OSError as error:
        raise cannot_write(target, error) from error
    write_record(folder, record)


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


def _length(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
