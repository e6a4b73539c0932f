"""Koans as cargo packages of one temporary workspace, and what cargo says of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sleepy_agent.cargo.diagnostics import diagnostic_from_json
from sleepy_agent.cargo.toolchain import cargo_build_environment, no_toolchain
from sleepy_agent.domain import Diagnostic
from sleepy_agent.errors import BadKoans
from sleepy_agent.koans.records import Koan
from sleepy_agent.process import CancelToken, ProcessOutcome, run_process

PREFIX = "koan_"
"""Before a koan's name in its package's: no koan can be taken for a crate that is there already."""
EDITION = "2021"
LONGEST_CARGO_SECONDS = 900.0

_WORKSPACE = """\
[workspace]
resolver = "2"
members = [{members}]

# What is built runs once: no debug information, nothing kept for the next time.
[profile.dev]
debug = false
incremental = false
"""
_PACKAGE = """\
[package]
name = "{name}"
version = "0.1.0"
edition = "{edition}"
publish = false

[dependencies]
{dependencies}"""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Packages:
    """A workspace with one package for each koan, and a target directory of its own beside it."""

    root: Path
    target: Path
    names: tuple[str, ...]
    """Of the koans, in order."""

    def source(self, name: str) -> Path:
        """The file of a koan."""
        return self.root / name / "src" / "lib.rs"

    def write(self, texts: Mapping[str, str]) -> None:
        """Other texts for some koans."""
        for name, text in texts.items():
            self.source(name).write_text(text, encoding="utf-8", newline="")


def lay_packages(
    folder: Path, koans: Sequence[Koan], texts: Mapping[str, str], requirements: Mapping[str, Mapping[str, object]]
) -> Packages:
    """Write the workspace into an empty folder."""
    root = folder / "workspace"
    packages = Packages(root, folder / "target", tuple(koan.name for koan in koans))
    for koan in koans:
        packages.source(koan.name).parent.mkdir(parents=True)
        lines = [f"{crate} = {inline_table(requirements[crate])}\n" for crate in koan.dependencies]
        manifest = _PACKAGE.format(name=PREFIX + koan.name, edition=EDITION, dependencies="".join(lines))
        (root / koan.name / "Cargo.toml").write_text(manifest, encoding="utf-8")
    members = ", ".join(f'"{name}"' for name in packages.names)
    (root / "Cargo.toml").write_text(_WORKSPACE.format(members=members), encoding="utf-8")
    # Nobody's own style stands above: rustfmt looks for its settings in the folders above and in the home.
    (root / "rustfmt.toml").write_text("", encoding="utf-8")
    packages.write(texts)
    return packages


def inline_table(values: Mapping[str, object]) -> str:
    """What a dependency's line says; strings, flags and lists of them are written alike in JSON and TOML."""
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in values.items()) + " }"


def reachable(
    folder: Path, koans: Sequence[Koan], requirements: Mapping[str, Mapping[str, object]], cancel: CancelToken
) -> tuple[list[Koan], str | None]:
    """The koans whose crates are on this machine, and what cargo says of the others where it finds some crate nowhere.
    Nothing is fetched."""
    if not any(koan.dependencies for koan in koans):
        return list(koans), None
    packages = lay_packages(folder, koans, dict.fromkeys((koan.name for koan in koans), ""), requirements)
    outcome = run_cargo(packages, ["metadata", "--format-version=1"], cancel)
    if outcome.succeeded:
        return list(koans), None
    said = next((line for line in outcome.stderr.decode(errors="replace").splitlines() if line.startswith("error")), "")
    return [koan for koan in koans if not koan.dependencies], said.removeprefix(
        "error: "
    ) or "cargo cannot resolve them"


@dataclass(frozen=True, slots=True)
class CargoSays:
    """What one cargo run said: each koan's messages, one for each unit that has it, and its test program."""

    messages: Mapping[str, tuple[Diagnostic, ...]]
    programs: Mapping[str, Path]


def ask_cargo(packages: Packages, words: Iterable[str], cancel: CancelToken, after: Sequence[str] = ()) -> CargoSays:
    """Run cargo on the whole workspace, going on behind errors. Raises NoToolchain, BadKoans or Interrupted."""
    command = [*words, "--workspace", "--keep-going", "--message-format=json", "--target-dir", str(packages.target)]
    outcome = run_cargo(packages, [*command, *after], cancel)
    by_manifest = {str(packages.root / name / "Cargo.toml"): name for name in packages.names}
    messages: dict[str, list[Diagnostic]] = {name: [] for name in packages.names}
    programs: dict[str, Path] = {}
    finished = False
    for line in outcome.stdout.splitlines():
        if not line.startswith(b"{"):
            continue
        said: dict[str, Any] = json.loads(line)
        finished = finished or said.get("reason") == "build-finished"
        name = by_manifest.get(said.get("manifest_path", ""))
        if name is None:
            continue
        if said["reason"] == "compiler-message":
            messages[name].append(diagnostic_from_json(said["message"], lambda file: packages.root / file))
        elif said["reason"] == "compiler-artifact" and said["profile"]["test"] and said["executable"]:
            programs[name] = Path(said["executable"])
    if not finished:
        text = outcome.stderr.decode(errors="replace").strip()
        raise BadKoans(
            f"Cargo could not work on the koans: {text.splitlines()[0] if text else 'it said nothing'}.",
            "`sleepy doctor` says what is missing on this machine.",
        )
    return CargoSays({name: tuple(found) for name, found in messages.items()}, programs)


def run_cargo(packages: Packages, words: Sequence[str], cancel: CancelToken) -> ProcessOutcome:
    """One cargo run in the workspace, offline. Raises NoToolchain or Interrupted."""
    # The options of cargo end where those of the program that it starts begin.
    end = words.index("--") if "--" in words else len(words)
    outcome = run_process(
        ["cargo", *words[:end], "--offline", *words[end:]],
        cwd=packages.root,
        environment=cargo_build_environment(packages.target) | {"CARGO_INCREMENTAL": "0"},
        timeout_seconds=LONGEST_CARGO_SECONDS,
        cancel=cancel,
    )
    cancel.raise_if_cancelled()
    if outcome.start_error:
        raise no_toolchain("", missing_program=True)
    if outcome.timed_out:
        raise BadKoans(f"Cargo did not end within {LONGEST_CARGO_SECONDS:.0f} s.", "Try again on a quieter machine.")
    return outcome
