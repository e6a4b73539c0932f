"""The peers of the same run: `cargo fix`, and plain verified search over rustc's suggestions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.error_index.judge import Judgement, apply_changes, judge
from benchmarks.error_index.pairs import Example
from benchmarks.machine import environment_with
from sleepy_agent.process import CancelToken, run_process

SEARCH_DEPTH = 4
"""Suggestions behind each other; the design's plain search goes no deeper."""

SEARCH_COMPILES = 40
"""Compiles of one example after which plain search gives up."""

CARGO_FIX_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _SearchState:
    """One depth-first search: `visited` grows with what it has tried, in all its branches."""

    example: Example
    visited: set[str]
    cancel: CancelToken


def plain_search(example: Example, cancel: CancelToken) -> str | None:
    """The first text that compiles, depth-first over all suggestions of any applicability; None if none does.

    "Verified" means no more than that here: no cheat is refused. That is the point of this peer.
    """
    state = _SearchState(example, {example.erroneous}, cancel)
    first = judge(example.erroneous, example.edition, example.bootstrap, cancel)
    return _search(state, example.erroneous, first, SEARCH_DEPTH)


def _search(state: _SearchState, text: str, judgement: Judgement, depth: int) -> str | None:
    if depth == 0:
        return None
    for error in judgement.errors:
        for suggestion in error.suggestions:
            changed = apply_changes(text, suggestion)
            if changed is None or changed in state.visited or len(state.visited) > SEARCH_COMPILES:
                continue
            state.visited.add(changed)
            after = judge(changed, state.example.edition, state.example.bootstrap, state.cancel)
            if after.compiles:
                return changed
            # A step that leaves more errors than there were leads away.
            if len(after.errors) <= len(judgement.errors):
                solved = _search(state, changed, after, depth - 1)
                if solved is not None:
                    return solved
    return None


def cargo_fix(example: Example, directory: Path, cancel: CancelToken) -> str:
    """The text after `cargo fix --broken-code` on the example as a package of its own in `directory`."""
    cancel.raise_if_cancelled()
    main = write_package(example, directory, example.erroneous, workspace_of_its_own=True)
    run_process(
        ["cargo", "fix", "--quiet", "--offline", "--allow-no-vcs", "--allow-dirty", "--broken-code"],
        cwd=directory,
        environment=environment_with(extra=bootstrap_environment([example])),
        timeout_seconds=CARGO_FIX_SECONDS,
        cancel=cancel,
    )
    cancel.raise_if_cancelled()
    return main.read_text(encoding="utf-8")


def bootstrap_environment(examples: list[Example]) -> dict[str, str]:
    """RUSTC_BOOTSTRAP where an example needs it: it asks a stable compiler to allow unstable features."""
    return {"RUSTC_BOOTSTRAP": "1"} if any(example.bootstrap for example in examples) else {}


def package_name(example: Example) -> str:
    return "example_" + example.name.lower().replace("-", "_")


def write_package(example: Example, directory: Path, text: str, workspace_of_its_own: bool) -> Path:
    """A package whose main file is `text`; returns that file."""
    (directory / "src").mkdir(parents=True)
    manifest = f'[package]\nname = "{package_name(example)}"\nversion = "0.0.0"\nedition = "{example.edition}"\n'
    if workspace_of_its_own:
        manifest += "\n[workspace]\n"
    (directory / "Cargo.toml").write_text(manifest, encoding="utf-8")
    main = directory / "src" / "main.rs"
    main.write_text(text, encoding="utf-8", newline="")
    return main


def write_workspace(examples: list[Example], root: Path) -> dict[str, Path]:
    """One workspace with a member for each example; returns each example's main file by its name."""
    files = {
        example.name: write_package(example, root / package_name(example), example.erroneous, False)
        for example in examples
    }
    members = "".join(f'    "{package_name(example)}",\n' for example in examples)
    (root / "Cargo.toml").write_text(f'[workspace]\nresolver = "2"\nmembers = [\n{members}]\n', encoding="utf-8")
    return files
