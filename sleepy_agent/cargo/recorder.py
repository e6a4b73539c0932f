"""Learn the exact rustc call of every workspace crate and target, by letting cargo make them.

`cargo check` runs in a target directory of our own with `rustc_wrapper.py` in rustc's place. What it needs
(manifests, lock file, build scripts, macro crates, toolchain, flags) is remembered with hashes: a recording
is good until one of them changes.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from sleepy_agent.cargo import rustc_wrapper
from sleepy_agent.cargo.diagnostics import parse_diagnostics
from sleepy_agent.cargo.overlay import Overlay, mirrored, unmirrored
from sleepy_agent.cargo.toolchain import Toolchain, cargo_build_environment, cargo_environment
from sleepy_agent.cargo.units import Unit, parse_dependency_file, units_from_calls
from sleepy_agent.cargo.workspace import Workspace, explain_cargo_failure, feature_arguments
from sleepy_agent.checksums import sha256_of_text
from sleepy_agent.config import Settings
from sleepy_agent.domain import Level
from sleepy_agent.errors import RecordingFailed
from sleepy_agent.process import POSIX, CancelToken, run_process

RECORDING_VERSION = 3

# Variables that change what cargo asks of rustc; all of CARGO_* but cargo's own bookkeeping.
FLAG_VARIABLES = re.compile(r"RUSTFLAGS|RUSTC|RUSTC_BOOTSTRAP|RUSTUP_TOOLCHAIN|CARGO_(?!HOME$|TERM_|PKG_|MANIFEST_)\w+")


@dataclass(frozen=True, slots=True)
class Recording:
    """The rustc calls of a workspace. `failures`: what cargo could not build, one sentence each."""

    units: tuple[Unit, ...]
    target_directory: Path
    failures: tuple[str, ...]
    untrusted_packages: frozenset[str]
    """Packages whose replay disagreed with cargo: only cargo itself is asked about them."""
    inputs: Mapping[Path, str]
    """What a recording stands on: path -> hash (empty: the file was not there)."""
    is_compared: bool
    """Whether its replays were compared with cargo's own answer (agreement.py)."""

    def unit(self, unit_id: str) -> Unit:
        return next(unit for unit in self.units if unit.unit_id == unit_id)


NO_RECORDING = Recording((), Path(), (), frozenset(), {}, True)


@dataclass(frozen=True, slots=True)
class Tree:
    """The tree cargo works on: the user's own (`copy_root` None), or our copy with an overlay in it."""

    workspace: Workspace
    copy_root: Path | None
    overlay: Overlay

    @property
    def cargo_folder(self) -> Path:
        root = self.workspace.root
        return mirrored(self.copy_root, root) if self.copy_root else root

    def read(self, path: Path) -> bytes | None:
        if path in self.overlay:
            return self.overlay[path]
        try:
            return path.read_bytes()
        except OSError:
            return None


def hash_of(text: bytes | None) -> str:
    return sha256_of_text(text) if text is not None else ""


def configuration_files(root: Path) -> list[Path]:
    """Cargo's and rustup's files that may stand in `root` or any folder above it."""
    names = (".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain")
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    above = [folder / name for folder in (root, *root.parents) for name in names]
    return [*above, home / "config.toml", home / "config"]


def identity_of(workspace: Workspace, toolchain: Toolchain, settings: Settings) -> str:
    """What, beside files, makes two recordings the same: toolchain, flags, features, members, targets."""
    flags = {name: value for name, value in cargo_environment().items() if FLAG_VARIABLES.fullmatch(name)}
    members = [str(package.manifest) for package in workspace.local_packages]
    # Cargo finds targets by the names of files, without a word in any manifest.
    targets = sorted(str(file) for package in workspace.local_packages for file in package.source_files)
    parts = [RECORDING_VERSION, toolchain.version, sorted(flags.items()), feature_arguments(settings), members, targets]
    return json.dumps(parts, default=str)


