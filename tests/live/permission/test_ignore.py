"""`.sleepyignore`, held against git's own reading of the same lines."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sleepy_agent.live.permission.ignore import IGNORE_FILE_NAME, IgnoreFiles

FILES = (
    "main.rs",
    "build.rs",
    "src/lib.rs",
    "src/main.rs",
    "src/gen/mod.rs",
    "src/gen/keep.rs",
    "src/gen/deep/a.rs",
    "gen/a.rs",
    "gen/keep.rs",
    "other/src/lib.rs",
    "a b.rs",
    "#odd.rs",
    "!odd.rs",
)


def plant(root: Path, ignore_files: Mapping[str, bytes]) -> None:
    """A tree of FILES with the given ignore files (folder -> content)."""
    for name in FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    for folder, content in ignore_files.items():
        (root / folder / IGNORE_FILE_NAME).write_bytes(content)


def ignored_by_git(root: Path) -> frozenset[str]:
    """What git ignores when it reads our files in place of its own."""
    environment = {**os.environ, "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    if not (root / ".git").exists():
        subprocess.run(["git", "init", "-q"], cwd=root, env=environment, check=True)
    command = ["git", "ls-files", "-z", "--others", "--ignored", f"--exclude-per-directory={IGNORE_FILE_NAME}"]
    listed = subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True).stdout.decode()
    return frozenset(listed.split("\0")) & frozenset(FILES)


def ignored_by_sleepy(root: Path) -> frozenset[str]:
    ignore_files = IgnoreFiles()
    return frozenset(name for name in FILES if ignore_files.ignoring_file(root / name, root))


@pytest.mark.parametrize(
    ("ignore_files", "expected"),
    [
        ({}, set()),
        ({"": b""}, set()),
        ({"": b"# a comment\n\n"}, set()),
        ({"": b"build.rs\n"}, {"build.rs"}),
        ({"": b"\xef\xbb\xbfbuild.rs\n"}, {"build.rs"}),
        ({"": b"build.rs\r\nmain.rs\r\n"}, {"build.rs", "main.rs", "src/main.rs"}),
        ({"": b"/main.rs"}, {"main.rs"}),
        ({"": b"gen/"}, {"src/gen/mod.rs", "src/gen/keep.rs", "src/gen/deep/a.rs", "gen/a.rs", "gen/keep.rs"}),
        ({"": b"/gen"}, {"gen/a.rs", "gen/keep.rs"}),
        # Nothing in an ignored folder comes back, what an ignored pattern of files caught does.
        ({"": b"/gen/\n!/gen/keep.rs"}, {"gen/a.rs", "gen/keep.rs"}),
        ({"": b"/gen/*\n!/gen/keep.rs"}, {"gen/a.rs"}),
        ({"": b"src/**/a.rs"}, {"src/gen/deep/a.rs"}),
        ({"": b"lib.rs", "other": b"!lib.rs"}, {"src/lib.rs"}),
        ({"": b"!lib.rs", "other": b"lib.rs"}, {"other/src/lib.rs"}),
        ({"src": b"/gen"}, {"src/gen/mod.rs", "src/gen/keep.rs", "src/gen/deep/a.rs"}),
        ({"src/gen": b"*.rs\n!keep.rs"}, {"src/gen/mod.rs", "src/gen/deep/a.rs"}),
        (
            {"": b"gen\n", "src/gen": b"!*"},
            {"src/gen/mod.rs", "src/gen/keep.rs", "src/gen/deep/a.rs", "gen/a.rs", "gen/keep.rs"},
        ),
        ({"": b"a b.rs\n"}, {"a b.rs"}),
        ({"": b"\\#odd.rs\n\\!odd.rs\n"}, {"#odd.rs", "!odd.rs"}),
        # Lines that are no patterns say nothing.
        ({"": b"!\n\\\n[z-a]x\nbuild.rs"}, {"build.rs"}),
    ],
)
def test_what_is_ignored(ignore_files: dict[str, bytes], expected: set[str], tmp_path: Path) -> None:
    plant(tmp_path, ignore_files)
    assert ignored_by_sleepy(tmp_path) == expected
    assert ignored_by_git(tmp_path) == expected


LINES = st.lists(
    st.sampled_from(
        (
            "gen",
            "gen/",
            "/gen",
            "/gen/",
            "/gen/*",
            "src/gen",
            "src/*",
            "*.rs",
            "a.rs",
            "keep.rs",
            "/src",
            "**/gen/*.rs",
            "*",
            "*/",
            "/*",
            "**",
            "gen/**",
            "deep",
        )
    ).flatmap(lambda line: st.sampled_from((line, f"!{line}"))),
    max_size=5,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at_root=LINES, in_source=LINES, in_generated=LINES)
def test_any_lines_mean_what_they_mean_to_git(
    at_root: list[str], in_source: list[str], in_generated: list[str], tmp_path: Path
) -> None:
    contents = {"": at_root, "src": in_source, "src/gen": in_generated}
    plant(tmp_path, {folder: "\n".join(lines).encode() for folder, lines in contents.items()})
    assert ignored_by_sleepy(tmp_path) == ignored_by_git(tmp_path)


def test_the_answer_names_the_file_that_decides(tmp_path: Path) -> None:
    plant(tmp_path, {"": b"main.rs", "src": b"lib.rs"})
    ignore_files = IgnoreFiles()
    assert ignore_files.ignoring_file(tmp_path / "src/lib.rs", tmp_path) == tmp_path / "src" / IGNORE_FILE_NAME
    assert ignore_files.ignoring_file(tmp_path / "src/main.rs", tmp_path) == tmp_path / IGNORE_FILE_NAME
    assert ignore_files.ignoring_file(tmp_path / "src/not_there_yet.rs", tmp_path) is None


def test_a_file_is_read_again_when_it_was_made_changed_or_deleted(tmp_path: Path) -> None:
    plant(tmp_path, {})
    ignore_files = IgnoreFiles()
    subject, file = tmp_path / "src/lib.rs", tmp_path / IGNORE_FILE_NAME

    def is_ignored() -> bool:
        return ignore_files.ignoring_file(subject, tmp_path) is not None

    assert not is_ignored()
    file.write_text("lib.rs\n", encoding="utf-8")
    assert is_ignored()
    file.write_text("# lib.rs\n", encoding="utf-8")
    assert not is_ignored()
    file.write_text("lib.rs", encoding="utf-8")
    assert is_ignored()
    file.unlink()
    assert not is_ignored()


def test_files_above_the_root_do_not_count_and_neither_do_paths_outside(tmp_path: Path) -> None:
    plant(tmp_path, {"": b"*.rs", "src": b""})
    ignore_files = IgnoreFiles()
    assert ignore_files.ignoring_file(tmp_path / "src/lib.rs", tmp_path / "src") is None
    assert ignore_files.ignoring_file(tmp_path / "main.rs", tmp_path / "src") is None


def test_a_root_that_is_reached_through_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    plant(real, {"": b"lib.rs"})
    (tmp_path / "link").symlink_to(real)
    assert IgnoreFiles().ignoring_file(tmp_path / "link/src/lib.rs", real) == real / IGNORE_FILE_NAME
