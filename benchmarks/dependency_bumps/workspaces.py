"""Two workspaces with a member for each case: everything before its bump, and everything mended after it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from benchmarks.dependency_bumps.cases import HERE, LIBRARY, BrokenCase, Case, mended_text
from benchmarks.machine import cache_directory, environment_with, rustc_version
from benchmarks.real_crates.crates import CannotFetch, Crate, OpenedCrate, reduced_manifest
from benchmarks.real_crates.judging import CrateError, JudgedCopy, Texts, errors_of, judged_copy
from sleepy_agent.process import CancelToken, ProcessOutcome, run_process

FETCH_SECONDS = 300.0
BUILD_SECONDS = 1500.0

_NOT_COPIED = shutil.ignore_patterns("tests", "benches", "examples", "target", "vendor", "Cargo.lock", ".cargo*")
"""Of a published crate: what only its own authors need."""


@dataclass(frozen=True, slots=True)
class BumpedWorkspace(OpenedCrate):
    """All members with the later versions and mended, which is what `original` speaks of."""

    before: Path
    """The workspace with the earlier versions."""

    @property
    def sources(self) -> tuple[Path, ...]:
        """The Rust files of all members, relative to the root, in a fixed order."""
        return tuple(sorted(path.relative_to(self.root) for path in self.root.glob("*/src/**/*.rs")))

    def broken(self, case: Case) -> dict[Path, bytes]:
        """What the user has after the bump: the texts that were written for the earlier version."""
        files = [Path(case.name) / file for file in case.changed_files]
        return {file: (self.before / file).read_bytes() for file in files}


def open_workspaces(cases: Sequence[Case], cancel: CancelToken) -> BumpedWorkspace:
    """Both workspaces in the benchmarks' cache, made and fetched there if cases.toml or a program has changed.

    Raises CannotFetch, or BrokenCase where a case cannot be made.
    """
    folder = cache_directory() / "dependency_bumps"
    roots = {name: folder / name for name in ("before", "after")}
    mark = folder / "made"
    if not mark.exists() or mark.read_text(encoding="utf-8") != content_hash(cases):
        mark.unlink(missing_ok=True)
        fetched = _fetched_crates(cases, folder / "fetched", cancel)
        for name, root in roots.items():
            shutil.rmtree(root, ignore_errors=True)
            for case in cases:
                _write_member(case, root / case.name, fetched, is_after=name == "after")
            _write_root(root, cases)
            _must(["cargo", "fetch", "--quiet"], root, FETCH_SECONDS, cancel)
        mark.write_text(content_hash(cases), encoding="utf-8")
    skipped = tuple(part for case in cases for name in case.skipped_tests for part in ("--skip", name))
    about = Crate("after", "0.0.0", "all cases after their bumps", test_arguments=skipped)
    return BumpedWorkspace(about, roots["after"], folder / "built", roots["before"])


def content_hash(cases: Sequence[Case]) -> str:
    """What changes with any case or program, and with how members are made of them."""
    digest = hashlib.sha256()
    programs = [case.program for case in cases if case.crate is None]
    for path in (HERE / "cases.toml", Path(__file__), *programs):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def manifest_of_program(case: Case, is_after: bool) -> str:
    """The manifest of a program of our own."""
    return tomlkit.dumps(
        {
            "package": {"name": case.name.replace("_", "-"), "version": "0.0.0", "edition": "2021"},
            "dependencies": {**case.others, **_pinned(case, is_after, {})},
        }
    )


def manifest_of_crate(case: Case, published: Mapping[str, Any], is_after: bool) -> str:
    """The manifest of a published crate as a member, with the version of its dependency exchanged."""
    crate = Crate(case.crate or "", case.crate_version, "", False, case.features, case.dev_dependencies)
    manifest = tomlkit.parse(reduced_manifest(published, crate)).unwrap()
    del manifest["workspace"]
    manifest["dependencies"] |= _pinned(case, is_after, manifest["dependencies"])
    return tomlkit.dumps(manifest)


def _pinned(case: Case, is_after: bool, given: Mapping[str, Any]) -> dict[str, Any]:
    pinned: dict[str, Any] = {}
    for bump in case.bumps:
        entry = given.get(bump.dependency, {})
        table = {"version": entry} if isinstance(entry, str) else dict(entry)
        table["version"] = f"={bump.after if is_after else bump.before}"
        pinned[bump.dependency] = table
    if is_after and case.to_features:
        table = pinned[case.dependency]
        table["features"] = [*table.get("features", []), *case.to_features]
    return pinned


def _write_member(case: Case, folder: Path, fetched: Path, is_after: bool) -> None:
    if case.crate is None:
        (folder / "src").mkdir(parents=True)
        shutil.copyfile(case.program, folder / LIBRARY)
        manifest = manifest_of_program(case, is_after)
    else:
        published = fetched / case.crate
        shutil.copytree(published, folder, ignore=_NOT_COPIED)
        content = tomlkit.parse((published / "Cargo.toml").read_text(encoding="utf-8")).unwrap()
        manifest = manifest_of_crate(case, content, is_after)
    (folder / "Cargo.toml").write_text(manifest, encoding="utf-8")
    if is_after:
        for file in case.changed_files:
            text = (folder / file).read_text(encoding="utf-8")
            (folder / file).write_text(mended_text(case, file, text), encoding="utf-8", newline="")


def _write_root(root: Path, cases: Sequence[Case]) -> None:
    manifest = {
        "workspace": {"resolver": "2", "members": [case.name for case in cases]},
        # Nobody debugs here, and debug information would fill gigabytes.
        "profile": {"dev": {"debug": False}},
    }
    (root / "Cargo.toml").write_text(tomlkit.dumps(manifest), encoding="utf-8")
    (root / ".gitignore").write_text("target\n", encoding="utf-8")


def _fetched_crates(cases: Sequence[Case], folder: Path, cancel: CancelToken) -> Path:
    """The sources of all published crates that are members, as published."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "lib.rs").write_text("", encoding="utf-8")
    crates = {
        case.crate: {"version": f"={case.crate_version}", "default-features": False} for case in cases if case.crate
    }
    package = {"name": "fetcher", "version": "0.0.0", "edition": "2021"}
    manifest = {"package": package, "workspace": {}, "dependencies": crates}
    (folder / "Cargo.toml").write_text(tomlkit.dumps(manifest), encoding="utf-8")
    _must(["cargo", "vendor", "--quiet"], folder, FETCH_SECONDS, cancel)
    return folder / "vendor"