def load_recording(folder: Path, tree: Tree, identity: str) -> Recording | None:
    """The recording in `folder`, when it still fits what the tree says now."""
    try:
        stored = json.loads((folder / "recording.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if stored.get("identity") != identity:
        return None
    inputs = {Path(path): digest for path, digest in stored["inputs"].items()}
    if any(hash_of(tree.read(path)) != digest for path, digest in inputs.items()):
        return None
    copy_root = Path(stored["copy_root"]) if stored["copy_root"] else None
    return Recording(
        units=units_from_calls(stored["calls"], copy_root),
        target_directory=folder / "target",
        failures=tuple(stored["failures"]),
        untrusted_packages=frozenset(stored["untrusted"]),
        inputs=inputs,
        is_compared=stored["compared"],
    )


def record(folder: Path, tree: Tree, identity: str, settings: Settings, cancel: CancelToken | None = None) -> Recording:
    """Let cargo call the wrapper for every unit of `tree` and keep what it asked in `folder`.

    Raises RecordingFailed where cargo does not come to call rustc for a single crate of the user's.
    """
    calls_folder = folder / "calls"
    with FileLock(folder / "recording.lock"):
        shutil.rmtree(calls_folder, ignore_errors=True)
        calls_folder.mkdir(parents=True)
        forget_local_packages(folder / "target", tree.workspace)
        outcome_lines, stderr = run_recording_cargo(folder, tree, settings, cancel)
        calls = [
            (path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(calls_folder.glob("*.json"))
        ]
        failures = recording_failures(outcome_lines, stderr, tree)
        if not calls:
            raise recording_failed(stderr, failures, tree)
        units = units_from_calls(calls, tree.copy_root)
        remove_own_metadata(folder / "target", units)
        recording = Recording(
            units=units,
            target_directory=folder / "target",
            failures=failures,
            untrusted_packages=frozenset(),
            inputs={path: hash_of(tree.read(path)) for path in recording_inputs(folder, tree, units)},
            is_compared=False,
        )
        save_recording(folder, tree, identity, recording, calls)
    return recording


def forget_local_packages(target_directory: Path, workspace: Workspace) -> None:
    """Make cargo call rustc for every crate of the user's again: what it thinks is up to date it does not call
    for, and a target that is gone must leave nothing behind."""
    names = {package.name for package in workspace.local_packages}
    for pattern in ("*/.fingerprint/*", "*/*/.fingerprint/*"):
        for fingerprint in target_directory.glob(pattern):
            if fingerprint.name.rpartition("-")[0] in names:
                shutil.rmtree(fingerprint, ignore_errors=True)


def run_recording_cargo(
    folder: Path, tree: Tree, settings: Settings, cancel: CancelToken | None
) -> tuple[list[bytes], str]:
    """Run `cargo check` with the wrapper; its standard output by lines, and its standard error."""
    environment = cargo_build_environment(folder / "target")
    local = {package.folder for package in tree.workspace.local_packages}
    real = tree.workspace.depended_on_by_registry

    def as_cargo_sees(path: Path) -> str:
        return str(mirrored(tree.copy_root, path) if tree.copy_root else path)

    configuration = {
        "calls": str(folder / "calls"),
        "local": sorted(as_cargo_sees(path) for path in local),
        "real": sorted(as_cargo_sees(path) for path in real),
        "environment": {name: hash_of(value.encode(errors="surrogateescape")) for name, value in environment.items()},
    }
    configuration_file = folder / "wrapper.json"
    # The environment may hold the user's secrets: only hashes of it are written, for nobody else to read, and
    # they do not outlive the run.
    descriptor = os.open(configuration_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as output:
        json.dump(configuration, output)
    command = cargo_check_command(folder / "target", settings, locked=tree.copy_root is None)
    environment |= {"SLEEPY_RECORDING": str(configuration_file), "RUSTC_WRAPPER": str(write_wrapper(folder))}
    try:
        outcome = run_process(command, cwd=tree.cargo_folder, environment=environment, cancel=cancel)
    finally:
        configuration_file.write_text("{}", encoding="utf-8")
    if cancel:
        cancel.raise_if_cancelled()
    stderr = outcome.stderr.decode(errors="replace")
    if outcome.start_error:
        raise explain_cargo_failure(stderr, tree.workspace.root, outcome.start_error)
    return outcome.stdout.splitlines(), stderr


def cargo_check_command(target_directory: Path, settings: Settings, *, locked: bool) -> list[str]:
    """`cargo check` of everything, going on behind errors, with JSON messages."""
    command = ["cargo", "check", "--workspace", "--all-targets", "--keep-going", "--message-format=json"]
    command += ["--target-dir", str(target_directory), *feature_arguments(settings)]
    return [*command, "--locked"] if locked else command


def write_wrapper(folder: Path) -> Path:
    """A small program that starts the wrapper with this Python, isolated from the user's environment."""
    script = Path(rustc_wrapper.__file__)
    if POSIX:
        # Not a `#!python` line: those have a length limit that deep virtual environments pass.
        wrapper = folder / "rustc-wrapper.sh"
        interpreter, program = shlex.quote(sys.executable), shlex.quote(str(script))
        wrapper.write_text(f'#!/bin/sh\nexec {interpreter} -I -S {program} "$@"\n', encoding="utf-8")
        wrapper.chmod(0o700)
    else:
        wrapper = folder / "rustc-wrapper.cmd"
        wrapper.write_text(f'@"{sys.executable}" -I -S "{script}" %*\r\n', encoding="utf-8")
    return wrapper


def remove_own_metadata(target_directory: Path, units: Iterable[Unit]) -> None:
    """Delete the metadata of the user's checked crates from our target: replays bring their own, and cargo
    must call the wrapper for them again the next time."""
    for unit in units:
        if not unit.is_really_compiled:
            # With `build.target` set, the name of the platform stands between.
            for pattern in ("*/deps", "*/*/deps"):
                for path in target_directory.glob(f"{pattern}/{unit.metadata_name}"):
                    path.unlink(missing_ok=True)


def recording_inputs(folder: Path, tree: Tree, units: Iterable[Unit]) -> set[Path]:
    """Files whose change makes a recording stale."""
    inputs = {*tree.workspace.manifests, tree.workspace.root / "Cargo.lock"}
    inputs.update(configuration_files(tree.workspace.root))

    def user_path(path: Path) -> Path:
        return unmirrored(tree.copy_root, path) if tree.copy_root else path

    for unit in units:
        if unit.is_really_compiled:
            for dependency_file in folder.glob(f"target/*/*/**/{unit.unit_id}.d"):
                files, _ = parse_dependency_file(dependency_file.read_text(encoding="utf-8", errors="replace"))
                inputs.update(user_path(Path(os.path.normpath(unit.cwd / name))) for name in files)
            # A macro crate that did not compile has left no list: then its whole folder counts.
            if not list(folder.glob(f"target/*/*/**/{unit.unit_id}.d")):
                inputs.update(unit.package_folder.rglob("*.rs"))
    package_folders = {unit.package_folder for unit in units if unit.crate_name == "build_script_build"}
    for output in folder.glob("target/*/build/*/output"):
        for watched in re.findall(rb"^cargo::?rerun-if-changed=(.+)$", output.read_bytes(), re.MULTILINE):
            name = watched.decode(errors="replace").strip()
            inputs.update(path for base in package_folders if (path := base / name).is_file())
    own = (folder.resolve(), folder)
    return {path for path in inputs if not any(path.is_relative_to(place) for place in own)}


def recording_failures(lines: list[bytes], stderr: str, tree: Tree) -> tuple[str, ...]:
    """What kept cargo from calling rustc for somebody: a dependency that does not compile, a failing script.

    Errors in the user's own macro crates and build scripts are problems like any other, found by replay.
    """
    failures = failing_build_scripts(stderr)
    roots = tree.workspace.source_roots
    for line in lines:
        if b'"compiler-message"' in line:
            package = Path(json.loads(line)["manifest_path"])
            package = unmirrored(tree.copy_root, package) if tree.copy_root else package
            if not any(package.is_relative_to(root) for root in roots):
                for diagnostic in parse_diagnostics([line], Path):
                    if diagnostic.level == Level.ERROR:
                        failures.append(
                            f"the dependency in {package.parent.name} does not compile: {diagnostic.message}"
                        )
    return tuple(dict.fromkeys(failures))


def failing_build_scripts(stderr: str) -> list[str]:
    """A sentence for each build script that cargo ran in vain, with the first thing it complained of."""
    failures = []
    for part in re.split(r"^error: failed to run custom build command for ", stderr, flags=re.MULTILINE)[1:]:
        name = part[1:].split()[0].rstrip("`")
        said = part.partition("--- stderr\n")[2].splitlines()
        # Below a panic's place stands its message.
        complaints = [line.strip() for line in said if line.strip() and not re.search(r"panicked at .*:$", line)]
        failures.append(f"the build script of {name} fails" + (f": {complaints[0]}" if complaints else ""))
    return failures


def recording_failed(stderr: str, failures: tuple[str, ...], tree: Tree) -> RecordingFailed:
    """The exception for a cargo that called rustc for nothing of the user's."""
    if not failures:
        error = explain_cargo_failure(stderr, tree.workspace.root, None)
        return RecordingFailed(error.message, error.remedy)
    return RecordingFailed(
        f"Cargo could not prepare {tree.workspace.root}: {failures[0]}.",
        "Make `cargo check` come past that (a missing system library, say), then run the same command again.",
    )


def save_recording(
    folder: Path, tree: Tree, identity: str, recording: Recording, calls: list[tuple[str, dict[str, object]]]
) -> None:
    """Write recording.json, whole or not at all."""
    content = {
        "identity": identity,
        "copy_root": str(tree.copy_root) if tree.copy_root else None,
        "inputs": {str(name): digest for name, digest in recording.inputs.items()},
        "failures": recording.failures,
        "calls": calls,
    }
    write_recording(folder, content | what_may_change(recording))


def update_recording(folder: Path, recording: Recording) -> None:
    """Write down what was learned of a recording since."""
    path = folder / "recording.json"
    write_recording(folder, json.loads(path.read_text(encoding="utf-8")) | what_may_change(recording))


def what_may_change(recording: Recording) -> dict[str, object]:
    return {"untrusted": sorted(recording.untrusted_packages), "compared": recording.is_compared}


def write_recording(folder: Path, content: Mapping[str, object]) -> None:
    temporary = folder / f"recording.{os.getpid()}"
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(folder / "recording.json")
