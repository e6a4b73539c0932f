"""What cannot be worked with: one sentence, a remedy, exit code 2, and a tree as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cargo.projects import lock_of, manifest_of, places_in, single_package, tree_bytes, write_project
from sleepy_agent.cli.main import main

RED = "pub fn f() -> u32 {\n    1u8\n}\n"


def nothing(root: Path) -> None:
    root.mkdir()


def broken_manifest(root: Path) -> None:
    single_package(root, RED, {"Cargo.toml": "[package\n"})


def broken_lock(root: Path) -> None:
    single_package(root, RED, {"Cargo.lock": "version = 4\n[[package"})


def missing_path_dependency(root: Path) -> None:
    single_package(root, RED, {"Cargo.toml": manifest_of("one", 'gone = { path = "../gone" }')})


def missing_member(root: Path) -> None:
    write_project(root, {"Cargo.toml": '[workspace]\nmembers = ["gone"]\n'})


def missing_toolchain(root: Path) -> None:
    single_package(root, RED, {"rust-toolchain.toml": '[toolchain]\nchannel = "nightly-2019-01-01"\n'})


def no_targets(root: Path) -> None:
    write_project(root, {"Cargo.toml": manifest_of("one"), "Cargo.lock": lock_of("one")})


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (nothing, "There is no cargo project in"),
        (broken_manifest, "Cargo cannot read the project in"),
        (broken_lock, "Cargo cannot read the lock file of"),
        (missing_path_dependency, "names a package that is not there"),
        (missing_member, "names a package that is not there"),
        (missing_toolchain, "cannot be used"),
        (no_targets, "no targets specified"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_it_says_why_and_harms_nothing(
    make: Callable[[Path], None], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "project"
    make(root)
    before = tree_bytes(root)
    assert main(["fix", "--apply", str(root)]) == 2
    last = [line for line in capsys.readouterr().err.splitlines() if not line.endswith(" ...")]
    assert says in last[0] and last[0].startswith("sleepy: ")
    assert len(last) == 2 and last[1], "one sentence and one remedy"
    assert tree_bytes(root) == before


def test_without_cargo_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = single_package(tmp_path / "project", RED)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["fix", "--apply", str(root)]) == 2
    assert "No Rust toolchain was found" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["cache", "cache/workspaces", "state"])
def test_a_file_where_a_folder_should_be(
    place: str, tmp_path: Path, sleepy_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = single_package(tmp_path / "project", RED)
    before = tree_bytes(root)
    (sleepy_home / place).parent.mkdir(parents=True, exist_ok=True)
    (sleepy_home / place).write_text("a file")
    assert places_in(sleepy_home).cache == sleepy_home / "cache"
    assert main(["fix", "--apply", str(root)]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if not line.endswith(" ...")]
    assert len(said) == 2 and "traceback" not in said[0]
    assert tree_bytes(root) == before


def test_a_failing_build_script_is_never_green(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = 'fn main() {\n    panic!("no libfoo here")\n}\n'
    root = single_package(tmp_path / "project", "pub fn f() {}\n", {"build.rs": script})
    assert main(["fix", "--apply", str(root)]) == 1
    assert "the build script of one fails: no libfoo here" in capsys.readouterr().out
