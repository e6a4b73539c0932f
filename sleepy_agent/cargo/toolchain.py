"""Which cargo and rustc serve a folder, and the environment they are started with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.errors import NoToolchain
from sleepy_agent.process import CancelToken, run_process

EXECUTABLE_SUFFIX = ".exe" if os.name == "nt" else ""

# Variables that would change what cargo builds, or where, behind our back.
REMOVED_VARIABLES = (
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_MAKEFLAGS",
    "MAKEFLAGS",
)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The rustc that a folder's toolchain file or rustup's default selects, past rustup's proxy."""

    rustc: Path
    sysroot: Path
    version: str
    """All of `rustc -vV`."""

    @property
    def clippy_driver(self) -> Path:
        return self.rustc.with_name("clippy-driver" + EXECUTABLE_SUFFIX)


def cargo_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What our cargo and rustc calls see: the user's own, less what would redirect the build; rustup is told
    never to download a toolchain, and messages come in English without colour."""
    kept = {name: value for name, value in environment.items() if name not in REMOVED_VARIABLES}
    return kept | {"RUSTUP_AUTO_INSTALL": "0", "CARGO_TERM_COLOR": "never", "CARGO_TERM_PROGRESS_WHEN": "never"}


def cargo_build_environment(target_directory: Path) -> dict[str, str]:
    """`cargo_environment` for a cargo that builds: a configuration of the user's may neither send intermediate
    files into a build directory that the user's own cargo locks, nor put a wrapper before rustc (empty: none)."""
    return cargo_environment() | {"CARGO_BUILD_BUILD_DIR": str(target_directory), "RUSTC_WORKSPACE_WRAPPER": ""}


def find_toolchain(folder: Path, cancel: CancelToken | None = None) -> Toolchain:
    """Ask rustc, started in `folder`, where it really lives.

    Raises NoToolchain when none can be started there.
    """
    environment = cargo_environment()
    sysroot = run_process(["rustc", "--print", "sysroot"], cwd=folder, environment=environment, cancel=cancel)
    version = run_process(["rustc", "-vV"], cwd=folder, environment=environment, cancel=cancel)
    if cancel:
        cancel.raise_if_cancelled()
    if sysroot.start_error or not sysroot.succeeded or not version.succeeded:
        raise no_toolchain(sysroot.stderr.decode(errors="replace"), missing_program=sysroot.start_error is not None)
    root = Path(sysroot.stdout.decode().strip())
    rustc = root / "bin" / ("rustc" + EXECUTABLE_SUFFIX)
    return Toolchain(rustc if rustc.exists() else Path("rustc"), root, version.stdout.decode())


def no_toolchain(stderr: str, *, missing_program: bool) -> NoToolchain:
    """The error for a cargo or rustc that does not start, saying why in one sentence."""
    if missing_program:
        return NoToolchain(
            "No Rust toolchain was found: cargo or rustc is not on PATH.",
            "Install Rust with rustup, or add its bin folder to PATH; `sleepy doctor` shows what is missing.",
        )
    first = next((line.removeprefix("error: ") for line in stderr.splitlines() if line.startswith("error")), "")
    return NoToolchain(
        f"The Rust toolchain of this folder cannot be used: {first or 'rustc does not start'}.",
        "Install the toolchain that the project's toolchain file names (`rustup toolchain install NAME`), "
        "or select one you have.",
    )
