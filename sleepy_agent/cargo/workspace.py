"""Read a cargo workspace: its packages, its path dependencies and what they depend on (`cargo metadata`)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sleepy_agent.cargo.toolchain import cargo_environment, no_toolchain
from sleepy_agent.config import Settings
from sleepy_agent.errors import BrokenManifest, NoCargoProject, RecordingFailed, SleepyError
from sleepy_agent.process import CancelToken, run_process


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the workspace, or one that it depends on."""

    name: str
    version: str
    manifest: Path
    edition: str
    is_local: bool
    """Whether its sources are the user's: a member or a path dependency (cargo: `source` is null)."""
    is_member: bool
    dependencies: tuple[str, ...]
    features: tuple[str, ...]
    source_files: tuple[Path, ...]
    """The root source files of its targets."""

    @property
    def folder(self) -> Path:
        return self.manifest.parent


@dataclass(frozen=True, slots=True)
class Workspace:
    """A cargo workspace as `cargo metadata` tells it."""

    root: Path
    target_directory: Path
    packages: tuple[Package, ...]
    depended_on_by_registry: frozenset[Path]
    """Folders of local packages that a registry package depends on (a `[patch]`): they are really compiled."""

    @property
    def local_packages(self) -> tuple[Package, ...]:
        return tuple(package for package in self.packages if package.is_local)

    @property
    def manifests(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys([self.root / "Cargo.toml", *(p.manifest for p in self.local_packages)]))

    @property
    def source_roots(self) -> tuple[Path, ...]:
        """The workspace root and the folders of path dependencies outside it, none inside another."""
        folders = sorted({self.root, *(package.folder for package in self.local_packages)})
        roots: list[Path] = []
        for folder in folders:
            if not any(folder.is_relative_to(root) for root in roots):
                roots.append(folder)
        return tuple(roots)


@dataclass(frozen=True, slots=True)
class LockNeedsUpdate:
    """Cargo.lock is missing or does not fit the manifests: reading on would write into the user's tree."""

    root: Path


def feature_arguments(settings: Settings) -> list[str]:
    """The feature selection of the settings, as cargo's options."""
    arguments = ["--all-features"] if settings.all_features else []
    if settings.no_default_features:
        arguments.append("--no-default-features")
    if settings.features:
        arguments += ["--features", ",".join(settings.features)]
    return arguments


def find_workspace_root(folder: Path, cancel: CancelToken | None = None) -> Path:
    """The root folder of the workspace that `folder` belongs to.

    Raises NoCargoProject, BrokenManifest or NoToolchain.
    """
    outcome = run_process(
        ["cargo", "locate-project", "--workspace", "--message-format", "plain"],
        cwd=folder,
        environment=cargo_environment(),
        cancel=cancel,
    )
    if cancel:
        cancel.raise_if_cancelled()
    if outcome.start_error or not outcome.succeeded:
        raise explain_cargo_failure(outcome.stderr.decode(errors="replace"), folder, outcome.start_error)
    return Path(outcome.stdout.decode().strip()).parent


def read_workspace(
    root: Path, settings: Settings, *, may_write_lock: bool = False, cancel: CancelToken | None = None
) -> Workspace | LockNeedsUpdate:
    """Run `cargo metadata` in `root`; nothing is written there unless `may_write_lock` (our own copy).

    Raises BrokenManifest, RecordingFailed or NoToolchain with a remedy.
    """
    command = ["cargo", "metadata", "--format-version", "1", *feature_arguments(settings)]
    if not may_write_lock:
        command.append("--locked")
    outcome = run_process(command, cwd=root, environment=cargo_environment(), cancel=cancel)
    if cancel:
        cancel.raise_if_cancelled()
    if outcome.start_error or not outcome.succeeded:
        stderr = outcome.stderr.decode(errors="replace")
        if not may_write_lock and re.search(r"--locked was passed|lock file .* needs to be updated", stderr):
            return LockNeedsUpdate(root)
        raise explain_cargo_failure(stderr, root, outcome.start_error)
    return parse_metadata(json.loads(outcome.stdout))


