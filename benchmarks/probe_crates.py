"""Crates with places to break: a small one made here, and a large one of the registry, fetched by cargo.

A *probe* is a private function appended to a module. On disk its expression is right (green); a benchmark
breaks it and offers alternatives for it. Probes in different modules are independent of each other.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import cache_directory, environment_with
from sleepy_agent.domain import Edit
from sleepy_agent.process import CancelToken, run_process

LARGE_CRATE = "regex-lite"
LARGE_VERSION = "0.1.6"
"""Pinned, so that figures of different days speak of the same 9,500 lines."""

PROBES = 10
SMALL_MODULES = 10
FETCH_SECONDS = 300.0
GREEN_EXPRESSION = "0u32"
BROKEN_EXPRESSION = '"not a number"'


@dataclass(frozen=True, slots=True)
class ProbeCrate:
    """A package on disk. `modules`: the files with a probe each, relative to `root`."""

    name: str
    root: Path
    modules: tuple[Path, ...]
    lines: int

    def text(self, module: Path, expression: str) -> str:
        """The module's text with `expression` in its probe."""
        green = (self.root / module).read_text(encoding="utf-8")
        start = green.rindex(GREEN_EXPRESSION)
        return green[:start] + expression + green[start + len(GREEN_EXPRESSION) :]

    def edit(self, module: Path, expression: str, in_place_of: str = BROKEN_EXPRESSION) -> Edit:
        """The change of the probe's expression, in a text that has `in_place_of` there."""
        text = self.text(module, in_place_of).encode()
        start = text.rindex(in_place_of.encode())
        return Edit(self.root / module, start, start + len(in_place_of.encode()), expression)


def small_crate(root: Path, cancel: CancelToken) -> ProbeCrate:
    """A crate of ten short modules, in git so that its green text is known."""
    names = [f"part_{number}" for number in range(SMALL_MODULES)]
    write_manifest(root, "small-crate")
    (root / "src" / "lib.rs").write_text("".join(f"pub mod {name};\n" for name in names), encoding="utf-8")
    for number, name in enumerate(names):
        body = (
            f"/// A part.\n#[derive(Debug, Clone, PartialEq)]\npub struct Part {{\n    pub weight: u32,\n"
            f"    pub label: String,\n}}\n\nimpl Part {{\n    pub fn heavier(&self, other: &Part) -> bool {{\n"
            f"        self.weight > other.weight + {number}\n    }}\n}}\n\n"
            "pub fn total(parts: &[Part]) -> u32 {\n    parts.iter().map(|part| part.weight).sum()\n}\n"
        )
        (root / "src" / f"{name}.rs").write_text(body, encoding="utf-8")
    return _with_probes(root, "small crate", [Path("src") / f"{name}.rs" for name in names], cancel)


def large_crate(root: Path, cancel: CancelToken) -> ProbeCrate:
    """The registry's crate as a package of the user's own: only its sources, no dependencies, in git.

    Raises RuntimeError with cargo's words where cargo cannot fetch it.
    """
    vendored = _vendored(cancel)
    write_manifest(root, LARGE_CRATE, features='[features]\ndefault = ["std", "string"]\nstd = []\nstring = []\n')
    shutil.rmtree(root / "src")
    shutil.copytree(vendored / "src", root / "src")
    modules = sorted(path.relative_to(root) for path in (root / "src").rglob("*.rs"))
    return _with_probes(root, f"{LARGE_CRATE} {LARGE_VERSION}", modules[:PROBES], cancel)


def write_manifest(root: Path, name: str, features: str = "") -> None:
    (root / "src").mkdir(parents=True)
    text = f'[package]\nname = "{name}"\nversion = "0.0.0"\nedition = "2021"\n\n[workspace]\n\n{features}'
    (root / "Cargo.toml").write_text(text, encoding="utf-8")
    (root / ".gitignore").write_text("target\n", encoding="utf-8")


def _with_probes(root: Path, name: str, modules: list[Path], cancel: CancelToken) -> ProbeCrate:
    for number, module in enumerate(modules):
        path = root / module
        text = path.read_text(encoding="utf-8")
        # rindex finds the probe because it stands last in its file.
        body = f"    let value: u32 = {GREEN_EXPRESSION};\n    value\n"
        probe = f"\n#[allow(dead_code)]\nfn probe_{number}() -> u32 {{\n{body}}}\n"
        path.write_text(text + probe, encoding="utf-8")
    lines = sum(path.read_text(encoding="utf-8").count("\n") for path in (root / "src").rglob("*.rs"))
    identity = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "green"]):
        run_process(["git", *command], cwd=root, timeout_seconds=60, cancel=cancel)
    return ProbeCrate(name, root, tuple(modules), lines)


def _vendored(cancel: CancelToken) -> Path:
    """The folder of the fetched crate, kept in the benchmarks' cache."""
    folder = cache_directory() / f"{LARGE_CRATE}-{LARGE_VERSION}"
    crate = folder / "vendor" / LARGE_CRATE
    if not crate.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "src").mkdir(parents=True)
        (folder / "src" / "lib.rs").write_text("", encoding="utf-8")
        (folder / "Cargo.toml").write_text(
            '[package]\nname = "fetcher"\nversion = "0.0.0"\nedition = "2021"\n\n[workspace]\n\n'
            f'[dependencies]\n{LARGE_CRATE} = "={LARGE_VERSION}"\n',
            encoding="utf-8",
        )
        outcome = run_process(
            ["cargo", "vendor", "--quiet"],
            cwd=folder,
            environment=environment_with(),
            timeout_seconds=FETCH_SECONDS,
            cancel=cancel,
        )
        cancel.raise_if_cancelled()
        if not outcome.succeeded:
            words = re.sub(r"\s+", " ", outcome.stderr.decode(errors="replace"))[-400:]
            raise RuntimeError(f"cargo could not fetch {LARGE_CRATE} {LARGE_VERSION}: {words}")
    return crate