def checked_errors(
    workspace: BumpedWorkspace, cases: Sequence[Case], cancel: CancelToken
) -> dict[str, tuple[CrateError, ...]]:
    """What the compiler says of each case after its bump, without suggestions, once all are what they say.

    That is: green and tested with the earlier versions, red with the later ones, green and tested once mended. The
    answer is kept for the same cases and compiler. Raises BrokenCase with what is not so.
    """
    kept = workspace.folder / "checked.json"
    known = f"{content_hash(cases)} {rustc_version()}"
    entries = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    if entries.get("known") != known:
        entries = {"known": known, "errors": _errors_after_checks(workspace, cases, cancel)}
        kept.write_text(json.dumps(entries), encoding="utf-8")
    return {
        name: tuple(CrateError(code, message, Path(file), line, ()) for code, message, file, line in errors)
        for name, errors in entries["errors"].items()
    }


def _errors_after_checks(
    workspace: BumpedWorkspace, cases: Sequence[Case], cancel: CancelToken
) -> dict[str, list[tuple[str, str, str, int]]]:
    copy = judged_copy(workspace)
    target = {"CARGO_TARGET_DIR": str(workspace.folder / "target-before")}
    tests = ["cargo", "test", "--quiet", "--workspace", "--lib", "--offline", "--no-fail-fast", "--"]
    _must(tests, workspace.before, BUILD_SECONDS, cancel, copy.environment | target)
    _must([*tests, *workspace.crate.test_arguments], copy.root, BUILD_SECONDS, cancel, copy.environment)
    broken = {file: text for case in cases for file, text in workspace.broken(case).items()}
    errors = errors_by_member(errors_of(_check_all(judged_copy(workspace, "broken"), broken, cancel)))
    if quiet := [case.name for case in cases if case.name not in errors]:
        raise BrokenCase(f"The later version breaks nothing in {', '.join(quiet)}.")
    return {
        name: [(error.code, error.message, str(error.file), error.line) for error in own]
        for name, own in errors.items()
    }


def _check_all(copy: JudgedCopy, texts: Texts, cancel: CancelToken) -> str:
    with copy.laid(texts) as root:
        outcome = run_process(
            ["cargo", "check", "--workspace", "--lib", "--offline", "--quiet", "--keep-going", "--message-format=json"],
            cwd=root,
            environment=copy.environment,
            timeout_seconds=BUILD_SECONDS,
            cancel=cancel,
        )
    cancel.raise_if_cancelled()
    return outcome.stdout.decode(errors="replace")


def errors_by_member(errors: Iterable[CrateError]) -> dict[str, list[CrateError]]:
    """The errors of each member, whose name is the first part of the path."""
    found: dict[str, list[CrateError]] = {}
    for error in errors:
        if error.file is not None and not error.file.is_absolute():
            found.setdefault(error.file.parts[0], []).append(error)
    return found


def _must(
    command: Sequence[str],
    folder: Path,
    seconds: float,
    cancel: CancelToken,
    environment: Mapping[str, str] | None = None,
) -> ProcessOutcome:
    outcome = run_process(
        list(command), cwd=folder, environment=environment or environment_with(), timeout_seconds=seconds, cancel=cancel
    )
    cancel.raise_if_cancelled()
    if not outcome.succeeded:
        said = (outcome.stdout + outcome.stderr).decode(errors="replace")
        kind = CannotFetch if command[1] in {"fetch", "vendor"} else BrokenCase
        raise kind(f"`{' '.join(command)}` failed in {folder.name}: {re.sub(chr(10) + '+', chr(10), said)[-3000:]}")
    return outcome
