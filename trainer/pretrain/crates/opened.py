"""A crate that rustc is asked about: a copy in a folder of its own, with some of its texts changed for one call."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sleepy_agent.cargo.diagnostics import parse_diagnostics
from sleepy_agent.cargo.problems import judged_diagnostics
from sleepy_agent.cargo.toolchain import cargo_environment
from sleepy_agent.domain import Diagnostic
from sleepy_agent.process import CancelToken, run_process
from trainer.pretrain.crates.fetching import FetchedCrate, manifest_of
from trainer.pretrain.crates.listed import ListedCrate
from trainer.pretrain.judge import rustc_path

__all__ = ["OpenedCrate", "errors_of", "open_crate"]

LONGEST_SECONDS: Final = 60.0
EDITION: Final = "2021"
"""What the lessons speak of. Crates of older ones are on the list only if they compile in it, too."""
Texts = Mapping[Path, bytes]


@dataclass(frozen=True)
class OpenedCrate:
    """A crate that compiles. `folder` is the copy, `sources` the texts that rustc reads, by their path in it."""

    listed: ListedCrate
    folder: Path
    command: tuple[str, ...]
    environment: Mapping[str, str]
    sources: Texts


def open_crate(fetched: FetchedCrate, scratch: Path, cancel: CancelToken) -> OpenedCrate | None:
    """A copy of the crate below `scratch`; None where the toolchain of this machine does not compile it."""
    folder = scratch / fetched.listed.label
    shutil.copytree(fetched.folder, folder)
    manifest = manifest_of(folder)
    root = Path(manifest.get("lib", {}).get("path", "src/lib.rs"))
    environment = {**cargo_environment(), **package_variables(manifest["package"], folder)}
    # The newest edition holds what the one before it does, for our purpose.
    edition = max(EDITION, str(manifest["package"].get("edition", EDITION)))
    command = command_for(fetched.listed, root, edition)
    outcome = run_process(command, cwd=folder, environment=environment, timeout_seconds=LONGEST_SECONDS, cancel=cancel)
    cancel.raise_if_cancelled()
    if not outcome.succeeded:
        return None
    read = {path: (folder / path).read_bytes() for path in paths_read(folder)}
    return OpenedCrate(fetched.listed, folder, command, environment, read)


def command_for(crate: ListedCrate, root: Path, edition: str) -> tuple[str, ...]:
    """The call of rustc for the library, started in the crate's folder."""
    features = [word for feature in crate.features for word in ("--cfg", f'feature="{feature}"')]
    name = crate.name.replace("-", "_")
    return (
        str(rustc_path()),
        *("--crate-type=lib", f"--crate-name={name}", f"--edition={edition}", "--cap-lints=allow"),
        *("--error-format=json", "--emit=metadata,dep-info", "--out-dir=.", *features, str(root)),
    )


def package_variables(package: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """What cargo tells the sources about their package."""
    version = str(package["version"])
    parts = [*version.partition("+")[0].partition("-")[0].split("."), "0", "0"][:3]
    numbered = zip(("MAJOR", "MINOR", "PATCH"), parts, strict=True)
    return {
        "CARGO_PKG_NAME": str(package["name"]),
        "CARGO_PKG_VERSION": version,
        "CARGO_MANIFEST_DIR": str(folder),
        **{f"CARGO_PKG_VERSION_{name}": part for name, part in numbered},
    }


def paths_read(folder: Path) -> Iterator[Path]:
    """The Rust files that rustc has read, as its dep-info has them, in a fixed order."""
    found: set[Path] = set()
    for written in folder.glob("*.d"):
        for line in written.read_text(encoding="utf-8").splitlines():
            found.update(Path(word) for word in line.partition(":")[2].split() if word.endswith(".rs"))
    yield from sorted(path for path in found if not path.is_absolute())


def errors_of(crate: OpenedCrate, changed: Texts, cancel: CancelToken) -> tuple[Diagnostic, ...] | None:
    """What rustc reports when these texts stand in the place of the crate's own; None where it did not come to an
    end. Paths are those in the crate."""
    with written(crate, changed):
        outcome = run_process(
            crate.command,
            cwd=crate.folder,
            environment=crate.environment,
            timeout_seconds=LONGEST_SECONDS,
            cancel=cancel,
        )
    cancel.raise_if_cancelled()
    if outcome.timed_out or outcome.returncode not in {0, 1}:
        return None
    return judged(outcome.stderr.splitlines())


def judged(lines: Iterable[bytes]) -> tuple[Diagnostic, ...]:
    return judged_diagnostics(parse_diagnostics(lines, Path), with_clippy=False)


@contextmanager
def written(crate: OpenedCrate, changed: Texts) -> Iterator[None]:
    """The changed texts on disk for a while."""
    for path, text in changed.items():
        (crate.folder / path).write_bytes(text)
    try:
        yield
    finally:
        for path in changed:
            (crate.folder / path).write_bytes(crate.sources[path])
