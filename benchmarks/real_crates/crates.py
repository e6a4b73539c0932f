"""Published crates as packages of the user's own: fetched by cargo, unpacked, in git with their green text."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from benchmarks.machine import cache_directory, environment_with
from sleepy_agent.process import CancelToken, run_process

FETCH_SECONDS = 300.0
PACKAGE_MARK = "complete-2"
"""The file that says a package is whole; counted up when packages are made otherwise than before."""

_DROPPED_TABLES = ("bench", "test", "example", "bin", "dev-dependencies", "badges", "profile", "lints", "patch")
"""Of a manifest: what only the crate's own authors need."""

_KEPT_BESIDE_SOURCES = ("LICENSE*", "COPYING*", "README*", "readme*")
"""Sources may include them as documentation."""


@dataclass(frozen=True, slots=True)
class Crate:
    """One entry of crates.toml."""

    name: str
    version: str
    about: str
    held_out: bool = False
    """Nobody looks at what Sleepy does with it before the final scoring."""
    features: tuple[str, ...] | None = None
    """The features it is checked and tested with; None: its defaults."""
    dev_dependencies: tuple[str, ...] = ()
    """What its unit tests need."""
    test_arguments: tuple[str, ...] = ()
    """Unit tests that are left out, as arguments of the test program: those that are slow or need files."""

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class OpenedCrate:
    """A crate on disk, ready to be broken: its green text in `root`, and `folder` for what is built and kept for it."""

    crate: Crate
    root: Path
    folder: Path

    @property
    def sources(self) -> tuple[Path, ...]:
        """Its Rust files, relative to the root, in a fixed order."""
        return tuple(sorted(path.relative_to(self.root) for path in (self.root / "src").rglob("*.rs")))

    def original(self, file: Path) -> bytes:
        """The green text of a file, named relative to the root."""
        return (self.root / file).read_bytes()

    @property
    def lines(self) -> int:
        return sum((self.root / path).read_bytes().count(b"\n") for path in self.sources)


class CannotFetch(RuntimeError):
    """Cargo could not get or prepare a crate; its words are the message."""


def known_crates() -> tuple[Crate, ...]:
    """All crates of crates.toml, in its order."""
    content = tomllib.loads(Path(__file__).with_name("crates.toml").read_text(encoding="utf-8"))
    return tuple(_crate_of(entry) for entry in content["crate"])


def _crate_of(entry: Mapping[str, Any]) -> Crate:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return Crate(**values)


def open_crate(crate: Crate, cancel: CancelToken) -> OpenedCrate:
    """The crate's package in the benchmarks' cache, made there if it is missing. Raises CannotFetch.

    Its folder is kept, so that what cargo and Sleepy built for it is warm in the next run. The working tree is
    always the green text of its only commit.
    """
    folder = cache_directory() / "real_crates" / f"{crate.name}-{crate.version}"
    root = folder / crate.name
    if not (folder / PACKAGE_MARK).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _write_package(crate, _fetched(crate, folder / "fetched", cancel), root)
        _run(["cargo", "fetch", "--quiet"], root, cancel)
        for command in _git_commands():
            _run(command, root, cancel)
        shutil.rmtree(folder / "fetched", ignore_errors=True)
        (folder / PACKAGE_MARK).touch()
    return OpenedCrate(crate, root, folder)


def _fetched(crate: Crate, folder: Path, cancel: CancelToken) -> Path:
    """The sources of exactly this version, as published."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "lib.rs").write_text("", encoding="utf-8")
    manifest = {
        "package": {"name": "fetcher", "version": "0.0.0", "edition": "2021"},
        "workspace": {},
        "dependencies": {crate.name: {"version": f"={crate.version}", "default-features": False}},
    }
    (folder / "Cargo.toml").write_text(tomlkit.dumps(manifest), encoding="utf-8")
    _run(["cargo", "vendor", "--quiet"], folder, cancel)
    return folder / "vendor" / crate.name


def _write_package(crate: Crate, fetched: Path, root: Path) -> None:
    root.mkdir(parents=True)
    manifest = tomlkit.parse((fetched / "Cargo.toml").read_text(encoding="utf-8"))
    (root / "Cargo.toml").write_text(reduced_manifest(manifest.unwrap(), crate), encoding="utf-8")
    (root / ".gitignore").write_text("target\n", encoding="utf-8")
    shutil.copytree(fetched / "src", root / "src")
    for pattern in _KEPT_BESIDE_SOURCES:
        for path in fetched.glob(pattern):
            if path.is_file():
                shutil.copyfile(path, root / path.name)
    if (fetched / "build.rs").exists():
        shutil.copyfile(fetched / "build.rs", root / "build.rs")


def reduced_manifest(manifest: Mapping[str, Any], crate: Crate) -> str:
    """A published manifest as that of a workspace of its own, with the dev-dependencies its unit tests need."""
    kept = {key: value for key, value in manifest.items() if key not in _DROPPED_TABLES}
    package = {key: value for key, value in kept["package"].items() if key not in {"resolver", "metadata"}}
    # Programs beside the library often need features and crates that are not here.
    kept["package"] = package | {"autobins": False, "autoexamples": False, "autotests": False, "autobenches": False}
    targets = manifest.get("target", {})
    kept["target"] = {
        name: {key: value for key, value in tables.items() if key != "dev-dependencies"}
        for name, tables in targets.items()
    }
    development = dict(manifest.get("dev-dependencies", {}))
    for tables in targets.values():
        development |= tables.get("dev-dependencies", {})
    kept["dev-dependencies"] = {name: development[name] for name in crate.dev_dependencies}
    if crate.features is not None:
        kept["features"] = {**kept.get("features", {}), "default": list(crate.features)}
    kept["workspace"] = {}
    return tomlkit.dumps(kept)


def _git_commands() -> Iterator[Sequence[str]]:
    identity = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost")
    yield ["git", "init", "-q"]
    yield ["git", "add", "."]
    yield ["git", *identity, "commit", "-q", "-m", "green"]


def _run(command: Sequence[str], folder: Path, cancel: CancelToken) -> None:
    outcome = run_process(
        list(command), cwd=folder, environment=environment_with(), timeout_seconds=FETCH_SECONDS, cancel=cancel
    )
    cancel.raise_if_cancelled()
    if not outcome.succeeded:
        words = re.sub(r"\s+", " ", outcome.stderr.decode(errors="replace"))[-600:]
        raise CannotFetch(f"`{' '.join(command)}` failed in {folder.name}: {words}")
