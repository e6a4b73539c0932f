"""Small cargo projects, one for each condition that Sleepy has to work under.

A fixture is a folder under tests/fixtures:

    fixture.toml   condition, why, green, [[problem]]s as rustc reports them, [prepare]
    project/       the broken project, as git can hold it; outside path dependencies and link targets stand beside it
    expected/      where green: the changed files of `project/` after the fix

What git can't hold faithfully is prepared in the copy that a test works on (`materialise`), from the `[prepare]`
table of fixture.toml:

    crlf = [FILES]              every line of the file ends in CR LF
    byte_order_mark = [FILES]   the file starts with U+FEFF
    read_only = [FILES]         nobody may write the file (look at its mode: root may write everything)
    toolchain_file = true       rust-toolchain.toml names the toolchain that is in use
    [[prepare.symlink]]         link = PATH, target = PATH as it stands in the link
    [prepare.repeat]            file, count, broken, mended: `count` more lines, `{number}` counting them from 0000

The expected text of a manifest is one way to write it: compare manifests by what they mean.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FIXTURES_FOLDER: Final = Path(__file__).parent / "fixtures"
_PROJECT_FOLDER: Final = "project"
_EXPECTED_FOLDER: Final = "expected"

FIXTURES: Final[list[str]] = sorted(path.parent.name for path in FIXTURES_FOLDER.glob("*/fixture.toml"))

CONDITIONS: Final[tuple[str, ...]] = (
    "single crate",
    "workspace with a broken upstream",
    "path dependency outside the workspace",
    "build script with OUT_DIR",
    "proc macro crate",
    "derive macro",
    "`include_str!`",
    "`env!`",
    "`cfg` features",
    "edition 2015",
    "edition 2018",
    "edition 2021",
    "edition 2024",
    "tests/examples/benches/bins targets",
    "`#![deny(warnings)]`",
    "error inside a macro expansion",
    "module with `#[path]`",
    "CRLF",
    "BOM",
    "non-ASCII before the span",
    "read-only file",
    "symlink leaving the root",
    "generated file",
    "no Cargo.lock",
    "virtual manifest",
    "toolchain file",
    "2,000 errors at once",
)
"""The conditions that the project promised to have a fixture for."""

FURTHER_CONDITIONS: Final[tuple[str, ...]] = (
    "manifest: missing dependency",
    "manifest: missing feature",
    "manifest: wrong edition",
    "unclean upstream in a build dependency",
    "proc macro that reads the source",
    "adversarial",
)
"""What the design asks of the verifier beyond that list."""


@dataclass(frozen=True, slots=True, order=True)
class ReportedProblem:
    """Where rustc reports an error of a project: `file` is relative to its root, or starts with `$OUT_DIR`."""

    file: str
    line: int
    code: str
    """Empty where rustc gives none."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """One project, what is wrong with it, and what it should become."""

    name: str
    condition: str
    why: str
    green: bool
    """Whether a verified search over rustc's suggestions (and manifest candidates) can, and may, mend everything."""
    problems: tuple[ReportedProblem, ...]
    """What `cargo check --workspace --all-targets --keep-going` reports on the broken tree, sorted."""
    expected: Mapping[str, bytes]
    """The changed files after the fix, byte for byte, by their path relative to the project root."""
    prepare: Mapping[str, Any]


def load_fixture(name: str) -> Fixture:
    """Read tests/fixtures/NAME."""
    folder = FIXTURES_FOLDER / name
    document = tomllib.loads((folder / "fixture.toml").read_text(encoding="utf-8"))
    prepare = document.get("prepare", {})
    return Fixture(
        name=name,
        condition=document["condition"],
        why=document["why"],
        green=document["green"],
        problems=tuple(sorted(problem for table in document["problem"] for problem in _problems_of(table))),
        expected=_expected_files(folder, prepare),
        prepare=prepare,
    )


def materialise(name: str, tmp_path: Path) -> Path:
    """Copy a fixture into `tmp_path`, prepare it there, and return the root of its project."""
    fixture = load_fixture(name)
    copy = tmp_path / name
    ignored = shutil.ignore_patterns("fixture.toml", _EXPECTED_FOLDER, "target")
    # Not copy2: cargo tells by a file's age whether a target directory that several copies share is up to date.
    shutil.copytree(FIXTURES_FOLDER / name, copy, ignore=ignored, copy_function=shutil.copy)
    root = copy / _PROJECT_FOLDER
    for link in fixture.prepare.get("symlink", ()):
        (root / link["link"]).symlink_to(link["target"])
    for file in _rewritten_files(fixture.prepare):
        path = root / file
        path.write_bytes(_as_prepared(path.read_bytes(), file, fixture.prepare, "broken"))
    if fixture.prepare.get("toolchain_file", False):
        text = f'[toolchain]\nchannel = "{toolchain_in_use()}"\n'
        (root / "rust-toolchain.toml").write_text(text, encoding="utf-8")
    for file in fixture.prepare.get("read_only", ()):
        (root / file).chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    return root


