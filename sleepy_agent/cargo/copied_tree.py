"""Where a replay can't be trusted, cargo itself is asked, on a real copy of the tree in a folder of ours.

So are changes of manifests, and recordings of a tree that the user does not have on disk (an overlay on a
build script or a macro crate, a Cargo.lock that would have to be written first).
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from sleepy_agent.cargo.diagnostics import parse_diagnostics
from sleepy_agent.cargo.overlay import Mirror, Overlay, Placement, copy_now, is_copy_of, mirrored, unmirrored
from sleepy_agent.cargo.recorder import Tree, cargo_check_command, configuration_files
from sleepy_agent.cargo.toolchain import cargo_build_environment
from sleepy_agent.cargo.workspace import Workspace
from sleepy_agent.config import Settings
from sleepy_agent.domain import Diagnostic
from sleepy_agent.process import CancelToken, ProcessOutcome, run_process


@dataclass(frozen=True, slots=True)
class CargoAnswer:
    """What cargo said of a tree: diagnostics by package name. `built`: packages it came to at all."""

    succeeded: bool
    diagnostics: dict[str, tuple[Diagnostic, ...]]
    built: frozenset[str]
    stderr: str
    lock_file: bytes | None
    seconds: float


class CopiedTree:
    """The owner of the copy. Use by one thread at a time."""

    def __init__(self, folder: Path, workspace: Workspace) -> None:
        self._folder = folder
        self._workspace = workspace
        roots = workspace.source_roots
        excluded = (workspace.target_directory,)
        self._mirror = Mirror(folder / "sources", roots, excluded, Placement(copy_now, is_copy_of))
        self.root = folder / "sources"

    def lay(self, overlay: Overlay) -> Tree:
        """Bring the copy in line with the user's tree and put `overlay` over it."""
        above = [path for path in configuration_files(self._workspace.root) if path.is_file()]
        lock = self._workspace.root / "Cargo.lock"
        # The copy's own lock file stays when the user has none: cargo would only write it anew.
        kept_lock = None if lock.exists() or lock in overlay else self._read(lock)
        self._mirror.synchronise()
        for path in above:
            self._mirror.add_link(path)
        self._link_version_control()
        self._mirror.lay(overlay if kept_lock is None else {**overlay, lock: kept_lock})
        return Tree(self._workspace, self.root, overlay)

    def _read(self, path: Path) -> bytes | None:
        try:
            return mirrored(self.root, path).read_bytes()
        except OSError:
            return None

    def _link_version_control(self) -> None:
        """Build scripts ask git for the commit: let them find the repository."""
        for folder in (self._workspace.root, *self._workspace.root.parents):
            repository = folder / ".git"
            if repository.exists():
                target = mirrored(self.root, repository)
                if not os.path.lexists(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    try:
                        target.symlink_to(repository)
                    except OSError:
                        return
                return

    def check(self, target_directory: Path, settings: Settings, cancel: CancelToken | None) -> CargoAnswer:
        """`cargo check` of what was laid, offline: nothing is fetched to try an idea."""
        command = [*cargo_check_command(target_directory, settings, locked=False), "--offline"]
        outcome = run_process(
            command,
            cwd=mirrored(self.root, self._workspace.root),
            environment=cargo_build_environment(target_directory),
            timeout_seconds=settings.compile_timeout_seconds * 4,
            niceness=settings.niceness,
            cancel=cancel,
        )
        if cancel:
            cancel.raise_if_cancelled()
        lock = self._workspace.root / "Cargo.lock"
        return read_cargo_answer(outcome, self.root, self._workspace, self._read(lock))


def read_cargo_answer(
    outcome: ProcessOutcome, copy_root: Path | None, workspace: Workspace, lock_file: bytes | None
) -> CargoAnswer:
    """Sort the messages of a cargo run by package. `copy_root`: of the copied tree, None for the user's own."""
    names = {package.manifest: package.name for package in workspace.local_packages}
    lines: dict[str, list[bytes]] = {}
    built = set()
    for line in outcome.stdout.splitlines():
        if not line.startswith(b'{"reason":"compiler-'):
            continue
        manifest = Path(json.loads(line)["manifest_path"])
        name = names.get(unmirrored(copy_root, manifest) if copy_root else manifest)
        if name is not None:
            lines.setdefault(name, []).append(line)
            built.add(name)
    folder = mirrored(copy_root, workspace.root) if copy_root else workspace.root
    folders = {package.name: package.folder for package in workspace.local_packages}

    def user_path(name: str, package: str) -> Path:
        # Cargo runs rustc in the workspace root for members, and in the package's folder for the others.
        member = folders[package].is_relative_to(workspace.root)
        base = folder if member else (mirrored(copy_root, folders[package]) if copy_root else folders[package])
        path = Path(os.path.normpath(base / name))
        return unmirrored(copy_root, path) if copy_root else path

    diagnostics = {
        package: tuple(parse_diagnostics(messages, lambda name, package=package: user_path(name, package)))  # type: ignore[misc]
        for package, messages in lines.items()
    }
    return CargoAnswer(
        succeeded=outcome.succeeded,
        diagnostics=diagnostics,
        built=frozenset(built),
        stderr=outcome.stderr.decode(errors="replace"),
        lock_file=lock_file,
        seconds=outcome.seconds,
    )


def copy_target(seat: Path, folder: Path) -> Path:
    """The target directory of a seat's copy, begun with what is built already for the recording in `folder`.

    Not the recording's own: cargo names packages by their place in the workspace, so it would take the copy's crates
    for the user's and the user's for the copy's, whichever was built last.
    """
    target = seat / "copy-recording" / "target"
    built = folder / "recording" / "target"
    if not target.exists() and built.exists():
        ignored = shutil.ignore_patterns("incremental", "*.lock", ".cargo-lock")
        shutil.copytree(built, target, ignore=ignored, symlinks=True)
    return target
