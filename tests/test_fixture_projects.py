"""The fixture projects are what they say: each condition has one, each reports what it names, each fix compiles."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from fixture_projects import (
    CONDITIONS,
    FIXTURES,
    FIXTURES_FOLDER,
    FURTHER_CONDITIONS,
    load_fixture,
    materialise,
    reported_problems,
    write_expected,
)


@pytest.fixture(scope="session")
def target_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One target directory for all fixtures, so that serde is compiled once."""
    return tmp_path_factory.mktemp("fixture-target")


def test_every_condition_has_a_fixture_and_every_fixture_a_condition() -> None:
    assert sorted(load_fixture(name).condition for name in FIXTURES) == sorted(CONDITIONS + FURTHER_CONDITIONS)


def test_every_folder_is_a_fixture() -> None:
    assert sorted(path.name for path in FIXTURES_FOLDER.iterdir() if path.is_dir()) == FIXTURES


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_is_complete(name: str) -> None:
    """Green fixtures tell their outcome, red ones have none; only one has no lock."""
    fixture = load_fixture(name)
    assert fixture.problems
    assert bool(fixture.expected) == fixture.green
    assert (FIXTURES_FOLDER / name / "project/Cargo.lock").exists() == (fixture.condition != "no Cargo.lock")


@pytest.mark.parametrize("name", FIXTURES)
def test_rustc_reports_the_named_problems_and_accepts_the_expected_texts(
    name: str, tmp_path: Path, target_directory: Path
) -> None:
    fixture = load_fixture(name)
    root = materialise(name, tmp_path)
    assert reported_problems(root, target_directory) == fixture.problems
    if fixture.green:
        for file, content in fixture.expected.items():
            assert (root / file).read_bytes() != content, f"{file} is expected to change"
        write_expected(fixture, root)
        assert reported_problems(root, target_directory) == ()


def test_crlf_is_on_every_line(tmp_path: Path) -> None:
    broken = (materialise("crlf_line_ends", tmp_path) / "src/lib.rs").read_bytes()
    expected = load_fixture("crlf_line_ends").expected["src/lib.rs"]
    for content in (broken, expected):
        assert content.count(b"\n") == content.count(b"\r\n") > 5


def test_the_byte_order_mark_comes_first(tmp_path: Path) -> None:
    broken = (materialise("byte_order_mark", tmp_path) / "src/lib.rs").read_bytes()
    expected = load_fixture("byte_order_mark").expected["src/lib.rs"]
    for content in (broken, expected):
        assert content.startswith(b"\xef\xbb\xbf") and content.count(b"\xef\xbb\xbf") == 1


def test_nobody_may_write_the_read_only_file(tmp_path: Path) -> None:
    mode = (materialise("read_only_file", tmp_path) / "src/vendored.rs").stat().st_mode
    assert not mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def test_the_symlink_leaves_the_root(tmp_path: Path) -> None:
    root = materialise("symlink_leaving_the_root", tmp_path)
    link = root / "src/shared.rs"
    assert link.is_symlink() and link.exists()
    assert not link.resolve().is_relative_to(root.resolve())


def test_the_toolchain_file_names_the_toolchain_in_use(tmp_path: Path) -> None:
    text = (materialise("toolchain_file", tmp_path) / "rust-toolchain.toml").read_text(encoding="utf-8")
    assert text.startswith("[toolchain]\nchannel = ") and os.linesep not in text.strip().split("\n", 1)[1]


def test_the_repeated_errors_are_two_thousand() -> None:
    assert len(load_fixture("two_thousand_errors").problems) == 2_000
