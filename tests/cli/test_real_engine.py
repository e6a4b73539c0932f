"""The command line with the real engine: bad input is one sentence, a remedy, exit 2, and an unharmed tree."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sleepy_agent.cli.main import main


def new_crate(folder: Path, body: str) -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(
        '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n', encoding="utf-8"
    )
    (folder / "src" / "lib.rs").write_text(body, encoding="utf-8")
    return folder


BROKEN = """\
pub fn total(prices: &[u32]) -> u32 {
    let sum = 0;
    for price in prices {
        sum += price;
    }
    sum
}
"""


def no_project(folder: Path) -> Path:
    return folder


def broken_manifest(folder: Path) -> Path:
    new_crate(folder / "p", BROKEN)
    (folder / "p" / "Cargo.toml").write_text("[package\n", encoding="utf-8")
    return folder / "p"


def toolchain_nobody_has(folder: Path) -> Path:
    new_crate(folder / "p", BROKEN)
    (folder / "p" / "rust-toolchain.toml").write_text('[toolchain]\nchannel = "1.2.3"\n', encoding="utf-8")
    return folder / "p"


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (no_project, (), "cargo"),
        (broken_manifest, (), "Cargo cannot read the project"),
        (toolchain_nobody_has, (), "toolchain"),
        (lambda folder: new_crate(folder / "p", BROKEN), ("--sources", "oracle"), "no source 'oracle'"),
    ],
    ids=["no cargo project", "broken manifest", "no such toolchain", "unknown source"],
)
def test_bad_input(
    make: Callable[[Path], Path],
    options: tuple[str, ...],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = make(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main(["fix", "--apply", *options, str(project)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("sleepy: ")
    assert message in lines[0]
    assert len(lines) == 2, lines
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_no_cargo_on_path(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    project = new_crate(tmp_path / "p", BROKEN)
    empty = tmp_path / "bin"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    assert main(["fix", "--apply", str(project)]) == 2
    assert "toolchain" in capsys.readouterr().err


def test_from_red_to_green_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = new_crate(tmp_path / "p", BROKEN)
    source = project / "src" / "lib.rs"
    assert main(["fix", "--json", str(project)]) == 0
    dry = json.loads(capsys.readouterr().out)
    assert dry["green"] and dry["dry_run"]
    assert source.read_text(encoding="utf-8") == BROKEN
    assert main(["fix", "--apply", str(project)]) == 0
    assert "All green: 1 problem fixed" in capsys.readouterr().out
    assert "let mut sum" in source.read_text(encoding="utf-8")
    assert main(["log", str(project)]) == 0
    assert "sleepy fix --apply" in capsys.readouterr().out
    assert main(["undo", str(project)]) == 0
    assert source.read_text(encoding="utf-8") == BROKEN
    capsys.readouterr()
    assert main(["undo", str(project)]) == 2


def test_undo_refuses_what_has_changed_since(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = new_crate(tmp_path / "p", BROKEN)
    source = project / "src" / "lib.rs"
    assert main(["fix", "--apply", str(project)]) == 0
    source.write_text("// mine\n", encoding="utf-8")
    assert main(["undo", str(project)]) == 2
    assert "has changed since" in capsys.readouterr().err
    assert source.read_text(encoding="utf-8") == "// mine\n"


def test_a_store_that_cannot_be_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str], sleepy_home: Path) -> None:
    project = new_crate(tmp_path / "p", BROKEN)
    (sleepy_home / "state").write_text("a file where the folder should be", encoding="utf-8")
    assert main(["fix", "--apply", str(project)]) == 2
    assert "store" in capsys.readouterr().err
    assert (project / "src" / "lib.rs").read_text(encoding="utf-8") == BROKEN


def test_asking_needs_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert main(["fix", str(new_crate(tmp_path / "p", BROKEN))]) == 2
    assert "--apply" in capsys.readouterr().err
