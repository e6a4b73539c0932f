"""The benchmark's own compiler call: what rustc says of one program, apart from all of Sleepy's machinery."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.machine import environment_with
from sleepy_agent.process import CancelToken, run_process

COMPILE_SECONDS = 30.0
"""A single example that takes longer is counted as one that does not compile."""

NO_CODE = "no code"


@dataclass(frozen=True, slots=True)
class Change:
    """Replace bytes `start..end` of the program by `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class CompilerError:
    """One error. `suggestions`: all that rustc proposes for it, of any applicability, each a set of changes."""

    code: str
    message: str
    suggestions: tuple[tuple[Change, ...], ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What rustc says: it compiles where there is no error and rustc ended well."""

    compiles: bool
    errors: tuple[CompilerError, ...]

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(error.code for error in self.errors)


def judge(source: str, edition: str, bootstrap: bool, cancel: CancelToken | None = None) -> Judgement:
    """Compile `source` as the main file of a program, to metadata only, as `cargo check` does.

    Raises Interrupted once `cancel` is cancelled.
    """
    if cancel:
        cancel.raise_if_cancelled()
    with tempfile.TemporaryDirectory(prefix="sleepy-benchmark-judge-") as directory:
        file = Path(directory) / "main.rs"
        file.write_text(source, encoding="utf-8", newline="")
        outcome = run_process(
            [
                "rustc",
                "main.rs",
                f"--edition={edition}",
                "--crate-type=bin",
                "--crate-name=example",
                "--emit=metadata",
                "--error-format=json",
                "--out-dir=out",
            ],
            cwd=Path(directory),
            environment=environment_with(extra={"RUSTC_BOOTSTRAP": "1"} if bootstrap else None),
            timeout_seconds=COMPILE_SECONDS,
            cancel=cancel,
        )
    if cancel:
        cancel.raise_if_cancelled()
    errors = errors_of(outcome.stderr.decode(errors="replace"), "main.rs")
    return Judgement(outcome.succeeded and not errors, errors)


def errors_of(stderr: str, file_name: str) -> tuple[CompilerError, ...]:
    """The error-level diagnostics in rustc's JSON lines, without its closing summary."""
    errors = []
    for line in stderr.splitlines():
        if not line.startswith("{"):
            continue
        diagnostic: dict[str, Any] = json.loads(line)
        if not str(diagnostic.get("level", "")).startswith("error") or _is_summary(diagnostic):
            continue
        code = (diagnostic.get("code") or {}).get("code") or NO_CODE
        suggestions = tuple(
            alternative for child in diagnostic.get("children", []) for alternative in _alternatives(child, file_name)
        )
        errors.append(CompilerError(code, diagnostic["message"], suggestions))
    return tuple(errors)


def apply_changes(source: str, changes: tuple[Change, ...]) -> str | None:
    """The text after all changes; None where they overlap or do not fit into it."""
    data = source.encode()
    for change in sorted(changes, key=lambda change: (change.start, change.end), reverse=True):
        if change.end > len(data):
            return None
        data = data[: change.start] + change.text.encode() + data[change.end :]
    ordered = sorted(changes, key=lambda change: (change.start, change.end))
    if any(first.end > second.start for first, second in pairwise(ordered)):
        return None
    return data.decode(errors="replace")


def _is_summary(diagnostic: dict[str, Any]) -> bool:
    return not diagnostic.get("spans") and diagnostic["message"].startswith(("aborting due to", "could not compile"))


def _alternatives(child: dict[str, Any], file_name: str) -> list[tuple[Change, ...]]:
    """rustc writes the alternatives of one suggestion behind each other into one list of spans.

    A new alternative begins where a span repeats or overlaps one of the current alternative.
    """
    groups: list[list[Change]] = []
    for span in child.get("spans", []):
        if span.get("suggested_replacement") is None:
            continue
        if span["file_name"] != file_name:
            # A change outside of the example (in the standard library, say) cannot be made.
            return []
        change = Change(span["byte_start"], span["byte_end"], span["suggested_replacement"])
        if not groups or any(_collide(change, other) for other in groups[-1]):
            groups.append([])
        groups[-1].append(change)
    return [tuple(group) for group in groups]


def _collide(one: Change, other: Change) -> bool:
    same = (one.start, one.end) == (other.start, other.end)
    return same or (one.start < other.end and other.start < one.end)