def parse_metadata(metadata: dict[str, Any]) -> Workspace:
    """Cargo's metadata (format version 1) as records."""
    members = set(metadata["workspace_members"])
    local_ids = {package["id"] for package in metadata["packages"] if package["source"] is None}
    nodes = (metadata.get("resolve") or {}).get("nodes", [])
    patched = {
        dependency["pkg"]
        for node in nodes
        if node["id"] not in local_ids
        for dependency in node["deps"]
        if dependency["pkg"] in local_ids
    }
    # What a patched package needs must be real as well.
    by_id = {node["id"]: [dependency["pkg"] for dependency in node["deps"]] for node in nodes}
    waiting = list(patched)
    while waiting:
        for dependency in by_id.get(waiting.pop(), []):
            if dependency in local_ids and dependency not in patched:
                patched.add(dependency)
                waiting.append(dependency)
    packages = tuple(
        Package(
            name=package["name"],
            version=package["version"],
            manifest=Path(package["manifest_path"]),
            edition=package["edition"],
            is_local=package["source"] is None,
            is_member=package["id"] in members,
            dependencies=tuple(
                dependency.get("rename") or dependency["name"] for dependency in package["dependencies"]
            ),
            features=tuple(package["features"]),
            source_files=tuple(Path(target["src_path"]) for target in package["targets"]),
        )
        for package in metadata["packages"]
    )
    folders = {package["id"]: Path(package["manifest_path"]).parent for package in metadata["packages"]}
    return Workspace(
        root=Path(metadata["workspace_root"]),
        target_directory=Path(metadata["target_directory"]),
        packages=packages,
        depended_on_by_registry=frozenset(folders[identifier] for identifier in patched),
    )


# What cargo says, and what that means for the user. The first that matches wins.
CARGO_FAILURES: Sequence[tuple[str, type[SleepyError], str, str]] = (
    (
        r"could not find `Cargo\.toml`|manifest path `[^`]*` does not exist|no such file or directory.*Cargo\.toml",
        NoCargoProject,
        "There is no cargo project in {folder} or above it.",
        "Go to a folder with a Cargo.toml, or name one: `sleepy fix PATH`.",
    ),
    (
        r"failed to parse lock file|failed to read lock file",
        BrokenManifest,
        "Cargo cannot read the lock file of {folder}: {last}.",
        "Mend Cargo.lock (`git checkout Cargo.lock`, say), or delete it: cargo then writes a new one.",
    ),
    (
        r"failed to read `[^`]*Cargo\.toml`",
        BrokenManifest,
        "The project in {folder} names a package that is not there: {last_read}.",
        "Put that package there, or mend the path in the manifest that names it.",
    ),
    (
        r"failed to get `|failed to download|network|unable to update|failed to fetch|no matching package|offline",
        RecordingFailed,
        "Cargo could not get the dependencies of {folder}: {first}.",
        "Run `cargo fetch` there while you are online, then run the same command again.",
    ),
    (
        r".",
        BrokenManifest,
        "Cargo cannot read the project in {folder}: {first}.",
        "Mend the manifest; `cargo metadata` in that folder shows the whole message.",
    ),
)


def explain_cargo_failure(stderr: str, folder: Path, start_error: OSError | None) -> SleepyError:
    """Turn what cargo printed into the error of the tree that fits, with its remedy."""
    if start_error is not None:
        if not folder.is_dir():
            return NoCargoProject(f"There is no folder {folder}.", "Name a folder with a Cargo.toml in it.")
        return no_toolchain("", missing_program=True)
    if re.search(r"toolchain .* is not installed|no default is configured|rustup could not choose", stderr):
        return no_toolchain(stderr, missing_program=False)
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error")]
    causes = lines[lines.index("Caused by:") + 1 :] if "Caused by:" in lines else []
    first = ": ".join(dict.fromkeys([*errors[:1], *causes[:1]])).rstrip(".:") or "it gave no reason"
    last = lines[-1].rstrip(".:") if lines else first
    last_read = next((line for line in reversed(lines) if line.startswith("failed to read `")), last)
    for pattern, error, message, remedy in CARGO_FAILURES:
        if re.search(pattern, stderr, re.IGNORECASE):
            return error(message.format(folder=folder, first=first, last=last, last_read=last_read), remedy)
    return no_toolchain("error: cargo ends without a message", missing_program=False)
