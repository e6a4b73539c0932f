"""The benchmark's own judge of a changed crate: cargo, in a copy of it, apart from all of Sleepy's machinery."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.error_index.judge import NO_CODE, Change
from benchmarks.machine import environment_with
from benchmarks.real_crates.crates import OpenedCrate
from sleepy_agent.process import CancelToken, run_process

Texts = Mapping[Path, bytes]
"""Texts of changed files, by their path relative to the crate's root."""

CHECK_SECONDS = 120.0
TEST_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class FileChange:
    """One part of a suggestion: a change of one file, relative to the crate's root."""

    file: Path
    change: Change


@dataclass(frozen=True, slots=True)
class CrateError:
    """One error. `suggestions`: all that rustc proposes for it, of any applicability, each a set of changes."""

    code: str
    message: str
    file: Path | None
    line: int
    suggestions: tuple[tuple[FileChange, ...], ...]


@dataclass(frozen=True, slots=True)
class CrateJudgement:
    """What cargo says of the library: it compiles where there is no error and cargo ended well."""

    compiles: bool
    errors: tuple[CrateError, ...]


@dataclass(frozen=True, slots=True)
class JudgedCopy:
    """A copy of a crate that is changed and changed back, with a target directory that stays warm."""

    opened: OpenedCrate
    root: Path

    @property
    def environment(self) -> dict[str, str]:
        target = self.opened.folder / "target"
        # Warnings of newer compilers say nothing about the mistake; what a crate denies itself stays denied.
        return environment_with(extra={"CARGO_TARGET_DIR": str(target), "RUSTFLAGS": "-Awarnings"})

    @contextmanager
    def laid(self, texts: Texts) -> Iterator[Path]:
        """The copy with these texts in it; afterwards it is green again."""
        try:
            for file, text in texts.items():
                (self.root / file).write_bytes(text)
            yield self.root
        finally:
            for file in texts:
                (self.root / file).write_bytes(self.opened.original(file))


def judged_copy(opened: OpenedCrate, name: str = "judged") -> JudgedCopy:
    """A fresh copy of the crate beside it; its target directory is kept."""
    root = opened.folder / name / opened.crate.name
    shutil.rmtree(root.parent, ignore_errors=True)
    shutil.copytree(opened.root, root, ignore=shutil.ignore_patterns(".git", "target"))
    return JudgedCopy(opened, root)


def judge_crate(copy: JudgedCopy, texts: Texts, cancel: CancelToken) -> CrateJudgement:
    """`cargo check --lib` of the crate with these texts. Raises Interrupted once `cancel` is cancelled."""
    cancel.raise_if_cancelled()
    with copy.laid(texts) as root:
        outcome = run_process(
            ["cargo", "check", "--lib", "--offline", "--quiet", "--message-format=json"],
            cwd=root,
            environment=copy.environment,
            timeout_seconds=CHECK_SECONDS,
            cancel=cancel,
        )
    cancel.raise_if_cancelled()
    errors = errors_of(outcome.stdout.decode(errors="replace"))
    return CrateJudgement(outcome.succeeded and not errors, errors)


def tests_pass(copy: JudgedCopy, texts: Texts, cancel: CancelToken) -> bool:
    """Whether the crate's own unit tests pass with these texts."""
    cancel.raise_if_cancelled()
    with copy.laid(texts) as root:
        outcome = run_process(
            ["cargo", "test", "--quiet", "--lib", "--offline", "--", *copy.opened.crate.test_arguments],
            cwd=root,
            environment=copy.environment,
            timeout_seconds=TEST_SECONDS,
            cancel=cancel,
        )
    cancel.raise_if_cancelled()
    return outcome.succeeded


def errors_of(stdout: str) -> tuple[CrateError, ...]:
    """The errors in cargo's JSON lines, without rustc's closing summary."""
    errors = []
    for line in stdout.splitlines():
        if not line.startswith("{"):
            continue
        message: dict[str, Any] = json.loads(line)
        if message.get("reason") != "compiler-message":
            continue
        diagnostic = message["message"]
        is_error = str(diagnostic.get("level", "")).startswith("error")
        if not is_error or diagnostic["message"].startswith(("aborting due to", "could not compile")):
            continue
        primary = next((span for span in diagnostic["spans"] if span["is_primary"]), None)
        errors.append(
            CrateError(
                code=(diagnostic.get("code") or {}).get("code") or NO_CODE,
                message=diagnostic["message"],
                file=Path(primary["file_name"]) if primary else None,
                line=primary["line_start"] if primary else 0,
                suggestions=tuple(
                    alternative for child in diagnostic.get("children", []) for alternative in _alternatives(child)
                ),
            )
        )
    return tuple(errors)


def _alternatives(child: Mapping[str, Any]) -> list[tuple[FileChange, ...]]:
    """rustc writes the alternatives of one suggestion behind each other into one list of spans.

    A new alternative begins where a span repeats or overlaps one of the current alternative.
    """
    groups: list[list[FileChange]] = []
    for span in child.get("spans", []):
        if span.get("suggested_replacement") is None:
            continue
        file = Path(span["file_name"])
        if file.is_absolute():
            # The standard library and other crates cannot be changed.
            return []
        part = FileChange(file, Change(span["byte_start"], span["byte_end"], span["suggested_replacement"]))
        if not groups or any(_collide(part, other) for other in groups[-1]):
            groups.append([])
        groups[-1].append(part)
    return [tuple(group) for group in groups]


def _collide(one: FileChange, other: FileChange) -> bool:
    first, second = one.change, other.change
    same = (first.start, first.end) == (second.start, second.end)
    return one.file == other.file and (same or (first.start < second.end and second.start < first.end))


def apply_parts(
    parts: Sequence[FileChange], read: Mapping[Path, bytes], opened: OpenedCrate
) -> dict[Path, bytes] | None:
    """`read` with all parts applied (files it lacks come from the green text); None where they do not fit."""
    texts = dict(read)
    by_file: dict[Path, list[Change]] = {}
    for part in parts:
        by_file.setdefault(part.file, []).append(part.change)
    for file, changes in by_file.items():
        if file not in opened.sources:
            return None
        text = texts.get(file, opened.original(file))
        ordered = sorted(changes, key=lambda change: (change.start, change.end), reverse=True)
        limit = len(text)
        for change in ordered:
            if change.end > limit or change.start > change.end:
                return None
            text = text[: change.start] + change.text.encode() + text[change.end :]
            limit = change.start
        texts[file] = text
    return texts
