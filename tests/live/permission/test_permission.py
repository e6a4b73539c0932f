"""For what no work is done, and the words for it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sleepy_agent.config import Places, Settings, find_places
from sleepy_agent.live.permission.ignore import IGNORE_FILE_NAME, IgnoreFiles
from sleepy_agent.live.permission.refusals import (
    Circumstances,
    Reason,
    is_target_directory,
    runs_on_battery,
    why_no_work,
)


class Battery:
    """A computer on or off its battery; counts how often it is asked."""

    def __init__(self, in_use: bool) -> None:
        self.in_use = in_use
        self.asked = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.in_use


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return find_places({"SLEEPY_HOME": str(tmp_path / "sleepy home")})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A workspace with one member, in a folder of its own."""
    root = tmp_path / "code" / "project"
    for name in ("Cargo.toml", "src/lib.rs", "member/Cargo.toml", "member/src/lib.rs", "target/debug/build/out.rs"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("", encoding="utf-8")
    return root


@pytest.fixture
def circumstances(places: Places, tmp_path: Path) -> Circumstances:
    return Circumstances(
        settings=Settings(),
        places=places,
        ignore_files=IgnoreFiles(),
        on_battery=Battery(in_use=False),
        environment={"CARGO_HOME": str(tmp_path / "cargo"), "RUSTUP_HOME": str(tmp_path / "rustup")},
    )


@pytest.mark.parametrize(
    "name", ["", "src/lib.rs", "Cargo.toml", "member", "member/src/lib.rs", "src/not_there_yet.rs"]
)
def test_the_users_own_code_is_worked_on(name: str, project: Path, circumstances: Circumstances) -> None:
    assert why_no_work(project / name, circumstances) is None


Change = Callable[[Circumstances, Path], Circumstances]


def with_settings(**values: object) -> Change:
    return lambda circumstances, _project: replace(circumstances, settings=Settings(**values))  # type: ignore[arg-type]


def with_file(name: str, text: str) -> Change:
    def change(circumstances: Circumstances, project: Path) -> Circumstances:
        (project / name).write_text(text, encoding="utf-8")
        return circumstances

    return change


def muted(circumstances: Circumstances, project: Path) -> Circumstances:
    return replace(circumstances, muted_files=frozenset({project / "src/lib.rs"}))


def on_battery(circumstances: Circumstances, _project: Path) -> Circumstances:
    return replace(circumstances, settings=Settings(on_battery="pause"), on_battery=Battery(in_use=True))


def untrusted(circumstances: Circumstances, _project: Path) -> Circumstances:
    return replace(circumstances, is_trusted=False)


def untrusted_folder(circumstances: Circumstances, project: Path) -> Circumstances:
    return replace(circumstances, settings=Settings(untrusted_folders=("/nowhere", str(project.parent))))


@pytest.mark.parametrize(
    ("change", "reason", "because"),
    [
        (untrusted, Reason.UNTRUSTED_BY_EDITOR, "does not trust"),
        (untrusted_folder, Reason.UNTRUSTED_FOLDER, "untrusted_folders"),
        (on_battery, Reason.ON_BATTERY, "on battery"),
        (with_file(IGNORE_FILE_NAME, "lib.rs"), Reason.IGNORED, IGNORE_FILE_NAME),
        (with_file(f"src/{IGNORE_FILE_NAME}", "*"), Reason.IGNORED, IGNORE_FILE_NAME),
        (muted, Reason.MUTED, "you muted"),
        (with_file(".cargo-checksum.json", "{}"), Reason.DEPENDENCY_SOURCES, "vendored"),
        (
            with_file("CACHEDIR.TAG", "# This file is a cache directory tag created by cargo."),
            Reason.GENERATED,
            "cargo",
        ),
        (with_file(".rustc_info.json", "{}"), Reason.GENERATED, "cargo"),
    ],
)
def test_a_file_that_is_left_alone(
    change: Change, reason: Reason, because: str, project: Path, circumstances: Circumstances
) -> None:
    file = project / "src/lib.rs"
    assert why_no_work(file, circumstances) is None
    refusal = why_no_work(file, change(circumstances, project))
    assert refusal is not None
    assert refusal.reason is reason
    assert because in refusal.because
    assert refusal.words == f"{refusal.because}. {refusal.remedy}"
    assert refusal.is_for_now is (reason is Reason.ON_BATTERY)


@pytest.mark.parametrize("change", [muted, with_file(IGNORE_FILE_NAME, "/src/lib.rs")])
def test_other_files_go_on(change: Change, project: Path, circumstances: Circumstances) -> None:
    changed = change(circumstances, project)
    assert why_no_work(project / "src/lib.rs", changed) is not None
    assert why_no_work(project / "member/src/lib.rs", changed) is None
    assert why_no_work(project, changed) is None


def test_a_cache_that_is_not_cargos_may_hold_a_project(project: Path, circumstances: Circumstances) -> None:
    (project.parent / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n", encoding="utf-8")
    assert why_no_work(project / "src/lib.rs", circumstances) is None


def test_a_file_of_no_project(tmp_path: Path, circumstances: Circumstances) -> None:
    lone = tmp_path / "lone.rs"
    lone.write_text("", encoding="utf-8")
    for path in (lone, tmp_path, tmp_path / "not there" / "a.rs"):
        refusal = why_no_work(path, circumstances)
        assert refusal is not None
        assert refusal.reason is Reason.NO_CARGO_PROJECT


@pytest.mark.parametrize(
    "place",
    ["cargo/registry/src/index/serde-1.0.0", "cargo/git/checkouts/x/1", "rustup/toolchains/s/lib/rustlib/src/std"],
)
def test_downloaded_sources_are_left_alone(place: str, tmp_path: Path, circumstances: Circumstances) -> None:
    folder = tmp_path / place
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text("", encoding="utf-8")
    refusal = why_no_work(folder / "src/lib.rs", circumstances)
    assert refusal is not None
    assert refusal.reason is Reason.DEPENDENCY_SOURCES


def test_the_usual_homes_count_where_no_variable_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, circumstances: Circumstances
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".cargo/registry/src/index/serde-1.0.0"
    folder.mkdir(parents=True)
    (folder / "Cargo.toml").write_text("", encoding="utf-8")
    refusal = why_no_work(folder / "lib.rs", replace(circumstances, environment={}))
    assert refusal is not None
    assert refusal.reason is Reason.DEPENDENCY_SOURCES


def test_a_copy_of_our_own_is_left_alone(project: Path, places: Places, circumstances: Circumstances) -> None:
    copy = places.cache / "copy"
    shutil.copytree(project, copy)
    refusal = why_no_work(copy / "src/lib.rs", circumstances)
    assert refusal is not None
    assert refusal.reason is Reason.GENERATED


def test_a_file_behind_a_link_is_judged_where_it_is(
    project: Path, tmp_path: Path, circumstances: Circumstances
) -> None:
    (tmp_path / "link").symlink_to(project)
    changed = replace(muted(circumstances, project), settings=Settings(untrusted_folders=(str(tmp_path / "link"),)))
    refusal = why_no_work(project / "src/lib.rs", changed)
    assert refusal is not None
    assert refusal.reason is Reason.UNTRUSTED_FOLDER
    refusal = why_no_work(tmp_path / "link/src/lib.rs", muted(circumstances, project))
    assert refusal is not None
    assert refusal.reason is Reason.MUTED


def test_ignore_files_count_from_the_given_root_on(project: Path, circumstances: Circumstances) -> None:
    (project / IGNORE_FILE_NAME).write_text("lib.rs", encoding="utf-8")
    assert why_no_work(project / "member/src/lib.rs", circumstances, project) is not None
    assert why_no_work(project / "member/src/lib.rs", circumstances, project / "member") is None


def test_the_battery_is_asked_only_where_it_matters(project: Path, circumstances: Circumstances) -> None:
    battery = Battery(in_use=True)
    working = replace(circumstances, on_battery=battery)
    assert why_no_work(project, working) is None
    assert battery.asked == 0
    pausing = replace(working, settings=Settings(on_battery="pause"))
    assert why_no_work(project, pausing) is not None
    battery.in_use = False
    assert why_no_work(project, pausing) is None


def test_this_computer_can_be_asked() -> None:
    assert runs_on_battery() in (True, False)


def test_what_cargo_builds_into_is_known_by_what_cargo_puts_there(tmp_path: Path) -> None:
    subprocess.run(["cargo", "new", "--quiet", "--vcs", "none", "p"], cwd=tmp_path, check=True)
    command = ["cargo", "check", "--quiet", "--offline", "--target-dir", "elsewhere"]
    subprocess.run(command, cwd=tmp_path / "p", check=True)
    assert is_target_directory(tmp_path / "p" / "elsewhere")
    assert not is_target_directory(tmp_path / "p")
    (tmp_path / "p" / "elsewhere" / ".rustc_info.json").unlink()
    assert is_target_directory(tmp_path / "p" / "elsewhere")
