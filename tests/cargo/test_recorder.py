"""What is recorded, what is really compiled, when it is recorded again, and what never reaches the disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fixture_projects import materialise

from cargo.projects import SETTINGS, codes, places_in, single_package, write_project
from sleepy_agent.cargo.recorder import failing_build_scripts
from sleepy_agent.cargo.session import CheckSession
from sleepy_agent.cargo.workspace import parse_metadata
from sleepy_agent.config import Places, Settings
from sleepy_agent.process import CancelToken

SECRET = "hunter2-is-nobody's-business"
SCRIPT = 'fn main() {\n    println!("cargo::rustc-env=MADE=1");\n}\n'
RED = 'pub const MADE: &str = env!("MADE");\npub fn wrong() -> u32 {\n    1u8\n}\n'
FEATURES = "\n[features]\nextra = []\n"


def records(root: Path, places: Places, settings: Settings = SETTINGS) -> bool:
    """Whether opening and checking the project makes a recording; the problems are always the same."""
    stages: list[str] = []
    with CheckSession.open(root, places, settings, CancelToken(), stages.append) as session:
        assert codes(session.check()) == ["E0308"]
    return any(stage.startswith("recording") for stage in stages)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = single_package(tmp_path / "one", RED, {"build.rs": SCRIPT})
    manifest = root / "Cargo.toml"
    manifest.write_text(manifest.read_text() + FEATURES)
    assert records(root, places_in(tmp_path / "places"))
    return root


def change_source(root: Path) -> None:
    write_project(root, {"src/lib.rs": RED + "\n// changed\n"})


def change_manifest(root: Path) -> None:
    manifest = root / "Cargo.toml"
    manifest.write_text(manifest.read_text().replace("extra = []", "extra = []\nmore = []"))


def change_lock(root: Path) -> None:
    lock = root / "Cargo.lock"
    lock.write_text("# changed by hand\n" + lock.read_text())


def change_build_script(root: Path) -> None:
    write_project(root, {"build.rs": SCRIPT + "// changed\n"})


def add_configuration(root: Path) -> None:
    write_project(root, {".cargo/config.toml": '[build]\nrustflags = ["--cfg", "mine"]\n'})


def nothing(root: Path) -> None:
    """The second time is like the first."""


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (nothing, False),
        (change_source, False),
        (change_manifest, True),
        (change_lock, True),
        (change_build_script, True),
        (add_configuration, True),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_it_is_recorded_again_when_cargo_would_ask_for_something_else(
    change: Callable[[Path], None], again: bool, project: Path, tmp_path: Path
) -> None:
    change(project)
    assert records(project, places_in(tmp_path / "places")) == again
    assert not records(project, places_in(tmp_path / "places"))


def test_flags_and_features_are_another_recording(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = places_in(tmp_path / "places")
    assert records(project, places, replace(SETTINGS, features=("extra",)))
    monkeypatch.setenv("RUSTFLAGS", "--cfg theirs")
    assert records(project, places)
    assert not records(project, places)


def test_a_build_script_that_is_gone_is_forgotten(project: Path, tmp_path: Path) -> None:
    """Its call must not be replayed for ever."""
    (project / "build.rs").unlink()
    write_project(project, {"src/lib.rs": RED.replace('env!("MADE")', '"1"')})
    assert records(project, places_in(tmp_path / "places"))


def test_the_users_environment_never_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", SECRET)
    root = single_package(tmp_path / "one", RED, {"build.rs": SCRIPT})
    places = places_in(tmp_path / "places")
    assert records(root, places)
    files = [path for path in places.cache.rglob("*") if path.is_file() and not path.is_symlink()]
    assert files and not [path for path in files if SECRET.encode() in path.read_bytes()]
    (wrapper,) = places.cache.rglob("wrapper.json")
    assert wrapper.read_text() == "{}"


def test_only_what_others_run_or_load_is_really_compiled(tmp_path: Path) -> None:
    root = materialise("unclean_upstream_in_build_dependency", tmp_path)
    with CheckSession.open(root, places_in(tmp_path / "places"), SETTINGS, CancelToken()) as session:
        real = {unit.crate_name for unit in session.recording.units if unit.is_really_compiled}
        assert "tables" in real
        assert all(unit.is_really_compiled == ("link" in str(unit.arguments)) for unit in session.recording.units)


def test_macros_that_read_the_source_are_left_to_cargo(tmp_path: Path) -> None:
    root = materialise("proc_macro_reading_source", tmp_path)
    with CheckSession.open(root, places_in(tmp_path / "places"), SETTINGS, CancelToken()) as session:
        problems = session.check()
        assert {problem.package for problem in problems} <= session.recording.untrusted_packages
        suggestion = problems[0].diagnostic.suggestions[0]
        trial = session.try_edits(suggestion.edits, problems)
        assert trial.method == "cargo"


def package(name: str, *, local: bool) -> dict[str, object]:
    return {
        "id": name,
        "name": name,
        "version": "1.0.0",
        "manifest_path": f"/{'p' if local else 'registry'}/{name}/Cargo.toml",
        "edition": "2021",
        "source": None if local else "registry+index",
        "dependencies": [],
        "features": {},
        "targets": [],
    }


def test_patched_packages_of_registry_crates_and_what_they_need_are_really_compiled() -> None:
    links = {"app": ["outer", "free"], "outer": ["patched"], "patched": ["below"], "below": [], "free": []}
    workspace = parse_metadata(
        {
            "workspace_members": ["app"],
            "workspace_root": "/p/app",
            "target_directory": "/p/app/target",
            "packages": [package(name, local=name != "outer") for name in links],
            "resolve": {
                "nodes": [{"id": name, "deps": [{"pkg": other} for other in others]} for name, others in links.items()]
            },
        }
    )
    assert workspace.depended_on_by_registry == {Path("/p/patched"), Path("/p/below")}


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        ("", []),
        (
            "error: failed to run custom build command for `p v0.1.0 (/x)`\n\nCaused by:\n  it ended\n  --- stderr\n\n"
            "  thread 'main' panicked at build.rs:1:12:\n  no libfoo\n  note: run with",
            ["the build script of p fails: no libfoo"],
        ),
        ("error: failed to run custom build command for `p v0.1.0`\n", ["the build script of p fails"]),
    ],
    ids=["none", "with a reason", "without a reason"],
)
def test_what_a_failing_build_script_says(stderr: str, said: list[str]) -> None:
    assert failing_build_scripts(stderr) == said
