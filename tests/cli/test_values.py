"""How option values are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sleepy_agent.cli.values import counted, display_root, read_codes, read_duration, read_files, split_commas
from sleepy_agent.errors import BadUsage


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30), ("2m", 120), ("1.5m", 90), ("1h", 3600), ("90d", 90 * 86400), ("7", 7), (" 3 s ", 3)],
)
def test_durations(text: str, seconds: float) -> None:
    assert read_duration(text, "--budget") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "-3s", "0s", "3 fortnights", "1s2", "s", "nan", "inf"])
def test_nonsense_durations(text: str) -> None:
    with pytest.raises(BadUsage) as caught:
        read_duration(text, "--budget")
    assert "--budget" in caught.value.message
    assert "30s" in caught.value.remedy


def test_lists_may_be_repeated_and_hold_commas() -> None:
    assert split_commas(["compiler, template", "memory,compiler", ""]) == ("compiler", "template", "memory")


def test_codes_are_capital_and_lints_stay() -> None:
    assert read_codes(["e0382,E0502", "clippy::needless_return"]) == {"E0382", "E0502", "clippy::needless_return"}


def test_files_must_exist(tmp_path: Path) -> None:
    file = tmp_path / "with,comma.rs"
    file.touch()
    assert read_files([str(file)]) == (file,)
    with pytest.raises(BadUsage, match="no such file"):
        read_files([str(tmp_path / "nothing.rs")])


def test_paths_are_shown_relative_to_the_outermost_project(tmp_path: Path) -> None:
    inner = tmp_path / "crates" / "a" / "src"
    inner.mkdir(parents=True)
    for folder in (tmp_path, inner.parent):
        (folder / "Cargo.toml").touch()
    assert display_root(inner) == tmp_path


def test_counted() -> None:
    assert [counted(0, "file"), counted(1, "file"), counted(2, "copy", "copies")] == ["0 files", "1 file", "2 copies"]
