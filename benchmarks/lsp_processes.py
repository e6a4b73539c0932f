"""Which processes an editor's servers are, and how much memory each holds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

import psutil

from benchmarks.lsp_editor import MARK_VARIABLE

MEBIBYTE = 1024 * 1024


class Role(StrEnum):
    """What a process is there for."""

    PROXY = "proxy"
    SERVER = "server"
    WORKER = "worker"
    COMPILER = "compiler"
    """cargo or rustc, started by a process of ours."""
    ANALYZER = "rust-analyzer"
    """It, and whatever it started."""
    OTHER = "other"


OURS = (Role.PROXY, Role.SERVER, Role.WORKER)


@dataclass(frozen=True, slots=True)
class MemorySample:
    """What one process of ours held. `rss`: all its pages; `pss`: shared ones only in part. In MiB."""

    role: Role
    process_id: int
    rss: float
    pss: float


def marked_processes(mark: str) -> list[psutil.Process]:
    """All running processes that were started with a mark in their environment, directly or not."""
    found = []
    for process in psutil.process_iter():
        # A process may end while it is looked at, and others' may not be looked at.
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK_VARIABLE) == mark:
                found.append(process)
    return found


def role_of(command: Sequence[str], ancestors: Sequence[Sequence[str]]) -> Role:
    """What a process does, from its command line and those of its ancestors, the parent first."""
    if ancestors and command == ancestors[0]:
        # Between fork and exec a process looks like its parent.
        return Role.OTHER
    if "sleepy_agent.live.worker" in command:
        return Role.WORKER
    if "--wrap" in command:
        return Role.PROXY
    if is_python(command) and "lsp" in command:
        return Role.SERVER
    lines = [command, *ancestors]
    if any("rust-analyzer" in line[0] for line in lines if line):
        return Role.ANALYZER
    if any("sleepy_agent.live.worker" in line for line in ancestors) and names_compiler(command):
        return Role.COMPILER
    return Role.OTHER


def is_python(command: Sequence[str]) -> bool:
    return bool(command) and "python" in command[0].rpartition("/")[2]


def names_compiler(command: Sequence[str]) -> bool:
    return bool(command) and command[0].rpartition("/")[2].startswith(("rustc", "cargo", "clippy-driver", "cc", "ld"))


def roles(mark: str) -> list[tuple[Role, psutil.Process]]:
    """The marked processes with what they do."""
    found = []
    for process in marked_processes(mark):
        with suppress(psutil.Error):
            ancestors = []
            for parent in process.parents():
                with suppress(psutil.Error):
                    ancestors.append(parent.cmdline())
            found.append((role_of(process.cmdline(), ancestors), process))
    return found


def memory_of_ours(mark: str) -> list[MemorySample]:
    """What the proxy, the server and the worker hold now."""
    samples = []
    for role, process in roles(mark):
        if role in OURS:
            with suppress(psutil.Error):
                held = process.memory_full_info()
                samples.append(MemorySample(role, process.pid, held.rss / MEBIBYTE, held.pss / MEBIBYTE))
    return samples


def compilers_running(mark: str) -> list[str]:
    """The command lines of compilers that a process of ours runs now."""
    found = []
    for role, process in roles(mark):
        if role is Role.COMPILER:
            with suppress(psutil.Error):
                found.append(" ".join(process.cmdline())[:200])
    return found
