"""Fetch a GGUF file from a model hub: goes on where it was broken off, and keeps only what has the right checksum.

huggingface_hub's own download forgets what it has when it is broken off (2.4 does), so the bytes themselves are fetched
here, in its session.
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
from typing import Any, Final

from sleepy_agent import __version__
from sleepy_agent.config import Places
from sleepy_agent.errors import ModelError, cannot_write
from sleepy_agent.process import CancelToken
from sleepy_agent.serving.files.gguf_header import validate_base
from sleepy_agent.serving.manifest import sha256_of
from sleepy_agent.serving.models.hub import (
    RemoteFile,
    WantedModel,
    cached_file,
    endpoint_of,
    find_remote,
    hub_errors,
    is_offline,
    offline,
    refuse_telemetry,
)
from sleepy_agent.serving.models.installed import (
    INFO_NAME,
    LIST,
    PART_SUFFIX,
    ModelRecord,
    alone_with,
    read_record,
    write_record,
)

DISK_RESERVE_BYTES: Final = 256 << 20
"""So much stays free on the disk: a system without any is no fun, and episodes are written there, too."""
ANSWER_SECONDS: Final = 20.0
RETRY_PAUSES_SECONDS: Final = (1.0, 2.0, 4.0, 8.0)
"""Before each new try after the connection broke off; what arrived in between makes it start over with the first."""


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
class Pulled:
    """A model that is here now. `is_new`: it was not before, or not in this version. `fetched_bytes`: what had to come
    over the network for that."""

    name: str
    file: Path
    record: ModelRecord
    is_new: bool
    fetched_bytes: int


@dataclass(frozen=True, slots=True)
class PullLimits:
    """What tests make smaller. `free_bytes`: of the disk that a folder lies on."""

    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    retry_pauses: Sequence[float] = RETRY_PAUSES_SECONDS
    answer_seconds: float = ANSWER_SECONDS


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
    refuse_telemetry()
    folder = places.models_folder / wanted.name
    with alone_with(places, wanted.name):
        record = read_record(folder)
        target = folder / PurePosixPath(wanted.file).name
        is_of_others = record is None and any(file != target for file in folder.glob("*.gguf"))
        if is_of_others or (record and (record.repository, record.file) != (wanted.repository, wanted.file)):
            whose = f"from {record.repository}" if record else "which was not fetched by this command"
            raise ModelError(
                f"There is another model called {wanted.name} here, {whose}.",
                "Give the new one another name with --name, or remove the old one (`sleepy model rm`).",
            )
        here = record if record is not None and is_as_fetched(target, record, on_progress) else None
        endpoint = endpoint_of(environment)
        with hub_errors(wanted, endpoint, folder):
            remote, cached = remote_and_cached(wanted, here is not None, environment, limits)
            if here is not None and (remote is None or here.sha256 == remote.sha256):
                return Pulled(wanted.name, target, here, is_new=False, fetched_bytes=0)
            assert remote is not None
            part = folder / f"{remote.sha256}{PART_SUFFIX}"
            fetched = 0 if copied(cached, part, remote, limits) else fetch(remote, part, on_progress, cancel, limits)
        on_progress(PullProgress(PullStage.CHECKING, remote.size_bytes, remote.size_bytes))
        licence = check(part, remote, wanted)
        record = ModelRecord(
            repository=wanted.repository,
            file=wanted.file,
            revision=remote.revision,
            endpoint=endpoint,
            sha256=remote.sha256,
            size_bytes=remote.size_bytes,
            licence=licence,
            fetched=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        put_in_place(part, target, record)
        return Pulled(wanted.name, target, record, is_new=True, fetched_bytes=fetched)


def is_as_fetched(file: Path, record: ModelRecord, on_progress: OnProgress) -> bool:
    """Whether a file is the one that was fetched. One that was cut or changed since is fetched anew."""
    if _length(file) != record.size_bytes:
        return False
    on_progress(PullProgress(PullStage.CHECKING, record.size_bytes, record.size_bytes))
    try:
        return sha256_of(file) == record.sha256
    except OSError:
        return False


def remote_and_cached(
    wanted: WantedModel, is_here: bool, environment: Mapping[str, str], limits: PullLimits
) -> tuple[RemoteFile | None, Path | None]:
    """The file as the hub describes it, and where another program has put it on this computer already.

    Where nothing may be fetched, only the latter counts; None, None then means that what is here has to do. Raises
    ModelError where there is nothing at all, and huggingface_hub's errors.
    """
    if not is_offline(environment):
        remote = find_remote(wanted, endpoint_of(environment), limits.answer_seconds)
        cached = cached_file(wanted, remote.revision, environment)
        return remote, cached[0] if cached is not None and cached[1].sha256 == remote.sha256 else None
    if is_here:
        return None, None
    cached = cached_file(wanted, wanted.revision, environment)
    if cached is None:
        raise offline()
    return cached[1], cached[0]


def copied(cached: Path | None, part: Path, remote: RemoteFile, limits: PullLimits) -> bool:
    """Take a file from a cache on this computer; False where there is none. Raises ModelError, CannotWrite."""
    if cached is None:
        return False
    check_disk(remote, part, limits)
    try:
        shutil.copyfile(cached, part)
    except OSError as error:
        raise cannot_write(part, error) from error
    return True


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
def opened(part: Path, offset: int) -> Iterator[Any]:
    """The file, to be written from `offset` on; not buffered, so that a process that is killed loses nothing."""
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        stream = os.fdopen(descriptor, "wb", buffering=0)
        stream.seek(offset)
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
        with suppress(OSError):
            # Where there was a model before, it stays.
            part.parent.rmdir()
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


def _length(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
