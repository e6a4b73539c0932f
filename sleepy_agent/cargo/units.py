"""A *unit* is one rustc call of cargo: a crate's library, its unit tests, a binary, an integration test, ...

Here is what a recorded call says, and the command that replays it elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sleepy_agent.cargo.overlay import mirrored, unmirrored
from sleepy_agent.cargo.rustc_wrapper import codegen_option, value_after


@dataclass(frozen=True, slots=True)
class Unit:
    """One recorded rustc call. Paths below the user's source roots are the user's; others lie in our target."""

    unit_id: str
    """Crate name and the suffix cargo gives its files: unique in a recording."""
    package: str
    package_folder: Path
    crate_name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    cwd: Path
    is_really_compiled: bool
    """Build scripts, procedural macros and what those depend on: cargo has run or loaded them."""
    depends_on: tuple[str, ...]
    """Ids of the units of this recording whose metadata this call reads (`--extern`)."""

    @property
    def is_test(self) -> bool:
        return "--test" in self.arguments

    @property
    def is_library(self) -> bool:
        kinds = set(",".join(value_after(list(self.arguments), "--crate-type")).split(","))
        return bool(kinds & {"lib", "rlib", "dylib", "cdylib", "staticlib", "proc-macro"}) and not self.is_test

    @property
    def is_procedural_macro(self) -> bool:
        return "proc-macro" in value_after(list(self.arguments), "--crate-type")

    @property
    def metadata_name(self) -> str:
        """File name of the metadata this unit leaves for those that depend on it."""
        return f"lib{self.unit_id}.rmeta"

    @property
    def label(self) -> str:
        """For people: "catalog", "catalog (tests)", "build script of catalog"."""
        if self.crate_name == "build_script_build":
            return f"build script of {self.package}"
        return f"{self.crate_name} (tests)" if self.is_test else self.crate_name


def units_from_calls(calls: Iterable[tuple[str, dict[str, Any]]], copy_root: Path | None) -> tuple[Unit, ...]:
    """Units, those that others depend on first, from the wrapper's files (name without suffix, content).

    `copy_root`: the mirror root of the copied tree that was recorded, or None when it was the user's own.
    """

    def user_path(text: str) -> str:
        return str(unmirrored(copy_root, Path(text))) if copy_root and text.startswith(str(copy_root)) else text

    by_output: dict[str, str] = {}
    raw: dict[str, dict[str, Any]] = {}
    for unit_id, call in calls:
        raw[unit_id] = call
        by_output[f"lib{unit_id}"] = unit_id
    units: dict[str, Unit] = {}
    for unit_id, call in raw.items():
        externs = [value.partition("=")[2] for value in value_after(call["arguments"], "--extern")]
        depends_on = [by_output[Path(path).stem] for path in externs if Path(path).stem in by_output]
        environment = {name: user_path(value) for name, value in call["environment"].items()}
        units[unit_id] = Unit(
            unit_id=unit_id,
            package=environment["CARGO_PKG_NAME"],
            package_folder=Path(environment["CARGO_MANIFEST_DIR"]),
            crate_name=call["crate_name"],
            arguments=tuple(user_path(argument) for argument in call["arguments"]),
            environment=environment,
            cwd=Path(user_path(call["cwd"])),
            is_really_compiled=call["real"],
            depends_on=tuple(dict.fromkeys(depends_on)),
        )
    return tuple(sort_by_dependency(units))


def sort_by_dependency(units: Mapping[str, Unit]) -> list[Unit]:
    """Every unit behind those it depends on; otherwise libraries first, then by name, so that runs repeat."""
    ordered: dict[str, Unit] = {}

    def visit(unit: Unit) -> None:
        if unit.unit_id in ordered:
            return
        for dependency in unit.depends_on:
            visit(units[dependency])
        ordered[unit.unit_id] = unit

    for unit in sorted(units.values(), key=lambda unit: (unit.is_test, not unit.is_library, unit.unit_id)):
        visit(unit)
    return list(ordered.values())


@dataclass(frozen=True, slots=True)
class ReplayPlaces:
    """Where a replay reads and writes. `source_roots` are the user's folders that are mirrored."""

    mirror_root: Path
    source_roots: tuple[Path, ...]
    output_folder: Path
    incremental_folder: Path
    metadata_folders: tuple[Path, ...]
    """Folders with the metadata of workspace crates, the first that has a file wins."""


