"""Crates as published, in the cache: fetched once by cargo, checked against the pinned checksum, then offline."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sleepy_agent.cargo.toolchain import cargo_environment
from sleepy_agent.config import find_places
from sleepy_agent.errors import SleepyError
from sleepy_agent.process import CancelToken, run_process
from trainer.pretrain.crates.listed import ListedCrate, is_free

__all__ = ["CannotFetch", "FetchedCrate", "crates_folder", "fetched_crates", "manifest_of_fetcher"]

FETCH_SECONDS: Final = 600.0
NEEDED: Final = ("*.rs", "*.toml", "*.md", "*.txt", "LICENSE*", "COPYING*")
"""Of a package; sources may include its texts as documentation."""


class CannotFetch(SleepyError):
    """A crate that lessons are made of cannot be had, or is not what the list says."""


@dataclass(frozen=True, slots=True)
class FetchedCrate:
    """A crate on disk. `folder` has its manifest and its sources and is never written to."""

    listed: ListedCrate
    folder: Path


def crates_folder() -> Path:
    """Where fetched crates lie: in the cache, so outside of any checkout."""
    return find_places().cache / "pretrain-crates"


def fetched_crates(crates: Sequence[ListedCrate], folder: Path, cancel: CancelToken) -> list[FetchedCrate]:
    """All of these crates, in their order; those that are not in `folder` yet are fetched. Raises CannotFetch."""
    missing = [crate for crate in crates if not (folder / crate.label).is_dir()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="fetching-") as scratch:
            vendored = vendor(missing, Path(scratch), cancel)
            for crate in missing:
                keep(crate, vendored / crate.name, folder / crate.label)
    return [FetchedCrate(crate, folder / crate.label) for crate in crates]


def vendor(crates: Sequence[ListedCrate], scratch: Path, cancel: CancelToken) -> Path:
    """The folder that cargo has put the packages in."""
    (scratch / "src").mkdir()
    (scratch / "src" / "lib.rs").write_text("", encoding="utf-8")
    (scratch / "Cargo.toml").write_text(manifest_of_fetcher(crates), encoding="utf-8")
    outcome = run_process(
        ["cargo", "vendor", "--quiet"],
        cwd=scratch,
        environment=cargo_environment(),
        timeout_seconds=FETCH_SECONDS,
        cancel=cancel,
    )
    cancel.raise_if_cancelled()
    if not outcome.succeeded:
        words = re.sub(r"\s+", " ", outcome.stderr.decode(errors="replace")).strip()[-300:]
        raise CannotFetch(
            f'{len(crates)} crates that lessons are made of could not be fetched: cargo says "{words or "nothing"}".',
            "Run the same command again where the registry can be reached; what was fetched once is kept.",
        )
    return scratch / "vendor"


def manifest_of_fetcher(crates: Sequence[ListedCrate]) -> str:
    """A package that depends on exactly these crates, without what their features would bring along."""
    lines = [f'{crate.name} = {{ version = "={crate.version}", default-features = false }}' for crate in crates]
    head = '[package]\nname = "fetcher"\nversion = "0.0.0"\nedition = "2021"\n\n[workspace]\n\n[dependencies]\n'
    return head + "\n".join(lines) + "\n"


def keep(crate: ListedCrate, package: Path, place: Path) -> None:
    """Move a package to its place in the cache, if it is the one that the list names."""
    found = json.loads((package / ".cargo-checksum.json").read_text(encoding="utf-8"))["package"]
    if found != crate.checksum:
        raise CannotFetch(
            f"{crate.label} was fetched with the checksum {found}, but crates.toml has {crate.checksum}.",
            "Somebody changed the package or the list: compare both before you go on.",
        )
    licence = manifest_of(package)["package"].get("license", "")
    if not is_free(licence):
        raise CannotFetch(
            f'{crate.label} is published under "{licence}", which is none of the free licences.',
            "Take it out of crates.toml.",
        )
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="keeping-") as scratch:
        copy = Path(scratch) / place.name
        for pattern in NEEDED:
            for path in sorted(package.rglob(pattern)):
                if path.is_file() and path.relative_to(package).parts[0] not in {"tests", "benches", "examples"}:
                    target = copy / path.relative_to(package)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target)
        copy.rename(place)


def manifest_of(folder: Path) -> Mapping[str, Any]:
    """A crate's own manifest."""
    return tomllib.loads((folder / "Cargo.toml").read_text(encoding="utf-8"))