def write_expected(fixture: Fixture, root: Path) -> None:
    """Put the expected files of a green fixture into a copy of its project."""
    for file, content in fixture.expected.items():
        (root / file).write_bytes(content)


def reported_problems(
    root: Path, target_directory: Path, arguments: tuple[str, ...] = ("--all-targets",)
) -> tuple[ReportedProblem, ...]:
    """What a plain `cargo check --workspace` says about a project, each error once, sorted.

    The network is never asked: what a lock names has been fetched before the tests start (`make test`).
    A failure that is no diagnostic of rustc (a manifest that can't be read, a missing package) raises.
    """
    command = ["cargo", "check", "--workspace", "--keep-going", "--offline", "--message-format=json", *arguments]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target_directory), "CARGO_TERM_COLOR": "never"}
    result = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    problems: set[ReportedProblem] = set()
    for line in result.stdout.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-message":
            package_root = Path(message["manifest_path"]).parent
            problems.update(_problems_in(message["message"], root, package_root))
    if result.returncode != 0 and not problems:
        raise AssertionError(f"cargo check failed without a diagnostic:\n{result.stderr}")
    return tuple(sorted(problems))


def toolchain_in_use() -> str:
    """A name under which rustup finds the toolchain that cargo runs with here, so that it downloads nothing."""
    if chosen := os.environ.get("RUSTUP_TOOLCHAIN"):
        return chosen
    try:
        result = subprocess.run(
            ["rustup", "show", "active-toolchain"], capture_output=True, text=True, encoding="utf-8", check=True
        )
        return result.stdout.split()[0]
    except (OSError, subprocess.CalledProcessError):
        # Without rustup nobody reads the file; the version is then as good a name as any.
        version = subprocess.run(["rustc", "--version"], capture_output=True, text=True, encoding="utf-8", check=True)
        return version.stdout.split()[1]


def _problems_of(table: Mapping[str, Any]) -> tuple[ReportedProblem, ...]:
    """One [[problem]] of fixture.toml. With `last_line`, it stands on every line from `line` to that one."""
    lines = range(table["line"], table.get("last_line", table["line"]) + 1)
    return tuple(ReportedProblem(table["file"], line, table["code"]) for line in lines)


def _problems_in(message: Mapping[str, Any], root: Path, package_root: Path) -> list[ReportedProblem]:
    """The error a rustc message speaks of, at its primary spans; none for warnings and closing remarks."""
    if message["level"] != "error":
        return []
    code = message["code"]["code"] if message["code"] else ""
    return [
        ReportedProblem(_shown_path(span["file_name"], root, package_root), span["line_start"], code)
        for span in message["spans"]
        if span["is_primary"]
    ]


def _shown_path(file_name: str, root: Path, package_root: Path) -> str:
    """The path of a span as fixture.toml writes it, the same on every machine.

    rustc's paths are relative to the workspace root, or to the package where that stands outside of it.
    """
    path = Path(file_name)
    if "out" in path.parts and path.is_absolute() and not path.is_relative_to(root):
        return f"$OUT_DIR/{path.name}"
    start = root if path.is_absolute() or (root / path).exists() else package_root
    return Path(os.path.relpath(start / path, root)).as_posix()


def _expected_files(folder: Path, prepare: Mapping[str, Any]) -> Mapping[str, bytes]:
    """The files of expected/, and those that only `[prepare]` makes."""
    expected_folder = folder / _EXPECTED_FOLDER
    sources = {
        path.relative_to(expected_folder).as_posix(): path
        for path in sorted(expected_folder.rglob("*"))
        if path.is_file()
    }
    if repeat := prepare.get("repeat"):
        sources.setdefault(repeat["file"], folder / _PROJECT_FOLDER / repeat["file"])
    return {file: _as_prepared(path.read_bytes(), file, prepare, "mended") for file, path in sources.items()}


def _rewritten_files(prepare: Mapping[str, Any]) -> list[str]:
    files = {*prepare.get("crlf", ()), *prepare.get("byte_order_mark", ())}
    if repeat := prepare.get("repeat"):
        files.add(repeat["file"])
    return sorted(files)


def _as_prepared(content: bytes, file: str, prepare: Mapping[str, Any], repeated: str) -> bytes:
    """The bytes of a file once `[prepare]` is done with it; `repeated` names the line that is repeated."""
    repeat = prepare.get("repeat", {})
    if repeat.get("file") == file:
        lines = (repeat[repeated].replace("{number}", f"{number:04}") for number in range(repeat["count"]))
        content += "".join(f"{line}\n" for line in lines).encode()
    if file in prepare.get("crlf", ()):
        content = content.replace(b"\n", b"\r\n")
    if file in prepare.get("byte_order_mark", ()):
        content = b"\xef\xbb\xbf" + content
    return content