# Options of the recorded call that a replay sets itself; each takes a value.
REPLACED_OPTIONS = ("--emit", "--out-dir", "--error-format", "--json", "--diagnostic-width", "--color")


def replay_command(unit: Unit, places: ReplayPlaces, driver: list[str]) -> list[str]:
    """The recorded call, checking only, on the mirrored sources. `driver`: rustc, or clippy-driver and rustc."""

    def in_mirror(text: str) -> str:
        path = Path(text)
        inside = path.is_absolute() and any(path.is_relative_to(root) for root in places.source_roots)
        return str(mirrored(places.mirror_root, path)) if inside else text

    kept: list[str] = []
    skip_value = False
    for index, argument in enumerate(unit.arguments):
        if skip_value:
            skip_value = False
            continue
        name = argument.partition("=")[0]
        if name in REPLACED_OPTIONS:
            skip_value = "=" not in argument
            continue
        if argument == "-C" and unit.arguments[index + 1].startswith("incremental="):
            skip_value = True
            continue
        kept.append(in_mirror(argument))
    command = [*driver, *with_metadata_paths(kept, places.metadata_folders)]
    for folder in places.metadata_folders:
        command += ["-L", f"dependency={folder}"]
    command += [
        "--error-format=json",
        "--json=artifacts",
        "--emit=dep-info,metadata",
        "--out-dir",
        str(places.output_folder),
        "-C",
        f"incremental={places.incremental_folder}",
    ]
    for root in places.source_roots:
        command.append(f"--remap-path-prefix={mirrored(places.mirror_root, root)}={root}")
    return command


def with_metadata_paths(arguments: list[str], folders: tuple[Path, ...]) -> list[str]:
    """Point `--extern name=.../libname-hash.rmeta` at our own metadata of that crate, where there is some."""
    replaced = []
    for index, argument in enumerate(arguments):
        if index and arguments[index - 1] == "--extern" and argument.endswith(".rmeta"):
            name, _, path = argument.partition("=")
            found = next((folder / Path(path).name for folder in folders if (folder / Path(path).name).exists()), path)
            replaced.append(f"{name}={found}")
        else:
            replaced.append(argument)
    return replaced


def replay_environment(unit: Unit, places: ReplayPlaces, base: Mapping[str, str]) -> dict[str, str]:
    """The recorded environment over ours. The manifest folder is the mirrored one, so that macros which look
    there for files see the overlay."""
    environment = {**base, **unit.environment}
    for name in ("CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"):
        if name in environment:
            environment[name] = str(mirrored(places.mirror_root, Path(environment[name])))
    return environment


def parse_dependency_file(text: str) -> tuple[list[str], list[str]]:
    """Input files and environment variables of a `.d` file as rustc writes it (Makefile syntax, spaces escaped)."""
    files: dict[str, None] = {}
    variables = []
    for line in text.splitlines():
        if line.startswith("# env-dep:"):
            variables.append(line.removeprefix("# env-dep:").partition("=")[0])
        elif line.endswith(":") and ": " not in line:
            # Each input stands alone on a line of its own with nothing behind the colon.
            files[line[:-1].replace("\\ ", " ")] = None
    return list(files), variables


def suffix_of(arguments: Iterable[str]) -> str:
    """The suffix cargo gives to this call's files (`-C extra-filename`)."""
    return codegen_option(list(arguments), "extra-filename")
