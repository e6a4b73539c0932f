"""The crates that held-back programs use: serde's from the registry, and the invented ones that stand here as source.

They are built once into the cache, outside of any checkout, so that rustc can be asked about many programs at a time.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

from sleepy_agent.cargo.toolchain import cargo_build_environment
from sleepy_agent.config import find_places
from sleepy_agent.errors import SleepyError
from sleepy_agent.koans.packages import inline_table
from sleepy_agent.koans.records import koans_folder, read_koans
from sleepy_agent.process import CancelToken, ProcessOutcome, run_process

__all__ = ["INVENTED", "CannotBuild", "Externs", "built_externs", "externs_folder", "requirements_of"]

INVENTED: Final = ("house", "ledger")
"""Crates of this package: each a folder with its manifest and its source."""
LONGEST_BUILD_SECONDS: Final = 900.0
_HEAD: Final = (
    '[package]\nname = "held-back-crates"\nversion = "0.0.0"\nedition = "2021"\n\n[workspace]\n\n[dependencies]\n'
)


class CannotBuild(SleepyError):
    """The crates that held-back programs use cannot be had or built."""


@dataclass(frozen=True, slots=True)
class Externs:
    """What rustc must be told so that programs may use some crates."""

    words: tuple[str, ...]


def externs_folder() -> Path:
    """Where the crates are built: in the cache, so outside of any checkout."""
    return find_places().cache / "pretrain-held-back"


def requirements_of(names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The lines of a manifest's `[dependencies]` for these crates; paths are relative to this package's folder."""
    known: Mapping[str, Mapping[str, object]] = read_koans(koans_folder()).requirements
    return tuple((name, inline_table({"path": name} if name in INVENTED else known[name])) for name in names)


def built_externs(names: Sequence[str], folder: Path, cancel: CancelToken) -> Externs:
    """Build these crates in `folder`, where what is built already stays; nothing is asked of the network while all is
    here. Raises CannotBuild or Interrupted."""
    if not names:
        return Externs(())
    place = folder / "-".join(names)
    (place / "src").mkdir(parents=True, exist_ok=True)
    (place / "src" / "lib.rs").write_text("", encoding="utf-8")
    for name in INVENTED:
        if name in names:
            with as_file(files(__package__) / name) as source:
                shutil.copytree(source, place / name, dirs_exist_ok=True, copy_function=copy_changed)
    lines = "".join(f"{name} = {line}\n" for name, line in requirements_of(names))
    (place / "Cargo.toml").write_text(_HEAD + lines, encoding="utf-8")
    outcome = cargo_build(place, ["--offline"], cancel)
    if not outcome.succeeded:
        outcome = cargo_build(place, [], cancel)
    if not outcome.succeeded:
        words = re.sub(r"\s+", " ", outcome.stderr.decode(errors="replace")).strip()[-300:]
        raise CannotBuild(
            f'The crates {", ".join(names)} could not be built: cargo says "{words or "nothing"}".',
            "Run the same command again where the registry can be reached; what was fetched once is kept.",
        )
    return Externs(("-L", f"dependency={place / 'target' / 'debug' / 'deps'}", *extern_words(outcome.stdout, names)))


def copy_changed(source: str, target: str) -> str:
    """Copy a file where its content is another one: cargo builds again what looks newer."""
    content = Path(source).read_bytes()
    if not Path(target).is_file() or Path(target).read_bytes() != content:
        Path(target).write_bytes(content)
    return target


def cargo_build(place: Path, options: Sequence[str], cancel: CancelToken) -> ProcessOutcome:
    outcome = run_process(
        ["cargo", "build", "--quiet", "--message-format=json", *options],
        cwd=place,
        environment=cargo_build_environment(place / "target") | {"CARGO_TARGET_DIR": str(place / "target")},
        timeout_seconds=LONGEST_BUILD_SECONDS,
        cancel=cancel,
    )
    cancel.raise_if_cancelled()
    return outcome


def extern_words(output: bytes, names: Sequence[str]) -> list[str]:
    """`--extern` for each library that cargo says it has built, in the order of the names."""
    found: dict[str, str] = {}
    for line in output.splitlines():
        said: dict[str, Any] = json.loads(line) if line.startswith(b"{") else {}
        if said.get("reason") == "compiler-artifact" and said["target"]["name"] in names:
            library = next((one for one in said["filenames"] if one.endswith(".rlib")), None)
            if library is not None:
                found[said["target"]["name"]] = library
    return [word for name in names for word in ("--extern", f"{name}={found[name]}")]
