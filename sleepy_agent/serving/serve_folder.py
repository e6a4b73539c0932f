"""The folder through which a user's server and its clients find each other: address, token, locks, log.

The server holds `server.lock` as long as it lives; the system frees it when the process dies, however it dies. So an
address counts only while somebody holds that lock, and no process id has to be believed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from sleepy_agent.config import Places
from sleepy_agent.errors import ModelError, cannot_write
from sleepy_agent.serving.manifest import write_atomically

TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{40,200}")
TOKEN_BYTES: Final = 32
LARGEST_LOG_BYTES: Final = 1 << 20
LAST_LINES_BYTES: Final = 4096
POSIX: Final = os.name == "posix"


@dataclass(frozen=True, slots=True)
class ServeFolder:
    """The files, all readable by their owner only."""

    folder: Path

    @property
    def address_file(self) -> Path:
        return self.folder / "address.json"

    @property
    def token_file(self) -> Path:
        return self.folder / "token"

    @property
    def server_lock(self) -> Path:
        return self.folder / "server.lock"

    @property
    def start_lock(self) -> Path:
        """Held by the client that is starting a server, so that two do not start one each."""
        return self.folder / "start.lock"

    @property
    def log_file(self) -> Path:
        return self.folder / "log.txt"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens. `version`: of Sleepy, so that an old server is replaced after an update."""

    pid: int
    port: int
    version: str

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def serve_folder_of(places: Places) -> ServeFolder:
    """The folder of this user. Nothing is made yet."""
    return ServeFolder(places.serve_folder)


def make_folder(files: ServeFolder) -> None:
    """Make the folder, for its owner only. Raises CannotWrite."""
    try:
        files.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if POSIX and files.folder.stat().st_mode & 0o077:
            files.folder.chmod(0o700)
    except OSError as error:
        raise cannot_write(files.folder, error) from error


def write_address(files: ServeFolder, address: Address) -> None:
    """Tell clients where the server is. Raises CannotWrite."""
    record = {"schema": 1, "pid": address.pid, "port": address.port, "version": address.version}
    write_atomically(files.address_file, json.dumps(record).encode())


def read_address(files: ServeFolder) -> Address | None:
    """Where the server that runs now listens; None where none runs, and for what a killed one left behind."""
    try:
        record: Any = json.loads(files.address_file.read_bytes())
        address = Address(int(record["pid"]), int(record["port"]), str(record["version"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return address if 0 < address.port < 1 << 16 and is_locked(files.server_lock) else None


def remove_address(files: ServeFolder) -> None:
    """Nobody listens any more."""
    with suppress(OSError):
        files.address_file.unlink()


def is_locked(lock_file: Path) -> bool:
    """Whether another process holds a lock. Never keeps it; who wants it must not give up at the first try."""
    if not lock_file.exists():
        return False
    lock = FileLock(lock_file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def read_token(files: ServeFolder) -> str:
    """The token that the server wants to hear. Raises ModelError where its file is damaged or open to others."""
    problem = token_problem(files)
    if problem:
        raise ModelError(
            f"The token of the model server ({files.token_file}) cannot be used: {problem}.",
            "`sleepy serve --stop` ends the server; the next one makes a new token.",
        )
    return files.token_file.read_text(encoding="ascii").strip()


def make_token(files: ServeFolder) -> str:
    """The token for a server that starts: the one there is, so that programs set up with it go on working, or a new
    one where that is damaged or was open to others. Raises CannotWrite."""
    if token_problem(files):
        write_atomically(files.token_file, secrets.token_urlsafe(TOKEN_BYTES).encode() + b"\n")
    return files.token_file.read_text(encoding="ascii").strip()


def token_problem(files: ServeFolder) -> str | None:
    """What is wrong with the token's file, None where nothing is."""
    try:
        stat = files.token_file.stat(follow_symlinks=False)
        text = files.token_file.read_text(encoding="ascii").strip()
    except UnicodeDecodeError:
        return "it is no text"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    if POSIX and (stat.st_mode & 0o077 or stat.st_uid != os.getuid()):
        return "others may read it"
    return None if TOKEN.fullmatch(text) else "it is damaged"


def rotate_log(files: ServeFolder) -> None:
    """Put a long log aside; one old one is kept."""
    with suppress(OSError):
        if files.log_file.stat().st_size > LARGEST_LOG_BYTES:
            files.log_file.replace(files.log_file.with_suffix(".old.txt"))


def last_lines_of_log(files: ServeFolder, start: int = 0) -> list[str]:
    """The last lines that were written after the first `start` bytes, without empty ones."""
    try:
        with files.log_file.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(start if start <= size else 0, size - LAST_LINES_BYTES))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]


def proof_of(token: str, challenge: str) -> str:
    """What only somebody who knows the token can answer to a challenge (HMAC-SHA-256, hexadecimal)."""
    return hmac.new(token.encode(), b"sleepy serve " + challenge.encode(), hashlib.sha256).hexdigest()
